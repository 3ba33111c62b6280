//! `elmo serve`: the web server.

use super::Outcome;
use super::consume::{hooks, stop_on_signals};
use super::parts::{artifacts, close, open_store, versions};
use crate::config::Config;
use crate::domain::Clock;
use crate::ingest::Ingest;
use crate::store::Store;
use crate::web::{self, Hooks};
use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(super) async fn serve(config: Config, clock: Clock) -> anyhow::Result<Outcome> {
    let store = open_store(&config).await?;
    let listener = listen(config.listen()).await?;
    let hooks = hooks(&config, Ingest::new(store.clone(), config.url_rules(), clock.clone()), None);
    serve_on(listener, &config, &store, &clock, hooks, stop_on_signals()?).await?;
    close(&store).await;
    Ok(Outcome::Done)
}

pub(super) async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("could not listen on {address} (setting web.listen, or ELMO_LISTEN)"))
}

pub(super) async fn serve_on(
    listener: TcpListener,
    config: &Config,
    store: &Store,
    clock: &Clock,
    hooks: Option<Hooks>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(url = %format_args!("http://{address}/"), "serving pages");
    let pages = web::router(store.clone(), clock.clone(), artifacts(config, clock)?, versions(config));
    let pages = match hooks {
        Some(hooks) => hooks.beside(pages),
        None => pages,
    };
    web::serve(listener, pages, stop).await.context("the web server ended")
}
