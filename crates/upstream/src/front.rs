//! What clients talk to: answers `json-pushes`, breaks what shall be broken, and hands all else to `hg serve`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{CONNECTION, ETAG, EXPECT, HeaderMap, IF_NONE_MATCH, TRANSFER_ENCODING};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::answers::{Body, BoxError, bad_gateway, cut_short, login_page, page, percent_decoded, status, with_body};
use crate::error::Result;
use crate::faults::Fault;
use crate::listener::Site;
use crate::pushlog::Answer;
use crate::repository::{Pusher, Repository};
use crate::shared::Shared;

/// What a request is about.
struct Target {
    repository: String,
    /// The page of `json-pushes`, if it asks for that.
    pushlog: Option<u64>,
}

impl Target {
    fn of(shared: &Shared, path: &str) -> Self {
        let path = String::from_utf8_lossy(&percent_decoded(path)).into_owned();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let pushlog = parts.iter().rposition(|part| *part == "json-pushes");
        let known = (1..=parts.len()).rev().find(|length| shared.knows(&parts[..*length].join("/")));
        let length = known.or(pushlog).unwrap_or(parts.len());
        let page = || parts.get(length + 1).and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { repository: parts[..length].join("/"), pushlog: (pushlog == Some(length)).then(page) }
    }
}

impl Site for Shared {
    async fn respond(&self, request: Request<Incoming>) -> Option<Response<Body>> {
        Some(respond(self, request).await)
    }
}

async fn respond(shared: &Shared, request: Request<Incoming>) -> Response<Body> {
    let target = Target::of(shared, request.uri().path());
    let command = note(shared, &target, &request);
    let mut lag = 0;
    for (mut lifted, fault) in shared.strike(&target.repository, target.pushlog.is_some()) {
        match fault {
            Fault::Delay(duration) => tokio::time::sleep(duration).await,
            Fault::Lag(pushes) => lag = pushes,
            Fault::Hang => until_lifted(&mut lifted).await,
            Fault::CutShort => {
                let answer = whole_answer(shared, &target, &request, lag);
                return cut_short(answer.content_type, &Bytes::from(answer.body));
            }
            other => return broken(&target.repository, other),
        }
    }
    match (target.pushlog, shared.repository(&target.repository)) {
        (Some(_), _) => json_pushes(shared, &target, &request, lag),
        (None, Some(repository)) if is_a_change(command.as_deref()) => change(shared, &repository, request).await,
        (None, _) => proxy(shared, request).await,
    }
}

fn note(shared: &Shared, target: &Target, request: &Request<Incoming>) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let command = parameters(query).into_iter().find(|(key, _)| key == "cmd").map(|(_, value)| value);
    let noted = crate::requests::Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: query.to_owned(),
        command: command.clone(),
        arguments: wire_arguments(request.headers()),
        at: Instant::now(),
    };
    shared.requests.note(&target.repository, target.pushlog.is_some(), noted);
    command
}

/// Mercurial puts the arguments of a command into as many headers as they need.
fn wire_arguments(headers: &HeaderMap) -> String {
    let parts = (1..).map_while(|number| headers.get(format!("x-hgarg-{number}")));
    parts.filter_map(|part| part.to_str().ok()).collect()
}

async fn until_lifted(lifted: &mut watch::Receiver<u64>) {
    if lifted.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn whole_answer(shared: &Shared, target: &Target, request: &Request<Incoming>, lag: u64) -> Answer {
    let parameters = parameters(request.uri().query().unwrap_or_default());
    match shared.repository(&target.repository) {
        Some(repository) => repository.json_pushes(target.pushlog.unwrap_or(1), &parameters, lag),
        None => Answer::no_repository(&target.repository),
    }
}

fn json_pushes(shared: &Shared, target: &Target, request: &Request<Incoming>, lag: u64) -> Response<Body> {
    let changed = shared.repository(&target.repository).map(|repository| repository.state().pushlog.changed);
    let etag = format!("W/\"{}\"", changed.unwrap_or_default());
    let known = request.headers().get(IF_NONE_MATCH);
    if changed.is_some() && known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return page(StatusCode::NOT_MODIFIED, "application/json", Bytes::new());
    }
    let mut response = plain(whole_answer(shared, target, request, lag));
    if changed.is_some() {
        response.headers_mut().insert(ETAG, etag.try_into().expect("a number fits into a header"));
    }
    response
}

