//! An overview: one count over a whole life in, a strip out on which the time that is shown is framed and others can be chosen.

use super::axis::{Span, spans};
use super::steps::{Scale, steps, thinned};
use super::{LEFT, Label, RIGHT, date_labels, tenths};
use std::ops::Range;

/// Where counts lie, in pixels from the top.
const TOP: i64 = 4;
const BOTTOM: i64 = 58;
/// The least width of what is framed, so that it can be seen, in tenths of pixels.
const SEEN: i64 = 40;

/// A line below which spans of time are links.
pub(in crate::web) struct Overview {
    /// What it shows, for those who cannot see it.
    pub(in crate::web) title: String,
    times: Scale,
    pub(in crate::web) line: String,
    pub(in crate::web) area: String,
    /// Where the time that is shown lies, if it is of this life.
    pub(in crate::web) frame: Option<Frame>,
    pub(in crate::web) choices: Vec<Choice>,
}

/// A stretch of the strip.
pub(in crate::web) struct Frame {
    pub(in crate::web) x: String,
    pub(in crate::web) width: String,
}

/// A stretch of the strip that leads to its time.
pub(in crate::web) struct Choice {
    pub(in crate::web) at: Frame,
    pub(in crate::web) name: String,
    pub(in crate::web) href: String,
    /// It is what is shown.
    pub(in crate::web) shown: bool,
}

impl Overview {
    /// The strip of counts over a life; each holds until the next.
    pub(in crate::web) fn over(life: &Range<i64>, title: String, points: &[(i64, i64)]) -> Overview {
        let times = Scale { from: life.start, until: life.end, low: LEFT, high: RIGHT };
        let most = points.iter().map(|(_, count)| *count).max().unwrap_or_default();
        let heights = Scale { from: 0, until: most.max(1), low: BOTTOM, high: TOP };
        let placed = points.iter().map(|(at, count)| (times.place(*at), heights.place(*count))).collect();
        let (line, area) = steps(&thinned(placed), RIGHT * 10, BOTTOM * 10);
        Overview { title, times, line, area, frame: None, choices: Vec::new() }
    }

    /// The same with the time that is shown, and with links to others.
    pub(in crate::web) fn showing(mut self, shown: &Range<i64>, address: impl Fn(&Range<i64>) -> String) -> Overview {
        if shown.start < self.times.until && shown.end > self.times.from {
            self.frame = Some(self.stretch(shown));
        }
        let choice = |Span { from, until, name }: Span| {
            let span = from..until;
            Choice { at: self.stretch(&span), href: address(&span), shown: span == *shown, name }
        };
        self.choices = spans(self.times.from, self.times.until).into_iter().map(choice).collect();
        self
    }

    fn stretch(&self, span: &Range<i64>) -> Frame {
        let (from, until) = (self.times.place(span.start), self.times.place(span.end));
        let from = from.min(RIGHT * 10 - SEEN);
        Frame { x: tenths(from), width: tenths((until - from).max(SEEN)) }
    }

    pub(in crate::web) fn date_labels(&self) -> Vec<Label> {
        date_labels(&self.times)
    }
}

#[cfg(test)]
mod tests {
    use super::Overview;
    use jiff::Timestamp;

    fn second(date: &str) -> i64 {
        format!("{date}T00:00:00Z").parse::<Timestamp>().unwrap().as_second()
    }

    fn showing(from: &str, until: &str) -> Overview {
        let life = second("2026-01-01")..second("2027-01-01");
        let overview = Overview::over(&life, String::new(), &[(life.start, 10), (second("2026-07-02"), 0)]);
        overview.showing(&(second(from)..second(until)), |span| format!("/{}", span.start))
    }

    #[test]
    fn a_life_is_a_line_and_its_months_are_links() {
        let overview = showing("2026-10-01", "2026-11-01");
        assert!(overview.line.starts_with("M60 4H47") && overview.line.ends_with("V58H900"), "{}", overview.line);
        let named: Vec<&str> = overview.choices.iter().map(|choice| choice.name.as_str()).collect();
        assert_eq!((named.len(), named[0], named[11]), (12, "Jan 2026", "Dec 2026"));
        assert_eq!(overview.choices[1].href, format!("/{}", second("2026-02-01")));
        assert_eq!(overview.choices.iter().filter(|choice| choice.shown).count(), 1);
    }

    #[test]
    fn what_is_shown_is_framed_as_far_as_it_is_of_this_life() {
        let frame = |from: &str, until: &str| showing(from, until).frame.map(|frame| (frame.x, frame.width));
        let at = |x: &str, width: &str| Some((x.to_owned(), width.to_owned()));
        assert_eq!(frame("2020-01-01", "2030-01-01"), at("60", "840"));
        assert_eq!(frame("2026-12-31", "2027-02-01"), at("896", "4"));
        assert_eq!(frame("2027-01-01", "2027-02-01"), None);
        assert_eq!(frame("2025-12-01", "2026-01-01"), None);
    }
}
