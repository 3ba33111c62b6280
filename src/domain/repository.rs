//! What is followed, and how far along it is.

use super::{ForestName, Kept, LocaleCode, RepositoryName, RepositoryUrl};
use jiff::Timestamp;

/// The store's number for a forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForestId(pub i64);

/// The store's number for a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryId(pub i64);

/// What keeps a repository's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vcs {
    Mercurial,
    Git,
}

impl Vcs {
    /// The name in the database and in JSON: that of the program.
    pub fn name(self) -> &'static str {
        match self {
            Vcs::Mercurial => "hg",
            Vcs::Git => "git",
        }
    }
}

impl std::str::FromStr for Vcs {
    type Err = String;

    fn from_str(name: &str) -> Result<Vcs, String> {
        match name {
            "hg" => Ok(Vcs::Mercurial),
            "git" => Ok(Vcs::Git),
            _ => Err(format!("there is no {name}, a repository is of hg or of git")),
        }
    }
}

/// A folder of repositories, one for each locale, as `l10n-central`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forest {
    pub id: ForestId,
    pub name: ForestName,
    pub url: RepositoryUrl,
    pub archived: bool,
    /// The forest whose repositories those of this one are forks of, locale by locale.
    pub fork_of: Option<ForestName>,
}

/// A forest to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewForest {
    pub name: ForestName,
    pub url: RepositoryUrl,
    pub fork_of: Option<ForestName>,
}

/// A repository to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRepository {
    pub name: RepositoryName,
    pub url: RepositoryUrl,
    pub forest: Option<ForestName>,
    pub locale: Option<LocaleCode>,
    pub fork_of: Option<RepositoryName>,
    pub vcs: Vcs,
    /// The branches of git that are followed; the host's HEAD where there are none.
    pub branches: Vec<Kept>,
}

impl NewRepository {
    /// One of Mercurial that stands by itself.
    pub fn at(name: RepositoryName, url: RepositoryUrl) -> NewRepository {
        NewRepository { name, url, forest: None, locale: None, fork_of: None, vcs: Vcs::Mercurial, branches: Vec::new() }
    }
}

/// As much of a repository as deciding takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRepository {
    pub id: RepositoryId,
    pub name: RepositoryName,
    pub url: RepositoryUrl,
    pub vcs: Vcs,
    /// The host's own number of it, if it has said it.
    pub host_number: Option<i64>,
    pub archived: bool,
    pub last_push: u64,
    /// All heads that the event names are recorded already.
    pub has_heads: bool,
}

/// Why the last try at a repository did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The host does not show yet what was announced. It will.
    Lag,
    /// The host does not answer, or not with what was asked for.
    Network,
    /// The host says that there is no such repository.
    Gone,
    /// What the host serves has nothing in common with what was there.
    Unrelated,
    /// The clone is damaged.
    Corrupt,
    /// The host does not let us in.
    Refused,
    /// Our own side: disk, rights, programs.
    Ours,
}

impl ErrorClass {
    /// The name in the database, logs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::Lag => "lag",
            ErrorClass::Network => "network",
            ErrorClass::Gone => "gone",
            ErrorClass::Unrelated => "unrelated",
            ErrorClass::Corrupt => "corrupt",
            ErrorClass::Refused => "refused",
            ErrorClass::Ours => "ours",
        }
    }

    /// The class of that name.
    pub fn named(name: &str) -> Option<ErrorClass> {
        use ErrorClass::{Corrupt, Gone, Lag, Network, Ours, Refused, Unrelated};
        [Lag, Network, Gone, Unrelated, Corrupt, Refused, Ours].into_iter().find(|class| class.name() == name)
    }

    /// What it means, in words for a page.
    pub fn in_words(self) -> &'static str {
        match self {
            ErrorClass::Lag => "the host does not show everything that was announced yet",
            ErrorClass::Network => "the host does not answer as it should",
            ErrorClass::Gone => "the host says that there is no such repository",
            ErrorClass::Unrelated => "the host serves a history that has nothing in common with the one known here",
            ErrorClass::Corrupt => "the local clone is damaged",
            ErrorClass::Refused => "the host refuses access",
            ErrorClass::Ours => "something is wrong on this machine",
        }
    }
}

/// A repository that is followed, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    pub id: RepositoryId,
    pub name: RepositoryName,
    pub url: RepositoryUrl,
    pub forest: Option<ForestName>,
    pub locale: Option<LocaleCode>,
    pub fork_of: Option<RepositoryName>,
    pub vcs: Vcs,
    /// The branches of git that are followed; the host's HEAD where there are none.
    pub branches: Vec<Kept>,
    /// Archived itself, or in an archived forest: left alone.
    pub archived: bool,
    /// Counts how often the host made it anew.
    pub generation: i64,
    pub announced_push: u64,
    pub last_push: u64,
    /// When it was last found complete.
    pub checked_at: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub error_class: Option<ErrorClass>,
    pub error: Option<String>,
    pub next_try: Option<Timestamp>,
    /// Somebody asked for it and nobody has looked yet.
    pub wanted: bool,
}

/// How a repository is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Complete,
    Behind,
    Waiting,
    Failing,
    New,
    Archived,
}

impl State {
    /// The name in JSON and on pages.
    pub fn name(self) -> &'static str {
        match self {
            State::Complete => "complete",
            State::Behind => "behind",
            State::Waiting => "waiting",
            State::Failing => "failing",
            State::New => "new",
            State::Archived => "archived",
        }
    }
}

impl Repository {
    /// How it is.
    pub fn state(&self) -> State {
        match self.error_class {
            _ if self.archived => State::Archived,
            Some(ErrorClass::Lag) => State::Waiting,
            Some(_) => State::Failing,
            None if self.announced_push > self.last_push || (self.wanted && self.checked_at.is_some()) => State::Behind,
            None if self.checked_at.is_none() => State::New,
            None => State::Complete,
        }
    }

    /// How it is, in a sentence without times.
    pub fn in_words(&self) -> String {
        match self.state() {
            State::Archived => "archived: kept, no longer updated".to_owned(),
            State::New => "new: the first clone is still to come".to_owned(),
            State::Behind if self.announced_push > self.last_push => {
                format!("behind: at push {} of {}", self.last_push, self.announced_push)
            }
            State::Behind => format!("at push {}, about to be looked at", self.last_push),
            State::Waiting => {
                format!("waiting: at push {} of {}, {}", self.last_push, self.announced_push, ErrorClass::Lag.in_words())
            }
            State::Failing => format!("failing: {}", self.error_class.map_or("", ErrorClass::in_words)),
            State::Complete => format!("complete up to push {}", self.last_push),
        }
    }

    /// The sentence without the state's name, for where that stands before it already.
    pub fn rest_of_words(&self) -> String {
        let words = self.in_words();
        let rest = words.strip_prefix(self.state().name()).unwrap_or(&words);
        rest.trim_start_matches([':', ' ']).to_owned()
    }
}
