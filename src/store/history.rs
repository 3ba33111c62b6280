//! How a tree and a locale, or all locales of a tree, came along over time.

use super::counting_run::counting_run_sql;
use super::database::{Store, StoreError};
use super::places::{CoursePoint, Place, point_from};
use crate::domain::LocaleCode;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::ops::Range;

/// A tree and a locale that were compared, and when their first and last runs had their sources, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub place: Place,
    pub first: i64,
    pub last: i64,
}

/// One run in the course of a tree and a locale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    pub run: i64,
    /// Seconds since 1970.
    pub srctime: i64,
    /// Strings without a translation, those that are only reported too; and words.
    pub missing: i64,
    pub missing_w: i64,
    pub obsolete: i64,
    pub unchanged: i64,
    pub unchanged_w: i64,
    pub errors: i64,
    pub completion: i64,
}

/// The newest of a range that are read.
const MOST: i64 = 20_000;
const LIFE: &str = "
    select tree.id as tree, locale.id as locale,
           (select min(run.srctime) from run where run.tree = tree.id and run.locale = locale.id) as first,
           (select max(run.srctime) from run where run.tree = tree.id and run.locale = locale.id) as last
    from tree, locale
    where tree.code = $1 and locale.code = $2";
const RUNS: &str = "
    select run.id, run.srctime, run.missing + run.report as missing, run.missing_w, run.obsolete, run.unchanged, run.unchanged_w,
           run.errors, run.completion
    from run join task_result on task_result.id = run.result
    where run.tree = $1 and run.locale = $2 and run.srctime >= $3 and run.srctime < $4
    order by run.srctime desc, task_result.resolved_at desc, task_result.root, task_result.task, task_result.task_run desc
    limit cast($5 as bigint)";
/// SQLite takes the tables of a cross join in their order: a search for each locale, not through all runs of the tree.
const POINTS: &str = "
    select run.tree, run.locale, run.srctime, run.missing + run.report as missing
    from active
    cross join run
    join task_result on task_result.id = run.result
    where active.tree = $1 and run.tree = active.tree and run.locale = active.locale and run.srctime >= $2 and run.srctime < $3
    order by run.srctime, task_result.resolved_at, task_result.root desc, task_result.task desc, task_result.task_run";
const POINTS_BEFORE: &str = concat!(
    "select run.tree, run.locale, run.srctime, run.missing + run.report as missing
    from active
    join run on run.id = ",
    counting_run_sql!("active.tree", "active.locale", "< $2"),
    "
    where active.tree = $1
    order by run.srctime"
);

const FIRST: &str = "
    select min(firsts.first) as first
    from (select (select min(run.srctime) from run where run.tree = active.tree and run.locale = active.locale) as first
          from active where active.tree = $1) as firsts";

/// How all locales of a tree came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHistory {
    /// The source time of its first run ever, in seconds since 1970.
    pub first: i64,
    /// Oldest first. Of several points of a locale at one time the last counts.
    pub points: Vec<CoursePoint>,
}

impl Store {
    /// The tree and the locale, if the one was ever compared for the other.
    pub async fn life(&self, tree: &str, locale: &LocaleCode) -> Result<Option<Life>, StoreError> {
        let row = sqlx::query(LIFE).bind(tree.to_owned()).bind(locale.to_string()).fetch_optional(self.readers()).await?;
        let Some(row) = row else { return Ok(None) };
        let ends: (Option<i64>, Option<i64>) = (row.try_get("first")?, row.try_get("last")?);
        let (Some(first), Some(last)) = ends else { return Ok(None) };
        Ok(Some(Life { place: Place { tree: row.try_get("tree")?, locale: row.try_get("locale")? }, first, last }))
    }

    /// The runs whose source is of this range, in seconds since 1970, and the last one before it; oldest first. Of several with
    /// the same time the last counts.
    pub async fn history(&self, place: Place, range: Range<i64>) -> Result<Vec<HistoryRow>, StoreError> {
        let mut newest_first = self.runs_in(place, range.clone(), MOST).await?;
        newest_first.extend(self.runs_in(place, i64::MIN..range.start, 1).await?);
        newest_first.reverse();
        Ok(newest_first)
    }

    async fn runs_in(&self, place: Place, range: Range<i64>, limit: i64) -> Result<Vec<HistoryRow>, StoreError> {
        let query = sqlx::query(RUNS).bind(place.tree).bind(place.locale).bind(range.start).bind(range.end).bind(limit);
        query.fetch_all(self.readers()).await?.iter().map(history_from).collect()
    }

    /// How all locales of a tree came along in a range, each from the last point before it on.
    pub async fn tree_history(&self, tree: i64, range: Range<i64>) -> Result<TreeHistory, StoreError> {
        let first: Option<i64> = sqlx::query(FIRST).bind(tree).fetch_one(self.readers()).await?.try_get("first")?;
        let before = sqlx::query(POINTS_BEFORE).bind(tree).bind(range.start).fetch_all(self.readers()).await?;
        let within = sqlx::query(POINTS).bind(tree).bind(range.start).bind(range.end).fetch_all(self.readers()).await?;
        let points = before.iter().chain(&within).map(point_from).collect::<Result<_, _>>()?;
        Ok(TreeHistory { first: first.unwrap_or(range.start), points })
    }
}

fn history_from(row: &AnyRow) -> Result<HistoryRow, StoreError> {
    Ok(HistoryRow {
        run: row.try_get("id")?,
        srctime: row.try_get("srctime")?,
        missing: row.try_get("missing")?,
        missing_w: row.try_get("missing_w")?,
        obsolete: row.try_get("obsolete")?,
        unchanged: row.try_get("unchanged")?,
        unchanged_w: row.try_get("unchanged_w")?,
        errors: row.try_get("errors")?,
        completion: row.try_get("completion")?,
    })
}