fn plain(answer: Answer) -> Response<Body> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = page(status, answer.content_type, Bytes::from(answer.body));
    let reason = answer.reason.and_then(|reason| ReasonPhrase::try_from(reason.into_bytes()).ok());
    reason.map(|reason| response.extensions_mut().insert(reason));
    response
}

fn broken(repository: &str, fault: Fault) -> Response<Body> {
    match fault {
        Fault::Status { code, content_type, body } => page(status(code), &content_type, body),
        Fault::RefuseClone(code) => page(status(code), "text/plain", Bytes::from_static(b"not now\n")),
        Fault::Html200 => login_page(),
        Fault::Raw(body) => page(StatusCode::OK, "application/json", body),
        Fault::Huge(bytes) => with_body(StatusCode::OK, "application/json", huge(bytes)),
        Fault::Trickle => with_body(StatusCode::OK, "application/json", trickle()),
        Fault::NotServed => plain(Answer::no_repository(repository)),
        Fault::Lag(_) | Fault::Delay(_) | Fault::Hang | Fault::CutShort => {
            unreachable!("these do not answer by themselves")
        }
    }
}

fn trickle() -> Body {
    let bytes = stream::unfold(false, |started| async move {
        if started {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let byte: &[u8] = if started { b" " } else { b"{" };
        Some((Ok(Frame::data(Bytes::from_static(byte))), true))
    });
    StreamBody::new(bytes).boxed_unsync()
}

/// A valid document with much in it that nobody asked for.
fn huge(bytes: u64) -> Body {
    const PIECE: u64 = 1 << 16;
    let (before, after) = ("{\"lastpushid\": 1,\n\"padding\": \"", "\",\n\"pushes\": {}}");
    let padding = bytes.saturating_sub((before.len() + after.len()) as u64);
    let piece = Bytes::from(vec![b'x'; PIECE as usize]);
    let rest = usize::try_from(padding % PIECE).unwrap_or_default();
    let last = piece.slice(..rest);
    let pieces = stream::iter(0..padding / PIECE).map(move |_| piece.clone());
    let parts = stream::iter([Bytes::from(before)]).chain(pieces).chain(stream::iter([last, Bytes::from(after)]));
    StreamBody::new(parts.map(|part| Ok(Frame::data(part)))).boxed_unsync()
}

fn is_a_change(command: Option<&str>) -> bool {
    matches!(command, Some("unbundle" | "pushkey"))
}

/// Lets a client's push through, and records it before the client hears of it.
async fn change(shared: &Shared, repository: &Repository, request: Request<Incoming>) -> Response<Body> {
    let _turn = repository.turn.lock().await;
    let (head, body) = proxy(shared, request).await.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return bad_gateway(&error.to_string()),
    };
    let pusher = Pusher { user: &shared.pusher, date: shared.now() };
    match repository.catch_up(&shared.commands, Some(pusher)).await {
        Ok(_) => Response::from_parts(head, Full::new(body).map_err(Into::into).boxed_unsync()),
        Err(error) => bad_gateway(&error.to_string()),
    }
}

async fn proxy(shared: &Shared, request: Request<Incoming>) -> Response<Body> {
    match forward(shared, request).await {
        Ok(response) => response,
        Err(error) => bad_gateway(&error.to_string()),
    }
}

/// Passes a request to an `hg serve`, on a connection of its own: on a kept one each answer would
/// wait 40 ms, because `hg serve` writes in small pieces and leaves Nagle's algorithm on.
async fn forward(shared: &Shared, mut request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let stream = TcpStream::connect(shared.backend().await?).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    for header in [CONNECTION, EXPECT, TRANSFER_ENCODING] {
        request.headers_mut().remove(header);
    }
    let head = request.method() == Method::HEAD;
    let mut response = sender.send_request(request).await?;
    response.headers_mut().remove(CONNECTION);
    if !head {
        response.headers_mut().remove(TRANSFER_ENCODING);
    }
    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}

/// Splits a query into its parameters.
fn parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| String::from_utf8_lossy(&percent_decoded(&text.replace('+', " "))).into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(key, value)| (decode(key), decode(value))).collect()
}
