//! The newest runs of all trees; one tree, with the active run of each locale.

use super::{Asked, read};
use crate::store::{RunFilter, TreeRow};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown, address};
use crate::web::run::{RunShown, table};
use crate::web::table::Table;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const LENGTH: usize = 100;

#[derive(Deserialize)]
pub(crate) struct Params {
    /// Only runs with numbers below this one.
    #[serde(default)]
    before: String,
}

#[derive(Template, Serialize)]
#[template(path = "pages/runs.html")]
struct Page {
    trees: Vec<TreeShown>,
    runs: Vec<RunShown>,
    /// The address of the runs before these.
    older: Option<String>,
    #[serde(skip)]
    here: Here,
}

#[derive(Template, Serialize)]
#[template(path = "pages/tree.html")]
struct TreePage {
    tree: TreeShown,
    /// The run that counts for each locale, by locale.
    active: Vec<RunShown>,
    /// The newest of all, newest first.
    runs: Vec<RunShown>,
    older: Option<String>,
    #[serde(skip)]
    here: Here,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Tree)]
pub(in crate::web) struct TreeShown {
    code: String,
    repository: String,
    config: String,
    locales: i64,
}

impl TreeShown {
    pub(in crate::web) fn of(tree: &TreeRow) -> TreeShown {
        TreeShown {
            code: tree.code.clone(),
            repository: tree.repository.to_string(),
            config: tree.config.clone(),
            locales: tree.locales,
        }
    }
}

pub(crate) async fn show(State(web): State<Web>, asked: Asked<Params>, format: Format) -> Result<Response, PageError> {
    let params = read(asked)?;
    let rows = web.store.runs(&RunFilter::default(), before(&params.before)?, LENGTH + 1).await?;
    let now = web.clock.now();
    let (runs, older) = page_of("/runs", rows.iter().map(|row| RunShown::of(row, now)).collect());
    format.answer(&Page {
        trees: web.store.trees().await?.iter().map(TreeShown::of).collect(),
        runs,
        older,
        here: Here::at("/runs").and("before", &params.before).with_table(),
    })
}

pub(crate) async fn show_tree(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
    asked: Asked<Params>,
    format: Format,
) -> Result<Response, PageError> {
    let code = path.map(|Path(code)| code).unwrap_or_default();
    let trees = web.store.trees().await?;
    let tree = trees.iter().find(|tree| tree.code == code);
    let tree = tree.ok_or_else(|| PageError::NotFound("There is no tree of that name.".to_owned()))?;
    let params = read(asked)?;
    let of_tree = RunFilter { tree: Some(code.clone()), ..RunFilter::default() };
    let rows = web.store.runs(&of_tree, before(&params.before)?, LENGTH + 1).await?;
    let (path, now) = (format!("/trees/{code}"), web.clock.now());
    let (runs, older) = page_of(&path, rows.iter().map(|row| RunShown::of(row, now)).collect());
    format.answer(&TreePage {
        tree: TreeShown::of(tree),
        active: web.store.active_runs(tree.id).await?.iter().map(|row| RunShown::of(row, now)).collect(),
        runs,
        older,
        here: Here::at(&path).and("before", &params.before).with_table(),
    })
}

impl Shown for Page {
    fn table(&self) -> Option<Table> {
        Some(table(&self.runs))
    }
}

impl Shown for TreePage {
    fn table(&self) -> Option<Table> {
        Some(table(&self.runs))
    }
}

impl TreePage {
    /// Where its locales stand.
    fn dashboard(&self) -> String {
        address("/dashboard/", &[("tree", &self.tree.code)])
    }
}

fn page_of(path: &str, mut runs: Vec<RunShown>) -> (Vec<RunShown>, Option<String>) {
    let are_more = runs.len() > LENGTH;
    runs.truncate(LENGTH);
    let last = runs.last().filter(|_| are_more).map(|run| run.id.to_string());
    let older = last.map(|last| address(path, &[("before", &last)]));
    (runs, older)
}

fn before(text: &str) -> Result<i64, PageError> {
    if text.is_empty() {
        return Ok(i64::MAX);
    }
    text.parse().map_err(|_| PageError::BadRequest("What comes after before= must be the number of a run.".to_owned()))
}
