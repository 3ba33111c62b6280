//! Builds the parts out of the settings.

use crate::config::Config;
use crate::domain::Clock;
use crate::fetch::{Artifacts, Clones, GitClones, Http, Queue, Versions};
use crate::ingest::{Ingest, Tasks};
use crate::store::Store;
use crate::sync::{Bringer, Lanes, Watcher};
use anyhow::Context;
use std::time::Duration;

/// Everything that takes part in following repositories.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) bringer: Bringer,
}

impl Parts {
    /// Opens the database and makes the rest ready.
    pub(super) async fn open(config: Config, watcher: Watcher) -> anyhow::Result<Parts> {
        Parts::open_by(Clock::of_this_machine(), config, watcher).await
    }

    /// The same, with the time from this clock.
    pub(super) async fn open_by(clock: Clock, config: Config, watcher: Watcher) -> anyhow::Result<Parts> {
        let store = open_store(&config).await?;
        let http = Http::new(config.http())?;
        let bringer = Bringer {
            store: store.clone(),
            clones: Clones::new(&config.data, config.hg_program(), config.warm_hg(), config.clones())
                .with_private_hosts(config.private_hosts()),
            git: GitClones::new(&config.data, config.git_program(), config.git()).with_http(http.clone()),
            http,
            clock: clock.clone(),
            watcher,
        };
        Ok(Parts { config, store, clock, bringer })
    }

    /// What a worker does is to write; one that may not ends before it takes anything.
    pub(super) async fn ask_to_write(&self) -> anyhow::Result<()> {
        self.store.ask_to_write().await.context("a worker writes down what it is told")
    }

    pub(super) fn ingest(&self) -> Ingest {
        Ingest::new(self.store.clone(), self.config.url_rules(), self.clock.clone())
    }

    /// What takes results of tasks, with a queue for each deployment that is configured.
    pub(super) fn tasks(&self) -> anyhow::Result<Tasks> {
        Ok(Tasks::new(self.store.clone(), queues(&self.config, &self.clock)?, self.clock.clone()))
    }

    pub(super) fn lanes(&self) -> Lanes {
        let worker = format!("{}-{:08x}", std::process::id(), fastrand::u32(..));
        Lanes::new(self.bringer.clone(), self.config.lanes(), &worker)
    }

    pub(super) async fn close(&self) {
        self.bringer.clones.shut_down().await;
        close(&self.store).await;
    }
}

/// How long the database may take to say good-bye.
const CLOSING: Duration = Duration::from_secs(1);

/// Closes the database, without waiting for requests that are left in the middle: those hold connections to it.
pub(super) async fn close(store: &Store) {
    if tokio::time::timeout(CLOSING, store.close()).await.is_err() {
        tracing::debug!("the database was left rather than closed");
    }
}

/// The artifact cache of this machine, or the one that is shared.
pub(super) fn artifacts(config: &Config, clock: &Clock) -> anyhow::Result<Artifacts> {
    let (place, budget) = config.artifacts();
    Ok(Artifacts::open(&place, budget, queues(config, clock)?, clock.clone())?)
}

/// The clones of this machine, for reading.
pub(super) fn versions(config: &Config) -> Versions {
    Versions::new(&config.data, config.hg_program(), config.git_program())
}

/// A client for the queue of each deployment.
pub(super) fn queues(config: &Config, clock: &Clock) -> anyhow::Result<Vec<Queue>> {
    let queue = |(root, credentials)| Ok(Queue::new(root, credentials, config.queues(), clock.clone())?);
    config.deployments().into_iter().map(queue).collect()
}

/// Opens the database; for SQLite its folder is made first.
pub(super) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    std::fs::create_dir_all(&config.data).with_context(|| format!("could not make the data folder {}", config.data.display()))?;
    let url = config.database();
    let store = Store::open(&url).await.with_context(|| format!("could not use the database {}", without_password(&url)))?;
    Ok(store)
}

/// An address that can be shown.
pub(super) fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}
