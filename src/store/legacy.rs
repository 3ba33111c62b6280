//! Reads the database of an old Elmo, as its Django applications `life` and `l10nstats` left it, in SQLite or PostgreSQL.
//!
//! Rows come out as they are there: names, URLs and revisions are text that nobody has checked yet. It writes nothing.

use super::database::{Kind, StoreError, kind_of, opened, pool};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};
use std::time::Duration;

/// The database of an old Elmo, open for reading.
#[derive(Clone)]
pub struct Legacy {
    pool: AnyPool,
}

/// A locale with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyLocale {
    pub code: String,
    pub name: Option<String>,
    pub native: Option<String>,
}

/// A forest, which comes after the one it is a fork of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyForest {
    pub name: String,
    pub url: String,
    pub archived: bool,
    pub fork_of: Option<String>,
}

/// A repository, which comes after the one it is a fork of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyRepository {
    /// Its number there.
    pub id: i64,
    pub name: String,
    pub url: String,
    pub archived: bool,
    pub forest: Option<String>,
    pub locale: Option<String>,
    pub fork_of: Option<String>,
}

/// A push, whose changesets stand in the order in which they were recorded, the tip last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyPush {
    pub push_id: i64,
    pub user: String,
    /// None where it cannot be read.
    pub date: Option<Timestamp>,
    /// None where the push names a changeset that is not there.
    pub changesets: Vec<Option<String>>,
}

/// A tree, and the forest whose locales it compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyTree {
    pub code: String,
    pub forest_url: String,
}

/// A run of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyRun {
    /// Its number there.
    pub id: i64,
    pub tree: String,
    pub locale: String,
    pub srctime: Option<Timestamp>,
    /// Errors, warnings, missing with those in missing files, report, obsolete, changed, unchanged, keys.
    pub counts: [i64; 8],
    /// Revisions, each with the URL of a repository of the tree that has it, or of the locale's in the tree's forest.
    pub revisions: Vec<(String, Option<String>)>,
}

const PATIENCE: Duration = Duration::from_secs(10);
const NOTHING_TO_SET: &str = "select 1";
const POSTGRES_SESSION: &str = "set timezone = 'UTC'; set default_transaction_read_only = on";

const LOCALES: &str = "select code, name, native from life_locale order by code";
const FORESTS: &str = "
    select forest.name, forest.url, case when forest.archived then 1 else 0 end as archived, origin.name as fork_of
    from life_forest forest left join life_forest origin on origin.id = forest.fork_of_id
    order by case when forest.fork_of_id is null then 0 else 1 end, forest.name";
const REPOSITORIES: &str = "
    select cast(repository.id as bigint) as id, repository.name, repository.url,
           case when repository.archived then 1 else 0 end as archived,
           forest.name as forest, locale.code as locale, origin.name as fork_of
    from life_repository repository
    left join life_forest forest on forest.id = repository.forest_id
    left join life_locale locale on locale.id = repository.locale_id
    left join life_repository origin on origin.id = repository.fork_of_id
    order by case when repository.fork_of_id is null then 0 else 1 end, repository.name";
/// Dates as text: what the two databases call a time differs, what it looks like in UTC does not.
const PUSHES: &str = r#"
    select cast(push.id as bigint) as id, cast(push.push_id as bigint) as push_id, push."user" as pusher,
           cast(push.push_date as text) as date, changeset.revision, cast(listed.changeset_id as bigint) as changeset
    from life_push push
    left join life_push_changesets listed on listed.push_id = push.id
    left join life_changeset changeset on changeset.id = listed.changeset_id
    where push.repository_id = $1
    order by push.push_id, push.id, listed.changeset_id"#;
const TREES: &str = "
    select tree.code, forest.url from life_tree tree join life_forest forest on forest.id = tree.l10n_id order by tree.code";
const RUNS: &str = r#"
    select cast(run.id as bigint) as id, tree.code as tree, locale.code as locale, cast(run.srctime as text) as srctime,
           cast(run.errors as bigint) as errors, cast(run.warnings as bigint) as warnings,
           cast(run.missing + run."missingInFiles" as bigint) as missing, cast(run.report as bigint) as report,
           cast(run.obsolete as bigint) as obsolete, cast(run.changed as bigint) as changed,
           cast(run.unchanged as bigint) as unchanged, cast(run.keys as bigint) as keys
    from l10nstats_run run
    join life_tree tree on tree.id = run.tree_id
    join life_locale locale on locale.id = run.locale_id
    where run.id > $1
    order by run.id
    limit cast($2 as bigint)"#;
const REVISIONS: &str = "
    select cast(run.id as bigint) as run, changeset.revision,
           (select min(repository.url)
            from life_repository_changesets held join life_repository repository on repository.id = held.repository_id
            where held.changeset_id = changeset.id
              and (repository.id in (select repository_id from life_tree_repositories part where part.tree_id = run.tree_id)
                   or (repository.forest_id = tree.l10n_id and repository.locale_id = run.locale_id))) as url
    from l10nstats_run run
    join life_tree tree on tree.id = run.tree_id
    join l10nstats_run_revisions compared on compared.run_id = run.id
    join life_changeset changeset on changeset.id = compared.changeset_id
    where run.id > $1 and run.id <= $2
    order by run.id, changeset.id";

