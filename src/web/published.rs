//! What tasks need to know to publish for us: the schema of `elmo.json`, and which compare-locales to use.

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// The version of compare-locales whose output is known to be read.
const COMPARE_LOCALES: &str = "9.0.5";
const SCHEMA: &str = include_str!("../../static/elmo-1.json");

/// The JSON Schema of `elmo.json`, version 1.
pub(super) async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/schema+json")], SCHEMA)
}

/// Which compare-locales to use.
#[derive(Serialize, ToSchema)]
pub(super) struct CompareLocales {
    version: &'static str,
    /// As pip takes it.
    requirement: String,
    /// The version of `elmo.json` to write.
    elmo_json: &'static str,
}

/// compare-locales
///
/// Which version of it a task that publishes comparisons is to use.
#[utoipa::path(get, operation_id = "compare_locales", path = "/compare-locales", tag = "Tasks",
    responses((status = 200, description = "What to install.", body = CompareLocales), (status = 304, description = "As before.")))]
pub(super) async fn compare_locales() -> Json<CompareLocales> {
    let requirement = format!("compare-locales=={COMPARE_LOCALES}");
    Json(CompareLocales { version: COMPARE_LOCALES, requirement, elmo_json: "1.0" })
}
