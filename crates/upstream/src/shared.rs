//! What the parts of a running upstream share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{OnceCell, watch};

use crate::command_server::Commands;
use crate::error::{Error, Result};
use crate::faults::{Fault, Faults};
use crate::programs::Hg;
use crate::repository::Repository;
use crate::requests::RequestLog;
use crate::web_server::WebServer;

/// The served repositories, the programs behind them, and what shall go wrong.
pub(crate) struct Shared {
    pub(crate) hg: Hg,
    pub(crate) commands: Commands,
    pub(crate) requests: RequestLog,
    pub(crate) everywhere: Faults,
    /// Who pushes over HTTP.
    pub(crate) pusher: String,
    pub(crate) folder: PathBuf,
    repositories: RwLock<HashMap<String, Arc<Repository>>>,
    faults: Mutex<HashMap<String, Faults>>,
    backends: Vec<Backend>,
    turn: AtomicUsize,
    commit_date: AtomicI64,
    push_date: AtomicI64,
}

/// One `hg serve` and where it listens, once that is known.
pub(crate) struct Backend {
    server: Arc<WebServer>,
    address: OnceCell<SocketAddr>,
}

impl Backend {
    pub(crate) fn new(server: WebServer) -> Self {
        Self { server: Arc::new(server), address: OnceCell::new() }
    }

    async fn address(&self) -> Result<SocketAddr> {
        self.address.get_or_try_init(|| self.server.address()).await.copied()
    }
}

const DAY: i64 = 86_400;

impl Shared {
    pub(crate) fn new(hg: Hg, commands: Commands, folder: PathBuf, backends: Vec<Backend>, pusher: String) -> Self {
        Self {
            hg,
            commands,
            folder,
            backends,
            pusher,
            requests: RequestLog::default(),
            everywhere: Faults::default(),
            repositories: RwLock::default(),
            faults: Mutex::default(),
            turn: AtomicUsize::new(0),
            commit_date: AtomicI64::new(jiff::Timestamp::now().as_second() - 30 * DAY),
            push_date: AtomicI64::new(0),
        }
    }

    /// The time, in seconds since 1970, that never goes back.
    pub(crate) fn now(&self) -> i64 {
        let now = jiff::Timestamp::now().as_second();
        self.push_date.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// A date no other commit has.
    pub(crate) fn next_commit_date(&self) -> i64 {
        self.commit_date.fetch_add(1, Ordering::Relaxed)
    }

    /// Finds a repository.
    pub(crate) fn repository(&self, name: &str) -> Option<Arc<Repository>> {
        self.repositories.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn must_find(&self, name: &str) -> Result<Arc<Repository>> {
        self.repository(name).ok_or_else(|| Error::UnknownRepository(name.to_owned()))
    }

    /// The names of all repositories, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let repositories = self.repositories.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = repositories.keys().cloned().collect();
        names.sort();
        names
    }

    pub(crate) fn add(&self, repository: Arc<Repository>) {
        let mut repositories = self.repositories.write().unwrap_or_else(PoisonError::into_inner);
        repositories.insert(repository.name.clone(), repository);
    }

    pub(crate) fn remove(&self, name: &str) -> Result<Arc<Repository>> {
        let mut repositories = self.repositories.write().unwrap_or_else(PoisonError::into_inner);
        repositories.remove(name).ok_or_else(|| Error::UnknownRepository(name.to_owned()))
    }

    /// The faults of one repository, which need not exist.
    pub(crate) fn faults(&self, name: &str) -> Faults {
        self.all_faults().entry(name.to_owned()).or_default().clone()
    }

    /// Whether this is a repository, or the name of one that something shall go wrong with.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.repository(name).is_some() || self.all_faults().contains_key(name)
    }

    /// What befalls a request that just came, and who can lift it.
    pub(crate) fn strike(&self, name: &str, pushlog: bool) -> Vec<(watch::Receiver<u64>, Fault)> {
        let own = self.all_faults().get(name).cloned();
        let mut struck = Vec::new();
        for faults in [Some(self.everywhere.clone()), own].into_iter().flatten() {
            let (faults, lifted) = faults.strike(pushlog);
            struck.extend(faults.into_iter().map(|fault| (lifted.clone(), fault)));
        }
        struck
    }

    /// Where the next request goes.
    pub(crate) async fn backend(&self) -> Result<SocketAddr> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.backends.len();
        self.backends[turn].address().await
    }

    /// Ends the programs, however long others still hold on to this.
    pub(crate) fn end(&self) {
        self.commands.end();
        self.backends.iter().for_each(|backend| backend.server.end());
    }

    fn all_faults(&self) -> MutexGuard<'_, HashMap<String, Faults>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
