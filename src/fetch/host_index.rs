//! The repositories that a host lists under a forest, from hgweb's own index in its JSON style.

use super::{FetchError, Http};
use crate::domain::{ErrorClass, LocaleCode, RepositoryUrl};
use serde::Deserialize;

/// What a host lists under a forest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub locales: Vec<LocaleCode>,
    /// Entries whose names are no locale codes.
    pub others: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
}

/// Asks the host which repositories lie directly under `forest`.
pub async fn list(http: &Http, forest: &RepositoryUrl) -> Result<Listed, FetchError> {
    let url = format!("{forest}/?style=json");
    let body = http.get(&url).await?;
    let index: Index = serde_json::from_slice(&body)
        .map_err(|error| FetchError::because(ErrorClass::Network, format!("{url} is not an index of repositories"), error))?;
    let mut listed = Listed::default();
    for entry in index.entries {
        let name = entry.name.trim_matches('/');
        match name.parse() {
            Ok(locale) => listed.locales.push(locale),
            Err(_) => listed.others.push(name.chars().take(200).collect()),
        }
    }
    listed.locales.sort();
    Ok(listed)
}
