//! Locales, and in how many trees each is in which state.

use super::asked::Asked;
use super::list::{ByCode, List};
use super::{Refused, unknown};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::teams::{LocaleShown, locales};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

/// Locales
///
/// Those that have a repository or a run, by their codes.
#[utoipa::path(get, operation_id = "locales", path = "/locales", tag = "Locales", params(ByCode), responses(
    (status = 200, description = "Locales, by code.", body = List<LocaleShown>, links(
        ("first" = (operation_id = "locale", parameters(("code" = "$response.body#/items/0/locale"))))
    )),
    Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(asked): Asked<ByCode>) -> Result<Json<List<LocaleShown>>, PageError> {
    Ok(Json(asked.list(locales(&web).await?, |locale| locale.locale.clone(), |locale| locale)))
}

/// One locale
#[utoipa::path(get, operation_id = "locale", path = "/locales/{code}", tag = "Locales", params(
    ("code" = String, Path, description = "Its code, as de.", pattern = "^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}$")
), responses((status = 200, description = "The locale.", body = LocaleShown), Refused))]
pub(super) async fn one(State(web): State<Web>, path: Result<Path<String>, PathRejection>) -> Result<Json<LocaleShown>, PageError> {
    let code = path.map(|Path(code)| code).unwrap_or_default();
    let found = locales(&web).await?.into_iter().find(|locale| locale.locale == code);
    found.map(Json).ok_or_else(|| unknown("locale"))
}
