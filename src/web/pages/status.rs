//! How Elmo itself is, for whoever runs it: what comes in, what is behind, who is at it, what was set aside. Read only.

use crate::domain::{Repository, State as RepositoryState};
use crate::fetch::Holding;
use crate::store::{DeploymentCount, InHand, Kind, MessageCount, QueueDepth};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown};
use crate::web::repository::RepositoryShown;
use crate::web::shown::Time;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a worker was told longer ago than this says nothing about now.
const TOLD_LATELY: Duration = Duration::from_secs(180);

#[derive(Template, Serialize)]
#[template(path = "pages/status.html")]
struct Page {
    sources: Vec<Source>,
    deployments: Vec<DeploymentShown>,
    /// Those that are not complete, and why.
    troubled: Vec<RepositoryShown>,
    queues: Vec<QueueShown>,
    in_hand: Vec<InHandShown>,
    parked: i64,
    /// Changesets that results name and no repository has shown yet.
    awaited: i64,
    database: &'static str,
    database_bytes: i64,
    /// None where it cannot be told.
    artifact_cache: Option<CacheShown>,
    version: &'static str,
    /// The versions of the programs, none of one that does not run.
    hg: Option<String>,
    git: Option<String>,
    #[serde(skip)]
    here: Here,
}

/// An exchange, with what became of its messages.
#[derive(Serialize)]
struct Source {
    exchange: String,
    last_message: Option<Time>,
    messages: Vec<MessagesShown>,
}

#[derive(Serialize)]
struct MessagesShown {
    kind: String,
    outcome: String,
    count: i64,
    last: Option<Time>,
}

#[derive(Serialize)]
struct DeploymentShown {
    root: String,
    results: i64,
    /// When the newest task ended whose result is here.
    newest: Option<Time>,
    parked: i64,
}

/// A queue at the broker.
#[derive(Serialize)]
struct QueueShown {
    vhost: String,
    name: String,
    /// How many messages wait there that no worker has in hand; none where nobody has asked lately.
    messages: Option<i64>,
    /// When a worker asked last.
    asked: Time,
}

#[derive(Serialize)]
struct CacheShown {
    files: u64,
    bytes: u64,
    budget: u64,
    /// False where it holds more than could be counted in time.
    is_all: bool,
}

#[derive(Serialize)]
struct InHandShown {
    repository: String,
    worker: String,
    since: Option<Time>,
    until: Time,
}

pub(crate) async fn show(State(web): State<Web>, format: Format) -> Result<Response, PageError> {
    let now = web.clock.now();
    let store = &web.store;
    let totals = store.totals().await?;
    let programs = web.differences.programs().await;
    format.answer(&Page {
        sources: sources(&store.message_counts().await?, now),
        deployments: store.deployment_counts().await?.iter().map(|count| DeploymentShown::of(count, now)).collect(),
        troubled: troubled(&store.repositories().await?, now),
        queues: store.queue_depths().await?.iter().map(|depth| QueueShown::of(depth, now)).collect(),
        in_hand: store.in_hand(now).await?.iter().map(|in_hand| InHandShown::of(in_hand, now)).collect(),
        parked: totals.parked,
        awaited: totals.awaited,
        database: match store.kind() {
            Kind::Sqlite => "SQLite",
            Kind::Postgres => "PostgreSQL",
        },
        database_bytes: store.size().await?,
        artifact_cache: web.artifacts.holding().await.map(|holding| CacheShown::of(holding, web.artifacts.budget())),
        version: crate::web::VERSION,
        hg: programs.hg.clone(),
        git: programs.git.clone(),
        here: Here::at("/status"),
    })
}

impl Shown for Page {}

fn sources(counts: &[MessageCount], now: Timestamp) -> Vec<Source> {
    let mut exchanges: BTreeMap<&str, Vec<&MessageCount>> = BTreeMap::new();
    for count in counts {
        exchanges.entry(&count.exchange).or_default().push(count);
    }
    let messages = |count: &&MessageCount| MessagesShown {
        kind: count.kind.clone(),
        outcome: count.outcome.clone(),
        count: count.count,
        last: count.last.map(|last| Time::at(last, now)),
    };
    let source = |(exchange, counts): (&str, Vec<&MessageCount>)| Source {
        exchange: exchange.to_owned(),
        last_message: counts.iter().filter_map(|count| count.last).max().map(|last| Time::at(last, now)),
        messages: counts.iter().map(messages).collect(),
    };
    exchanges.into_iter().map(source).collect()
}

/// Repositories that somebody may want to look after; failing ones first.
fn troubled(repositories: &[Repository], now: Timestamp) -> Vec<RepositoryShown> {
    let is_well = |state| matches!(state, RepositoryState::Complete | RepositoryState::Archived);
    let mut troubled: Vec<&Repository> = repositories.iter().filter(|repository| !is_well(repository.state())).collect();
    troubled.sort_by_key(|repository| repository.state() != RepositoryState::Failing);
    troubled.into_iter().map(|repository| RepositoryShown::of(repository, now)).collect()
}

impl Page {
    /// The size of the database for a reader.
    fn database_size(&self) -> String {
        size(self.database_bytes.unsigned_abs())
    }
}

/// A number of bytes for a reader.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

impl CacheShown {
    fn of(holding: Holding, budget: u64) -> CacheShown {
        let Holding { files, bytes, is_all } = holding;
        CacheShown { files, bytes, budget, is_all }
    }

    fn words(&self) -> String {
        let least = if self.is_all { "" } else { "at least " };
        let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
        format!("{least}{} of {} in {files}", size(self.bytes), size(self.budget))
    }
}

impl QueueShown {
    fn of(depth: &QueueDepth, now: Timestamp) -> QueueShown {
        let is_late = now.duration_since(depth.asked).unsigned_abs() > TOLD_LATELY;
        QueueShown {
            vhost: depth.vhost.clone(),
            name: depth.name.clone(),
            messages: Some(depth.messages).filter(|_| !is_late),
            asked: Time::at(depth.asked, now),
        }
    }
}

impl DeploymentShown {
    fn of(count: &DeploymentCount, now: Timestamp) -> DeploymentShown {
        DeploymentShown {
            root: count.root.to_string(),
            results: count.results,
            newest: count.newest.map(|newest| Time::at(newest, now)),
            parked: count.parked,
        }
    }
}

impl InHandShown {
    fn of(in_hand: &InHand, now: Timestamp) -> InHandShown {
        InHandShown {
            repository: in_hand.repository.to_string(),
            worker: in_hand.worker.clone(),
            since: in_hand.since.map(|since| Time::at(since, now)),
            until: Time::at(in_hand.until, now),
        }
    }
}
