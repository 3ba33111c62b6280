//! Starts the real servers and looks whether they do what the crate says.

#![allow(clippy::unwrap_used, reason = "a test ends by a panic")]
#![expect(clippy::disallowed_methods, reason = "the program testbed is what is tested")]

mod cable;
mod postgres;
mod processes;
mod rabbitmq;
mod wrapper;
