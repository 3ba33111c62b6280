//! Figures in, a table and one line of JSON out.

use serde_json::{Map, Value, json};
use std::time::Duration;

/// What a bench found.
pub(crate) struct Report {
    name: String,
    figures: Vec<(String, f64, Option<Limit>)>,
}

/// What a figure must keep to.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    Within(f64, f64),
}

impl Report {
    pub(crate) fn new(name: &str) -> Report {
        Report { name: name.to_owned(), figures: Vec::new() }
    }

    /// A figure that explains others.
    pub(crate) fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.add(name.into(), value, None);
    }

    /// A figure with a limit.
    pub(crate) fn limited(&mut self, name: impl Into<String>, value: f64, limit: Limit) {
        self.add(name.into(), value, Some(limit));
    }

    fn add(&mut self, name: String, value: f64, limit: Option<Limit>) {
        eprintln!("{}: {name} = {}", self.name, shown(value));
        self.figures.push((name, value, limit));
    }

    /// Prints everything; true when each figure keeps to its limit.
    #[expect(clippy::print_stdout, reason = "this is what a bench is for")]
    pub(crate) fn print(&self) -> bool {
        let ok = self.figures.iter().all(|(_, value, limit)| limit.is_none_or(|limit| limit.holds(*value)));
        let width = self.figures.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, value, limit) in &self.figures {
            let judged = limit.map(|limit| format!("{:12} {}", limit.text(), if limit.holds(*value) { "ok" } else { "MISSED" }));
            println!("{name:width$}  {:>12}  {}", shown(*value), judged.unwrap_or_default());
        }
        let figures: Map<String, Value> = self.figures.iter().map(|(name, value, _)| (name.clone(), rounded(*value))).collect();
        let limits: Map<String, Value> =
            self.figures.iter().filter_map(|(name, _, limit)| Some((name.clone(), json!(limit.as_ref()?.text())))).collect();
        println!("{}", json!({"bench": self.name, "ok": ok, "figures": figures, "limits": limits}));
        ok
    }
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Limit::AtMost(most) => value <= most,
            Limit::AtLeast(least) => value >= least,
            Limit::Within(least, most) => (least..=most).contains(&value),
        }
    }

    fn text(self) -> String {
        match self {
            Limit::AtMost(most) => format!("<= {most}"),
            Limit::AtLeast(least) => format!(">= {least}"),
            Limit::Within(least, most) => format!("{least} to {most}"),
        }
    }
}

fn shown(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

fn rounded(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}

/// In milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
