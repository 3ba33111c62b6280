//! HTML, JSON, CSV or Atom: the query of a request in, one page in the format asked for out. All are made from the same values.

use super::error::PageError;
use super::feed::Feed;
use super::table::Table;
use askama::Template;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Uri, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use url::form_urlencoded;

/// The format of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Html,
    Json,
    Csv,
    Atom,
}

/// A page, which is HTML and JSON. Where it is a list it can be a table and a feed too.
pub(super) trait Shown: Template + Serialize {
    fn table(&self) -> Option<Table> {
        None
    }

    fn feed(&self) -> Option<Feed> {
        None
    }
}

impl Format {
    /// The format that an address asks for with `format=`; HTML if it does not say.
    pub(super) fn asked_by(uri: &Uri) -> Result<Format, PageError> {
        let query = uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "format");
        match asked.as_ref().map(|(_, value)| value.as_ref()) {
            None | Some("" | "html") => Ok(Format::Html),
            Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            Some("atom") => Ok(Format::Atom),
            Some(_) => Err(PageError::BadRequest("The format can be html, json, and of lists csv and atom.".to_owned())),
        }
    }

    /// The name in addresses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Format::Html => "html",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Atom => "atom",
        }
    }

    /// The page in this format.
    pub(super) fn answer(self, page: &impl Shown) -> Result<Response, PageError> {
        let no = || PageError::BadRequest(format!("This page has no {} form; format=json gives its values.", self.name()));
        match self {
            Format::Html => Ok(Html(page.render()?).into_response()),
            Format::Json => Ok(Json(page).into_response()),
            Format::Csv => {
                let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")];
                Ok((kind, page.table().ok_or_else(no)?.to_csv()).into_response())
            }
            Format::Atom => {
                let kind = [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")];
                Ok((kind, page.feed().ok_or_else(no)?.render()?).into_response())
            }
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
    let path = encoded(path);
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte);
    path.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Where a page is, with its filters: the address to pass on, and those of the same page in other formats or with one filter
/// changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Here {
    path: String,
    parameters: Vec<(Cow<'static, str>, String)>,
    formats: &'static [Format],
}

impl Here {
    /// A page that can be JSON.
    pub(super) fn at(path: &str) -> Here {
        Here { path: path.to_owned(), parameters: Vec::new(), formats: &[Format::Json] }
    }

    /// The same with a filter; an empty one is left out of addresses. May be said again for one that repeats.
    #[expect(clippy::needless_pass_by_value, reason = "numbers are given as they are")]
    pub(super) fn and(mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) -> Here {
        self.parameters.push((name.into(), value.to_string()));
        self
    }

    /// The same page, which can be these formats besides HTML.
    #[expect(clippy::wrong_self_convention, reason = "it reads as the end of a sentence")]
    pub(super) fn as_any_of(self, formats: &'static [Format]) -> Here {
        Here { formats, ..self }
    }

    /// The same page, which can be a table too.
    pub(super) fn with_table(self) -> Here {
        self.as_any_of(&[Format::Json, Format::Csv])
    }

    /// The address without any filter, for forms.
    pub(super) fn path(&self) -> String {
        encoded(&self.path)
    }

    /// The address, filters and all.
    pub(super) fn address(&self) -> String {
        let pairs: Vec<(&str, &str)> = self.parameters.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect();
        address(&self.path, &pairs)
    }

    /// The address with one filter instead of what it was; without it where `value` is empty.
    pub(super) fn with(&self, name: &'static str, value: impl ToString) -> String {
        self.without(&[name]).and(name, value).address()
    }

    /// The page without these filters.
    pub(super) fn without(&self, names: &[&str]) -> Here {
        let mut here = self.clone();
        here.parameters.retain(|(known, _)| !names.contains(&known.as_ref()));
        here
    }

    /// The filters that a form has to carry along, which asks for those in `asked` itself.
    pub(super) fn carried(&self, asked: &[&str]) -> Vec<(Cow<'static, str>, String)> {
        self.without(asked).parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The names of its other formats, each with its address.
    pub(super) fn twins(&self) -> Vec<(&'static str, String)> {
        self.formats.iter().map(|format| (format.name(), self.with("format", format.name()))).collect()
    }

    /// Where its feed is, if it has one.
    pub(super) fn feed(&self) -> Option<String> {
        self.formats.contains(&Format::Atom).then(|| self.with("format", "atom"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Here, address};

    #[test]
    fn an_address_says_its_format() {
        let format = |address: &str| Format::asked_by(&address.parse().unwrap()).ok();
        assert_eq!(format("/"), Some(Format::Html));
        assert_eq!(format("/?q=format"), Some(Format::Html));
        assert_eq!(format("/?q=a&format=json"), Some(Format::Json));
        assert_eq!(format("/?format=csv"), Some(Format::Csv));
        assert_eq!(format("/?format=xml"), None);
    }

    #[test]
    fn parameters_are_escaped_and_empty_ones_left_out() {
        assert_eq!(address("/", &[("q", ""), ("state", "")]), "/");
        assert_eq!(address("/", &[("q", "a&b=\"<"), ("state", "new")]), "/?q=a%26b%3D%22%3C&state=new");
    }

    #[test]
    fn a_page_knows_its_address_with_one_filter_changed() {
        let here = Here::at("/p").and("repo", "a").and("repo", "b").and("user", "").and("start", 50);
        assert_eq!(here.address(), "/p?repo=a&repo=b&start=50");
        assert_eq!(here.with("start", ""), "/p?repo=a&repo=b");
        assert_eq!(here.with("repo", "c"), "/p?start=50&repo=c");
        assert_eq!(here.carried(&["repo"]), [("start".into(), "50".to_owned())]);
        assert_eq!(Here::at("/trees/a?b#c%41").address(), "/trees/a%3Fb%23c%2541");
        assert_eq!(here.twins(), [("json", "/p?repo=a&repo=b&start=50&format=json".to_owned())]);
    }
}
