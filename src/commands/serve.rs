//! `elmo serve`: the web server.

use super::Outcome;
use super::consume::{hooks, stop_on_signals};
use super::parts::{artifacts, close, open_store, versions};
use super::supervisor;
use crate::config::Config;
use crate::domain::Clock;
use crate::ingest::Ingest;
use crate::store::Store;
use crate::web::{self, Hooks, Limits, Router, Work};
use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(super) async fn serve(config: Config, clock: Clock) -> anyhow::Result<Outcome> {
    let store = open_store(&config).await?;
    let listener = listen(config.listen(), WEB).await?;
    let hooks = hooks(&config, Ingest::new(store.clone(), config.url_rules(), clock.clone()), None);
    if hooks.is_some() {
        store.ask_to_write().await.context("what comes to /hooks/github is written down (GITHUB_WEBHOOK_SECRET is set)")?;
    }
    let (pages, limits) = (pages(&config, &store, &clock, hooks, None)?, config.web_limits());
    let stop = stop_on_signals()?;
    supervisor::ready(&stop);
    serve_on(listener, pages, limits, stop).await?;
    close(&store).await;
    Ok(Outcome::Done)
}

/// What says where the web server listens.
pub(super) const WEB: &str = "setting web.listen, or ELMO_LISTEN";

/// Listens at an address, which came out of `setting`.
pub(super) async fn listen(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("could not listen on {address} ({setting})"))
}

/// The pages, with the door for webhooks beside them.
pub(super) fn pages(
    config: &Config,
    store: &Store,
    clock: &Clock,
    hooks: Option<Hooks>,
    work: Option<Work>,
) -> anyhow::Result<Router> {
    let pages = web::router(store.clone(), clock.clone(), artifacts(config, clock)?, versions(config), work);
    Ok(match hooks {
        Some(hooks) => hooks.beside(pages),
        None => pages,
    })
}

pub(super) async fn serve_on(listener: TcpListener, pages: Router, limits: Limits, stop: CancellationToken) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(url = %format_args!("http://{address}/"), "serving pages");
    web::serve(listener, pages, limits, stop).await.context("the web server ended")
}

/// Answers to whoever asks how a worker is, where there is a listener for it.
pub(super) async fn say_how_it_is(listener: Option<TcpListener>, how_it_is: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let Some(listener) = listener else {
        return Ok(());
    };
    let address = listener.local_addr()?;
    tracing::info!(url = %format_args!("http://{address}/__heartbeat__"), "saying how it is");
    web::serve(listener, how_it_is, Limits::default(), stop).await.context("the worker's web server ended")
}
