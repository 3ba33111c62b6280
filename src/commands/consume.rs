//! `elmo consume-pulse` and `elmo run`: messages in, wishes, lanes.

use super::Outcome;
use super::parts::Parts;
use super::serve;
use crate::config::Config;
use crate::domain::in_full;
use crate::ingest::Ingest;
use crate::pulse::{Arrival, Subscription, Verdict, consume};
use crate::sync::{Lanes, quiet};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// While the database does not answer, messages wait at the broker.
const DATABASE_WAIT: Duration = Duration::from_secs(2);

pub(super) async fn consume_pulse(config: Config) -> anyhow::Result<Outcome> {
    let subscription = config.hg_pushes()?;
    let parts = Parts::open(config, quiet()).await?;
    let stop = stop_on_signals()?;
    work(&parts, &subscription, stop).await;
    parts.close().await;
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

pub(super) async fn run(config: Config) -> anyhow::Result<Outcome> {
    let subscription = config.hg_pushes()?;
    let parts = Parts::open(config, quiet()).await?;
    let stop = stop_on_signals()?;
    let listener = serve::listen(parts.config.listen()).await?;
    let (served, ()) =
        tokio::join!(serve::serve_on(listener, &parts.store, &parts.clock, stop.clone()), work(&parts, &subscription, stop));
    parts.close().await;
    served?;
    Ok(Outcome::Done)
}

async fn work(parts: &Parts, subscription: &Subscription, stop: CancellationToken) {
    let (ingest, lanes) = (parts.ingest(), parts.lanes());
    let take = async |arrival: Arrival<'_>| take(parts, &ingest, &lanes, arrival).await;
    tokio::join!(consume(subscription, stop.clone(), take), lanes.run(stop));
}

async fn take(parts: &Parts, ingest: &Ingest, lanes: &Lanes, arrival: Arrival<'_>) -> Verdict {
    let now = parts.clock.now();
    let (messages, taken) = match arrival {
        Arrival::Messages(messages) => (messages.len(), ingest.take(messages).await.map(|noted| noted.wishes)),
        Arrival::Gap => (0, parts.store.want_all(now, now).await),
    };
    match taken {
        Ok(wishes) => {
            lanes.messages_taken(messages, wishes);
            Verdict::Done
        }
        Err(error) => {
            tracing::error!(error = in_full(&error), "could not write messages down, they stay at the broker meanwhile");
            Verdict::RetryAfter(DATABASE_WAIT)
        }
    }
}

/// A token that is cancelled by SIGTERM or SIGINT; a second one ends the process at once.
pub(super) fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping; what is in hand is finished first");
        token.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(1);
    });
    Ok(stop)
}
