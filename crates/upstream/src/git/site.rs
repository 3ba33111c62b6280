//! What clients talk to: knows the repositories and where they have moved, asks for tokens, breaks what shall be broken, and
//! hands all else to git.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use super::backend;
use super::faults::{Fault, Faults};
use super::program::Git;
use super::repository::{Branches, Hashes, Repository, reference};
use super::requests::{Asked, RequestLog};
use crate::answers::{Body, bad_gateway, cut_short, login_page, page, percent_decoded, status};
use crate::error::{Error, Result};
use crate::listener::Site;

/// The served repositories, and what shall go wrong with them.
pub(super) struct Hub {
    pub(super) git: Git,
    pub(super) folder: PathBuf,
    pub(super) requests: RequestLog,
    repositories: Mutex<HashMap<String, Arc<Repository>>>,
    moved: Mutex<HashMap<String, String>>,
    faults: Mutex<HashMap<String, Faults>>,
}

impl Hub {
    pub(super) fn new(git: Git, folder: PathBuf) -> Self {
        let requests = RequestLog::default();
        Self { git, folder, requests, repositories: Mutex::default(), moved: Mutex::default(), faults: Mutex::default() }
    }

    pub(super) fn repositories(&self) -> MutexGuard<'_, HashMap<String, Arc<Repository>>> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Old names with the new ones.
    pub(super) fn moved(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self, name: &str) -> Faults {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default().clone()
    }

    pub(super) fn find(&self, name: &str) -> Result<Arc<Repository>> {
        self.repositories().get(name).cloned().ok_or_else(|| Error::UnknownRepository(name.to_owned()))
    }
}

/// What a request is about.
struct Target {
    /// Without `.git`.
    repository: String,
    /// What follows in the path, such as `info/refs`.
    service: String,
}

impl Target {
    fn of(path: &str) -> Self {
        let path = String::from_utf8_lossy(&percent_decoded(path)).into_owned();
        let path = path.trim_matches('/');
        let service = SERVICES.into_iter().find(|service| path.ends_with(&format!("/{service}"))).unwrap_or_default();
        let name = path[..path.len() - service.len()].trim_end_matches('/');
        Self { repository: name.strip_suffix(".git").unwrap_or(name).to_owned(), service: service.to_owned() }
    }

    fn asked(&self, head: &Parts, body: &[u8]) -> Asked {
        let head_of_body = unpacked(head, body);
        match self.service.as_str() {
            "info/refs" => Asked::Greeting,
            "git-upload-pack" if head_of_body.starts_with(b"0014command=ls-refs") => Asked::Branches,
            "git-upload-pack" => Asked::Commits,
            _ => Asked::Other,
        }
    }
}

const SERVICES: [&str; 2] = ["info/refs", "git-upload-pack"];

/// git packs what it says if it is long.
fn unpacked(head: &Parts, body: &[u8]) -> Vec<u8> {
    let mut start = Vec::new();
    if head.headers.contains_key(CONTENT_ENCODING) {
        let _ = GzDecoder::new(body).take(64).read_to_end(&mut start);
    } else {
        start.extend_from_slice(&body[..body.len().min(64)]);
    }
    start
}

