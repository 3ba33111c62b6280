//! GitHub's webhooks: a signed body in, a [`Message`] for whoever takes messages out. The only requests that lead to something being
//! written; nothing of a body is believed, or looked at, before its signature fits.

use super::error::{self, PageError};
use super::headers;
use crate::domain::{GITHUB_HOOK, Message, from_hex};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest body that GitHub sends (docs.github.com, webhook events and payloads).
const LONGEST: usize = 25 << 20;
/// How long a body may take: GitHub does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What bodies take of memory together, in parts of which each body has at least one: nobody has signed them yet.
const PART: usize = 1 << 20;
const PARTS: usize = 64;
/// Events have names as `push` and `pull_request_review_comment`.
const LONGEST_EVENT: usize = 100;

/// Takes one message; once it is done, what the message asks for is written down.
pub type Receiver = Arc<dyn Fn(Message) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send>> + Send + Sync>;

/// The message could not be written down; the sender should send it again.
#[derive(Debug, thiserror::Error)]
#[error("the message could not be written down")]
pub struct NotTaken;

/// Who may send, and who takes.
#[derive(Clone)]
pub struct Hooks {
    /// Any of these signs; more than one while they are being changed.
    secrets: Arc<[String]>,
    receiver: Receiver,
    room: Arc<Semaphore>,
}

/// A body, which gives its room back when dropped.
struct Received {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Hooks {
    /// Hands over what is signed by one of `secrets`.
    pub fn new(secrets: Vec<String>, receiver: Receiver) -> Hooks {
        Hooks { secrets: secrets.into(), receiver, room: Arc::new(Semaphore::new(PARTS)) }
    }

    /// `POST /hooks/github` beside pages.
    pub fn beside(self, pages: Router) -> Router {
        let hooks = Router::new()
            .route("/hooks/github", post(take))
            .layer(from_fn(error::in_words))
            .layer(from_fn(headers::secure))
            .with_state(self);
        pages.merge(hooks)
    }

    async fn read(&self, body: Body) -> Result<Received, PageError> {
        let reading = tokio::time::timeout(PATIENCE, self.read_patiently(body));
        reading.await.unwrap_or_else(|_| Err(refused(format!("The body did not come within {} seconds.", PATIENCE.as_secs()))))
    }

    async fn read_patiently(&self, body: Body) -> Result<Received, PageError> {
        let (mut bytes, mut room, mut body) = (Vec::new(), self.part()?, body.into_data_stream());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| refused("The body is cut off.".to_owned()))?;
            if bytes.len() + chunk.len() > LONGEST {
                return Err(refused(format!("The body is longer than {LONGEST} bytes.")));
            }
            bytes.extend_from_slice(&chunk);
            while bytes.len() > room.num_permits() * PART {
                room.merge(self.part()?);
            }
        }
        Ok(Received { bytes, _room: room })
    }

    fn part(&self) -> Result<OwnedSemaphorePermit, PageError> {
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| PageError::NotNow)
    }
}

fn refused(words: String) -> PageError {
    PageError::BadRequest(words)
}

async fn take(State(hooks): State<Hooks>, headers: HeaderMap, body: Body) -> Result<Response, PageError> {
    let Received { bytes: body, _room } = hooks.read(body).await?;
    if !is_signed(&hooks.secrets, header(&headers, "x-hub-signature-256"), &body) {
        tracing::warn!(delivery = header(&headers, "x-github-delivery"), "a webhook without a signature of ours is refused");
        return Err(PageError::Unsigned);
    }
    if header(&headers, "content-type").split(';').next() != Some("application/json") {
        return Err(refused("Please set the content type of the webhook to application/json.".to_owned()));
    }
    match header(&headers, "x-github-event") {
        "" => Err(refused("The header X-GitHub-Event is missing.".to_owned())),
        "ping" => Ok((StatusCode::OK, "pong\n").into_response()),
        event => {
            let routing_key = event.chars().take(LONGEST_EVENT).collect();
            let message = Message { exchange: GITHUB_HOOK.to_owned(), routing_key, body, root: None };
            (hooks.receiver)(message).await.map_err(|NotTaken| PageError::NotNow)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether `sha256=…` is the body's HMAC under one of the secrets, each compared in a time that does not depend on it.
pub(super) fn is_signed(secrets: &[String], signature: &str, body: &[u8]) -> bool {
    let Some(signature) = signature.strip_prefix("sha256=").and_then(from_hex::<32>) else {
        return false;
    };
    let fits = |secret: &String| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    };
    secrets.iter().fold(false, |signed, secret| signed | fits(secret))
}

#[cfg(test)]
mod tests {
    use super::is_signed;

    /// The example of GitHub's documentation, "Validating webhook deliveries".
    const SECRET: &str = "It's a Secret to Everybody";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_documented_example_is_signed() {
        assert!(is_signed(&[SECRET.to_owned()], SIGNATURE, b"Hello, World!"));
    }

    #[test]
    fn any_secret_signs_and_nothing_else_does() {
        let secrets = ["new".to_owned(), SECRET.to_owned()];
        assert!(is_signed(&secrets, SIGNATURE, b"Hello, World!"));
        assert!(is_signed(&secrets, &SIGNATURE.to_uppercase().replace("SHA256", "sha256"), b"Hello, World!"));
        for wrong in
            ["", "sha256=", &SIGNATURE[7..], &SIGNATURE.replace("75", "57"), "sha1=757107ea", &format!("{SIGNATURE}00"), "sha256=é"]
        {
            assert!(!is_signed(&secrets, wrong, b"Hello, World!"), "{wrong}");
        }
        assert!(!is_signed(&secrets, SIGNATURE, b"Hello, World?"));
        assert!(!is_signed(&secrets[..1], SIGNATURE, b"Hello, World!"));
        assert!(!is_signed(&[], SIGNATURE, b"Hello, World!"));
    }
}
