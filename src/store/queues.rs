//! How long the queues at the broker are, as workers were told.

use super::database::{Store, StoreError};
use super::repositories::time;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

/// What the broker said about a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    pub vhost: String,
    pub name: String,
    /// How many messages wait that nobody has in hand.
    pub messages: i64,
    pub asked: Timestamp,
}

const NOTE: &str = "
    insert into queue_depth (vhost, name, messages, asked_at) values ($1, $2, $3, $4)
    on conflict (vhost, name) do update set messages = excluded.messages, asked_at = excluded.asked_at
    where queue_depth.asked_at <= excluded.asked_at";
const LIST: &str = "select vhost, name, messages, asked_at from queue_depth order by vhost, name";

impl Store {
    /// Notes what the broker said, unless something newer is noted.
    pub async fn note_queue_depth(&self, depth: &QueueDepth) -> Result<(), StoreError> {
        sqlx::query(NOTE)
            .bind(depth.vhost.clone())
            .bind(depth.name.clone())
            .bind(depth.messages)
            .bind(depth.asked.as_microsecond())
            .execute(self.writers())
            .await?;
        Ok(())
    }

    /// What the broker said last about each queue, however long ago.
    pub async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        let rows = sqlx::query(LIST).fetch_all(self.readers()).await?;
        let depth = |row: &AnyRow| -> Result<QueueDepth, StoreError> {
            Ok(QueueDepth {
                vhost: row.try_get("vhost")?,
                name: row.try_get("name")?,
                messages: row.try_get("messages")?,
                asked: time(row, "asked_at")?.unwrap_or_default(),
            })
        };
        rows.iter().map(depth).collect()
    }
}
