//! The messages that hg.mozilla.org sends to Pulse about a repository.
//!
//! Takes what a repository holds, gives the bytes of a body. Sends nothing.

use serde::Serialize;

use crate::Node;
use crate::json::like_python;
use crate::pushlog::{Push, latin1};
use crate::repository::{Marker, State};

/// The exchange all these messages go to.
pub const EXCHANGE: &str = "exchange/hgpushes/v2";

/// A message, ready to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Always [`EXCHANGE`].
    pub exchange: &'static str,
    /// The path of the repository.
    pub routing_key: String,
    /// JSON, ASCII only.
    pub body: Vec<u8>,
}

/// A changegroup as a message tells it: which heads came how, in which pushes.
#[derive(Debug, Clone)]
pub struct Changegroup<'a> {
    /// How the changesets came: `serve` for a push, `pull`, `unbundle`, `strip`.
    pub source: &'a str,
    /// The heads it brought.
    pub heads: &'a [Node],
    /// The pushes these belong to; none for what the pushlog does not know.
    pub pushes: &'a [Push],
}

/// Whose messages: the repository's path and URL.
pub(crate) struct Sender<'a> {
    pub(crate) repository: &'a str,
    pub(crate) url: &'a str,
    /// Seconds and microseconds since 1970.
    pub(crate) now: jiff::Timestamp,
}

#[derive(Serialize)]
struct Body<'a, D> {
    payload: Payload<D>,
    _meta: Meta<'a>,
}

#[derive(Serialize)]
struct Payload<D> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: D,
}

#[derive(Serialize)]
struct Meta<'a> {
    exchange: &'static str,
    routing_key: &'a str,
    serializer: &'static str,
    sent: String,
}

#[derive(Serialize)]
struct NewRepository<'a> {
    repo_url: &'a str,
}

#[derive(Serialize)]
struct Pushed<'a> {
    repo_url: &'a str,
    heads: &'a [Node],
    source: &'a str,
    pushlog_pushes: Vec<ListedPush>,
}

#[derive(Serialize)]
struct ListedPush {
    pushid: u64,
    user: String,
    time: i64,
    push_json_url: String,
    push_full_json_url: String,
}

#[derive(Serialize)]
struct Obsoleted<'a> {
    repo_url: &'a str,
    markers: Vec<ListedMarker>,
}

#[derive(Serialize)]
struct ListedMarker {
    precursor: ListedChangeset,
    successors: Vec<ListedChangeset>,
    user: String,
    time: f64,
}

#[derive(Serialize)]
struct ListedChangeset {
    node: Node,
    known: bool,
    visible: Option<bool>,
    desc: Option<String>,
    push: Option<ListedPush>,
}

