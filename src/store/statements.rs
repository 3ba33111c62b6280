//! Database time: sqlx tells the log how long each statement took, and this listens.

use crate::figures::STATEMENTS;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// What sqlx calls it.
const TARGET: &str = "sqlx::query";
const SECONDS: &str = "elapsed_secs";

/// A layer of the log that notes how long statements took, whatever else is logged of them.
pub struct Statements;

impl Statements {
    /// The layer, which sees nothing but statements.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
        Statements.with_filter(Targets::new().with_target(TARGET, Level::DEBUG))
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Seconds);
    }
}

struct Seconds;

impl Visit for Seconds {
    fn record_f64(&mut self, field: &Field, seconds: f64) {
        if field.name() == SECONDS
            && let Ok(took) = Duration::try_from_secs_f64(seconds)
        {
            STATEMENTS.note([], took);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
