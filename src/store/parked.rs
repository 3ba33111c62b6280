//! Messages that could not be taken, kept with the reason until a person looks.

use super::database::{Change, Store, StoreError};
use super::repositories::time;
use crate::domain::{Kept, Message, RootUrl, hex};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A message to set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub message: Message,
    pub reason: String,
    /// When it is tried again by itself, if it is.
    pub next_try: Option<Timestamp>,
}

/// A message that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedRow {
    pub id: i64,
    pub message: Message,
    pub reason: String,
    /// How often the very same message came.
    pub times: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// When it is tried again by itself, if it is.
    pub next_try: Option<Timestamp>,
    /// How often it was tried again by itself.
    pub tries: i64,
}

const PARK: &str = "
    insert into parked (digest, exchange, routing_key, body, root, reason, due_at, first_at, last_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    on conflict (digest) do update
        set times = parked.times + 1, last_at = excluded.last_at, reason = excluded.reason, due_at = excluded.due_at";
const LIST: &str = "
    select id, exchange, routing_key, body, root, reason, times, first_at, last_at, due_at, tries from parked
    where id > $1 order by id limit cast($2 as bigint)";
const ONE: &str = "
    select id, exchange, routing_key, body, root, reason, times, first_at, last_at, due_at, tries from parked where id = $1";
const CLAIM: &str = "
    update parked set due_at = $2, tries = tries + 1
    where id = (select id from parked where due_at <= $1 order by due_at, id limit 1) and due_at <= $1
    returning id, exchange, routing_key, body, root, reason, times, first_at, last_at, due_at, tries";
const FAILED_AGAIN: &str = "update parked set reason = $1, due_at = $2, last_at = $3 where id = $4";
const DROP: &str = "delete from parked where id = $1";

impl Store {
    /// Parked messages by number, those after `after`.
    pub async fn parked(&self, after: i64, limit: i64) -> Result<Vec<ParkedRow>, StoreError> {
        let rows = sqlx::query(LIST).bind(after).bind(limit).fetch_all(self.readers()).await?;
        rows.iter().map(parked_from).collect()
    }

    /// The parked message of that number.
    pub async fn parked_one(&self, id: i64) -> Result<Option<ParkedRow>, StoreError> {
        let row = sqlx::query(ONE).bind(id).fetch_optional(self.readers()).await?;
        row.map(|row| parked_from(&row)).transpose()
    }

    /// Takes the parked message whose time has come; nobody else takes it before `until`.
    pub async fn claim_parked(&self, now: Timestamp, until: Timestamp) -> Result<Option<ParkedRow>, StoreError> {
        let query = sqlx::query(CLAIM).bind(now.as_microsecond()).bind(until.as_microsecond());
        query.fetch_optional(self.writers()).await?.map(|row| parked_from(&row)).transpose()
    }

    /// Notes that a parked message could not be taken again, why, and when it is tried next, if it is.
    pub async fn parked_again(&self, id: i64, reason: &str, next_try: Option<Timestamp>, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(FAILED_AGAIN)
            .bind(Kept::from(reason).as_str().to_owned())
            .bind(next_try.map(Timestamp::as_microsecond))
            .bind(now.as_microsecond())
            .bind(id)
            .execute(self.writers())
            .await?;
        Ok(())
    }

    /// Forgets a parked message; false when there is none.
    pub async fn drop_parked(&self, id: i64) -> Result<bool, StoreError> {
        Ok(sqlx::query(DROP).bind(id).execute(self.writers()).await?.rows_affected() == 1)
    }
}

/// Sets messages aside; one that comes again is counted.
pub(super) async fn park(change: &mut Change, parked: &[Parked], now: Timestamp) -> Result<(), StoreError> {
    for Parked { message, reason, next_try } in parked {
        sqlx::query(PARK)
            .bind(digest(message))
            .bind(Kept::from(message.exchange.as_str()).as_str().to_owned())
            .bind(Kept::from(message.routing_key.as_str()).as_str().to_owned())
            .bind(Kept::from_bytes(&message.body).as_str().to_owned())
            .bind(message.root.as_ref().map(ToString::to_string))
            .bind(Kept::from(reason.as_str()).as_str().to_owned())
            .bind(next_try.map(Timestamp::as_microsecond))
            .bind(now.as_microsecond())
            .execute(&mut *change.tx)
            .await?;
    }
    Ok(())
}

fn digest(message: &Message) -> String {
    let mut hash = Sha256::new();
    let root = message.root.as_ref().map(|root| root.as_str().as_bytes());
    for part in [message.exchange.as_bytes(), message.routing_key.as_bytes(), &message.body].into_iter().chain(root) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(hash.finalize())
}

fn parked_from(row: &AnyRow) -> Result<ParkedRow, StoreError> {
    let text = |column: &str| -> Result<String, StoreError> { Ok(row.try_get(column)?) };
    Ok(ParkedRow {
        id: row.try_get("id")?,
        message: Message {
            exchange: text("exchange")?,
            routing_key: text("routing_key")?,
            body: Kept::from_kept(text("body")?).to_bytes(),
            root: row.try_get::<Option<String>, _>("root")?.map(RootUrl::from_kept),
        },
        reason: text("reason")?,
        times: row.try_get("times")?,
        first_at: time(row, "first_at")?.unwrap_or_default(),
        last_at: time(row, "last_at")?.unwrap_or_default(),
        next_try: time(row, "due_at")?,
        tries: row.try_get("tries")?,
    })
}
