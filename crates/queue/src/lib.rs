//! A Taskcluster queue of one's own: serves definitions, statuses, lists of artifacts and artifacts as the real service was
//! seen to, with faults at will, and keeps a log of what was asked.
//!
//! In come tasks with their artifacts; out come a root URL, the messages that the real queue would publish, and the log. The
//! queue listens on one port, what it redirects to on another, as a content network would.

mod hawk;
mod message;
mod server;
mod task;

pub use message::{EXCHANGE, Message};
pub use server::{Asked, Place, Queue};
pub use task::{Artifact, Fault, Storage, Task, task_id};
