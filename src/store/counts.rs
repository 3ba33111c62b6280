//! Figures about everything.

use super::database::{Store, StoreError};
use sqlx::Row;

/// How many messages of a kind came to an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageCount {
    pub exchange: String,
    pub kind: String,
    pub outcome: String,
    pub count: i64,
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
}

const MESSAGES: &str = "select exchange, kind, outcome, count from message_count order by exchange, kind, outcome";
const TOTALS: &str = "
    select (select count(*) from repository) as repositories,
           (select count(*) from push) as pushes,
           (select count(*) from changeset where known = 1) - 1 as changesets,
           (select count(*) from parked) as parked,
           (select count(*) from repository where archived = 0 and announced_push > last_push) as behind,
           (select count(*) from repository where archived = 0 and error_class is not null and error_class <> 'lag') as failing";

impl Store {
    /// What became of all messages so far.
    pub async fn message_counts(&self) -> Result<Vec<MessageCount>, StoreError> {
        let rows = sqlx::query(MESSAGES).fetch_all(self.readers()).await?;
        let count = |row: &sqlx::any::AnyRow| -> Result<MessageCount, StoreError> {
            Ok(MessageCount {
                exchange: row.try_get("exchange")?,
                kind: row.try_get("kind")?,
                outcome: row.try_get("outcome")?,
                count: row.try_get("count")?,
            })
        };
        rows.iter().map(count).collect()
    }

    /// How much there is; the null changeset is not counted.
    pub async fn totals(&self) -> Result<Totals, StoreError> {
        let row = sqlx::query(TOTALS).fetch_one(self.readers()).await?;
        Ok(Totals {
            repositories: row.try_get("repositories")?,
            pushes: row.try_get("pushes")?,
            changesets: row.try_get("changesets")?,
            parked: row.try_get("parked")?,
            behind: row.try_get("behind")?,
            failing: row.try_get("failing")?,
        })
    }
}
