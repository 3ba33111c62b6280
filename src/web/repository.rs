//! A repository as pages show it: what the store knows in, words and times out. Never asks anything itself.

use super::shown::Time;
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

    /// The host's own page, if a browser may go there.
    pub(super) fn upstream(&self) -> Option<String> {
        super::shown::upstream(&self.url, "")
    }
}
