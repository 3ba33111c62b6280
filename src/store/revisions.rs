//! What people call changesets by: branches and beginnings of hashes, within what a repository holds.

use super::database::{Store, StoreError, parsed};
use crate::domain::{RepositoryId, RepositoryName, Revision};

/// How many candidates a beginning that does not decide has.
const CANDIDATES: i64 = 5;

const NEWEST_PUSHED: &str = "
    select changeset.revision
    from push
    join push_changeset on push_changeset.push = push.id
    join changeset on changeset.id = push_changeset.changeset
    join branch on branch.id = changeset.branch
    where push.repository = $1 and branch.name = $2
      and push.generation = (select generation from repository where id = $1)
    order by push.date desc, push.id desc, push_changeset.position desc
    limit 1";
const NEWEST_HELD: &str = "
    select changeset.revision
    from repository_changeset
    join changeset on changeset.id = repository_changeset.changeset
    join branch on branch.id = changeset.branch
    where repository_changeset.repository = $1 and branch.name = $2
    order by changeset.id desc
    limit 1";
const BEGINNING: &str = "
    select distinct changeset.revision
    from changeset
    join repository_changeset on repository_changeset.changeset = changeset.id
    join repository on repository.id = repository_changeset.repository
    where changeset.revision >= $1 and changeset.revision <= $2 and repository.clone = $3
    order by changeset.revision
    limit cast($4 as bigint)";

impl Store {
    /// The newest changeset on a branch of a repository: the last that was pushed there, or where nothing was pushed, the last
    /// that came with its clone.
    pub async fn newest_on_branch(&self, repository: RepositoryId, branch: &str) -> Result<Option<Revision>, StoreError> {
        for sql in [NEWEST_PUSHED, NEWEST_HELD] {
            let row = sqlx::query(sql).bind(repository.0).bind(branch.to_owned()).fetch_optional(self.readers()).await?;
            if let Some(row) = row {
                return parsed(&row, "revision").map(Some);
            }
        }
        Ok(None)
    }

    /// The first few changesets that begin with `prefix`, 1 to 64 hexadecimal digits in lower case, and that a repository with
    /// this clone holds.
    pub async fn held_beginning_with(&self, clone: &RepositoryName, prefix: &str) -> Result<Vec<Revision>, StoreError> {
        let query =
            sqlx::query(BEGINNING).bind(prefix.to_owned()).bind(format!("{prefix:f<64}")).bind(clone.to_string()).bind(CANDIDATES);
        query.fetch_all(self.readers()).await?.iter().map(|row| parsed(row, "revision")).collect()
    }
}
