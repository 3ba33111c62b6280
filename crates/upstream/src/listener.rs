//! The socket that clients talk to: requests come in, the answers of a site go out. It refuses and cuts connections when told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::answers::Body;
use crate::error::{Error, Result};
use crate::ports::{free_port, loopback};

/// What answers requests.
pub(crate) trait Site: Send + Sync + 'static {
    /// Answers one; none ends the connection without an answer.
    fn respond(&self, request: Request<Incoming>) -> impl Future<Output = Option<Response<Body>>> + Send;
}

#[derive(Debug, thiserror::Error)]
#[error("the connection ends without an answer")]
struct HungUp;

/// The listening socket and all its connections.
pub(crate) struct Listener<S> {
    site: Arc<S>,
    address: SocketAddr,
    mode: tokio::sync::Mutex<Mode>,
}

enum Mode {
    Listening(JoinHandle<()>),
    /// Holds the port, which refuses connections until it listens again.
    Refusing(TcpSocket),
    Between,
}

impl<S: Site> Listener<S> {
    /// Lets a site answer what comes to a port.
    pub(crate) fn serve(site: Arc<S>, listener: TcpListener) -> Result<Self> {
        let address = listener.local_addr().map_err(Error::io("read the port that was bound"))?;
        let mode = Mode::Listening(tokio::spawn(accept(Arc::clone(&site), listener)));
        Ok(Self { site, address, mode: tokio::sync::Mutex::new(mode) })
    }

    /// Refuses connections and cuts those that are open.
    pub(crate) async fn stop(&self) -> Result<()> {
        let mut mode = self.mode.lock().await;
        if let Mode::Listening(accepting) = &mut *mode {
            accepting.abort();
            let _ = accepting.await;
            *mode = Mode::Between;
        }
        if let Mode::Between = *mode {
            let port = self.address.port();
            *mode = Mode::Refusing(bind(self.address).map_err(Error::io(format!("hold port {port}")))?);
        }
        Ok(())
    }

    /// Listens again on the same port.
    pub(crate) async fn resume(&self) -> Result<()> {
        let mut mode = self.mode.lock().await;
        let socket = match std::mem::replace(&mut *mode, Mode::Between) {
            Mode::Refusing(socket) => Ok(socket),
            Mode::Between => bind(self.address),
            listening @ Mode::Listening(_) => {
                *mode = listening;
                return Ok(());
            }
        };
        let listener = socket.and_then(|socket| socket.listen(1024));
        let listener = listener.map_err(Error::io(format!("listen on port {}", self.address.port())))?;
        *mode = Mode::Listening(tokio::spawn(accept(Arc::clone(&self.site), listener)));
        Ok(())
    }

    /// Stops without waiting.
    pub(crate) fn end(&mut self) {
        if let Mode::Listening(accepting) = self.mode.get_mut() {
            accepting.abort();
        }
    }
}

/// Binds a loopback port; 0 is any free one, that is still free after a stop.
pub(crate) fn listen(port: u16) -> Result<TcpListener> {
    let port = if port == 0 { free_port() } else { port };
    bind(loopback(port)).and_then(|socket| socket.listen(1024)).map_err(Error::io(format!("listen on port {port}")))
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept<S: Site>(site: Arc<S>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(Arc::clone(&site), stream))),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse<S: Site>(site: Arc<S>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { site.respond(request).await.ok_or(HungUp) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().preserve_header_case(true).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
    }
}
