//! What other programs of Mozilla ask Elmo for: the active runs, as `/shipping/api/status` always gave them. Only the parts about
//! sign-offs, which are kept elsewhere now, are not in it.

use super::Web;
use super::error::PageError;
use super::selection::Selection;
use super::wanted::Wanted;
use crate::store::PlaceRow;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use serde::Serialize;

/// Pages of any host may read it, as they always could.
const FOR_ALL: [(HeaderName, &str); 1] = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];

#[derive(Serialize)]
struct Status {
    items: Vec<Item>,
}

/// An active run, with the names and the order of Elmo's fields.
#[derive(Serialize)]
struct Item {
    id: String,
    runid: i64,
    label: String,
    locale: String,
    tree: String,
    r#type: &'static str,
    result: &'static str,
    missing: i64,
    report: i64,
    warnings: i64,
    changed: i64,
    unchanged: i64,
    total: i64,
    completion: i64,
    #[serde(skip_serializing_if = "is_none")]
    errors: i64,
    #[serde(skip_serializing_if = "is_none")]
    obsolete: i64,
}

/// The active runs of the trees and locales that are named, or of all; by tree, then locale.
pub(super) async fn show(State(web): State<Web>, wanted: Wanted) -> Result<impl IntoResponse, PageError> {
    let selection = Selection { trees: wanted.all("tree"), locales: wanted.all("locale"), states: Vec::new() };
    let board = web.boards.now(web.clock.now()).await?;
    let mut rows = selection.of(&board.rows);
    rows.sort_by_key(|row| &row.tree);
    Ok((FOR_ALL, Json(Status { items: rows.into_iter().map(Item::of).collect() })))
}

impl Item {
    fn of(row: &PlaceRow) -> Item {
        let counts = &row.counts;
        Item {
            id: format!("{}/{}", row.tree, row.locale),
            runid: row.run,
            label: row.locale.to_string(),
            locale: row.locale.to_string(),
            tree: row.tree.clone(),
            r#type: "Build",
            result: if counts.errors > 0 { "error" } else { row.counts.grade().name() },
            missing: counts.missing,
            report: counts.report,
            warnings: counts.warnings,
            changed: counts.changed,
            unchanged: counts.unchanged,
            total: row.total,
            completion: row.completion,
            errors: counts.errors,
            obsolete: counts.obsolete,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &i64) -> bool {
    *count == 0
}
