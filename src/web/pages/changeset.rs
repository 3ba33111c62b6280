//! One changeset with everything that hangs on it, by the beginning of its hash.

use crate::domain::{RepositoryName, Revision, Vcs};
use crate::store::{ChangesetRow, Found, ObsolescenceRow, PushOfChangeset, TwinRow};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown};
use crate::web::shown::{Time, cut, first_line, lines, zone};
use crate::web::upstream;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How many files are shown at once; the others are folded.
const OPEN_FILES: usize = 200;
/// As much as a page has room for, in bytes, whatever somebody wrote; a character can take five as markup. JSON has all.
const ROOM_FOR_FILES: usize = 80_000;
const ROOM_FOR_DESCRIPTION: usize = 40_000;
const ROOM_FOR_NAME: usize = 1000;
/// What a file takes beside its name.
const AROUND_FILE: usize = 5;

#[derive(Template, Serialize, ToSchema)]
#[template(path = "pages/changeset.html")]
#[schema(as = Changeset)]
pub(in crate::web) struct Page {
    revision: String,
    /// False when it was named and nobody has seen it yet.
    known: bool,
    obsolete: bool,
    author: String,
    description: String,
    branch: String,
    closes_branch: bool,
    /// Seconds since 1970, and how many seconds west of UTC the author's clock was; none where nobody has seen it.
    date: Option<i64>,
    offset: Option<i32>,
    #[schema(value_type = Time)]
    time: Option<Time>,
    files: Vec<String>,
    parents: Vec<String>,
    children: Vec<String>,
    repositories: Vec<Holder>,
    pushes: Vec<PushShown>,
    /// The pushes that took it from their branches.
    dropped: Vec<PushShown>,
    /// What replaced it; one without a revision says that it was pruned.
    successors: Vec<MarkerShown>,
    precursors: Vec<MarkerShown>,
    /// The same change in git, or in Mercurial.
    twins: Vec<TwinShown>,
    #[serde(skip)]
    is_null: bool,
    #[serde(skip)]
    here: Here,
}

/// A repository that holds the changeset.
#[derive(Serialize, ToSchema)]
#[schema(as = Holder)]
pub(in crate::web) struct Holder {
    name: String,
    upstream: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PushOfChangeset)]
pub(in crate::web) struct PushShown {
    repository: String,
    generation: i64,
    push_id: u64,
    user: String,
    /// Seconds since 1970.
    date: i64,
    time: Time,
}

#[derive(PartialEq, Serialize, ToSchema)]
#[schema(as = Marker)]
pub(in crate::web) struct MarkerShown {
    revision: Option<String>,
    user: Option<String>,
    /// Seconds since 1970.
    date: i64,
    time: Time,
}

/// The same change on the other side.
#[derive(Serialize, ToSchema)]
#[schema(as = Twin)]
pub(in crate::web) struct TwinShown {
    revision: String,
    /// Which side it is on: `git` or `hg`.
    vcs: &'static str,
    /// False while no repository that is followed has shown it.
    known: bool,
    repositories: Vec<Holder>,
    #[serde(skip)]
    side: &'static str,
}

/// The changesets among which a prefix does not decide.
#[derive(Template, Serialize)]
#[template(path = "pages/candidates.html")]
struct Candidates {
    prefix: String,
    /// The first few.
    candidates: Vec<String>,
    #[serde(skip)]
    here: Here,
}

pub(crate) async fn show(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    format: Format,
) -> Result<Response, PageError> {
    let prefix = path.ok().and_then(|Path(text)| prefix(&text)).ok_or_else(|| {
        PageError::BadRequest(
            "A changeset is named by its hash, or the beginning of it: 1 to 64 of the digits 0 to 9 and a to f.".to_owned(),
        )
    })?;
    match web.store.changeset(&prefix).await? {
        Found::Nothing => Err(PageError::NotFound(format!("No changeset that begins with {prefix} is known here."))),
        Found::One(changeset) => format.answer(&Page::of(&changeset, web.clock.now())),
        Found::Several(revisions) => {
            let page = format.answer(&Candidates::of(prefix, &revisions))?;
            Ok((StatusCode::MULTIPLE_CHOICES, page).into_response())
        }
    }
}

/// The beginning of a hash in lower case, if the text can be one.
pub(in crate::web) fn prefix(text: &str) -> Option<String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase())
}

impl Shown for Page {}

impl Shown for Candidates {}

