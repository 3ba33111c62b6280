//! The pushlog of a repository and how it answers `json-pushes`.
//!
//! Takes the pushes and changesets of a repository and the parameters of a request, gives the answer as
//! hg.mozilla.org does. Pure.

use std::collections::{HashMap, HashSet};

use crate::Node;
use crate::changeset::Changeset;
use crate::history::History;
use crate::json::{put_list, put_string};

/// One push, as the pushlog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Counts from 1 in each repository and is never given twice.
    pub id: u64,
    /// The changesets it brought, in revision order; fewer after a strip.
    pub nodes: Vec<Node>,
    /// When, in seconds since 1970.
    pub date: i64,
    /// Who, mostly an e-mail address.
    pub user: String,
    /// Those of the changesets that were heads of the repository.
    pub heads: Vec<Node>,
}

impl Push {
    /// The last of its changesets.
    ///
    /// # Panics
    ///
    /// If all its changesets were stripped.
    #[must_use]
    pub fn tip(&self) -> Node {
        *self.nodes.last().expect("this push was stripped")
    }
}

/// All pushes of a repository.
#[derive(Debug, Default)]
pub(crate) struct Pushlog {
    pushes: Vec<Push>,
    /// When something was last changed, in seconds since 1970.
    pub(crate) changed: i64,
}

impl Pushlog {
    pub(crate) fn pushes(&self) -> &[Push] {
        &self.pushes
    }

    pub(crate) fn push(&self, id: u64) -> Option<&Push> {
        let before = usize::try_from(id.checked_sub(1)?).ok()?;
        self.pushes.get(before)
    }

    /// Finds the push that brought a changeset.
    pub(crate) fn push_of(&self, node: Node) -> Option<&Push> {
        self.pushes.iter().rev().find(|push| push.nodes.contains(&node))
    }

    /// Appends a push and gives it the next id.
    pub(crate) fn record(&mut self, user: &str, date: i64, nodes: Vec<Node>, heads: Vec<Node>) -> Push {
        let id = self.pushes.len() as u64 + 1;
        let push = Push { id, nodes, date, user: user.to_owned(), heads };
        self.pushes.push(push.clone());
        self.changed = self.changed.max(date);
        push
    }

    /// Forgets changesets that are no longer there; the pushes keep their ids.
    pub(crate) fn forget(&mut self, gone: &HashSet<Node>) {
        for push in &mut self.pushes {
            push.nodes.retain(|node| !gone.contains(node));
            push.heads.retain(|node| !gone.contains(node));
        }
    }
}

/// What a pushlog speaks of.
pub(crate) struct Source<'a> {
    pub(crate) history: &'a History,
    pub(crate) pushlog: &'a Pushlog,
    pub(crate) hidden: &'a HashSet<Node>,
    /// Which changesets came in place of others: successor, precursor.
    pub(crate) markers: &'a [(Node, Node)],
    /// Which commits of git changesets are, as far as it is known yet.
    pub(crate) commits: &'a HashMap<Node, String>,
    /// How many of the newest pushes are not shown.
    pub(crate) lag: u64,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: Option<String>,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

const JSON: &str = "application/json";

impl Answer {
    fn script_output(body: String) -> Self {
        Self { status: 200, reason: Some("Script output follows".to_owned()), content_type: JSON, body }
    }

    fn error(status: u16, reason: Option<&str>, message: &str) -> Self {
        let mut body = "{\"error\": ".to_owned();
        put_string(&mut body, message.as_bytes());
        body.push('}');
        Self { status, reason: reason.map(str::to_owned), content_type: JSON, body }
    }

    fn internal_server_error() -> Self {
        let body = "Internal Server Error".to_owned();
        Self { status: 500, reason: None, content_type: "text/plain", body }
    }

    /// As for any page of a repository that is not there.
    pub(crate) fn no_repository(name: &str) -> Self {
        let name = name.replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<!DOCTYPE html>\n<html><head><title>Mercurial repository not found</title></head>\n\
             <body><h2>Mercurial repository not found</h2>\n\
             The specified repository \"{name}\" is unknown, sorry.</body></html>\n"
        );
        Self { status: 404, reason: None, content_type: "text/html; charset=UTF-8", body }
    }
}

