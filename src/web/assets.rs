//! The style sheet and the script: parts of the program, each under an address that changes with its content.

use crate::domain::hex;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A file that pages name.
pub(super) struct Asset {
    content: &'static str,
    kind: &'static str,
    etag: String,
    address: String,
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("elmo.css", "text/css; charset=utf-8", include_str!("../../static/elmo.css")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::of("elmo.js", "text/javascript; charset=utf-8", include_str!("../../static/elmo.js")));

/// Where pages find the style sheet.
pub(super) fn style_address() -> &'static str {
    &STYLE.address
}

/// Where pages find the script.
pub(super) fn script_address() -> &'static str {
    &SCRIPT.address
}

/// The style sheet, or that it has not changed.
pub(super) async fn style(asked: HeaderMap) -> Response {
    STYLE.answer(&asked)
}

/// The script, or that it has not changed.
pub(super) async fn script(asked: HeaderMap) -> Response {
    SCRIPT.answer(&asked)
}

impl Asset {
    fn of(name: &str, kind: &'static str, content: &'static str) -> Asset {
        let hash = hex(&Sha256::digest(content)[..8]);
        Asset { content, kind, etag: format!("\"{hash}\""), address: format!("/static/{name}?v={hash}") }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let keep = [(header::ETAG, self.etag.as_str()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
        if asked.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == self.etag.as_bytes()) {
            return (StatusCode::NOT_MODIFIED, keep).into_response();
        }
        (keep, [(header::CONTENT_TYPE, self.kind)], self.content).into_response()
    }
}
