//! stub until merged
use crate::domain::{Clock, Repository};
use crate::store::Store;
pub fn router(_: Store, _: Clock) -> axum::Router { axum::Router::new() }
pub async fn serve(l: tokio::net::TcpListener, r: axum::Router, stop: tokio_util::sync::CancellationToken) -> std::io::Result<()> {
    axum::serve(l, r).with_graceful_shutdown(async move { stop.cancelled().await }).await
}
pub fn repository_json(r: &Repository) -> serde_json::Value { serde_json::json!({"name": r.name}) }
