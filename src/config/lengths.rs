//! Lengths of time as people write them.

use serde::{Deserialize, Deserializer};
use std::time::Duration;

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

pub(super) fn perhaps_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { parse_duration(&text).map(Some).map_err(serde::de::Error::custom) }
}

/// Reads a length; a bare number means seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let span: jiff::SignedDuration =
        with_hours(text).parse().map_err(|_| format!("{text:?} is not a length of time as \"30s\" or \"10m\""))?;
    Duration::try_from(span).map_err(|_| format!("{text:?} is less than nothing"))
}

/// A day is 24 hours here; the parser leaves days to calendars.
fn with_hours(text: &str) -> String {
    let days = ["days", "day", "d"].iter().find_map(|unit| text.trim().strip_suffix(unit)?.trim_end().parse::<u32>().ok());
    days.map_or_else(|| text.to_owned(), |days| format!("{}h", u64::from(days) * 24))
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use std::time::Duration;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, seconds) in
            [("30s", 30), ("10m", 600), ("2h", 7200), ("3 days", 259_200), ("1 day", 86_400), ("90", 90), ("1h 30m", 5400)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }
}
