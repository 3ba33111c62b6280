//! Asks other hosts and runs programs: pushlogs, heads, indexes and Taskcluster's queue over HTTP, clones through `hg`. The only place that does.
//!
//! URLs and names come in checked, values of the domain go out. Every answer is bounded in size and time. Never writes to
//! the database and never decides what an answer means.

mod addresses;
mod artifacts;
mod beside;
mod clones;
mod error;
mod git_clones;
mod git_versions;
mod heads;
mod history;
mod holding;
mod host_index;
pub mod hostile;
mod http;
mod leftovers;
mod pushlog;
mod taskcluster;
mod timed;
mod versions;

pub use addresses::PrivateHosts;
pub use artifacts::{Artifacts, CacheError, Looked};
pub use clones::{CloneSettings, Clones};
pub use error::FetchError;
pub use git_clones::{CommitReader, GitClones, GitSettings, HostBranches};
pub use heads::heads;
pub use history::History;
pub use holding::Holding;
pub use host_index::{Listed, list};
pub use http::{Http, HttpSettings};
pub use leftovers::Leftover;
pub use pushlog::{PAGE, Page, page_after, parse_page, window};
pub use taskcluster::{Credentials, ListedArtifact, Queue, QueueError, QueueSettings, Trouble};
use timed::timed;
pub use versions::{ChangedFile, How, Programs, Versions};
