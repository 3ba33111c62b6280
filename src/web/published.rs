//! What tasks need to know to publish for us: the schema of `elmo.json`, and which compare-locales to use.

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// The version of compare-locales whose output is known to be read.
const COMPARE_LOCALES: &str = "9.0.5";
const SCHEMA: &str = include_str!("../../static/elmo-1.json");

/// The JSON Schema of `elmo.json`, version 1.
pub(super) async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/schema+json")], SCHEMA)
}

/// Which compare-locales a task is to use.
pub(super) async fn compare_locales() -> Json<Value> {
    Json(json!({"version": COMPARE_LOCALES, "requirement": format!("compare-locales=={COMPARE_LOCALES}"), "elmo_json": "1.0"}))
}
