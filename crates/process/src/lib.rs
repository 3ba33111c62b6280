//! What the clients of hg and git have in common: processes that end with all they have started, the last words of a
//! program, and how large a folder grows while one works.
//!
//! In come commands, pipes and folders; out come process groups, bytes and sizes. It never decides what is run.

mod folder;
mod group;
mod pipe;

pub use folder::{measure, rooted_at_work};
pub use group::Group;
pub use pipe::tail;
