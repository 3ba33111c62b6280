//! How a tree and a locale came along.

use super::Refused;
use super::asked::Asked;
use super::list::{Limit, List};
use crate::store::HistoryRow;
use crate::web::Web;
use crate::web::error::PageError;
use crate::web::pages::history::{RunShown, life};
use crate::web::period::Period;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The code of the tree.
    tree: String,
    /// The code of the locale.
    locale: String,
    /// From this day on, or this time as RFC 3339 has it; three weeks before the end otherwise.
    #[param(format = Date)]
    starttime: Option<String>,
    /// Until the beginning of this day, or this time; the end of today otherwise.
    #[param(format = Date)]
    endtime: Option<String>,
    /// The `next` of an answer.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,12}[.][0-9]{1,18}$")]
    key: Option<Key>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<Limit>,
}

/// The source time of the last run seen, and its number.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Key {
    srctime: i64,
    run: i64,
}

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Key, &'static str> {
        let parts = || {
            let (srctime, run) = text.split_once('.')?;
            Some(Key { srctime: srctime.parse().ok()?, run: run.parse().ok()? })
        };
        parts().ok_or("it can be what an answer had as next")
    }
}

impl Key {
    /// The runs after the last one seen.
    fn following<'a, 'r>(self, newest_first: &'a [&'r HistoryRow]) -> &'a [&'r HistoryRow] {
        let seen = newest_first.iter().position(|row| row.run == self.run).map(|last| last + 1);
        let older = || newest_first.iter().position(|row| row.srctime < self.srctime).unwrap_or(newest_first.len());
        &newest_first[seen.unwrap_or_else(older)..]
    }
}

/// History
///
/// The runs of a tree and a locale by the time of their sources, newest first. The last may be older than the range: it is how things
/// stood when that began.
#[utoipa::path(get, operation_id = "history", path = "/history", tag = "History", params(Params), responses(
    (status = 200, description = "Runs, those with the newest sources first.", body = List<RunShown>), Refused
))]
pub(super) async fn list(State(web): State<Web>, Asked(params): Asked<Params>) -> Result<Json<List<RunShown>>, PageError> {
    let (now, limit) = (web.clock.now(), params.limit.unwrap_or_default());
    let period =
        Period::between(params.starttime.as_deref().unwrap_or_default(), params.endtime.as_deref().unwrap_or_default(), now)?;
    let life = life(&web, &params.tree, &params.locale).await?;
    let rows = web.store.history(life.place, up_to(period, params.key)).await?;
    let newest_first: Vec<&HistoryRow> = rows.iter().rev().collect();
    let following = params.key.map_or(&newest_first[..], |key| key.following(&newest_first));
    let key = |row: &&&HistoryRow| format!("{}.{}", row.srctime, row.run);
    Ok(Json(List::of(following, limit, key, |row| RunShown::of(row, now))))
}

/// The range, ended with the runs that have the source time of the last one seen.
fn up_to(period: Period, key: Option<Key>) -> std::ops::Range<i64> {
    let until = key.map_or(period.until, |key| key.srctime.saturating_add(1).min(period.until));
    period.from..until
}
