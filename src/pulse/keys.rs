//! Bindings that change while a queue is consumed: the keys that are wanted come in, the broker is told of what differs.

use super::session::Session;
use super::{Arrival, PulseError, Subscription, Verdict};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// The keys by which a queue is to be bound, and those by which it may be from earlier and is not to be any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    pub wanted: BTreeSet<String>,
    pub unwanted: BTreeSet<String>,
}

impl Keys {
    /// There is nothing to bind, and nothing to let go of.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }
}

/// Every so often everything that is wanted is bound again, which changes nothing: another worker, whose view was older, may have let
/// go of it.
const AGAIN: Duration = Duration::from_secs(60);

/// Keeps a queue bound as `keys` say, until the broker refuses or whoever says it has gone.
pub(super) async fn keep_bound(
    session: &Session,
    subscription: &Subscription,
    mut keys: watch::Receiver<Keys>,
    take: &impl AsyncFn(Arrival<'_>) -> Verdict,
) -> Result<Infallible, PulseError> {
    let mut bound = BTreeSet::new();
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let Keys { wanted, unwanted } = keys.borrow_and_update().clone();
        for key in wanted.difference(&bound) {
            session.bind(subscription, key).await?;
        }
        for key in &unwanted {
            session.unbind(subscription, key).await?;
        }
        if !unwanted.is_empty() {
            // Whatever becomes of this, it is said again as long as they are unwanted.
            take(Arrival::Unbound(&unwanted)).await;
        }
        bound = wanted;
        tokio::select! {
            changed = keys.changed() => if changed.is_err() { std::future::pending::<()>().await },
            _ = again.tick() => bound.clear(),
        }
    }
}
