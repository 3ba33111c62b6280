//! `elmo demo`: an upstream of its own with real Mercurial repositories, a host of git beside it, and everything that follows them, on one
//! machine.
//!
//! Only the upstream is made up, and the Taskcluster that compares its locales. Messages go through a file into the same path as
//! those from Pulse, clones are pulled from a real `hg serve` and `git http-backend`, results fetched by HTTP, and the pages are the real ones.

mod all_locales;
mod deployment;
mod upstream;

use super::Outcome;
use super::consume::stop_on_signals;
use super::out::Out;
use super::parts::Parts;
use super::serve;
use crate::config::Config;
use crate::domain::{Clock, ForestName, Message, NewForest, NewRepository, RepositoryUrl, UrlRules};
use crate::ingest::Ingest;
use crate::sync::{Lanes, quiet};
use crate::web::Limits;
use all_locales::AllLocales;
use anyhow::{Context, bail, ensure};
use clap::Args;
use deployment::DemoDeployment;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use upstream::DemoUpstream;

/// The whole thing on data it makes itself, without a broker
#[derive(Args)]
pub(super) struct Demo {
    /// Do it without waiting, look at the pages, and end
    #[arg(long)]
    once: bool,
    /// Where to keep everything, in place of a folder that is removed at the end
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// How many seconds between pushes
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
}

/// A folder that goes away at the end, unless it was named.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

/// How long everything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);
const FOREST: &str = "l10n-central";
/// A task compares the locales after so many pushes.
const PUSHES_PER_TASK: u64 = 3;
/// Of so many pushes one goes to git.
const PUSHES_PER_GIT: u64 = 4;

impl Demo {
    pub(super) async fn run(self, mut config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let folder = Folder::make(self.keep.clone())?;
        let deployment = DemoDeployment::start().await?;
        config.use_folder(&folder.path.join("data"));
        config.use_deployment_here(deployment.root()?);
        out.line(format_args!("making a dozen Mercurial repositories and one of git in {}", folder.path.display()))?;
        let now = Clock::of_this_machine().now();
        let upstream = DemoUpstream::make(&folder.path.join("upstream"), config.hg_program(), now).await?;
        let mut all_locales = AllLocales::make(now).await?;
        upstream.mirror(&mut all_locales).await?;
        let parts = Parts::open(config, quiet()).await?;
        follow(&parts, &upstream, &all_locales).await?;
        replay(&parts.ingest(), &upstream.messages()?, &folder.path.join("messages.jsonl"), out).await?;
        parts.ingest().take(&all_locales.messages()).await?;
        let listener = self.listener(&parts).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let stop = stop_on_signals()?;
        let (lanes, pages) = (parts.lanes(), serve::pages(&parts.config, &parts.store, &parts.clock, None, None)?);
        let mut outside = Outside { upstream, all_locales, deployment };
        let story = async {
            let told = self.story(&parts, &lanes, &mut outside, &url, &stop, out).await;
            stop.cancel();
            told
        };
        let (served, (), told) =
            tokio::join!(serve::serve_on(listener, pages, Limits::default(), stop.clone()), lanes.run(stop.clone()), story);
        parts.close().await;
        served.and(told)?;
        Ok(Outcome::Done)
    }

    async fn listener(&self, parts: &Parts) -> anyhow::Result<TcpListener> {
        if self.once {
            return serve::listen("127.0.0.1:0", "a free port").await;
        }
        match serve::listen(parts.config.listen(), serve::WEB).await {
            Ok(listener) => Ok(listener),
            Err(_) => serve::listen("127.0.0.1:0", "a free port").await,
        }
    }

    async fn story(
        &self,
        parts: &Parts,
        lanes: &Lanes,
        outside: &mut Outside,
        url: &str,
        stop: &CancellationToken,
        out: &mut Out,
    ) -> anyhow::Result<()> {
        outside.compare_each_week(parts).await?;
        outside.compare(parts).await?;
        arrived(parts, stop).await?;
        if self.once {
            outside.push(parts, lanes).await?;
            outside.push_to_git(parts, lanes).await?;
            outside.compare(parts).await?;
            arrived(parts, stop).await?;
            look_at_pages(parts, url).await?;
            return sum_up(parts, out).await;
        }
        out.line(format_args!("open {url}/ in a browser; something is pushed every {} seconds; Ctrl-C ends it", self.every))?;
        for number in 1_u64.. {
            tokio::select! { () = tokio::time::sleep(Duration::from_secs(self.every)) => {}, () = stop.cancelled() => break }
            let to_git = number.is_multiple_of(PUSHES_PER_GIT);
            let repository = if to_git { outside.push_to_git(parts, lanes).await? } else { outside.push(parts, lanes).await? };
            out.line(format_args!("pushed to {repository}"))?;
            if number % PUSHES_PER_TASK == 0 {
                outside.compare(parts).await?;
                out.line(format_args!("a task compared all locales: {url}/runs"))?;
            }
        }
        Ok(())
    }
}

/// What the demo is about: the hosts of the repositories, and the Taskcluster that compares them.
struct Outside {
    upstream: DemoUpstream,
    all_locales: AllLocales,
    deployment: DemoDeployment,
}

impl Outside {
    /// Pushes something and lets the host's message arrive; gives the repository.
    async fn push(&mut self, parts: &Parts, lanes: &Lanes) -> anyhow::Result<String> {
        let message = self.upstream.push_something().await?;
        parts.ingest().take(std::slice::from_ref(&message)).await?;
        lanes.wake();
        Ok(message.routing_key)
    }

    /// The same for the repository of git.
    async fn push_to_git(&mut self, parts: &Parts, lanes: &Lanes) -> anyhow::Result<String> {
        let message = self.all_locales.push_something().await?;
        parts.ingest().take(&[message]).await?;
        lanes.wake();
        Ok(self.all_locales.name().to_owned())
    }

