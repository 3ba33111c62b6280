//! The words: what Elmo speaks of, checked once where text comes in. No I/O, no wire format, no SQL.

mod branch_move;
mod changeset;
mod clock;
mod comparison;
mod hex;
mod kept;
mod locale_rules;
mod logged;
mod marker;
mod message;
mod names;
mod point;
mod push;
mod repository;
mod retention;
mod revision;
mod task;

pub use branch_move::{BranchMove, Notice};
pub use changeset::{Changeset, HgDate};
pub use clock::{A_DAY, Clock, DAY, HOUR, WEEK};
pub use comparison::{
    Compared, Comparison, Counts, Grade, MOST_COUNTED, Published, TaskResult, config_stem, is_tree_code, tree_code,
};
pub use hex::{from_hex, hex};
pub use kept::{Kept, turns_direction};
pub use locale_rules::{ConfigFiles, Configured, LocaleRules, NoRules};
pub use logged::{in_full, milliseconds};
pub use marker::Marker;
pub use message::{GITHUB_HOOK, GITHUB_PUSHES, GITHUB_WEBHOOKS, HGPUSHES, Message, TASK_COMPLETED};
pub use names::{ForestName, LocaleCode, NotAName, RepositoryName, RepositoryUrl, UrlRules, without_git};
pub use point::Point;
pub use push::{MAX_PUSH_ID, Push, Twins};
pub use repository::{
    ErrorClass, Forest, ForestId, KnownRepository, NewForest, NewRepository, Repository, RepositoryId, State, Vcs,
};
pub use retention::{Retention, kept_since};
pub use revision::{NotARevision, Revision};
pub use task::{ArtifactName, MOST_RUNS, RootUrl, TaskId, TaskRun};
