//! Obsolescence: which changeset was replaced by which.

use super::{Kept, Revision};

/// One obsolescence marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub precursor: Revision,
    /// None for a pruned changeset, several for a split one.
    pub successors: Vec<Revision>,
    pub user: Option<Kept>,
    /// Whole seconds since 1970.
    pub date: i64,
}
