//! The upstream against real clients.

#![allow(clippy::unwrap_used, reason = "tests, and what helps them, may unwrap")]

mod bulk;
mod faults;
mod git;
mod lifetime;
mod messages;
mod pushlog;
mod repositories;
mod support;
