//! Where an axis has its ticks: round counts, and beginnings of hours, days, months and years.

use crate::domain::{DAY, HOUR, WEEK};
use crate::web::shown::calendar;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

/// A round count.
pub(super) type CountTick = i64;

/// The beginning of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateTick {
    /// Seconds since 1970.
    pub(super) at: i64,
    pub(super) text: String,
}

/// Some months, or years.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Span {
    /// Seconds since 1970.
    pub(in crate::web) from: i64,
    pub(in crate::web) until: i64,
    pub(in crate::web) name: String,
}

/// A scale of counts has at most so many steps, one of times so many ticks.
const STEPS: i64 = 5;
const DATES: i64 = 9;
/// And so many spans at most.
const SPANS: i64 = 24;
/// How many months can belong together.
const MONTHS: [i64; 11] = [1, 3, 6, 12, 24, 60, 120, 600, 1200, 6000, 12_000];
/// Of 1970-01-05, the first Monday of the era.
const MONDAY: i64 = 4 * DAY;

/// Ticks from 0 to the first one that is not below `most`, a round number apart.
pub(super) fn counts(most: i64) -> Vec<CountTick> {
    let most = most.max(1);
    let mut size = 1_i64;
    let step = loop {
        if let Some(step) = [size, 2 * size, 5 * size].into_iter().find(|step| step.saturating_mul(STEPS) >= most) {
            break step;
        }
        size = size.saturating_mul(10).min(i64::MAX / 5);
    };
    let steps = most / step + i64::from(most % step > 0);
    (0..=steps).map(|number| number.saturating_mul(step)).collect()
}

/// Ticks at round times between two, few enough to be read.
pub(super) fn dates(from: i64, until: i64) -> Vec<DateTick> {
    let length = until.saturating_sub(from);
    let fits = |step: i64| length / step < DATES;
    if let Some(step) = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR].into_iter().find(|step| fits(*step)) {
        return apart(from, until, step, 0, "%m-%d %H:%M");
    }
    if let Some(step) = [DAY, 2 * DAY].into_iter().find(|step| fits(*step)) {
        return apart(from, until, step, 0, "%b %-d");
    }
    if let Some(step) = [WEEK, 2 * WEEK].into_iter().find(|step| fits(*step)) {
        return apart(from, until, step, MONDAY, "%b %-d");
    }
    months_apart(from, until, months_that(fits))
}

/// The months, quarters, halves of a year or years that cover the time between two: the shortest that are few enough.
pub(super) fn spans(from: i64, until: i64) -> Vec<Span> {
    let step = months_that(|step| until.saturating_sub(from) / step < SPANS);
    let first = month_of(from).map(|month| month.div_euclid(step) * step);
    let starts = first.into_iter().flat_map(|first| (0..=2 * SPANS).map(move |number| first + number * step));
    let covering = starts.filter_map(|start| span(start, step)).filter(|span| span.until > from && span.from < until);
    covering.collect()
}

fn span(start: i64, step: i64) -> Option<Span> {
    let ((from, first), (_, last), (until, _)) = (month(start)?, month(start + step - 1)?, month(start + step)?);
    let words = if step % 12 == 0 { "%Y" } else { "%b %Y" };
    let (first, last) = (first.strftime(words).to_string(), last.strftime(words).to_string());
    Some(Span { from, until, name: if first == last { first } else { format!("{first} to {last}") } })
}

fn months_that(fit: impl Fn(i64) -> bool) -> i64 {
    MONTHS.into_iter().find(|months| fit(months * 30 * DAY)).unwrap_or(12_000)
}

fn apart(from: i64, until: i64, step: i64, first: i64, words: &str) -> Vec<DateTick> {
    let start = (from - first).div_euclid(step) * step + first;
    let ticks = (0..).map(|number| start + number * step).take_while(|at| *at < until).filter(|at| *at >= from);
    ticks.filter_map(|at| Some(DateTick { at, text: calendar(at)?.strftime(words).to_string() })).collect()
}

fn months_apart(from: i64, until: i64, step: i64) -> Vec<DateTick> {
    let Some(first) = month_of(from) else { return Vec::new() };
    let first = first.div_euclid(step) * step;
    let years = step % 12 == 0;
    (0..=2 * DATES)
        .filter_map(|number| month(first + number * step))
        .filter(|(at, _)| (from..until).contains(at))
        .map(|(at, date)| DateTick { at, text: date.strftime(if years { "%Y" } else { "%b %Y" }).to_string() })
        .collect()
}

