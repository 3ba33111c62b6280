//! What goes wrong with a queue, sorted by what to do about it.

use crate::fetch::addresses::is_private;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No answer, or one that says to come back later; after `wait`, if it says so.
    Passing { wait: Option<Duration> },
    /// Not there: gone, never been, or not there yet.
    NotThere,
    /// There once, expired.
    Expired,
    /// Our credentials are refused.
    Unauthorized,
    /// Not for us, or not from where it is.
    Forbidden,
    /// There, and of no use.
    Unusable,
    /// Our own side.
    Ours,
}

/// Something was not fetched from a queue.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct QueueError {
    pub trouble: Trouble,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Of an answer that is no success, this much is quoted.
const QUOTED: usize = 200;
/// A wait that is asked for counts as far as this.
const LONGEST_WAIT: u64 = 3600;

impl QueueError {
    pub(in crate::fetch) fn new(trouble: Trouble, what: impl Into<String>) -> QueueError {
        QueueError { trouble, what: what.into(), source: None }
    }

    pub(in crate::fetch) fn because(
        trouble: Trouble,
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> QueueError {
        QueueError { trouble, what: what.into(), source: Some(Box::new(source)) }
    }

    /// No answer came, or it broke off.
    pub(super) fn of_request(what: &str, error: reqwest::Error) -> QueueError {
        let trouble = if is_private(&error) { Trouble::Forbidden } else { Trouble::Passing { wait: None } };
        QueueError::because(trouble, format!("could not get {what}"), error.without_url())
    }

    /// An answer came that is no success.
    pub(super) fn of_status(what: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> QueueError {
        let trouble = match status.as_u16() {
            401 => Trouble::Unauthorized,
            403 | 451 => Trouble::Forbidden,
            404 => Trouble::NotThere,
            410 => Trouble::Expired,
            408 | 429 | 500..=599 => Trouble::Passing { wait: wait(headers) },
            _ => Trouble::Unusable,
        };
        QueueError::new(trouble, format!("{what}: the answer is {}: {}", status.as_u16(), quoted(body)))
    }
}

fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// The first line of what the queue says, which may go on with long explanations, or the beginning of anything else.
pub(in crate::fetch) fn quoted(body: &[u8]) -> String {
    let said: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| said.as_ref()?.get(name)?.as_str().map(|text| text.lines().next().unwrap_or_default().to_owned());
    let text = match (field("reason").or_else(|| field("code")), field("message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    text.chars().take(QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
