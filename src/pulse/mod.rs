//! Receives: deliveries from a Pulse queue come in, batches of [`Message`] go out, and each batch's [`Verdict`] comes back.
//! The only place that knows AMQP; never looks into a body.
//!
//! On Pulse a user owns `queue/<user>/…` and nothing else: exchanges are declared passively only, since an active declare of
//! a foreign one is answered with 403 (captured).

mod check;
mod consumer;
mod keys;
mod liveliness;
mod session;

pub use check::{Probe, probe};
pub use consumer::{consume, consume_bound, consume_each};
pub use keys::Keys;

use crate::domain::{Message, RootUrl};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Where and what to consume.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub broker: Broker,
    pub exchange: String,
    /// The queue's name after `queue/<user>/`.
    pub queue: String,
    /// The keys by which it is always bound.
    pub bindings: Vec<String>,
    /// The broker deletes the queue when nobody consumed it for so long; none keeps it for ever.
    pub expires: Option<Duration>,
    pub queue_type: QueueType,
    /// How many unacknowledged messages the broker may hand out.
    pub prefetch: u16,
    /// How many messages are taken at once, at most.
    pub batch: usize,
    /// The Taskcluster deployment that publishes there, which its messages do not name.
    pub root: Option<RootUrl>,
}

/// Which kind of queue RabbitMQ makes, its argument `x-queue-type`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum QueueType {
    /// On one node.
    #[default]
    Classic,
    /// Copied to several nodes by Raft.
    Quorum,
}

/// A RabbitMQ and who we are there.
#[derive(Clone)]
pub struct Broker {
    /// `amqps://host:port` or `amqp://host:port`.
    pub host: String,
    pub vhost: String,
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} vhost {} as {}", self.host, self.vhost, self.user)
    }
}

impl Subscription {
    /// The queue's full name.
    pub fn queue_name(&self) -> String {
        format!("queue/{}/{}", self.broker.user, self.queue)
    }
}

/// What came.
#[derive(Clone, Copy, Debug)]
pub enum Arrival<'a> {
    /// At least one message; all are acknowledged together when the verdict is [`Verdict::Done`].
    Messages(&'a [Message]),
    /// Something published until now may be lost to us: the queue was not there, or the last connection broke.
    Gap,
    /// The queue is not bound by these keys any more, which were unwanted.
    Unbound(&'a BTreeSet<String>),
    /// So many messages wait at the broker that nobody has in hand: said now and then while messages come. Whatever becomes of
    /// this, it is not said again.
    Waiting(u32),
}

/// What becomes of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// Not now; the same again after a while. The messages stay unacknowledged meanwhile.
    RetryAfter(Duration),
}

/// Something between us and the broker went wrong.
#[derive(Debug, thiserror::Error)]
pub enum PulseError {
    #[error("the broker's address {0:?} is not amqps://host:port")]
    Address(String),
    #[error("could not {what}")]
    Amqp { what: &'static str, source: lapin::Error },
    #[error("the broker did not answer within {0:?}")]
    Silent(Duration),
    #[error("the broker ended the delivery of messages: the queue was deleted, or the channel closed")]
    Ended,
}
