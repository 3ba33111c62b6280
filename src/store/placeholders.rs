//! The numbers of changesets, and rows for those that somebody named and nobody has seen. Sets rise, so that two workers that add
//! the same never wait for each other in a circle.

use super::database::{Change, RowsSql, StoreError, parsed, rows_sql};
use super::rows::Rows;
use crate::domain::Revision;
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};

const IDS: RowsSql =
    rows_sql!("select r.value->>0 as revision, changeset.id from " ROWS " join changeset on changeset.revision = r.value->>0");
const ADD_PLACEHOLDERS: RowsSql =
    rows_sql!("insert into changeset (revision) select value->>0 from " ROWS " where true on conflict do nothing");
const MARK_OBSOLETE: RowsSql =
    rows_sql!("update changeset set obsolete = 1 where revision in (select value->>0 from " ROWS ") and obsolete = 0");

/// Puts the numbers of those of `revisions` that are there into `ids`.
pub(super) async fn find(
    change: &mut Change,
    revisions: &BTreeSet<Revision>,
    ids: &mut HashMap<Revision, i64>,
) -> Result<(), StoreError> {
    if !revisions.is_empty() {
        for row in change.fetch(&IDS, Rows::of_revisions(revisions)).await? {
            ids.insert(parsed(&row, "revision")?, row.try_get("id")?);
        }
    }
    Ok(())
}

/// Puts the numbers of those of `revisions` that are there and not in `ids` yet into it.
pub(super) async fn find_missing(
    change: &mut Change,
    revisions: &BTreeSet<Revision>,
    ids: &mut HashMap<Revision, i64>,
) -> Result<(), StoreError> {
    find(change, &without(revisions, ids), ids).await
}

/// Adds those of `revisions` that are not in `ids`, and puts their numbers there.
pub(super) async fn add_missing(
    change: &mut Change,
    revisions: &BTreeSet<Revision>,
    ids: &mut HashMap<Revision, i64>,
) -> Result<(), StoreError> {
    let missing = without(revisions, ids);
    add(change, &missing).await?;
    find(change, &missing, ids).await
}

/// Those that are not in `ids`.
pub(super) fn without(revisions: &BTreeSet<Revision>, ids: &HashMap<Revision, i64>) -> BTreeSet<Revision> {
    revisions.iter().filter(|revision| !ids.contains_key(revision)).copied().collect()
}

/// Adds those of `revisions` that are not there.
pub(super) async fn add(change: &mut Change, revisions: &BTreeSet<Revision>) -> Result<(), StoreError> {
    if !revisions.is_empty() {
        change.run(&ADD_PLACEHOLDERS, Rows::of_revisions(revisions)).await?;
    }
    Ok(())
}

/// Marks changesets that were replaced or pruned.
pub(super) async fn mark_obsolete(change: &mut Change, revisions: &BTreeSet<Revision>) -> Result<(), StoreError> {
    if !revisions.is_empty() {
        change.run(&MARK_OBSOLETE, Rows::of_revisions(revisions)).await?;
    }
    Ok(())
}
