//! Answers over HTTP, whole and broken ones.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{Response, StatusCode};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

pub(crate) fn page(status: StatusCode, content_type: &str, body: Bytes) -> Response<Body> {
    with_body(status, content_type, Full::new(body).map_err(Into::into).boxed_unsync())
}

pub(crate) fn with_body(status: StatusCode, content_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Ok(content_type) = content_type.try_into() {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

/// What a login page in between answers.
pub(crate) fn login_page() -> Response<Body> {
    page(StatusCode::OK, "text/html", Bytes::from_static(LOGIN_PAGE.as_bytes()))
}

const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n";

pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The first half of a body that was declared as a whole.
pub(crate) fn cut_short(content_type: &str, whole: &Bytes) -> Response<Body> {
    let half = whole.slice(..whole.len() / 2);
    let parts = stream::once(async { Ok(Frame::data(half)) }).chain(stream::once(async {
        // What was sent so far has to leave before the connection breaks.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err("cut short".into())
    }));
    let mut response = with_body(StatusCode::OK, content_type, StreamBody::new(parts).boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, whole.len().into());
    response
}

pub(crate) fn bad_gateway(message: &str) -> Response<Body> {
    page(StatusCode::BAD_GATEWAY, "text/plain", Bytes::from(format!("{message}\n")))
}

pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    out
}
