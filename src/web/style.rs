//! The style sheet: a part of the program, under an address that changes with its content.

use crate::domain::hex;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const SHEET: &str = include_str!("../../static/elmo.css");
static ETAG: LazyLock<String> = LazyLock::new(|| format!("\"{}\"", hash()));
static ADDRESS: LazyLock<String> = LazyLock::new(|| format!("/static/elmo.css?v={}", hash()));

/// Where pages find the style sheet.
pub(super) fn address() -> &'static str {
    &ADDRESS
}

/// The style sheet, or that it has not changed.
pub(super) async fn show(asked: HeaderMap) -> Response {
    let keep = [(header::ETAG, ETAG.as_str()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    if asked.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == ETAG.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, keep).into_response();
    }
    (keep, [(header::CONTENT_TYPE, "text/css; charset=utf-8")], SHEET).into_response()
}

fn hash() -> String {
    hex(&Sha256::digest(SHEET)[..8])
}
