//! The sections of `elmo.toml`, as they are read.

use super::lengths::{duration, perhaps_duration};
use crate::domain::RootUrl;
use crate::pulse::QueueType;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pulse {
    pub(super) host: String,
    pub(super) vhost: String,
    pub(super) user: String,
    #[serde(deserialize_with = "perhaps_duration")]
    pub(super) ttl: Option<Duration>,
    pub(super) queue_type: QueueType,
    pub(super) prefetch: u16,
    pub(super) batch: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Taskcluster {
    pub(super) deployments: Vec<Deployment>,
    pub(super) prefetch: u16,
    pub(super) max_artifact_mib: usize,
    pub(super) reference_hosts: Vec<String>,
    pub(super) private_hosts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) root: RootUrl,
    #[serde(default)]
    pub(super) vhost: String,
    #[serde(default = "usual_routes")]
    pub(super) routes: Vec<String>,
    /// How the environment variables with the credentials begin, if not as usual.
    #[serde(default)]
    pub(super) credentials: String,
}

pub(super) fn usual_routes() -> Vec<String> {
    vec!["project.l10n.elmo.v1".to_owned()]
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Sync {
    pub(super) lanes: usize,
    #[serde(deserialize_with = "duration")]
    pub(super) every: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) lease: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) first_wait: Duration,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Fetch {
    #[serde(deserialize_with = "duration")]
    pub(super) timeout: Duration,
    pub(super) max_answer_mib: usize,
    pub(super) private_hosts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hg {
    pub(super) program: PathBuf,
    #[serde(deserialize_with = "duration")]
    pub(super) clone_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) pull_timeout: Duration,
    pub(super) warm: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Git {
    pub(super) program: PathBuf,
    #[serde(deserialize_with = "duration")]
    pub(super) clone_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) fetch_timeout: Duration,
    pub(super) tokens: Vec<HostToken>,
}

/// Which environment variable has the token for a host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostToken {
    pub(super) host: String,
    pub(super) variable: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Clones {
    pub(super) keep_aside_mib: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Worker {
    pub(super) listen: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Web {
    pub(super) listen: String,
    pub(super) connections: usize,
    #[serde(deserialize_with = "duration")]
    pub(super) header_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) answer_timeout: Duration,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ArtifactCache {
    pub(super) cache: String,
    pub(super) budget_mib: u64,
}

/// Where traces go, if anywhere.
#[derive(Clone, Debug, Deserialize)]
pub struct Traces {
    /// The collector's address; nothing is traced where it is empty.
    pub endpoint: String,
    pub service: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Github {
    pub(super) taskcluster: Vec<String>,
    pub(super) webhooks: Vec<String>,
    pub(super) hosts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Kept {
    #[serde(deserialize_with = "perhaps_duration")]
    pub(super) parked: Option<Duration>,
    #[serde(deserialize_with = "perhaps_duration")]
    pub(super) events: Option<Duration>,
    #[serde(deserialize_with = "perhaps_duration")]
    pub(super) notices: Option<Duration>,
    #[serde(deserialize_with = "perhaps_duration")]
    pub(super) set_aside: Option<Duration>,
    #[serde(deserialize_with = "perhaps_duration")]
    pub(super) artifacts: Option<Duration>,
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
    Mozlog,
}
