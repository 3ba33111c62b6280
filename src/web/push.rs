//! A push as pages show it: the store's row in; its changesets, links and times out. Never asks anything itself.

use super::feed::Entry;
use super::format::address;
use super::shown::{Time, cut, first_line, lines, person};
use super::upstream;
use crate::domain::Vcs;
use crate::store::{PushElsewhere, PushRow, PushedChangeset};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How long the name of a person or a branch may be in a list.
const LONGEST_NAME: usize = 100;

/// One push with its changesets, the tip first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Push)]
pub(super) struct PushShown {
    pub(super) repository: String,
    pub(super) generation: i64,
    pub(super) push_id: u64,
    pub(super) user: String,
    /// Seconds since 1970.
    pub(super) date: i64,
    pub(super) time: Time,
    /// Its last changeset; none where it has none.
    pub(super) tip: Option<String>,
    /// What the push changed, from the first parent of its first changeset to its tip.
    pub(super) diff: Option<String>,
    /// The host's page about it; none when the host has made the repository anew since.
    pub(super) upstream: Option<String>,
    /// The branch of git that it moved; Mercurial's pushes are of a repository.
    pub(super) branch: Option<String>,
    /// Nobody has said yet who pushed it, and its time is when it was seen.
    pub(super) seen: bool,
    /// How many changesets it took from its branch.
    pub(super) dropped: u64,
    /// Those that fit what is asked for, as many as there is room for.
    pub(super) changesets: Vec<PushedShown>,
    pub(super) changesets_fitting: u64,
    pub(super) changesets_in_all: u64,
    /// Where else these came, in git or in Mercurial; only of a push alone, and in the list of a locale.
    pub(super) elsewhere: Vec<ElsewhereShown>,
    #[serde(skip)]
    url: String,
    #[serde(skip)]
    tip_description: String,
}

/// A push by which the same changes came on the other side.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PushElsewhere)]
pub(super) struct ElsewhereShown {
    pub(super) repository: String,
    /// Which side it is on: `git` or `hg`.
    vcs: &'static str,
    generation: i64,
    pub(super) push_id: u64,
}

/// One changeset of a push.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PushedChangeset)]
pub(super) struct PushedShown {
    pub(super) revision: String,
    pub(super) known: bool,
    pub(super) obsolete: bool,
    pub(super) author: String,
    /// The beginning of it; the changeset's own page has it whole.
    pub(super) description: String,
    pub(super) branch: String,
    pub(super) upstream: Option<String>,
}

impl PushShown {
    pub(super) fn of(push: &PushRow, now: Timestamp) -> PushShown {
        PushShown {
            repository: push.repository.to_string(),
            generation: push.generation,
            push_id: push.push_id,
            user: cut(&push.user.to_string(), LONGEST_NAME),
            date: push.date,
            time: Time::of_seconds(push.date, now),
            tip: push.ends.as_ref().map(|ends| ends.tip.to_string()),
            diff: diff(push),
            upstream: upstream::push(push),
            branch: push.moved.as_ref().map(|moved| cut(&moved.branch.to_string(), LONGEST_NAME)),
            seen: push.moved.as_ref().is_some_and(|moved| moved.seen),
            dropped: push.moved.as_ref().map_or(0, |moved| moved.dropped),
            changesets: push.changesets.iter().map(|one| PushedShown::of(one, &push.url, push.vcs, push.current)).collect(),
            changesets_fitting: push.fitting,
            changesets_in_all: push.in_all,
            elsewhere: push.elsewhere.iter().map(ElsewhereShown::of).collect(),
            url: push.url.clone(),
            tip_description: push.ends.as_ref().map(|ends| lines(&ends.description)).unwrap_or_default(),
        }
    }

    /// The page of the push alone.
    pub(super) fn href(&self) -> String {
        alone(&self.repository, self.generation, self.push_id)
    }

    /// How many changesets that fit are not shown.
    pub(super) fn rest(&self) -> u64 {
        self.changesets_fitting.saturating_sub(self.changesets.len() as u64)
    }

    /// The first line of its tip; nothing where there is none, or nobody has seen it.
    pub(super) fn tip_line(&self) -> String {
        if self.tip_description.is_empty() { String::new() } else { first_line(&self.tip_description) }
    }

    /// The push in a feed.
    pub(super) fn entry(&self) -> Entry {
        let title = format!("{} push {}: {}", self.repository, self.push_id, self.tip_line());
        let changesets: Vec<String> =
            self.changesets.iter().map(|changeset| format!("{} {}", changeset.short(), changeset.first_line())).collect();
        Entry {
            id: format!("{}#push-{}-{}", self.url, self.generation, self.push_id),
            title: title.trim_end_matches([':', ' ']).to_owned(),
            author: self.user.clone(),
            date: self.date,
            page: self.href(),
            text: changesets.join("\n"),
        }
        .in_xml()
    }
}

impl ElsewhereShown {
    fn of(push: &PushElsewhere) -> ElsewhereShown {
        ElsewhereShown {
            repository: push.repository.to_string(),
            vcs: push.vcs.name(),
            generation: push.generation,
            push_id: push.push_id,
        }
    }

    pub(super) fn href(&self) -> String {
        alone(&self.repository, self.generation, self.push_id)
    }
}

fn alone(repository: &str, generation: i64, push_id: u64) -> String {
    format!("/source/pushes/{repository}?push={generation}.{push_id}")
}

/// From where its branch was, for git; from the first parent of its first changeset, for Mercurial.
fn diff(push: &PushRow) -> Option<String> {
    let (from, to) = match (&push.moved, &push.ends) {
        (Some(moved), _) => (moved.before, moved.after),
        (None, Some(ends)) => (ends.base?, ends.tip),
        (None, None) => return None,
    };
    let (from, to) = (from.to_string(), to.to_string());
    Some(address("/source/diff/", &[("repo", push.repository.as_str()), ("from", &from), ("to", &to)]))
}

impl PushedShown {
    pub(super) fn of(changeset: &PushedChangeset, url: &str, vcs: Vcs, is_current: bool) -> PushedShown {
        PushedShown {
            revision: changeset.revision.to_string(),
            known: changeset.known,
            obsolete: changeset.obsolete,
            author: cut(&changeset.author.to_string(), LONGEST_NAME),
            description: lines(&changeset.description),
            branch: cut(&changeset.branch.to_string(), LONGEST_NAME),
            upstream: upstream::changeset(url, vcs, changeset.revision).filter(|_| is_current),
        }
    }

    pub(super) fn short(&self) -> &str {
        &self.revision[..12]
    }

    pub(super) fn person(&self) -> &str {
        person(&self.author)
    }

    pub(super) fn first_line(&self) -> String {
        first_line(&self.description)
    }

    /// The branch where it says something.
    pub(super) fn other_branch(&self) -> Option<&str> {
        Some(self.branch.as_str()).filter(|branch| !matches!(*branch, "" | "default"))
    }
}
