//! The query of an address before anybody reads it: any in, one that every database can look for out.

use super::error::PageError;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;

const NUL: &str = "%00";
/// U+FFFD, which stands for what is no text.
const NOT_FOUND: &str = "%EF%BF%BD";

/// No name that is kept here has a NUL in it, and PostgreSQL refuses to look for one: it becomes a character that is not found.
pub(super) async fn without_nul(mut request: Request, next: Next) -> Result<Response, PageError> {
    if request.uri().query().is_some_and(|query| query.contains(NUL)) {
        *request.uri_mut() = replaced(request.uri())?;
    }
    Ok(next.run(request).await)
}

pub(super) fn replaced(uri: &Uri) -> Result<Uri, PageError> {
    let too_long = || PageError::BadRequest("What follows the question mark in the address is too long.".to_owned());
    let query = uri.query().unwrap_or_default().replace(NUL, NOT_FOUND);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", uri.path()).parse().map_err(|_| too_long())?);
    Uri::from_parts(parts).map_err(|_| too_long())
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_nul_becomes_a_character_that_is_not_found() {
        let check = |uri: &str, expected: &str| assert_eq!(replaced(&uri.parse().unwrap()).unwrap().to_string(), expected);
        check("/a?q=x%00y&%00=1", "/a?q=x%EF%BF%BDy&%EF%BF%BD=1");
        check("http://h:1/a/%00?q=%2500", "http://h:1/a/%00?q=%2500");
        let long = format!("/?q={}", "%00".repeat(20_000));
        assert!(replaced(&long.parse().unwrap()).is_err());
    }
}
