//! What happened to repositories themselves, as their pages show it: each thing once.

use super::database::{Change, RowsSql, Store, StoreError, rows_sql};
use super::repositories::time;
use super::rows::{Cell, Rows};
use crate::domain::{RepositoryId, RepositoryUrl};
use jiff::Timestamp;
use sqlx::Row;

/// Something that happened to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryEvent {
    /// In one word: `moved`.
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
    if urls.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new();
    for (repository, url) in urls {
        let at = Cell::Number(now.as_microsecond());
        rows.add([Cell::Number(repository.0), Cell::Text("moved"), Cell::Text(url.as_str()), at]);
    }
    change.run(&NOTE, rows.done()).await.map(drop)
}