/// Why a request gets an error.
enum Refusal {
    NoNumber,
    UnknownRevision(String),
    Version(String),
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoNumber => Self::internal_server_error(),
            Refusal::UnknownRevision(name) => Self::error(404, None, &format!("unknown revision '{name}'")),
            Refusal::Version(version) => {
                let message = format!("version parameter must be 1 or 2, not {version}");
                Self::error(500, Some(&message), &message)
            }
        }
    }
}

/// Answers `json-pushes`; `page` is what follows it in the path, from 1.
pub(crate) fn answer(source: &Source<'_>, page: u64, parameters: &[(String, String)]) -> Answer {
    match Query::read(source, page, parameters) {
        Ok(query) => Answer::script_output(query.answer(source)),
        Err(refusal) => refusal.into(),
    }
}

struct Query {
    range: Range,
    full: bool,
    tips_only: bool,
    version: Version,
}

enum Range {
    /// Pages of ten, from the newest.
    Page(u64),
    /// After the first, up to the second.
    Ids(u64, u64),
    Dates(i64, i64),
}

#[derive(PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Query {
    fn read(source: &Source<'_>, page: u64, parameters: &[(String, String)]) -> Result<Self, Refusal> {
        let parameter = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let version = match parameter("version") {
            None | Some("1") => Version::One,
            Some("2") => Version::Two,
            Some(other) => return Err(Refusal::Version(other.to_owned())),
        };
        let range = Range::read(source, page, parameter)?;
        let tips_only = parameter("tipsonly") == Some("1");
        Ok(Self { range, full: parameter("full").is_some(), tips_only, version })
    }

    fn answer(&self, source: &Source<'_>) -> String {
        let mut pushes: Vec<(String, &Push)> =
            self.range.of(shown(source)).iter().map(|push| (push.id.to_string(), *push)).collect();
        pushes.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut listed = String::new();
        for (id, push) in pushes.iter().filter(|(_, push)| !push.nodes.is_empty()) {
            let separator = if listed.is_empty() { "" } else { ", " };
            listed.push_str(&format!("{separator}\"{id}\": "));
            self.put_push(&mut listed, source, push);
        }
        match self.version {
            Version::One => format!("{{{listed}}}"),
            Version::Two => {
                let last = shown(source).last().map_or(0, |push| push.id);
                format!("{{\n\"lastpushid\": {last},\n\"pushes\": {{{listed}}}\n}}")
            }
        }
    }

    fn put_push(&self, out: &mut String, source: &Source<'_>, push: &Push) {
        let known = push.nodes.iter().filter_map(|node| source.history.changeset(*node));
        let (obsolete, mut visible): (Vec<_>, Vec<_>) = known.partition(|changeset| source.hidden.contains(&changeset.node));
        if self.tips_only {
            visible.drain(..visible.len().saturating_sub(1));
        }
        let put = |out: &mut String, changeset: &Changeset| match self.full {
            true => put_changeset(out, source, changeset),
            false => put_node(out, changeset.node),
        };
        out.push_str("{\"changesets\": ");
        put_list(out, visible.iter().copied(), put);
        out.push_str(&format!(", \"date\": {}", push.date));
        if obsolete.is_empty() {
            out.push_str(", \"git_changesets\": ");
            put_list(out, &visible, |out, changeset| put_commit(out, source, changeset.node));
        } else {
            out.push_str(", \"obsoletechangesets\": ");
            put_list(out, obsolete, put);
        }
        out.push_str(", \"user\": ");
        put_string(out, push.user.as_bytes());
        out.push('}');
    }
}

