//! The crate against the real `git` on this machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damage;
mod fetching;
mod history;
mod objects;
mod processes;
mod questions;
mod support;
mod tokens;
