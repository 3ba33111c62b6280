//! Where else the changes of a push came: as pushes of Mercurial if it is of git, and the other way round.

use super::database::{RowsSql, Store, StoreError, parsed, rows_sql};
use super::pushes::PushRow;
use super::rows::{Cell, Rows};
use crate::domain::{RepositoryName, Vcs};
use sqlx::Row;

/// A push by which changes came on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushElsewhere {
    pub repository: RepositoryName,
    pub vcs: Vcs,
    pub generation: i64,
    pub push_id: u64,
}

/// So many are named of each push.
const MOST: usize = 10;

/// Pushes that brought the changesets of which these are commits. Where nothing came both ways, nothing is looked up.
const OF_COMMITS: RowsSql = rows_sql!(
    "select distinct cast(value->>0 as bigint) as place, repository.name, repository.vcs, push.generation, push.push_id
     from " ROWS "
     cross join twin
     cross join push_changeset
     cross join push
     cross join repository
     where (select 1 from twin limit 1) = 1
       and twin.revision = value->>1 and push_changeset.changeset = twin.changeset
       and push.id = push_changeset.push and repository.id = push.repository
     order by repository.name, push.generation, push.push_id");
/// Pushes that brought the commits that these changesets are.
const OF_CHANGESETS: RowsSql = rows_sql!(
    "select distinct cast(value->>0 as bigint) as place, repository.name, repository.vcs, push.generation, push.push_id
     from " ROWS "
     cross join changeset own
     cross join twin
     cross join changeset there
     cross join push_changeset
     cross join push
     cross join repository
     where (select 1 from twin limit 1) = 1
       and own.revision = value->>1 and twin.changeset = own.id and there.revision = twin.revision
       and push_changeset.changeset = there.id and push.id = push_changeset.push and repository.id = push.repository
     order by repository.name, push.generation, push.push_id");

impl Store {
    /// Says of each push where else the changesets came that are shown of it.
    pub(super) async fn find_elsewhere(&self, pushes: &mut [PushRow]) -> Result<(), StoreError> {
        for (vcs, sql) in [(Vcs::Git, &OF_COMMITS), (Vcs::Mercurial, &OF_CHANGESETS)] {
            let mut shown = Rows::new();
            for (place, push) in (0..).zip(pushes.iter()).filter(|(_, push)| push.vcs == vcs) {
                let revisions = push.changesets.iter().map(|changeset| Cell::Plain(changeset.revision.to_string()));
                revisions.for_each(|revision| shown.add([Cell::Number(place), revision]));
            }
            if shown.is_empty() {
                continue;
            }
            for row in self.rows_for(sql, shown.done()).await? {
                let place = usize::try_from(row.try_get::<i64, _>("place")?).unwrap_or_default();
                let elsewhere = PushElsewhere {
                    repository: parsed(&row, "name")?,
                    vcs: parsed(&row, "vcs")?,
                    generation: row.try_get("generation")?,
                    push_id: row.try_get::<i64, _>("push_id")?.cast_unsigned(),
                };
                let known = &mut pushes[place].elsewhere;
                known.extend((known.len() < MOST).then_some(elsewhere));
            }
        }
        Ok(())
    }
}
