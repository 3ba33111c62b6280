//! A TCP connection's way to a server that a test can hold up or cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use elmo_upstream::ports::loopback;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{Mutex, watch},
    task::{JoinHandle, JoinSet},
};

use crate::free_port;

/// A proxy in front of a server: clients connect to [`Cable::addr`].
pub struct Cable {
    addr: SocketAddr,
    server: SocketAddr,
    state: watch::Sender<State>,
    connections: Arc<AtomicUsize>,
    listening: Mutex<JoinHandle<()>>,
}

#[derive(Clone, Copy, Default)]
struct State {
    cut: bool,
    towards_server: Flow,
    towards_client: Flow,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Flow {
    #[default]
    Free,
    Frozen,
}

#[derive(Clone, Copy)]
enum Direction {
    ToServer,
    ToClient,
}

impl Cable {
    /// Lays a cable to a server, which need not run yet.
    pub async fn to(server: SocketAddr) -> Result<Self> {
        let addr = loopback(free_port());
        let listener = TcpListener::bind(addr).await.context("could not lay a cable")?;
        let state = watch::Sender::new(State::default());
        let connections = Arc::default();
        let listening = listen(listener, server, &state, &connections);
        Ok(Self { addr, server, state, connections, listening: Mutex::new(listening) })
    }

    /// The end to which clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Holds what clients send from now on; what the server sends still arrives.
    pub fn freeze_towards_server(&self) {
        self.state.send_modify(|state| state.towards_server = Flow::Frozen);
    }

    /// Holds what the server sends from now on; what clients send still arrives.
    pub fn freeze_towards_client(&self) {
        self.state.send_modify(|state| state.towards_client = Flow::Frozen);
    }

    /// Holds both directions, as a network does that loses every packet.
    pub fn freeze(&self) {
        self.freeze_towards_server();
        self.freeze_towards_client();
    }

    /// Lets everything flow again, first of all what was held.
    pub fn thaw(&self) {
        self.state.send_modify(|state| {
            state.towards_server = Flow::Free;
            state.towards_client = Flow::Free;
        });
    }

    /// Resets all connections, loses what was held, and refuses new ones; all that is done when this returns.
    pub async fn cut(&self) {
        let mut listening = self.listening.lock().await;
        self.state.send_modify(|state| state.cut = true);
        // It ends by itself; a panic in it has nothing to tell beyond what it printed.
        let _ = (&mut *listening).await;
        *listening = tokio::spawn(async {});
    }

    /// Takes connections again after a cut, thawed and on the same address.
    pub async fn mend(&self) -> Result<()> {
        let mut listening = self.listening.lock().await;
        if !self.state.borrow().cut {
            return Ok(());
        }
        let listener = TcpListener::bind(self.addr).await.context("could not mend the cable")?;
        self.state.send_replace(State::default());
        *listening = listen(listener, self.server, &self.state, &self.connections);
        Ok(())
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.listening.get_mut().abort();
    }
}

/// The task owns the tasks of its connections: they end with it.
fn listen(
    listener: TcpListener,
    server: SocketAddr,
    state: &watch::Sender<State>,
    connections: &Arc<AtomicUsize>,
) -> JoinHandle<()> {
    let mut state = state.subscribe();
    let connections = Arc::clone(connections);
    tokio::spawn(async move {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = until_cut(&mut state) => break,
                accepted = listener.accept() => if let Ok((client, _)) = accepted {
                    connections.fetch_add(1, Ordering::SeqCst);
                    open.spawn(connect(client, server, state.clone()));
                },
                Some(_) = open.join_next() => {}
            }
        }
        drop(listener);
        while open.join_next().await.is_some() {}
    })
}

async fn connect(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let upstream = tokio::select! {
        () = until_cut(&mut state) => return reset(&client),
        upstream = TcpStream::connect(server) => upstream,
    };
    let Ok(mut upstream) = upstream else {
        return reset(&client);
    };
    let _ = client.set_nodelay(true);
    let _ = upstream.set_nodelay(true);
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = upstream.split();
    let (up, down) = (state.clone(), state.clone());
    let was_cut = tokio::select! {
        () = until_cut(&mut state) => true,
        broken = async {
            tokio::try_join!(
                pass(&mut from_client, &mut to_server, up, Direction::ToServer),
                pass(&mut from_server, &mut to_client, down, Direction::ToClient),
            ).is_err()
        } => broken,
    };
    if was_cut {
        reset(&client);
        reset(&upstream);
    }
}

/// Makes the close that follows an abrupt one.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

async fn pass(
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    mut state: watch::Receiver<State>,
    direction: Direction,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            until_free(&mut state, direction).await;
            return to.shutdown().await;
        }
        let mut held = &buffer[..length];
        while !held.is_empty() {
            until_free(&mut state, direction).await;
            to.writable().await?;
            held = &held[write_if_free(to, held, &state, direction)?..];
        }
    }
}

/// Writes while it holds the state's lock: after a freeze has returned, not a byte gets through.
fn write_if_free(to: &WriteHalf<'_>, bytes: &[u8], state: &watch::Receiver<State>, direction: Direction) -> std::io::Result<usize> {
    let state = state.borrow();
    if state.flow(direction) == Flow::Frozen {
        return Ok(0);
    }
    match to.try_write(bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

async fn until_free(state: &mut watch::Receiver<State>, direction: Direction) {
    until_it_is(state, |state| state.flow(direction) == Flow::Free).await;
}

async fn until_cut(state: &mut watch::Receiver<State>) {
    until_it_is(state, |state| state.cut).await;
}

/// Waits for ever once the cable is gone: its tasks are being ended.
async fn until_it_is(state: &mut watch::Receiver<State>, so: impl Fn(&State) -> bool) {
    if state.wait_for(so).await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl State {
    fn flow(&self, direction: Direction) -> Flow {
        match direction {
            Direction::ToServer => self.towards_server,
            Direction::ToClient => self.towards_client,
        }
    }
}
