//! What the machine does to a worker: a full disk, a folder that became read-only, a database that goes, an hg that hangs, a signal.

use crate::support::{Commit, Fault, PATIENCE, Pulse, Scope, Worker, World, in_world, text, until};
use elmo::domain::{ErrorClass, State};
use elmo_upstream::{Counts, Rule};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// `script` with the world's data folder as a file system of one MiB, which only the script sees; no privilege is needed.
/// `$ELMO` is the program.
fn on_a_small_disk(world: &World, script: &str) -> Command {
    std::fs::create_dir_all(world.data()).unwrap();
    let mut command = in_world(world, "unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-euc"])
        .arg(format!("mount -t tmpfs -o size=1m elmo \"$ELMO_DATA\"\n{script}"))
        .env("ELMO", env!("CARGO_BIN_EXE_elmo"));
    command
}

/// A repository that needs more than a small disk has, which nobody has cloned.
async fn with_a_large_repository() -> (World, &'static str) {
    let world = World::with_forest().await;
    let name = "l10n-central/de";
    world.upstream.create(name).await.unwrap();
    let noise: Vec<u8> = std::iter::repeat_with({
        let mut state = 1_u32;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }
    })
    .take(3 << 20)
    .collect();
    world.push_all(name, [Commit::new("a picture").file("large.png", noise)]).await;
    world.deliver(world.message_newrepo(name)).await;
    (world, name)
}

#[tokio::test]
async fn a_full_disk_is_waited_for_and_said() {
    let (world, name) = with_a_large_repository().await;

    let script = "\"$ELMO\" sync --all && exit 9
        find \"$ELMO_DATA\" -path '*/clones/*/de'
        echo made larger
        mount -o remount,size=100m \"$ELMO_DATA\"
        \"$ELMO\" sync --all";
    let done = on_a_small_disk(&world, script).output().await.expect("unshare runs");

    let said = text(&done);
    let (full, larger) = said.split_once("made larger").unwrap_or_else(|| panic!("{said}"));
    assert!(full.contains("abort: No space left on device") && !full.contains("Traceback"), "{said}");
    assert!(!full.contains("clones/l10n-central/de\n"), "half a clone does not take a clone's place: {said}");
    assert!(done.status.success() && larger.contains("l10n-central/de: complete up to push 1"), "{said}");
    assert_eq!(world.repository(name).await.state(), State::Complete);
}

#[tokio::test]
async fn a_folder_that_becomes_read_only_is_our_own_trouble() {
    let (world, name) = World::with_repository("fr").await;
    let script = "\"$ELMO\" sync --all
        mount -o remount,ro \"$ELMO_DATA\"
        touch cloned
        until [ -e pushed ]; do sleep 0.05; done
        \"$ELMO\" sync --all && exit 9
        mount -o remount,rw \"$ELMO_DATA\"
        \"$ELMO\" sync --all";
    let running = on_a_small_disk(&world, script).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("unshare runs");
    until("it is cloned", PATIENCE, async || world.folder().join("cloned").exists()).await;
    world.push(&name, "second").await;
    std::fs::write(world.folder().join("pushed"), "").unwrap();

    let done = running.wait_with_output().await.unwrap();

    let said = text(&done);
    assert!(done.status.success() && said.contains("Read-only file system"), "{said}");
    assert!(said.contains("l10n-central/fr: complete up to push 2"), "{said}");
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back() {
    let (mut world, name) = World::on_a_database_of_its_own().await;
    let (pulse, worker) = Worker::consuming(&world).await;
    let push = world.push(&name, "second").await;
    world.database.stop().await;
    pulse.publish(&[world.message(&name, &push)]).await;
    until("the worker has the message in hand", PATIENCE, async || pulse.depth().await == Some(0)).await;

    world.database.start().await;

    world.until_complete(&name, 2).await;
    assert_eq!(worker.terminate().await, Some(0));
    assert_eq!(pulse.depth().await, Some(0));
}

#[tokio::test]
async fn no_more_messages_are_in_hand_than_was_set() {
    let (mut world, name) = World::on_a_database_of_its_own().await;
    let (pulse, _worker) = Worker::consuming_with(&world, "[pulse]\nprefetch = 10\nbatch = 5\n").await;
    world.database.stop().await;

    pulse.publish(&vec![world.message_newrepo(&name); 30]).await;

    until("ten are in hand", PATIENCE, async || pulse.depth().await == Some(20)).await;
    world.database.start().await;
    until("all are taken", PATIENCE, async || pulse.depth().await == Some(0)).await;
}

#[tokio::test]
async fn a_pull_that_hangs_is_ended_and_the_repository_waits() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming_with(&world, "[hg]\npull_timeout = \"10s\"\n").await;
    let push = world.push(&name, "second").await;
    world.upstream.faults(&name).set(Fault::Hang.on(Scope::Wire));

    pulse.publish(&[world.message(&name, &push)]).await;

    until("it is given up", PATIENCE, async || world.repository(&name).await.state() == State::Failing).await;
    let waiting = world.repository(&name).await;
    assert_eq!((waiting.error_class, waiting.last_push), (Some(ErrorClass::Network), 1), "{waiting:?}");
    world.upstream.faults(&name).clear();
    world.until_complete(&name, 2).await;
    assert_eq!(worker.terminate().await, Some(0));
    world.assert_complete(&name, 2).await;
}

/// A worker that has a push in hand whose requests at the host meet `fault`.
async fn with_a_push_in_hand(fault: Rule, requested: impl FnMut(Counts) -> bool) -> (World, String, Pulse, Worker) {
    let (world, name) = World::with_repository("fr").await;
    let before = world.repository(&name).await.checked_at;
    let (pulse, worker) = Worker::consuming(&world).await;
    let has_looked = async || world.repository(&name).await.checked_at > before;
    until("the worker has looked at everything, as it does once it is connected", PATIENCE, has_looked).await;
    let push = world.push(&name, "second").await;
    world.upstream.faults(&name).set(fault);
    world.upstream.forget_requests();
    pulse.publish(&[world.message(&name, &push)]).await;
    world.upstream.requested(&name, requested).await;
    (world, name, pulse, worker)
}

#[tokio::test]
async fn told_to_stop_a_worker_finishes_what_is_in_hand() {
    let slow = Fault::Delay(Duration::from_millis(500)).on(Scope::Wire);
    let (world, name, pulse, worker) = with_a_push_in_hand(slow, |counts| counts.conversations > 0).await;

    assert_eq!(worker.terminate().await, Some(0));

    assert_eq!(pulse.depth().await, Some(0));
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn told_to_stop_a_worker_lets_go_of_what_does_not_end() {
    let endless = Fault::Hang.on(Scope::Pushlog);
    let (world, name, _pulse, worker) = with_a_push_in_hand(endless, |counts| counts.pushlog > 0).await;

    assert_eq!(worker.terminate().await, Some(0));

    world.upstream.faults(&name).clear();
    world.settle().await;
    world.assert_complete(&name, 2).await;
}
