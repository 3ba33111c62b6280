//! `elmo consume-pulse` and `elmo run`: messages in, wishes, lanes.

use super::parts::Parts;
use super::{Outcome, clean, github, serve, supervisor};
use crate::config::{Config, GithubQueue};
use crate::domain::{Clock, Message, RootUrl, in_full, milliseconds};
use crate::ingest::{Ingest, Outcome as TaskOutcome, Tasks};
use crate::pulse::{Arrival, Subscription, Verdict, consume, consume_each};
use crate::store::{QueueDepth, Store};
use crate::sync::{Lanes, quiet};
use crate::web::{self, Hooks, NotTaken, Receiver, Work};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// While the database does not answer, messages wait at the broker.
pub(super) const DATABASE_WAIT: Duration = Duration::from_secs(2);
/// Parked results are looked for so often.
const PARKED_LOOK: Duration = Duration::from_secs(30);

pub(super) async fn consume_pulse(config: Config, clock: Clock) -> anyhow::Result<Outcome> {
    let queues = Queues::of(&config)?;
    let parts = Parts::open_by(clock, config, quiet()).await?;
    parts.ask_to_write().await?;
    let stop = stop_on_signals()?;
    let listener = match parts.config.worker_listen() {
        Some(address) => Some(serve::listen(address, "setting worker.listen, or ELMO_WORKER_LISTEN").await?),
        None => None,
    };
    let how_it_is = web::worker_router(parts.store.clone(), parts.clock.clone(), queues.used_by(&parts));
    let lanes = parts.lanes();
    supervisor::ready(&stop);
    let (worked, said) = tokio::join!(work(&parts, &queues, &lanes, stop.clone()), serve::say_how_it_is(listener, how_it_is, stop));
    parts.close().await;
    worked.and(said)?;
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

pub(super) async fn run(config: Config, clock: Clock) -> anyhow::Result<Outcome> {
    let queues = Queues::of(&config)?;
    let parts = Parts::open_by(clock, config, quiet()).await?;
    parts.ask_to_write().await?;
    let stop = stop_on_signals()?;
    let listener = serve::listen(parts.config.listen(), serve::WEB).await?;
    let lanes = parts.lanes();
    let hooks = hooks(&parts.config, parts.ingest(), Some(lanes.clone()));
    let pages = serve::pages(&parts.config, &parts.store, &parts.clock, hooks, Some(queues.used_by(&parts)))?;
    let limits = parts.config.web_limits();
    supervisor::ready(&stop);
    let (served, worked) =
        tokio::join!(serve::serve_on(listener, pages, limits, stop.clone()), work(&parts, &queues, &lanes, stop));
    parts.close().await;
    served.and(worked)?;
    Ok(Outcome::Done)
}

/// What is consumed: pushes of Mercurial and of GitHub, and the tasks of each deployment.
struct Queues {
    pushes: Subscription,
    github: Vec<GithubQueue>,
    tasks: Vec<Subscription>,
}

impl Queues {
    fn of(config: &Config) -> anyhow::Result<Queues> {
        Ok(Queues { pushes: config.hg_pushes()?, github: config.github_pushes()?, tasks: config.tasks()? })
    }

    /// What is asked for the health of a process that consumes these.
    fn used_by(&self, parts: &Parts) -> Work {
        let of_github = self.github.iter().map(|queue| &queue.subscription);
        let queues = std::iter::once(&self.pushes).chain(of_github).chain(&self.tasks);
        Work {
            queues: queues.map(|queue| (queue.broker.vhost.clone(), queue.queue_name())).collect(),
            clones: parts.bringer.clones.clone(),
            git: parts.bringer.git.clone(),
        }
    }
}

async fn work(parts: &Parts, queues: &Queues, lanes: &Lanes, stop: CancellationToken) -> anyhow::Result<()> {
    let (ingest, tasks) = (parts.ingest(), parts.tasks()?);
    let pushes = Depths { store: &parts.store, clock: &parts.clock, queue: &queues.pushes };
    let take = async |arrival: Arrival<'_>| take(parts, &ingest, lanes, pushes, arrival).await;
    let of_deployment = |queue| take_results(&tasks, Depths { queue, ..pushes }, stop.clone());
    let deployments = queues.tasks.iter().map(of_deployment);
    let of_github = queues.github.iter().map(|queue| github::take_pushes(parts, &ingest, lanes, queue, stop.clone()));
    tokio::join!(
        consume(&queues.pushes, stop.clone(), take),
        lanes.run(stop.clone()),
        join_all(deployments),
        join_all(of_github),
        retry_parked(&tasks, stop.clone()),
        clean::now_and_then(parts, stop.clone()),
    );
    Ok(())
}

/// How long a queue is, for web servers, which have no connection to the broker.
#[derive(Clone, Copy)]
pub(super) struct Depths<'q> {
    pub(super) store: &'q Store,
    pub(super) clock: &'q Clock,
    pub(super) queue: &'q Subscription,
}

