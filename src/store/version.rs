//! Counts changes of what is read far more often than it changes, so that whoever read it before knows whether it still holds.

use super::database::{Change, Store, StoreError};
use sqlx::Row;

/// What is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Runs, which of them are active, and the names of trees.
    Results,
    /// Changesets and pushes.
    Recordings,
}

/// How often what there is has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    results: i64,
    recordings: i64,
}

const RAISE: &str = "update version set number = number + 1 where name = $1";
const ONE: &str = "select number from version where name = $1";
const BOTH: &str = "
    select (select number from version where name = 'results') as results,
           (select number from version where name = 'recordings') as recordings";

/// Says that something has changed. To be called last in a transaction, results before recordings: the row is one that all who
/// do so take turns at.
pub(super) async fn raise(change: &mut Change, of: Of) -> Result<(), StoreError> {
    sqlx::query(RAISE).bind(of.name()).execute(&mut *change.tx).await?;
    Ok(())
}

impl Store {
    /// Counts changes of the results: as long as it is the same, runs, what is active, and the names of trees are too.
    pub async fn results_version(&self) -> Result<i64, StoreError> {
        self.number(Of::Results).await
    }

    /// Counts recordings: as long as it is the same, pushes, their changesets and the files of these are too.
    pub(super) async fn recordings_version(&self) -> Result<i64, StoreError> {
        self.number(Of::Recordings).await
    }

    async fn number(&self, of: Of) -> Result<i64, StoreError> {
        Ok(sqlx::query(ONE).bind(of.name()).fetch_one(self.readers()).await?.try_get("number")?)
    }

    pub(super) async fn versions(&self) -> Result<Versions, StoreError> {
        let row = sqlx::query(BOTH).fetch_one(self.readers()).await?;
        Ok(Versions { results: row.try_get("results")?, recordings: row.try_get("recordings")? })
    }
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Of::Results => "results",
            Of::Recordings => "recordings",
        }
    }
}
