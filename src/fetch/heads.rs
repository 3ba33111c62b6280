//! The heads of a repository on its host, by Mercurial's wire command `heads`: closed branches' heads too.

use super::{FetchError, Http};
use crate::domain::{ErrorClass, RepositoryUrl, Revision};

/// All heads that the host serves; none for an empty repository, or one whose changesets are all obsolete.
pub async fn heads(http: &Http, url: &RepositoryUrl) -> Result<Vec<Revision>, FetchError> {
    let body = http.get(&format!("{url}?cmd=heads")).await?;
    let not_heads = || FetchError::new(ErrorClass::Network, format!("{url}?cmd=heads does not answer with revisions"));
    let text = std::str::from_utf8(&body).map_err(|_| not_heads())?;
    let heads: Vec<Revision> =
        text.split_whitespace().map(|head| head.parse().map_err(|_| not_heads())).collect::<Result<_, _>>()?;
    Ok(heads.into_iter().filter(|head| *head != Revision::NULL).collect())
}
