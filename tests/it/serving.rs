//! The web server's patience: with a page that the database holds up, and with requests under way when it is to stop.
//!
//! Only PostgreSQL lets somebody hold up those who read; on SQLite these stories end before they begin.

use crate::support::{PATIENCE, Running, World, until};
use rustix::process::Signal;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How long one request may take.
const PATIENCE_WITH_A_PAGE: Duration = Duration::from_secs(10);
/// How long requests under way may still take once the server is to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Starts the program; gives the address it listens at.
async fn serve(world: &World) -> (Running, String) {
    let listen = vec![("ELMO_LISTEN", "127.0.0.1:0".to_owned())];
    let mut server = Running::start(world, listen, &["serve"]);
    let line = server.until_it_logs("serving pages").await;
    let (_, address) = line.split_once("url=http://").unwrap();
    (server, address.trim_end_matches('/').to_owned())
}

/// Asks for the first page; gives everything that is answered until the connection ends.
fn ask(address: &str) -> JoinHandle<String> {
    let address = address.to_owned();
    tokio::spawn(async move {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET / HTTP/1.1\r\nHost: elmo\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    })
}

async fn until_somebody_is_held_up(world: &World) {
    until("a page is held up", PATIENCE, async || world.held_up().await > 0).await;
}

#[tokio::test]
async fn a_page_that_is_held_up_is_given_up_after_ten_seconds() {
    let world = World::new().await;
    let Some(hold) = world.hold_readers().await else { return };
    let (server, address) = serve(&world).await;
    let began = Instant::now();

    let answer = ask(&address).await.unwrap();

    assert!(began.elapsed() >= PATIENCE_WITH_A_PAGE, "after {:?}", began.elapsed());
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("This took too long"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 10"), "{answer}");
    drop(hold);
    let after = ask(&address).await.unwrap();
    assert!(after.starts_with("HTTP/1.1 200 "), "{after}");
    server.tell(Signal::TERM);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let world = World::new().await;
    let Some(hold) = world.hold_readers().await else { return };
    let (mut server, address) = serve(&world).await;
    let answer = ask(&address);
    until_somebody_is_held_up(&world).await;

    server.tell(Signal::TERM);
    server.until_it_logs("stopping").await;
    drop(hold);

    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_request_that_does_not_end_is_left_five_seconds_after_the_server_is_to_stop() {
    let world = World::new().await;
    let Some(_hold) = world.hold_readers().await else { return };
    let (server, address) = serve(&world).await;
    let answer = ask(&address);
    until_somebody_is_held_up(&world).await;
    let told = Instant::now();

    server.tell(Signal::TERM);

    assert_eq!(server.ended().await, Some(0));
    assert!(told.elapsed() >= FAREWELL, "after {:?}", told.elapsed());
    assert_eq!(answer.await.unwrap(), "", "the server did not wait until the page was given up");
}