    /// At the end of each week a task compared all locales as they were then.
    async fn compare_each_week(&mut self, parts: &Parts) -> anyhow::Result<()> {
        let Outside { upstream, deployment, .. } = self;
        let compared = |(ended, standing): &(_, _)| deployment.compare_as_it_was(upstream, *ended, standing);
        let messages = upstream.past().iter().map(compared).collect::<anyhow::Result<Vec<Message>>>()?;
        super::messages::take_results(&parts.tasks()?, &messages).await
    }

    /// A task compares all locales, and the queue's message about it arrives, before the pushes or after them.
    async fn compare(&mut self, parts: &Parts) -> anyhow::Result<()> {
        let message = self.deployment.compare(&self.upstream)?;
        super::messages::take_results(&parts.tasks()?, &[message]).await
    }
}

async fn sum_up(parts: &Parts, out: &mut Out) -> anyhow::Result<()> {
    let totals = parts.store.totals().await?;
    let awaited = parts.store.awaited(parts.clock.now()).await?;
    let has_all = totals.failing == 0 && totals.behind == 0 && totals.parked == 0 && awaited.is_empty();
    ensure!(has_all, "not everything arrived: {totals:?} {awaited:?}");
    let (repositories, pushes, changesets, runs) = (totals.repositories, totals.pushes, totals.changesets, totals.runs);
    out.line(format_args!("{runs} runs of comparisons"))?;
    out.line(format_args!("demo: ok, {repositories} repositories, {pushes} pushes, {changesets} changesets"))?;
    Ok(())
}

async fn follow(parts: &Parts, upstream: &DemoUpstream, all_locales: &AllLocales) -> anyhow::Result<()> {
    let name: ForestName = FOREST.parse()?;
    let url = RepositoryUrl::parse(&upstream.url_of(FOREST), UrlRules::OnlyHttp)?;
    parts.store.add_forest(&NewForest { name, url, fork_of: None }).await?;
    let name = DemoUpstream::source_name().parse()?;
    let url = RepositoryUrl::parse(&upstream.source(), UrlRules::OnlyHttp)?;
    let source = NewRepository::at(name, url);
    parts.store.add_repository(&source, parts.clock.now()).await?;
    let (repository, rules) = all_locales.followed()?;
    parts.store.add_repository(&repository, parts.clock.now()).await?;
    let repository = parts.store.repository(&repository.name).await?.context("it was just added")?;
    parts.store.set_locale_rules(repository.id, &rules).await?;
    Ok(())
}

/// Writes the messages to a file and takes them from there.
async fn replay(ingest: &Ingest, messages: &[Message], file: &Path, out: &mut Out) -> anyhow::Result<()> {
    let mut written = std::fs::File::create(file).with_context(|| format!("could not write {}", file.display()))?;
    for message in messages {
        written.write_all(&message.body)?;
        written.write_all(b"\n")?;
    }
    drop(written);
    let taken = super::messages::read_file(file)?;
    ensure!(taken == messages, "what was read back from {} is not what was written", file.display());
    ingest.take(&taken).await?;
    out.line(format_args!("{} messages replayed from {}", taken.len(), file.display()))?;
    Ok(())
}

/// Waits until nothing is left to fetch.
async fn arrived(parts: &Parts, stop: &CancellationToken) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    while !stop.is_cancelled() && parts.store.unfinished().await? > 0 {
        if began.elapsed() > PATIENCE {
            bail!("repositories are still behind after {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Asks the server for its pages, as a visitor would.
async fn look_at_pages(parts: &Parts, url: &str) -> anyhow::Result<()> {
    let http = &parts.bringer.http;
    let pushes = parts.store.newest_pushes(1, 1).await?;
    let tip = pushes.first().and_then(|push| push.changesets.first()).context("there is no push")?;
    let mut pages = vec!["/".to_owned(), "/?format=json".to_owned(), "/source/pushes/".to_owned()];
    pages.extend(parts.store.repositories().await?.iter().map(|repository| format!("/source/pushes/{}", repository.name)));
    pages.push(format!("/source/changeset/{}", tip.revision));
    pages.push(format!("/source/changeset/{}?format=json", tip.revision.short()));
    pages.extend(["/runs", "/dashboard/", "/dashboard/?format=csv", "/teams/", "/teams/fr"].map(str::to_owned));
    pages.extend(parts.store.trees().await?.iter().map(|tree| format!("/trees/{}", tree.code)));
    for tree in parts.store.trees().await? {
        pages.push(format!("/dashboard/tree-status/{}", tree.code));
        pages.push(format!("/dashboard/history?tree={}&locale=fr", tree.code));
    }
    for page in pages {
        let body = http.get(&format!("{url}{page}")).await?;
        ensure!(!body.is_empty(), "{page} is empty");
    }
    for run in parts.store.newest_runs(i64::MAX, 1000).await? {
        let page = format!("/dashboard/compare?run={}", run.id);
        let body = http.get(&format!("{url}{page}")).await?;
        let body = String::from_utf8_lossy(&body);
        ensure!(body.contains("class=\"filter\"") || body.contains("nothing is wrong"), "{page} shows no details");
    }
    Ok(())
}

impl Folder {
    fn make(keep: Option<PathBuf>) -> anyhow::Result<Folder> {
        let temporary = keep.is_none();
        let path = keep
            .unwrap_or_else(|| std::env::temp_dir().join(format!("elmo-demo-{}-{:08x}", std::process::id(), fastrand::u32(..))));
        if path.join("upstream").exists() {
            bail!("{} holds an earlier demo; name another folder", path.display());
        }
        std::fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
        Ok(Folder { path, temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "could not remove the demo's folder");
        }
    }
}
