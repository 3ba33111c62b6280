//! Pages that are none: what went wrong in, a page or JSON with one plain sentence out. The causes go to the log, once, and
//! never onto a page.

use super::format::{Format, Shown};
use crate::domain::in_full;
use crate::fetch::FetchError;
use crate::store::StoreError;
use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why a page is not shown. The sentences are for the reader.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("Pages can be read only: GET and HEAD.")]
    OnlyReading,
    #[error("This is not signed by a secret that is known here.")]
    Unsigned,
    #[error("This could not be written down. Please send it again in a moment.")]
    NotNow,
    #[error("This took too long. Please try again in a moment.")]
    Late { path: String },
    #[error("The local clone of this repository cannot be read at the moment.")]
    Clones(Arc<FetchError>),
    #[error("The database does not answer. Please try again in a moment.")]
    Database(#[from] StoreError),
    #[error("This page could not be made.")]
    Template(#[from] askama::Error),
}

/// What [`in_words`] turns into a page, since only it knows the format that was asked for.
#[derive(Clone, Debug, Template, Serialize, ToSchema)]
#[template(path = "pages/error.html")]
#[schema(as = Error)]
pub(super) struct ErrorShown {
    /// The HTTP status.
    status: u16,
    /// What is wrong, in a sentence.
    error: String,
    #[serde(skip)]
    title: String,
}

impl Shown for ErrorShown {}

impl PageError {
    /// A parameter that may repeat stands there too often.
    pub(super) fn too_many(name: &str, most: usize) -> PageError {
        PageError::BadRequest(format!("{name}= can be given at most {most} times."))
    }

    fn status(&self) -> StatusCode {
        match self {
            PageError::NotFound(_) => StatusCode::NOT_FOUND,
            PageError::BadRequest(_) => StatusCode::BAD_REQUEST,
            PageError::OnlyReading => StatusCode::METHOD_NOT_ALLOWED,
            PageError::Unsigned => StatusCode::UNAUTHORIZED,
            PageError::NotNow | PageError::Late { .. } | PageError::Clones(_) | PageError::Database(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            PageError::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn log(&self) {
        match self {
            PageError::NotFound(_)
            | PageError::BadRequest(_)
            | PageError::OnlyReading
            | PageError::Unsigned
            | PageError::NotNow => {}
            PageError::Late { path } => tracing::error!(path, "a page took too long"),
            PageError::Clones(error) => tracing::error!(error = in_full(&**error), "a clone cannot be read for a page"),
            PageError::Database(error) => tracing::error!(error = in_full(error), "the database does not answer a page"),
            PageError::Template(error) => tracing::error!(error = in_full(error), "a page could not be rendered"),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let mut response = status.into_response();
        match status {
            StatusCode::SERVICE_UNAVAILABLE => set(&mut response, header::RETRY_AFTER, "10"),
            StatusCode::METHOD_NOT_ALLOWED => set(&mut response, header::ALLOW, "GET, HEAD"),
            _ => {}
        }
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        response.extensions_mut().insert(ErrorShown { status: status.as_u16(), error: self.to_string(), title });
        response
    }
}

/// Gives every error its words, in the format that was asked for; programs get JSON.
pub(super) async fn in_words(request: Request, next: Next) -> Response {
    let is_json = matches!(Format::asked_by(request.uri()), Ok(Format::Json)) || request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let Some(page) = response.extensions_mut().remove::<ErrorShown>() else {
        return response;
    };
    // An error is no list.
    let format = if is_json { Format::Json } else { Format::Html };
    let Ok(mut worded) = format.answer(&page) else {
        return response;
    };
    *worded.status_mut() = response.status();
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = response.headers().get(&name) {
            worded.headers_mut().insert(name, value.clone());
        }
    }
    for (name, value) in response.headers().iter().filter(|(name, _)| name.as_str().starts_with("access-control-")) {
        worded.headers_mut().insert(name, value.clone());
    }
    worded
}

fn set(response: &mut Response, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
