//! Trees: what products compare.

use super::asked::Asked;
use super::list::{ByCode, List};
use super::{Refused, unknown};
use crate::store::TreeRow;
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::runs::TreeShown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

/// Trees
///
/// What products compare: a configuration in a repository, called by a code.
#[utoipa::path(get, operation_id = "trees", path = "/trees", tag = "Trees", params(ByCode), responses(
    (status = 200, description = "Trees, by code.", body = List<TreeShown>, links(
        ("first" = (operation_id = "tree", parameters(("code" = "$response.body#/items/0/code"))))
    )),
    Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(asked): Asked<ByCode>) -> Result<Json<List<TreeShown>>, PageError> {
    let mut trees = web.store.trees().await?;
    trees.sort_by(|one, other| one.code.cmp(&other.code));
    Ok(Json(asked.list(&trees, |tree: &&TreeRow| tree.code.clone(), TreeShown::of)))
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
