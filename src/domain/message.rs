//! A message as it came off the bus, or out of a file.

use super::RootUrl;

/// The exchange on which hg.mozilla.org announces pushes.
pub const HGPUSHES: &str = "exchange/hgpushes/v2";

/// The exchange on which Taskcluster publishes pushes to repositories that have its GitHub app.
pub const GITHUB_PUSHES: &str = "exchange/taskcluster-github/v1/push";

/// The exchange on which somebody may republish GitHub's webhooks, as Elmo's documentation names it.
pub const GITHUB_WEBHOOKS: &str = "exchange/github-webhooks/v1";

/// Where messages are from that GitHub sent itself; their routing key is its name for the event.
pub const GITHUB_HOOK: &str = "hooks/github";

/// The exchange on which Taskcluster's queue announces that a run of a task ended well.
pub const TASK_COMPLETED: &str = "exchange/taskcluster-queue/v1/task-completed";

/// One message: where it was published and what it says, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub exchange: String,
    pub routing_key: String,
    pub body: Vec<u8>,
    /// The Taskcluster deployment on whose connection it came: such a message does not say it itself.
    pub root: Option<RootUrl>,
}
