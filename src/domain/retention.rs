//! For how long things are kept that nobody needs any more.

use jiff::Timestamp;
use std::time::Duration;

/// How long each kind is kept; none for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Messages set aside, from when they came last; those that are still to be tried again stay.
    pub parked: Option<Duration>,
    /// What happened to repositories themselves.
    pub events: Option<Duration>,
    /// What hosts said of branches that moved, once the push is recorded or will not come.
    pub notices: Option<Duration>,
    /// Damaged clones.
    pub set_aside: Option<Duration>,
    /// Details of comparisons in the cache, from when they were fetched.
    pub artifacts: Option<Duration>,
}

/// What is older than this has been kept long enough; none where it is kept for ever.
pub fn kept_since(kept: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    kept.map(|kept| now.saturating_sub(kept).unwrap_or(Timestamp::MIN))
}
