//! The server: connections in, answers out. Whoever sends slowly, reads slowly or comes in crowds keeps nobody else waiting: what
//! one connection may take is bounded, and when there are as many as may be, the one goes that has kept us waiting longest.

use crate::figures::LET_GO;
use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How far those who connect may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many may be connected.
    pub connections: usize,
    /// How long the header of a request may take, from when it could begin.
    pub header: Duration,
    /// How long nothing may be taken of an answer.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 512, header: Duration::from_secs(75), answer: Duration::from_secs(30) }
    }
}

/// How long requests under way may still take once the server is to stop.
const FAREWELL: Duration = Duration::from_secs(5);
/// The longest header, in bytes; a connection that sends one keeps as much memory.
const LONGEST_HEADER: usize = 64 << 10;
/// The machine has no room for a connection; it may have some after so long.
const NO_ROOM: Duration = Duration::from_millis(200);

/// Those who are connected.
#[derive(Clone, Default)]
struct Guests(Arc<Room>);

#[derive(Default)]
struct Room {
    guests: Mutex<HashMap<u64, Guest>>,
    /// Somebody has left, or got an answer.
    changed: Notify,
}

struct Guest {
    /// We wait for them, or they for us, since then.
    since: Instant,
    /// They wait for an answer that is being made.
    asks: bool,
    leave: CancellationToken,
}

/// A guest's place, given up when dropped.
struct Place {
    guests: Guests,
    number: u64,
    leave: CancellationToken,
}

/// Answers on `listener` until `stop`; requests under way then have 5 seconds to end.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) -> io::Result<()> {
    let (guests, attended) = (Guests::default(), TaskTracker::new());
    for number in 0.. {
        let connection = tokio::select! {
            connection = next(&listener, &guests, limits.connections) => connection,
            () = stop.cancelled() => break,
        };
        let place = guests.welcome(number);
        attended.spawn(attend(connection, router.clone(), limits, place, stop.clone()));
    }
    drop(listener);
    attended.close();
    let _ = tokio::time::timeout(FAREWELL, attended.wait()).await;
    Ok(())
}

/// The next one to be let in, once there is room.
async fn next(listener: &TcpListener, guests: &Guests, most: usize) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                guests.make_room(most).await;
                return connection;
            }
            // Whoever it was has gone already.
            Err(error) if is_theirs(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "could not take a connection");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

fn is_theirs(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}

/// Answers one connection until its end.
async fn attend(connection: TcpStream, router: Router, limits: Limits, place: Place, stop: CancellationToken) {
    if let Err(error) = connection.set_nodelay(true) {
        tracing::debug!(%error, "answers on this connection may be late");
    }
    let mut connection = TimeoutStream::new(connection);
    connection.set_write_timeout(Some(limits.answer));
    let pages = TowerToHyperService::new(router);
    let answer = service_fn(|request: Request<Incoming>| {
        place.note(true);
        let answer = pages.call(request.map(Body::new));
        async {
            let answer = answer.await;
            place.note(false);
            answer
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(LONGEST_HEADER);
    let mut attended = pin!(server.serve_connection(TokioIo::new(Box::pin(connection)), answer));
    let ended = tokio::select! {
        ended = attended.as_mut() => ended,
        () = place.leave.cancelled() => return,
        () = stop.cancelled() => {
            attended.as_mut().graceful_shutdown();
            attended.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

impl Guests {
    fn welcome(&self, number: u64) -> Place {
        let leave = CancellationToken::new();
        let guest = Guest { since: Instant::now(), asks: false, leave: leave.clone() };
        self.with(|guests| guests.insert(number, guest));
        Place { guests: self.clone(), number, leave }
    }

    /// Lets one go if there are as many as may be: of those who are not waiting for us the one who has kept us waiting longest. If
    /// all wait for us, they are answered first.
    async fn make_room(&self, most: usize) {
        loop {
            let changed = self.0.changed.notified();
            if self.with(|guests| let_one_go(guests, most)) {
                return;
            }
            changed.await;
        }
    }

    fn with<T>(&self, ask: impl FnOnce(&mut HashMap<u64, Guest>) -> T) -> T {
        ask(&mut self.0.guests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether there is room now.
fn let_one_go(guests: &mut HashMap<u64, Guest>, most: usize) -> bool {
    if guests.len() < most {
        return true;
    }
    let idle = guests.iter().filter(|(_, guest)| !guest.asks);
    let Some(number) = idle.min_by_key(|(_, guest)| guest.since).map(|(number, _)| *number) else {
        return false;
    };
    if let Some(guest) = guests.remove(&number) {
        guest.leave.cancel();
        LET_GO.note([]);
    }
    true
}

impl Place {
    fn note(&self, asks: bool) {
        self.guests.with(|guests| {
            if let Some(guest) = guests.get_mut(&self.number) {
                (guest.asks, guest.since) = (asks, Instant::now());
            }
        });
        if !asks {
            self.guests.0.changed.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.with(|guests| guests.remove(&self.number));
        self.guests.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::Guests;
    use std::time::Duration;

    #[tokio::test]
    async fn whoever_kept_us_waiting_longest_goes_and_nobody_who_waits_for_us() {
        let guests = Guests::default();
        let [asking, idle, newest] = [0, 1, 2].map(|number| guests.welcome(number));
        asking.note(true);

        guests.make_room(4).await;
        assert!(!idle.leave.is_cancelled(), "there is room");
        guests.make_room(3).await;
        assert!(idle.leave.is_cancelled() && !asking.leave.is_cancelled() && !newest.leave.is_cancelled());
        newest.note(true);
        let full = tokio::time::timeout(Duration::from_millis(20), guests.make_room(2)).await;
        assert!(full.is_err(), "all are answered first");

        asking.note(false);
        guests.make_room(2).await;
        assert!(asking.leave.is_cancelled());
    }
}
