//! Which run counts for a tree and a locale at a time: of those whose source is of the newest time, the one whose task ended last.

/// Selects the number of that run, for `$tree` and `$locale` and a time that `$until` says, as `"<= $1"`, or `"is not null"` where
/// any will do. The newest time comes first, from the end of an index: an order over all runs of a place would cost the more, the
/// longer its history.
macro_rules! counting_run_sql {
    ($tree:literal, $locale:literal, $until:literal) => {
        concat!(
            "(select counting.id
              from run counting join task_result on task_result.id = counting.result
              where counting.tree = ",
            $tree,
            " and counting.locale = ",
            $locale,
            " and counting.srctime = (select max(newest.srctime) from run newest
                                      where newest.tree = ",
            $tree,
            " and newest.locale = ",
            $locale,
            " and newest.srctime ",
            $until,
            ")
              order by task_result.resolved_at desc, task_result.root, task_result.task, task_result.task_run desc
              limit 1)"
        )
    };
}
pub(super) use counting_run_sql;
