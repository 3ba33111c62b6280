//! Locales, and in how many trees each is in which state.

use super::asked::Asked;
use super::list::{Limit, List};
use super::{Refused, unknown};
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::teams::{LocaleShown, locales};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The `next` of an answer: the code of the last locale seen.
    key: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

/// Locales
///
/// Those that have a repository or a run, by their codes.
#[utoipa::path(get, operation_id = "locales", path = "/locales", tag = "Locales", params(Params), responses(
    (status = 200, description = "Locales, by code.", body = List<LocaleShown>, links(
        ("first" = (operation_id = "locale", parameters(("code" = "$response.body#/items/0/locale"))))
    )),
    Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(params): Asked<Params>) -> Result<Json<List<LocaleShown>>, PageError> {
    let locales = locales(&web).await?.into_iter();
    let following = locales.filter(|locale| params.key.as_deref().is_none_or(|key| locale.locale.as_str() > key));
    let limit = params.limit.unwrap_or_default();
    Ok(Json(List::of(following, limit, |locale| locale.locale.clone(), |locale| locale)))
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
