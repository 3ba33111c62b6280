//! A spark line: how one count went, as small as a word.

use super::steps::{Scale, steps, thinned};
use super::tenths;
use std::ops::Range;

/// The picture, in pixels.
const WIDTH: i64 = 120;
const HEIGHT: i64 = 24;
const EDGE: i64 = 3;

/// A line without axes, and what it says in words.
#[derive(Clone, Debug)]
pub(in crate::web) struct Spark {
    pub(in crate::web) line: String,
    /// Where it ends.
    pub(in crate::web) x: String,
    pub(in crate::web) y: String,
    pub(in crate::web) title: String,
}

impl Spark {
    /// The line of counts over a time; each holds until the next. Its height is the largest of them.
    pub(in crate::web) fn of(range: &Range<i64>, points: &[(i64, i64)]) -> Spark {
        let counts = || points.iter().map(|(_, count)| *count);
        let (least, most) = (counts().min().unwrap_or_default(), counts().max().unwrap_or_default());
        let times = Scale { from: range.start, until: range.end, low: 0, high: WIDTH - EDGE };
        let heights = Scale { from: 0, until: most.max(1), low: HEIGHT - EDGE, high: EDGE };
        let placed = points.iter().map(|(at, count)| (times.place(*at), heights.place(*count))).collect();
        let (line, _) = steps(&thinned(placed), (WIDTH - EDGE) * 10, HEIGHT * 10);
        let (first, last) = (counts().next().unwrap_or_default(), counts().next_back().unwrap_or_default());
        Spark { line, x: tenths((WIDTH - EDGE) * 10), y: tenths(heights.place(last)), title: words(first, last, least, most) }
    }
}

fn words(first: i64, last: i64, least: i64, most: i64) -> String {
    if least == most {
        return format!("{last} missing all the time");
    }
    format!("missing from {first} to {last}, between {least} and {most}")
}

#[cfg(test)]
mod tests {
    use super::Spark;

    #[test]
    fn a_spark_line_goes_in_steps_and_says_so() {
        let spark = Spark::of(&(0..1000), &[(-50, 10), (500, 0)]);
        assert_eq!((spark.line.as_str(), spark.y.as_str()), ("M0 3H58.5V21H117", "21"));
        assert_eq!(spark.title, "missing from 10 to 0, between 0 and 10");
        assert_eq!(Spark::of(&(0..1000), &[(0, 0)]).title, "0 missing all the time");
    }
}
