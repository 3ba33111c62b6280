//! What is followed, how it is, and what came last.

use super::{Asked, read};
use crate::domain::{Repository, State as RepositoryState};
use crate::store::{RunFilter, RunRow, Totals};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::push::PushShown;
use crate::web::repository::{RepositoryShown, table};
use crate::web::shown::Time;
use crate::web::table::Table;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const NEWEST: usize = 10;
/// How many changesets of each are shown.
const CHANGESETS: usize = 5;
/// Those that a person should look at first.
const STATES: [RepositoryState; 6] = [
    RepositoryState::Failing,
    RepositoryState::Waiting,
    RepositoryState::Behind,
    RepositoryState::New,
    RepositoryState::Complete,
    RepositoryState::Archived,
];

#[derive(Deserialize)]
pub(crate) struct Params {
    /// Only repositories in this state.
    #[serde(default)]
    state: String,
    /// Only repositories whose name contains this.
    #[serde(default)]
    q: String,
}

#[derive(Template, Serialize)]
#[template(path = "pages/home.html")]
struct Page {
    totals: TotalsShown,
    repositories: Vec<RepositoryShown>,
    pushes: Vec<PushShown>,
    /// Those taken last first.
    results: Vec<ResultShown>,
    #[serde(skip)]
    choices: Vec<Choice>,
    #[serde(skip)]
    state: String,
    #[serde(skip)]
    q: String,
    #[serde(skip)]
    here: Here,
}

#[derive(Serialize)]
struct TotalsShown {
    repositories: i64,
    pushes: i64,
    changesets: i64,
    parked: i64,
    behind: i64,
    failing: i64,
    runs: i64,
}

/// What a comparison came to.
#[derive(Serialize)]
struct ResultShown {
    run: i64,
    tree: String,
    locale: String,
    state: &'static str,
    completion: i64,
    /// When its task ended.
    resolved: Time,
}

/// A link to the repositories of one state.
struct Choice {
    word: &'static str,
    count: usize,
    href: String,
    chosen: bool,
}

pub(crate) async fn show(State(web): State<Web>, asked: Asked<Params>, format: Format) -> Result<Response, PageError> {
    let Params { state, q } = read(asked)?;
    let only = named(&state)?;
    let by_name = web.store.repositories_named(q.trim()).await?;
    let now = web.clock.now();
    let pushes = web.store.newest_pushes(NEWEST, CHANGESETS).await?;
    let runs = web.store.runs(&RunFilter::default(), i64::MAX, NEWEST).await?;
    format.answer(&Page {
        totals: web.store.totals().await?.into(),
        choices: choices(&by_name, &state, &q),
        repositories: in_order(&by_name, only).into_iter().map(|repository| RepositoryShown::of(repository, now)).collect(),
        pushes: pushes.iter().map(|push| PushShown::of(push, now)).collect(),
        results: runs.iter().map(|run| ResultShown::of(run, now)).collect(),
        here: Here::at("/").and("state", &state).and("q", &q).with_table(),
        state,
        q,
    })
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        Some(table(&self.repositories))
    }
}

fn named(state: &str) -> Result<Option<RepositoryState>, PageError> {
    if state.is_empty() {
        return Ok(None);
    }
    let known = STATES.into_iter().find(|known| known.name() == state);
    let words = || STATES.map(RepositoryState::name).join(", ");
    known.map(Some).ok_or_else(|| PageError::BadRequest(format!("The state of a repository can be {}.", words())))
}

fn choices(repositories: &[Repository], chosen: &str, q: &str) -> Vec<Choice> {
    let all = Choice { word: "all", count: repositories.len(), href: address("/", &[("q", q)]), chosen: chosen.is_empty() };
    let of_state = |state: RepositoryState| Choice {
        word: state.name(),
        count: repositories.iter().filter(|repository| repository.state() == state).count(),
        href: address("/", &[("state", state.name()), ("q", q)]),
        chosen: chosen == state.name(),
    };
    let states = STATES.into_iter().map(of_state).filter(|choice| choice.count > 0 || choice.chosen);
    std::iter::once(all).chain(states).collect()
}

/// Failing ones first, then by name.
fn in_order(repositories: &[Repository], only: Option<RepositoryState>) -> Vec<&Repository> {
    let mut chosen: Vec<&Repository> =
        repositories.iter().filter(|repository| only.is_none_or(|only| repository.state() == only)).collect();
    chosen.sort_by_key(|repository| repository.state() != RepositoryState::Failing);
    chosen
}

impl ResultShown {
    fn of(run: &RunRow, now: Timestamp) -> ResultShown {
        ResultShown {
            run: run.id,
            tree: run.tree.clone(),
            locale: run.locale.to_string(),
            state: run.counts.grade().name(),
            completion: run.completion,
            resolved: Time::at(run.resolved, now),
        }
    }

    /// Where its comparison is shown.
    fn href(&self) -> String {
        format!("/dashboard/compare?run={}", self.run)
    }
}

impl From<Totals> for TotalsShown {
    fn from(totals: Totals) -> TotalsShown {
        let Totals { repositories, pushes, changesets, parked, behind, failing, runs, .. } = totals;
        TotalsShown { repositories, pushes, changesets, parked, behind, failing, runs }
    }
}
