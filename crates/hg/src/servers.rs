//! A pool of warm command servers, each of which serves any clone: a clone and a command come in, its output goes out.
//!
//! Starting hg costs some 200 ms of work, a command on a running server a few. A server runs one command at a time; it is
//! ended when it breaks, takes too long, has been idle for long or has served many. Dropping the last handle, or the future
//! of a command, leaves no process behind. It never runs a command twice that may have been begun.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use elmo_process::rooted_at_work;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::HgError;
use crate::program::Hg;
use crate::server::{Failure, Output, Server};

/// Commands after which a server makes room for a fresh one.
const COMMANDS: u32 = 200;
/// Bytes that one command may print, if not set.
const OUTPUT: usize = 64 * 1024 * 1024;

/// A handle on the pool; clones of it share the servers.
#[derive(Clone)]
pub struct Servers {
    pool: Arc<Pool>,
    output_limit: usize,
}

struct Pool {
    hg: Hg,
    keep_idle: usize,
    idle_for: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The most recently used last.
    idle: Vec<Idle>,
    /// Whether somebody looks after those that have been idle for long.
    is_watched: bool,
    is_shut: bool,
}

struct Idle {
    server: Server,
    since: Instant,
}

impl Servers {
    /// Makes an empty pool: a server is started when one is needed, at most `keep_idle` are kept when they are not, and
    /// each of those no longer than `idle_for`.
    pub fn new(hg: Hg, keep_idle: usize, idle_for: Duration) -> Servers {
        let pool = Pool { hg, keep_idle, idle_for, state: Mutex::default() };
        Servers { pool: Arc::new(pool), output_limit: OUTPUT }
    }

    /// Sets how many bytes one command of this handle may print; 64 MiB if not set.
    pub fn with_output_limit(mut self, bytes: usize) -> Servers {
        self.output_limit = bytes;
        self
    }

    /// Runs one command of hg on the clone in the folder `repo`, and gives its output whatever its exit code.
    ///
    /// # Errors
    /// Only of the running itself: [`HgError::TimedOut`], [`HgError::TooLong`], [`HgError::Broken`], [`HgError::Program`],
    /// and [`HgError::Corrupt`] if there is no clone in the folder.
    pub async fn run(&self, repo: &Path, args: &[impl AsRef<OsStr>], limit: Duration) -> Result<Output, HgError> {
        let repo = rooted_at_work(repo);
        if !repo.join(".hg").is_dir() {
            return Err(HgError::Corrupt { said: format!("no clone in {}", repo.display()) });
        }
        let mut command = vec![OsString::from("-R"), repo.into_os_string()];
        command.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        if command.iter().any(|arg| arg.as_bytes().contains(&0)) {
            return Err(self.pool.hg.not_started(io::ErrorKind::InvalidInput.into()));
        }
        self.run_somewhere(&command, limit).await
    }

    /// Counts the servers that wait for work.
    pub fn idle(&self) -> usize {
        self.pool.state().idle.len()
    }

    /// Ends the idle servers now and each other one with the command it is at; from now on none is kept.
    pub async fn shut_down(&self) {
        let idle = {
            let mut state = self.pool.state();
            state.is_shut = true;
            std::mem::take(&mut state.idle)
        };
        for Idle { server, .. } in idle {
            server.kill().await;
        }
    }

    async fn run_somewhere(&self, command: &[OsString], limit: Duration) -> Result<Output, HgError> {
        let deadline = Instant::now() + limit;
        if let Some(warm) = self.pool.take_idle() {
            match self.run_on(warm, Greeted::Yes, command, deadline).await {
                Err(Failure::NotSent) => tracing::debug!("an idle command server had died"),
                other => return other.map_err(|failure| self.told(failure, limit)),
            }
        }
        let fresh = Server::start(&self.pool.hg)?;
        self.run_on(fresh, Greeted::No, command, deadline).await.map_err(|failure| self.told(failure, limit))
    }

    /// Runs a command on one server, and keeps the server only if it is still good.
    async fn run_on(
        &self,
        mut server: Server,
        greeted: Greeted,
        command: &[OsString],
        deadline: Instant,
    ) -> Result<Output, Failure> {
        let work = async {
            if let Greeted::No = greeted {
                server.greeting().await?;
            }
            server.run(command, self.output_limit).await
        };
        let result = timeout_at(deadline, work).await.unwrap_or(Err(Failure::Late));
        match result {
            Ok(_) => self.pool.keep(server).await,
            Err(Failure::Late | Failure::TooLong) => server.end(&self.pool.hg).await,
            Err(Failure::NotSent) => drop(server),
            Err(Failure::Died { what, .. }) => return Err(Failure::Died { what, said: server.kill().await }),
        }
        result
    }

    fn told(&self, failure: Failure, limit: Duration) -> HgError {
        match failure {
            Failure::NotSent => HgError::broken("ended before it could be asked", b""),
            Failure::Died { what, said } => HgError::broken(what, &said),
            Failure::TooLong => HgError::TooLong { limit: self.output_limit },
            Failure::Late => HgError::TimedOut { limit },
        }
    }
}

enum Greeted {
    Yes,
    No,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the server that was used last, so that those that are not needed grow old.
    fn take_idle(&self) -> Option<Server> {
        let mut state = self.state();
        while let Some(Idle { server, .. }) = state.idle.pop() {
            if server.is_alive() {
                return Some(server);
            }
        }
        None
    }

    async fn keep(self: &Arc<Pool>, server: Server) {
        let left_over = self.put_back(server);
        if let Some(server) = left_over {
            server.kill().await;
        }
    }

    fn put_back(self: &Arc<Pool>, server: Server) -> Option<Server> {
        let mut state = self.state();
        if state.is_shut || server.served >= COMMANDS || state.idle.len() >= self.keep_idle {
            return Some(server);
        }
        state.idle.push(Idle { server, since: Instant::now() });
        if !std::mem::replace(&mut state.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(self), self.idle_for));
        }
        None
    }

    /// Drops the servers that have been idle for long, and says when the next will have been.
    fn drop_old(&self) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        state.idle.retain(|idle| idle.since + self.idle_for > now);
        let next = state.idle.iter().map(|idle| idle.since + self.idle_for).min();
        state.is_watched = next.is_some();
        next
    }
}

/// Looks after idle servers until there is none, or no pool.
async fn watch(pool: Weak<Pool>, idle_for: Duration) {
    let mut next = Some(Instant::now() + idle_for);
    while let Some(at) = next {
        sleep_until(at).await;
        next = pool.upgrade().and_then(|pool| pool.drop_old());
    }
}
