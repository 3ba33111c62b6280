//! Decodes: a [`Message`] comes in, an [`Event`] or the reason why it is none goes out. Pure; knows no repository and never
//! asks anybody. A file for each exchange.

mod elmo_json;
mod github;
mod hg_push;
mod source;
mod task;

pub use elmo_json::{NotPublished, read_elmo_json};
pub use github::routing_key;
pub use source::{Source, source};
pub use task::{TaskCompleted, decode_status, decode_task};

use crate::domain::{
    GITHUB_HOOK, GITHUB_PUSHES, GITHUB_WEBHOOKS, HGPUSHES, Marker, Message, Notice, RepositoryUrl, Revision, UrlRules,
};
use serde::Deserialize;

/// What a message says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something was pushed to a repository.
    Pushed {
        url: RepositoryUrl,
        /// The highest push id named, or none where the message names no push.
        upto: Option<u64>,
        heads: Vec<Revision>,
    },
    /// A repository was made.
    NewRepository { url: RepositoryUrl },
    /// Changesets were replaced or pruned.
    Obsoleted { url: RepositoryUrl, markers: Vec<Marker> },
    /// A branch of a git repository moved. The host's own number of the repository stays when it is renamed.
    BranchMoved { url: RepositoryUrl, host_number: Option<i64>, notice: Notice },
    /// The host calls a repository by another URL now.
    Moved { url: RepositoryUrl, host_number: i64 },
    /// A kind that this program has no use for. New ones may come at any time.
    Unknown { kind: String },
}

/// The body is not what its exchange promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// Decodes one message.
///
/// # Errors
/// With a sentence for the operator that names what is wrong with the body.
pub fn decode(message: &Message, rules: UrlRules) -> Result<Event, Malformed> {
    match message.exchange.as_str() {
        HGPUSHES => hg_push::decode(&message.body, rules),
        GITHUB_PUSHES => github::from_taskcluster(&message.body, rules),
        GITHUB_WEBHOOKS => github::republished(&message.body, rules),
        GITHUB_HOOK => github::decode_hook(&message.routing_key, &message.body, rules),
        other => Ok(Event::Unknown { kind: format!("exchange {other}") }),
    }
}

impl Event {
    /// The event's name in counts: the message's type.
    pub fn kind(&self) -> &str {
        match self {
            Event::Pushed { .. } => "changegroup.1",
            Event::NewRepository { .. } => "newrepo.1",
            Event::Obsoleted { .. } => "obsolete.1",
            Event::BranchMoved { .. } => "push",
            Event::Moved { .. } => "repository moved",
            Event::Unknown { kind } => kind,
        }
    }

    /// The repository it is about.
    pub fn url(&self) -> Option<&RepositoryUrl> {
        match self {
            Event::Pushed { url, .. }
            | Event::NewRepository { url }
            | Event::Obsoleted { url, .. }
            | Event::BranchMoved { url, .. }
            | Event::Moved { url, .. } => Some(url),
            Event::Unknown { .. } => None,
        }
    }
}

/// A body as text.
fn text(body: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(body).map_err(|error| Malformed(format!("the body is not UTF-8: {error}")))
}

/// Reads `what` as JSON.
fn read<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T, Malformed> {
    serde_json::from_str(text).map_err(|error| Malformed(format!("{what} is not what it should be: {error}")))
}

/// Reads the URL of a repository that stands in `field`.
fn repository_url(sent: &str, field: &str, rules: UrlRules) -> Result<RepositoryUrl, Malformed> {
    let url = RepositoryUrl::parse(sent, rules).map_err(|error| Malformed(format!("{field}: {error}")))?;
    if url.path().is_empty() {
        return Err(Malformed(format!("{field} names a host, not a repository")));
    }
    Ok(url)
}

/// A kind that this program has no use for, however long somebody made its name.
fn unknown(kind: &str) -> Event {
    Event::Unknown { kind: kind.chars().take(60).collect() }
}
