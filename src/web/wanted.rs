//! What an address asks for after the question mark, where names may repeat: text in, values or a sentence about one out.

use super::error::PageError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::collections::HashSet;
use std::convert::Infallible;
use std::ops::RangeInclusive;
use url::form_urlencoded;

/// The names and values of a query, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted(Vec<(String, String)>);

impl Wanted {
    /// Reads a query; any text is one.
    pub(super) fn read(query: &str) -> Wanted {
        Wanted(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of that name; empty without one.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// All values of that name that are not empty, once each.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let (mut seen, values) = (HashSet::new(), self.0.iter().filter(|(known, value)| known == name && !value.is_empty()));
        values.filter(|(_, value)| seen.insert(value)).map(|(_, value)| value.clone()).collect()
    }

    /// A yes or no: there with any value but 0, or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, value)| known == name && value != "0")
    }

    /// A number within a range; `otherwise` where none is given.
    pub(super) fn number(&self, name: &str, otherwise: usize, range: RangeInclusive<usize>) -> Result<usize, PageError> {
        let text = self.one(name);
        if text.is_empty() {
            return Ok(otherwise);
        }
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| PageError::BadRequest(format!("What comes after {name}= must be a number from {least} to {most}.")))
    }

    /// Names of highlights and the like: all that begin with this, without it, and their values.
    pub(super) fn beginning_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Wanted, Infallible> {
        Ok(Wanted::read(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn names_may_repeat() {
        let wanted = Wanted::read("tree=a%2Fb&tree=&tree=c&tree=c&hideBad&x=0&length=7");
        assert_eq!(wanted.all("tree"), ["a/b", "c"]);
        assert_eq!((wanted.one("length"), wanted.one("none")), ("7", ""));
        assert!(wanted.has("hideBad") && !wanted.has("x") && !wanted.has("y"));
    }

    #[test]
    fn a_number_is_within_its_range() {
        let length = |query: &str| Wanted::read(query).number("length", 50, 1..=500).ok();
        assert_eq!(length(""), Some(50));
        assert_eq!(length("length=500"), Some(500));
        for wrong in ["0", "501", "-1", "x", "1.5", "99999999999999999999"] {
            assert_eq!(length(&format!("length={wrong}")), None, "{wrong}");
        }
    }
}
