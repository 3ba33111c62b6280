//! Figures about everything.

use super::database::{Kind, Store, StoreError, parsed};
use super::repositories::time;
use super::version::Versions;
use crate::domain::{RepositoryName, RootUrl};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::sync::PoisonError;

/// How many messages of a kind came to an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageCount {
    pub exchange: String,
    pub kind: String,
    pub outcome: String,
    pub count: i64,
    /// When the last of them was taken.
    pub last: Option<Timestamp>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub repositories: i64,
    pub pushes: i64,
    pub changesets: i64,
    pub parked: i64,
    pub behind: i64,
    pub failing: i64,
    pub runs: i64,
    /// Changesets that something names and nobody has shown yet.
    pub awaited: i64,
    /// Repositories whose host does not show yet what was announced.
    pub waiting: i64,
    /// Since when that news waits which waits longest, of repositories that do not fail.
    pub oldest_wish: Option<Timestamp>,
}

/// How much there was as long as these versions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    versions: Versions,
    pushes: i64,
    changesets: i64,
    runs: i64,
}

/// A repository that a worker has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InHand {
    pub repository: RepositoryName,
    /// What the worker calls itself.
    pub worker: String,
    pub since: Option<Timestamp>,
    /// Until when the others leave it alone.
    pub until: Timestamp,
}

/// How much a Taskcluster deployment has given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentCount {
    pub root: RootUrl,
    /// Runs of tasks whose results are recorded.
    pub results: i64,
    /// When the newest of them ended, by the deployment's own clock.
    pub newest: Option<Timestamp>,
    /// Messages of it that are set aside.
    pub parked: i64,
}

const MESSAGES: &str = "select exchange, kind, outcome, count, last_at from message_count order by exchange, kind, outcome";
const TOTALS: &str = "
    select (select count(*) from repository) as repositories,
           (select count(*) from parked) as parked,
           (select count(*) from repository where archived = 0 and announced_push > last_push) as behind,
           (select count(*) from repository where archived = 0 and error_class is not null and error_class <> 'lag') as failing,
           (select count(*) from repository where archived = 0 and error_class = 'lag') as waiting,
           (select min(wished_at) from repository where archived = 0 and due_at is not null and error_class is null) as oldest_wish,
           (select count(*) from changeset where known = 0) as awaited";
const MANY: &str = "
    select (select count(*) from push) as pushes,
           (select count(*) from changeset where known = 1) - 1 as changesets,
           (select count(*) from run) as runs";
const DEPLOYMENTS: &str = "
    select seen.root, count(task_result.id) as results, max(task_result.resolved_at) as newest,
           (select count(*) from parked where parked.root = seen.root) as parked
    from (select root from task_result union select root from parked where root is not null) seen
    left join task_result on task_result.root = seen.root
    group by seen.root
    order by seen.root";

const IN_HAND: &str = "
    select name, lease_holder, lease_since, lease_until from repository
    where lease_holder is not null and lease_until > $1 order by lease_since, lease_until";
const SIZE_OF_SQLITE: &str = "select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()";
const SIZE_OF_POSTGRES: &str = "select pg_database_size(current_database()) as bytes";

impl Store {
    /// The repositories that workers have in hand, the longest held first.
    pub async fn in_hand(&self, now: Timestamp) -> Result<Vec<InHand>, StoreError> {
        let rows = sqlx::query(IN_HAND).bind(now.as_microsecond()).fetch_all(self.readers()).await?;
        let in_hand = |row: &AnyRow| -> Result<InHand, StoreError> {
            Ok(InHand {
                repository: parsed(row, "name")?,
                worker: row.try_get("lease_holder")?,
                since: time(row, "lease_since")?,
                until: time(row, "lease_until")?.unwrap_or_default(),
            })
        };
        rows.iter().map(in_hand).collect()
    }

    /// How many bytes the database takes on its disk.
    pub async fn size(&self) -> Result<i64, StoreError> {
        let sql = match self.kind() {
            Kind::Sqlite => SIZE_OF_SQLITE,
            Kind::Postgres => SIZE_OF_POSTGRES,
        };
        Ok(sqlx::query(sql).fetch_one(self.readers()).await?.try_get("bytes")?)
    }

    /// What became of all messages so far.
    pub async fn message_counts(&self) -> Result<Vec<MessageCount>, StoreError> {
        let rows = sqlx::query(MESSAGES).fetch_all(self.readers()).await?;
        let count = |row: &AnyRow| -> Result<MessageCount, StoreError> {
            Ok(MessageCount {
                exchange: row.try_get("exchange")?,
                kind: row.try_get("kind")?,
                outcome: row.try_get("outcome")?,
                count: row.try_get("count")?,
                last: time(row, "last_at")?,
            })
        };
        rows.iter().map(count).collect()
    }

    /// How much there is; the null changeset is not counted.
    pub async fn totals(&self) -> Result<Totals, StoreError> {
        let Counted { pushes, changesets, runs, .. } = self.many().await?;
        let row = sqlx::query(TOTALS).fetch_one(self.readers()).await?;
        Ok(Totals {
            repositories: row.try_get("repositories")?,
            pushes,
            changesets,
            parked: row.try_get("parked")?,
            behind: row.try_get("behind")?,
            failing: row.try_get("failing")?,
            runs,
            awaited: row.try_get("awaited")?,
            waiting: row.try_get("waiting")?,
            oldest_wish: time(&row, "oldest_wish")?,
        })
    }

    /// Counts what there is a lot of, unless nothing has changed since that was done. The versions are read before, so that what
    /// changes meanwhile is counted again.
    async fn many(&self) -> Result<Counted, StoreError> {
        let versions = self.versions().await?;
        let counted = *self.counted().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = counted.filter(|counted| counted.versions == versions) {
            return Ok(counted);
        }
        let row = sqlx::query(MANY).fetch_one(self.readers()).await?;
        let (pushes, changesets, runs) = (row.try_get("pushes")?, row.try_get("changesets")?, row.try_get("runs")?);
        let counted = Counted { versions, pushes, changesets, runs };
        *self.counted().lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
        Ok(counted)
    }

    /// What came from each deployment so far.
    pub async fn deployment_counts(&self) -> Result<Vec<DeploymentCount>, StoreError> {
        let rows = sqlx::query(DEPLOYMENTS).fetch_all(self.readers()).await?;
        let count = |row: &AnyRow| -> Result<DeploymentCount, StoreError> {
            Ok(DeploymentCount {
                root: RootUrl::from_kept(row.try_get("root")?),
                results: row.try_get("results")?,
                newest: time(row, "newest")?,
                parked: row.try_get("parked")?,
            })
        };
        rows.iter().map(count).collect()
    }
}
