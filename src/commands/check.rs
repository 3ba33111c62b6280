//! `elmo check`: is everything reachable, allowed and configured? One line each.

use super::Outcome;
use super::out::{Out, many};
use super::parts::{queues, without_password};
use crate::config::{Config, GithubQueue};
use crate::domain::{Clock, RepositoryUrl, Vcs, in_full};
use crate::event::routing_key;
use crate::fetch::{Clones, GitClones, Http, heads, list};
use crate::pulse::{Subscription, probe};
use crate::store::Store;
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Is everything reachable, allowed and configured? One line each
#[derive(Args)]
pub(super) struct Check {
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// Less than this on the disk of the clones is worth a word, in bytes.
const LITTLE_SPACE: u64 = 1 << 30;

struct Report<'a> {
    out: &'a mut Out,
    json: bool,
    failed: bool,
}

impl Report<'_> {
    fn add(&mut self, what: &str, found: Result<String, String>) -> std::io::Result<()> {
        match found {
            Ok(text) => self.say(what, Some(true), &text),
            Err(text) => {
                self.failed = true;
                self.say(what, Some(false), &text)
            }
        }
    }

    fn not_tried(&mut self, what: &str) -> std::io::Result<()> {
        self.say(what, None, "not tried, since what comes before failed")
    }

    fn say(&mut self, what: &str, ok: Option<bool>, text: &str) -> std::io::Result<()> {
        if self.json {
            return self.out.json(&json!({"check": what, "ok": ok, "found": text}));
        }
        let word = ok.map_or("-", |ok| if ok { "ok" } else { "FAILED" });
        self.out.line(format_args!("{word:6} {what:11} {text}"))
    }
}

impl Check {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let mut report = Report { out, json: self.json, failed: false };
        check_brokers(&config, &mut report).await?;
        check_deployments(&config, &mut report).await?;
        let store = check_database(&config, &mut report).await?;
        let clones = Clones::new(&config.data, config.hg_program(), 0, config.clones());
        let hg = clones.hg_version().await.map(|version| format!("Mercurial {version}"));
        report.add("hg", hg.map_err(|error| format!("{} (setting hg.program)", in_full(&error))))?;
        let git = GitClones::new(&config.data, config.git_program(), config.git()).with_http(Http::new(config.http())?);
        let version = git.version().await.map(|version| format!("git {version}"));
        report.add("git", version.map_err(|error| format!("{} (setting git.program)", in_full(&error))))?;
        report.add("disk", check_disk(&config.data))?;
        if let Some(store) = store {
            check_github(&config, &store, &mut report).await?;
            check_upstreams(&Http::new(config.http())?, &git, &store, &mut report).await?;
        }
        Ok(if report.failed { Outcome::Found } else { Outcome::Done })
    }
}

/// The queue of pushes, and that of each deployment, which are on connections of their own.
async fn check_brokers(config: &Config, report: &mut Report<'_>) -> anyhow::Result<()> {
    let queues = config.hg_pushes().and_then(|pushes| Ok(std::iter::once(pushes).chain(config.tasks()?).collect::<Vec<_>>()));
    match queues {
        Ok(queues) => {
            for subscription in &queues {
                check_broker(subscription, report).await?;
            }
            Ok(())
        }
        Err(error) => Ok(report.add("broker", Err(error.to_string()))?),
    }
}

/// The queues of pushes to GitHub, where repositories there are followed: else nothing is declared.
async fn check_github(config: &Config, store: &Store, report: &mut Report<'_>) -> anyhow::Result<()> {
    for GithubQueue { subscription, hosts } in config.github_pushes().unwrap_or_default() {
        let mut keys = Vec::new();
        for host in &hosts {
            let followed = store.followed_at(host).await?;
            keys.extend(followed.iter().filter_map(|url| routing_key(&subscription.exchange, url)));
        }
        if !keys.is_empty() {
            check_broker(&Subscription { bindings: keys, ..subscription }, report).await?;
        }
    }
    Ok(())
}

