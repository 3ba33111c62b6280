//! How the connection of a queue is, for the figures and for whoever asks whether this process is well.

use super::Subscription;
use crate::figures::{HEARD, ROUNDS};

impl Subscription {
    /// The broker said something.
    pub(super) fn is_heard(&self) {
        HEARD.note([&self.broker.vhost, &self.queue_name()]);
    }

    /// There is no connection.
    pub(super) fn is_cut_off(&self) {
        HEARD.forget([&self.broker.vhost, &self.queue_name()]);
    }

    /// Who consumes it goes on, with a connection or without.
    pub(super) fn goes_round(&self) {
        ROUNDS.note([&self.loop_name()]);
    }

    /// Nobody is to consume it any more.
    pub(super) fn is_left(&self) {
        ROUNDS.forget([&self.loop_name()]);
    }

    fn loop_name(&self) -> String {
        format!("{} on {}", self.queue_name(), self.broker.vhost)
    }
}
