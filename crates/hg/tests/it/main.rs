//! The crate against the real `hg` on this machine.

mod changelog;
mod damage;
mod handmade;
mod network;
mod processes;
mod questions;
mod speed;
mod support;
