//! Forests: folders of repositories, one for each locale.

use super::database::{Store, StoreError, parsed, parsed_option};
use crate::domain::{Forest, ForestId, ForestName, NewForest, RepositoryUrl};
use sqlx::Row;
use sqlx::any::AnyRow;

const ADD: &str = "
    insert into forest (name, url, fork_of) values ($1, $2, (select id from forest where name = $3))
    on conflict do nothing";
const ALL: &str = "
    select forest.id, forest.name, forest.url, forest.archived, origin.name as fork_of
    from forest left join forest origin on origin.id = forest.fork_of
    order by forest.name";
const ARCHIVE: &str = "update forest set archived = $1 where name = $2";

impl Store {
    /// Follows a forest; doing so again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name has another URL, the URL another name, or the origin is not there.
    pub async fn add_forest(&self, forest: &NewForest) -> Result<(), StoreError> {
        if let Some(origin) = &forest.fork_of
            && self.forest(origin).await?.is_none()
        {
            return Err(StoreError::Conflict(format!("there is no forest {origin} that {} could be a fork of", forest.name)));
        }
        sqlx::query(ADD)
            .bind(forest.name.to_string())
            .bind(forest.url.to_string())
            .bind(forest.fork_of.as_ref().map(ForestName::to_string))
            .execute(self.writers())
            .await?;
        match self.forest(&forest.name).await? {
            Some(kept) if kept.url == forest.url && kept.fork_of == forest.fork_of => Ok(()),
            Some(kept) => Err(StoreError::Conflict(format!("forest {} is followed already, at {}", kept.name, kept.url))),
            None => Err(StoreError::Conflict(format!("{} is followed already under another name", forest.url))),
        }
    }

    /// All forests by name, archived ones too.
    pub async fn forests(&self) -> Result<Vec<Forest>, StoreError> {
        sqlx::query(ALL).fetch_all(self.readers()).await?.iter().map(forest_from).collect()
    }

    /// The forest of that name.
    pub async fn forest(&self, name: &ForestName) -> Result<Option<Forest>, StoreError> {
        Ok(self.forests().await?.into_iter().find(|forest| forest.name == *name))
    }

    /// Leaves a forest and its repositories alone from now on, or takes them up again; false when there is none.
    pub async fn archive_forest(&self, name: &ForestName, archived: bool) -> Result<bool, StoreError> {
        let done = sqlx::query(ARCHIVE).bind(i64::from(archived)).bind(name.to_string()).execute(self.writers()).await?;
        Ok(done.rows_affected() == 1)
    }
}

fn forest_from(row: &AnyRow) -> Result<Forest, StoreError> {
    Ok(Forest {
        id: ForestId(row.try_get("id")?),
        name: parsed(row, "name")?,
        url: RepositoryUrl::from_kept(row.try_get("url")?),
        archived: row.try_get::<i64, _>("archived")? == 1,
        fork_of: parsed_option(row, "fork_of")?,
    })
}
