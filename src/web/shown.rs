//! How a reader sees times, people and messages: values from the store in, text out. Pure; takes any value, however odd.

use crate::domain::{Kept, RepositoryUrl, UrlRules};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// The first and last second of the years 1 to 9999, the only ones that pages and JSON can write as a time.
const FIRST_SECOND: i64 = -62_135_596_800;
const LONGEST_LINE: usize = 200;

/// A time, and the time at which it is looked at. In HTML a `<time>` with how long ago that is; in JSON RFC 3339, or null when
/// that cannot hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    seconds: i64,
    now: i64,
}

impl Time {
    /// A time of ours.
    pub(super) fn at(at: Timestamp, now: Timestamp) -> Time {
        Time::of_seconds(at.as_second(), now)
    }

    /// Seconds since 1970 as somebody else says them.
    pub(super) fn of_seconds(seconds: i64, now: Timestamp) -> Time {
        Time { seconds, now: now.as_second() }
    }

    /// The time to the minute, or what number it is when no calendar has it.
    pub(super) fn utc(&self) -> String {
        match self.in_calendar() {
            Some(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            None => format!("{} seconds since 1970", self.seconds),
        }
    }

    /// How long ago, or in how long.
    pub(super) fn ago(&self) -> String {
        let apart = self.now.saturating_sub(self.seconds);
        match (length(apart.unsigned_abs()), apart >= 0) {
            (None, true) => "just now".to_owned(),
            (None, false) => "in a moment".to_owned(),
            (Some(length), true) => format!("{length} ago"),
            (Some(length), false) => format!("in {length}"),
        }
    }

    /// Whether it has come.
    pub(super) fn is_over(&self) -> bool {
        self.seconds <= self.now
    }

    /// The time as RFC 3339 has it; nothing when that cannot hold it.
    pub(super) fn machine(&self) -> String {
        self.rfc3339().unwrap_or_default()
    }

    fn rfc3339(&self) -> Option<String> {
        self.in_calendar().map(|at| at.to_string())
    }

    fn in_calendar(&self) -> Option<Timestamp> {
        calendar(self.seconds)
    }
}

/// The HTML: digits, letters and punctuation of our own only.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rfc3339() {
            Some(machine) => {
                write!(f, "<time datetime=\"{machine}\">{}</time> <span class=\"ago\">{}</span>", self.utc(), self.ago())
            }
            None => f.write_str(&self.utc()),
        }
    }
}

impl askama::filters::HtmlSafe for Time {}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rfc3339().serialize(serializer)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let kind = SchemaType::from_iter([Type::String, Type::Null]);
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let description = "A time in UTC; null where it is not in the years 1 to 9999.";
        ObjectBuilder::new().schema_type(kind).format(Some(format)).description(Some(description)).into()
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Time")
    }
}

/// Seconds since 1970 as a time, in the years 1 to 9999.
pub(super) fn calendar(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok().filter(|_| seconds >= FIRST_SECOND)
}

/// A difference with its sign: `+3`, `−3`, `±0`.
pub(super) fn signed(number: i64) -> String {
    match number {
        0 => "±0".to_owned(),
        1.. => format!("+{number}"),
        _ => format!("−{}", number.unsigned_abs()),
    }
}

/// The zone of a clock `offset` seconds **west** of UTC.
pub(super) fn zone(offset: i32) -> String {
    let east = -i64::from(offset);
    let (sign, minutes) = (if east < 0 { '-' } else { '+' }, east.abs() / 60);
    if minutes < 24 * 60 { format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60) } else { format!("{east} seconds from UTC") }
}

/// The name in `Name <address>`, or all of it.
pub(super) fn person(author: &str) -> &str {
    let name = author.split('<').next().unwrap_or_default().trim().trim_matches('"').trim();
    match (name, author.trim()) {
        ("", "") => "(nobody)",
        ("", all) => all,
        (name, _) => name,
    }
}

/// A description as lines; line ends of any system are one.
pub(super) fn lines(description: &Kept) -> String {
    let plain = description.as_str().replace("\r\n", "\n").replace('\r', "\n");
    Kept::from_kept(plain).shown().trim_end().to_owned()
}

/// The first line of a description that says something, cut where it grows too long for a list.
pub(super) fn first_line(description: &str) -> String {
    let Some(line) = description.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return "(no description)".to_owned();
    };
    cut(line, LONGEST_LINE)
}

/// The text, or the beginning of one that is longer than so many characters.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A page of the repository's own host, if a browser may go there.
pub(super) fn upstream(url: &str, page: &str) -> Option<String> {
    RepositoryUrl::parse(url, UrlRules::OnlyHttp).ok().map(|url| format!("{url}/{page}"))
}