impl Page {
    pub(in crate::web) fn of(changeset: &ChangesetRow, now: Timestamp) -> Page {
        let revision = changeset.revision.to_string();
        let is_null = changeset.revision == Revision::NULL;
        let date = Some(changeset.date).filter(|_| changeset.known && !is_null);
        Page {
            known: changeset.known,
            obsolete: changeset.obsolete,
            author: changeset.author.to_string(),
            description: lines(&changeset.description),
            branch: changeset.branch.to_string(),
            closes_branch: changeset.closes_branch,
            date: date.map(|date| date.seconds),
            offset: date.map(|date| date.offset),
            time: date.map(|date| Time::of_seconds(date.seconds, now)),
            files: changeset.files.iter().map(ToString::to_string).collect(),
            parents: changeset.parents.iter().map(ToString::to_string).collect(),
            children: changeset.children.iter().map(ToString::to_string).collect(),
            repositories: changeset
                .repositories
                .iter()
                .map(|(name, url, vcs)| Holder::of(name, url, *vcs, changeset.revision))
                .collect(),
            pushes: changeset.pushes.iter().map(|push| PushShown::of(push, now)).collect(),
            dropped: changeset.dropped.iter().map(|push| PushShown::of(push, now)).collect(),
            successors: markers(&changeset.successors, now),
            precursors: markers(&changeset.precursors, now),
            twins: changeset.twins.iter().map(TwinShown::of).collect(),
            is_null,
            here: Here::at(&format!("/source/changeset/{revision}")),
            revision,
        }
    }

    fn first_line(&self) -> String {
        first_line(&self.description)
    }

    fn short(&self) -> &str {
        &self.revision[..12]
    }

    fn zone(&self) -> String {
        zone(self.offset.unwrap_or_default())
    }

    /// The author and the branch, which are words mostly.
    fn name(text: &str) -> String {
        cut(text, ROOM_FOR_NAME)
    }

    fn shown_description(&self) -> &str {
        &self.description[..self.description.floor_char_boundary(ROOM_FOR_DESCRIPTION)]
    }

    fn is_cut(&self) -> bool {
        self.shown_description().len() < self.description.len()
    }

    fn open_files(&self) -> &[String] {
        &self.fitting_files()[..self.fitting_files().len().min(OPEN_FILES)]
    }

    fn folded_files(&self) -> &[String] {
        &self.fitting_files()[self.open_files().len()..]
    }

    /// How many files there is no room for.
    fn left_out(&self) -> usize {
        self.files.len() - self.fitting_files().len()
    }

    fn fitting_files(&self) -> &[String] {
        let mut room = ROOM_FOR_FILES;
        let fitting = self.files.iter().take_while(|file| {
            let size = file.len() + AROUND_FILE;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        &self.files[..fitting.count()]
    }
}

impl Holder {
    fn of(name: &RepositoryName, url: &str, vcs: Vcs, revision: Revision) -> Holder {
        Holder { name: name.to_string(), upstream: upstream::changeset(url, vcs, revision) }
    }
}

impl TwinShown {
    fn of(twin: &TwinRow) -> TwinShown {
        let held = |(name, url): &(RepositoryName, String)| Holder::of(name, url, twin.vcs, twin.revision);
        TwinShown {
            revision: twin.revision.to_string(),
            vcs: twin.vcs.name(),
            known: twin.known,
            repositories: twin.repositories.iter().map(held).collect(),
            side: match twin.vcs {
                Vcs::Mercurial => "Mercurial",
                Vcs::Git => "git",
            },
        }
    }
}

impl PushShown {
    fn of(push: &PushOfChangeset, now: Timestamp) -> PushShown {
        PushShown {
            repository: push.repository.to_string(),
            generation: push.generation,
            push_id: push.push_id,
            user: push.user.to_string(),
            date: push.date,
            time: Time::of_seconds(push.date, now),
        }
    }

    /// The pushes of its repository up to this one.
    fn href(&self) -> String {
        format!("/source/pushes/{}?until={}#push-{}-{}", self.repository, self.date, self.generation, self.push_id)
    }
}

impl Candidates {
    fn of(prefix: String, revisions: &[Revision]) -> Candidates {
        let here = Here::at(&format!("/source/changeset/{prefix}"));
        Candidates { prefix, candidates: revisions.iter().map(ToString::to_string).collect(), here }
    }
}

/// The same marker may come through several repositories.
fn markers(rows: &[ObsolescenceRow], now: Timestamp) -> Vec<MarkerShown> {
    let mut markers = Vec::with_capacity(rows.len());
    for row in rows {
        let marker = MarkerShown {
            revision: row.other.as_ref().map(ToString::to_string),
            user: row.user.as_ref().map(ToString::to_string),
            date: row.date,
            time: Time::of_seconds(row.date, now),
        };
        if !markers.contains(&marker) {
            markers.push(marker);
        }
    }
    markers
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn a_prefix_is_1_to_64_hexadecimal_digits() {
        assert_eq!(prefix("45B7ae").as_deref(), Some("45b7ae"));
        assert_eq!(prefix(&"0".repeat(40)).as_deref(), Some("0".repeat(40).as_str()));
        for wrong in ["", "xyz", "tip", "45b7 ", &"0".repeat(65), "é"] {
            assert_eq!(prefix(wrong), None, "{wrong}");
        }
    }
}
