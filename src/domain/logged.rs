//! How things are written into the log.

use std::error::Error;
use std::time::Duration;

/// An error with all its causes, in one line, for the log and the operator. Some libraries say their cause themselves; it is not
/// said again.
pub fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let join = |said: String, cause: String| if said.ends_with(&cause) { said } else { format!("{said}: {cause}") };
    causes.map(ToString::to_string).reduce(join).unwrap_or_default()
}

/// A length of time as a field of the log, which knows no `u128`.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::in_full;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Said {
        said: &'static str,
        source: Option<Box<Said>>,
    }

    #[test]
    fn a_cause_is_said_once() {
        let check = |chain: &[&'static str], expected: &str| {
            let because = |source, said: &&'static str| Some(Box::new(Said { said, source }));
            let error = chain.iter().rev().fold(None, because).unwrap();
            assert_eq!(in_full(&error), expected);
        };
        check(&["could not connect"], "could not connect");
        check(&["could not connect", "refused"], "could not connect: refused");
        check(
            &["could not connect", "broken line: refused", "refused", "by law"],
            "could not connect: broken line: refused: by law",
        );
    }
}
