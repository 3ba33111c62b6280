//! What an address asks for after the question mark, read into a type of its own: refused, with the name of what is wrong, where
//! a value does not fit, and where a name is not known, since a filter with a typing error would be no filter.

use crate::web::error::PageError;
use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The parameters of a request.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked<T>, PageError> {
        read(parts.uri.query().unwrap_or_default()).map(Asked)
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, PageError> {
    let address: Uri = format!("/?{query}").parse().map_err(|_| unreadable("they are no query"))?;
    let asked = Query::try_from_uri(&address).map_err(|rejection| {
        let text = rejection.body_text();
        unreadable(text.split_once("string: ").map_or(text.as_str(), |(_, why)| why))
    })?;
    Ok(asked.0)
}

/// That a parameter cannot be read, and why.
pub(super) fn unreadable(why: &str) -> PageError {
    PageError::BadRequest(format!("The parameters cannot be read: {why}."))
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::web::api::list::Limit;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Params {
        name: Option<String>,
        limit: Option<Limit>,
    }

    #[test]
    fn a_parameter_that_cannot_be_read_is_named() {
        let refused = |query: &str| read::<Params>(query).unwrap_err().to_string();
        assert_eq!(read::<Params>("name=a%20b").unwrap().name.as_deref(), Some("a b"));
        assert_eq!(refused("limit=0"), "The parameters cannot be read: limit: it can be a number from 1 to 500.");
        assert_eq!(refused("limit=many"), "The parameters cannot be read: limit: it can be a number from 1 to 500.");
        assert!(refused("lenght=5").contains("unknown field `lenght`"), "{}", refused("lenght=5"));
        assert!(refused("name=a&name=b").contains("duplicate field `name`"), "{}", refused("name=a&name=b"));
    }
}
