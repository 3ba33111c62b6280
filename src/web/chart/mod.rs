//! Charts: numbers over time in, SVG out. Pure. No style is in it: shapes have classes, which the style sheet colours, and
//! patterns, which tell them apart without colour.
//!
//! A chart is bounded however many points it is of: up to 500 are all drawn. Of more, a line keeps the first, the lowest, the
//! highest and the last of each two pixels, which looks the same, and the last run of each two pixels has a circle.

mod axis;
mod overview;
mod spark;
mod steps;

pub(super) use overview::Overview;
pub(super) use spark::Spark;

use axis::{CountTick, DateTick};
use std::ops::Range;
use steps::{Scale, steps, thinned};

/// The whole picture and what is left of it within the labels, in pixels.
const WIDTH: i64 = 960;
const HEIGHT: i64 = 320;
const LEFT: i64 = 60;
const RIGHT: i64 = WIDTH - 60;
const TOP: i64 = 14;
const BOTTOM: i64 = HEIGHT - 30;

/// A step chart over time.
pub(super) struct Chart {
    /// What it shows, for those who cannot see it.
    pub(super) title: String,
    times: Scale,
    left: Axis,
    right: Option<Axis>,
    pub(super) series: Vec<Series>,
    pub(super) marks: Vec<Mark>,
    pub(super) bands: Vec<Band>,
}

/// A scale of counts.
struct Axis {
    scale: Scale,
    ticks: Vec<i64>,
    label: &'static str,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Area,
    Line,
}

/// One row of steps as it is drawn.
pub(super) struct Series {
    /// The class, which is a name too.
    pub(super) name: &'static str,
    /// The outline, and of an area what it encloses.
    pub(super) line: String,
    pub(super) area: String,
}

/// A circle that leads somewhere.
pub(super) struct Mark {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) href: String,
    pub(super) title: String,
}

/// A span of time that is shaded.
pub(super) struct Band {
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) title: String,
}

/// What a circle stands for: a second since 1970, a count, an address and a sentence.
pub(super) struct Stop {
    pub(super) at: i64,
    pub(super) count: i64,
    pub(super) href: String,
    pub(super) title: String,
}

/// A line of a grid, and what is written at it.
pub(super) struct Label {
    pub(super) at: String,
    pub(super) text: String,
}

impl Chart {
    /// An empty chart of a time, with counts from 0 to at least `most`.
    pub(super) fn over(range: &Range<i64>, title: String, label: &'static str, most: i64) -> Chart {
        Chart {
            title,
            times: Scale { from: range.start, until: range.end, low: LEFT, high: RIGHT },
            left: Axis::upto(most, label),
            right: None,
            series: Vec::new(),
            marks: Vec::new(),
            bands: Vec::new(),
        }
    }

    /// The same with a second scale of counts at its right.
    pub(super) fn and_at_the_right(self, label: &'static str, most: i64) -> Chart {
        Chart { right: Some(Axis::upto(most, label)), ..self }
    }

    /// The same with counts on the left scale; each holds until the next, the last one until the end.
    pub(super) fn with(mut self, name: &'static str, shape: Shape, points: &[(i64, i64)]) -> Chart {
        let series = self.drawn(name, shape, points, &self.left);
        self.series.push(series);
        self
    }

    /// The same with counts on the right scale, if it has one.
    pub(super) fn with_at_the_right(mut self, name: &'static str, shape: Shape, points: &[(i64, i64)]) -> Chart {
        if let Some(right) = &self.right {
            let series = self.drawn(name, shape, points, right);
            self.series.push(series);
        }
        self
    }

    /// The same with a circle for each of these that is within its time; oldest first.
    pub(super) fn marked(mut self, stops: Vec<Stop>) -> Chart {
        let within = stops.into_iter().filter(|stop| (self.times.from..self.times.until).contains(&stop.at)).collect();
        let seen = steps::last_of_columns(within, |stop| self.times.place(stop.at));
        let mark = |stop: Stop| Mark {
            x: tenths(self.times.place(stop.at)),
            y: tenths(self.left.scale.place(stop.count)),
            href: stop.href,
            title: stop.title,
        };
        self.marks = seen.into_iter().map(mark).collect();
        self
    }

