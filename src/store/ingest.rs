//! Writes down what a batch of messages asks for, and counts it, in one transaction.

use super::database::{Change, RowsSql, Step, Store, StoreError, rows_sql};
use super::obsolescence::{self, Marking};
use super::parked::{self, Parked};
use super::repositories;
use super::rows::{Cell, Rows};
use super::{events, notices};
use crate::domain::{Marker, NewRepository, Notice, RepositoryId, RepositoryUrl};
use jiff::Timestamp;
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};

/// How many messages, by exchange, kind and outcome.
type Outcomes = BTreeMap<(String, String, String), u64>;

/// What a batch of messages comes to.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The highest push announced for each repository.
    pub pushes: BTreeMap<RepositoryId, u64>,
    /// Repositories to be looked at, no push named.
    pub looks: BTreeSet<RepositoryId>,
    /// Repositories to follow from now on.
    pub follows: Vec<Following>,
    pub markings: Vec<Marking>,
    /// Branches that moved.
    pub notices: Vec<(RepositoryId, Notice)>,
    /// Numbers by which hosts know repositories.
    pub numbers: BTreeMap<RepositoryId, i64>,
    /// URLs by which hosts call repositories that are followed at others.
    pub urls: Vec<(RepositoryId, RepositoryUrl)>,
    pub parked: Vec<Parked>,
    pub counts: Outcomes,
    /// The trace in which a repository's wish was made.
    pub traces: BTreeMap<RepositoryId, String>,
}

impl Batch {
    fn trace(&self, repository: RepositoryId) -> Cell<'_> {
        self.traces.get(&repository).map_or(Cell::Nothing, |trace| Cell::Text(trace))
    }
}

/// A repository to follow from now on, and what the message that named it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    pub repository: NewRepository,
    /// The highest push announced.
    pub upto: Option<u64>,
    pub markers: Vec<Marker>,
}

/// What writing a batch down did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Repositories that became due.
    pub wishes: u64,
}

const NOTE_PUSHES: RowsSql = rows_sql!(
    "update repository
     set announced_push = wish.upto, due_at = $2, priority = 0,
         wished_at = case when due_at is null then $2 else coalesce(wished_at, $2) end,
         wish_trace = case when due_at is null or wished_at is null then wish.trace else wish_trace end
     from (select cast(value->>0 as bigint) as id, cast(value->>1 as bigint) as upto, value->>2 as trace from " ROWS ") as wish
     where repository.id = wish.id and repository.announced_push < wish.upto and repository.last_push < wish.upto");
const NOTE_LOOKS: RowsSql = rows_sql!(
    "update repository
     set wishes = wishes + 1, due_at = $2, priority = 0,
         wished_at = case when due_at is null then $2 else coalesce(wished_at, $2) end,
         wish_trace = case when due_at is null or wished_at is null then wish.trace else wish_trace end
     from (select cast(value->>0 as bigint) as id, value->>1 as trace from " ROWS ") as wish
     where repository.id = wish.id");
const ANNOUNCE_BY_NAME: &str = "
    update repository
    set announced_push = $1, due_at = $2, priority = 0,
        wished_at = case when due_at is null then $2 else coalesce(wished_at, $2) end, wish_trace = null
    where name = $3 and announced_push < $1 and last_push < $1";
const ID_OF: &str = "select id from repository where name = $1";
const COUNT: RowsSql = rows_sql!(
    "insert into message_count (exchange, kind, outcome, count, last_at)
     select value->>0, value->>1, value->>2, cast(value->>3 as bigint), cast(value->>4 as bigint) from " ROWS " where true
     on conflict (exchange, kind, outcome)
        do update set count = message_count.count + excluded.count, last_at = excluded.last_at");

impl Store {
    /// Writes a batch down, all or none. Two batches in any order come to the same, but for the counts.
    pub async fn note(&self, batch: &Batch, now: Timestamp) -> Result<Noted, StoreError> {
        self.write(&(batch, now), |change, (batch, now)| -> Step<'_, Noted> { Box::pin(note(change, batch, *now)) }).await
    }

    /// Counts one message of an exchange by what became of it.
    pub async fn count_message(&self, exchange: &str, kind: &str, outcome: &str, now: Timestamp) -> Result<(), StoreError> {
        let counts = Outcomes::from([((exchange.to_owned(), kind.to_owned(), outcome.to_owned()), 1)]);
        self.write(&(counts, now), |change, (counts, now)| -> Step<'_, ()> { Box::pin(count(change, counts, *now)) }).await
    }
}

async fn note(change: &mut Change, batch: &Batch, now: Timestamp) -> Result<Noted, StoreError> {
    let mut wishes = 0;
    let mut markings = batch.markings.clone();
    for following in &batch.follows {
        let repository = follow(change, following, now).await?;
        wishes += 1;
        if !following.markers.is_empty() {
            markings.push(Marking { repository, markers: following.markers.clone() });
        }
    }
    let pushes = batch.pushes.iter().map(|(id, upto)| [Cell::Number(id.0), Cell::Number(upto.cast_signed()), batch.trace(*id)]);
    wishes += wish(change, &NOTE_PUSHES, pushes, now).await?;
    let marked = markings.iter().map(|marking| marking.repository);
    let moved = notices::note(change, &batch.notices, now).await?;
    events::note_urls(change, &batch.urls, now).await?;
    notices::number(change, &batch.numbers).await?;
    let looks: BTreeSet<RepositoryId> = batch.looks.iter().copied().chain(marked).chain(moved).collect();
    wishes += wish(change, &NOTE_LOOKS, looks.iter().map(|id| [Cell::Number(id.0), batch.trace(*id)]), now).await?;
    obsolescence::mark(change, &markings).await?;
    parked::park(change, &batch.parked, now).await?;
    count(change, &batch.counts, now).await?;
    Ok(Noted { wishes })
}

async fn follow(change: &mut Change, following: &Following, now: Timestamp) -> Result<RepositoryId, StoreError> {
    let Following { repository, upto, .. } = following;
    repositories::add(change, repository, now).await?;
    if let Some(upto) = upto {
        sqlx::query(ANNOUNCE_BY_NAME)
            .bind(upto.cast_signed())
            .bind(now.as_microsecond())
            .bind(repository.name.to_string())
            .execute(&mut *change.tx)
            .await?;
    }
    let row = sqlx::query(ID_OF).bind(repository.name.to_string()).fetch_one(&mut *change.tx).await?;
    Ok(RepositoryId(row.try_get("id")?))
}

async fn wish<'a, const N: usize>(
    change: &mut Change,
    sql: &RowsSql,
    wishes: impl Iterator<Item = [Cell<'a>; N]>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut rows = Rows::new();
    wishes.for_each(|wish| rows.add(wish));
    if rows.is_empty() {
        return Ok(0);
    }
    let statement = sqlx::query(change.text(sql)).bind(rows.done()).bind(now.as_microsecond());
    Ok(statement.execute(&mut *change.tx).await?.rows_affected())
}

async fn count(change: &mut Change, counts: &Outcomes, now: Timestamp) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for ((exchange, kind, outcome), count) in counts {
        let numbers = [count.cast_signed(), now.as_microsecond()].map(Cell::Number);
        rows.add([exchange, kind, outcome].map(|text| Cell::Text(text)).into_iter().chain(numbers));
    }
    change.run_unless_empty(&COUNT, rows).await
}
