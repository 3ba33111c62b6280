//! Answers that have not changed: an ETag made of the body, and 304 for who has it.

use crate::domain::hex;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

/// Gives what is found its ETag; answers 304 where it is the one that was asked with.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let (mut parts, body) = next.run(request).await.into_parts();
    if parts.status != StatusCode::OK {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        parts.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(parts, Body::empty());
    };
    let tag = format!("\"{}\"", hex(&Sha256::digest(&bytes)[..16]));
    let is_known = known.is_some_and(|known| names(&known, &tag));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether `If-None-Match` names this one: `*`, or a list, compared weakly (RFC 9110, 13.1.2).
fn names(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else {
        return false;
    };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn an_etag_is_found_in_a_list() {
        let named = |known: &str| names(&known.parse().unwrap(), "\"ab\"");
        assert!(named("\"ab\"") && named("W/\"ab\"") && named("\"x\", \"ab\"") && named("*"));
        assert!(!named("\"abc\"") && !named("ab") && !named(""));
    }
}
