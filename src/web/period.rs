//! The span of time that a page of statistics shows: dates from an address in, seconds and the addresses of other spans out.

use super::error::PageError;
use super::shown::calendar;
use super::wanted::Wanted;
use crate::domain::{DAY, WEEK};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use std::ops::Range;

/// What is shown where an address does not say.
const USUAL: i64 = 3 * WEEK;

/// From `from` until just before `until`, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Period {
    /// What `starttime=` and `endtime=` ask for: dates, which begin at midnight UTC, or times as RFC 3339 has them. Three weeks up
    /// to the end of today otherwise.
    pub(super) fn read(wanted: &Wanted, now: Timestamp) -> Result<Period, PageError> {
        let period = Period::between(wanted.one("starttime"), wanted.one("endtime"), now)?;
        if period.from >= period.until {
            return Err(PageError::BadRequest("The starttime must be before the endtime.".to_owned()));
        }
        Ok(period)
    }

    /// From one moment until another, which may be earlier, each as an address has it; as usual where that is empty.
    pub(super) fn between(starttime: &str, endtime: &str, now: Timestamp) -> Result<Period, PageError> {
        let until = second("endtime", endtime)?.unwrap_or_else(|| tomorrow(now));
        let from = second("starttime", starttime)?.unwrap_or(until - USUAL);
        Ok(Period { from, until })
    }

    /// Whole days around these moments, to the end of today at least.
    pub(super) fn around(first: i64, last: i64, now: Timestamp) -> Period {
        Period { from: first.div_euclid(DAY) * DAY, until: tomorrow(now).max(last.div_euclid(DAY) * DAY + DAY) }
    }

    /// Nothing of the other one is outside of it.
    pub(super) fn covers(self, other: Period) -> bool {
        self.from <= other.from && other.until <= self.until
    }

    pub(super) fn range(self) -> Range<i64> {
        self.from..self.until
    }

    /// As long, just before it.
    pub(super) fn earlier(self) -> Option<Period> {
        self.moved(-self.length(), -self.length())
    }

    /// As long, just after it.
    pub(super) fn later(self) -> Option<Period> {
        self.moved(self.length(), self.length())
    }

    /// About twice as long, with the same middle.
    pub(super) fn wider(self) -> Option<Period> {
        let more = whole_days(self.length() / 2).max(DAY);
        self.moved(-more, more)
    }

    /// About half as long, with the same middle; none for what is as long as a day or two.
    pub(super) fn narrower(self) -> Option<Period> {
        let less = whole_days(self.length() / 4).max(DAY);
        self.moved(less, -less).filter(|period| period.length() >= DAY)
    }

    /// How an address says where it begins and ends.
    pub(super) fn names(self) -> (String, String) {
        (name(self.from), name(self.until))
    }

    fn length(self) -> i64 {
        self.until - self.from
    }

    fn moved(self, from: i64, until: i64) -> Option<Period> {
        let period = Period { from: self.from + from, until: self.until + until };
        (period.from < period.until && calendar(period.from).is_some() && calendar(period.until).is_some()).then_some(period)
    }
}

/// A date as a day's midnight UTC, or a time.
pub(super) fn moment(text: &str) -> Option<i64> {
    let day = |date: Date| Offset::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok();
    let at = if text.len() == 10 { text.parse::<Date>().ok().and_then(day) } else { text.parse::<Timestamp>().ok() };
    at.map(Timestamp::as_second).filter(|second| calendar(*second).is_some())
}

fn second(name: &str, text: &str) -> Result<Option<i64>, PageError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || PageError::BadRequest(format!("The {name} must be a date, as 2026-11-24, or a time, as 2026-11-24T06:15:00Z."));
    moment(text).map(Some).ok_or_else(wrong)
}

fn tomorrow(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY) * DAY + DAY
}

fn whole_days(seconds: i64) -> i64 {
    seconds / DAY * DAY
}

fn name(second: i64) -> String {
    let words = if second.rem_euclid(DAY) == 0 { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%SZ" };
    calendar(second).map(|at| at.strftime(words).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Period;
    use crate::web::wanted::Wanted;

    fn read(query: &str) -> Option<Period> {
        Period::read(&Wanted::read(query), "2026-11-24T06:15:30Z".parse().unwrap()).ok()
    }

    fn check(query: &str, from: &str, until: &str) {
        assert_eq!(read(query).map(Period::names), Some((from.to_owned(), until.to_owned())), "{query}");
    }

    #[test]
    fn a_period_is_three_weeks_where_nothing_else_is_said() {
        check("", "2026-11-04", "2026-11-25");
        check("endtime=2026-01-22", "2026-01-01", "2026-01-22");
        check("starttime=2026-11-20", "2026-11-20", "2026-11-25");
        check("starttime=2026-11-20T12:00:00%2B02:00&endtime=2026-11-21", "2026-11-20T10:00:00Z", "2026-11-21");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for wrong in ["yesterday", "2026-13-01", "2026-11-31", "20261101", "1795485784", "0000-01-01", "-2026-01-01", "2026-01-01T"]
        {
            assert_eq!(read(&format!("starttime={wrong}")), None, "{wrong}");
        }
        assert_eq!(read("starttime=2026-11-20&endtime=2026-11-20"), None);
        assert_eq!(read("starttime=2026-11-26"), None);
    }

    #[test]
    fn there_are_others_beside_it() {
        let period = read("starttime=2026-11-04&endtime=2026-11-25").unwrap();
        let names = |period: Option<Period>| period.map(|period| format!("{} {}", period.names().0, period.names().1));
        assert_eq!(names(period.earlier()).as_deref(), Some("2026-10-14 2026-11-04"));
        assert_eq!(names(period.later()).as_deref(), Some("2026-11-25 2026-12-16"));
        assert_eq!(names(period.wider()).as_deref(), Some("2026-10-25 2026-12-05"));
        assert_eq!(names(period.narrower()).as_deref(), Some("2026-11-09 2026-11-20"));
        assert_eq!(names(read("starttime=2026-11-24").unwrap().narrower()), None);
        assert_eq!(names(read("starttime=0001-01-01").unwrap().earlier()), None);
    }
}
