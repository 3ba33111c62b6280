//! How long something took, each time.

use super::count::pairs;
use super::text::{Kind, Text};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A histogram for each combination of labels that was seen, with upper bounds in seconds.
pub struct Timings<const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
    bounds: &'static [f64],
    noted: Mutex<BTreeMap<[&'static str; LABELS], Noted>>,
}

struct Noted {
    /// How many were within each bound and above the one before; the last is above all.
    within: Vec<u64>,
    seconds: f64,
}

impl<const LABELS: usize> Timings<LABELS> {
    pub const fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; LABELS],
        bounds: &'static [f64],
    ) -> Timings<LABELS> {
        Timings { name, help, labels, bounds, noted: Mutex::new(BTreeMap::new()) }
    }

    /// It took so long once more.
    pub fn note(&self, said: [&'static str; LABELS], took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = noted.entry(said).or_insert_with(|| Noted { within: vec![0; self.bounds.len() + 1], seconds: 0.0 });
        noted.within[place] += 1;
        noted.seconds += seconds;
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.family(self.name, self.help, Kind::Histogram);
        for (said, noted) in &*self.noted.lock().unwrap_or_else(PoisonError::into_inner) {
            self.write_one(&pairs(&self.labels, said), noted, text);
        }
    }

    fn write_one(&self, labels: &[(&str, &str)], noted: &Noted, text: &mut Text) {
        let bounds = self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut count = 0;
        for (bound, within) in bounds.zip(&noted.within) {
            count += within;
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            text.sample(&format!("{}_bucket", self.name), &labels, count);
        }
        text.sample(&format!("{}_sum", self.name), labels, noted.seconds);
        text.sample(&format!("{}_count", self.name), labels, count);
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, Timings};
    use std::time::Duration;

    #[test]
    fn each_bound_counts_all_that_is_within_it() {
        let timings = Timings::new("t", "T.", ["end"], &[0.1, 2.5]);
        for milliseconds in [100, 101, 9000] {
            timings.note(["ok"], Duration::from_millis(milliseconds));
        }
        let mut text = Text::default();
        timings.write(&mut text);

        let expected = r#"# HELP t T.
# TYPE t histogram
t_bucket{end="ok",le="0.1"} 1
t_bucket{end="ok",le="2.5"} 2
t_bucket{end="ok",le="+Inf"} 3
t_sum{end="ok"} 9.201
t_count{end="ok"} 3
"#;
        assert_eq!(text.done(), expected);
    }
}
