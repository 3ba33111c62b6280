//! What was asked of the host, for tests that assert what was and what was not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What the host can do: the first request of every conversation.
    Greeting,
    /// Which branches there are.
    Branches,
    /// Commits and files.
    Commits,
    /// Anything else.
    Other,
}

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub asked: Asked,
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// Whether it showed the token that is asked for.
    pub authorized: bool,
    /// The header that says who asks, as it came.
    pub authorization: Option<String>,
    pub at: Instant,
}

/// How many requests of each kind came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub all: u64,
    /// Conversations that were begun.
    pub greetings: u64,
    /// Times the branches were asked for.
    pub listings: u64,
    /// Times commits were asked for; one fetch may ask more than once.
    pub fetches: u64,
}

/// All requests to all repositories.
#[derive(Default)]
pub(super) struct RequestLog {
    of: Mutex<HashMap<String, Vec<Request>>>,
    pub(super) came: Notify,
}

impl RequestLog {
    pub(super) fn note(&self, repository: &str, request: Request) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).entry(repository.to_owned()).or_default().push(request);
        self.came.notify_waiters();
    }

    pub(super) fn requests(&self, repository: &str) -> Vec<Request> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned().unwrap_or_default()
    }

    pub(super) fn counts(&self, repository: &str) -> Counts {
        let requests = self.requests(repository);
        let count = |asked| requests.iter().filter(|request| request.asked == asked).count() as u64;
        Counts {
            all: requests.len() as u64,
            greetings: count(Asked::Greeting),
            listings: count(Asked::Branches),
            fetches: count(Asked::Commits),
        }
    }

    pub(super) fn forget(&self) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
