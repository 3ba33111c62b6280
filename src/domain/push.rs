//! A push as the pushlog has it.

use super::{Kept, Revision};

/// The largest push id taken: 2⁵³, beyond which JSON numbers are not exact.
pub const MAX_PUSH_ID: u64 = 1 << 53;

/// One push to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Counts up within a repository; gaps are normal.
    pub id: u64,
    /// Who pushed, an e-mail normally.
    pub user: Kept,
    /// Whole seconds since 1970, by the server's clock; need not grow with the id.
    pub date: i64,
    /// In the pushlog's order, the tip last. Empty when all are obsolete or stripped.
    pub changesets: Vec<Revision>,
    /// Those that the pushlog lists as obsolete.
    pub obsolete: Vec<Revision>,
    /// Which commits of git its changesets are, as far as the host says.
    pub twins: Vec<Twins>,
}

/// A changeset of Mercurial and the commit of git that is the same change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Twins {
    pub changeset: Revision,
    pub commit: Revision,
}
