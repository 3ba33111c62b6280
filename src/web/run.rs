//! A run as pages show it: the store's row in; counts, shares, links and times out.

use super::shown::Time;
use super::table::{Table, text};
use crate::domain::Counts;
use crate::store::RunRow;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// One run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct RunShown {
    pub(super) id: i64,
    pub(super) tree: String,
    pub(super) locale: String,
    /// Its source is newer than that of all other runs of this tree and locale.
    pub(super) active: bool,
    /// The newest push among what was compared.
    pub(super) srctime: Time,
    pub(super) resolved: Time,
    pub(super) task: String,
    /// The page of the task.
    pub(super) task_url: String,
    pub(super) compare_locales: String,
    #[serde(flatten)]
    pub(super) counts: CountsShown,
    pub(super) keys: i64,
    pub(super) total: i64,
    pub(super) completion: i64,
    pub(super) total_w: i64,
    pub(super) completion_w: i64,
    pub(super) artifact: String,
    #[schema(value_type = Time)]
    pub(super) artifact_expires: Option<Time>,
    #[serde(skip)]
    pub(super) bar: Vec<Stretch>,
}

/// What was counted of a run, of strings and, where they end in `_w`, of words.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Counts)]
pub(super) struct CountsShown {
    pub(super) errors: i64,
    pub(super) warnings: i64,
    pub(super) missing: i64,
    pub(super) missing_w: i64,
    pub(super) report: i64,
    pub(super) obsolete: i64,
    pub(super) changed: i64,
    pub(super) changed_w: i64,
    pub(super) unchanged: i64,
    pub(super) unchanged_w: i64,
}

/// A stretch of the bar that shows the shares of a run's strings.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) name: &'static str,
    pub(super) from: i64,
    pub(super) width: i64,
    pub(super) count: i64,
}

/// The width of a whole bar.
const BAR: i64 = 1000;

impl RunShown {
    pub(super) fn of(run: &RunRow, now: Timestamp) -> RunShown {
        RunShown {
            id: run.id,
            tree: run.tree.clone(),
            locale: run.locale.to_string(),
            active: run.active,
            srctime: Time::of_seconds(run.srctime, now),
            resolved: Time::at(run.resolved, now),
            task: run.of.to_string(),
            task_url: run.of.page(),
            compare_locales: run.compare_locales.clone(),
            counts: CountsShown::of(&run.counts),
            keys: run.counts.keys,
            total: run.total,
            completion: run.completion,
            total_w: run.counts.total_w(),
            completion_w: run.counts.completion_w(),
            artifact: run.artifact.to_string(),
            artifact_expires: run.expires.map(|expires| Time::at(expires, now)),
            bar: bar(&run.counts, run.total),
        }
    }

    /// Where its comparison is shown.
    pub(super) fn href(&self) -> String {
        format!("/dashboard/compare?run={}", self.id)
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.id.to_string(), text(&self.tree), self.locale.clone(), self.active.to_string()];
        cells.extend(self.counts.cells(self.completion, self.total));
        cells.extend([self.srctime.machine(), self.resolved.machine(), text(&self.task), text(&self.task_url)]);
        cells
    }
}

/// Runs as a table.
pub(super) fn table(runs: &[RunShown]) -> Table {
    let columns = counted(&["id", "tree", "locale", "active"], &["srctime", "resolved", "task", "task_url"]);
    Table::filled(&columns, runs.iter().map(RunShown::cells))
}

/// The columns of a table, with those of [`CountsShown::cells`] in between.
pub(super) fn counted(before: &[&'static str], after: &[&'static str]) -> Vec<&'static str> {
    let counts = Counts::NAMES.into_iter().filter(|name| *name != "keys");
    before.iter().copied().chain(["completion"]).chain(counts).chain(["total"]).chain(after.iter().copied()).collect()
}

impl CountsShown {
    pub(super) fn of(counts: &Counts) -> CountsShown {
        CountsShown {
            errors: counts.errors,
            warnings: counts.warnings,
            missing: counts.missing,
            missing_w: counts.missing_w,
            report: counts.report,
            obsolete: counts.obsolete,
            changed: counts.changed,
            changed_w: counts.changed_w,
            unchanged: counts.unchanged,
            unchanged_w: counts.unchanged_w,
        }
    }

    /// How much is done in percent, all counts in the order of [`Counts::NAMES`], and of how many.
    pub(super) fn cells(&self, completion: i64, total: i64) -> impl Iterator<Item = String> {
        let numbers = [
            completion,
            self.errors,
            self.warnings,
            self.missing,
            self.missing_w,
            self.report,
            self.obsolete,
            self.changed,
            self.changed_w,
            self.unchanged,
            self.unchanged_w,
            total,
        ];
        numbers.into_iter().map(|number| number.to_string())
    }
}

/// The bar of what strings are, from left to right: stretches as long as their shares of `total`, those that are empty left out.
pub(super) fn bar(counts: &Counts, total: i64) -> Vec<Stretch> {
    let parts =
        [("changed", counts.changed), ("missing", counts.missing), ("report", counts.report), ("unchanged", counts.unchanged)];
    let mut from = 0;
    let mut stretches = Vec::new();
    for (name, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        let width = (BAR * count).checked_div(total).unwrap_or(0).max(1);
        stretches.push(Stretch { name, from, width, count });
        from += width;
    }
    stretches
}
