//! The upstream against real Mercurial clients.

mod bulk;
mod faults;
mod lifetime;
mod messages;
mod pushlog;
mod repositories;
mod support;
