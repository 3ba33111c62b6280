//! What was kept long enough: counted, or forgotten. Nothing that anybody still waits for is among it.

use super::database::{Store, StoreError};
use super::notices::has_push_sql;
use crate::domain::{Retention, kept_since};
use jiff::Timestamp;
use std::time::Duration;

/// How many rows were kept long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outdated {
    pub parked: u64,
    pub events: u64,
    pub notices: u64,
}

/// The rows of one kind that were written before `$1`: counted, and deleted.
struct Rows {
    count: &'static str,
    delete: &'static str,
}

macro_rules! rows {
    ($($from:expr),+) => {
        Rows { count: concat!("select count(*) ", $($from),+), delete: concat!("delete ", $($from),+) }
    };
}

const PARKED: Rows = rows!("from parked where last_at < $1 and due_at is null");
const EVENTS: Rows = rows!("from repository_event where at < $1");
/// A notice may be ahead of its host. It is of no use any more once its push is recorded, or everything that the host had a day later:
/// `sync` believes the host by then.
const NOTICES: Rows = rows!(
    "from notice where taken_at < $1 and (",
    has_push_sql!(),
    " or exists (
        select 1 from repository
        where repository.id = notice.repository
          and (repository.archived = 1 or repository.checked_at > notice.taken_at + 86400000000)))"
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Count,
    Delete,
}

impl Store {
    /// Counts what was kept long enough.
    pub async fn outdated(&self, retention: &Retention, now: Timestamp) -> Result<Outdated, StoreError> {
        self.each_kind(What::Count, retention, now).await
    }

    /// Forgets what was kept long enough; of two who do so at once, each row is counted by one.
    pub async fn forget_outdated(&self, retention: &Retention, now: Timestamp) -> Result<Outdated, StoreError> {
        self.each_kind(What::Delete, retention, now).await
    }

    async fn each_kind(&self, what: What, retention: &Retention, now: Timestamp) -> Result<Outdated, StoreError> {
        Ok(Outdated {
            parked: self.one_kind(what, &PARKED, retention.parked, now).await?,
            events: self.one_kind(what, &EVENTS, retention.events, now).await?,
            notices: self.one_kind(what, &NOTICES, retention.notices, now).await?,
        })
    }

    async fn one_kind(&self, what: What, rows: &Rows, kept: Option<Duration>, now: Timestamp) -> Result<u64, StoreError> {
        let Some(since) = kept_since(kept, now).map(Timestamp::as_microsecond) else {
            return Ok(0);
        };
        if what == What::Delete {
            return Ok(sqlx::query(rows.delete).bind(since).execute(self.writers()).await?.rows_affected());
        }
        let count: i64 = sqlx::query_scalar(rows.count).bind(since).fetch_one(self.readers()).await?;
        Ok(count.unsigned_abs())
    }
}