impl Sender<'_> {
    pub(crate) fn new_repository(&self) -> Message {
        self.message("newrepo.1", NewRepository { repo_url: self.url })
    }

    pub(crate) fn changegroup(&self, changegroup: &Changegroup<'_>) -> Message {
        let Changegroup { source, heads, pushes } = *changegroup;
        let pushlog_pushes = pushes.iter().map(|push| self.push(push)).collect();
        self.message("changegroup.1", Pushed { repo_url: self.url, heads, source, pushlog_pushes })
    }

    pub(crate) fn obsolete(&self, state: &State, markers: &[Marker]) -> Message {
        let markers = markers.iter().map(|marker| self.marker(state, marker)).collect();
        self.message("obsolete.1", Obsoleted { repo_url: self.url, markers })
    }

    fn message(&self, kind: &'static str, data: impl Serialize) -> Message {
        let meta = Meta { exchange: EXCHANGE, routing_key: self.repository, serializer: "json", sent: self.sent() };
        let body = like_python(&Body { payload: Payload { kind, data }, _meta: meta });
        Message { exchange: EXCHANGE, routing_key: self.repository.to_owned(), body }
    }

    /// As Python writes a time without a zone: no fraction at all on a whole second.
    fn sent(&self) -> String {
        let format = match self.now.subsec_microsecond() + self.now.subsec_millisecond() {
            0 => "%Y-%m-%dT%H:%M:%S",
            _ => "%Y-%m-%dT%H:%M:%S%.6f",
        };
        self.now.strftime(format).to_string()
    }

    fn push(&self, push: &Push) -> ListedPush {
        let (after, upto) = (push.id - 1, push.id);
        let url = self.url;
        ListedPush {
            pushid: push.id,
            user: mojibake(push.user.as_bytes()),
            time: push.date,
            push_json_url: format!("{url}/json-pushes?version=2&startID={after}&endID={upto}"),
            push_full_json_url: format!("{url}/json-pushes?version=2&full=1&startID={after}&endID={upto}"),
        }
    }

    fn marker(&self, state: &State, marker: &Marker) -> ListedMarker {
        let changeset = |node: &Node| self.changeset(state, *node);
        ListedMarker {
            precursor: changeset(&marker.precursor),
            successors: marker.successors.iter().map(changeset).collect(),
            user: mojibake(marker.user.as_bytes()),
            time: marker.time as f64,
        }
    }

    fn changeset(&self, state: &State, node: Node) -> ListedChangeset {
        let Some(changeset) = state.history.changeset(node) else {
            return ListedChangeset { node, known: false, visible: None, desc: None, push: None };
        };
        ListedChangeset {
            node,
            known: true,
            visible: Some(!state.hidden.contains(&node)),
            desc: Some(mojibake(&changeset.description)),
            push: state.pushlog.push_of(node).map(|push| self.push(push)),
        }
    }
}

/// What is not ASCII arrives as if its UTF-8 were Latin-1.
fn mojibake(text: &[u8]) -> String {
    latin1(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = r#"{"payload": {"type": "changegroup.1", "data": {"repo_url": "https://hg.example.org/l10n-central/de", "heads": ["ff2f9d1eb1636700263d85ad6cee06a2e8973c3d", "d6e01c790fc9ebd03cd568d12f8aed6ea9e26573"], "source": "serve", "pushlog_pushes": [{"pushid": 4, "user": "two@example.com", "time": 1795485754, "push_json_url": "https://hg.example.org/l10n-central/de/json-pushes?version=2&startID=3&endID=4", "push_full_json_url": "https://hg.example.org/l10n-central/de/json-pushes?version=2&full=1&startID=3&endID=4"}]}}, "_meta": {"exchange": "exchange/hgpushes/v2", "routing_key": "l10n-central/de", "serializer": "json", "sent": "2026-11-24T02:02:35.318124"}}"#;

    #[test]
    fn a_message_is_byte_for_byte_as_it_was_recorded() {
        let sender = Sender {
            repository: "l10n-central/de",
            url: "https://hg.example.org/l10n-central/de",
            now: "2026-11-24T02:02:35.318124Z".parse().unwrap(),
        };
        let heads = ["ff2f9d1eb1636700263d85ad6cee06a2e8973c3d", "d6e01c790fc9ebd03cd568d12f8aed6ea9e26573"];
        let heads = heads.map(|head| head.parse().unwrap()).to_vec();
        let user = "two@example.com".to_owned();
        let push = Push { id: 4, nodes: heads.clone(), date: 1_795_485_754, user, heads };

        let changegroup = Changegroup { source: "serve", heads: &push.heads, pushes: std::slice::from_ref(&push) };
        let message = sender.changegroup(&changegroup);

        assert_eq!(String::from_utf8(message.body).unwrap(), RECORDED);
    }

    #[test]
    fn a_whole_second_has_no_fraction() {
        let now = "2026-11-24T02:02:35Z".parse().unwrap();
        let sender = Sender { repository: "r", url: "http://x/r", now };
        assert_eq!(sender.sent(), "2026-11-24T02:02:35");
    }
}
