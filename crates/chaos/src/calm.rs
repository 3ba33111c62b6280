//! The calm worker: takes each message once, in order, and is done with it before the next. What its database holds in the end is
//! what every other should.

use crate::outside::Outside;
use anyhow::bail;
use elmo::domain::{Clock, Message, UrlRules};
use elmo::fetch::{CloneSettings, Clones, GitClones, GitSettings, Http, HttpSettings, PrivateHosts, Queue, QueueSettings};
use elmo::ingest::{Ingest, Outcome, Tasks};
use elmo::store::Store;
use elmo::sync::{Bringer, LaneSettings, Lanes, quiet};
use std::path::Path;
use std::time::Duration;

/// How long one thing may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker that nothing happens to.
pub struct Calm {
    pub store: Store,
    ingest: Ingest,
    tasks: Tasks,
    lanes: Lanes,
}

impl Calm {
    /// One with an empty SQLite database in a folder.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub async fn new(folder: &Path, outside: &Outside) -> anyhow::Result<Calm> {
        std::fs::create_dir_all(folder)?;
        let store = Store::open(&format!("sqlite:{}", folder.join("calm.sqlite").display())).await?;
        let clock = Clock::of_this_machine();
        let bringer = bringer(store.clone(), folder, clock.clone())?;
        let settings = QueueSettings { time: PATIENCE, size: 16 << 20, reference_hosts: Vec::new(), private_hosts: this_machine() };
        let queue = Queue::new(outside.root(), None, settings, clock.clone())?;
        outside.follow(&store).await?;
        Ok(Calm {
            ingest: Ingest::new(store.clone(), UrlRules::OnlyHttp, clock.clone()),
            tasks: Tasks::new(store.clone(), vec![queue], clock),
            lanes: Lanes::new(bringer, LaneSettings::default(), "calm"),
            store,
        })
    }

    /// Takes a message and does all that it asks for.
    ///
    /// # Errors
    /// When something stands in the way: nothing should.
    pub async fn take(&self, message: &Message) -> anyhow::Result<()> {
        if Tasks::are_told_by(message) {
            return match self.tasks.take(message, Duration::ZERO).await? {
                Outcome::Taken(_) => Ok(()),
                other => bail!("the calm worker could not take a result: {other:?}"),
            };
        }
        self.ingest.take(std::slice::from_ref(message)).await?;
        Ok(self.lanes.work_off().await?)
    }
}

/// All hosts are here.
fn this_machine() -> PrivateHosts {
    PrivateHosts::new(vec!["127.0.0.1".to_owned()])
}

fn bringer(store: Store, data: &Path, clock: Clock) -> anyhow::Result<Bringer> {
    let limits = CloneSettings { clone_time: PATIENCE, pull_time: PATIENCE, aside_bytes: 1 << 30 };
    let git = GitSettings { clone_time: PATIENCE, fetch_time: PATIENCE, files_too: true, tokens: Vec::new() };
    Ok(Bringer {
        store,
        http: Http::new(HttpSettings { time: PATIENCE, private_hosts: this_machine(), ..HttpSettings::default() })?,
        clones: Clones::new(data, Path::new("hg"), 1, limits),
        git: GitClones::new(data, Path::new("git"), git),
        clock,
        watcher: quiet(),
    })
}
