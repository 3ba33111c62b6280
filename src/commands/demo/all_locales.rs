//! The demo's own GitHub: one repository of git with a folder for each locale, worked on by several people.

use super::upstream::{LOCALIZERS, Localizer};
use crate::domain::{GITHUB_HOOK, LocaleRules, Message, NewRepository, RepositoryUrl, UrlRules, Vcs, WEEK};
use anyhow::Context;
use elmo_upstream::git::{Commit, Host, Push};
use jiff::Timestamp;
use serde_json::json;

const NAME: &str = "l10n/all-locales";
const BRANCH: &str = "main";
/// The tool by which most localizers work commits for all of them at once.
const TOOL: &str = "Pontoon <pontoon@example.org>";
const MAINTAINER: &str = "maintainer";
/// So many pushes lie before the demo, a week and a bit apart.
const PUSHES: usize = 5;
const BETWEEN_PUSHES: i64 = WEEK + 12_345;
/// So many locales are worked on in one push.
const TOGETHER: usize = 4;

/// The running host, and how much was pushed to it.
pub(super) struct AllLocales {
    host: Host,
    pushed: usize,
    pushes: Vec<Push>,
}

impl AllLocales {
    /// Makes the repository, with some weeks of history up to `now`, and serves it.
    pub(super) async fn make(now: Timestamp) -> anyhow::Result<AllLocales> {
        let host = Host::start().await.context("could not start the demo's git host")?;
        host.create(NAME).await?;
        let mut demo = AllLocales { host, pushed: 0, pushes: Vec::new() };
        let ago = |pushes: usize| Ok::<i64, anyhow::Error>(now.as_second() - i64::try_from(pushes)? * BETWEEN_PUSHES);
        let all = LOCALIZERS.iter().map(|localizer| beginning(localizer).date(now.as_second() - 6 * WEEK, "+0000"));
        demo.push(MAINTAINER, ago(PUSHES)?, all.collect()).await?;
        for number in (1..PUSHES).rev() {
            demo.push_work(ago(number)?).await?;
        }
        demo.rename_a_file(now.as_second() - 3600).await?;
        Ok(demo)
    }

    /// What is followed: the repository, and how its paths name locales.
    pub(super) fn followed(&self) -> anyhow::Result<(NewRepository, LocaleRules)> {
        let url = RepositoryUrl::parse(&self.host.url_of(NAME), UrlRules::OnlyHttp)?;
        let repository = NewRepository { vcs: Vcs::Git, ..NewRepository::at(NAME.parse()?, url) };
        Ok((repository, LocaleRules::of_pattern("{locale}/**")?))
    }

    /// What the repository is called.
    pub(super) const fn name(&self) -> &'static str {
        NAME
    }

    /// What the host's webhook told of so far.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.pushes.iter().map(|push| self.told(push)).collect()
    }

    /// Pushes a little work for some locales; gives the host's message about it.
    pub(super) async fn push_something(&mut self) -> anyhow::Result<Message> {
        let push = self.push_work(Timestamp::now().as_second()).await?;
        Ok(self.told(&push))
    }

    /// Pushes a change to the strings of a locale; gives its commit.
    pub(super) async fn push_change(&mut self, localizer: &Localizer, description: &str, at: i64) -> anyhow::Result<String> {
        let commit = Commit::new(description).author(localizer.author).date(at, "+0000");
        let commit = commit.file(format!("{}/toolkit/about.ftl", localizer.locale), localizer.fluent(4, 1));
        let push = self.push(&localizer.pusher(), at, vec![commit]).await?;
        push.after.context("the branch is there")
    }

    /// By turns localizers push their own work, and the tool pushes that of several, a commit each.
    async fn push_work(&mut self, at: i64) -> anyhow::Result<Push> {
        let number = self.pushed;
        let first = number * TOGETHER % LOCALIZERS.len();
        let by_tool = number.is_multiple_of(2);
        let localizers = LOCALIZERS.iter().cycle().skip(first).take(if by_tool { TOGETHER } else { 1 });
        let commits = localizers.map(|localizer| work(localizer, number, by_tool).date(at, "+0000")).collect();
        let pusher = if by_tool { "pontoon".to_owned() } else { LOCALIZERS[first].pusher() };
        self.push(&pusher, at, commits).await
    }

    /// The maintainer gives one file of all locales another name.
    async fn rename_a_file(&mut self, at: i64) -> anyhow::Result<()> {
        let commit = Commit::new("Bug 1860000 - Strings of the window belong to the browser").author("Maintainer <m@example.org>");
        let rename = |commit: Commit, localizer: &Localizer| {
            let locale = localizer.locale;
            commit.rename(format!("{locale}/toolkit/window.dtd"), format!("{locale}/browser/window.dtd"))
        };
        let commit = LOCALIZERS.iter().fold(commit.date(at, "+0000"), rename);
        self.push(MAINTAINER, at, vec![commit]).await.map(drop)
    }

    async fn push(&mut self, user: &str, at: i64, commits: Vec<Commit>) -> anyhow::Result<Push> {
        let push = self.host.push_at(NAME, BRANCH, user, at, commits).await?;
        self.pushed += 1;
        self.pushes.push(push.clone());
        Ok(push)
    }

    /// The webhook that tells of a push.
    fn told(&self, push: &Push) -> Message {
        let end = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "0".repeat(40));
        let body = json!({
            "ref": format!("refs/heads/{}", push.branch), "before": end(&push.before), "after": end(&push.after),
            "created": push.before.is_none(), "deleted": false, "forced": false, "pusher": {"name": push.user},
            "repository": {"id": 1, "full_name": NAME, "html_url": self.host.url_of(NAME), "pushed_at": push.date},
        });
        let (exchange, routing_key) = (GITHUB_HOOK.to_owned(), "push".to_owned());
        Message { exchange, routing_key, body: body.to_string().into_bytes(), root: None }
    }
}

/// All files of a locale as they were in the beginning.
fn beginning(localizer: &Localizer) -> Commit {
    let path = |file: &str| format!("{}/{file}", localizer.locale);
    Commit::new(format!("Import {}", localizer.locale))
        .author(localizer.author)
        .committer(TOOL)
        .file(path("browser/menubar.ftl"), localizer.fluent(20, 0))
        .file(path("browser/dialogs.properties"), localizer.properties(6))
        .file(path("browser/defines.inc"), format!("#filter emptyLines\n#define MOZ_LANGPACK_CREATOR {}\n", localizer.locale))
        .file(path("toolkit/window.dtd"), localizer.dtd())
}

/// A little work, a file or two.
fn work(localizer: &Localizer, number: usize, by_tool: bool) -> Commit {
    let path = |file: &str| format!("{}/{file}", localizer.locale);
    let commit = Commit::new(format!("Update {}: {}", localizer.locale, localizer.words[number % localizer.words.len()]));
    let commit = commit.author(localizer.author).file(path("browser/menubar.ftl"), localizer.fluent(20 + 2 * number, number));
    if by_tool {
        return commit.committer(TOOL);
    }
    commit.file(path("browser/dialogs.properties"), localizer.properties(6 + number))
}
