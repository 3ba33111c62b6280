//! Settings: defaults, then `elmo.toml`, then the environment. The only place that reads the environment.
//!
//! A text comes in, a [`Config`] or an error that names the key and the nearest known one goes out.

mod given;
mod lengths;
mod queues;
mod sections;

pub use queues::GithubQueue;
pub use sections::{Log, LogFormat, Traces};

use crate::domain::{NotAName, Retention, RootUrl, UrlRules};
use crate::fetch::{CloneSettings, Credentials, GitSettings, HttpSettings, PrivateHosts, QueueSettings};
use crate::sync::LaneSettings;
use crate::web::Limits;
use given::{merge, refuse_unknown};
use lengths::parse_duration;
use sections::{
    ArtifactCache, Clones, Deployment, Fetch, Git, Github, Hg, Kept, Pulse, Sync, Taskcluster, Web, Worker, usual_routes,
};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every setting with its default and what it means.
pub const EXAMPLE: &str = include_str!("../../elmo.example.toml");

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("could not read {path}", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{file}: {message}")]
    Parse { file: String, message: String },
    #[error("{file}: there is no setting {key}{}", nearest.as_ref().map(|known| format!(", did you mean {known}?")).unwrap_or_default())]
    Unknown { file: String, key: String, nearest: Option<String> },
    #[error("{root}: {prefix}_CLIENT_ID and {prefix}_ACCESS_TOKEN are not both set")]
    NoCredentials { root: String, prefix: String },
    #[error("{name}={value:?} cannot be used: {why}")]
    Variable { name: &'static str, value: String, why: String },
    #[error(
        "{0} is not set; create an account at https://pulseguardian.mozilla.org and put its name into PULSE_USER, its password into PULSE_PASSWORD"
    )]
    Missing(&'static str),
}

/// All settings.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub data: PathBuf,
    database: String,
    allow_file_urls: bool,
    pulse: Pulse,
    taskcluster: Taskcluster,
    sync: Sync,
    fetch: Fetch,
    hg: Hg,
    git: Git,
    github: Github,
    clones: Clones,
    worker: Worker,
    web: Web,
    artifacts: ArtifactCache,
    retention: Kept,
    pub log: Log,
    pub traces: Traces,
    #[serde(skip)]
    password: String,
    #[serde(skip)]
    credentials: Vec<(RootUrl, Credentials)>,
    #[serde(skip)]
    hook_secrets: Vec<String>,
    /// By their hosts.
    #[serde(skip)]
    git_tokens: Vec<(String, String)>,
}

