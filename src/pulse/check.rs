//! Looks whether the broker lets us do what consuming takes, and leaves nothing behind.

use super::session::Session;
use super::{PulseError, Subscription};
use std::time::Duration;

/// What was found out, in the order it was tried; the first error ends it.
#[derive(Debug, Default)]
pub struct Probe {
    pub connected: Option<Result<(), PulseError>>,
    pub exchange: Option<Result<(), PulseError>>,
    /// A queue of ours can be declared and bound.
    pub rights: Option<Result<(), PulseError>>,
}

/// Tries the broker with a queue of its own that is deleted again.
pub async fn probe(subscription: &Subscription) -> Probe {
    let mut probe = Probe::default();
    let session = match Session::open(&subscription.broker).await {
        Ok(session) => session,
        Err(error) => return Probe { connected: Some(Err(error)), ..probe },
    };
    probe.connected = Some(Ok(()));
    let exchange = session.see_exchange(&subscription.exchange).await;
    let seen = exchange.is_ok();
    probe.exchange = Some(exchange);
    if seen {
        probe.rights = Some(try_a_queue(&session, subscription).await);
    }
    session.close().await;
    probe
}

async fn try_a_queue(session: &Session, subscription: &Subscription) -> Result<(), PulseError> {
    let queue = format!("check-{:08x}", fastrand::u32(..));
    let passing = Subscription { queue, expires: Some(Duration::from_secs(60)), ..subscription.clone() };
    session.declare(&passing).await?;
    let deleted =
        session.channel.queue_delete(passing.queue_name().as_str().into(), lapin::options::QueueDeleteOptions::default()).await;
    deleted.map(drop).map_err(|source| PulseError::Amqp { what: "delete the queue made for this check", source })
}
