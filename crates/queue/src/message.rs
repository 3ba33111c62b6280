//! Messages as the queue publishes them.

use crate::task::Task;
use serde_json::json;

/// Where they are published.
pub const EXCHANGE: &str = "exchange/taskcluster-queue/v1/task-completed";

/// One message with what it is published by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub exchange: &'static str,
    pub routing_key: String,
    /// The keys that stand in the header `CC`.
    pub copies: Vec<String>,
    pub body: Vec<u8>,
}

/// The message that a run of the task ended well.
pub(crate) fn completed(task: &Task, run: usize) -> Message {
    let (id, group) = (&task.id, &task.id);
    let body = json!({
        "status": task.status(), "runId": run, "task": {"tags": {}}, "workerGroup": "local-group",
        "workerId": "local-worker-1", "version": 1,
    });
    Message {
        exchange: EXCHANGE,
        routing_key: format!("primary.{id}.{run}.local-group.local-worker-1.l10n.compare.l10n.{group}._"),
        copies: task.routes.iter().map(|route| format!("route.{route}")).collect(),
        body: body.to_string().into_bytes(),
    }
}