impl Config {
    /// Reads `file`, or `elmo.toml` where there is one, and the environment.
    ///
    /// # Errors
    /// When a file that was named is not there, or a setting is unknown or cannot be used.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let named = file.map(Path::to_owned).or_else(|| environment("ELMO_CONFIG").map(PathBuf::from));
        let text = match named.unwrap_or_else(|| PathBuf::from("elmo.toml")) {
            path if file.is_none() && environment("ELMO_CONFIG").is_none() && !path.exists() => (String::new(), path),
            path => (std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?, path),
        };
        Config::from_text(&text.0, &text.1.display().to_string(), environment)
    }

    /// Reads settings from a text and an environment.
    pub fn from_text(text: &str, file: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let parse =
            |error: toml::de::Error| ConfigError::Parse { file: file.to_owned(), message: error.to_string().trim_end().to_owned() };
        let given: toml::Table = text.parse().map_err(parse)?;
        let defaults: toml::Table = EXAMPLE.parse().map_err(parse)?;
        refuse_unknown(&given, &defaults, file)?;
        let mut merged = defaults;
        merge(&mut merged, given);
        let mut config: Config = merged.try_into().map_err(parse)?;
        config.read_environment(environment)?;
        Ok(config)
    }

    fn read_environment(&mut self, environment: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        let text = |name: &str, setting: &mut String| {
            if let Some(value) = environment(name) {
                *setting = value;
            }
        };
        text("DATABASE_URL", &mut self.database);
        text("PULSE_HOST", &mut self.pulse.host);
        text("PULSE_VHOST", &mut self.pulse.vhost);
        text("PULSE_USER", &mut self.pulse.user);
        text("PULSE_PASSWORD", &mut self.password);
        text("ELMO_LISTEN", &mut self.web.listen);
        text("ELMO_WORKER_LISTEN", &mut self.worker.listen);
        text("ELMO_LOG", &mut self.log.filter);
        text("OTEL_EXPORTER_OTLP_ENDPOINT", &mut self.traces.endpoint);
        text("OTEL_SERVICE_NAME", &mut self.traces.service);
        text("ELMO_ARTIFACTS", &mut self.artifacts.cache);
        if let Some(data) = environment("ELMO_DATA") {
            self.data = PathBuf::from(data);
        }
        if let Some(hosts) = environment("ELMO_PRIVATE_HOSTS") {
            self.fetch.private_hosts = hosts.split_whitespace().map(str::to_owned).collect();
        }
        self.read_credentials(&environment)?;
        let tokens = self.git.tokens.iter().filter_map(|token| Some((token.host.clone(), environment(&token.variable)?)));
        self.git_tokens = tokens.collect();
        let secrets = environment("GITHUB_WEBHOOK_SECRET").unwrap_or_default();
        self.hook_secrets = secrets.split_whitespace().map(str::to_owned).collect();
        if let Some(value) = environment("PULSE_TTL") {
            self.pulse.ttl = Some(parse_duration(&value).map_err(|why| ConfigError::Variable { name: "PULSE_TTL", value, why })?);
        }
        Ok(())
    }

    /// Credentials belong to one deployment: sent to another they would be given away.
    fn read_credentials(&mut self, environment: &impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        if let Some(usual) = credentials(environment, "TASKCLUSTER") {
            let value = environment("TASKCLUSTER_ROOT_URL").unwrap_or_default();
            let root = value.parse().map_err(|why: NotAName| ConfigError::Variable {
                name: "TASKCLUSTER_ROOT_URL",
                value,
                why: format!("{why}; it says where the credentials may be sent"),
            })?;
            self.credentials.push((root, usual));
        }
        for deployment in self.taskcluster.deployments.iter().filter(|deployment| !deployment.credentials.is_empty()) {
            let (root, prefix) = (deployment.root.clone(), deployment.credentials.clone());
            let found = credentials(environment, &prefix);
            let found = found.ok_or_else(|| ConfigError::NoCredentials { root: root.to_string(), prefix })?;
            self.credentials.retain(|(of, _)| *of != root);
            self.credentials.push((root, found));
        }
        Ok(())
    }

    /// Keeps everything in `folder`, the database and the artifact cache too.
    pub fn use_folder(&mut self, folder: &Path) {
        self.data = folder.to_owned();
        self.database.clear();
        self.artifacts.cache.clear();
    }

    /// Takes results from this deployment and no other, which is on this machine, as are the hosts of repositories.
    pub fn use_deployment_here(&mut self, root: RootUrl) {
        self.taskcluster.deployments =
            vec![Deployment { root, vhost: String::new(), routes: usual_routes(), credentials: String::new() }];
        self.taskcluster.private_hosts.push("127.0.0.1".to_owned());
        self.fetch.private_hosts.push("127.0.0.1".to_owned());
    }

    /// The database's address.
    pub fn database(&self) -> String {
        if self.database.is_empty() { format!("sqlite:{}", self.data.join("elmo.sqlite").display()) } else { self.database.clone() }
    }

    /// Which URLs may be followed.
    pub fn url_rules(&self) -> UrlRules {
        if self.allow_file_urls { UrlRules::FilesToo } else { UrlRules::OnlyHttp }
    }

    /// The deployments with the credentials for them, if there are any.
    pub fn deployments(&self) -> Vec<(RootUrl, Option<Credentials>)> {
        let own = |root: &RootUrl| self.credentials.iter().find(|(of, _)| of == root).map(|(_, own)| own.clone());
        self.taskcluster.deployments.iter().map(|deployment| (deployment.root.clone(), own(&deployment.root))).collect()
    }

    /// How far requests to deployments, and to where they redirect, may go.
    pub fn queues(&self) -> QueueSettings {
        QueueSettings {
            time: self.fetch.timeout,
            size: self.taskcluster.max_artifact_mib << 20,
            reference_hosts: self.taskcluster.reference_hosts.clone(),
            private_hosts: PrivateHosts::new(self.taskcluster.private_hosts.clone()),
        }
    }

    /// Where details of comparisons are kept, and how many bytes of them.
    pub fn artifacts(&self) -> (String, u64) {
        let folder = || self.data.join("artifacts").display().to_string();
        let place = if self.artifacts.cache.is_empty() { folder() } else { self.artifacts.cache.clone() };
        (place, self.artifacts.budget_mib << 20)
    }

    /// For how long what nobody needs is kept.
    pub fn retention(&self) -> Retention {
        let Kept { parked, events, notices, set_aside, artifacts } = self.retention;
        Retention { parked, events, notices, set_aside, artifacts }
    }

    /// How lanes go about it.
    pub fn lanes(&self) -> LaneSettings {
        LaneSettings {
            lanes: self.sync.lanes.clamp(1, 64),
            lease: self.sync.lease.max(Duration::from_secs(1)),
            first_wait: self.sync.first_wait,
            every: self.sync.every.max(Duration::from_secs(1)),
            ..LaneSettings::default()
        }
    }

    /// How far requests may go.
    pub fn http(&self) -> HttpSettings {
        HttpSettings { time: self.fetch.timeout, size: self.fetch.max_answer_mib << 20, private_hosts: self.private_hosts() }
    }

    /// Hosts of repositories that may be asked although they are in a private network.
    pub fn private_hosts(&self) -> PrivateHosts {
        PrivateHosts::new(self.fetch.private_hosts.clone())
    }

    /// The Mercurial program.
    pub fn hg_program(&self) -> &Path {
        &self.hg.program
    }

    /// The git program.
    pub fn git_program(&self) -> &Path {
        &self.git.program
    }

    /// Limits for clones of git, and who we are at hosts.
    pub fn git(&self) -> GitSettings {
        GitSettings {
            clone_time: self.git.clone_timeout,
            fetch_time: self.git.fetch_timeout,
            files_too: self.allow_file_urls,
            tokens: self.git_tokens.clone(),
        }
    }

    /// How many hg processes are kept ready.
    pub fn warm_hg(&self) -> usize {
        self.hg.warm
    }

    /// Limits for clones.
    pub fn clones(&self) -> CloneSettings {
        CloneSettings {
            clone_time: self.hg.clone_timeout,
            pull_time: self.hg.pull_timeout,
            aside_bytes: self.clones.keep_aside_mib << 20,
        }
    }

    /// What signs GitHub's webhooks; none where they are not taken.
    pub fn hook_secrets(&self) -> Vec<String> {
        self.hook_secrets.clone()
    }

    /// Where a worker says how it is, if anywhere.
    pub fn worker_listen(&self) -> Option<&str> {
        Some(self.worker.listen.as_str()).filter(|address| !address.is_empty())
    }

    /// Where the web server listens.
    pub fn listen(&self) -> &str {
        &self.web.listen
    }

    /// How far those who connect to it may go.
    pub fn web_limits(&self) -> Limits {
        let Web { connections, header_timeout, answer_timeout, .. } = self.web;
        Limits { connections: connections.max(1), header: header_timeout, answer: answer_timeout }
    }
}