impl Range {
    fn read<'p>(source: &Source<'_>, page: u64, parameter: impl Fn(&str) -> Option<&'p str>) -> Result<Self, Refusal> {
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| Refusal::NoNumber);
        let id = |text: &str| Ok(u64::try_from(number(text)?).unwrap_or(0));
        if let Some(start) = parameter("startdate") {
            let end = parameter("enddate").map_or(Ok(i64::MAX), number)?;
            return Ok(Self::Dates(number(start)?, end));
        }
        let start = match (parameter("startID"), parameter("fromchange")) {
            (Some(start), _) => id(start)?,
            (None, Some(change)) => push_of(source, change)?,
            (None, None) => return Ok(Self::Page(page)),
        };
        let end = match (parameter("endID"), parameter("tochange")) {
            (Some(end), _) => id(end)?,
            (None, Some(change)) => push_of(source, change)?,
            (None, None) => u64::MAX,
        };
        Ok(Self::Ids(start, end))
    }

    fn of<'p>(&self, pushes: &'p [Push]) -> Vec<&'p Push> {
        let chosen = |push: &&Push| match self {
            Self::Page(_) => true,
            Self::Ids(after, upto) => *after < push.id && push.id <= *upto,
            Self::Dates(after, before) => *after < push.date && push.date < *before,
        };
        match self {
            Self::Page(page) => {
                let skipped = usize::try_from(page.saturating_sub(1)).unwrap_or(usize::MAX).saturating_mul(10);
                pushes.iter().rev().skip(skipped).take(10).collect()
            }
            _ => pushes.iter().filter(chosen).collect(),
        }
    }
}

fn push_of(source: &Source<'_>, change: &str) -> Result<u64, Refusal> {
    if !change.is_empty() && change.bytes().all(|byte| byte == b'0') {
        return Ok(0);
    }
    let unknown = || Refusal::UnknownRevision(change.to_owned());
    let node = named(source, change).ok_or_else(unknown)?;
    let push = shown(source).iter().rev().find(|push| push.nodes.contains(&node));
    push.map(|push| push.id).ok_or_else(unknown)
}

fn named(source: &Source<'_>, change: &str) -> Option<Node> {
    if change == "tip" {
        return tip(source);
    }
    let mut found = source.history.beginning_with(change);
    match (found.next(), found.next()) {
        (Some(node), None) => Some(node),
        _ => None,
    }
}

fn shown<'a>(source: &Source<'a>) -> &'a [Push] {
    let pushes = source.pushlog.pushes();
    let lag = usize::try_from(source.lag).unwrap_or(usize::MAX);
    &pushes[..pushes.len().saturating_sub(lag)]
}

fn tip(source: &Source<'_>) -> Option<Node> {
    let mut nodes = source.history.newest_first().map(|changeset| changeset.node);
    nodes.find(|node| !source.hidden.contains(node))
}

fn put_node(out: &mut String, node: Node) {
    put_string(out, &node.to_hex());
}

fn put_commit(out: &mut String, source: &Source<'_>, node: Node) {
    match source.commits.get(&node) {
        Some(commit) => put_string(out, commit.as_bytes()),
        None => out.push_str("null"),
    }
}

fn put_changeset(out: &mut String, source: &Source<'_>, changeset: &Changeset) {
    let parents: Vec<Node> = changeset.real_parents().collect();
    out.push_str("{\"author\": ");
    put_text(out, &changeset.author);
    out.push_str(", \"branch\": ");
    put_text(out, changeset.branch());
    out.push_str(", \"desc\": ");
    put_text(out, &changeset.description);
    out.push_str(", \"files\": ");
    put_list(out, &changeset.files, |out, file| put_string(out, file));
    let shown: &[Node] = if parents.is_empty() { &[Node::NULL] } else { &parents };
    out.push_str(", \"git_node\": ");
    put_commit(out, source, changeset.node);
    out.push_str(", \"git_parents\": ");
    put_list(out, shown, |out, parent| put_commit(out, source, *parent));
    out.push_str(", \"node\": ");
    put_node(out, changeset.node);
    out.push_str(", \"parents\": ");
    put_list(out, shown, |out, parent| put_node(out, *parent));
    let replaced = source.markers.iter().filter(|(successor, _)| *successor == changeset.node);
    let mut replaced = replaced.map(|(_, precursor)| *precursor).peekable();
    if replaced.peek().is_some() {
        out.push_str(", \"precursors\": ");
        put_list(out, replaced, put_node);
    }
    out.push_str(", \"tags\": ");
    let tip = tip(source) == Some(changeset.node);
    put_list(out, tip.then_some("tip"), |out, tag| put_string(out, tag.as_bytes()));
    out.push('}');
}

/// Descriptions and names that are no UTF-8 are taken for Latin-1, as Mercurial does.
fn put_text(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => put_string(out, text.as_bytes()),
        Err(_) => put_string(out, latin1(bytes).as_bytes()),
    }
}

/// Reads each byte as the character of its number.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
