//! What this process counts of its own doing, since it began: each stage notes here what it did, and whoever is asked writes it
//! down for Prometheus. What is in the database, which is true for all processes, `web` adds; nothing is decided by a figure
//! but that the process is well.
//!
//! Figures belong to the process, as its log does, and so they are the one thing that is not handed in.

mod ages;
mod count;
mod level;
mod process;
mod text;
mod timings;

pub use ages::Ages;
pub use count::Count;
pub use level::Level;
pub use process::begin;
pub use text::{CONTENT_TYPE, Kind, Text};
pub use timings::Timings;

/// From a wish that news brought to the repository being up to date.
pub static WISHES: Timings<1> =
    Timings::new("elmo_wish_to_complete_seconds", "From news of a repository to its being up to date.", ["vcs"], &LONG);
/// How goes on repositories ended.
pub static SYNCS: Count<2> =
    Count::new("elmo_syncs_total", "Goes at bringing a repository up to date, by how they ended.", ["vcs", "outcome"]);
/// How long hosts took to give what is new.
pub static PULLS: Timings<3> = Timings::new(
    "elmo_pull_seconds",
    "Pulls and clones, by how long they took and how they ended.",
    ["vcs", "kind", "outcome"],
    &LONG,
);
pub static LANES: Level = Level::new("elmo_lanes", "Lanes of this process.");
pub static LANES_BUSY: Level = Level::new("elmo_lanes_busy", "Lanes of this process that have a repository in hand.");
/// What looking for details came to.
pub static ARTIFACTS: Count<1> =
    Count::new("elmo_artifact_looks_total", "Looks for details of a comparison, by what they came to.", ["outcome"]);
pub static ARTIFACT_FETCHES: Timings<1> =
    Timings::new("elmo_artifact_fetch_seconds", "Details fetched from a deployment, by how that ended.", ["outcome"], &LONG);
pub static STATEMENTS: Timings<0> =
    Timings::new("elmo_database_statement_seconds", "Statements of this process, as long as the database took.", [], &SHORT);
pub static TRANSACTIONS: Timings<1> = Timings::new(
    "elmo_database_transaction_seconds",
    "Changes of this process with their wait for a connection, by how they ended.",
    ["outcome"],
    &SHORT,
);
pub static REQUESTS: Timings<1> = Timings::new(
    "elmo_request_seconds",
    "Requests, by how they were answered: good, refused (4xx) or failed (5xx).",
    ["status"],
    &SHORT,
);
/// Connections that made room for others.
pub static LET_GO: Count<0> = Count::new(
    "elmo_connections_let_go_total",
    "Connections ended because others wanted in and these kept us waiting longest.",
    [],
);
/// Since when nothing was heard from the broker on the connection of a queue; a queue without a connection is not in it.
pub static HEARD: Ages<2> =
    Ages::new("elmo_broker_silent_seconds", "Since the broker was last heard, where it is connected.", ["vhost", "queue"]);
/// Since when each of the loops that must go round has not.
pub static ROUNDS: Ages<1> = Ages::new("elmo_round_seconds", "Since a loop of this process last went round.", ["loop"]);

/// What the loop is called that consumes a queue.
pub fn consuming(vhost: &str, queue: &str) -> String {
    format!("{queue} on {vhost}")
}

/// In seconds, for what is done to the database and to who asks for a page.
const SHORT: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// In seconds, for what hosts have a part in.
const LONG: [f64; 14] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0];

/// Writes down all figures of this process.
pub fn write(text: &mut Text) {
    WISHES.write(text);
    SYNCS.write(text);
    PULLS.write(text);
    LANES.write(text);
    LANES_BUSY.write(text);
    ARTIFACTS.write(text);
    ARTIFACT_FETCHES.write(text);
    STATEMENTS.write(text);
    TRANSACTIONS.write(text);
    REQUESTS.write(text);
    LET_GO.write(text);
    HEARD.write(text);
    ROUNDS.write(text);
    process::write(text);
}

/// What a figure calls the end of something that may fail.
pub fn outcome<T, E>(done: &Result<T, E>) -> &'static str {
    if done.is_ok() { "ok" } else { "error" }
}