async fn check_broker(subscription: &Subscription, report: &mut Report<'_>) -> anyhow::Result<()> {
    let probe = probe(subscription).await;
    let broker = format!("{:?}", subscription.broker);
    let connected = probe.connected.map(|result| result.map_err(|error| format!("{broker}: {}", in_full(&error))));
    match connected {
        Some(result) => report.add("broker", result.map(|()| broker))?,
        None => report.not_tried("broker")?,
    }
    let found = [
        ("exchange", probe.exchange, format!("{} is there", subscription.exchange)),
        ("rights", probe.rights, format!("may declare and bind queue/{}/…", subscription.broker.user)),
    ];
    for (what, result, good) in found {
        match result {
            Some(result) => report.add(what, result.map(|()| good).map_err(|error| in_full(&error)))?,
            None => report.not_tried(what)?,
        }
    }
    Ok(())
}

/// One request to the queue of each deployment.
async fn check_deployments(config: &Config, report: &mut Report<'_>) -> anyhow::Result<()> {
    for queue in queues(config, &Clock::of_this_machine())? {
        let found = queue.probe().await.map(|()| match queue.client() {
            Some(client) => format!("{} answers, and takes the credentials of {client}", queue.root()),
            None => format!("{} answers; without credentials, only what is under public/ can be read", queue.root()),
        });
        report.add("taskcluster", found.map_err(|error| format!("{}: {}", queue.root(), in_full(&error))))?;
    }
    Ok(())
}

async fn check_database(config: &Config, report: &mut Report<'_>) -> anyhow::Result<Option<Store>> {
    let url = config.database();
    std::fs::create_dir_all(&config.data).ok();
    match Store::open(&url).await {
        Ok(store) => {
            let totals = store.totals().await?;
            let repositories = many(totals.repositories, "repository", "repositories");
            let pushes = many(totals.pushes, "push", "pushes");
            let text = format!("{}: {repositories}, {pushes}, {} parked", without_password(&url), totals.parked);
            report.add("database", Ok(text))?;
            Ok(Some(store))
        }
        Err(error) => {
            report.add("database", Err(format!("{}: {}", without_password(&url), in_full(&error))))?;
            Ok(None)
        }
    }
}

fn check_disk(data: &Path) -> Result<String, String> {
    let shown = data.display();
    let attempt = data.join(format!(".check-{:08x}", fastrand::u32(..)));
    std::fs::create_dir_all(data)
        .and_then(|()| std::fs::write(&attempt, b""))
        .and_then(|()| std::fs::remove_file(&attempt))
        .map_err(|error| format!("{shown} cannot be written: {error}"))?;
    let space = rustix::fs::statvfs(data).map_err(|error| format!("{shown}: {error}"))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let text = format!("{shown}: {} free", indicatif::HumanBytes(free));
    if free < LITTLE_SPACE { Err(format!("{text}, that is little")) } else { Ok(text) }
}

/// One request to each forest and each host of repositories that are in no forest.
async fn check_upstreams(http: &Http, git: &GitClones, store: &Store, report: &mut Report<'_>) -> anyhow::Result<()> {
    for forest in store.forests().await?.into_iter().filter(|forest| !forest.archived) {
        let found = list(http, &forest.url)
            .await
            .map(|listed| format!("{} lists {}", forest.url, many(listed.locales.len(), "locale", "locales")));
        report.add("upstream", found.map_err(|error| in_full(&error)))?;
    }
    let mut alone: BTreeMap<String, (Vcs, RepositoryUrl)> = BTreeMap::new();
    for repository in
        store.repositories().await?.into_iter().filter(|repository| repository.forest.is_none() && !repository.archived)
    {
        alone.entry(repository.url.host().to_owned()).or_insert((repository.vcs, repository.url));
    }
    for (vcs, url) in alone.values() {
        let found = match vcs {
            Vcs::Mercurial => heads(http, url).await.map(|heads| many(heads.len(), "head", "heads")),
            Vcs::Git => git.ask(url).await.map(|host| many(host.branches.len(), "branch", "branches")),
        };
        let found = found.map(|heads| format!("{url} answers, {heads}"));
        report.add("upstream", found.map_err(|error| in_full(&error)))?;
    }
    Ok(())
}
