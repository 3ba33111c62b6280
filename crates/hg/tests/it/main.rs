//! The crate against the real `hg` on this machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod changelog;
mod damage;
mod handmade;
mod made;
mod network;
mod processes;
mod questions;
mod support;
