//! Taskcluster's queue: the definition of a task, its status, the list of its artifacts, and artifacts.
//!
//! Three GETs by hand, since the bytes come from wherever a task says: what is redirected to is followed five times at most,
//! never to addresses of private networks unless they are allowed, and credentials never leave the root URL's host.

mod error;
mod hawk;

pub(super) use error::quoted;
pub use error::{QueueError, Trouble};
pub use hawk::Credentials;

use super::PrivateHosts;
use super::http::{body_within, builder};
use crate::domain::{ArtifactName, Clock, RootUrl, TaskId, TaskRun};
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How far requests to a deployment, and to where it redirects, may go.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// For one request, from the first byte sent to the last one read.
    pub time: Duration,
    /// The longest answer that is read, in bytes, after decompression.
    pub size: usize,
    /// Hosts from which artifacts of the kind `reference` are taken: their URLs are whatever a task says.
    pub reference_hosts: Vec<String>,
    /// Hosts that artifacts may come from although they are in a private network.
    pub private_hosts: PrivateHosts,
}

/// The queue of one deployment.
#[derive(Clone)]
pub struct Queue {
    root: RootUrl,
    credentials: Option<Arc<Credentials>>,
    settings: Arc<QueueSettings>,
    clock: Clock,
    /// For the deployment itself, which the operator named.
    own: Client,
    /// For where it redirects.
    outside: Client,
}

/// An artifact as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedArtifact {
    pub name: ArtifactName,
    pub expires: Option<Timestamp>,
}

const REDIRECTS: usize = 5;
/// All zeros but for what a slugid fixes.
const NOBODYS: &str = "AAAAAAAAQACAAAAAAAAAAA";
/// Pages of a list of artifacts, a thousand each.
const MOST_PAGES: usize = 100;

impl Queue {
    /// Makes the clients for a deployment.
    ///
    /// # Errors
    /// When HTTP cannot be set up on this machine.
    pub fn new(
        root: RootUrl,
        credentials: Option<Credentials>,
        settings: QueueSettings,
        clock: Clock,
    ) -> Result<Queue, QueueError> {
        let client = || builder(settings.time, reqwest::redirect::Policy::none());
        let own = client().build();
        let outside = client().dns_resolver(Arc::new(settings.private_hosts.clone())).build();
        let failed = |error| QueueError::because(Trouble::Ours, "could not set up HTTP", error);
        Ok(Queue {
            root,
            credentials: credentials.map(Arc::new),
            settings: Arc::new(settings),
            clock,
            own: own.map_err(failed)?,
            outside: outside.map_err(failed)?,
        })
    }

    /// The deployment.
    pub fn root(&self) -> &RootUrl {
        &self.root
    }

    /// The longest answer that is read, in bytes.
    pub(in crate::fetch) fn longest(&self) -> usize {
        self.settings.size
    }

    /// Who we are there, if anybody.
    pub fn client(&self) -> Option<&str> {
        self.credentials.as_ref().map(|credentials| credentials.client.as_str())
    }

    /// Whether the queue answers and takes our credentials: asked for a task that nobody has, it says that there is none.
    pub async fn probe(&self) -> Result<(), QueueError> {
        match self.own_answer(&format!("task/{NOBODYS}")).await {
            Err(error) if error.trouble == Trouble::NotThere => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The URL of the file that defined a task, as the task says.
    pub async fn source(&self, task: &TaskId) -> Result<Option<String>, QueueError> {
        #[derive(Deserialize)]
        struct Definition {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            source: Option<String>,
        }
        let definition: Definition = self.json(&format!("task/{task}")).await?;
        Ok(definition.metadata.source)
    }

    /// The queue's word on a task, as it answers.
    pub async fn status(&self, task: &TaskId) -> Result<Vec<u8>, QueueError> {
        self.own_answer(&format!("task/{task}/status")).await
    }

    /// All artifacts of a run. Names that none of ours can have are left out.
    pub async fn artifacts(&self, of: &TaskRun) -> Result<Vec<ListedArtifact>, QueueError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            artifacts: Vec<Entry>,
            continuation_token: Option<String>,
        }
        #[derive(Deserialize)]
        struct Entry {
            name: String,
            expires: Option<String>,
        }
        let path = format!("task/{}/runs/{}/artifacts", of.task, of.run);
        let (mut listed, mut query) = (Vec::new(), "limit=1000".to_owned());
        for _ in 0..MOST_PAGES {
            let page: Page = self.json(&format!("{path}?{query}")).await?;
            for entry in page.artifacts {
                let expires = entry.expires.and_then(|expires| expires.parse().ok());
                listed.extend(entry.name.parse().ok().map(|name| ListedArtifact { name, expires }));
            }
            let Some(token) = page.continuation_token else {
                return Ok(listed);
            };
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            query = pairs.append_pair("limit", "1000").append_pair("continuationToken", &token).finish();
        }
        Err(QueueError::new(Trouble::Unusable, format!("the list of artifacts of {of} does not come to an end")))
    }

