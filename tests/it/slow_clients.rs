//! Clients that send slowly, read slowly, or come by thousands: each is let go in its time, and others are served meanwhile.

use crate::support::{PATIENCE, Running, Settings, World, until};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const HALF_A_HEADER: &[u8] = b"GET / HTTP/1.1\r\nHost: el";
const A_HOOK: &[u8] = b"POST /hooks/github HTTP/1.1\r\nHost: elmo\r\nContent-Length: 1000\r\n\r\n{";
/// What bodies of webhooks take of memory together, in MiB, and each has one at least.
const BODIES: usize = 64;

/// The program, impatient, with its address.
struct Server {
    running: Running,
    address: String,
}

impl Server {
    async fn start(world: &World, web: &str) -> Server {
        let config = format!("[web]\nlisten = \"127.0.0.1:0\"\n{web}\n[log]\nfilter = \"info,elmo=debug\"\n");
        std::fs::write(world.folder().join("elmo.toml"), config).unwrap();
        let settings: Settings = vec![("GITHUB_WEBHOOK_SECRET", "a-secret".to_owned())];
        let mut running = Running::start(world, settings, &["serve"]);
        let line = running.until_it_logs("serving pages").await;
        let (_, address) = line.split_once("url=http://").unwrap();
        let address = address.trim().trim_end_matches('/').to_owned();
        Server { running, address }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.expect("the server listens")
    }

    /// Somebody else asks for a page.
    async fn answers_others(&self) {
        let answer = self.ask("/").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    async fn ask(&self, path: &str) -> String {
        let mut connection = self.connect().await;
        connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: elmo\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        said(&mut connection).await
    }
}

/// Everything that is answered until the connection ends.
async fn said(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_header_that_comes_a_byte_at_a_time_has_its_time_and_no_more() {
    let world = World::new().await;
    let server = Server::start(&world, "header_timeout = '1s'").await;
    let (mut slow, began) = (server.connect().await, Instant::now());
    let mut sent = 0;
    let trickle = async {
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        for byte in [b"GET / HTTP/1.1\r\n".to_vec(), b"X: yyyyyyyyyyyyyyyyyy\r\n".repeat(1000)].concat() {
            beat.tick().await;
            if slow.write_all(&[byte]).await.is_err() {
                return;
            }
            sent += 1;
        }
    };

    let trickled = tokio::time::timeout(PATIENCE, async { tokio::join!(trickle, server.answers_others()) }).await;

    trickled.expect("it is let go");
    assert!(began.elapsed() >= Duration::from_millis(900) && sent > 5, "after {sent} bytes, {:?}", began.elapsed());
    server.answers_others().await;
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_let_go_and_one_that_asks_is_not() {
    let world = World::new().await;
    let server = Server::start(&world, "header_timeout = '1s'").await;
    let (mut idle, mut asks) = (server.connect().await, server.connect().await);
    let began = Instant::now();
    let mut answers = 0;
    while began.elapsed() < Duration::from_millis(2500) {
        asks.write_all(b"GET /__lbheartbeat__ HTTP/1.1\r\nHost: elmo\r\n\r\n").await.unwrap();
        let mut some = [0; 4096];
        answers += usize::from(asks.read(&mut some).await.unwrap() > 0);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert!(answers > 10, "{answers} answers on one connection");
    assert_eq!(said(&mut idle).await, "");
}

#[tokio::test]
async fn whoever_reads_nothing_of_an_answer_is_let_go() {
    let world = World::new().await;
    let mut server = Server::start(&world, "answer_timeout = '1s'").await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut deaf = socket.connect(server.address.parse().unwrap()).await.unwrap();
    let asking = tokio::spawn(async move {
        let asked = b"GET /static/elmo.css HTTP/1.1\r\nHost: elmo\r\n\r\n".repeat(5000);
        let _ = deaf.write_all(&asked).await;
        deaf
    });

    let line = server.running.until_it_logs("a connection broke").await;

    server.answers_others().await;
    assert!(line.contains("deadline") || line.contains("timed out") || line.contains("error"), "{line}");
    asking.abort();
}

#[tokio::test]
async fn five_thousand_connections_that_send_half_a_header_keep_nobody_out() {
    let world = World::new().await;
    let server = Server::start(&world, "connections = 64").await;
    let most = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: most.maximum, ..most }).unwrap();
    let before = server.running.descriptors();
    let mut crowd = Vec::new();
    for number in 0..5000 {
        let mut connection = server.connect().await;
        connection.write_all(HALF_A_HEADER).await.unwrap();
        crowd.push(connection);
        if number % 500 == 0 {
            server.answers_others().await;
        }
    }

    let began = Instant::now();
    server.answers_others().await;

    assert!(began.elapsed() < Duration::from_secs(10), "after {:?}", began.elapsed());
    let held = server.running.descriptors() - before;
    assert!(held <= 64 + 20, "{held} descriptors");
    let figures = server.ask("/metrics").await;
    let line = figures.lines().find(|line| line.starts_with("elmo_connections_let_go_total ")).expect("it is counted");
    let let_go: usize = line.split(' ').next_back().unwrap().parse().unwrap();
    assert!(let_go >= 5000 - 64, "{let_go}");
    drop(crowd);
}

#[tokio::test]
async fn bodies_of_webhooks_that_do_not_come_take_no_more_than_their_room_and_their_time() {
    let world = World::new().await;
    let server = Server::start(&world, "").await;
    let mut slow = Vec::new();
    let full = loop {
        let mut connection = server.connect().await;
        connection.write_all(A_HOOK).await.unwrap();
        match tokio::time::timeout(Duration::from_millis(50), said_first(&mut connection)).await {
            Ok(answer) => break answer,
            Err(_) => slow.push(connection),
        }
    };

    server.answers_others().await;

    assert!(full.starts_with("HTTP/1.1 503 ") && slow.len() <= BODIES, "{} are read at once: {full}", slow.len());
    let late = said_first(&mut slow[0]).await;
    assert!(late.starts_with("HTTP/1.1 400 ") && late.contains("did not come within 10 seconds"), "{late}");
    drop(slow);
    let another = async || {
        let mut connection = server.connect().await;
        connection.write_all(A_HOOK).await.unwrap();
        tokio::time::timeout(Duration::from_millis(500), said_first(&mut connection)).await.is_err()
    };
    until("there is room again", PATIENCE, another).await;
}

/// The first answer, whatever becomes of the connection.
async fn said_first(connection: &mut TcpStream) -> String {
    let mut answer = vec![0; 64 << 10];
    let read = tokio::time::timeout(PATIENCE, connection.read(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}
