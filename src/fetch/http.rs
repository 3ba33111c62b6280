//! HTTP out: one client, bounded in size, time and redirects.

use super::addresses::is_private;
use super::{FetchError, PrivateHosts};
use crate::domain::ErrorClass;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How far a request may go.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// For a whole request, from the first byte sent to the last one read.
    pub time: Duration,
    /// The longest answer that is read, in bytes.
    pub size: usize,
    /// Hosts that may be asked although they are in a private network.
    pub private_hosts: PrivateHosts,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings { time: Duration::from_secs(30), size: 32 << 20, private_hosts: PrivateHosts::default() }
    }
}

/// The client.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    settings: HttpSettings,
}

/// Of an answer that is no success, this much is quoted.
const QUOTED: usize = 200;
const REDIRECTS: usize = 5;

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// When the machine has no certificates that could be trusted, or no crypto provider was installed.
    pub fn new(settings: HttpSettings) -> Result<Http, FetchError> {
        let client = builder(settings.time, reqwest::redirect::Policy::custom(within_the_host))
            .dns_resolver(Arc::new(settings.private_hosts.clone()))
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| FetchError::because(ErrorClass::Ours, "could not set up HTTP", error))?;
        Ok(Http { client, settings })
    }

    /// Hosts that may be asked although they are in a private network.
    pub(super) fn private_hosts(&self) -> &PrivateHosts {
        &self.settings.private_hosts
    }

    /// Where the host sends those who ask for `url`; nothing of the answer is read.
    pub(super) async fn leads_to(&self, url: &str) -> Result<Url, FetchError> {
        Ok(self.ask(url).await?.url().clone())
    }

    /// The body behind `url`, if the answer is a success.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let failed = |error| could_not_get(url, error);
        let mut response = self.ask(url).await?;
        let status = response.status();
        let Some(body) = body_within(&mut response, self.settings.size).await.map_err(failed)? else {
            let limit = self.settings.size >> 20;
            return Err(FetchError::new(ErrorClass::Network, format!("{url} answers with more than {limit} MiB")));
        };
        if status == reqwest::StatusCode::OK {
            return Ok(body);
        }
        let quoted: String =
            String::from_utf8_lossy(&body).chars().take(QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect();
        Err(FetchError::new(class_of(status), format!("{url} answers {}: {}", status.as_u16(), quoted.trim())))
    }

    async fn ask(&self, url: &str) -> Result<reqwest::Response, FetchError> {
        let at = Url::parse(url).map_err(|error| FetchError::because(ErrorClass::Ours, format!("{url} is no URL"), error))?;
        let refused = |error| FetchError::because(ErrorClass::Ours, format!("{url} is not asked"), error);
        self.settings.private_hosts.check(&at).map_err(refused)?;
        self.client.get(at).send().await.map_err(|error| could_not_get(url, error))
    }
}

fn could_not_get(url: &str, error: reqwest::Error) -> FetchError {
    let class = if is_private(&error) { ErrorClass::Ours } else { ErrorClass::Network };
    FetchError::because(class, format!("could not get {url}"), error.without_url())
}

/// How all clients of ours are made: they say who they are, and a request takes at most `time`.
pub(super) fn builder(time: Duration, redirects: reqwest::redirect::Policy) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("elmo/", env!("CARGO_PKG_VERSION")))
        .timeout(time)
        .connect_timeout(Duration::from_secs(10))
        .redirect(redirects)
        .tcp_nodelay(true)
}

/// The whole body of an answer; none when it has more than `most` bytes, of which no more are read.
pub(super) async fn body_within(response: &mut reqwest::Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// A redirect may change the path, and http to https, but never the host or the port: what is followed is what was configured.
fn within_the_host(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let Some(first) = attempt.previous().first() else {
        return attempt.stop();
    };
    let same_host = first.host_str() == attempt.url().host_str() && first.port() == attempt.url().port();
    let no_downgrade = first.scheme() != "https" || attempt.url().scheme() == "https";
    if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else if same_host && no_downgrade {
        attempt.follow()
    } else {
        attempt.error("redirected to another host, which is not followed")
    }
}

fn class_of(status: reqwest::StatusCode) -> ErrorClass {
    match status.as_u16() {
        404 | 410 => ErrorClass::Gone,
        401 | 403 | 407 | 451 => ErrorClass::Refused,
        _ => ErrorClass::Network,
    }
}
