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
    resources: Vec<Resource>,
    #[serde(skip)]
    here: Here,
}

/// What can be asked at one path.
struct Resource {
    path: String,
    title: String,
    words: String,
    parameters: Vec<ParameterShown>,
    /// Where to see it, if it can be asked as it is.
    example: Option<String>,
}

struct ParameterShown {
    name: String,
    place: &'static str,
    words: String,
    is_required: bool,
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
        format.answer(&Page { document: &self.0, resources, here: Here::at("/api/v1/") })
    }
}

impl Shown for Page<'_> {}

impl Page<'_> {
    fn words(&self) -> &str {
        self.document.info.description.as_deref().unwrap_or_default()
    }
}

impl Resource {
    fn of(path: &str, operation: &Operation) -> Resource {
        let parameters: Vec<ParameterShown> = operation.parameters.iter().flatten().filter_map(ParameterShown::of).collect();
        let example = parameters.iter().all(|parameter| !parameter.is_required).then(|| path.to_owned());
        Resource {
            path: path.to_owned(),
            title: operation.summary.clone().unwrap_or_default(),
            words: operation.description.clone().unwrap_or_default(),
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
            words: parameter.description.clone().unwrap_or_default(),
            is_required: matches!(parameter.required, Required::True),
        })
    }
}
