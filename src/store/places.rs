//! Where each tree and locale stands: the active runs, what was active some time before, and the course of the last weeks.

use super::counting_run::counting_run_sql;
use super::database::{RowsSql, Store, StoreError, parsed, rows_sql};
use super::rows::{Cell, Rows};
use super::runs::counts_from;
use crate::domain::{Counts, LocaleCode};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// A tree and a locale, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub tree: i64,
    pub locale: i64,
}

/// The active run of a tree and a locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    pub place: Place,
    pub tree: String,
    pub locale: LocaleCode,
    pub run: i64,
    /// Seconds since 1970.
    pub srctime: i64,
    pub counts: Counts,
    pub total: i64,
    pub completion: i64,
    /// What counted before; none if there was no run.
    pub before: Option<Before>,
}

/// What counted for a tree and a locale at an earlier time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Strings without a translation, those that are only reported too.
    pub missing: i64,
    pub completion: i64,
}

/// How many strings had no translation from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoursePoint {
    pub place: Place,
    /// Seconds since 1970.
    pub from: i64,
    pub missing: i64,
}

/// How many strings had no translation over time, each time that it changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course(Vec<(i64, i64)>);

const ACTIVE: &str = concat!(
    "select run.id, run.tree, run.locale, run.srctime, run.errors, run.warnings, run.missing, run.missing_w, run.report,
           run.obsolete, run.changed, run.changed_w, run.unchanged, run.unchanged_w, run.keys, run.total, run.completion,
           tree.code as tree_code, locale.code as locale_code,
           ",
    counting_run_sql!("active.tree", "active.locale", "<= $1"),
    " as before
    from active
    join run on run.id = active.run
    join tree on tree.id = active.tree
    join locale on locale.id = active.locale
    order by locale.code, tree.code"
);
const BEFORE: RowsSql = rows_sql!(
    "select run.id, run.missing + run.report as missing, run.completion
     from " ROWS " join run on run.id = cast(value->>0 as bigint)");
const AT: RowsSql = rows_sql!(
    ["select run.tree, run.locale, run.srctime, run.missing + run.report as missing
     from (select ",
        counting_run_sql!("cast(value->>0 as bigint)", "cast(value->>1 as bigint)", "<= cast(value->>2 as bigint)"),
        " as id
           from "] ROWS [") last
     join run on run.id = last.id"]
);
const COURSES: RowsSql = rows_sql!(
    "select run.tree, run.locale, run.srctime, run.missing + run.report as missing
     from " ROWS "
     join run on run.tree = cast(value->>0 as bigint) and run.locale = cast(value->>1 as bigint)
             and run.srctime > cast(value->>2 as bigint) and run.srctime <= cast(value->>3 as bigint)
     join task_result on task_result.id = run.result
     order by run.tree, run.locale, run.srctime, task_result.resolved_at, task_result.root desc, task_result.task desc,
              task_result.task_run");

impl Store {
    /// The active runs of all trees and locales, each with what counted at `before`, in seconds since 1970; by locale, then tree.
    pub async fn places(&self, before: i64) -> Result<Vec<PlaceRow>, StoreError> {
        let rows = sqlx::query(ACTIVE).bind(before).fetch_all(self.readers()).await?;
        let earlier = |row: &AnyRow| -> Result<Option<i64>, StoreError> { Ok(row.try_get("before")?) };
        let earlier = rows.iter().map(earlier).collect::<Result<Vec<_>, _>>()?;
        let known = self.before(earlier.iter().flatten()).await?;
        let place = |(row, earlier): (&AnyRow, &Option<i64>)| place_from(row, earlier.and_then(|run| known.get(&run).copied()));
        rows.iter().zip(&earlier).map(place).collect()
    }

    /// What each of these runs comes to. A run never changes, so that this needs no transaction with what named it.
    async fn before(&self, runs: impl Iterator<Item = &i64>) -> Result<HashMap<i64, Before>, StoreError> {
        let rows = self.rows_for(&BEFORE, Rows::of(runs.map(|run| Cell::Number(*run)))).await?;
        let before = |row: &AnyRow| -> Result<(i64, Before), StoreError> {
            Ok((row.try_get("id")?, Before { missing: row.try_get("missing")?, completion: row.try_get("completion")? }))
        };
        rows.iter().map(before).collect()
    }

    /// How each place came along up to `until`, beginning with what counted at `from`, in seconds since 1970.
    pub async fn courses(
        &self,
        places: impl Iterator<Item = Place>,
        from: i64,
        until: i64,
    ) -> Result<HashMap<Place, Course>, StoreError> {
        let (mut rows, mut courses) = (Rows::new(), HashMap::<Place, Course>::new());
        places.for_each(|place| rows.add([place.tree, place.locale, from, until].map(Cell::Number)));
        if rows.is_empty() {
            return Ok(courses);
        }
        let rows = rows.done();
        for sql in [&AT, &COURSES] {
            let add = |row: &AnyRow| {
                let CoursePoint { place, from, missing } = point_from(row)?;
                courses.entry(place).or_default().go_on(from, missing);
                Ok(())
            };
            self.go_through(sqlx::query(self.text(sql)).bind(rows.clone()), add).await?;
        }
        Ok(courses)
    }
}

impl Course {
    /// One that stays where it is.
    pub fn level(from: i64, missing: i64) -> Course {
        Course(vec![(from, missing)])
    }

    /// From which second since 1970 on how many strings have no translation, oldest first.
    pub fn levels(&self) -> &[(i64, i64)] {
        &self.0
    }

    /// Of several points at one time the last counts; one that changes nothing is none.
    fn go_on(&mut self, from: i64, missing: i64) {
        self.0.pop_if(|(last, _)| *last == from);
        if self.0.last().is_none_or(|(_, last)| *last != missing) {
            self.0.push((from, missing));
        }
    }
}

fn place_from(row: &AnyRow, before: Option<Before>) -> Result<PlaceRow, StoreError> {
    Ok(PlaceRow {
        place: Place { tree: row.try_get("tree")?, locale: row.try_get("locale")? },
        tree: row.try_get("tree_code")?,
        locale: parsed(row, "locale_code")?,
        run: row.try_get("id")?,
        srctime: row.try_get("srctime")?,
        counts: counts_from(row)?,
        total: row.try_get("total")?,
        completion: row.try_get("completion")?,
        before,
    })
}

pub(super) fn point_from(row: &AnyRow) -> Result<CoursePoint, StoreError> {
    Ok(CoursePoint {
        place: Place { tree: row.try_get("tree")?, locale: row.try_get("locale")? },
        from: row.try_get("srctime")?,
        missing: row.try_get("missing")?,
    })
}

#[cfg(test)]
mod tests {
    use super::Course;

    #[test]
    fn a_course_has_what_changed_and_of_one_time_the_last() {
        let check = |points: &[(i64, i64)], expected: &[(i64, i64)]| {
            let mut course = Course::default();
            points.iter().for_each(|(from, missing)| course.go_on(*from, *missing));
            assert_eq!(course.levels(), expected, "{points:?}");
        };
        check(&[(1, 5), (2, 5), (3, 4), (4, 4)], &[(1, 5), (3, 4)]);
        check(&[(1, 5), (1, 4), (2, 4)], &[(1, 4)]);
        check(&[(1, 5), (2, 4), (2, 5), (3, 4)], &[(1, 5), (3, 4)]);
    }
}
