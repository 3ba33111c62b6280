//! What went wrong outside, sorted by what to do about it.

use crate::domain::ErrorClass;
use elmo_git::GitError;
use elmo_hg::{ChangelogError, HgError};

/// Something was not fetched.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct FetchError {
    pub class: ErrorClass,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl FetchError {
    /// An error in words.
    pub fn new(class: ErrorClass, what: impl Into<String>) -> FetchError {
        FetchError { class, what: what.into(), source: None }
    }

    /// An error with its cause.
    pub fn because(
        class: ErrorClass,
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> FetchError {
        FetchError { class, what: what.into(), source: Some(Box::new(source)) }
    }
}

/// A blocking task that reads a clone did not come to its end.
impl From<tokio::task::JoinError> for FetchError {
    fn from(error: tokio::task::JoinError) -> FetchError {
        FetchError::because(ErrorClass::Ours, "reading a clone was cut off", error)
    }
}

impl From<HgError> for FetchError {
    fn from(error: HgError) -> FetchError {
        let class = match error {
            HgError::Network { .. } | HgError::TimedOut { .. } => ErrorClass::Network,
            HgError::Gone { .. } => ErrorClass::Gone,
            HgError::Refused { .. } => ErrorClass::Refused,
            HgError::Unrelated { .. } => ErrorClass::Unrelated,
            HgError::Corrupt { .. } => ErrorClass::Corrupt,
            _ => ErrorClass::Ours,
        };
        FetchError::because(class, "hg did not do as asked", error)
    }
}

impl From<GitError> for FetchError {
    fn from(error: GitError) -> FetchError {
        let class = match error {
            GitError::Network { .. } | GitError::TimedOut { .. } | GitError::TooLong { .. } | GitError::Broken { .. } => {
                ErrorClass::Network
            }
            GitError::Gone { .. } | GitError::Moved { .. } => ErrorClass::Gone,
            GitError::Refused { .. } => ErrorClass::Refused,
            GitError::Unrelated { .. } => ErrorClass::Unrelated,
            GitError::Corrupt { .. } | GitError::Unknown { .. } => ErrorClass::Corrupt,
            _ => ErrorClass::Ours,
        };
        FetchError::because(class, "git did not do as asked", error)
    }
}

impl From<ChangelogError> for FetchError {
    fn from(error: ChangelogError) -> FetchError {
        let class = match &error {
            ChangelogError::Corrupt { .. } | ChangelogError::Unsupported { .. } => ErrorClass::Corrupt,
            ChangelogError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorClass::Corrupt,
            ChangelogError::Io { .. } => ErrorClass::Ours,
        };
        FetchError::because(class, "could not read the clone", error)
    }
}
