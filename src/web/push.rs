//! A push as pages show it: the store's row in; its changesets, links and times out. Never asks anything itself.

use super::shown::{Time, first_line, lines, person, upstream};
use crate::store::{PushRow, PushedChangeset};
use jiff::Timestamp;
use serde::Serialize;

/// How many changesets of a push are shown at once; the others are folded.
const OPEN: usize = 20;
/// The same where pushes are only a glance.
const OPEN_BRIEFLY: usize = 5;

/// One push with its changesets, the tip first.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PushShown {
    pub(super) repository: String,
    pub(super) generation: i64,
    pub(super) push_id: u64,
    pub(super) user: String,
    /// Seconds since 1970.
    pub(super) date: i64,
    pub(super) time: Time,
    /// The host's page about it; none when the host has made the repository anew since.
    pub(super) upstream: Option<String>,
    pub(super) changesets: Vec<PushedShown>,
    #[serde(skip)]
    shown_at_once: usize,
}

/// One changeset of a push.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PushedShown {
    pub(super) revision: String,
    pub(super) known: bool,
    pub(super) obsolete: bool,
    pub(super) author: String,
    pub(super) description: String,
    pub(super) branch: String,
    pub(super) upstream: Option<String>,
}

impl PushShown {
    pub(super) fn of(push: &PushRow, now: Timestamp) -> PushShown {
        let before = push.push_id.saturating_sub(1);
        let page = format!("pushloghtml?startID={before}&endID={}", push.push_id);
        PushShown {
            repository: push.repository.to_string(),
            generation: push.generation,
            push_id: push.push_id,
            user: push.user.to_string(),
            date: push.date,
            time: Time::of_seconds(push.date, now),
            upstream: upstream(&push.url, &page).filter(|_| push.current),
            changesets: push.changesets.iter().map(|changeset| PushedShown::of(changeset, &push.url, push.current)).collect(),
            shown_at_once: OPEN,
        }
    }

    /// The same push with more of it folded.
    pub(super) fn briefly(self) -> PushShown {
        PushShown { shown_at_once: OPEN_BRIEFLY, ..self }
    }

    /// The changesets that are shown at once.
    pub(super) fn open(&self) -> &[PushedShown] {
        &self.changesets[..self.changesets.len().min(self.shown_at_once)]
    }

    /// The changesets that are folded.
    pub(super) fn folded(&self) -> &[PushedShown] {
        &self.changesets[self.open().len()..]
    }
}

impl PushedShown {
    fn of(changeset: &PushedChangeset, url: &str, is_current: bool) -> PushedShown {
        PushedShown {
            revision: changeset.revision.to_string(),
            known: changeset.known,
            obsolete: changeset.obsolete,
            author: changeset.author.to_string(),
            description: lines(&changeset.description),
            branch: changeset.branch.to_string(),
            upstream: upstream(url, &format!("rev/{}", changeset.revision)).filter(|_| is_current),
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
