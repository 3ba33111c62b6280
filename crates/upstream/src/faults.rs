//! What goes wrong at the upstream, switched on and off while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The pushlog hides the newest pushes, as a mirror that is behind.
    Lag(u64),
    /// The pushlog answers with this status and page.
    Status {
        /// The status, such as 503.
        code: u16,
        /// The `Content-Type`.
        content_type: String,
        /// The page.
        body: Bytes,
    },
    /// The pushlog answers 200 with a page of HTML, as a login page in between does.
    Html200,
    /// The pushlog's answer ends before the length it declared.
    CutShort,
    /// The pushlog never answers.
    Hang,
    /// The pushlog answers for hours, a byte a second.
    Trickle,
    /// The pushlog answers with a JSON document of so many bytes.
    Huge(u64),
    /// The pushlog answers 200 with exactly these bytes as JSON.
    Raw(Bytes),
    /// Mercurial's own requests get this status; the pushlog is well.
    RefuseClone(u16),
    /// Each request waits so long before it is answered.
    Delay(Duration),
    /// Everything gets 404, as before a new repository is served.
    NotServed,
}

/// Which requests a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those to `json-pushes`.
    Pushlog,
    /// All others: Mercurial's own, and pages.
    Wire,
    /// All.
    Everything,
}

/// A fault, the requests it concerns, and how many of them.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    scope: Scope,
    left: Option<u64>,
}

impl Fault {
    /// An answer with a status and a plain page.
    #[must_use]
    pub fn status(code: u16) -> Self {
        let body = Bytes::from(format!("<html><body><h1>{code}</h1></body></html>\n"));
        Self::Status { code, content_type: "text/html".to_owned(), body }
    }

    /// An answer that is this JSON.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self::Raw(Bytes::from(value.to_string()))
    }

    /// Lets it concern other requests than it does by itself.
    #[must_use]
    pub fn on(self, scope: Scope) -> Rule {
        Rule { scope, ..Rule::from(self) }
    }

    /// Lets it concern only the next so many requests.
    #[must_use]
    pub fn times(self, requests: u64) -> Rule {
        Rule::from(self).times(requests)
    }
}

impl Rule {
    /// Lets it concern only the next so many requests.
    #[must_use]
    pub fn times(self, requests: u64) -> Self {
        Self { left: Some(requests), ..self }
    }

    fn concerns(&self, pushlog: bool) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Pushlog => pushlog,
            Scope::Wire => !pushlog,
        }
    }

    /// Uses it up by one request.
    fn strike(&mut self) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
    }
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        let scope = match fault {
            Fault::RefuseClone(_) => Scope::Wire,
            Fault::Delay(_) | Fault::NotServed => Scope::Everything,
            _ => Scope::Pushlog,
        };
        Self { fault, scope, left: None }
    }
}

/// The faults of one repository, or of all; each copy switches the same ones.
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
    /// Lets this go wrong, and nothing else.
    pub fn set(&self, rule: impl Into<Rule>) {
        *self.rules() = vec![rule.into()];
        self.lift();
    }

    /// Lets this go wrong too; of those that answer, the first wins.
    pub fn add(&self, rule: impl Into<Rule>) {
        self.rules().push(rule.into());
    }

    /// Lets all go well again; requests that hang are answered.
    pub fn clear(&self) {
        self.rules().clear();
        self.lift();
    }

    /// What befalls a request that just came: delays and lags, and at most one that answers it; and what a request that hangs
    /// waits on, which misses nothing that is lifted from now on.
    pub(crate) fn strike(&self, pushlog: bool) -> (Vec<Fault>, watch::Receiver<u64>) {
        let mut rules = self.rules();
        let mut struck = Vec::new();
        for rule in rules.iter_mut().filter(|rule| rule.concerns(pushlog)) {
            rule.strike();
            struck.push(rule.fault.clone());
            if !matches!(rule.fault, Fault::Lag(_) | Fault::Delay(_)) {
                break;
            }
        }
        rules.retain(|rule| rule.left != Some(0));
        (struck, self.inner.lifted.subscribe())
    }

    fn lift(&self) {
        self.inner.lifted.send_modify(|times| *times += 1);
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.inner.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
