//! Keeps: the only place that knows SQL. Domain types in and out, or a `…Row` made for one page.
//!
//! Every change is one transaction that is safe to do twice, in any order, by several workers at once: unique keys, upserts
//! where only newer or fuller data wins, never read-then-insert. One SQL text serves SQLite and PostgreSQL.

mod changesets;
mod counting_run;
mod counts;
mod database;
mod dictionary;
mod events;
mod forests;
mod history;
mod ingest;
mod legacy;
mod localities;
mod migrations;
mod moves;
mod notices;
mod obsolescence;
mod overview;
mod parked;
mod placeholders;
mod places;
mod pushes;
mod pushlog;
mod queues;
mod recording;
mod repositories;
mod results;
mod retention;
mod revisions;
mod rows;
mod runs;
mod settling;
mod standing;
mod teams;
mod touched;
mod trees;
mod verify;
mod version;
mod work;

pub use changesets::{ChangesetRow, Found, ObsolescenceRow, PushOfChangeset};
pub use counts::{DeploymentCount, InHand, MessageCount, Totals};
pub use database::{Kind, Store, StoreError};
pub use events::RepositoryEvent;
pub use history::{HistoryRow, Life, TreeHistory};
pub use ingest::{Batch, Noted};
pub use legacy::{Legacy, LegacyForest, LegacyLocale, LegacyPush, LegacyRepository, LegacyRun, LegacyTree};
pub use moves::{Branches, MoveRecording, MoveRow, MovesRecorded, MovesRecording, Noticed, SeenPush};
pub use obsolescence::Marking;
pub use overview::OverviewPoint;
pub use parked::{Parked, ParkedRow};
pub use places::{Before, CoursePoint, Place, PlaceRow};
pub use pushes::{PushEnds, PushMove, PushRow, PushedChangeset};
pub use pushlog::{Begin, ChangesetFilter, MOST_PATHS, PushFilter, PushKey, PushList};
pub use queues::QueueDepth;
pub use recording::{Recorded, Recording};
pub use repositories::{Added, RepositoryRow};
pub use results::Taken;
pub use retention::Outdated;
pub use runs::{Awaited, RunFilter, RunRevision, RunRow};
pub use standing::Standing;
pub use teams::LocaleRow;
pub use trees::TreeRow;
pub use verify::{KeptChangeset, KeptPush};
pub use work::{Claim, Ending};
