//! Answers requests: the queue's on one port, those for the bytes of artifacts on another.

use crate::hawk::Credentials;
use crate::message::{self, Message};
use crate::task::{Artifact, Fault, Storage, Task};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Definition,
    Status,
    List,
    /// The queue's answer for an artifact, which is a redirect.
    Artifact,
    /// What the redirect leads to.
    Bytes,
}

/// One request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub place: Place,
    /// The path as it was sent, with its query.
    pub path: String,
    /// It brought credentials, right or wrong.
    pub authorized: bool,
}

/// A queue that listens until it is dropped.
pub struct Queue {
    shared: Arc<Shared>,
    servers: Vec<JoinHandle<()>>,
}

struct Shared {
    root: SocketAddr,
    bytes: SocketAddr,
    state: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    tasks: HashMap<String, Task>,
    /// Whoever signs with these may read artifacts that are not public.
    credentials: Option<Credentials>,
    faults: Vec<(Place, Fault, Option<u32>)>,
    log: Vec<Asked>,
}

/// How many artifacts a page of a list holds, small so that lists have pages.
const PAGE: usize = 4;

impl Queue {
    /// Listens on two free loopback ports.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> std::io::Result<Queue> {
        let (queue, bytes) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let shared = Arc::new(Shared { root: queue.local_addr()?, bytes: bytes.local_addr()?, state: Mutex::default() });
        let routers = [
            (queue, Router::new().fallback(answer_queue).with_state(Arc::clone(&shared))),
            (bytes, Router::new().fallback(answer_bytes).with_state(Arc::clone(&shared))),
        ];
        let serve = |(listener, router): (TcpListener, Router)| {
            tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    tracing::warn!(%error, "the queue ended");
                }
            })
        };
        Ok(Queue { servers: routers.into_iter().map(serve).collect(), shared })
    }

    /// The root URL.
    pub fn root(&self) -> String {
        format!("http://{}", self.shared.root)
    }

    /// Where bytes of artifacts are, for `reference` artifacts of the same host.
    pub fn bytes_url(&self) -> String {
        format!("http://{}", self.shared.bytes)
    }

    /// Has a task from now on, in place of one of the same name.
    pub fn add(&self, task: Task) {
        self.shared.state().tasks.insert(task.id.clone(), task);
    }

    /// Forgets a task, as after its expiry.
    pub fn forget(&self, id: &str) {
        self.shared.state().tasks.remove(id);
    }

    /// Lets this client read what is not public, and refuses wrong credentials of everybody.
    pub fn let_in(&self, client: &str, key: &str) {
        self.shared.state().credentials = Some(Credentials::new(client, key, None));
    }

    /// The same for temporary credentials, which count with their certificate only.
    pub fn let_in_for_a_while(&self, client: &str, key: &str, certificate: &Value) {
        self.shared.state().credentials = Some(Credentials::new(client, key, Some(certificate.clone())));
    }

    /// Lets requests of a place go wrong, until [`Queue::heal`] or for so many requests.
    pub fn break_at(&self, place: Place, fault: Fault, times: Option<u32>) {
        self.shared.state().faults.push((place, fault, times));
    }

    /// Lets all go well again.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// The message that the last run of a task ended well.
    pub fn message(&self, task: &Task) -> Message {
        self.message_of_run(task, task.last_run())
    }

    /// The message that a run of a task ended well.
    pub fn message_of_run(&self, task: &Task, run: usize) -> Message {
        message::completed(task, run)
    }

    /// Everything that was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().log.clone()
    }

    /// How often a place was asked.
    pub fn count(&self, place: Place) -> usize {
        self.shared.state().log.iter().filter(|asked| asked.place == place).count()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request; gives what is to go wrong with it.
    fn note(&self, place: Place, request: &Request) -> Option<Fault> {
        let path = request.uri().path_and_query().map_or("", |path| path.as_str()).to_owned();
        let authorized = request.headers().contains_key(header::AUTHORIZATION);
        let mut state = self.state();
        state.log.push(Asked { place, path, authorized });
        let at = state.faults.iter().position(|(broken, ..)| *broken == place)?;
        let (_, fault, times) = &mut state.faults[at];
        let fault = fault.clone();
        if let Some(times) = times {
            *times -= 1;
            if *times == 0 {
                state.faults.remove(at);
            }
        }
        Some(fault)
    }

    fn with_run<T>(&self, task: &str, run: &str, ask: impl FnOnce(&crate::task::Run) -> T) -> Option<T> {
        let state = self.state();
        Some(ask(state.tasks.get(task)?.runs.get(run.parse::<usize>().ok()?)?))
    }

    /// What to answer to credentials: none, right, or wrong.
    fn visitor(&self, request: &Request) -> Visitor {
        let Some(sent) = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return Visitor::Anonymous;
        };
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        match &self.state().credentials {
            Some(credentials) if credentials.signed(sent, request.method().as_str(), path, host) => Visitor::LetIn,
            _ => Visitor::Refused,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Visitor {
    Anonymous,
    LetIn,
    Refused,
}

async fn answer_queue(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let Some(parts) = path.strip_prefix("/api/queue/v1/").map(|rest| rest.split('/').collect::<Vec<_>>()) else {
        return error(StatusCode::NOT_FOUND, "ResourceNotFound");
    };
    let place = match parts[..] {
        ["task", _] => Place::Definition,
        ["task", _, "status"] => Place::Status,
        ["task", _, "runs", _, "artifacts"] => Place::List,
        ["task", _, "runs", _, "artifacts", ..] => Place::Artifact,
        _ => return error(StatusCode::NOT_FOUND, "ResourceNotFound"),
    };
    if let Some(fault) = shared.note(place, &request)
        && let Some(answer) = befall(&shared, &path, fault).await
    {
        return answer;
    }
    let visitor = shared.visitor(&request);
    if visitor == Visitor::Refused {
        return error(StatusCode::UNAUTHORIZED, "AuthenticationFailed");
    }
    let task = |tell: fn(&Task) -> Value| shared.state().tasks.get(parts[1]).map(|task| json(StatusCode::OK, &tell(task)));
    let answer = match place {
        Place::Definition => task(Task::definition),
        Place::Status => task(|task| json!({"status": task.status()})),
        Place::List => shared.with_run(parts[1], parts[3], |run| list(run, request.uri().query().unwrap_or_default())),
        Place::Artifact | Place::Bytes => Some(artifact(&shared, &parts, &visitor)),
    };
    answer.unwrap_or_else(|| error(StatusCode::NOT_FOUND, "ResourceNotFound"))
}

fn list(run: &crate::task::Run, query: &str) -> Response<Body> {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("continuationToken="));
    // A token that is none begins at the first page, as there.
    let from: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
    let entry = |(name, artifact): (&String, &Artifact)| {
        json!({"storageType": storage_type(&artifact.storage), "name": name, "expires": artifact.expires.to_string(),
               "contentType": "application/json"})
    };
    let artifacts: Vec<Value> = run.artifacts.iter().skip(from).take(PAGE).map(entry).collect();
    let mut answer = json!({"artifacts": artifacts});
    if from + PAGE < run.artifacts.len() {
        answer["continuationToken"] = json!((from + PAGE).to_string());
    }
    json(StatusCode::OK, &answer)
}

fn artifact(shared: &Shared, parts: &[&str], visitor: &Visitor) -> Response<Body> {
    let mut name = percent_decode_str(&parts[5..].join("/")).decode_utf8_lossy().into_owned();
    for _ in 0..3 {
        if !name.starts_with("public/") && *visitor != Visitor::LetIn {
            return error(StatusCode::FORBIDDEN, "InsufficientScopes");
        }
        let found = shared.with_run(parts[1], parts[3], |run| run.artifacts.get(&name).cloned()).flatten();
        let Some(artifact) = found else {
            return error(StatusCode::NOT_FOUND, "ResourceNotFound");
        };
        if artifact.expires <= Timestamp::now() {
            return error(StatusCode::GONE, "ResourceExpired");
        }
        let (task, run) = (parts[1], parts[3]);
        let stored = || format!("http://{}/{task}/{run}/{}", shared.bytes, utf8_percent_encode(&name, NON_ALPHANUMERIC));
        let location = match artifact.storage {
            Storage::Link(target) => {
                name = target;
                continue;
            }
            Storage::Error(reason) => {
                return json(StatusCode::FAILED_DEPENDENCY, &json!({"reason": reason, "message": "it was not there"}));
            }
            Storage::Reference(ref url) => url.clone(),
            Storage::S3 => stored(),
            Storage::Object => format!("{}?X-Amz-Expires=1800&X-Amz-Signature=abc", stored()),
        };
        return see_other(&location, storage_type(&artifact.storage));
    }
    error(StatusCode::BAD_REQUEST, "InputError")
}

async fn answer_bytes(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if let Some(fault) = shared.note(Place::Bytes, &request)
        && let Some(answer) = befall(&shared, &path, fault).await
    {
        return answer;
    }
    if request.headers().contains_key(header::AUTHORIZATION) {
        return plain(StatusCode::BAD_REQUEST, "Only one auth mechanism allowed");
    }
    match stored(&shared, &path) {
        Some(artifact) => bytes_of(&artifact),
        None => plain(StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>"),
    }
}

fn stored(shared: &Shared, path: &str) -> Option<Artifact> {
    let mut parts = path.strip_prefix('/')?.splitn(3, '/');
    let (task, run, name) = (parts.next()?, parts.next()?, parts.next()?);
    let name = percent_decode_str(name).decode_utf8_lossy();
    shared.with_run(task, run, |run| run.artifacts.get(name.as_ref()).cloned()).flatten()
}

fn bytes_of(artifact: &Artifact) -> Response<Body> {
    let (encoding, body) = if artifact.gzip { ("gzip", gzip(&artifact.body)) } else { ("identity", artifact.body.clone()) };
    let answer = Response::builder().header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_ENCODING, encoding);
    answer.body(Body::from(body)).expect("the headers are plain")
}

/// What goes wrong; none where it only takes long.
async fn befall(shared: &Shared, path: &str, fault: Fault) -> Option<Response<Body>> {
    match fault {
        Fault::Status(code) => Some(error(status(code), "SomeError")),
        Fault::RetryAfter(code, seconds) => {
            let mut answer = error(status(code), "TooManyRequests");
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            Some(answer)
        }
        Fault::Html200 => Some(html()),
        Fault::Cut => Some(cut(stored(shared, path))),
        Fault::Slow(duration) => {
            tokio::time::sleep(duration).await;
            None
        }
        Fault::Redirect(url) => Some(see_other(&url, "s3")),
        Fault::Loop => Some(see_other(&format!("http://{}/round", shared.bytes), "s3")),
        Fault::Huge(bytes) => Some(huge(bytes)),
    }
}

/// The first half of the bytes, with the length of all.
fn cut(artifact: Option<Artifact>) -> Response<Body> {
    let whole = gzip(&artifact.map(|artifact| artifact.body).unwrap_or_else(|| vec![b' '; 1000]));
    let half = Bytes::copy_from_slice(&whole[..whole.len() / 2]);
    let parts = stream::once(async { Ok(half) }).chain(stream::once(async {
        // What was sent so far has to leave before the connection breaks.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut"))
    }));
    let answer = Response::builder().header(header::CONTENT_ENCODING, "gzip").header(header::CONTENT_LENGTH, whole.len());
    answer.body(Body::from_stream(parts)).expect("the headers are plain")
}

fn huge(bytes: u64) -> Response<Body> {
    let body = gzip(&vec![b' '; usize::try_from(bytes).unwrap_or(usize::MAX)]);
    Response::builder().header(header::CONTENT_ENCODING, "gzip").body(Body::from(body)).expect("the headers are plain")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes everything")
}

fn storage_type(storage: &Storage) -> &'static str {
    match storage {
        Storage::S3 => "s3",
        Storage::Object => "object",
        Storage::Reference(_) => "reference",
        Storage::Link(_) => "link",
        Storage::Error(_) => "error",
    }
}

fn see_other(location: &str, storage: &str) -> Response<Body> {
    let mut answer = json(StatusCode::SEE_OTHER, &json!({"storageType": storage, "url": location}));
    let headers: &mut HeaderMap = answer.headers_mut();
    headers.insert(header::LOCATION, location.try_into().expect("a location is a header"));
    headers.insert("x-taskcluster-artifact-storage-type", storage.try_into().expect("a word is a header"));
    answer
}

fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    answer.header(header::CACHE_CONTROL, "no-store").body(Body::from(value.to_string())).expect("the headers are plain")
}

fn error(status: StatusCode, code: &str) -> Response<Body> {
    json(status, &json!({"code": code, "message": format!("{code}, in words\n---\n* more"), "requestInfo": {}}))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    Response::builder().status(status).body(Body::from(text)).expect("the headers are plain")
}

fn html() -> Response<Body> {
    let answer = Response::builder().header(header::CONTENT_TYPE, "text/html");
    answer.body(Body::from("<!DOCTYPE html><title>Sign in</title>")).expect("the headers are plain")
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
