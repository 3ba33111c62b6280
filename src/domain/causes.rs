//! Errors as one line of text.

use std::error::Error;

/// An error with all its causes, in one line, for the log and the operator.
pub fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