    /// The bytes of an artifact, decompressed.
    pub async fn artifact(&self, of: &TaskRun, name: &ArtifactName) -> Result<Vec<u8>, QueueError> {
        let path = format!("task/{}/runs/{}/artifacts/{}", of.task, of.run, encoded(name.as_str()));
        let response = self.ask_queue(&path).await?;
        if response.status() != StatusCode::SEE_OTHER {
            return self.body(response, &format!("artifact {name} of {of}")).await;
        }
        let is_reference = response.headers().get("x-taskcluster-artifact-storage-type").is_some_and(|kind| kind == "reference");
        let location = location(response.url(), response.headers())?;
        if is_reference && !self.settings.reference_hosts.iter().any(|host| location.host_str() == Some(host)) {
            let host = location.host_str().unwrap_or_default();
            return Err(QueueError::new(
                Trouble::Forbidden,
                format!("artifact {name} of {of} is a reference to {host}, which is not allowed"),
            ));
        }
        self.follow(location, &format!("artifact {name} of {of}")).await
    }

    /// Follows redirects from here on, without credentials.
    async fn follow(&self, mut at: Url, what: &str) -> Result<Vec<u8>, QueueError> {
        for _ in 0..REDIRECTS {
            let refused = |error| QueueError::because(Trouble::Forbidden, format!("{at} is not asked"), error);
            self.settings.private_hosts.check(&at).map_err(refused)?;
            let response = self.outside.get(at.clone()).send().await.map_err(|error| QueueError::of_request(what, error))?;
            if response.status() == StatusCode::FORBIDDEN {
                // A storage that does not let its objects be listed says so of those that expired.
                return Err(QueueError::new(
                    Trouble::Expired,
                    format!("{what}: the storage answers 403, as it does for what expired"),
                ));
            }
            if !response.status().is_redirection() {
                return self.body(response, what).await;
            }
            let next = location(&at, response.headers())?;
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(QueueError::new(Trouble::Forbidden, format!("{what} is redirected from https to {}", next.scheme())));
            }
            at = next;
        }
        Err(QueueError::new(Trouble::Unusable, format!("{what} is redirected more than {REDIRECTS} times")))
    }

    async fn json<T: for<'a> Deserialize<'a>>(&self, path: &str) -> Result<T, QueueError> {
        let body = self.own_answer(path).await?;
        let what = || format!("the queue's answer to {path} is not what it should be");
        // A page of HTML with 200 comes from something in between, and passes.
        serde_json::from_slice(&body).map_err(|error| QueueError::because(Trouble::Passing { wait: None }, what(), error))
    }

    async fn own_answer(&self, path: &str) -> Result<Vec<u8>, QueueError> {
        let response = self.ask_queue(path).await?;
        self.body(response, path).await
    }

    async fn ask_queue(&self, path: &str) -> Result<Response, QueueError> {
        let url = format!("{}/api/queue/v1/{path}", self.root);
        let url = Url::parse(&url).map_err(|error| QueueError::because(Trouble::Ours, format!("{url} is no URL"), error))?;
        let mut request = self.own.get(url.clone());
        if let Some(credentials) = &self.credentials {
            request = request.header(AUTHORIZATION, credentials.header(&url, self.clock.now()));
        }
        request.send().await.map_err(|error| QueueError::of_request(path, error))
    }

    async fn body(&self, mut response: Response, what: &str) -> Result<Vec<u8>, QueueError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let failed = |error| QueueError::of_request(what, error);
        let Some(body) = body_within(&mut response, self.settings.size).await.map_err(failed)? else {
            let limit = self.settings.size >> 20;
            return Err(QueueError::new(Trouble::Unusable, format!("{what} is longer than {limit} MiB")));
        };
        if status == StatusCode::OK { Ok(body) } else { Err(QueueError::of_status(what, status, &headers, &body)) }
    }
}

pub(super) fn location(at: &Url, headers: &HeaderMap) -> Result<Url, QueueError> {
    let text = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let url = text.and_then(|text| at.join(text).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| QueueError::new(Trouble::Unusable, format!("{at} redirects to what is no URL of the web")))
}

/// A whole name as one part of a path: `/` too, so that nobody folds `..` away.
pub(super) fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_~.".contains(byte);
    name.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_name_is_one_part_of_a_path_whatever_stands_in_it() {
        assert_eq!(encoded("public/../a b?#%.json"), "public%2F..%2Fa%20b%3F%23%25.json");
    }
}
