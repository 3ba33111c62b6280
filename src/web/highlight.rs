//! Spans of time that an address wants shaded: `hl-<name>-s`, `-e` and `-c` in, starts, ends and classes out. Pure.

use super::period::moment;
use super::shown::Time;
use super::wanted::Wanted;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;

/// The classes that the style sheet knows.
const CLASSES: [&str; 4] = ["good", "bad", "warn", "calm"];
/// More than so many are left out.
const MOST: usize = 50;

/// A span of time that is shaded.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Highlight {
    pub(super) name: String,
    start: Time,
    end: Time,
    pub(super) class: &'static str,
    #[serde(skip)]
    span: (i64, i64),
}

impl Highlight {
    pub(super) fn span(&self) -> Range<i64> {
        self.span.0..self.span.1
    }

    /// When it is.
    pub(super) fn words(&self) -> String {
        format!("{} ({}): {} to {}", self.name, self.class, self.start.utc(), self.end.utc())
    }
}

/// The highlights that are whole, by name; and whether all are.
pub(super) fn highlights(wanted: &Wanted, now: Timestamp) -> (Vec<Highlight>, bool) {
    let mut named: BTreeMap<&str, [&str; 3]> = BTreeMap::new();
    let mut are_whole = true;
    for (rest, value) in wanted.beginning_with("hl-") {
        let part =
            rest.rsplit_once('-').and_then(|(name, part)| Some((name, ["s", "e", "c"].iter().position(|one| *one == part)?)));
        match part {
            Some((name, part)) => named.entry(name).or_default()[part] = value,
            None => are_whole = false,
        }
    }
    let count = named.len();
    let whole: Vec<Highlight> = named.into_iter().take(MOST).filter_map(|(name, parts)| highlight(name, parts, now)).collect();
    are_whole &= whole.len() == count;
    (whole, are_whole)
}

fn highlight(name: &str, [start, end, class]: [&str; 3], now: Timestamp) -> Option<Highlight> {
    let span = (moment(start)?, moment(end)?);
    let class = CLASSES.into_iter().find(|known| *known == class)?;
    let (start, end) = (Time::of_seconds(span.0, now), Time::of_seconds(span.1, now));
    (span.0 < span.1).then(|| Highlight { name: name.to_owned(), start, end, class, span })
}

#[cfg(test)]
mod tests {
    use super::highlights;
    use crate::web::wanted::Wanted;

    fn check(query: &str, expected: &[(&str, &str)], are_whole: bool) {
        let (found, whole) = highlights(&Wanted::read(query), "2026-11-24T06:15:30Z".parse().unwrap());
        let found: Vec<(&str, &str)> = found.iter().map(|one| (one.name.as_str(), one.class)).collect();
        assert_eq!((found.as_slice(), whole), (expected, are_whole), "{query}");
    }

    #[test]
    fn a_highlight_is_a_start_an_end_and_a_class() {
        let whole = "hl-0-s=2026-11-01&hl-0-e=2026-11-08&hl-0-c=good";
        check("", &[], true);
        check(whole, &[("0", "good")], true);
        check(&format!("{whole}&hl-b-1-s=2026-11-01&hl-b-1-e=2026-11-02&hl-b-1-c=bad"), &[("0", "good"), ("b-1", "bad")], true);
        check(&format!("{whole}&hl-1-s=2026-11-01"), &[("0", "good")], false);
        check(&format!("{whole}&hl-x=1"), &[("0", "good")], false);
        check("hl-0-s=2026-11-08&hl-0-e=2026-11-01&hl-0-c=good", &[], false);
        check("hl-0-s=2026-11-01&hl-0-e=2026-11-08&hl-0-c=\"><script>", &[], false);
        check("hl-0-s=then&hl-0-e=2026-11-08&hl-0-c=good", &[], false);
    }
}
