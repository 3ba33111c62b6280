//! Traces, as a collector gets them.

use crate::support::{Pulse, Watched, World, account, run, text};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::sync::{Arc, Mutex};

/// A collector on loopback, and what it was sent: spans, each with the name of the service it is of.
struct Collector {
    endpoint: String,
    spans: Arc<Mutex<Vec<(String, Span)>>>,
}

impl Collector {
    async fn start() -> Collector {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        let take = post(async move |body: Bytes| kept.lock().unwrap().extend(spans_of(&body)));
        tokio::spawn(axum::serve(listener, Router::new().route("/v1/traces", take)).into_future());
        Collector { endpoint, spans }
    }

    fn settings(&self, service: &str) -> [(&'static str, String); 2] {
        [("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.clone()), ("OTEL_SERVICE_NAME", service.to_owned())]
    }

    fn spans(&self) -> Vec<(String, Span)> {
        self.spans.lock().unwrap().clone()
    }
}

fn spans_of(body: &[u8]) -> Vec<(String, Span)> {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP in protobuf");
    let of_resources = request.resource_spans.into_iter().flat_map(|of_resource| {
        let service = format!("{:?}", of_resource.resource.expect("who sends it").attributes);
        of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(move |span| (service.clone(), span))
    });
    of_resources.collect()
}

fn named<'a>(spans: &'a [(String, Span)], name: &str) -> &'a (String, Span) {
    spans.iter().find(|(_, span)| span.name == name).unwrap_or_else(|| panic!("no span {name} in {spans:#?}"))
}

#[tokio::test]
async fn a_message_its_wish_the_go_and_the_commit_are_one_trace_through_two_processes() {
    let (world, name) = World::with_repository("fr").await;
    let (collector, pulse) = (Collector::start().await, Pulse::new().await);
    let push = world.push(&name, "second").await;
    std::fs::write(world.folder().join("message.jsonl"), world.message(&name, &push).body).unwrap();

    let taken = run(&world, collector.settings("takes").into(), &["replay", "--no-sync", "message.jsonl"]).await;
    assert!(taken.status.success(), "{}", text(&taken));
    let mut settings = account(&pulse);
    settings.extend(collector.settings("works"));
    let worker = Watched::worker_with(&world, settings).await;
    world.until_complete(&name, 2).await;
    assert_eq!(worker.terminate().await, Some(0));

    let spans = collector.spans();
    let [message, wish, sync, commit] = ["message", "wish", "sync", "commit"].map(|name| named(&spans, name));
    assert!(message.0.contains("takes") && wish.0.contains("works"), "two processes");
    let (message, wish, sync, commit) = (&message.1, &wish.1, &sync.1, &commit.1);
    assert!(message.parent_span_id.is_empty());
    for (child, parent) in [(wish, message), (sync, wish), (commit, sync)] {
        assert_eq!((&child.trace_id, &child.parent_span_id), (&message.trace_id, &parent.span_id), "{child:?}");
    }
    assert!(wish.start_time_unix_nano <= wish.end_time_unix_nano && wish.end_time_unix_nano <= sync.end_time_unix_nano);
}

#[tokio::test]
async fn an_endpoint_that_is_no_address_is_refused() {
    let world = World::new().await;

    let refused = run(&world, vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "no address".to_owned())], &["repository", "list"]).await;

    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("could not send traces to \"no address\" (setting traces.endpoint"), "{}", text(&refused));
}
