//! Traces for OpenTelemetry, where a collector is configured: a message, the wish it came to, the go at the repository and the changes
//! written are four spans of one trace, although two processes may have made them. The wish in the database carries the trace.
//!
//! Where none is configured, nothing is traced and nothing is written down for it.

use jiff::Timestamp;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// What is traced goes to a collector; what is left goes when this is dropped.
#[must_use = "spans go out for as long as it is kept"]
pub struct Exporting(SdkTracerProvider);

/// Traces cannot be sent to where they should.
#[derive(Debug, thiserror::Error)]
#[error("could not send traces to {endpoint:?} (setting traces.endpoint, or OTEL_EXPORTER_OTLP_ENDPOINT)")]
pub struct NotExported {
    endpoint: String,
    source: ExporterBuildError,
}

/// Whether anybody wants traces.
static EXPORTED: AtomicBool = AtomicBool::new(false);
/// How long the last spans may take.
const FAREWELL: Duration = Duration::from_millis(500);
const PATH: &str = "/v1/traces";

/// Sends spans to the collector at `endpoint`, under `service`, by OTLP over HTTP.
///
/// # Errors
/// When the endpoint is no address.
pub fn export_to(endpoint: &str, service: &str) -> Result<Exporting, NotExported> {
    let at = format!("{}{PATH}", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(at)
        .build()
        .map_err(|source| NotExported { endpoint: endpoint.to_owned(), source })?;
    let resource = Resource::builder().with_service_name(service.to_owned()).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    global::set_tracer_provider(provider.clone());
    EXPORTED.store(true, Ordering::Relaxed);
    Ok(Exporting(provider))
}

fn are_wanted() -> bool {
    EXPORTED.load(Ordering::Relaxed)
}

impl Drop for Exporting {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(FAREWELL) {
            tracing::debug!(%error, "the last spans did not go out");
        }
    }
}

/// A part of a trace, which ends when it is dropped.
pub struct Going(Context);

impl Going {
    /// A message is being taken, which begins a trace.
    pub fn message(exchange: &str, kind: &str) -> Going {
        if !are_wanted() {
            return Going(Context::new());
        }
        let attributes = [KeyValue::new("messaging.destination.name", exchange.to_owned()), KeyValue::new("kind", kind.to_owned())];
        Going::begin("message", SpanKind::Consumer, attributes, None, &Context::new())
    }

    /// A go at a repository on account of a wish, which waited since `wished`. A later go has no wish of its own: it waits for its turn.
    pub fn sync(trace: Option<&str>, repository: String, first_since: Option<Timestamp>) -> Going {
        let Some(message) = trace.filter(|_| are_wanted()).and_then(parse) else {
            return Going(Context::new());
        };
        let message = Context::new().with_remote_span_context(message);
        let name = [KeyValue::new("repository.name", repository)];
        let wish = first_since.map(|since| Going::begin("wish", SpanKind::Internal, name.clone(), Some(since), &message));
        let parent = wish.as_ref().map_or(&message, |wish| &wish.0);
        Going::begin("sync", SpanKind::Consumer, name, None, parent)
    }

    /// A change to the database, within whatever goes on; nothing where that is not traced.
    pub fn commit() -> Going {
        let within = Context::current();
        if !are_wanted() || !within.span().span_context().is_valid() {
            return Going(Context::new());
        }
        Going::begin("commit", SpanKind::Client, [], None, &within)
    }

    fn begin<const N: usize>(
        name: &'static str,
        kind: SpanKind,
        attributes: [KeyValue; N],
        since: Option<Timestamp>,
        within: &Context,
    ) -> Going {
        let tracer = global::tracer("elmo");
        let builder = tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        let builder = match since {
            Some(since) => {
                builder.with_start_time(SystemTime::UNIX_EPOCH + Duration::from_micros(since.as_microsecond().unsigned_abs()))
            }
            None => builder,
        };
        Going(within.with_span(tracer.build_with_context(builder, within)))
    }

    /// Does something within this part.
    pub async fn within<T>(&self, doing: impl Future<Output = T>) -> T {
        doing.with_context(self.0.clone()).await
    }

    /// It failed, for this reason.
    pub fn failed(&self, why: &str) {
        self.0.span().set_status(Status::error(why.to_owned()));
    }

    /// What another process needs to go on with the trace, as W3C's `traceparent`; nothing where nothing is traced.
    pub fn carried(&self) -> Option<String> {
        let span = self.0.span();
        let at = span.span_context();
        at.is_valid().then(|| format!("00-{}-{}-{:02x}", at.trace_id(), at.span_id(), at.trace_flags().to_u8()))
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

fn parse(carried: &str) -> Option<SpanContext> {
    let mut parts = carried.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let at = SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, flags, true, TraceState::NONE);
    (version == "00" && at.is_valid()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{Going, parse};

    #[test]
    fn where_nothing_is_configured_nothing_is_carried() {
        assert_eq!(Going::message("exchange/hgpushes/v2", "changegroup").carried(), None);
        assert_eq!(Going::commit().carried(), None);
    }

    #[test]
    fn what_is_carried_is_read_back_and_nothing_else() {
        assert!(parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_some_and(|at| at.is_sampled()));
        for text in ["", "00-0-0-00", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-x-y-z", "ff-1-1-01"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
