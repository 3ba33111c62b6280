//! Lanes: several repositories at once, each with a lease, until told to stop.

use super::bringer::Bringer;
use super::burst::Burst;
use super::{SyncError, judge};
use crate::domain::{ErrorClass, Point, in_full, milliseconds};
use crate::figures::{LANES, LANES_BUSY, ROUNDS, SYNCS, WISHES};
use crate::store::{Claim, Ending, Store, StoreError};
use crate::traces::Going;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How lanes go about it.
#[derive(Clone, Copy, Debug)]
pub struct LaneSettings {
    pub lanes: usize,
    /// A claim is given up by itself after so long without a sign of life.
    pub lease: Duration,
    /// The wait after a first failure; doubles to an hour.
    pub first_wait: Duration,
    /// Every repository is looked at so often, whether announced or not.
    pub every: Duration,
    /// How long to finish what is in hand when told to stop.
    pub grace: Duration,
}

impl Default for LaneSettings {
    fn default() -> LaneSettings {
        LaneSettings {
            lanes: 4,
            lease: Duration::from_secs(60),
            first_wait: Duration::from_secs(1),
            every: Duration::from_secs(600),
            grace: Duration::from_secs(7),
        }
    }
}

/// The lanes of one process. Copies share them.
#[derive(Clone)]
pub struct Lanes {
    bringer: Bringer,
    settings: LaneSettings,
    shared: Arc<Shared>,
}

struct Shared {
    worker: String,
    claims: AtomicU64,
    wake: Notify,
    /// One lane asks for work at a time: the others would only be given the same row to wait for.
    claiming: tokio::sync::Mutex<()>,
    hosts: Mutex<Hosts>,
    burst: Mutex<Burst>,
}

#[derive(Default)]
struct Hosts {
    busy: Vec<String>,
    ailing: HashMap<String, bool>,
}

/// Another process may have written a wish: look at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LONGEST_DATABASE_WAIT: Duration = Duration::from_secs(15);

impl Lanes {
    /// Lanes for one process; `worker` names it in leases.
    pub fn new(bringer: Bringer, settings: LaneSettings, worker: &str) -> Lanes {
        let shared = Shared {
            worker: worker.to_owned(),
            claims: AtomicU64::new(0),
            wake: Notify::new(),
            claiming: tokio::sync::Mutex::new(()),
            hosts: Mutex::default(),
            burst: Mutex::default(),
        };
        Lanes { bringer, settings, shared: Arc::new(shared) }
    }

    /// There is news: a lane that waits looks at once.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// So many messages were written down at once, and `wishes` is what they came to.
    pub fn messages_taken(&self, messages: usize, wishes: u64) {
        self.burst().took(messages, Instant::now());
        if wishes > 0 {
            self.wake();
        }
    }

    /// Works until `stop`, then finishes what is in hand.
    pub async fn run(&self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        for number in 1..=self.settings.lanes {
            let (lanes, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move { lanes.lane(&format!("lane {number}"), stop).await });
        }
        let (lanes, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { lanes.look_at_everything(token).await });
        tasks.close();
        stop.cancelled().await;
        if tokio::time::timeout(self.settings.grace, tasks.wait()).await.is_err() {
            tracing::info!("some work was not finished in time, it will be taken up again");
        }
    }

    /// Takes everything that is due, several at a time, and comes back when nothing is due any more.
    pub async fn work_off(&self) -> Result<(), StoreError> {
        let lanes = (0..self.settings.lanes).map(|_| async {
            while let Some(claim) = self.claim().await? {
                self.take(&claim, || {}).await?;
            }
            Ok::<(), StoreError>(())
        });
        futures_util::future::try_join_all(lanes).await?;
        Ok(())
    }

