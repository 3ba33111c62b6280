//! Local Mercurial clones: Mercurial itself is run to change them and to answer what only it can; the changelog is read
//! here, without it.
//!
//! In come URLs, paths of clones and changeset hashes; out come changesets, statuses, file contents and errors sorted by
//! what a caller can do about them. This crate never asks a person anything, never reads a user's, a system's or a
//! repository's configuration, and never leaves a process behind.

mod changeset;
mod error;
mod node;
mod program;
mod queries;
mod server;
mod servers;

pub mod changelog;
pub mod hostile;

pub use changelog::{Changelog, ChangelogError};
pub use changeset::Changeset;
pub use error::HgError;
pub use node::{Node, NodeError};
pub use program::{CloneProgress, Hg};
pub use queries::{Kind, Pulled, StatusEntry};
pub use server::Output;
pub use servers::Servers;
