//! The program with somebody who asks how it is.

use super::program::Running;
use super::worker::config_of;
use super::{PATIENCE, Pulse, Settings, World, account, until};
use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::Value;

/// A program that says at an address how it is, ended when dropped.
pub(crate) struct Watched {
    pub(crate) running: Running,
    root: String,
}

/// Enough to hear where it listens, and not so much that nobody could read it all.
const QUIETLY: &str = "warn,elmo=info";

impl Watched {
    /// A worker on this broker that says how it is at a port of its own.
    pub(crate) async fn worker(world: &World, pulse: &Pulse) -> Watched {
        Watched::worker_with(world, account(pulse)).await
    }

    /// The same with settings of its own, the broker among them.
    pub(crate) async fn worker_with(world: &World, mut settings: Settings) -> Watched {
        settings.push(("ELMO_WORKER_LISTEN", "127.0.0.1:0".to_owned()));
        Watched::start(world, settings, "consume-pulse", "saying how it is").await
    }

    /// A web server.
    pub(crate) async fn server(world: &World, mut settings: Settings) -> Watched {
        settings.push(("ELMO_LISTEN", "127.0.0.1:0".to_owned()));
        Watched::start(world, settings, "serve", "serving pages").await
    }

    async fn start(world: &World, mut settings: Settings, command: &str, listens: &str) -> Watched {
        settings.push(("ELMO_CONFIG", config_of(world, "").display().to_string()));
        settings.push(("ELMO_LOG", QUIETLY.to_owned()));
        let mut running = Running::start(world, settings, &[command]);
        let line = running.until_it_logs(listens).await;
        let (_, address) = line.split_once("url=http://").expect("its address");
        let root = format!("http://{}", address.split('/').next().expect("a host and a port"));
        Watched { running, root }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = reqwest::get(format!("{}{path}", self.root)).await.expect("an answer");
        (answer.status(), answer.text().await.expect("its text"))
    }

    /// What the heartbeat says.
    pub(crate) async fn heartbeat(&self) -> Value {
        let (status, text) = self.get("/__heartbeat__").await;
        let said: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(status == StatusCode::OK, said["status"] == "ok", "{said}");
        said
    }

    /// Waits until the heartbeat finds nothing wrong.
    pub(crate) async fn until_well(&self) {
        until("it is well", PATIENCE, async || self.heartbeat().await["status"] == "ok").await;
    }

    /// Waits until the heartbeat finds this wrong, and nothing else.
    pub(crate) async fn until_only_wrong(&self, check: &str) {
        let wrong = async || -> Vec<String> {
            let said = self.heartbeat().await;
            let checks = said["checks"].as_object().expect("checks");
            checks.iter().filter(|(_, found)| *found != "ok").map(|(name, _)| name.clone()).collect()
        };
        until(&format!("{check} is wrong"), PATIENCE, async || wrong().await == [check]).await;
    }

    pub(crate) async fn metrics(&self) -> String {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, StatusCode::OK, "{text}");
        text
    }

    /// One figure, by its name and labels.
    pub(crate) async fn figure(&self, sample: &str) -> Option<f64> {
        let metrics = self.metrics().await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map(|value| value.parse().expect("a number"))
    }

    /// SIGTERM; gives the exit code.
    pub(crate) async fn terminate(self) -> Option<i32> {
        self.running.tell(Signal::TERM);
        self.running.ended().await
    }
}
