//! Proof that nothing is lost: an outside that changes, workers that take it in, faults that strike them, and a calm worker that
//! sees the same without any. In the end both databases hold the same, or something was lost.
//!
//! In comes a seed, out come what was done and whether the two agree. The workers are the program itself ([`struck`]), built with
//! the points at which it can be struck. Nothing here is part of what is shipped.

#![expect(
    clippy::disallowed_methods,
    reason = "this crate runs the program and kills it, and hands things to it by the environment"
)]

pub mod calm;
pub mod damage;
pub mod faults;
pub mod outside;
pub mod place;
pub mod process;
pub mod readers;
pub mod report;
pub mod run;
pub mod script;
pub mod struck;
