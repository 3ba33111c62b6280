//! Log lines on standard error.

use super::progress::AboveBars;
use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// lapin reports on its own what the consumer reports with more sense.
const LEFT_OUT: &str = "lapin=off";

/// Starts logging; a filter that cannot be read is said so and replaced by `info`.
pub(super) fn start(log: &Log) {
    let filter = format!("{},{LEFT_OUT}", log.filter);
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        super::out::complain(format_args!("elmo: the log filter {:?} cannot be used: {error}", log.filter));
        EnvFilter::new(format!("info,{LEFT_OUT}"))
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| AboveBars);
    match log.format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
    }
}
