//! Changesets: those of a repository, and one with all that hangs on it.

use super::Refused;
use super::asked::Asked;
use super::list::{Limit, List, NumberKey};
use super::repositories::named;
use crate::store::Found;
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::changeset::{self, prefix};
use crate::web::push::PushedShown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The name of the repository that holds them.
    repository: String,
    /// The `next` of an answer.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    key: Option<NumberKey>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

/// Changesets of a repository
///
/// All that it holds, whatever push brought them; those that were recorded last come first.
#[utoipa::path(get, operation_id = "changesets", path = "/changesets", tag = "Changesets", params(Params), responses(
    (status = 200, description = "Changesets, the newest here first.", body = List<PushedShown>), Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(params): Asked<Params>) -> Result<Json<List<PushedShown>>, PageError> {
    let repository = named(&web, params.repository.parse().ok()).await?;
    let (limit, before) = (params.limit.unwrap_or_default(), params.key.map_or(i64::MAX, |key| key.0));
    let rows = web.store.changesets_of(repository.id, before, limit.number() + 1).await?;
    let shown = |(_, changeset)| PushedShown::of(&changeset, repository.url.as_str(), repository.vcs, true);
    Ok(Json(List::of(rows, limit, |(number, _)| number.to_string(), shown)))
}

/// One changeset
#[utoipa::path(get, operation_id = "changeset", path = "/changesets/{revision}", tag = "Changesets", params(
    (
        "revision" = String, Path,
        description = "Its hash, or as much of the beginning as tells it from others.",
        pattern = "^[0-9A-Fa-f]{1,64}$"
    )
), responses((status = 200, description = "The changeset.", body = changeset::Page), Refused))]
pub(super) async fn one(
    State(web): State<Web>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<changeset::Page>, PageError> {
    let unknown = || PageError::NotFound("There is no changeset whose hash begins so.".to_owned());
    let prefix = path.ok().and_then(|Path(text)| prefix(&text)).ok_or_else(unknown)?;
    match web.store.changeset(&prefix).await? {
        Found::Nothing => Err(unknown()),
        Found::Several(_) => Err(PageError::NotFound("Several changesets begin so: please give more of the hash.".to_owned())),
        Found::One(changeset) => Ok(Json(changeset::Page::of(&changeset, web.clock.now()))),
    }
}
