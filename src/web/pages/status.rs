//! How Elmo itself is, for whoever runs it: what comes in, what is behind, who is at it, what was set aside. Read only.

use crate::domain::{Repository, State as RepositoryState};
use crate::store::{DeploymentCount, InHand, Kind, MessageCount};
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

#[derive(Template, Serialize)]
#[template(path = "pages/status.html")]
struct Page {
    sources: Vec<Source>,
    deployments: Vec<DeploymentShown>,
    /// Those that are not complete, and why.
    troubled: Vec<RepositoryShown>,
    in_hand: Vec<InHandShown>,
    parked: i64,
    /// Changesets that results name and no repository has shown yet.
    awaited: i64,
    database: &'static str,
    database_bytes: i64,
    version: &'static str,
    hg: Option<String>,
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

#[derive(Serialize)]
struct InHandShown {
    repository: String,
    worker: String,
    until: Time,
}

pub(crate) async fn show(State(web): State<Web>, format: Format) -> Result<Response, PageError> {
    let now = web.clock.now();
    let store = &web.store;
    let totals = store.totals().await?;
    format.answer(&Page {
        sources: sources(&store.message_counts().await?, now),
        deployments: store.deployment_counts().await?.iter().map(|count| DeploymentShown::of(count, now)).collect(),
        troubled: troubled(&store.repositories().await?, now),
        in_hand: store.in_hand(now).await?.iter().map(|in_hand| InHandShown::of(in_hand, now)).collect(),
        parked: totals.parked,
        awaited: totals.awaited,
        database: match store.kind() {
            Kind::Sqlite => "SQLite",
            Kind::Postgres => "PostgreSQL",
        },
        database_bytes: store.size().await?,
        version: crate::web::VERSION,
        hg: web.differences.hg_version().await.map(ToOwned::to_owned),
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
        match self.database_bytes {
            bytes if bytes < 10 << 20 => format!("{} KiB", bytes >> 10),
            bytes => format!("{} MiB", bytes >> 20),
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
            until: Time::at(in_hand.until, now),
        }
    }
}
