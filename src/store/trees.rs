//! Trees: what a product compares, known by the repository and path of its configuration, called by a code.

use super::database::{Change, RowsSql, Step, Store, StoreError, rows_sql};
use super::rows::{Cell, Rows};
use super::version::{self, Of};
use crate::domain::{Published, RepositoryUrl, hex, tree_code};
use sha2::{Digest, Sha256};
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};

/// A tree, and how much there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    pub id: i64,
    pub code: String,
    pub repository: RepositoryUrl,
    pub config: String,
    /// How many locales have a run.
    pub locales: i64,
}

const IDS: RowsSql = rows_sql!(
    "select value->>1 as config,
            (select id from tree where repository = cast(value->>0 as bigint) and config = value->>1) as id from " ROWS "");
const ADD: RowsSql = rows_sql!(
    "insert into tree (repository, config, code) select cast(value->>0 as bigint), value->>1, value->>2 from " ROWS " where true
     on conflict do nothing");
const ALL: &str = "
    select tree.id, tree.code, tree.config, compared_repository.url,
           (select count(*) from active where active.tree = tree.id) as locales
    from tree join compared_repository on compared_repository.id = tree.repository
    order by tree.code";
const RENAME: &str = "
    update tree set code = $1 where code = $2 and not exists (select 1 from tree other where other.code = $1)";

impl Store {
    /// All trees by their codes.
    pub async fn trees(&self) -> Result<Vec<TreeRow>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.readers()).await?;
        let tree = |row: &sqlx::any::AnyRow| -> Result<TreeRow, StoreError> {
            Ok(TreeRow {
                id: row.try_get("id")?,
                code: row.try_get("code")?,
                repository: RepositoryUrl::from_kept(row.try_get("url")?),
                config: row.try_get("config")?,
                locales: row.try_get("locales")?,
            })
        };
        rows.iter().map(tree).collect()
    }

    /// Gives a tree another code; false when there is none of the old code, or one of the new.
    pub async fn rename_tree(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        self.write(&(from, to), |change, (from, to)| -> Step<'_, bool> { Box::pin(rename(change, from, to)) }).await
    }
}

async fn rename(change: &mut Change, from: &str, to: &str) -> Result<bool, StoreError> {
    let query = sqlx::query(RENAME).bind(to.to_owned()).bind(from.to_owned());
    if query.execute(&mut *change.tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    version::raise(change, Of::Results).await?;
    Ok(true)
}

/// The numbers of the trees that a result compares, by their configurations; made on first sight.
pub(super) async fn ids(
    change: &mut Change,
    published: &Published,
    repositories: &HashMap<String, i64>,
) -> Result<HashMap<String, i64>, StoreError> {
    let repository = repositories[published.repository.as_str()];
    let configs: BTreeSet<&str> = published.comparisons.iter().map(|comparison| comparison.config.as_str()).collect();
    let mut ids = known(change, repository, &configs).await?;
    for code in [tree_code, long_code] {
        let missing = || configs.iter().filter(|config| !ids.contains_key(**config));
        if missing().next().is_none() {
            return Ok(ids);
        }
        let mut rows = Rows::new();
        missing().for_each(|config| {
            rows.add([Cell::Number(repository), Cell::Text(config), Cell::Text(&code(&published.repository, config))]);
        });
        change.run(&ADD, rows.done()).await?;
        ids = known(change, repository, &configs).await?;
    }
    if ids.len() < configs.len() {
        return Err(StoreError::Conflict(format!("the codes of trees of {} are all taken", published.repository)));
    }
    Ok(ids)
}

async fn known(change: &mut Change, repository: i64, configs: &BTreeSet<&str>) -> Result<HashMap<String, i64>, StoreError> {
    let mut rows = Rows::new();
    configs.iter().for_each(|config| rows.add([Cell::Number(repository), Cell::Text(config)]));
    let mut ids = HashMap::new();
    for row in change.fetch(&IDS, rows.done()).await? {
        if let Some(id) = row.try_get::<Option<i64>, _>("id")? {
            ids.insert(row.try_get("config")?, id);
        }
    }
    Ok(ids)
}

/// A code that no other tree has, for one whose short code is taken.
fn long_code(repository: &RepositoryUrl, config: &str) -> String {
    let digest = hex(&Sha256::digest(format!("{repository} {config}"))[..4]);
    format!("{}-{digest}", tree_code(repository, config))
}