    async fn lane(&self, name: &str, stop: CancellationToken) {
        let _lane = LANES.one_more();
        let mut wait = Duration::from_millis(500);
        while !stop.is_cancelled() {
            ROUNDS.note([name]);
            let worked = self.claim_and_take(name, &stop).await;
            match worked {
                Ok(true) => wait = Duration::from_millis(500),
                Ok(false) => self.rest(&stop).await,
                Err(error) => {
                    tracing::error!(error = %in_full(&error), wait_ms = milliseconds(wait), "the database does not answer, waiting");
                    tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.cancelled() => {} }
                    wait = (wait * 2).min(LONGEST_DATABASE_WAIT);
                }
            }
        }
        ROUNDS.forget([name]);
    }

    async fn claim_and_take(&self, lane: &str, stop: &CancellationToken) -> Result<bool, StoreError> {
        tokio::select! { biased; () = stop.cancelled() => return Ok(false), () = self.messages_first() => {} }
        let Some(claim) = self.claim().await? else {
            return Ok(false);
        };
        // Whoever rests may have missed that there is more than one.
        self.wake();
        let cut_off = async {
            stop.cancelled().await;
            tokio::time::sleep(self.settings.grace.saturating_sub(Duration::from_secs(1))).await;
        };
        tokio::select! {
            done = self.take(&claim, || ROUNDS.note([lane])) => done?,
            () = cut_off => self.store().end(&claim, &Ending::Released, self.bringer.clock.now()).await?,
        }
        Ok(true)
    }

    async fn messages_first(&self) {
        loop {
            let wait = self.burst().wait(Instant::now());
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn burst(&self) -> MutexGuard<'_, Burst> {
        self.shared.burst.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn rest(&self, stop: &CancellationToken) {
        tokio::select! {
            () = self.shared.wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }

    async fn claim(&self) -> Result<Option<Claim>, StoreError> {
        let _one_at_a_time = self.shared.claiming.lock().await;
        let leave = self.with_hosts(|hosts| {
            let busy: Vec<(String, bool)> =
                hosts.busy.iter().map(|host| (host.clone(), hosts.ailing.get(host).copied().unwrap_or(false))).collect();
            judge::hosts_to_leave(self.settings.lanes, &busy)
        });
        // Each claim has a name of its own, so that one that outlived its lease is not taken for its successor.
        let holder = format!("{}#{}", self.shared.worker, self.shared.claims.fetch_add(1, Ordering::Relaxed));
        let claim = self.store().claim(&holder, self.settings.lease, &leave, self.bringer.clock.now()).await?;
        if let Some(claim) = &claim {
            self.with_hosts(|hosts| hosts.busy.push(claim.url.host().to_owned()));
        }
        Ok(claim)
    }

    /// Works on a claim and gives it back; `goes_on` is told now and then that this goes on.
    async fn take(&self, claim: &Claim, goes_on: impl Fn()) -> Result<(), StoreError> {
        Point::RepositoryClaimed.pass();
        let (started, _busy) = (Instant::now(), LANES_BUSY.one_more());
        let going = Going::sync(claim.trace.as_deref(), claim.name.to_string(), claim.wished.filter(|_| claim.attempts == 0));
        let done = tokio::select! {
            done = going.within(self.bringer.bring(claim)) => done,
            never = self.keep_lease(claim, goes_on) => match never {},
        };
        Point::RepositoryBrought.pass();
        self.note_host(claim, &done);
        SYNCS.note([claim.vcs.name(), outcome(&done)]);
        let ending = match done {
            Ok(()) => {
                tracing::debug!(repository.name = %claim.name, duration_ms = milliseconds(started.elapsed()), "up to date");
                Ending::Complete
            }
            Err(error) => {
                going.failed(&in_full(&error));
                self.failed(claim, &error)?
            }
        };
        let now = self.bringer.clock.now();
        self.store().end(claim, &ending, now).await?;
        Point::LeaseEnded.pass();
        if let (Ending::Complete, Some(wished)) = (&ending, claim.wished) {
            WISHES.note([claim.vcs.name()], Duration::try_from(now.duration_since(wished)).unwrap_or_default());
        }
        Ok(())
    }

    fn failed(&self, claim: &Claim, error: &SyncError) -> Result<Ending, StoreError> {
        let Some(class) = error.class() else {
            // Not the repository's fault: the lease ends by itself, and the lane waits for the database.
            return Err(StoreError::Conflict(in_full(error)));
        };
        let wait = judge::wait(claim.attempts, self.settings.first_wait, fastrand::f64());
        let text = in_full(error);
        let (name, wait_ms) = (&claim.name, milliseconds(wait));
        match class {
            ErrorClass::Lag => tracing::info!(repository.name = %name, error = text, wait_ms, "waiting for the host"),
            ErrorClass::Ours => tracing::error!(repository.name = %name, error = text, wait_ms, "not up to date"),
            _ => tracing::warn!(repository.name = %name, error = text, class = class.name(), wait_ms, "not up to date"),
        }
        let next_try = self.bringer.clock.now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX);
        Ok(Ending::Failed { class, error: text, next_try })
    }

    async fn keep_lease(&self, claim: &Claim, goes_on: impl Fn()) -> std::convert::Infallible {
        loop {
            goes_on();
            tokio::time::sleep(self.settings.lease / 3).await;
            match self.store().renew(claim, self.settings.lease, self.bringer.clock.now()).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(repository.name = %claim.name, "somebody else has taken this over"),
                Err(error) => tracing::warn!(repository.name = %claim.name, error = %in_full(&error), "could not renew the lease"),
            }
        }
    }

    /// Wants everything looked at, at the start and every now and then.
    async fn look_at_everything(&self, stop: CancellationToken) {
        let mut recently = Duration::ZERO;
        while !stop.is_cancelled() {
            let now = self.bringer.clock.now();
            let checked_before = now.saturating_sub(recently).unwrap_or(now);
            match self.store().want_all(checked_before, now).await {
                Ok(0) => {}
                Ok(repositories) => {
                    tracing::debug!(repositories, "looking at everything");
                    self.shared.wake.notify_waiters();
                }
                Err(error) => tracing::warn!(error = %in_full(&error), "could not look at everything"),
            }
            recently = self.settings.every.mul_f64(0.9);
            tokio::select! { () = tokio::time::sleep(self.settings.every) => {}, () = stop.cancelled() => {} }
        }
    }

    fn note_host(&self, claim: &Claim, done: &Result<(), SyncError>) {
        let host = claim.url.host();
        let ailing = done.as_ref().err().and_then(SyncError::class).is_some_and(judge::is_about_the_host);
        self.with_hosts(|hosts| {
            if let Some(place) = hosts.busy.iter().position(|busy| busy == host) {
                hosts.busy.swap_remove(place);
            }
            hosts.ailing.insert(host.to_owned(), ailing);
        });
    }

    fn with_hosts<T>(&self, ask: impl FnOnce(&mut Hosts) -> T) -> T {
        ask(&mut self.shared.hosts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn store(&self) -> &Store {
        &self.bringer.store
    }
}

/// What the figures call the end of a go.
fn outcome(done: &Result<(), SyncError>) -> &'static str {
    match done {
        Ok(()) => "complete",
        Err(error) => error.class().map_or("database", ErrorClass::name),
    }
}
