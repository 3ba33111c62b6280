//! Keys by which queues of ours may be bound, so that those which nobody needs any more can be taken away.

use super::database::{RowsSql, Step, Store, StoreError, rows_sql};
use super::rows::{Cell, Rows};
use crate::domain::{RepositoryUrl, Vcs};
use sqlx::Row;
use std::collections::BTreeSet;

/// A queue of ours at a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueName {
    pub vhost: String,
    pub name: String,
}

const FOLLOWED: &str = "
    select repository.url
    from repository left join forest on forest.id = repository.forest
    where repository.vcs = $1 and repository.host = $2 and repository.archived = 0 and coalesce(forest.archived, 0) = 0";
const NOTE: RowsSql = rows_sql!(
    "insert into queue_binding (vhost, name, key)
     select value->>0, value->>1, value->>2 from " ROWS " where true
     on conflict do nothing");
const OF_QUEUE: &str = "select key from queue_binding where vhost = $1 and name = $2";
const FORGET: RowsSql = rows_sql!(
    "delete from queue_binding
     where exists (select 1 from " ROWS "
                   where value->>0 = queue_binding.vhost and value->>1 = queue_binding.name and value->>2 = queue_binding.key)");

impl Store {
    /// Where the repositories of git at a host are that are followed.
    pub async fn followed_at(&self, host: &str) -> Result<Vec<RepositoryUrl>, StoreError> {
        let query = sqlx::query(FOLLOWED).bind(Vcs::Git.name()).bind(host.to_owned());
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok(RepositoryUrl::from_kept(row.try_get("url")?))).collect()
    }

    /// Notes keys by which a queue is about to be bound.
    pub async fn note_bindings(&self, queue: &QueueName, keys: &BTreeSet<String>) -> Result<(), StoreError> {
        self.change_bindings(&NOTE, queue, keys).await
    }

    /// The keys by which a queue may be bound.
    pub async fn bindings(&self, queue: &QueueName) -> Result<BTreeSet<String>, StoreError> {
        let query = sqlx::query(OF_QUEUE).bind(queue.vhost.clone()).bind(queue.name.clone());
        query.fetch_all(self.readers()).await?.iter().map(|row| Ok(row.try_get("key")?)).collect()
    }

    /// Forgets keys by which a queue is not bound any more.
    pub async fn forget_bindings(&self, queue: &QueueName, keys: &BTreeSet<String>) -> Result<(), StoreError> {
        self.change_bindings(&FORGET, queue, keys).await
    }

    async fn change_bindings(&self, sql: &'static RowsSql, queue: &QueueName, keys: &BTreeSet<String>) -> Result<(), StoreError> {
        let input = (sql, queue, keys);
        self.write(&input, |change, (sql, queue, keys)| -> Step<'_, ()> {
            Box::pin(async move {
                let mut rows = Rows::new();
                keys.iter().for_each(|key| rows.add([&queue.vhost, &queue.name, key].map(|text| Cell::Text(text))));
                change.run_unless_empty(sql, rows).await
            })
        })
        .await
    }
}
