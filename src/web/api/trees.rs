//! Trees: what products compare.

use super::asked::Asked;
use super::list::{Limit, List};
use super::{Refused, unknown};
use crate::store::TreeRow;
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::runs::TreeShown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The `next` of an answer: the code of the last tree seen.
    key: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

/// Trees
///
/// What products compare: a configuration in a repository, called by a code.
#[utoipa::path(get, operation_id = "trees", path = "/trees", tag = "Trees", params(Params), responses(
    (status = 200, description = "Trees, by code.", body = List<TreeShown>, links(
        ("first" = (operation_id = "tree", parameters(("code" = "$response.body#/items/0/code"))))
    )),
    Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(params): Asked<Params>) -> Result<Json<List<TreeShown>>, PageError> {
    let mut trees = web.store.trees().await?;
    trees.sort_by(|one, other| one.code.cmp(&other.code));
    let following = trees.iter().filter(|tree| params.key.as_deref().is_none_or(|key| tree.code.as_str() > key));
    let key = |tree: &&TreeRow| tree.code.clone();
    Ok(Json(List::of(following, params.limit.unwrap_or_default(), key, TreeShown::of)))
}

/// One tree
#[utoipa::path(get, operation_id = "tree", path = "/trees/{code}", tag = "Trees", params(
    (
        "code" = String, Path,
        description = "Its code, as firefox-l10n-source%2Fbrowser.",
        pattern = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,249}$"
    )
), responses((status = 200, description = "The tree.", body = TreeShown), Refused))]
pub(super) async fn one(State(web): State<Web>, path: Result<Path<String>, PathRejection>) -> Result<Json<TreeShown>, PageError> {
    let code = path.map(|Path(code)| code).unwrap_or_default();
    let trees = web.store.trees().await?;
    let found = trees.iter().find(|tree| tree.code == code);
    found.map(|tree| Json(TreeShown::of(tree))).ok_or_else(|| unknown("tree"))
}
