//! A tree and a locale as pages show where they stand: the board's row and its course in; words, links, bar and line out.

use super::chart::Spark;
use super::format::address;
use super::run::{CountsShown, Stretch, bar, counted};
use super::shown::{Time, signed};
use super::table::{Table, text};
use crate::domain::Grade;
use crate::store::{Course, PlaceRow};
use jiff::Timestamp;
use serde::Serialize;
use std::ops::Range;
use utoipa::ToSchema;

/// Where a tree and a locale stand.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PlaceShown {
    pub(super) tree: String,
    pub(super) locale: String,
    pub(super) run: i64,
    /// What the run comes to.
    pub(super) state: &'static str,
    pub(super) srctime: Time,
    #[serde(flatten)]
    pub(super) counts: CountsShown,
    pub(super) total: i64,
    pub(super) completion: i64,
    /// Since a week before; none where there was no run.
    pub(super) change: Option<Change>,
    /// Strings without a translation over the last four weeks.
    pub(super) course: Vec<Level>,
    #[serde(skip)]
    pub(super) bar: Vec<Stretch>,
    #[serde(skip)]
    pub(super) spark: Spark,
}

/// By how much something differs from what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// Of strings without a translation, those that are only reported too.
    pub(super) missing: i64,
    /// In percent of all strings.
    pub(super) completion: i64,
}

/// How many strings had no translation from a time on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Level {
    from: Time,
    missing: i64,
}

impl Change {
    /// What became of a place since a week before.
    pub(super) fn of(row: &PlaceRow) -> Option<Change> {
        row.before.map(|before| Change {
            missing: row.counts.untranslated() - before.missing,
            completion: row.completion - before.completion,
        })
    }
}

impl PlaceShown {
    pub(super) fn of(row: &PlaceRow, course: &Course, range: &Range<i64>, now: Timestamp) -> PlaceShown {
        let counts = &row.counts;
        PlaceShown {
            tree: row.tree.clone(),
            locale: row.locale.to_string(),
            run: row.run,
            state: counts.grade().name(),
            srctime: Time::of_seconds(row.srctime, now),
            counts: CountsShown::of(counts),
            total: row.total,
            completion: row.completion,
            change: Change::of(row),
            course: course
                .levels()
                .iter()
                .map(|(from, missing)| Level { from: Time::of_seconds(*from, now), missing: *missing })
                .collect(),
            bar: bar(counts, row.total),
            spark: Spark::of(range, course.levels()),
        }
    }

    /// What there is to do, or that there is nothing.
    pub(super) fn words(&self) -> String {
        let plural = |count: i64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let counts = &self.counts;
        let parts = [
            (counts.errors, plural(counts.errors, "error")),
            (counts.warnings, plural(counts.warnings, "warning")),
            (counts.missing, format!("{} missing", counts.missing)),
            (counts.report, format!("{} reported", counts.report)),
            (counts.obsolete, format!("{} obsolete", counts.obsolete)),
        ];
        let said: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
        if said.is_empty() { "nothing missing".to_owned() } else { said.join(", ") }
    }

    /// What became of it since a week before.
    pub(super) fn change_in_words(&self) -> String {
        match self.change {
            None => "new".to_owned(),
            Some(Change { missing: 0, completion: 0 }) => "no change".to_owned(),
            Some(Change { missing, completion: 0 }) => format!("{} missing", signed(missing)),
            Some(Change { missing, completion }) => format!("{} missing, {} %", signed(missing), signed(completion)),
        }
    }

    pub(super) fn href(&self) -> String {
        format!("/dashboard/compare?run={}", self.run)
    }

    pub(super) fn history(&self) -> String {
        address("/dashboard/history", &[("tree", &self.tree), ("locale", &self.locale)])
    }

    fn cells(&self) -> Vec<String> {
        let change = |of: fn(Change) -> i64| self.change.map(|change| of(change).to_string()).unwrap_or_default();
        let mut cells = vec![text(&self.tree), self.locale.clone(), self.run.to_string(), self.state.to_owned()];
        cells.extend(self.counts.cells(self.completion, self.total));
        cells.extend([change(|change| change.missing), change(|change| change.completion), self.srctime.machine()]);
        cells
    }
}

/// Places as a table.
pub(super) fn table(places: &[PlaceShown]) -> Table {
    let columns = counted(&["tree", "locale", "run", "state"], &["change_missing", "change_completion", "srctime"]);
    Table::filled(&columns, places.iter().map(PlaceShown::cells))
}

/// How many places are of each grade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Tally)]
pub(super) struct Tally {
    pub(super) failure: usize,
    pub(super) warnings: usize,
    pub(super) success: usize,
}

impl Tally {
    pub(super) fn add(&mut self, grade: Grade) {
        match grade {
            Grade::Failure => self.failure += 1,
            Grade::Warnings => self.warnings += 1,
            Grade::Success => self.success += 1,
        }
    }

    pub(super) fn of(self, grade: Grade) -> usize {
        match grade {
            Grade::Failure => self.failure,
            Grade::Warnings => self.warnings,
            Grade::Success => self.success,
        }
    }

    /// All of them.
    pub(super) fn all(self) -> usize {
        self.failure + self.warnings + self.success
    }
}
