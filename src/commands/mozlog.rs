//! Log lines in mozlog, as Mozilla's operators collect them: one JSON object a line, whatever stands in what is logged.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fmt::{self, Debug};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as mozlog 2.0.
pub(super) struct Mozlog {
    hostname: String,
}

impl Mozlog {
    pub(super) fn of_this_machine() -> Mozlog {
        Mozlog { hostname: rustix::system::uname().nodename().to_string_lossy().into_owned() }
    }

    fn line(&self, event: &Event<'_>, now: Timestamp) -> Value {
        let mut fields = Fields::default();
        event.record(&mut fields);
        json!({
            "Timestamp": i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX),
            "Type": event.metadata().target(),
            "Logger": "elmo",
            "Hostname": self.hostname,
            "EnvVersion": "2.0",
            "Severity": severity(*event.metadata().level()),
            "Pid": std::process::id(),
            "Fields": fields.0,
        })
    }
}

impl<S, N> FormatEvent<S, N> for Mozlog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writeln!(writer, "{}", self.line(event, Timestamp::now()))
    }
}

/// By the numbers of syslog.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// What an event says; its message is called `msg`.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::Mozlog;
    use serde_json::{Value, json};
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn hostile_text_stays_within_its_line_and_its_field() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .event_format(Mozlog { hostname: "machine".to_owned() })
            .with_writer(move || writer.clone())
            .finish();
        let hostile = "fr\"}\r\n{\"Severity\":0}\u{2028}\u{1b}[31m\0";

        tracing::subscriber::with_default(log, || {
            tracing::warn!(target: "elmo::sync", wait_ms = 5_u64, repository.name = %hostile, said = hostile, "not up to date {hostile}");
        });

        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        assert!(line["Timestamp"].take().as_i64().unwrap() > 1_700_000_000_000_000_000);
        let fields = json!({"msg": format!("not up to date {hostile}"), "repository.name": hostile, "wait_ms": 5, "said": hostile});
        let expected = json!({
            "Timestamp": null, "Type": "elmo::sync", "Logger": "elmo", "Hostname": "machine", "EnvVersion": "2.0", "Severity": 4,
            "Pid": std::process::id(), "Fields": fields,
        });
        assert_eq!(line, expected);
    }
}
