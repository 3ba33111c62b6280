//! What goes wrong at the host, switched on and off while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::requests::Asked;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Branches are shown as they were so many pushes ago, as by a mirror that a webhook has overtaken.
    Lag(usize),
    /// The answer is this status with a plain page.
    Status(u16),
    /// The answer is a page of HTML, as of a login page in between.
    Html200,
    /// The connection ends without an answer.
    HangUp,
    /// The answer ends half-way.
    CutShort,
    /// There is no answer until the fault is lifted.
    Hang,
    /// Each request waits so long before it is answered.
    Delay(Duration),
    /// The answer is a redirection to this URL, with the rest of the path.
    Redirect(String),
}

/// Which requests a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those for branches, with which every conversation begins.
    Listing,
    /// Those for commits and files.
    Fetch,
    /// All.
    Everything,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    scope: Scope,
    left: Option<u64>,
}

/// The faults of one repository; each copy switches the same ones.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rules: Mutex<Vec<Rule>>,
    /// Counts how often what was set went away.
    lifted: watch::Sender<u64>,
}

impl Faults {
    /// Lets this go wrong with all requests, and nothing else.
    pub fn set(&self, fault: Fault) {
        self.set_on(Scope::Everything, fault);
    }

    /// Lets this go wrong with some requests, and nothing else.
    pub fn set_on(&self, scope: Scope, fault: Fault) {
        self.replace(vec![Rule { fault, scope, left: None }]);
    }

    /// Lets this go wrong with the next so many of some requests, and nothing else.
    pub fn set_times(&self, scope: Scope, fault: Fault, requests: u64) {
        self.replace(vec![Rule { fault, scope, left: Some(requests) }]);
    }

    /// Lets this go wrong too, with some requests; of those that answer, the first wins.
    pub fn add(&self, scope: Scope, fault: Fault) {
        self.rules().push(Rule { fault, scope, left: None });
    }

    /// Lets all go well again; requests that hang are answered.
    pub fn clear(&self) {
        self.replace(Vec::new());
    }

    /// What befalls a request that just came: delays and lags, and at most one that answers it.
    pub(super) fn strike(&self, asked: Asked) -> Vec<Fault> {
        let mut rules = self.rules();
        let mut struck = Vec::new();
        for rule in rules.iter_mut().filter(|rule| rule.concerns(asked)) {
            rule.left = rule.left.map(|left| left.saturating_sub(1));
            struck.push(rule.fault.clone());
            if !matches!(rule.fault, Fault::Lag(_) | Fault::Delay(_)) {
                break;
            }
        }
        rules.retain(|rule| rule.left != Some(0));
        struck
    }

    /// Holds up a request until what was set goes away.
    pub(super) async fn until_lifted(&self) {
        let _ = self.inner.lifted.subscribe().changed().await;
    }

    fn replace(&self, rules: Vec<Rule>) {
        *self.rules() = rules;
        self.inner.lifted.send_modify(|times| *times += 1);
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.inner.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn concerns(&self, asked: Asked) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Listing => matches!(asked, Asked::Greeting | Asked::Branches),
            Scope::Fetch => asked == Asked::Commits,
        }
    }
}
