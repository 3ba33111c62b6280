//! How a process is, for machines: Dockerflow's three addresses. What it uses is asked, and nothing else: a web server does not
//! turn red because of a broker that it never talks to. Never shows an error's text.

use super::metrics;
use crate::domain::{Clock, in_full};
use crate::fetch::{Artifacts, Clones, FetchError, GitClones};
use crate::figures::{HEARD, ROUNDS};
use crate::store::Store;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long each thing that is asked may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);
/// The broker is asked twice as often as this; what it does not answer for longer is no connection any more.
const SILENCE: Duration = Duration::from_secs(75);
/// A lane or a consumer that has not gone round for so long is stuck.
const STUCK: Duration = Duration::from_secs(180);
/// A program that ran is not run again for so long.
const RAN: Duration = Duration::from_secs(60);

/// What a process that works on repositories uses.
#[derive(Clone)]
pub struct Work {
    /// The queues that it consumes, each with its vhost.
    pub queues: Vec<(String, String)>,
    pub clones: Clones,
    pub git: GitClones,
}

/// What is asked of a process.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) artifacts: Option<Artifacts>,
    work: Option<Work>,
    ran: Arc<Mutex<Option<Instant>>>,
}

type Checked = Result<(), String>;

impl Health {
    pub(super) fn new(store: Store, clock: Clock, artifacts: Option<Artifacts>, work: Option<Work>) -> Health {
        Health { store, clock, artifacts, work, ran: Arc::default() }
    }
}

/// The addresses that machines ask.
pub(super) fn router(health: Health) -> Router {
    Router::new()
        .route("/__version__", get(version))
        .route("/__heartbeat__", get(heartbeat))
        .route("/__lbheartbeat__", get(load_balancer_heartbeat))
        .route("/metrics", get(metrics::show))
        .with_state(health)
}

/// Which program this is. Where nobody said it when the program was built, null.
async fn version() -> Json<Value> {
    Json(json!({
        "source": said(env!("CARGO_PKG_REPOSITORY")),
        "version": env!("CARGO_PKG_VERSION"),
        "commit": COMMIT.and_then(said),
    }))
}

/// What was built, as far as somebody said it.
pub(super) const COMMIT: Option<&str> = option_env!("ELMO_COMMIT");

fn said(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

/// Whether what the process needs is there.
async fn heartbeat(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let checks = checks(&health).await;
    for (name, checked) in &checks {
        if let Err(error) = checked {
            tracing::error!(check = name, error, "the heartbeat finds something wrong");
        }
    }
    let word = |good| if good { "ok" } else { "error" };
    let is_well = checks.values().all(Result::is_ok);
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks: BTreeMap<&str, &str> = checks.iter().map(|(name, checked)| (*name, word(checked.is_ok()))).collect();
    let details = health.work.as_ref().map_or_else(|| json!({}), |work| json!({ "broker": queues(work) }));
    (status, Json(json!({ "status": word(is_well), "checks": checks, "details": details })))
}

/// Whether the process is there at all.
async fn load_balancer_heartbeat() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn checks(health: &Health) -> BTreeMap<&'static str, Checked> {
    let database = in_time(async { health.store.ping().await.map_err(|error| in_full(&error)) });
    let Some(work) = &health.work else {
        return BTreeMap::from([("database", database.await)]);
    };
    let clones = in_time(async { work.clones.can_be_written().await.map_err(|error| in_full(&error)) });
    let (database, clones, programs) = tokio::join!(database, clones, in_time(programs(health, work)));
    BTreeMap::from([
        ("database", database),
        ("broker", broker(work)),
        ("clones", clones),
        ("lanes", lanes()),
        ("programs", programs),
    ])
}

async fn in_time(check: impl Future<Output = Checked>) -> Checked {
    tokio::time::timeout(PATIENCE, check).await.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

/// A connection that nothing comes over is none: a line can be dead for minutes before either end hears of it.
fn broker(work: &Work) -> Checked {
    let silent = |(vhost, queue): &&(String, String)| HEARD.since([vhost, queue]).is_none_or(|since| since > SILENCE);
    match work.queues.iter().find(silent) {
        Some((vhost, queue)) => Err(format!("no connection for {queue} on vhost {vhost}")),
        None => Ok(()),
    }
}

fn queues(work: &Work) -> Value {
    let queue = |(vhost, queue): &(String, String)| {
        let silent = HEARD.since([vhost, queue]);
        json!({ "vhost": vhost, "queue": queue, "connected": silent.is_some(), "silent_seconds": silent.map(|silent| silent.as_secs()) })
    };
    work.queues.iter().map(queue).collect()
}

fn lanes() -> Checked {
    match ROUNDS.longest() {
        Some(longest) if longest > STUCK => Err(format!("a loop has not gone round for {} s", longest.as_secs())),
        _ => Ok(()),
    }
}

/// Goes on when whoever asks gives up: on a busy machine a program may take longer to start, and is known to have run the next time.
async fn programs(health: &Health, work: &Work) -> Checked {
    let running = tokio::spawn(run_programs(Arc::clone(&health.ran), work.clone()));
    running.await.unwrap_or_else(|error| Err(in_full(&error)))
}

async fn run_programs(ran: Arc<Mutex<Option<Instant>>>, work: Work) -> Checked {
    let mut ran = ran.lock().await;
    if ran.is_some_and(|ran| ran.elapsed() < RAN) {
        return Ok(());
    }
    let (hg, git) = tokio::join!(work.clones.hg_version(), work.git.version());
    hg.and(git).map_err(|error: FetchError| in_full(&error))?;
    *ran = Some(Instant::now());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn what_nobody_said_is_null_and_not_empty() {
        assert_eq!((said(""), said("abc")), (None, Some("abc")));
    }
}
