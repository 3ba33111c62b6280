//! A GitHub of one's own: real `git http-backend` in front of bare repositories, with faults at will.
//!
//! In come commits to push, branches to force or delete, faults to switch; out come a URL that git can clone from, each push
//! as it was recorded, and a log of what was asked. It takes no pushes over HTTP and sends no messages.
//!
//! ```no_run
//! # async fn example() -> elmo_upstream::Result<()> {
//! use elmo_upstream::git::{Commit, Host};
//!
//! let host = Host::start().await?;
//! host.create("mozilla-l10n/firefox-l10n").await?;
//! let commit = Commit::new("Add a string").file("fr/browser/menu.ftl", "quit = Quitter\n");
//! let push = host.push("mozilla-l10n/firefox-l10n", "main", "anna", [commit]).await?;
//! let url = host.url_of("mozilla-l10n/firefox-l10n");
//! # Ok(()) }
//! ```

mod backend;
mod commit;
mod faults;
mod host;
mod program;
mod repository;
mod requests;
mod site;

pub use commit::{Commit, Onto};
pub use faults::{Fault, Faults, Scope};
pub use host::Host;
pub use repository::{Hashes, Push};
pub use requests::{Asked, Counts, Request};
