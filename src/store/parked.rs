//! Messages that could not be taken, kept with the reason until a person looks.

use super::database::{Change, Store, StoreError};
use super::repositories::time;
use crate::domain::{Kept, Message};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A message to set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub message: Message,
    pub reason: String,
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
}

const PARK: &str = "
    insert into parked (digest, exchange, routing_key, body, reason, first_at, last_at) values ($1, $2, $3, $4, $5, $6, $6)
    on conflict (digest) do update set times = parked.times + 1, last_at = excluded.last_at, reason = excluded.reason";
const LIST: &str = "
    select id, exchange, routing_key, body, reason, times, first_at, last_at from parked
    where id > $1 order by id limit $2";
const ONE: &str = "select id, exchange, routing_key, body, reason, times, first_at, last_at from parked where id = $1";
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

    /// Forgets a parked message; false when there is none.
    pub async fn drop_parked(&self, id: i64) -> Result<bool, StoreError> {
        Ok(sqlx::query(DROP).bind(id).execute(self.writers()).await?.rows_affected() == 1)
    }
}

/// Sets messages aside; one that comes again is counted.
pub(super) async fn park(change: &mut Change, parked: &[Parked], now: Timestamp) -> Result<(), StoreError> {
    for Parked { message, reason } in parked {
        sqlx::query(PARK)
            .bind(digest(message))
            .bind(Kept::from(message.exchange.as_str()).as_str().to_owned())
            .bind(Kept::from(message.routing_key.as_str()).as_str().to_owned())
            .bind(Kept::from_bytes(&message.body).as_str().to_owned())
            .bind(Kept::from(reason.as_str()).as_str().to_owned())
            .bind(now.as_microsecond())
            .execute(&mut *change.tx)
            .await?;
    }
    Ok(())
}

fn digest(message: &Message) -> String {
    let mut hash = Sha256::new();
    for part in [message.exchange.as_bytes(), message.routing_key.as_bytes(), &message.body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parked_from(row: &AnyRow) -> Result<ParkedRow, StoreError> {
    let text = |column: &str| -> Result<String, StoreError> { Ok(row.try_get(column)?) };
    Ok(ParkedRow {
        id: row.try_get("id")?,
        message: Message {
            exchange: text("exchange")?,
            routing_key: text("routing_key")?,
            body: Kept::from_kept(text("body")?).to_bytes(),
        },
        reason: text("reason")?,
        times: row.try_get("times")?,
        first_at: time(row, "first_at")?.unwrap_or_default(),
        last_at: time(row, "last_at")?.unwrap_or_default(),
    })
}
