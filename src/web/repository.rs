//! A repository as pages show it: what the store knows in, words and times out. Never asks anything itself.

use super::shown::Time;
use super::table::{Table, text};
use crate::domain::{Kept, Repository, State};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A repository and how it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Repository)]
pub(super) struct RepositoryShown {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) forest: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) fork_of: Option<String>,
    pub(super) state: &'static str,
    pub(super) in_words: String,
    #[serde(skip)]
    pub(super) rest_of_words: String,
    pub(super) generation: i64,
    pub(super) announced_push: u64,
    pub(super) last_push: u64,
    #[schema(value_type = Time)]
    pub(super) checked_at: Option<Time>,
    #[schema(value_type = Time)]
    pub(super) failing_since: Option<Time>,
    pub(super) error_class: Option<&'static str>,
    pub(super) error: Option<String>,
    #[schema(value_type = Time)]
    pub(super) next_try: Option<Time>,
}

/// What a table of repositories says of each.
const COLUMNS: &[&str] = &[
    "name",
    "url",
    "forest",
    "locale",
    "fork_of",
    "state",
    "announced_push",
    "last_push",
    "checked_at",
    "failing_since",
    "next_try",
    "error_class",
    "error",
];

/// Repositories as a table.
pub(super) fn table(repositories: &[RepositoryShown]) -> Table {
    Table::filled(COLUMNS, repositories.iter().map(RepositoryShown::cells))
}

impl RepositoryShown {
    /// The repository as it is looked at now.
    pub(super) fn of(repository: &Repository, now: Timestamp) -> RepositoryShown {
        let time = |at: Option<Timestamp>| at.map(|at| Time::at(at, now));
        let troubled = matches!(repository.state(), State::Failing | State::Waiting);
        RepositoryShown {
            name: repository.name.to_string(),
            url: repository.url.to_string(),
            forest: repository.forest.as_ref().map(ToString::to_string),
            locale: repository.locale.as_ref().map(ToString::to_string),
            fork_of: repository.fork_of.as_ref().map(ToString::to_string),
            state: repository.state().name(),
            in_words: repository.in_words(),
            rest_of_words: repository.rest_of_words(),
            generation: repository.generation,
            announced_push: repository.announced_push,
            last_push: repository.last_push,
            checked_at: time(repository.checked_at),
            failing_since: time(repository.failing_since),
            error_class: repository.error_class.map(crate::domain::ErrorClass::name),
            error: repository.error.as_deref().map(|error| Kept::from(error).to_string()),
            next_try: time(repository.next_try.filter(|_| troubled)),
        }
    }

    /// Its cells in a table whose columns are [`COLUMNS`].
    fn cells(&self) -> Vec<String> {
        let time = |at: &Option<Time>| at.as_ref().map(Time::machine).unwrap_or_default();
        let maybe = |value: &Option<String>| text(value.as_deref().unwrap_or_default());
        let mut cells = vec![text(&self.name), text(&self.url)];
        cells.extend([&self.forest, &self.locale, &self.fork_of].map(maybe));
        cells.push(self.state.to_owned());
        cells.extend([self.announced_push, self.last_push].map(|push| push.to_string()));
        cells.extend([&self.checked_at, &self.failing_since, &self.next_try].map(time));
        cells.extend([self.error_class.unwrap_or_default().to_owned(), maybe(&self.error)]);
        cells
    }

    /// The host's own page, if a browser may go there.
    pub(super) fn upstream(&self) -> Option<String> {
        super::shown::upstream(&self.url, "")
    }
}
