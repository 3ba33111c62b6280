//! Obsolescence markers: which changeset was replaced by which.

use super::database::{Change, RowsSql, StoreError, rows_sql};
use super::placeholders;
use super::rows::{Cell, Rows};
use crate::domain::{Marker, RepositoryId, Revision};
use std::collections::BTreeSet;

/// Markers that a repository's message brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marking {
    pub repository: RepositoryId,
    pub markers: Vec<Marker>,
}

const ADD_MARKERS: RowsSql = rows_sql!(
    "insert into obsolescence (precursor, successor, repository, marker_user, date)
     select (select id from changeset where revision = value->>0), (select id from changeset where revision = value->>1),
            cast(value->>2 as bigint), value->>3, cast(value->>4 as bigint)
     from " ROWS " where true
     on conflict do nothing");

/// Writes markers down; changesets that nobody has seen become placeholders.
pub(super) async fn mark(change: &mut Change, markings: &[Marking]) -> Result<(), StoreError> {
    let markers = || markings.iter().flat_map(|marking| &marking.markers);
    let precursors: BTreeSet<Revision> = markers().map(|marker| marker.precursor).collect();
    if precursors.is_empty() {
        return Ok(());
    }
    let named: BTreeSet<Revision> =
        precursors.iter().copied().chain(markers().flat_map(|marker| marker.successors.iter().copied())).collect();
    placeholders::add(change, &named).await?;
    placeholders::mark_obsolete(change, &precursors).await?;
    change.run(&ADD_MARKERS, marker_rows(markings)).await?;
    Ok(())
}

fn marker_rows(markings: &[Marking]) -> String {
    let mut rows = Rows::new();
    for marking in markings {
        for marker in &marking.markers {
            let pruned = [Revision::NULL];
            let successors = if marker.successors.is_empty() { &pruned[..] } else { &marker.successors };
            for successor in successors {
                rows.add([
                    Cell::Plain(marker.precursor.to_string()),
                    Cell::Plain(successor.to_string()),
                    Cell::Number(marking.repository.0),
                    marker.user.as_ref().map_or(Cell::Nothing, |user| Cell::Text(user.as_str())),
                    Cell::Number(marker.date),
                ]);
            }
        }
    }
    rows.done()
}
