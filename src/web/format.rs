//! HTML or JSON: the query of a request in, one page in the format asked for out. Both are made from the same values.

use super::error::PageError;
use askama::Template;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use url::form_urlencoded;

/// The format of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Html,
    Json,
}

impl Format {
    /// The format that an address asks for with `format=`; HTML if it does not say.
    pub(super) fn asked_by(uri: &Uri) -> Result<Format, PageError> {
        let query = uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "format");
        match asked.as_ref().map(|(_, value)| value.as_ref()) {
            None | Some("" | "html") => Ok(Format::Html),
            Some("json") => Ok(Format::Json),
            Some(_) => Err(PageError::BadRequest("The format can be html or json.".to_owned())),
        }
    }

    /// The page in this format.
    pub(super) fn answer(self, page: &(impl Template + Serialize)) -> Result<Response, PageError> {
        match self {
            Format::Html => Ok(Html(page.render()?).into_response()),
            Format::Json => Ok(Json(page).into_response()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Format {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Format, PageError> {
        Format::asked_by(&parts.uri)
    }
}

/// The address of a page with these parameters, those left out that are empty.
pub(super) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::{Format, address};

    #[test]
    fn an_address_says_its_format() {
        let format = |address: &str| Format::asked_by(&address.parse().unwrap()).ok();
        assert_eq!(format("/"), Some(Format::Html));
        assert_eq!(format("/?q=format"), Some(Format::Html));
        assert_eq!(format("/?q=a&format=json"), Some(Format::Json));
        assert_eq!(format("/?format=xml"), None);
    }

    #[test]
    fn parameters_are_escaped_and_empty_ones_left_out() {
        assert_eq!(address("/", &[("q", ""), ("state", "")]), "/");
        assert_eq!(address("/", &[("q", "a&b=\"<"), ("state", "new")]), "/?q=a%26b%3D%22%3C&state=new");
    }
}
