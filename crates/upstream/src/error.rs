//! What can go wrong while the upstream is built up or changed.

use std::io;
use std::path::{Path, PathBuf};

use crate::Node;

/// The outcome of every change to the upstream.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A reason why the upstream could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be started, most often because it is not installed.
    #[error("could not start {}", program.display())]
    Start {
        /// The program as it was called.
        program: PathBuf,
        /// Why it did not start.
        source: io::Error,
    },
    /// Mercurial was asked and answered with an error.
    #[error("hg {command} ended with {code}: {message}")]
    Hg {
        /// The command line.
        command: String,
        /// The exit code.
        code: i32,
        /// What it wrote to its standard error.
        message: String,
    },
    /// git was asked and answered with an error.
    #[error("git {command} ended with {code}: {message}")]
    Git {
        /// The command line.
        command: String,
        /// The exit code.
        code: i32,
        /// What it wrote to its standard error.
        message: String,
    },
    /// A file, a folder or a port could not be used.
    #[error("could not {what}")]
    Io {
        /// What was attempted on what.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The repository is not served here.
    #[error("no repository {0} is served")]
    UnknownRepository(String),
    /// A repository of this name is served already.
    #[error("repository {0} is served already")]
    RepositoryExists(String),
    /// The changeset is not in the repository.
    #[error("no changeset {node} in {repository}")]
    UnknownChangeset {
        /// The repository that was searched.
        repository: String,
        /// What was searched for.
        node: Node,
    },
    /// What was asked for cannot be a changeset or a repository.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn io_of(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(format!("{verb} {}", path.display()))
    }
}