impl Site for Hub {
    async fn respond(&self, request: Request<Incoming>) -> Option<Response<Body>> {
        let target = Target::of(request.uri().path());
        let (head, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let asked = target.asked(&head, &body);
        let authorized = self.note(&target, &head, asked);
        let faults = self.faults(&target.repository);
        let mut lag = 0;
        let mut is_cut = false;
        for fault in faults.strike(asked) {
            match fault {
                Fault::Lag(pushes) => lag = pushes,
                Fault::Delay(duration) => tokio::time::sleep(duration).await,
                Fault::Hang => faults.until_lifted().await,
                Fault::CutShort => is_cut = true,
                Fault::HangUp => return None,
                Fault::Status(code) => return Some(page(status(code), "text/plain", Bytes::from_static(b"not now\n"))),
                Fault::Html200 => return Some(login_page()),
                Fault::Redirect(to) => return Some(redirect(&to, &target, &head)),
            }
        }
        let answer = self.answer(&target, &head, body, lag, authorized).await;
        if is_cut { cut(answer).await } else { Some(answer) }
    }
}

impl Hub {
    /// Writes a request down, and says whether it shows what it must.
    fn note(&self, target: &Target, head: &Parts, asked: Asked) -> bool {
        let token = self.find(&target.repository).ok().and_then(|repository| repository.state().token.clone());
        let authorization = head.headers.get(AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let shown = token_of(&head.headers);
        let authorized = token.is_none() || token == shown;
        let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
        let request = super::requests::Request { asked, method, path, authorized, authorization, at: Instant::now() };
        self.requests.note(&target.repository, request);
        authorized
    }

    async fn answer(&self, target: &Target, head: &Parts, body: Bytes, lag: usize, authorized: bool) -> Response<Body> {
        let moved_to = self.moved().get(&target.repository).cloned();
        if let Some(name) = moved_to {
            return redirect(&format!("/{name}.git"), target, head);
        }
        let Ok(repository) = self.find(&target.repository) else {
            return page(StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"Not Found\n"));
        };
        if !authorized {
            return who_are_you();
        }
        match self.hand_over(&repository, target, head, body, lag).await {
            Ok(response) => response,
            Err(message) => bad_gateway(&message),
        }
    }

    async fn hand_over(
        &self,
        repository: &Repository,
        target: &Target,
        head: &Parts,
        body: Bytes,
        lag: usize,
    ) -> Result<Response<Body>, String> {
        let path = match lag {
            0 => repository.path.clone(),
            _ => self.as_it_was(repository, &target.repository, lag).map_err(|error| error.to_string())?,
        };
        backend::answer(&self.git, &path, &target.service, head, body).await.map_err(|error| error.to_string())
    }

    /// Makes a repository with the objects of another, and its branches as they were so many pushes ago.
    fn as_it_was(&self, repository: &Repository, name: &str, lag: usize) -> Result<PathBuf> {
        let state = repository.state();
        let pushes = state.past.len().saturating_sub(lag);
        let path = self.folder.join("past").join(format!("{}.{pushes}", name.replace('/', "~")));
        let branches = state.past.get(pushes).unwrap_or(&state.branches);
        write_past(&path, repository, &state.head, branches).map_err(Error::io_of("write", &path))?;
        Ok(path)
    }
}

fn write_past(path: &Path, repository: &Repository, head: &str, branches: &Branches) -> std::io::Result<()> {
    let format = match repository.hashes {
        Hashes::Sha1 => "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
        Hashes::Sha256 => "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n",
    };
    let packed: String = branches.iter().map(|(branch, hash)| format!("{hash} {}\n", reference(branch))).collect();
    std::fs::create_dir_all(path.join("objects/info"))?;
    std::fs::create_dir_all(path.join("refs"))?;
    std::fs::write(path.join("config"), format)?;
    std::fs::write(path.join("packed-refs"), packed)?;
    std::fs::write(path.join("objects/info/alternates"), format!("{}\n", repository.path.join("objects").display()))?;
    std::fs::write(path.join("HEAD"), format!("ref: {}\n", reference(head)))
}

/// The password of a basic authorization, which is where git puts a token.
fn token_of(headers: &HeaderMap) -> Option<String> {
    use base64::Engine;
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    String::from_utf8(decoded).ok()?.split_once(':').map(|(_, token)| token.to_owned())
}

fn who_are_you() -> Response<Body> {
    let mut response = page(StatusCode::UNAUTHORIZED, "text/plain", Bytes::from_static(b"who are you?\n"));
    response.headers_mut().insert(WWW_AUTHENTICATE, "Basic realm=\"elmo\"".parse().expect("this is a header"));
    response
}

fn redirect(to: &str, target: &Target, head: &Parts) -> Response<Body> {
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = page(StatusCode::MOVED_PERMANENTLY, "text/plain", Bytes::new());
    match format!("{to}/{}{query}", target.service).parse() {
        Ok(location) => drop(response.headers_mut().insert(LOCATION, location)),
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Cuts an answer in the middle.
async fn cut(answer: Response<Body>) -> Option<Response<Body>> {
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let whole = answer.into_body().collect().await.ok()?.to_bytes();
    Some(cut_short(&content_type, &whole))
}