fn credentials(environment: &impl Fn(&str) -> Option<String>, prefix: &str) -> Option<Credentials> {
    let value = |name: &str| environment(&format!("{prefix}_{name}"));
    Some(Credentials { client: value("CLIENT_ID")?, token: value("ACCESS_TOKEN")?, certificate: value("CERTIFICATE") })
}

#[cfg(test)]
mod tests {
    use super::{Config, EXAMPLE};
    use std::time::Duration;

    fn read(text: &str) -> Result<Config, String> {
        Config::from_text(text, "elmo.toml", |_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_is_the_defaults() {
        assert_eq!(format!("{:?}", read(EXAMPLE).unwrap()), format!("{:?}", read("").unwrap()));
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest_known_one() {
        assert_eq!(read("[sync]\nlane = 3").unwrap_err(), "elmo.toml: there is no setting sync.lane, did you mean sync.lanes?");
        assert!(read("[pulse]\npassword = 'x'").unwrap_err().contains("pulse.password"));
        assert_eq!(read("zzz = 1").unwrap_err(), "elmo.toml: there is no setting zzz");
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_place() {
        assert!(read("[sync]\nevery = 'soon'").unwrap_err().contains("soon"));
        assert!(read("[sync]\nlanes = 'x'").unwrap_err().contains("lanes"));
        assert!(read("[sync\n").unwrap_err().contains("line 1"));
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let environment = |name: &str| match name {
            "PULSE_USER" => Some("elmo".to_owned()),
            "PULSE_PASSWORD" => Some("s".to_owned()),
            "PULSE_TTL" => Some("86400".to_owned()),
            "DATABASE_URL" => Some("postgres://h/d".to_owned()),
            _ => None,
        };
        let config = Config::from_text("database = 'sqlite:x'\n[pulse]\nuser = 'other'", "elmo.toml", environment).unwrap();
        let subscription = config.hg_pushes().unwrap();
        assert_eq!((config.database().as_str(), subscription.queue_name().as_str()), ("postgres://h/d", "queue/elmo/hgmo"));
        assert_eq!(subscription.expires, Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn each_deployment_has_a_queue_on_its_own_vhost() {
        let environment = |name: &str| match name {
            "PULSE_USER" | "PULSE_PASSWORD" | "TASKCLUSTER_CLIENT_ID" | "TASKCLUSTER_ACCESS_TOKEN" => Some("elmo".to_owned()),
            "TASKCLUSTER_ROOT_URL" => Some("https://b.example.org/".to_owned()),
            _ => None,
        };
        let text = "[taskcluster]\ndeployments = [{root = 'https://a.example.org'}, {root = 'https://b.example.org', vhost = 'b'}]";
        let config = Config::from_text(text, "elmo.toml", environment).unwrap();
        let queues = config.tasks().unwrap();
        let vhosts: Vec<&str> = queues.iter().map(|queue| queue.broker.vhost.as_str()).collect();
        assert_eq!(vhosts, ["/", "b"]);
        assert_eq!(
            (queues[1].queue_name().as_str(), queues[1].bindings[0].as_str()),
            ("queue/elmo/taskcluster", "route.project.l10n.elmo.v1")
        );
        let credentials: Vec<bool> = config.deployments().iter().map(|(_, credentials)| credentials.is_some()).collect();
        assert_eq!(credentials, [false, true], "they are for the deployment that is named with them");
    }

    #[test]
    fn each_vhost_with_pushes_to_github_has_a_queue() {
        let environment = |name: &str| ["PULSE_USER", "PULSE_PASSWORD"].contains(&name).then(|| "elmo".to_owned());
        let queues = |text: &str| -> Vec<(String, String)> {
            let config = Config::from_text(text, "elmo.toml", environment).unwrap();
            let queues = config.github_pushes().unwrap().into_iter();
            queues.map(|queue| (queue.subscription.broker.vhost.clone(), queue.subscription.queue_name())).collect()
        };
        let queue = |vhost: &str, name: &str| (vhost.to_owned(), format!("queue/elmo/{name}"));
        assert_eq!(queues(""), [queue("/", "github")], "republished webhooks are for those who ask for them");
        assert_eq!(queues("[github]\ntaskcluster = []\nwebhooks = ['w']"), [queue("w", "github-webhooks")]);
    }

    #[test]
    fn each_deployment_may_have_credentials_of_its_own() {
        let text =
            "[taskcluster]\ndeployments = [{root = 'https://a.example.org'}, {root = 'https://b.example.org', credentials = 'B'}]";
        let environment = |name: &str| {
            let value = if name == "TASKCLUSTER_ROOT_URL" { "https://a.example.org" } else { name };
            (name.starts_with("TASKCLUSTER_") || name.starts_with("B_")).then(|| value.to_owned())
        };
        let config = Config::from_text(text, "elmo.toml", environment).unwrap();
        let clients: Vec<String> = config.deployments().into_iter().map(|(_, credentials)| credentials.unwrap().client).collect();
        assert_eq!(clients, ["TASKCLUSTER_CLIENT_ID", "B_CLIENT_ID"]);
        let error = Config::from_text(text, "elmo.toml", |_| None).unwrap_err().to_string();
        assert_eq!(error, "https://b.example.org: B_CLIENT_ID and B_ACCESS_TOKEN are not both set");
    }

    #[test]
    fn credentials_without_a_deployment_are_refused() {
        let environment = |name: &str| name.starts_with("TASKCLUSTER_").then(|| "x".to_owned());
        assert!(Config::from_text("", "elmo.toml", environment).unwrap_err().to_string().contains("TASKCLUSTER_ROOT_URL"));
    }

    #[test]
    fn without_an_account_there_is_no_queue() {
        assert!(read("").unwrap().hg_pushes().unwrap_err().to_string().starts_with("PULSE_USER is not set"));
    }
}
