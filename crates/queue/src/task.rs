//! Tasks with their runs and artifacts, and what goes wrong with them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How an artifact is stored, which decides how it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// 303 to the content network.
    S3,
    /// 303 to a signed URL of the object service.
    Object,
    /// 303 to a URL that the task gave.
    Reference(String),
    /// As the artifact of that name.
    Link(String),
    /// 424 with a reason.
    Error(String),
}

/// One artifact of a run.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub(crate) storage: Storage,
    pub(crate) body: Vec<u8>,
    pub(crate) gzip: bool,
    pub(crate) expires: Timestamp,
}

impl Artifact {
    /// A document in S3, compressed as generic-worker does; it expires in four weeks.
    pub fn new(body: impl Into<Vec<u8>>) -> Artifact {
        let expires = Timestamp::now() + SignedDuration::from_hours(28 * 24);
        Artifact { storage: Storage::S3, body: body.into(), gzip: true, expires }
    }

    /// Stored in another way.
    #[must_use]
    pub fn stored(self, storage: Storage) -> Artifact {
        Artifact { storage, ..self }
    }

    /// Sent with `content-encoding: identity`.
    #[must_use]
    pub fn plain(self) -> Artifact {
        Artifact { gzip: false, ..self }
    }

    /// Goes away at that time.
    #[must_use]
    pub fn expires(self, expires: Timestamp) -> Artifact {
        Artifact { expires, ..self }
    }
}

/// A task whose runs have ended well.
#[derive(Clone, Debug)]
pub struct Task {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) routes: Vec<String>,
    pub(crate) runs: Vec<Run>,
}

#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) resolved: Timestamp,
    pub(crate) artifacts: BTreeMap<String, Artifact>,
}

/// A name for the task of a number, as slugid makes them.
pub fn task_id(number: u32) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |place: u32| char::from(DIGITS[(number >> (6 * place)) as usize % 64]);
    format!("Task{}{}{}{}QACAAAAAAAAAAA", digit(3), digit(2), digit(1), digit(0))
}

impl Task {
    /// A task with the route of comparisons and one run, that ended just now and published nothing yet.
    pub fn new(number: u32) -> Task {
        let run = Run { resolved: Timestamp::now(), artifacts: BTreeMap::new() };
        Task {
            id: task_id(number),
            source: "https://hg.mozilla.org/l10n/gecko-strings/file/tip/taskcluster/kinds/l10n".to_owned(),
            routes: vec!["project.l10n.elmo.v1".to_owned()],
            runs: vec![run],
        }
    }

    /// The file that defined it.
    #[must_use]
    pub fn source(self, source: &str) -> Task {
        Task { source: source.to_owned(), ..self }
    }

    /// When its last run ended.
    #[must_use]
    pub fn resolved(mut self, at: Timestamp) -> Task {
        self.last().resolved = at;
        self
    }

    /// An artifact of its last run.
    #[must_use]
    pub fn artifact(mut self, name: &str, artifact: Artifact) -> Task {
        self.last().artifacts.insert(name.to_owned(), artifact);
        self
    }

    /// Another run, that ended at that time.
    #[must_use]
    pub fn rerun(mut self, resolved: Timestamp) -> Task {
        self.runs.push(Run { resolved, artifacts: BTreeMap::new() });
        self
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number of its last run.
    pub fn last_run(&self) -> usize {
        self.runs.len() - 1
    }

    fn last(&mut self) -> &mut Run {
        self.runs.last_mut().expect("a task has a run")
    }

    pub(crate) fn definition(&self) -> Value {
        json!({
            "taskQueueId": "l10n/compare", "provisionerId": "l10n", "workerType": "compare", "schedulerId": "l10n",
            "taskGroupId": self.id, "dependencies": [], "requires": "all-completed", "routes": self.routes, "priority": "lowest",
            "retries": 5, "created": self.runs[0].resolved.to_string(), "deadline": self.runs[0].resolved.to_string(),
            "scopes": [], "payload": {}, "tags": {}, "extra": {},
            "metadata": {"name": "compare-locales", "description": "", "owner": "l10n@example.org", "source": self.source},
        })
    }

    pub(crate) fn status(&self) -> Value {
        let run = |(number, run): (usize, &Run)| {
            json!({
                "runId": number, "state": "completed", "reasonCreated": if number == 0 { "scheduled" } else { "rerun" },
                "reasonResolved": "completed", "workerGroup": "local-group", "workerId": "local-worker-1",
                "scheduled": run.resolved.to_string(), "started": run.resolved.to_string(), "resolved": run.resolved.to_string(),
                "takenUntil": run.resolved.to_string(),
            })
        };
        json!({
            "taskId": self.id, "provisionerId": "l10n", "workerType": "compare", "taskQueueId": "l10n/compare",
            "schedulerId": "l10n", "projectId": "l10n", "taskGroupId": self.id, "priority": "lowest",
            "deadline": self.runs[0].resolved.to_string(), "expires": self.runs[0].resolved.to_string(), "retriesLeft": 5,
            "state": "completed", "runs": self.runs.iter().enumerate().map(run).collect::<Vec<_>>(),
        })
    }
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with the queue's way of words where it has one.
    Status(u16),
    /// This status, and a wish to be asked again after so many seconds.
    RetryAfter(u16, u64),
    /// 200 with a page of HTML.
    Html200,
    /// The answer breaks off in the middle.
    Cut,
    /// The answer waits so long.
    Slow(Duration),
    /// A redirect to that URL.
    Redirect(String),
    /// Redirects in a circle.
    Loop,
    /// So many bytes of spaces, compressed.
    Huge(u64),
}
