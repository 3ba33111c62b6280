//! The script: what happens outside, step by step. Each step is decided on from the seed and from what there is; then it is done.

use crate::outside::{BRANCHES, FORESTS, GIT, News, Outside};
use anyhow::Context;
use elmo::domain::{GITHUB_HOOK, Message};
use elmo_queue::{Artifact, Task};
use elmo_upstream::git::{self, Onto};
use elmo_upstream::{Commit, Node, Publishing, Push};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    NewRepository { name: String, drafts: bool },
    Fork { from: String, to: String },
    Push { name: String },
    Amend { name: String },
    Strip { name: String },
    Remake { name: String },
    GitPush { branch: &'static str },
    GitForce { branch: &'static str },
    GitDelete { branch: &'static str },
    Result,
    Rerun { task: usize },
}

impl Step {
    /// For the report.
    pub fn kind(&self) -> &'static str {
        match self {
            Step::NewRepository { .. } => "new repositories",
            Step::Fork { .. } => "new forks",
            Step::Push { .. } => "pushes",
            Step::Amend { .. } => "amended changesets",
            Step::Strip { .. } => "strips",
            Step::Remake { .. } => "repositories made anew",
            Step::GitPush { .. } => "pushes to git",
            Step::GitForce { .. } => "force pushes to git",
            Step::GitDelete { .. } => "deleted branches of git",
            Step::Result => "results",
            Step::Rerun { .. } => "re-runs",
        }
    }

    /// The repository of which it destroys something: what nobody has seen until then, nobody can ever know.
    pub fn destroys_in(&self) -> Option<&str> {
        match self {
            Step::Amend { name } | Step::Strip { name } | Step::Remake { name } => Some(name),
            Step::GitForce { .. } | Step::GitDelete { .. } => Some(GIT),
            _ => None,
        }
    }

    /// The repository that it changes.
    pub fn repository(&self) -> Option<&str> {
        match self {
            Step::NewRepository { name, .. } | Step::Push { name } => Some(name),
            Step::Fork { to, .. } => Some(to),
            Step::GitPush { .. } => Some(GIT),
            other => other.destroys_in(),
        }
    }
}

/// A script, as far as it has been played.
pub struct Script {
    random: Rng,
    repositories: Vec<String>,
    drafts: BTreeSet<String>,
    tasks: Vec<Task>,
    /// The changesets of each push to Mercurial, as it was made.
    pub made: HashSet<BTreeSet<String>>,
    number: u64,
}

const LOCALES: &[&str] = &[
    "ar",
    "bg",
    "br",
    "ca",
    "cs",
    "cy",
    "da",
    "de",
    "el",
    "en-GB",
    "es-AR",
    "et",
    "eu",
    "fa",
    "fi",
    "fr",
    "ga-IE",
    "gl",
    "he",
    "hr",
    "hu",
    "id",
    "is",
    "it",
    "ja",
    "ja-JP-mac",
    "ka",
    "kk",
    "ko",
    "lt",
    "lv",
    "mk",
    "nb-NO",
    "nl",
    "pl",
    "pt-BR",
    "ro",
    "ru",
    "sk",
    "sl",
    "sq",
    "sr",
    "sv-SE",
    "th",
    "tr",
    "uk",
    "vi",
    "zh-CN",
    "zh-TW",
];
/// So many locales there are at most.
const MOST: usize = 24;
const STRINGS: &str = "https://hg.example.org/l10n/gecko-strings";

impl Script {
    /// The script of a seed.
    pub fn new(seed: u64) -> Script {
        let random = Rng::with_seed(seed);
        Script { random, repositories: Vec::new(), drafts: BTreeSet::new(), tasks: Vec::new(), made: HashSet::new(), number: 0 }
    }

    /// What happens next.
    pub fn next(&mut self, outside: &Outside) -> Step {
        if self.repositories.len() < 3 {
            return self.new_repository();
        }
        let name = self.repositories[self.random.usize(..self.repositories.len())].clone();
        let branch = BRANCHES[self.random.usize(..BRANCHES.len())];
        let (is_draft, has_branch) = (self.drafts.contains(&name), outside.git.tip(GIT, branch).is_some());
        let can_lose = outside.hg.pushes(&name).last().is_some_and(|push| !push.nodes.is_empty() && push.id > 1);
        match self.random.u32(..100) {
            0..8 => self.new_repository(),
            8..12 => self.fork(&name),
            12..18 if is_draft && can_lose => Step::Amend { name },
            18..22 if can_lose => Step::Strip { name },
            22..25 => Step::Remake { name },
            25..40 => Step::GitPush { branch },
            40..45 if has_branch => Step::GitForce { branch },
            45..47 if has_branch && branch != "main" => Step::GitDelete { branch },
            47..62 => Step::Result,
            62..68 if !self.tasks.is_empty() => Step::Rerun { task: self.random.usize(..self.tasks.len()) },
            _ => Step::Push { name },
        }
    }

    fn new_repository(&mut self) -> Step {
        let forest = FORESTS[0];
        let is_new = |locale: &&&str| !self.repositories.contains(&format!("{forest}/{locale}"));
        let new: Vec<&&str> = LOCALES.iter().take(MOST).filter(is_new).collect();
        if new.is_empty() {
            let name = self.repositories[self.random.usize(..self.repositories.len())].clone();
            return Step::Push { name };
        }
        let name = format!("{forest}/{}", new[self.random.usize(..new.len())]);
        Step::NewRepository { name, drafts: self.random.u32(..3) == 0 }
    }

    fn fork(&mut self, name: &str) -> Step {
        let to = name.replacen(FORESTS[0], FORESTS[1], 1);
        if to == name || self.repositories.contains(&to) {
            return Step::Push { name: name.to_owned() };
        }
        Step::Fork { from: name.to_owned(), to }
    }

    /// Lets it happen; gives what is said of it, in order.
    ///
    /// # Errors
    /// When a host does not do as asked.
    pub async fn play(&mut self, step: &Step, outside: &Outside) -> anyhow::Result<Vec<News>> {
        self.number += 1;
        self.played(step, outside).await.with_context(|| format!("could not play {step:?}"))
    }

    async fn played(&mut self, step: &Step, outside: &Outside) -> anyhow::Result<Vec<News>> {
        match step {
            Step::NewRepository { name, drafts } => self.create(name, *drafts, outside).await,
            Step::Fork { from, to } => {
                outside.hg.fork(from, to).await?;
                self.repositories.push(to.clone());
                Ok(vec![News::Hg(said(outside.hg.message_newrepo(to)?))])
            }
            Step::Push { name } => Ok(vec![self.push(name, outside).await?]),
            Step::Amend { name } => self.amend(name, outside).await,
            Step::Strip { name } => self.strip(name, outside).await,
            Step::Remake { name } => self.remake(name, outside).await,
            Step::GitPush { branch } => {
                let commits = self.git_commits();
                Ok(vec![hook(outside, &outside.git.push_at(GIT, branch, "flod", self.date(), commits).await?)])
            }
            Step::GitForce { branch } => self.git_force(branch, outside).await,
            Step::GitDelete { branch } => Ok(vec![hook(outside, &outside.git.delete_branch(GIT, branch, "flod").await?)]),
            Step::Result => Ok(vec![self.result(outside)]),
            Step::Rerun { task } => Ok(vec![self.rerun(*task, outside)]),
        }
    }

    async fn create(&mut self, name: &str, drafts: bool, outside: &Outside) -> anyhow::Result<Vec<News>> {
        let publishing = if drafts { Publishing::No } else { Publishing::Yes };
        outside.hg.create_with(name, publishing).await?;
        self.repositories.push(name.to_owned());
        if drafts {
            self.drafts.insert(name.to_owned());
        }
        let new = News::Hg(said(outside.hg.message_newrepo(name)?));
        Ok(vec![new, self.push(name, outside).await?, self.push(name, outside).await?])
    }

    async fn push(&mut self, name: &str, outside: &Outside) -> anyhow::Result<News> {
        let commits: Vec<Commit> = (0..self.random.u32(1..4)).map(|number| self.commit(number)).collect();
        let push = outside.hg.push(name, "flod@example.org", commits).await?;
        Ok(self.pushed(name, &push, outside)?)
    }

    fn pushed(&mut self, name: &str, push: &Push, outside: &Outside) -> elmo_upstream::Result<News> {
        self.made.insert(push.nodes.iter().map(Node::to_string).collect());
        Ok(News::Push(said(outside.hg.message_for_push(name, push)?)))
    }

    fn commit(&mut self, number: u32) -> Commit {
        let commit = Commit::new(format!("Übersetzung {} \"{number}\" \u{1f600}", self.number));
        let files = self.random.u32(1..4);
        (0..files).fold(commit, |commit, _| {
            let path = format!("browser/{}/{}.ftl", self.random.u32(..5), self.random.u32(..20));
            commit.file(path, format!("key = {} {number}\n", self.number))
        })
    }

    async fn amend(&mut self, name: &str, outside: &Outside) -> anyhow::Result<Vec<News>> {
        let tip = outside.hg.tip(name).context("there is a tip")?;
        let commit = self.commit(0);
        let (push, marker) = outside.hg.amend(name, tip, "flod@example.org", commit).await?;
        let push = self.pushed(name, &push, outside)?;
        Ok(vec![push, News::Hg(said(outside.hg.message_obsolete(name, &[marker])?))])
    }

    /// The last push goes away and another comes.
    async fn strip(&mut self, name: &str, outside: &Outside) -> anyhow::Result<Vec<News>> {
        let last = outside.hg.pushes(name).pop().context("there is a push")?;
        outside.hg.strip(name, &last.nodes[..1]).await?;
        Ok(vec![News::Push(said(outside.hg.message_without_pushes(name)?)), self.push(name, outside).await?])
    }

    async fn remake(&mut self, name: &str, outside: &Outside) -> anyhow::Result<Vec<News>> {
        outside.hg.recreate(name).await?;
        let push = self.push(name, outside).await?;
        Ok(vec![News::Push(said(outside.hg.message_newrepo(name)?)), push])
    }

    fn git_commits(&mut self) -> Vec<git::Commit> {
        let commit = |number: u32| {
            let path = format!("{}/{}.ftl", LOCALES[self.random.usize(..LOCALES.len())], self.random.u32(..10));
            git::Commit::new(format!("Commit {}.{number}", self.number)).file(path, format!("key = {} {number}\n", self.number))
        };
        (0..2).map(commit).collect()
    }

    /// Each push to git has a second of its own: notices of one second may be told in any order.
    fn date(&self) -> i64 {
        1_800_000_000 + i64::try_from(self.number).unwrap_or_default()
    }

    async fn git_force(&mut self, branch: &str, outside: &Outside) -> anyhow::Result<Vec<News>> {
        let first = outside.git.pushes(GIT).first().and_then(|push| push.after.clone()).context("there is a first push")?;
        let mut commits = self.git_commits();
        commits[0] = commits[0].clone().onto(Onto::Commit(first));
        Ok(vec![hook(outside, &outside.git.push_at(GIT, branch, "flod", self.date(), commits).await?)])
    }

    fn result(&mut self, outside: &Outside) -> News {
        let task = Task::new(u32::try_from(self.tasks.len()).unwrap_or_default());
        let task = task.artifact("public/elmo.json", Artifact::new(self.elmo_json(outside).to_string()));
        self.tasks.push(task.clone());
        announced(outside, &task)
    }

    fn rerun(&mut self, task: usize, outside: &Outside) -> News {
        let again = self.tasks[task].clone().rerun(Timestamp::now());
        let again = again.artifact("public/elmo.json", Artifact::new(self.elmo_json(outside).to_string()));
        self.tasks[task] = again.clone();
        announced(outside, &again)
    }

    /// Some locales, compared where they are now: as likely as not, before anybody has said so.
    fn elmo_json(&mut self, outside: &Outside) -> Value {
        let mut chosen: BTreeSet<String> = BTreeSet::new();
        for _ in 0..self.random.u32(1..4) {
            chosen.insert(self.repositories[self.random.usize(..self.repositories.len())].clone());
        }
        let compared = chosen.iter().filter_map(|name| Some((name, outside.hg.tip(name)?)));
        let comparisons: Vec<Value> = compared.map(|(name, tip)| self.comparison(&outside.hg.url_of(name), name, tip)).collect();
        json!({"version": "1.0", "compare-locales": "9.0.5", "repository": STRINGS, "comparisons": comparisons})
    }

    fn comparison(&self, url: &str, name: &str, tip: Node) -> Value {
        let (forest, locale) = name.split_once('/').expect("a forest and a locale");
        let strings = format!("{:040x}", self.number);
        let missing = self.number % 50;
        json!({
            "locale": locale, "config": format!("{forest}.toml"), "artifact": format!("compares/{forest}.{locale}.json"),
            "revisions": {url: tip.to_string(), STRINGS: strings},
            "summary": {"errors": 0, "warnings": 0, "missing": missing, "missing_w": 2 * missing, "report": 0, "obsolete": 0,
                        "changed": 30, "changed_w": 60, "unchanged": 10, "unchanged_w": 20, "keys": 1},
        })
    }
}

fn announced(outside: &Outside, task: &Task) -> News {
    outside.tasks.add(task.clone());
    News::Result { sent: outside.tasks.message(task), root: outside.root() }
}

fn said(message: elmo_upstream::Message) -> Message {
    Message { exchange: message.exchange.to_owned(), routing_key: message.routing_key, body: message.body, root: None }
}

/// GitHub's webhook about a push.
fn hook(outside: &Outside, push: &git::Push) -> News {
    let end = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "0".repeat(40));
    let body = json!({
        "ref": format!("refs/heads/{}", push.branch), "before": end(&push.before), "after": end(&push.after),
        "pusher": {"name": push.user}, "repository": {"id": 7, "html_url": outside.git.url_of(GIT), "pushed_at": push.date},
    });
    News::Hook(Message {
        exchange: GITHUB_HOOK.to_owned(),
        routing_key: "push".to_owned(),
        body: body.to_string().into_bytes(),
        root: None,
    })
}
