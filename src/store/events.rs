//! What happened to repositories themselves, as their pages show it: each thing once.

use super::database::{Change, RowsSql, StoreError, rows_sql};
use super::rows::{Cell, Rows};
use crate::domain::{RepositoryId, RepositoryUrl};
use jiff::Timestamp;

const NOTE: RowsSql = rows_sql!(
    "insert into repository_event (repository, kind, words, at)
     select cast(value->>0 as bigint), value->>1, value->>2, cast(value->>3 as bigint) from " ROWS " where true
     on conflict do nothing");

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
