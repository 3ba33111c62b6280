//! Visitors: each has a connection, asks for a page, waits until it has all of it, and asks for the next one. They cost little,
//! since they share the machine with what they measure: an answer is read to its end and looked at no further.

use anyhow::{Context, bail, ensure};
use futures_util::future::try_join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What visitors saw.
pub(crate) struct Seen {
    /// How long each answer took from the first byte asked to the last one read, the quickest first.
    times: Vec<Duration>,
    /// The longest answer in bytes.
    pub(crate) longest: usize,
    took: Duration,
}

impl Seen {
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.times.get(self.times.len() * percent / 100).copied().unwrap_or_default()
    }

    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }
}

/// So many visitors at once go through these pages by turns, each once at least, for so long.
pub(crate) async fn visit(address: &str, pages: &[String], visitors: usize, how_long: Duration) -> anyhow::Result<Seen> {
    let (pages, turn, began) = (Arc::new(pages.to_vec()), Arc::new(AtomicUsize::new(0)), Instant::now());
    let visitor = |_| {
        let (pages, turn, address) = (Arc::clone(&pages), Arc::clone(&turn), address.to_owned());
        tokio::spawn(async move {
            let mut visitor = Visitor::at(&address).await?;
            while began.elapsed() < how_long {
                let page = &pages[turn.fetch_add(1, Ordering::Relaxed) % pages.len()];
                visitor.ask(page).await.with_context(|| page.clone())?;
            }
            anyhow::Ok(visitor)
        })
    };
    let mut seen = Seen { times: Vec::new(), longest: 0, took: Duration::ZERO };
    for visitor in try_join_all((0..visitors).map(visitor)).await? {
        let visitor = visitor?;
        seen.times.extend(visitor.times);
        seen.longest = seen.longest.max(visitor.longest);
    }
    seen.took = began.elapsed();
    seen.times.sort_unstable();
    Ok(seen)
}

pub(crate) struct Visitor {
    connection: TcpStream,
    buffer: Vec<u8>,
    pub(crate) times: Vec<Duration>,
    longest: usize,
}

impl Visitor {
    pub(crate) async fn at(address: &str) -> anyhow::Result<Visitor> {
        let connection = TcpStream::connect(address).await?;
        connection.set_nodelay(true)?;
        Ok(Visitor { connection, buffer: vec![0; 256 << 10], times: Vec::new(), longest: 0 })
    }

    pub(crate) async fn ask(&mut self, page: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        self.connection.write_all(format!("GET {page} HTTP/1.1\r\nhost: elmo\r\n\r\n").as_bytes()).await?;
        let mut read = 0;
        let (head, length) = loop {
            let more = self.connection.read(&mut self.buffer[read..]).await?;
            ensure!(more > 0, "the server hung up");
            read += more;
            if let Some(end) = self.buffer[..read].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break (end + 4, length_of(&self.buffer[..end])?);
            }
        };
        while read < head + length {
            // What was read before is not needed any more.
            let more = self.connection.read(&mut self.buffer).await?;
            ensure!(more > 0, "the server hung up");
            read += more;
        }
        self.times.push(began.elapsed());
        self.longest = self.longest.max(length);
        Ok(())
    }
}

/// How long the body after this head is; only what was found is an answer.
fn length_of(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("{}", head.lines().next().unwrap_or_default());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    Ok(length.context("no length is said")?.parse()?)
}
