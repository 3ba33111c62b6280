//! The words: what Elmo speaks of, checked once where text comes in. No I/O, no wire format, no SQL.

mod changeset;
mod clock;
mod kept;
mod logged;
mod marker;
mod message;
mod names;
mod push;
mod repository;
mod revision;

pub use changeset::{Changeset, HgDate};
pub use clock::Clock;
pub use kept::Kept;
pub use logged::{in_full, milliseconds};
pub use marker::Marker;
pub use message::{HGPUSHES, Message};
pub use names::{ForestName, LocaleCode, NotAName, RepositoryName, RepositoryUrl, UrlRules};
pub use push::{MAX_PUSH_ID, Push};
pub use repository::{ErrorClass, Forest, ForestId, KnownRepository, NewForest, NewRepository, Repository, RepositoryId, State};
pub use revision::{NotARevision, Revision};
