//! What chaos itself rests on, and the one thing that is done at every point: the worker is killed there.
//!
//! `ELMO_TEST_DATABASE` says on which database, as in the stories of the program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod points;
