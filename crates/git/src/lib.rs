//! Bare git clones: git itself is run to bring them into step with a host, and to read what is in them.
//!
//! In come URLs, folders of bare clones, hashes and names of branches; out come branches, commits, changes, contents of files
//! and errors sorted by what a caller can do about them. This crate never asks a person anything, never reads the settings of a
//! user or the system, never collects garbage, never lets a revision expression or a token reach an argument of git, and
//! never leaves a process behind.

mod branch;
mod changes;
mod commits;
mod error;
mod fetching;
mod fields;
mod hash;
mod health;
mod objects;
mod program;
mod remote;
mod revisions;
mod server;

pub mod hostile;

pub use branch::{Branch, NotABranch};
pub use changes::{Change, Entry, Kind, Mode, Renames};
pub use commits::{Commit, Commits, Range, Signature};
pub use error::GitError;
pub use fetching::{Fetched, How, Listing, Moved, Wanted};
pub use hash::{Hash, HashKind, NotAHash};
pub use health::Depth;
pub use objects::{Found, Objects};
pub use program::Git;
pub use remote::{NotARemote, Remote};
pub use revisions::Resolved;
