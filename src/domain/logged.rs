//! How things are written into the log.

use std::error::Error;
use std::time::Duration;

/// An error with all its causes, in one line, for the log and the operator.
pub fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A length of time as a field of the log, which knows no `u128`.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