fn length(seconds: u64) -> Option<String> {
    const UNITS: [(u64, &str, u64); 5] =
        [(60, "minute", 60), (3600, "hour", 24), (86_400, "day", 60), (2_629_800, "month", 24), (31_557_600, "year", u64::MAX)];
    if seconds < UNITS[0].0 {
        return None;
    }
    let (count, unit) = UNITS
        .iter()
        .map(|(size, unit, many)| (seconds / size, *unit, *many))
        .find(|(count, _, many)| count < many)
        .map(|(count, unit, _)| (count, unit))?;
    Some(if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") })
}

#[cfg(test)]
mod tests {
    use super::{Time, first_line, lines, person, signed, upstream, zone};
    use crate::domain::Kept;
    use jiff::Timestamp;

    fn time(seconds: i64) -> Time {
        Time::of_seconds(seconds, "2026-11-24T06:15:30Z".parse().unwrap())
    }

    #[test]
    fn times_are_shown_to_the_minute_with_how_long_ago() {
        let now = "2026-11-24T06:15:30Z".parse::<Timestamp>().unwrap().as_second();
        let check = |seconds, ago| assert_eq!(time(now - seconds).ago(), ago, "{seconds}");
        check(0, "just now");
        check(59, "just now");
        check(60, "1 minute ago");
        check(3599, "59 minutes ago");
        check(2 * 3600, "2 hours ago");
        check(59 * 86_400, "59 days ago");
        check(200 * 86_400, "6 months ago");
        check(5 * 366 * 86_400, "5 years ago");
        check(-10, "in a moment");
        check(-300, "in 5 minutes");
        let html = "<time datetime=\"2026-11-24T06:12:30Z\">2026-11-24 06:12 UTC</time> <span class=\"ago\">3 minutes ago</span>";
        assert_eq!(time(now - 180).to_string(), html);
    }

    #[test]
    fn no_date_is_too_odd() {
        let check = |seconds, utc: &str, json: &str| {
            assert_eq!(time(seconds).utc(), utc);
            assert_eq!(serde_json::to_string(&time(seconds)).unwrap(), json);
            assert!(!time(seconds).to_string().is_empty());
        };
        check(-1, "1969-12-31 23:59 UTC", "\"1969-12-31T23:59:59Z\"");
        check(253_375_000_000, "9999-02-19 00:26 UTC", "\"9999-02-19T00:26:40Z\"");
        check(-62_135_596_800, "0001-01-01 00:00 UTC", "\"0001-01-01T00:00:00Z\"");
        check(-62_135_596_801, "-62135596801 seconds since 1970", "null");
        check(253_402_300_800, "253402300800 seconds since 1970", "null");
        check(i64::MAX, "9223372036854775807 seconds since 1970", "null");
        check(i64::MIN, "-9223372036854775808 seconds since 1970", "null");
    }

    #[test]
    fn a_difference_has_a_sign() {
        assert_eq!([0, 3, -3, i64::MIN].map(signed), ["±0", "+3", "−3", "−9223372036854775808"]);
    }

    #[test]
    fn a_zone_is_counted_east_as_people_do() {
        for (west, shown) in [(0, "UTC+00:00"), (-7200, "UTC+02:00"), (28_800, "UTC-08:00"), (-19_800, "UTC+05:30")] {
            assert_eq!(zone(west), shown);
        }
        assert_eq!(zone(i32::MIN), "2147483648 seconds from UTC");
    }

    #[test]
    fn an_author_is_a_person_where_one_is_named() {
        let check = |author, shown| assert_eq!(person(author), shown);
        check("Francesco Lodolo <flod@example.org>", "Francesco Lodolo");
        check("\"A B\" <a@b>", "A B");
        check("<a@b>", "<a@b>");
        check("ffxbld", "ffxbld");
        check(" ", "(nobody)");
    }

    #[test]
    fn a_description_is_lines_of_text() {
        assert_eq!(lines(&Kept::from("a\r\nb\rc\n\n")), "a\nb\nc");
        assert_eq!(first_line("\n  Bug 1 - x \nmore"), "Bug 1 - x");
        assert_eq!(first_line(" \n"), "(no description)");
        assert_eq!(first_line(&"ü".repeat(300)).chars().count(), 201);
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(upstream("https://h/a", "rev/1").as_deref(), Some("https://h/a/rev/1"));
        assert_eq!(upstream("file:///srv/a", "rev/1"), None);
        assert_eq!(upstream("javascript:alert(1)", ""), None);
    }
}
