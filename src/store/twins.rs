//! One change in Mercurial and in git: which changesets and commits are twins, as a pushlog says it.
//!
//! A commit is named only, so that it does not matter which of both is recorded first, or whether the other ever is. What is known
//! is never taken back.

use super::database::{Change, RowsSql, Step, Store, StoreError, parsed, rows_sql};
use super::rows::{Cell, Rows};
use crate::domain::{RepositoryName, Revision, Twins, Vcs};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// The same change as another changeset, on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinRow {
    pub revision: Revision,
    /// Which side it is on.
    pub vcs: Vcs,
    /// Somebody has shown it.
    pub known: bool,
    /// Who holds it: each with its URL.
    pub repositories: Vec<(RepositoryName, String)>,
}

/// So many are shown; one is what a host says, if it does not mock.
const MOST: i64 = 10;

const ADD: RowsSql = rows_sql!(
    "insert into twin (changeset, revision)
     select cast(value->>0 as bigint), value->>1 from " ROWS " where true
     on conflict do nothing");
const UNKNOWN: RowsSql = rows_sql!(
    "select changeset.id, value->>0 as changeset, value->>1 as revision
     from " ROWS "
     join changeset on changeset.revision = value->>0
     where not exists (select 1 from twin where twin.changeset = changeset.id and twin.revision = value->>1)");
const OF_CHANGESET: &str = "
    select twin.revision, 'git' as vcs, other.id, other.known
    from twin left join changeset other on other.revision = twin.revision
    where twin.changeset = $1
    union all
    select other.revision, 'hg' as vcs, other.id, other.known
    from twin join changeset other on other.id = twin.changeset
    where twin.revision = $2
    limit cast($3 as bigint)";
const HOLDERS: &str = "
    select repository.name, repository.url
    from repository_changeset join repository on repository.id = repository_changeset.repository
    where repository_changeset.changeset = $1
    order by repository.name";

impl Store {
    /// Those of these twins that are not written down, of changesets that are.
    pub async fn unknown_twins(&self, twins: &[Twins]) -> Result<Vec<Twins>, StoreError> {
        let rows = self.rows_for(&UNKNOWN, rows_of(twins)).await?;
        rows.iter().map(|row| Ok(Twins { changeset: parsed(row, "changeset")?, commit: parsed(row, "revision")? })).collect()
    }

    /// Writes down twins of changesets that are recorded.
    pub async fn record_twins(&self, twins: &[Twins]) -> Result<(), StoreError> {
        if twins.is_empty() {
            return Ok(());
        }
        self.write(&twins, |change, twins| -> Step<'_, ()> {
            Box::pin(async move {
                let mut ids = HashMap::new();
                for row in change.fetch(&UNKNOWN, rows_of(twins)).await? {
                    ids.insert(parsed(&row, "changeset")?, row.try_get("id")?);
                }
                add(change, twins.iter(), &ids).await
            })
        })
        .await
    }

    /// The twins of a changeset, given its number.
    pub(super) async fn twins_of(&self, id: i64, revision: Revision) -> Result<Vec<TwinRow>, StoreError> {
        let query = sqlx::query(OF_CHANGESET).bind(id).bind(revision.to_string()).bind(MOST);
        let mut twins = Vec::new();
        for row in query.fetch_all(self.readers()).await? {
            let repositories = match row.try_get::<Option<i64>, _>("id")? {
                Some(id) => self.holders(id).await?,
                None => Vec::new(),
            };
            twins.push(TwinRow { repositories, ..twin_from(&row)? });
        }
        Ok(twins)
    }

    async fn holders(&self, changeset: i64) -> Result<Vec<(RepositoryName, String)>, StoreError> {
        let rows = sqlx::query(HOLDERS).bind(changeset).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((parsed(row, "name")?, row.try_get("url")?))).collect()
    }
}

/// Writes down those twins whose changesets have numbers.
pub(super) async fn add<'a>(
    change: &mut Change,
    twins: impl Iterator<Item = &'a Twins>,
    ids: &HashMap<Revision, i64>,
) -> Result<(), StoreError> {
    let mut numbered: Vec<(i64, Revision)> = twins.filter_map(|twins| Some((*ids.get(&twins.changeset)?, twins.commit))).collect();
    numbered.sort_unstable();
    let mut rows = Rows::new();
    numbered.into_iter().for_each(|(id, commit)| rows.add([Cell::Number(id), Cell::Plain(commit.to_string())]));
    change.run_unless_empty(&ADD, rows).await
}

fn rows_of(twins: &[Twins]) -> String {
    let mut rows = Rows::new();
    twins.iter().for_each(|twins| rows.add([twins.changeset, twins.commit].map(|revision| Cell::Plain(revision.to_string()))));
    rows.done()
}

fn twin_from(row: &AnyRow) -> Result<TwinRow, StoreError> {
    let known = row.try_get::<Option<i64>, _>("known")? == Some(1);
    Ok(TwinRow { revision: parsed(row, "revision")?, vcs: parsed(row, "vcs")?, known, repositories: Vec::new() })
}
