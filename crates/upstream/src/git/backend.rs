//! `git http-backend`: a request comes in, what it answers as a CGI program goes out while it answers.

use std::path::Path;
use std::process::Stdio;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout};

use super::program::Git;
use crate::answers::{Body, BoxError};

/// Lets git answer a request to a repository; `service` is what follows its name in the path.
pub(super) async fn answer(
    git: &Git,
    repository: &Path,
    service: &str,
    head: &Parts,
    body: Bytes,
) -> Result<Response<Body>, BoxError> {
    let mut command = git.prepare();
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repository)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{service}"))
        .env("REQUEST_METHOD", head.method.as_str())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("REMOTE_ADDR", "127.0.0.1");
    for (variable, header) in PASSED {
        if let Some(value) = head.headers.get(header).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut backend = command.spawn()?;
    let (stdin, stdout) = (backend.stdin.take(), backend.stdout.take());
    tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&body).await;
        }
    });
    let mut printed = BufReader::new(stdout.ok_or("git has no output")?);
    let (status, headers) = head_of(&mut printed).await?;
    let mut response = Response::new(streamed(backend, printed));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

const PASSED: [(&str, &str); 3] =
    [("CONTENT_TYPE", "content-type"), ("HTTP_CONTENT_ENCODING", "content-encoding"), ("GIT_PROTOCOL", "git-protocol")];

/// Reads the lines before the body.
async fn head_of(printed: &mut BufReader<ChildStdout>) -> Result<(StatusCode, HeaderMap), BoxError> {
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    loop {
        let mut line = String::new();
        printed.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return if line.trim_end().is_empty() && !line.is_empty() {
                Ok((status, headers))
            } else {
                Err("no answer of git".into())
            };
        };
        if name.eq_ignore_ascii_case("status") {
            status = value.get(..3).ok_or("no status")?.parse()?;
        } else {
            headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
        }
    }
}

/// Passes on what is printed; the program ends with the body, read or not.
fn streamed(backend: Child, printed: BufReader<ChildStdout>) -> Body {
    let pieces = stream::unfold((backend, printed), |(backend, mut printed)| async move {
        let mut piece = BytesMut::with_capacity(64 * 1024);
        match printed.read_buf(&mut piece).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(Frame::data(piece.freeze())), (backend, printed))),
            Err(error) => Some((Err(error.into()), (backend, printed))),
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}
