//! The description of all this: OpenAPI 3.1 for programs, and the same as a page for people.

use crate::web::Web;
use crate::web::error::PageError;
use crate::web::format::{Format, Here, Shown};
use askama::Template;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::sync::Arc;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr, Required};

/// The description, made once.
#[derive(Clone)]
pub(super) struct Described(Arc<OpenApi>);

#[derive(Template, Serialize)]
#[template(path = "pages/api.html")]
struct Page<'a> {
    #[serde(flatten)]
    document: &'a OpenApi,
    #[serde(skip)]
    words: Vec<Piece>,
    #[serde(skip)]
    resources: Vec<Resource>,
    #[serde(skip)]
    here: Here,
}

/// What can be asked at one path.
struct Resource {
    path: String,
    title: String,
    words: Vec<Piece>,
    parameters: Vec<ParameterShown>,
    /// Where to see it, if it can be asked as it is.
    example: Option<String>,
}

struct ParameterShown {
    name: String,
    place: &'static str,
    words: Vec<Piece>,
    is_required: bool,
}

/// A stretch of a description: words, or between backticks, as its Markdown has them, a name of something.
struct Piece {
    text: String,
    is_name: bool,
}

impl Described {
    pub(super) fn of(document: OpenApi) -> Described {
        Described(Arc::new(document))
    }

    /// Where it is shown.
    pub(super) fn router(self) -> Router<Web> {
        let (page, document) = (self.clone(), self.0);
        Router::new()
            .route(
                "/api/v1",
                get({
                    let page = page.clone();
                    async move |format| page.show(format)
                }),
            )
            .route("/api/v1/", get(async move |format| page.show(format)))
            .route("/api/v1/openapi.json", get(async move || Json(document.as_ref()).into_response()))
    }

    fn show(&self, format: Format) -> Result<Response, PageError> {
        let of_path = |(path, item): (&String, &utoipa::openapi::PathItem)| Some(Resource::of(path, item.get.as_ref()?));
        let resources = self.0.paths.paths.iter().filter_map(of_path).collect();
        let words = pieces(self.0.info.description.as_deref());
        format.answer(&Page { document: &self.0, words, resources, here: Here::at("/api/v1/") })
    }
}

impl Shown for Page<'_> {}

impl Resource {
    fn of(path: &str, operation: &Operation) -> Resource {
        let parameters: Vec<ParameterShown> = operation.parameters.iter().flatten().filter_map(ParameterShown::of).collect();
        let example = parameters.iter().all(|parameter| !parameter.is_required).then(|| path.to_owned());
        Resource {
            path: path.to_owned(),
            title: operation.summary.clone().unwrap_or_default(),
            words: pieces(operation.description.as_deref()),
            parameters,
            example,
        }
    }
}

impl ParameterShown {
    fn of(parameter: &RefOr<Parameter>) -> Option<ParameterShown> {
        let RefOr::T(parameter) = parameter else {
            return None;
        };
        Some(ParameterShown {
            name: parameter.name.clone(),
            place: match parameter.parameter_in {
                ParameterIn::Path => "in the path",
                _ => "",
            },
            words: pieces(parameter.description.as_deref()),
            is_required: matches!(parameter.required, Required::True),
        })
    }
}

fn pieces(description: Option<&str>) -> Vec<Piece> {
    let texts = description.unwrap_or_default().split('`').map(str::to_owned);
    let pieces = texts.zip([false, true].into_iter().cycle()).map(|(text, is_name)| Piece { text, is_name });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}
