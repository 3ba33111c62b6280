//! Another version of the program comes: while one works, before one starts, and beside one.

use crate::support::{PATIENCE, Pulse, Running, Watched, World, account, run, text, until};
use elmo::store::Store;
use rustix::process::Signal;

/// What a newer program would do to the tables: it adds.
const NEWER: &str = "
    alter table repository add column seen_by_whom text;
    alter table push add column mood text;
    create table mood (id bigint not null primary key);
    insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9000, 'moods', ";

impl World {
    /// A newer program brings the tables up to date.
    async fn bring_newer_tables(&self) {
        let (yes, checksum) = if self.database.is_a_server() { ("true", "'\\x00'") } else { ("1", "x'00'") };
        let mut connection = self.database.connect().await;
        for statement in format!("{NEWER}{yes}, {checksum}, 0)").split(';') {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_worker_goes_on_while_a_newer_program_adds_to_the_tables() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let worker = Watched::worker(&world, &pulse).await;
    worker.until_well().await;
    let push = world.push(&name, "second").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 2).await;

    world.bring_newer_tables().await;

    let push = world.push(&name, "third").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 3).await;
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn a_worker_starts_on_tables_that_a_newer_program_has_added_to() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    world.bring_newer_tables().await;

    let worker = Watched::worker(&world, &pulse).await;

    worker.until_well().await;
    let push = world.push(&name, "second").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 2).await;
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn a_program_that_is_too_old_for_the_tables_is_refused_and_changes_nothing() {
    let (world, name) = World::with_repository("fr").await;
    world.execute("update compatibility set oldest = 9000").await;

    let checked = run(&world, Vec::new(), &["repository", "list"]).await;

    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked).contains("and 9000 is needed; run the newer program"), "{}", text(&checked));
    world.execute("update compatibility set oldest = 11").await;
    let store = Store::open(&world.database.url).await.unwrap();
    assert_eq!(store.repository(&name.parse().unwrap()).await.unwrap(), Some(world.repository(&name).await));
}

#[tokio::test]
async fn a_worker_that_starts_while_the_tables_are_brought_up_to_date_waits_for_it() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let push = world.push(&name, "second").await;
    let hold = world.hold_tables().await;
    let mut worker = Running::start(&world, account(&pulse), &["consume-pulse"]);
    if world.database.is_a_server() {
        until("it waits", PATIENCE, async || world.held_up().await > 0).await;
    }

    drop(hold);

    worker.until_it_logs("consuming").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 2).await;
    worker.tell(Signal::TERM);
    assert_eq!(worker.ended().await, Some(0));
}
