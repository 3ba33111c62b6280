//! Pushes as pages show them, newest first.

use super::database::{RowsSql, Store, StoreError, parsed, rows_sql};
use super::rows::{Cell, Rows};
use crate::domain::{Kept, RepositoryId, RepositoryName, Revision};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// One push with its changesets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRow {
    pub repository: RepositoryName,
    pub url: String,
    /// Which making of the repository it belongs to; older ones are history.
    pub generation: i64,
    /// The repository has not been made anew since.
    pub current: bool,
    pub push_id: u64,
    pub user: Kept,
    /// Seconds since 1970.
    pub date: i64,
    /// The tip first.
    pub changesets: Vec<PushedChangeset>,
}

/// One changeset of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedChangeset {
    pub revision: Revision,
    pub known: bool,
    pub obsolete: bool,
    pub author: Kept,
    pub description: Kept,
    pub branch: Kept,
}

const OF_REPOSITORY: &str = "
    select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
           repository.generation as now_in
    from push join repository on repository.id = push.repository
    where push.repository = $1 and (push.generation < $2 or (push.generation = $2 and push.push_id < $3))
    order by push.generation desc, push.push_id desc
    limit $4";
const NEWEST: &str = "
    select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
           repository.generation as now_in
    from push join repository on repository.id = push.repository
    order by push.date desc, push.id desc
    limit $1";
const CHANGESETS: RowsSql = rows_sql!(
    "select push_changeset.push, changeset.revision, changeset.known, changeset.obsolete, changeset.author,
            changeset.description, branch.name as branch_name
     from " ROWS "
     join push_changeset on push_changeset.push = cast(value->>0 as bigint)
     join changeset on changeset.id = push_changeset.changeset
     left join branch on branch.id = changeset.branch
     order by push_changeset.push, push_changeset.position desc");

impl Store {
    /// The pushes of a repository before (`generation`, `push_id`), newest first.
    pub async fn pushes_before(
        &self,
        repository: RepositoryId,
        before: (i64, u64),
        limit: i64,
    ) -> Result<Vec<PushRow>, StoreError> {
        let query = sqlx::query(OF_REPOSITORY).bind(repository.0).bind(before.0).bind(before.1.cast_signed()).bind(limit);
        self.with_changesets(query.fetch_all(self.readers()).await?).await
    }

    /// The newest pushes of all repositories by date.
    pub async fn newest_pushes(&self, limit: i64) -> Result<Vec<PushRow>, StoreError> {
        self.with_changesets(sqlx::query(NEWEST).bind(limit).fetch_all(self.readers()).await?).await
    }

    pub(super) async fn with_changesets(&self, pushes: Vec<AnyRow>) -> Result<Vec<PushRow>, StoreError> {
        let ids = pushes.iter().map(|row| Ok(row.try_get("id")?)).collect::<Result<Vec<i64>, StoreError>>()?;
        let mut changesets: HashMap<i64, Vec<PushedChangeset>> = HashMap::new();
        for row in self.rows_for(&CHANGESETS, Rows::of(ids.iter().map(|id| Cell::Number(*id)))).await? {
            changesets.entry(row.try_get("push")?).or_default().push(changeset_from(&row)?);
        }
        pushes.iter().zip(&ids).map(|(row, id)| push_from(row, changesets.remove(id).unwrap_or_default())).collect()
    }
}

fn push_from(row: &AnyRow, changesets: Vec<PushedChangeset>) -> Result<PushRow, StoreError> {
    let generation: i64 = row.try_get("generation")?;
    Ok(PushRow {
        repository: parsed(row, "name")?,
        url: row.try_get("url")?,
        generation,
        current: generation == row.try_get::<i64, _>("now_in")?,
        push_id: row.try_get::<i64, _>("push_id")?.cast_unsigned(),
        user: kept(row, "pusher")?,
        date: row.try_get("date")?,
        changesets,
    })
}

fn changeset_from(row: &AnyRow) -> Result<PushedChangeset, StoreError> {
    Ok(PushedChangeset {
        revision: parsed(row, "revision")?,
        known: row.try_get::<i64, _>("known")? == 1,
        obsolete: row.try_get::<i64, _>("obsolete")? == 1,
        author: kept(row, "author")?,
        description: kept(row, "description")?,
        branch: kept(row, "branch_name")?,
    })
}

/// Kept text from a column; nothing where the changeset is a placeholder.
pub(super) fn kept(row: &AnyRow, column: &str) -> Result<Kept, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    Ok(Kept::from_kept(text.unwrap_or_default()))
}