/// The month of a moment, counted from the year 0.
fn month_of(second: i64) -> Option<i64> {
    let at = Timestamp::from_second(second).ok().map(|at| Offset::UTC.to_datetime(at))?;
    Some(i64::from(at.year()) * 12 + i64::from(at.month()) - 1)
}

/// The beginning of a month, counted from that of the year 0.
fn month(number: i64) -> Option<(i64, DateTime)> {
    let year = i16::try_from(number.div_euclid(12)).ok()?;
    let date = jiff::civil::Date::new(year, 1, 1).ok()?.checked_add(number.rem_euclid(12).months()).ok()?;
    let date = date.to_datetime(jiff::civil::Time::midnight());
    Some((Offset::UTC.to_timestamp(date).ok()?.as_second(), date))
}

#[cfg(test)]
mod tests {
    use super::{counts, dates, spans};
    use jiff::Timestamp;

    #[test]
    fn counts_have_round_ticks() {
        let check = |most, ticks: &[i64]| assert_eq!(counts(most), ticks, "{most}");
        check(0, &[0, 1]);
        check(1, &[0, 1]);
        check(4, &[0, 1, 2, 3, 4]);
        check(7, &[0, 2, 4, 6, 8]);
        check(172, &[0, 50, 100, 150, 200]);
        check(1000, &[0, 200, 400, 600, 800, 1000]);
        assert!(counts(i64::MAX).len() <= 7);
    }

    #[test]
    fn times_have_round_ticks() {
        let check = |from: &str, until: &str, expected: &str| {
            let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
            let ticks: Vec<String> = dates(second(from), second(until)).into_iter().map(|tick| tick.text).collect();
            assert_eq!(ticks.join(", "), expected, "{from} {until}");
        };
        check("2026-11-24T01:30:00Z", "2026-11-24T04:00:00Z", "11-24 02:00, 11-24 03:00");
        check("2026-11-20T00:00:00Z", "2026-11-25T00:00:00Z", "Nov 20, Nov 21, Nov 22, Nov 23, Nov 24");
        check("2026-11-04T00:00:00Z", "2026-11-25T00:00:00Z", "Nov 9, Nov 16, Nov 23");
        check("2026-08-15T00:00:00Z", "2026-12-31T00:00:00Z", "Sep 2026, Oct 2026, Nov 2026, Dec 2026");
        check(
            "2024-11-25T00:00:00Z",
            "2026-11-25T00:00:00Z",
            "Jan 2025, Apr 2025, Jul 2025, Oct 2025, Jan 2026, Apr 2026, Jul 2026, Oct 2026",
        );
        check("2019-06-01T00:00:00Z", "2026-11-25T00:00:00Z", "2020, 2021, 2022, 2023, 2024, 2025, 2026");
        check("0001-01-01T00:00:00Z", "9999-12-30T00:00:00Z", "1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000");
        check("2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z", "");
    }

    #[test]
    fn months_or_years_cover_a_time() {
        let check = |from: &str, until: &str, expected: (usize, &str, &str)| {
            let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
            let spans = spans(second(from), second(until));
            let (first, last) = (spans.first().unwrap(), spans.last().unwrap());
            assert_eq!((spans.len(), first.name.as_str(), last.name.as_str()), expected, "{from} {until}");
            assert!(first.from <= second(from) && last.until >= second(until), "{spans:?}");
            assert!(spans.windows(2).all(|pair| pair[0].until == pair[1].from), "{spans:?}");
        };
        check("2026-11-20T00:00:00Z", "2026-11-25T00:00:00Z", (1, "Nov 2026", "Nov 2026"));
        check("2026-05-31T00:00:00Z", "2026-08-01T00:00:00Z", (3, "May 2026", "Jul 2026"));
        check("2022-02-01T00:00:00Z", "2026-11-25T00:00:00Z", (20, "Jan 2022 to Mar 2022", "Oct 2026 to Dec 2026"));
        check("2010-06-01T00:00:00Z", "2026-11-25T00:00:00Z", (17, "2010", "2026"));
        check("0001-01-01T00:00:00Z", "9400-01-01T00:00:00Z", (19, "0000 to 0499", "9000 to 9499"));
    }
}
