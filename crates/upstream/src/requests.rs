//! What was asked of the upstream, for tests that assert what was and what was not.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without the query, such as `/l10n-central/fr/json-pushes`.
    pub path: String,
    /// What follows the `?`, as it was sent; empty if nothing does.
    pub query: String,
    /// The command of Mercurial's wire protocol, such as `getbundle`.
    pub command: Option<String>,
    /// The arguments of that command, still encoded.
    pub arguments: String,
    /// When it arrived.
    pub at: Instant,
}

/// How many requests of each kind came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All of them.
    pub all: u64,
    /// Those to `json-pushes`.
    pub pushlog: u64,
    /// Times a Mercurial began to pull, clone or push: it asks for the capabilities first.
    pub conversations: u64,
    /// Times `getbundle` was asked for, as Mercurial does even when nothing turns out to be new.
    pub bundles: u64,
}

/// All requests to all repositories.
#[derive(Default)]
pub(crate) struct RequestLog {
    of: Mutex<HashMap<String, OfOne>>,
    pub(crate) came: Notify,
}

#[derive(Default)]
struct OfOne {
    counts: Counts,
    newest: VecDeque<Request>,
}

impl RequestLog {
    const KEPT: usize = 10_000;

    pub(crate) fn note(&self, repository: &str, pushlog: bool, request: Request) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let one = of.entry(repository.to_owned()).or_default();
        let command = request.command.as_deref();
        one.counts.all += 1;
        one.counts.pushlog += u64::from(pushlog);
        one.counts.conversations += u64::from(command == Some("capabilities"));
        one.counts.bundles += u64::from(command == Some("getbundle"));
        if one.newest.len() == Self::KEPT {
            one.newest.pop_front();
        }
        one.newest.push_back(request);
        drop(of);
        self.came.notify_waiters();
    }

    pub(crate) fn requests(&self, repository: &str) -> Vec<Request> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.get(repository).map_or_else(Vec::new, |one| one.newest.iter().cloned().collect())
    }

    pub(crate) fn counts(&self, repository: &str) -> Counts {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.get(repository).map_or_else(Counts::default, |one| one.counts)
    }

    pub(crate) fn all_counts(&self) -> Counts {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.values().fold(Counts::default(), |sum, one| sum.plus(one.counts))
    }

    pub(crate) fn forget(&self) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            pushlog: self.pushlog + other.pushlog,
            conversations: self.conversations + other.conversations,
            bundles: self.bundles + other.bundles,
        }
    }
}
