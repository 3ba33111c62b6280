//! Takes what tasks publish: the message that a run of a task ended comes in; its definition, list of artifacts and
//! `elmo.json` are fetched, read, and recorded in one transaction. After that the message may be acknowledged.

use crate::domain::{
    ArtifactName, Clock, Message, Point, Published, RootUrl, TASK_COMPLETED, TaskId, TaskResult, TaskRun, in_full, milliseconds,
};
use crate::event::{NotPublished, Source, TaskCompleted, decode_status, decode_task, read_elmo_json, source};
use crate::fetch::{ListedArtifact, Queue, QueueError, Trouble};
use crate::plan::{Next, Obstacle, after_failure, parked_wait};
use crate::store::{Batch, Parked, ParkedRow, Store, StoreError, Taken};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Takes results of tasks from the deployments that are configured.
#[derive(Clone)]
pub struct Tasks {
    store: Store,
    queues: Arc<Vec<Queue>>,
    /// Who fetches waits for a place, so that many messages at once do not fill the memory.
    places: Arc<Semaphore>,
    clock: Clock,
}

/// A result was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("{root} is not among the deployments that are configured")]
    UnknownDeployment { root: String },
    #[error("{0}")]
    Malformed(String),
    #[error("could not get the result of {of}")]
    Queue { of: TaskRun, source: QueueError },
    #[error("the result of {of} does not come within {LONGEST_TRY:?}")]
    Slow { of: TaskRun },
    #[error("{of} published what cannot be taken")]
    Content { of: TaskRun, source: NotPublished },
    #[error("could not write the result down")]
    Store(#[from] StoreError),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Taken(Taken),
    /// It was set aside with the reason.
    Parked(String),
    /// Not now; again after so long.
    Wait {
        wait: Duration,
        reason: String,
    },
}

/// Where tasks publish, the first before the second.
const NAMES: [&str; 2] = ["elmo.json", "public/elmo.json"];
/// So many results are fetched and read at the same time.
const AT_ONCE: usize = 8;
/// All requests for one result together may take so long: a broker loses patience with a message after 30 minutes.
const LONGEST_TRY: Duration = Duration::from_secs(300);
/// A parked message that is being tried again is left alone by others so long.
const CLAIMED_FOR: Duration = Duration::from_secs(600);

impl Tasks {
    /// Takes results into `store`.
    pub fn new(store: Store, queues: Vec<Queue>, clock: Clock) -> Tasks {
        Tasks { store, queues: Arc::new(queues), places: Arc::new(Semaphore::new(AT_ONCE)), clock }
    }

    /// The message is about a task, and so for [`Tasks::take`].
    pub fn are_told_by(message: &Message) -> bool {
        message.exchange == TASK_COMPLETED
    }

    /// Takes one message that waits since `waited`.
    ///
    /// # Errors
    /// Only of the database: whatever else goes wrong ends in a wait or a parked row.
    pub async fn take(&self, message: &Message, waited: Duration) -> Result<Outcome, StoreError> {
        let error = match self.take_message(message).await {
            Ok(taken) => {
                Point::ResultRecorded.pass();
                self.store.count_message(&message.exchange, "task-completed", name_of(taken), self.clock.now()).await?;
                return Ok(Outcome::Taken(taken));
            }
            Err(TaskError::Store(error)) => return Err(error),
            Err(error) => error,
        };
        let reason = in_full(&error);
        match after_failure(obstacle(&error), waited) {
            Next::Wait(wait) => Ok(Outcome::Wait { wait, reason }),
            Next::Park { again_after } => {
                self.park(message, &reason, again_after).await?;
                Ok(Outcome::Parked(reason))
            }
        }
    }

    /// Counts that messages may have been lost.
    pub async fn note_gap(&self) -> Result<(), StoreError> {
        self.store.count_message(TASK_COMPLETED, "gap", "may be lost", self.clock.now()).await
    }

    /// Takes the result of a run of a task by hand; without a run, of the last that ended well.
    pub async fn take_by_hand(&self, root: &RootUrl, task: &TaskId, run: Option<u32>) -> Result<(TaskRun, Taken), TaskError> {
        let queue = self.queue(root)?;
        let asked = TaskRun { root: root.clone(), task: task.clone(), run: run.unwrap_or_default() };
        let status = queue.status(task).await.map_err(|source| TaskError::Queue { of: asked, source })?;
        let event = decode_status(&status, run).map_err(|error| TaskError::Malformed(error.to_string()))?;
        let of = TaskRun { root: root.clone(), task: task.clone(), run: event.run };
        let taken = self.take_run(queue, of.clone(), event.resolved).await?;
        Ok((of, taken))
    }

    /// Tries the next parked message whose time has come; false when there is none.
    pub async fn retry_parked(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let Some(row) = self.store.claim_parked(now, later(now, CLAIMED_FOR)).await? else {
            return Ok(false);
        };
        Point::ParkedClaimed.pass();
        self.retry(&row).await?;
        Ok(true)
    }

    /// Tries a parked message again; true when it is taken now, and so no longer parked.
    pub async fn retry(&self, row: &ParkedRow) -> Result<bool, StoreError> {
        let error = match self.take_message(&row.message).await {
            Ok(_) => return self.store.drop_parked(row.id).await,
            Err(TaskError::Store(error)) => return Err(error),
            Err(error) => error,
        };
        let now = self.clock.now();
        let parked = Duration::try_from(now.duration_since(row.first_at)).unwrap_or_default();
        let wait = parked_wait(obstacle(&error), parked, u32::try_from(row.tries).unwrap_or(u32::MAX));
        self.store.parked_again(row.id, &in_full(&error), wait.map(|wait| later(now, wait)), now).await?;
        Ok(false)
    }