    /// The same with a span shaded.
    pub(super) fn shaded(mut self, class: &'static str, span: &Range<i64>, title: String) -> Chart {
        let (from, until) = (self.times.place(span.start), self.times.place(span.end));
        if from < until {
            self.bands.push(Band { class, x: tenths(from), width: tenths(until - from), title });
        }
        self
    }

    fn drawn(&self, name: &'static str, shape: Shape, points: &[(i64, i64)], axis: &Axis) -> Series {
        let placed = points.iter().map(|(at, count)| (self.times.place(*at), axis.scale.place(*count))).collect();
        let placed = thinned(placed);
        let (line, area) = steps(&placed, RIGHT * 10, BOTTOM * 10);
        Series { name, line, area: if shape == Shape::Area { area } else { String::new() } }
    }

    pub(super) fn left_labels(&self) -> Vec<Label> {
        self.left.labels()
    }

    pub(super) fn right_labels(&self) -> Vec<Label> {
        self.right.iter().flat_map(Axis::labels).collect()
    }

    pub(super) fn left_name(&self) -> &'static str {
        self.left.label
    }

    pub(super) fn right_name(&self) -> Option<&'static str> {
        self.right.as_ref().map(|axis| axis.label)
    }

    pub(super) fn date_labels(&self) -> Vec<Label> {
        date_labels(&self.times)
    }
}

impl Series {
    /// The pattern that tells its area from others.
    pub(super) fn pattern(&self) -> &'static str {
        if self.name == "unchanged" { "dots" } else { "up" }
    }
}

impl Axis {
    fn upto(most: i64, label: &'static str) -> Axis {
        let ticks: Vec<CountTick> = axis::counts(most);
        let top = ticks.last().copied().unwrap_or(1);
        Axis { scale: Scale { from: 0, until: top, low: BOTTOM, high: TOP }, ticks, label }
    }

    fn labels(&self) -> Vec<Label> {
        let label = |tick: &i64| Label { at: tenths(self.scale.place(*tick)), text: tick.to_string() };
        self.ticks.iter().map(label).collect()
    }
}

fn date_labels(times: &Scale) -> Vec<Label> {
    let label = |tick: DateTick| Label { at: tenths(times.place(tick.at)), text: tick.text };
    axis::dates(times.from, times.until).into_iter().map(label).collect()
}

/// A number of tenths of pixels.
fn tenths(number: i64) -> String {
    if number % 10 == 0 { (number / 10).to_string() } else { format!("{}.{}", number / 10, (number % 10).abs()) }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Shape, Stop};

    fn stop(at: i64) -> Stop {
        Stop { at, count: 1, href: format!("/{at}"), title: String::new() }
    }

    #[test]
    fn circles_and_spans_are_only_of_the_time_that_is_shown() {
        let chart = Chart::over(&(1000..2000), String::new(), "strings", 10).marked(vec![stop(900), stop(1500), stop(2000)]);
        let chart = chart.shaded("good", &(500..1500), String::new()).shaded("bad", &(3000..4000), String::new());
        assert_eq!(chart.marks.iter().map(|mark| mark.href.as_str()).collect::<Vec<_>>(), ["/1500"]);
        assert_eq!(chart.bands.iter().map(|band| (band.x.as_str(), band.width.as_str())).collect::<Vec<_>>(), [("60", "420")]);
    }

    #[test]
    fn a_chart_of_very_many_points_is_not_much_larger_than_one_of_many() {
        let points: Vec<(i64, i64)> = (0..100_000).map(|at| (at, at * 7919 % 1000)).collect();
        let chart = Chart::over(&(0..100_000), String::new(), "strings", 1000).with("missing", Shape::Area, &points);
        let chart = chart.marked(points.iter().map(|(at, _)| stop(*at)).collect());
        assert!(chart.series[0].line.len() < 25_000 && chart.marks.len() <= 420, "{}", chart.series[0].line.len());
    }
}
