//! A client's side: hg on the command line, and plain HTTP.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use elmo_testbed::Mercurial;
use elmo_upstream::{Options, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const REPO: &str = "l10n-central/fr";
pub(crate) const USER: &str = "anna@example.com";

/// An upstream with one empty repository.
pub(crate) async fn upstream() -> Upstream {
    let upstream = Upstream::start(Options { warm: Mercurial::of_this_run(), ..Options::default() }).await.unwrap();
    upstream.create(REPO).await.unwrap();
    upstream
}

/// What a client's `hg` did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

/// Runs `hg` as a client does.
#[expect(clippy::disallowed_methods, reason = "a client's program, not one of ours")]
pub(crate) async fn try_hg(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = tokio::process::Command::new("hg");
    command.args(["--config", "ui.timeout=20", "--config", "ui.username=Client <client@example.com>"]);
    command.args(["--config", "extensions.strip=", "--config", "ui.ssh=false"]).args(arguments.iter().map(OsStr::new));
    command.current_dir(folder).env("HGRCPATH", "/dev/null").env("HGPLAIN", "1").env("HGENCODING", "UTF-8");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await;
    let output = output.expect("hg took too long").unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        output: output.stdout,
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `hg`, which has to succeed.
pub(crate) async fn hg(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let outcome = try_hg(folder, arguments).await;
    assert_eq!(outcome.code, 0, "hg {arguments:?}: {}", outcome.errors);
    outcome.output
}

/// As [`hg`], for text.
pub(crate) async fn hg_text(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8(hg(folder, arguments).await).unwrap()
}

/// Asserts that a repository is whole.
pub(crate) async fn verify(folder: &Path) {
    let outcome = try_hg(folder, &["verify"]).await;
    let said = String::from_utf8_lossy(&outcome.output).into_owned() + &outcome.errors;
    assert!(outcome.code == 0 && !said.contains("warning"), "{said}");
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends a GET and reads all that comes, whole or not.
pub(crate) async fn get(upstream: &Upstream, path: &str) -> Answer {
    get_with(upstream, path, "").await
}

pub(crate) async fn get_with(upstream: &Upstream, path: &str, header: &str) -> Answer {
    let read = tokio::time::timeout(Duration::from_secs(60), read(upstream, path, header)).await;
    read.expect("the answer took too long")
}

async fn read(upstream: &Upstream, path: &str, header: &str) -> Answer {
    let mut stream = begin(upstream, path, header).await;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    let end = all.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let mut words = first.splitn(3, ' ').skip(1);
    let headers = headers.to_ascii_lowercase();
    let body = match headers.contains("transfer-encoding: chunked") {
        true => unchunked(&all[end + 4..]),
        false => all[end + 4..].to_vec(),
    };
    Answer { status: words.next().unwrap().parse().unwrap(), reason: words.next().unwrap_or_default().to_owned(), headers, body }
}

/// Sends a GET and leaves the reading to the caller.
pub(crate) async fn begin(upstream: &Upstream, path: &str, header: &str) -> TcpStream {
    let host = upstream.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        out.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    out
}

/// The answer of `json-pushes`, as JSON.
pub(crate) async fn json_pushes(upstream: &Upstream, query: &str) -> serde_json::Value {
    let answer = get(upstream, &format!("/{REPO}/json-pushes?{query}")).await;
    assert_eq!((answer.status, answer.reason.as_str()), (200, "Script output follows"));
    answer.json()
}
