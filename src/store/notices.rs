//! What hosts said of branches that moved: written down as messages come, used once the commits are here.

use super::database::{Change, RowsSql, StoreError, rows_sql};
use super::dictionary;
use super::rows::{Cell, Rows};
use crate::domain::{Notice, RepositoryId};
use jiff::Timestamp;
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the push that a notice tells of is recorded: looked up by the commit that it led to, since of pushes and notices there are many.
macro_rules! has_push_sql {
    () => {
        "exists (
             select 1
             from push
             where push.target = (select changeset.id from changeset where changeset.revision = notice.target)
               and push.origin = (select changeset.id from changeset where changeset.revision = notice.origin)
               and push.repository = notice.repository and push.branch = notice.branch and push.seen = 0
               and (push.date = notice.date or notice.date = 0))"
    };
}
pub(super) use has_push_sql;

const NOTE: RowsSql = rows_sql!(
    "insert into notice (repository, branch, origin, target, pusher, date, taken_at)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), value->>2, value->>3, value->>4, cast(value->>5 as bigint),
            cast(value->>6 as bigint)
     from " ROWS " where true
     on conflict do nothing
     returning repository");
const NUMBER: RowsSql = rows_sql!(
    "update repository
     set host_number = said.number
     from (select cast(value->>0 as bigint) as id, cast(value->>1 as bigint) as number from " ROWS ") as said
     where repository.id = said.id and repository.host_number is null");

/// Notes moves; gives the repositories of those that were not known.
pub(super) async fn note(
    change: &mut Change,
    notices: &[(RepositoryId, Notice)],
    now: Timestamp,
) -> Result<Vec<RepositoryId>, StoreError> {
    if notices.is_empty() {
        return Ok(Vec::new());
    }
    let names: BTreeSet<&str> = notices.iter().map(|(_, notice)| notice.branch.as_str()).collect();
    let branches = dictionary::branches_named(change, names).await?;
    let mut rows = Rows::new();
    // In one order, so that two workers never wait for each other in a circle.
    for (repository, notice) in notices.iter().collect::<BTreeSet<_>>() {
        rows.add([
            Cell::Number(repository.0),
            Cell::Number(branches[notice.branch.as_str()]),
            Cell::Plain(notice.before.to_string()),
            Cell::Plain(notice.after.to_string()),
            Cell::Text(notice.pusher.as_str()),
            Cell::Number(notice.date),
            Cell::Number(now.as_microsecond()),
        ]);
    }
    let rows = change.fetch(&NOTE, rows.done()).await?;
    rows.iter().map(|row| Ok(RepositoryId(row.try_get("repository")?))).collect()
}

/// Keeps the numbers by which hosts know repositories.
pub(super) async fn number(change: &mut Change, numbers: &BTreeMap<RepositoryId, i64>) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new();
    numbers.iter().for_each(|(repository, number)| rows.add([Cell::Number(repository.0), Cell::Number(*number)]));
    change.run(&NUMBER, rows.done()).await.map(drop)
}
