//! A changeset as the repository has it.

use super::{Kept, Revision};

/// When a changeset says it was made: Mercurial's own pair. Any value may come; nothing checks clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HgDate {
    /// Seconds since 1970 UTC, negative before.
    pub seconds: i64,
    /// Seconds **west** of UTC: UTC+2 is -7200.
    pub offset: i32,
}

/// What a changeset says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changeset {
    pub revision: Revision,
    /// First and second parent, those that there are; a root has none.
    pub parents: Vec<Revision>,
    pub author: Kept,
    pub description: Kept,
    pub branch: Kept,
    pub closes_branch: bool,
    pub date: HgDate,
    /// Mercurial's own list: for a merge only what differs from both parents.
    pub files: Vec<Kept>,
}
