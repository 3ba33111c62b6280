//! The same values for programs, under `/api/v1/`: JSON in lists with keys to page by, described by OpenAPI as made from this
//! code. Fields and parameters may be added; what is there keeps its name and meaning for as long as the address says `v1`.

mod asked;
mod changesets;
mod conditional;
mod described;
mod history;
mod list;
mod locales;
mod pushes;
mod repositories;
mod runs;
mod trees;

use super::error::{ErrorShown, PageError};
use super::{Web, published};
use crate::domain::A_DAY;
use axum::Router;
use axum::http::{Method, header};
use axum::middleware::from_fn;
use described::Described;
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};
use utoipa::{IntoResponses, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a browser may remember that programs of other sites can read here.
const PREFLIGHT: Duration = A_DAY;

#[derive(OpenApi)]
#[openapi(
    components(schemas(pushes::Moment, pushes::Part)),
    info(
        title = "Elmo",
        description = "What was pushed to the repositories of a hundred languages, and what comparing them came to. Reading only; \
                   times are UTC, as RFC 3339 has them. A list answers with `items` and with `next`, which is given as `key=` \
                   for those that follow, and null at the end. Every answer has an ETag; asked with it in If-None-Match, what \
                   has not changed is answered by 304 without a body. Names with slashes are written with %2F in paths."
    )
)]
struct Document;

/// Why nothing is answered; the body says it in a sentence.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it is only described")]
enum Refused {
    /// What was asked before has not changed.
    #[response(status = 304)]
    NotModified,
    /// A parameter cannot be read.
    #[response(status = 400)]
    Unreadable(#[to_schema] ErrorShown),
    /// There is none.
    #[response(status = 404)]
    Unknown(#[to_schema] ErrorShown),
    /// The database does not answer, or not in time; try again in a moment.
    #[response(status = 503)]
    Later(#[to_schema] ErrorShown),
}

/// All of it, with its description at `/api/v1/` for people and at `/api/v1/openapi.json` for programs.
pub(super) fn router() -> Router<Web> {
    let resources = OpenApiRouter::new()
        .routes(routes!(repositories::list))
        .routes(routes!(repositories::one))
        .routes(routes!(pushes::list))
        .routes(routes!(pushes::one))
        .routes(routes!(changesets::list))
        .routes(routes!(changesets::one))
        .routes(routes!(locales::list))
        .routes(routes!(locales::one))
        .routes(routes!(trees::list))
        .routes(routes!(trees::one))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one))
        .routes(routes!(history::list))
        .routes(routes!(published::compare_locales));
    let (resources, document) = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", resources).split_for_parts();
    resources
        .merge(Described::of(document).router())
        .layer(from_fn(conditional::answer))
        .layer(from_fn(super::only_reading))
        .layer(cors())
}

/// Programs of any site may read.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, header::RETRY_AFTER])
        .max_age(PREFLIGHT)
}

fn unknown(what: &str) -> PageError {
    PageError::NotFound(format!("There is no {what} of that name."))
}
