//! The crate against compare-locales' answers, against hostile input, and what differences and marks look like.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod corpus;
mod differences;
mod hostile;
mod kinds;
mod large;
mod lines;
mod marks;
mod meant;
mod paths;