impl Depths<'_> {
    async fn note(&self, messages: u32) -> Verdict {
        let depth = QueueDepth {
            vhost: self.queue.broker.vhost.clone(),
            name: self.queue.queue_name(),
            messages: i64::from(messages),
            asked: self.clock.now(),
        };
        if let Err(error) = self.store.note_queue_depth(&depth).await {
            tracing::debug!(error = in_full(&error), "could not note how many messages wait");
        }
        Verdict::Done
    }
}

/// A parked result whose time has come is tried again by whichever worker looks first.
async fn retry_parked(tasks: &Tasks, stop: CancellationToken) {
    loop {
        let tried = tokio::select! { tried = tasks.retry_parked() => tried, () = stop.cancelled() => return };
        match tried {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = in_full(&error), "could not look for parked results"),
        }
        tokio::select! { () = tokio::time::sleep(PARKED_LOOK) => {}, () = stop.cancelled() => return }
    }
}

/// Consumes the queue of one deployment.
async fn take_results(tasks: &Tasks, depths: Depths<'_>, stop: CancellationToken) {
    let queue = depths.queue;
    let take = async |arrival: Arrival<'_>, waited: Duration| match arrival {
        Arrival::Messages(messages) => take_result(tasks, &messages[0], waited).await,
        Arrival::Gap => note_gap(tasks, queue).await,
        Arrival::Unbound(_) => Verdict::Done,
        Arrival::Waiting(messages) => depths.note(messages).await,
    };
    consume_each(queue, stop, take).await;
}

async fn take_result(tasks: &Tasks, message: &Message, waited: Duration) -> Verdict {
    let key = message.routing_key.as_str();
    match tasks.take(message, waited).await {
        Ok(TaskOutcome::Taken(taken)) => {
            tracing::info!(key, ?taken, "result of a task");
            Verdict::Done
        }
        Ok(TaskOutcome::Parked(reason)) => {
            tracing::warn!(key, reason, "result of a task set aside");
            Verdict::Done
        }
        Ok(TaskOutcome::Wait { wait, reason }) => {
            tracing::info!(key, reason, wait_ms = milliseconds(wait), "result of a task has to wait");
            Verdict::RetryAfter(wait)
        }
        Err(error) => {
            tracing::error!(key, error = in_full(&error), "could not write a result down, it stays at the broker meanwhile");
            Verdict::RetryAfter(DATABASE_WAIT)
        }
    }
}

/// What was published meanwhile cannot be asked for: nothing lists tasks by their routes. So it is said and counted.
async fn note_gap(tasks: &Tasks, queue: &Subscription) -> Verdict {
    let deployment = queue.root.as_ref().map(RootUrl::as_str);
    tracing::warn!(deployment, "results that were published until now may be missing; elmo ingest-task takes them by hand");
    match tasks.note_gap().await {
        Ok(()) => Verdict::Done,
        Err(error) => {
            tracing::error!(error = in_full(&error), "could not count a gap");
            Verdict::RetryAfter(DATABASE_WAIT)
        }
    }
}

/// Takes what comes to a queue of pushes.
pub(super) async fn take(parts: &Parts, ingest: &Ingest, lanes: &Lanes, depths: Depths<'_>, arrival: Arrival<'_>) -> Verdict {
    let now = parts.clock.now();
    let (messages, taken) = match arrival {
        Arrival::Messages(messages) => (messages.len(), ingest.take(messages).await.map(|noted| noted.wishes)),
        Arrival::Gap => (0, parts.store.want_all(now, now).await),
        Arrival::Waiting(messages) => return depths.note(messages).await,
        Arrival::Unbound(_) => return Verdict::Done,
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

/// What takes GitHub's webhooks, where there is a secret for them; lanes of this process are told.
pub(super) fn hooks(config: &Config, ingest: Ingest, lanes: Option<Lanes>) -> Option<Hooks> {
    let secrets = config.hook_secrets();
    if secrets.is_empty() {
        return None;
    }
    let receiver: Receiver = Arc::new(move |message| {
        let (ingest, lanes) = (ingest.clone(), lanes.clone());
        Box::pin(async move {
            let noted = ingest.take(&[message]).await.map_err(|error| {
                tracing::error!(error = in_full(&error), "could not write a webhook down, GitHub is told to send it again");
                NotTaken
            })?;
            if let Some(lanes) = lanes {
                lanes.messages_taken(1, noted.wishes);
            }
            Ok(())
        })
    });
    Some(Hooks::new(secrets, receiver))
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
