//! An hg.mozilla.org of one's own: real `hg serve` behind a pushlog of its own, with faults at will.
//!
//! In come commits to push, changesets to strip, faults to switch; out come a URL that Mercurial can
//! clone from and that answers `json-pushes`, the messages hg.mozilla.org would send, and a log of what
//! was asked. It sends no messages itself and knows nothing of who uses it. For git there is [`git`].
//!
//! ```no_run
//! # async fn example() -> elmo_upstream::Result<()> {
//! use elmo_upstream::{Commit, Options, Upstream};
//!
//! let upstream = Upstream::start(Options::default()).await?;
//! upstream.create("l10n-central/fr").await?;
//! let commit = Commit::new("Add a string").file("browser/menu.ftl", "quit = Quitter\n");
//! let push = upstream.push("l10n-central/fr", "anna@example.com", [commit]).await?;
//! let message = upstream.message_for_push("l10n-central/fr", &push)?;
//! # Ok(()) }
//! ```

mod answers;
mod bulk;
mod bundle;
mod changegroup;
mod changeset;
mod command_server;
mod commit;
mod error;
mod faults;
mod front;
pub mod git;
mod history;
mod json;
mod listener;
mod manifest;
mod message;
mod node;
pub mod ports;
mod programs;
mod pushlog;
mod repository;
mod requests;
mod shared;
mod upstream;
mod warm;
mod web_server;

pub use bulk::{Bulk, Imported};
pub use commit::{Commit, Parent};
pub use error::{Error, Result};
pub use faults::{Fault, Faults, Rule, Scope};
pub use message::{Changegroup, EXCHANGE, Message};
pub use node::{Node, NotANode};
pub use pushlog::Push;
pub use repository::{Marker, Publishing};
pub use requests::{Counts, Request};
pub use upstream::{Options, Upstream};
pub use warm::warm_server;
