//! The whole life of a tree and a locale as few points: a place and steps of time in, the last run of each step out. A statement
//! of its own, which looks for one run in each step, however many there are.

use super::database::{RowsSql, Store, StoreError, rows_sql};
use super::history::HistoryRow;
use super::places::Place;
use super::rows::{Cell, Rows};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::ops::Range;

/// What was missing at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverviewPoint {
    /// The source time of the run, in seconds since 1970.
    pub srctime: i64,
    /// Strings without a translation, those that are only reported too; and words.
    pub missing: i64,
    pub missing_w: i64,
}

impl From<&HistoryRow> for OverviewPoint {
    fn from(row: &HistoryRow) -> OverviewPoint {
        OverviewPoint { srctime: row.srctime, missing: row.missing, missing_w: row.missing_w }
    }
}

/// So many steps a life has.
const STEPS: i64 = 100;
/// The newest source of each step is an end of a range of the index, and only its runs are read.
const LAST_OF_STEPS: RowsSql = rows_sql!(
    "select run.srctime, run.missing + run.report as missing, run.missing_w
     from (select cast(value->>0 as bigint) as tree, cast(value->>1 as bigint) as locale,
                  (select max(of_step.srctime)
                   from run of_step
                   where of_step.tree = cast(value->>0 as bigint) and of_step.locale = cast(value->>1 as bigint)
                     and of_step.srctime >= cast(value->>2 as bigint) and of_step.srctime < cast(value->>3 as bigint)) as newest
           from " ROWS ") step
     join run on run.tree = step.tree and run.locale = step.locale and run.srctime = step.newest
     join task_result on task_result.id = run.result
     order by run.srctime, task_result.resolved_at, task_result.root desc, task_result.task desc, task_result.task_run");

impl Store {
    /// The last run of each of 100 steps of a time, in seconds since 1970, oldest first; none where a step has no run.
    pub async fn overview(&self, place: Place, range: Range<i64>) -> Result<Vec<OverviewPoint>, StoreError> {
        let mut rows = Rows::new();
        for (from, until) in steps(&range) {
            rows.add([place.tree, place.locale, from, until].map(Cell::Number));
        }
        let rows = self.rows_for(&LAST_OF_STEPS, rows.done()).await?;
        let mut points = rows.iter().map(point).collect::<Result<Vec<_>, _>>()?;
        points.reverse();
        points.dedup_by_key(|point| point.srctime);
        points.reverse();
        Ok(points)
    }
}

fn steps(range: &Range<i64>) -> impl Iterator<Item = (i64, i64)> {
    let (from, length) = (range.start, range.end.saturating_sub(range.start) / STEPS + 1);
    (0..STEPS).map(move |number| {
        (from.saturating_add(number.saturating_mul(length)), from.saturating_add((number + 1).saturating_mul(length)))
    })
}

fn point(row: &AnyRow) -> Result<OverviewPoint, StoreError> {
    Ok(OverviewPoint { srctime: row.try_get("srctime")?, missing: row.try_get("missing")?, missing_w: row.try_get("missing_w")? })
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn the_steps_cover_the_time() {
        for range in [0..200, 0..1, -86_401..1_764_028_800] {
            let all: Vec<(i64, i64)> = steps(&range).collect();
            assert!(all[0].0 == range.start && all[99].1 >= range.end, "{range:?}");
            assert!(all.windows(2).all(|pair| pair[0].1 == pair[1].0), "{range:?}");
        }
        assert_eq!(steps(&(i64::MIN..i64::MAX)).count(), 100);
    }
}
