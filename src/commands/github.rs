//! The queues of pushes to GitHub: bound to what is followed there, as that changes.

use super::consume::{DATABASE_WAIT, Depths, take};
use super::parts::Parts;
use crate::config::GithubQueue;
use crate::domain::in_full;
use crate::event::routing_key;
use crate::ingest::Ingest;
use crate::pulse::{Arrival, Keys, Verdict, consume_bound};
use crate::store::{QueueName, Store, StoreError};
use crate::sync::Lanes;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is followed is looked at so often: any process may change it.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Consumes a queue until `stop`, and keeps it bound to the repositories that are followed.
pub(super) async fn take_pushes(parts: &Parts, ingest: &Ingest, lanes: &Lanes, queue: &GithubQueue, stop: CancellationToken) {
    let bindings = Bindings { store: &parts.store, queue, name: name_of(queue) };
    let depths = Depths { store: &parts.store, clock: &parts.clock, queue: &queue.subscription };
    let (told, keys) = watch::channel(Keys::default());
    let take = async |arrival: Arrival<'_>| match arrival {
        Arrival::Unbound(keys) => bindings.forget(keys).await,
        arrival => take(parts, ingest, lanes, depths, arrival).await,
    };
    tokio::select! {
        () = consume_bound(&queue.subscription, keys, stop, take) => {},
        () = bindings.tell(&told) => {},
    }
}

fn name_of(queue: &GithubQueue) -> QueueName {
    QueueName { vhost: queue.subscription.broker.vhost.clone(), name: queue.subscription.queue_name() }
}

struct Bindings<'q> {
    store: &'q Store,
    queue: &'q GithubQueue,
    name: QueueName,
}

impl Bindings<'_> {
    /// Tells which keys are wanted, whenever that has changed.
    async fn tell(&self, told: &watch::Sender<Keys>) {
        loop {
            match self.keys().await {
                Ok(keys) => _ = told.send_if_modified(|last| std::mem::replace(last, keys.clone()) != keys),
                Err(error) => tracing::warn!(error = in_full(&error), "could not look which repositories of GitHub are followed"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn keys(&self) -> Result<Keys, StoreError> {
        let mut wanted = BTreeSet::new();
        for host in &self.queue.hosts {
            let followed = self.store.followed_at(host).await?;
            wanted.extend(followed.iter().filter_map(|url| routing_key(&self.queue.subscription.exchange, url)));
        }
        self.store.note_bindings(&self.name, &wanted).await?;
        let unwanted = self.store.bindings(&self.name).await?.difference(&wanted).cloned().collect();
        Ok(Keys { wanted, unwanted })
    }

    async fn forget(&self, keys: &BTreeSet<String>) -> Verdict {
        tracing::info!(queue = self.name.name, ?keys, "not bound any more, since nobody follows them");
        match self.store.forget_bindings(&self.name, keys).await {
            Ok(()) => Verdict::Done,
            Err(error) => {
                tracing::warn!(error = in_full(&error), "could not note that a queue is not bound any more");
                Verdict::RetryAfter(DATABASE_WAIT)
            }
        }
    }
}