    async fn take_message(&self, message: &Message) -> Result<Taken, TaskError> {
        let TaskCompleted { task, run, resolved } =
            decode_task(&message.body).map_err(|error| TaskError::Malformed(error.to_string()))?;
        let unknown = || TaskError::Malformed("the message does not say which deployment it came from".to_owned());
        let root = message.root.clone().ok_or_else(unknown)?;
        let queue = self.queue(&root)?;
        self.take_run(queue, TaskRun { root, task, run }, resolved).await
    }

    async fn take_run(&self, queue: &Queue, of: TaskRun, resolved: Timestamp) -> Result<Taken, TaskError> {
        if self.store.has_result(&of).await? {
            return Ok(Taken::Known);
        }
        let _place = self.places.acquire().await.expect("places are never closed");
        let fetched = tokio::time::timeout(LONGEST_TRY, fetch(queue, &of)).await;
        let fetched = fetched.map_err(|_| TaskError::Slow { of: of.clone() })?;
        let Fetched { source: defined, listed, name, body } =
            fetched.map_err(|source| TaskError::Queue { of: of.clone(), source })?;
        Point::ResultFetched.pass();
        let began = Instant::now();
        let published = read_elmo_json(&body, defined.as_ref()).map_err(|source| TaskError::Content { of: of.clone(), source })?;
        let artifacts = artifacts(&published, &listed, name.starts_with("public/"));
        let result = TaskResult { of, resolved, published, artifacts };
        let taken = self.store.record_result(&result, self.clock.now()).await?;
        tracing::debug!(task = %result.of, duration_ms = milliseconds(began.elapsed()), "recorded a result");
        Ok(taken)
    }

    fn queue(&self, root: &RootUrl) -> Result<&Queue, TaskError> {
        let queue = self.queues.iter().find(|queue| queue.root() == root);
        queue.ok_or_else(|| TaskError::UnknownDeployment { root: root.to_string() })
    }

    async fn park(&self, message: &Message, reason: &str, again_after: Option<Duration>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let next_try = again_after.map(|wait| later(now, wait));
        let parked = Parked { message: message.clone(), reason: reason.to_owned(), next_try };
        let count = (message.exchange.clone(), "task-completed".to_owned(), "parked".to_owned());
        let batch = Batch { parked: vec![parked], counts: [(count, 1)].into(), ..Batch::default() };
        self.store.note(&batch, now).await.map(drop)
    }
}

/// What a run of a task is known by.
struct Fetched {
    source: Option<Source>,
    listed: Vec<ListedArtifact>,
    /// The name of `elmo.json`, and what stands in it.
    name: &'static str,
    body: Vec<u8>,
}

async fn fetch(queue: &Queue, of: &TaskRun) -> Result<Fetched, QueueError> {
    let source = queue.source(&of.task).await?.and_then(|url| source(&url));
    let listed = queue.artifacts(of).await?;
    let (name, body) = elmo_json(queue, of, &listed).await?;
    Ok(Fetched { source, listed, name, body })
}

/// Fetches `elmo.json`: of the names that are listed the first that can be read; where none is, whatever the queue says.
async fn elmo_json(queue: &Queue, of: &TaskRun, listed: &[ListedArtifact]) -> Result<(&'static str, Vec<u8>), QueueError> {
    let is_listed = |name: &&&str| listed.iter().any(|artifact| artifact.name.as_str() == **name);
    let mut names: Vec<&'static str> = NAMES.iter().filter(is_listed).copied().collect();
    if names.is_empty() {
        names.push(NAMES[1]);
    }
    let mut first_error = None;
    for name in names {
        let parsed: ArtifactName = name.parse().expect("our own names are names");
        match queue.artifact(of, &parsed).await {
            Ok(body) => return Ok((name, body)),
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    Err(first_error.expect("one name at least was tried"))
}

/// The details of each comparison as the queue calls them: beside a public `elmo.json`, `public/` may be left out.
fn artifacts(published: &Published, listed: &[ListedArtifact], is_public: bool) -> Vec<(ArtifactName, Option<Timestamp>)> {
    let expiry: HashMap<&str, Option<Timestamp>> =
        listed.iter().map(|artifact| (artifact.name.as_str(), artifact.expires)).collect();
    let find = |name: &ArtifactName| {
        if let Some(expires) = expiry.get(name.as_str()) {
            return (name.clone(), *expires);
        }
        let in_public: Option<ArtifactName> = format!("public/{name}").parse().ok().filter(|_| is_public);
        let found = in_public.and_then(|name| expiry.get(name.as_str()).copied().map(|expires| (name, expires)));
        found.unwrap_or_else(|| (name.clone(), None))
    };
    published.comparisons.iter().map(|comparison| find(&comparison.artifact)).collect()
}

fn obstacle(error: &TaskError) -> Obstacle {
    match error {
        TaskError::UnknownDeployment { .. } => Obstacle::NeedsSomebody,
        TaskError::Malformed(_) | TaskError::Content { .. } => Obstacle::Lasting,
        TaskError::Store(_) | TaskError::Slow { .. } => Obstacle::Passing { wait: None },
        TaskError::Queue { source, .. } => match source.trouble {
            Trouble::Passing { wait } => Obstacle::Passing { wait },
            Trouble::NotThere => Obstacle::NotThere,
            Trouble::Unauthorized | Trouble::Ours => Obstacle::NeedsSomebody,
            Trouble::Expired | Trouble::Forbidden | Trouble::Unusable => Obstacle::Lasting,
        },
    }
}

fn name_of(taken: Taken) -> &'static str {
    match taken {
        Taken::Recorded { .. } => "recorded",
        Taken::Known => "already known",
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
