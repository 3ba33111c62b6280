//! Runs of comparisons: those of trees and locales, and one with what it compared.

use super::Refused;
use super::asked::Asked;
use super::list::{Limit, List, NumberKey};
use crate::store::{RunFilter, RunRow};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::compare::RevisionShown;
use crate::web::run::RunShown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Only those of the tree of this code.
    tree: Option<String>,
    /// Only those of this locale.
    locale: Option<String>,
    /// Only those that count, one for each tree and locale.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    active: bool,
    /// The `next` of an answer: the number of the last run seen.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    key: Option<NumberKey>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

/// A run with what it compared.
#[derive(Serialize, ToSchema)]
#[schema(as = RunWithRevisions)]
pub(super) struct OneRun {
    #[serde(flatten)]
    run: RunShown,
    revisions: Vec<RevisionShown>,
}

/// Runs
///
/// Comparisons of a locale by a tree's configuration; those that were taken last come first.
#[utoipa::path(get, operation_id = "runs", path = "/runs", tag = "Runs", params(Params), responses(
    (status = 200, description = "Runs, the newest here first.", body = List<RunShown>), Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(params): Asked<Params>) -> Result<Json<List<RunShown>>, PageError> {
    let (limit, before) = (params.limit.unwrap_or_default(), params.key.map_or(i64::MAX, |key| key.0));
    let filter = RunFilter { tree: params.tree, locale: params.locale, only_active: params.active };
    let (rows, now) = (web.store.runs(&filter, before, limit.number() + 1).await?, web.clock.now());
    Ok(Json(List::of(rows.iter(), limit, |row: &&RunRow| row.id.to_string(), |row| RunShown::of(row, now))))
}

/// One run
#[utoipa::path(get, operation_id = "run", path = "/runs/{id}", tag = "Runs", params(("id" = i64, Path, description = "Its number.", minimum = 1)),
    responses((status = 200, description = "The run.", body = OneRun), Refused))]
pub(super) async fn one(State(web): State<Web>, path: Result<Path<String>, PathRejection>) -> Result<Json<OneRun>, PageError> {
    let unknown = || PageError::NotFound("There is no run of that number.".to_owned());
    let id: i64 = path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(unknown)?;
    let run = web.store.run(id).await?.ok_or_else(unknown)?;
    let revisions = web.store.run_revisions(id).await?;
    Ok(Json(OneRun { run: RunShown::of(&run, web.clock.now()), revisions: revisions.iter().map(RevisionShown::of).collect() }))
}
