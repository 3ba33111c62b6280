//! What happened to repositories themselves, as their pages show it: each thing once.

use super::database::{Change, RowsSql, Step, Store, StoreError, rows_sql};
use super::repositories::time;
use super::rows::{Cell, Rows};
use crate::domain::{Kept, RepositoryId, RepositoryUrl};
use jiff::Timestamp;
use sqlx::Row;

/// Something that happened to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryEvent {
    /// What it was: `moved`, `default branch`.
    pub kind: String,
    /// To where, or whatever belongs to the kind.
    pub words: String,
    /// When it was noticed first.
    pub at: Timestamp,
}

const NOTE: RowsSql = rows_sql!(
    "insert into repository_event (repository, kind, words, at)
     select cast(value->>0 as bigint), value->>1, value->>2, cast(value->>3 as bigint) from " ROWS " where true
     on conflict do nothing");

const OF_REPOSITORY: &str =
    "select kind, words, at from repository_event where repository = $1 order by at desc, id desc limit 100";

impl Store {
    /// Notes that the host sends whoever asks for a repository on to another URL.
    pub async fn note_moved(&self, repository: RepositoryId, url: &str, now: Timestamp) -> Result<(), StoreError> {
        self.note_event("moved", repository, url, now).await
    }

    /// Notes that the host calls another branch its HEAD.
    pub async fn note_default_branch(&self, repository: RepositoryId, branch: &Kept, now: Timestamp) -> Result<(), StoreError> {
        self.note_event("default branch", repository, branch.as_str(), now).await
    }

    async fn note_event(&self, kind: &str, repository: RepositoryId, words: &str, now: Timestamp) -> Result<(), StoreError> {
        let input = (kind, repository, words, now);
        self.write(&input, |change, (kind, repository, words, now)| -> Step<'_, ()> {
            Box::pin(note(change, kind, [(*repository, *words)], *now))
        })
        .await
    }

    /// What happened to a repository, the newest first.
    pub async fn events(&self, repository: RepositoryId) -> Result<Vec<RepositoryEvent>, StoreError> {
        let rows = sqlx::query(OF_REPOSITORY).bind(repository.0).fetch_all(self.readers()).await?;
        let event = |row: &sqlx::any::AnyRow| -> Result<RepositoryEvent, StoreError> {
            let at = time(row, "at")?.unwrap_or_default();
            Ok(RepositoryEvent { kind: row.try_get("kind")?, words: row.try_get("words")?, at })
        };
        rows.iter().map(event).collect()
    }
}

/// Notes that hosts call repositories by other URLs.
pub(super) async fn note_urls(
    change: &mut Change,
    urls: &[(RepositoryId, RepositoryUrl)],
    now: Timestamp,
) -> Result<(), StoreError> {
    note(change, "moved", urls.iter().map(|(repository, url)| (*repository, url.as_str())), now).await
}

async fn note<'a>(
    change: &mut Change,
    kind: &str,
    events: impl IntoIterator<Item = (RepositoryId, &'a str)> + Send,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for (repository, words) in events {
        let at = Cell::Number(now.as_microsecond());
        rows.add([Cell::Number(repository.0), Cell::Text(kind), Cell::Text(words), at]);
    }
    change.run_unless_empty(&NOTE, rows).await
}
