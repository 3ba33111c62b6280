//! The text form of Prometheus, version 0.0.4: families of samples, each sample a line that no label can end.

use std::fmt::{Display, Write};

/// What may become of a figure from one look to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Figures as they are written down.
#[derive(Debug, Default)]
pub struct Text(String);

/// What the text is, as a header says it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Text {
    /// Begins a family: all samples of one name follow.
    pub fn family(&mut self, name: &str, help: &str, kind: Kind) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, said)) in labels.iter().enumerate() {
            self.0.push_str(if place == 0 { "{" } else { "," });
            self.0.push_str(label);
            self.0.push_str("=\"");
            self.say(said);
            self.0.push('"');
        }
        self.line(format_args!("{} {value}", if labels.is_empty() { "" } else { "}" }));
    }

    /// A family of one sample that has no labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, help, Kind::Gauge);
        self.sample(name, &[], value);
    }

    fn say(&mut self, said: &str) {
        for character in said.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                other => self.0.push(other),
            }
        }
    }

    /// All that was written.
    pub fn done(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Text};

    #[test]
    fn labels_cannot_end_their_line() {
        let mut text = Text::default();
        text.family("elmo_messages_total", "Messages.", Kind::Counter);
        text.sample("elmo_messages_total", &[("exchange", "a"), ("kind", "a\"b\\c\nd")], 3);
        text.gauge("elmo_lanes", "Lanes.", 4);

        let expected = "# HELP elmo_messages_total Messages.\n# TYPE elmo_messages_total counter\n\
                        elmo_messages_total{exchange=\"a\",kind=\"a\\\"b\\\\c\\nd\"} 3\n\
                        # HELP elmo_lanes Lanes.\n# TYPE elmo_lanes gauge\nelmo_lanes 4\n";
        assert_eq!(text.done(), expected);
    }
}
