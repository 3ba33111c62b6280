//! Shows: requests in; pages, JSON, health and figures out. Reads the store and never writes: only GET and HEAD are answered.

mod api;
mod assets;
mod board;
mod chart;
mod crowd;
mod details;
mod difference;
mod error;
mod feed;
mod format;
mod headers;
mod health;
mod highlight;
mod hooks;
pub mod hostile;
mod metrics;
mod pages;
mod period;
mod place;
mod published;
mod push;
mod push_query;
mod query;
mod repository;
mod run;
mod selection;
mod server;
mod shares;
mod shipping;
mod shown;
mod table;
mod tree;
mod upstream;
mod wanted;

use crate::domain::{Clock, Repository};
use crate::fetch::{Artifacts, Versions};
use crate::figures::REQUESTS;
use crate::store::Store;
pub use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use board::Boards;
use crowd::Crowds;
use difference::Differences;
use error::PageError;
use health::Health;
pub use health::Work;
pub use hooks::{Hooks, NotTaken, Receiver};
pub use server::{Limits, serve};
use std::time::{Duration, Instant};

/// The version of this program, as pages name it.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long one request may take, so that a database that hangs does not pile them up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a page asks: the store, the artifact cache, the clones, and what time it is.
#[derive(Clone)]
pub struct Web {
    store: Store,
    clock: Clock,
    artifacts: Artifacts,
    boards: Boards,
    differences: Differences,
}

/// All that can be asked of the web server; `work` is what its process does besides.
pub fn router(store: Store, clock: Clock, artifacts: Artifacts, versions: Versions, work: Option<Work>) -> Router {
    let health = Health::new(store.clone(), clock.clone(), Some(artifacts.clone()), work);
    let pages = Router::new()
        .route("/", get(pages::home::show))
        .route("/source/pushes", get(pages::pushes::show_all))
        .route("/source/pushes/", get(pages::pushes::show_all))
        .route("/source/pushes/{*name}", get(pages::pushes::show))
        .route("/source/diff", get(pages::diff::show))
        .route("/source/diff/", get(pages::diff::show))
        .route("/source/changeset/{revision}", get(pages::changeset::show))
        .route("/dashboard", get(pages::dashboard::show))
        .route("/dashboard/", get(pages::dashboard::show))
        .route("/dashboard/history", get(pages::history::show))
        .route("/dashboard/tree-status/{*tree}", get(pages::tree_status::show))
        .route("/dashboard/compare", get(pages::compare::show))
        .route("/teams", get(pages::teams::show_all))
        .route("/teams/", get(pages::teams::show_all))
        .route("/teams/{locale}", get(pages::teams::show))
        .route("/shipping/api/status", get(shipping::show))
        .route("/status", get(pages::status::show))
        .route("/runs", get(pages::runs::show))
        .route("/trees/{*code}", get(pages::runs::show_tree))
        .route("/schema/elmo-1.json", get(published::schema))
        .route("/static/elmo.css", get(assets::style))
        .route("/static/elmo.js", get(assets::script))
        .fallback(nothing_here);
    let web = Web { boards: Boards::new(store.clone()), differences: Differences::new(versions), store, clock, artifacts };
    in_order(pages.layer(from_fn(only_reading)).merge(api::router()).with_state(web), health)
}

/// All that can be asked of a worker: how it is.
pub fn worker_router(store: Store, clock: Clock, work: Work) -> Router {
    let health = Health::new(store, clock, None, Some(work));
    in_order(Router::new().fallback(nothing_here).layer(from_fn(only_reading)), health)
}

/// What holds for every answer.
fn in_order(pages: Router, health: Health) -> Router {
    pages
        .merge(health::router(health).layer(from_fn(only_reading)))
        .layer(from_fn_with_state(Crowds::default(), crowd::answer))
        .layer(from_fn(query::without_nul))
        .layer(from_fn(in_time))
        .layer(from_fn(error::in_words))
        .layer(from_fn(headers::secure))
        .layer(from_fn(timed))
}

/// A repository as its page's JSON has it, for the command line.
///
/// # Errors
/// None in practice: it holds texts and numbers only.
pub fn repository_json(repository: &Repository, now: jiff::Timestamp) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(repository::RepositoryShown::of(repository, now))
}

async fn nothing_here() -> PageError {
    PageError::NotFound("There is no page at this address.".to_owned())
}

async fn only_reading(request: Request, next: Next) -> Result<Response, PageError> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(next.run(request).await),
        _ => Err(PageError::OnlyReading),
    }
}

/// Notes for the figures how long an answer took.
async fn timed(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let response = next.run(request).await;
    let status = match response.status().as_u16() {
        0..400 => "good",
        400..500 => "refused",
        _ => "failed",
    };
    REQUESTS.note([status], began.elapsed());
    response
}

async fn in_time(request: Request, next: Next) -> Result<Response, PageError> {
    let path = request.uri().path().to_owned();
    tokio::time::timeout(PATIENCE, next.run(request)).await.map_err(|_| PageError::Late { path })
}
