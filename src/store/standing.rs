//! What a repository holds already, asked before anything is read from its clone.

use super::database::{RowsSql, Store, StoreError, parsed, rows_sql};
use super::rows::Rows;
use crate::domain::{RepositoryId, Revision};
use sqlx::Row;
use std::collections::HashMap;

/// How the store stands to a changeset, seen from one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not there, or as a placeholder.
    Unknown,
    /// There with all that belongs to it, through another repository.
    Known,
    /// This repository holds it, and so all its ancestors.
    Held,
}

const STANDING: RowsSql = rows_sql!(
    "select r.value->>0 as revision, changeset.known, held.generation
     from " ROWS "
     join changeset on changeset.revision = r.value->>0
     left join repository_changeset held on held.changeset = changeset.id and held.repository = $2");
const PROMISED: &str = "
    select distinct changeset.revision
    from changeset
    join push_changeset on push_changeset.changeset = changeset.id
    join push on push.id = push_changeset.push
    where changeset.known = 0 and push.repository = $1 and push.generation = $2";

impl Store {
    /// How the store stands to each of `revisions`, in their order.
    pub async fn standing(
        &self,
        repository: RepositoryId,
        generation: i64,
        revisions: &[Revision],
    ) -> Result<Vec<Standing>, StoreError> {
        let rows = Rows::of_revisions(revisions);
        let query = sqlx::query(self.text(&STANDING)).bind(rows).bind(repository.0);
        let mut standing: HashMap<Revision, Standing> = HashMap::with_capacity(revisions.len());
        for row in query.fetch_all(self.readers()).await? {
            let known: i64 = row.try_get("known")?;
            standing.insert(parsed(&row, "revision")?, standing_of(known == 1, row.try_get("generation")?, generation));
        }
        Ok(revisions.iter().map(|revision| standing.get(revision).copied().unwrap_or(Standing::Unknown)).collect())
    }

    /// Changesets that a push of the repository names and nobody has seen yet.
    pub async fn promised(&self, repository: RepositoryId, generation: i64) -> Result<Vec<Revision>, StoreError> {
        let rows = sqlx::query(PROMISED).bind(repository.0).bind(generation).fetch_all(self.readers()).await?;
        rows.iter().map(|row| parsed(row, "revision")).collect()
    }
}

fn standing_of(known: bool, held: Option<i64>, generation: i64) -> Standing {
    match held {
        _ if !known => Standing::Unknown,
        Some(held) if held >= generation => Standing::Held,
        _ => Standing::Known,
    }
}
