//! Log lines on standard error, and traces to a collector.

use super::mozlog::Mozlog;
use super::progress::AboveBars;
use crate::config::{Log, LogFormat, Traces};
use crate::store::Statements;
use crate::traces::{Exporting, NotExported, export_to};
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// lapin reports on its own what the consumer reports with more sense.
const LEFT_OUT: &str = "lapin=off";

/// Starts logging; a filter that cannot be read is said so and replaced by `info`.
pub(super) fn start(log: &Log) {
    let filter = format!("{},{LEFT_OUT}", log.filter);
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        super::out::complain(format_args!("elmo: the log filter {:?} cannot be used: {error}", log.filter));
        EnvFilter::new(format!("info,{LEFT_OUT}"))
    });
    let lines = lines(log.format).with_filter(filter);
    Registry::default().with(lines).with(Statements::layer()).init();
}

/// Starts tracing, where a collector is configured; as long as what is given back is kept.
pub(super) fn trace(traces: &Traces) -> Result<Option<Exporting>, NotExported> {
    if traces.endpoint.is_empty() {
        return Ok(None);
    }
    export_to(&traces.endpoint, &traces.service).map(Some)
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(|| AboveBars);
    match format {
        LogFormat::Json => lines.json().boxed(),
        LogFormat::Mozlog => lines.event_format(Mozlog::of_this_machine()).boxed(),
        LogFormat::Text => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
    }
}
