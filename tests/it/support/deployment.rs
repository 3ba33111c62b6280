//! A Taskcluster deployment of one's own, and what Elmo takes from it.

use super::World;
use elmo::domain::{Clock, Message, RootUrl, TaskId};
use elmo::fetch::{Credentials, PrivateHosts, Queue, QueueSettings};
use elmo::ingest::{Outcome, Tasks};
use elmo::store::Store;
use elmo_queue::{Artifact, Task};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

/// A queue that is configured, and what takes its results.
pub(crate) struct Deployment {
    pub(crate) queue: elmo_queue::Queue,
    pub(crate) tasks: Tasks,
}

/// A run without the numbers that depend on who came first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) tree: String,
    pub(crate) locale: String,
    pub(crate) of: String,
    pub(crate) srctime: i64,
    pub(crate) active: bool,
    pub(crate) artifact: String,
    /// Their repositories and hashes, and whether they are known.
    pub(crate) revisions: Vec<(String, String, bool)>,
}

impl Deployment {
    /// One that the world's Elmo is configured for.
    pub(crate) async fn new(world: &World) -> Deployment {
        Deployment::with(world, None, queue_settings()).await
    }

    /// One for which Elmo has these credentials and settings.
    pub(crate) async fn with(world: &World, credentials: Option<Credentials>, settings: QueueSettings) -> Deployment {
        let queue = elmo_queue::Queue::start().await.expect("the queue starts");
        let tasks = tasks(world, &queue, credentials, settings);
        let text = format!("[taskcluster]\ndeployments = [{{ root = \"{}\" }}]\nprivate_hosts = [\"127.0.0.1\"]\n", queue.root());
        std::fs::write(world.folder().join("taskcluster.toml"), text).expect("settings");
        Deployment { queue, tasks }
    }

    /// What another worker on the same database takes results with.
    pub(crate) fn another_worker(&self, world: &World) -> Tasks {
        tasks(world, &self.queue, None, queue_settings())
    }

    pub(crate) fn root(&self) -> RootUrl {
        self.queue.root().parse().unwrap()
    }

    /// A task that published this `elmo.json`.
    pub(crate) fn publish(&self, number: u32, elmo_json: &Value) -> Task {
        let task = Task::new(number).artifact("public/elmo.json", Artifact::new(elmo_json.to_string()));
        self.queue.add(task.clone());
        task
    }

    /// A task that published these comparisons so many hours ago; its message arrives.
    pub(crate) async fn compared(&self, number: u32, hours_ago: i64, comparisons: &[Value]) {
        let file = elmo_json("https://hg.example.org/l10n/gecko-strings", comparisons);
        let task = Task::new(number).resolved(Timestamp::now() - SignedDuration::from_hours(hours_ago));
        let task = task.artifact("public/elmo.json", Artifact::new(file.to_string()));
        self.queue.add(task.clone());
        self.announce(&task).await;
    }

    pub(crate) fn message(&self, task: &Task) -> Message {
        self.message_of_run(task, task.last_run())
    }

    pub(crate) fn message_of_run(&self, task: &Task, run: usize) -> Message {
        let sent = self.queue.message_of_run(task, run);
        Message { exchange: sent.exchange.to_owned(), routing_key: sent.routing_key, body: sent.body, root: Some(self.root()) }
    }

    /// The message about a task's last run arrives.
    pub(crate) async fn announce(&self, task: &Task) -> Outcome {
        self.announce_after(task, Duration::ZERO).await
    }

    /// The message arrives again, having waited so long.
    pub(crate) async fn announce_after(&self, task: &Task, waited: Duration) -> Outcome {
        self.tasks.take(&self.message(task), waited).await.expect("the database works")
    }

    pub(crate) fn id(task: &Task) -> TaskId {
        task.id().parse().unwrap()
    }
}

/// How far requests may go in a story.
pub(crate) fn queue_settings() -> QueueSettings {
    QueueSettings {
        time: Duration::from_secs(60),
        size: 64 << 20,
        reference_hosts: Vec::new(),
        private_hosts: PrivateHosts::new(vec!["127.0.0.1".to_owned()]),
    }
}

/// What takes results from a deployment into a database that somebody else opened too.
pub(crate) fn tasks_on(store: Store, deployment: &Deployment) -> Tasks {
    let clock = Clock::of_this_machine();
    let queue = Queue::new(deployment.root(), None, queue_settings(), clock.clone()).expect("HTTP is set up");
    Tasks::new(store, vec![queue], clock)
}

fn tasks(world: &World, queue: &elmo_queue::Queue, credentials: Option<Credentials>, settings: QueueSettings) -> Tasks {
    let clock = world.bringer.clock.clone();
    let queue = Queue::new(queue.root().parse().unwrap(), credentials, settings, clock.clone()).expect("HTTP is set up");
    Tasks::new(world.store.clone(), vec![queue], clock)
}

/// An `elmo.json` of comparisons by configurations in `repository`.
pub(crate) fn elmo_json(repository: &str, comparisons: &[Value]) -> Value {
    json!({"version": "1.0", "compare-locales": "9.0.5", "repository": repository, "comparisons": comparisons})
}

/// A comparison of a locale by a configuration, in which so many strings are missing.
pub(crate) fn comparison(locale: &str, config: &str, missing: u32, revisions: &[(&str, String)]) -> Value {
    let stem = config.rsplit('/').next().unwrap().trim_end_matches(".toml");
    let revisions: serde_json::Map<String, Value> =
        revisions.iter().map(|(url, revision)| ((*url).to_owned(), json!(revision))).collect();
    json!({
        "locale": locale, "config": config, "artifact": format!("compares/{stem}.{locale}.json"), "revisions": revisions,
        "summary": {"errors": 0, "warnings": 0, "missing": missing, "missing_w": 2 * missing, "report": 0, "obsolete": 0,
                    "changed": 30, "changed_w": 60, "unchanged": 10, "unchanged_w": 20, "keys": 1},
    })
}

impl World {
    /// All runs, in an order that does not depend on who came first.
    pub(crate) async fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for row in self.store.newest_runs(i64::MAX, 100_000).await.unwrap() {
            let revisions = self.store.run_revisions(row.id).await.unwrap();
            runs.push(Run {
                tree: row.tree,
                locale: row.locale.to_string(),
                of: row.of.to_string(),
                srctime: row.srctime,
                active: row.active,
                artifact: row.artifact.to_string(),
                revisions: revisions
                    .into_iter()
                    .map(|revision| (revision.repository.to_string(), revision.revision.to_string(), revision.known))
                    .collect(),
            });
        }
        runs.sort();
        runs
    }
}
