//! What the database holds of one repository, as plain data to hold against its clone; and mending.

use super::changesets::parent_from;
use super::database::{RowsSql, Step, Store, StoreError, parsed, rows_sql};
use super::pushes::kept;
use super::rows::Rows;
use super::version::{self, Of};
use crate::domain::{Kept, RepositoryId, Revision};
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};

/// A changeset as the database has it: only what could have been lost or mixed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptChangeset {
    pub parents: Vec<Revision>,
    pub files: BTreeSet<Kept>,
}

/// A push as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPush {
    pub id: u64,
    pub user: Kept,
    pub date: i64,
    /// In push order, obsolete ones too.
    pub changesets: Vec<Revision>,
}

const HELD: &str = "
    select changeset.revision from repository_changeset held join changeset on changeset.id = held.changeset
    where held.repository = $1 and held.generation >= $2 and changeset.revision <> $3";
const PARENTS: RowsSql = rows_sql!(
    "select value->>0 as revision, parent.revision as parent
     from " ROWS "
     join changeset on changeset.revision = value->>0
     join changeset_parent on changeset_parent.changeset = changeset.id
     join changeset parent on parent.id = changeset_parent.parent
     order by changeset.revision, changeset_parent.position");
const FILES: RowsSql = rows_sql!(
    "select value->>0 as revision, file.path
     from " ROWS "
     join changeset on changeset.revision = value->>0
     join changeset_file on changeset_file.changeset = changeset.id
     join file on file.id = changeset_file.file");
const PUSHES: &str = "
    select push.push_id, push.pusher, push.date, changeset.revision
    from push
    left join push_changeset on push_changeset.push = push.id
    left join changeset on changeset.id = push_changeset.changeset
    where push.repository = $1 and push.generation = $2
    order by push.push_id, push_changeset.position";
const PUSHED: RowsSql = rows_sql!(
    "select distinct changeset.revision
     from " ROWS "
     join changeset on changeset.revision = value->>0
     join push_changeset on push_changeset.changeset = changeset.id
     join push on push.id = push_changeset.push and push.repository = $2");
const FORGET: [&str; 2] = [
    "delete from changeset_parent where changeset in (select id from changeset where revision = $1)",
    "delete from changeset_file where changeset in (select id from changeset where revision = $1)",
];
const UNKNOW: &str = "update changeset set known = 0 where revision = $1";
const LET_GO: &str = "
    delete from repository_changeset where repository = $1 and changeset in (select id from changeset where revision = $2)";

const HOLDS_ANY: &str = "
    select repository_changeset.changeset from repository_changeset where repository = $1 and generation = $2 limit 1";
const LET_GO_OF_ALL: &str = "delete from repository_changeset where repository = $1 and generation > 0";
const FORGET_PUSH_CHANGESETS: &str = "
    delete from push_changeset where push in (
        select push.id from push join repository on repository.id = push.repository
        where push.repository = $1 and push.generation = repository.generation and push.push_id >= $2)";
const FORGET_PUSHES: &str = "
    delete from push where repository = $1 and push_id >= $2
       and generation = (select generation from repository where id = $1)";
const STEP_BACK: &str = "update repository set last_push = $2 - 1 where id = $1 and last_push >= $2";
const ONE_PUSH: &str = "
    select push.pusher, push.date, changeset.revision
    from push
    left join push_changeset on push_changeset.push = push.id
    left join changeset on changeset.id = push_changeset.changeset
    where push.repository = $1 and push.generation = $2 and push.push_id = $3
    order by push_changeset.position";

impl Store {
    /// Whether the repository holds anything at all in this generation.
    pub async fn holds_any(&self, repository: RepositoryId, generation: i64) -> Result<bool, StoreError> {
        Ok(sqlx::query(HOLDS_ANY).bind(repository.0).bind(generation).fetch_optional(self.readers()).await?.is_some())
    }

    /// One push, with its obsolete changesets too.
    pub async fn kept_push(&self, repository: RepositoryId, generation: i64, id: u64) -> Result<Option<KeptPush>, StoreError> {
        let mut kept_push: Option<KeptPush> = None;
        let query = sqlx::query(ONE_PUSH).bind(repository.0).bind(generation).bind(id.cast_signed());
        for row in query.fetch_all(self.readers()).await? {
            let (user, date) = (kept(&row, "pusher")?, row.try_get("date")?);
            let push = kept_push.get_or_insert(KeptPush { id, user, date, changesets: Vec::new() });
            push.changesets.extend(super::database::parsed_option::<Revision>(&row, "revision")?);
        }
        Ok(kept_push)
    }

    /// Takes all changesets from a repository, to be found anew: what is there is not sure to have its ancestors.
    pub async fn let_go_of_all(&self, repository: RepositoryId) -> Result<(), StoreError> {
        sqlx::query(LET_GO_OF_ALL).bind(repository.0).execute(self.writers()).await?;
        Ok(())
    }

    /// Forgets the pushes of the present generation from `first` on, to be read from the pushlog again.
    pub async fn read_pushes_again(&self, repository: RepositoryId, first: u64) -> Result<(), StoreError> {
        self.write(&(repository, first), |change, (repository, first)| -> Step<'_, ()> {
            Box::pin(async move {
                for sql in [FORGET_PUSH_CHANGESETS, FORGET_PUSHES, STEP_BACK] {
                    sqlx::query(sql).bind(repository.0).bind(first.cast_signed()).execute(&mut *change.tx).await?;
                }
                version::raise(change, Of::Recordings).await
            })
        })
        .await
    }

    /// All changesets that the repository holds.
    pub async fn held_by(&self, repository: RepositoryId, generation: i64) -> Result<BTreeSet<Revision>, StoreError> {
        let query = sqlx::query(HELD).bind(repository.0).bind(generation).bind(Revision::NULL.to_string());
        query.fetch_all(self.readers()).await?.iter().map(|row| parsed(row, "revision")).collect()
    }

    /// Those of the changesets that a push to this repository brought, whatever became of them.
    pub async fn those_pushed(&self, repository: RepositoryId, revisions: &[Revision]) -> Result<BTreeSet<Revision>, StoreError> {
        let query = sqlx::query(self.text(&PUSHED)).bind(Rows::of_revisions(revisions)).bind(repository.0);
        query.fetch_all(self.readers()).await?.iter().map(|row| parsed(row, "revision")).collect()
    }

    /// Parents and files of changesets.
    pub async fn kept_changesets(&self, revisions: &[Revision]) -> Result<BTreeMap<Revision, KeptChangeset>, StoreError> {
        let rows = || Rows::of_revisions(revisions);
        let mut kept_changesets: BTreeMap<Revision, KeptChangeset> = BTreeMap::new();
        for row in self.rows_for(&PARENTS, rows()).await? {
            let changeset = kept_changesets.entry(parsed(&row, "revision")?).or_default();
            changeset.parents.extend(parent_from(&row)?);
        }
        for row in self.rows_for(&FILES, rows()).await? {
            kept_changesets.entry(parsed(&row, "revision")?).or_default().files.insert(kept(&row, "path")?);
        }
        Ok(kept_changesets)
    }

    /// All pushes of a generation.
    pub async fn kept_pushes(&self, repository: RepositoryId, generation: i64) -> Result<BTreeMap<u64, KeptPush>, StoreError> {
        let mut pushes: BTreeMap<u64, KeptPush> = BTreeMap::new();
        for row in sqlx::query(PUSHES).bind(repository.0).bind(generation).fetch_all(self.readers()).await? {
            let id = row.try_get::<i64, _>("push_id")?.cast_unsigned();
            let (user, date) = (kept(&row, "pusher")?, row.try_get("date")?);
            let push = pushes.entry(id).or_insert(KeptPush { id, user, date, changesets: Vec::new() });
            push.changesets.extend(super::database::parsed_option::<Revision>(&row, "revision")?);
        }
        Ok(pushes)
    }

    /// Turns changesets back into placeholders, so that recording them again fills in everything anew.
    pub async fn unknow(&self, revisions: &[Revision]) -> Result<(), StoreError> {
        self.write(&revisions, |change, revisions| -> Step<'_, ()> {
            Box::pin(async move {
                for revision in *revisions {
                    for sql in FORGET.into_iter().chain([UNKNOW]) {
                        sqlx::query(sql).bind(revision.to_string()).execute(&mut *change.tx).await?;
                    }
                }
                version::raise(change, Of::Recordings).await
            })
        })
        .await
    }

    /// Takes changesets from a repository that does not hold them; the changesets stay.
    pub async fn let_go(&self, repository: RepositoryId, revisions: &[Revision]) -> Result<(), StoreError> {
        self.write(&(repository, revisions), |change, (repository, revisions)| -> Step<'_, ()> {
            Box::pin(async move {
                for revision in *revisions {
                    sqlx::query(LET_GO).bind(repository.0).bind(revision.to_string()).execute(&mut *change.tx).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
