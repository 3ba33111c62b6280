//! Settles what depends on data that may come in any order: the time of a run's source, and which run is active.
//!
//! Both are functions of what the database holds, written down again whenever that changes: result first or push first, the
//! rows are the same in the end. Each time it raises the number of the results' version, so that whoever read them before
//! knows that they are not what they were.

use super::counting_run::counting_run_sql;
use super::database::{Change, Lock, RowsSql, StoreError, rows_sql};
use super::rows::{Cell, Rows};
use super::version::{self, Of};
use sqlx::Row;
use std::collections::BTreeSet;

// SQLite takes the tables of a cross join in their order: from a changeset to its few pushes, not through all pushes of a repository.
const SETTLE: RowsSql = rows_sql!(
    "update run
     set srctime = coalesce(
         (select max(push.date)
          from run_revision
          cross join push_changeset
          cross join push
          cross join repository
          cross join compared_repository
          where run_revision.run = run.id and push_changeset.changeset = run_revision.changeset
            and push.id = push_changeset.push and repository.id = push.repository
            and compared_repository.id = run_revision.repository and compared_repository.url = repository.url),
         (select task_result.resolved_at / 1000000 from task_result where task_result.id = run.result))
     where id in (select cast(value->>0 as bigint) from " ROWS ")");
const ACTIVATE: RowsSql = rows_sql!(
    ["insert into active (tree, locale, run)
     select cast(value->>0 as bigint), cast(value->>1 as bigint),
            ",
        counting_run_sql!("cast(value->>0 as bigint)", "cast(value->>1 as bigint)", "is not null"),
        "
     from "] ROWS [" where true
     on conflict (tree, locale) do update set run = excluded.run"]
);
const HANGING_ON: RowsSql = rows_sql!(
    "select distinct run.id, run.tree, run.locale from run_revision join run on run.id = run_revision.run
     where run_revision.changeset in (select cast(value->>0 as bigint) from " ROWS ")");

/// Settles all runs that hang on these changesets, which have come in pushes.
///
/// To be called last in a transaction: two that settle take turns from here on, and whoever comes second sees everything.
pub(super) async fn settle_hanging_on(change: &mut Change, changesets: impl Iterator<Item = i64>) -> Result<(), StoreError> {
    let rows = change.fetch(&HANGING_ON, Rows::of(changesets.map(Cell::Number))).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut runs = Vec::with_capacity(rows.len());
    let mut places = BTreeSet::new();
    for row in &rows {
        runs.push(row.try_get("id")?);
        places.insert((row.try_get("tree")?, row.try_get("locale")?));
    }
    change.lock(Lock::Settling).await?;
    settle(change, &runs).await?;
    activate(change, &places).await?;
    version::raise(change, Of::Results).await
}

/// Writes down the time of the source of each run: the newest push of what was compared, as far as it is known.
pub(super) async fn settle(change: &mut Change, runs: &[i64]) -> Result<(), StoreError> {
    change.run(&SETTLE, Rows::of(runs.iter().map(|run| Cell::Number(*run)))).await?;
    Ok(())
}

/// Writes down which run is active for each tree and locale.
pub(super) async fn activate(change: &mut Change, places: &BTreeSet<(i64, i64)>) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    places.iter().for_each(|(tree, locale)| rows.add([Cell::Number(*tree), Cell::Number(*locale)]));
    change.run(&ACTIVATE, rows.done()).await?;
    Ok(())
}