impl Legacy {
    /// Opens the database at `sqlite:PATH` or `postgres://…`; a file that is not there is not made.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn open(url: &str) -> Result<Legacy, StoreError> {
        sqlx::any::install_default_drivers();
        let pool = match kind_of(url)? {
            Kind::Sqlite if url.contains('?') => opened(pool(1, PATIENCE, NOTHING_TO_SET), url).await?,
            Kind::Sqlite => opened(pool(1, PATIENCE, NOTHING_TO_SET), &format!("{url}?mode=ro")).await?,
            Kind::Postgres => opened(pool(1, PATIENCE, POSTGRES_SESSION), url).await?,
        };
        Ok(Legacy { pool })
    }

    /// All locales by their codes.
    pub async fn locales(&self) -> Result<Vec<LegacyLocale>, StoreError> {
        let locale = |row: &AnyRow| -> Result<LegacyLocale, StoreError> {
            Ok(LegacyLocale { code: row.try_get("code")?, name: row.try_get("name")?, native: row.try_get("native")? })
        };
        sqlx::query(LOCALES).fetch_all(&self.pool).await?.iter().map(locale).collect()
    }

    /// All forests.
    pub async fn forests(&self) -> Result<Vec<LegacyForest>, StoreError> {
        let forest = |row: &AnyRow| -> Result<LegacyForest, StoreError> {
            Ok(LegacyForest {
                name: row.try_get("name")?,
                url: row.try_get("url")?,
                archived: number(row, "archived")? == 1,
                fork_of: row.try_get("fork_of")?,
            })
        };
        sqlx::query(FORESTS).fetch_all(&self.pool).await?.iter().map(forest).collect()
    }

    /// All repositories.
    pub async fn repositories(&self) -> Result<Vec<LegacyRepository>, StoreError> {
        let repository = |row: &AnyRow| -> Result<LegacyRepository, StoreError> {
            Ok(LegacyRepository {
                id: number(row, "id")?,
                name: row.try_get("name")?,
                url: row.try_get("url")?,
                archived: number(row, "archived")? == 1,
                forest: row.try_get("forest")?,
                locale: row.try_get("locale")?,
                fork_of: row.try_get("fork_of")?,
            })
        };
        sqlx::query(REPOSITORIES).fetch_all(&self.pool).await?.iter().map(repository).collect()
    }

    /// The pushes of a repository by their ids.
    pub async fn pushes(&self, repository: i64) -> Result<Vec<LegacyPush>, StoreError> {
        let rows = sqlx::query(PUSHES).bind(repository).fetch_all(&self.pool).await?;
        let mut pushes: Vec<LegacyPush> = Vec::new();
        let mut last = None;
        for row in &rows {
            let id = number(row, "id")?;
            if last.replace(id) != Some(id) {
                let (push_id, user, date) = (number(row, "push_id")?, row.try_get("pusher")?, time(row, "date")?);
                pushes.push(LegacyPush { push_id, user, date, changesets: Vec::new() });
            }
            if row.try_get::<Option<i64>, _>("changeset")?.is_some()
                && let Some(push) = pushes.last_mut()
            {
                push.changesets.push(row.try_get("revision")?);
            }
        }
        Ok(pushes)
    }

    /// All trees by their codes.
    pub async fn trees(&self) -> Result<Vec<LegacyTree>, StoreError> {
        let tree = |row: &AnyRow| -> Result<LegacyTree, StoreError> {
            Ok(LegacyTree { code: row.try_get("code")?, forest_url: row.try_get("url")? })
        };
        sqlx::query(TREES).fetch_all(&self.pool).await?.iter().map(tree).collect()
    }

    /// The next runs after one, at most so many.
    pub async fn runs_after(&self, id: i64, most: i64) -> Result<Vec<LegacyRun>, StoreError> {
        let rows = sqlx::query(RUNS).bind(id).bind(most).fetch_all(&self.pool).await?;
        let mut runs: Vec<LegacyRun> = rows.iter().map(run_from).collect::<Result<_, _>>()?;
        let last = runs.last().map_or(id, |run| run.id);
        for row in sqlx::query(REVISIONS).bind(id).bind(last).fetch_all(&self.pool).await? {
            let of = number(&row, "run")?;
            if let Ok(place) = runs.binary_search_by_key(&of, |run| run.id) {
                runs[place].revisions.push((row.try_get("revision")?, row.try_get("url")?));
            }
        }
        Ok(runs)
    }
}

fn run_from(row: &AnyRow) -> Result<LegacyRun, StoreError> {
    let mut counts = [0; 8];
    let columns = ["errors", "warnings", "missing", "report", "obsolete", "changed", "unchanged", "keys"];
    for (count, column) in counts.iter_mut().zip(columns) {
        *count = number(row, column)?;
    }
    let (tree, locale) = (row.try_get("tree")?, row.try_get("locale")?);
    Ok(LegacyRun { id: number(row, "id")?, tree, locale, srctime: time(row, "srctime")?, counts, revisions: Vec::new() })
}

fn number(row: &AnyRow, column: &str) -> Result<i64, StoreError> {
    Ok(row.try_get(column)?)
}

/// The time in a column of text, which is in UTC; none where it is empty or cannot be read.
fn time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    Ok(text.as_deref().and_then(read_time))
}

/// Takes the seconds; Django writes none or six digits after them, PostgreSQL a zone, which is UTC in our session.
fn read_time(text: &str) -> Option<Timestamp> {
    let seconds = text.get(..19)?;
    Offset::UTC.to_timestamp(seconds.parse::<DateTime>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::read_time;
    use jiff::Timestamp;

    #[test]
    fn times_are_read_as_either_database_writes_them() {
        for text in ["2019-11-19 09:28:00", "2019-11-19 09:28:00.123456", "2019-11-19 09:28:00+00", "2019-11-19T09:28:00Z"] {
            assert_eq!(read_time(text).map(Timestamp::as_second), Some(1_574_155_680), "{text}");
        }
        assert_eq!(read_time("yesterday"), None);
        assert_eq!(read_time("0000-00-00 00:00:00"), None);
    }
}
