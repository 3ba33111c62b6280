//! A branch of git that moved from one commit to another.

use super::{Kept, Revision};

/// That a branch moved, as the host says: the same whichever way the news came, and however often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notice {
    pub branch: Kept,
    /// The null changeset where the branch was made by this.
    pub before: Revision,
    /// The null changeset where the branch was deleted by this.
    pub after: Revision,
    /// Who pushed.
    pub pusher: Kept,
    /// When the host took the push, in seconds since 1970; 0 where it does not say.
    pub date: i64,
}

/// One move of a branch: a push, as far as git has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchMove {
    pub branch: Kept,
    /// The null changeset where the branch was made, or found for the first time.
    pub before: Revision,
    /// The null changeset where the branch was deleted.
    pub after: Revision,
    /// Who pushed, and when in seconds since 1970; none while it was only seen.
    pub pushed: Option<(Kept, i64)>,
}
