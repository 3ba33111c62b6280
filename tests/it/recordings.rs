//! `elmo record` on a live broker, and `elmo replay` of what it wrote.

use crate::support::{PATIENCE, Pulse, Running, Worker, World, account, run, text, until};
use elmo::domain::Message;
use rustix::process::Signal;

#[tokio::test]
async fn what_is_recorded_from_a_live_broker_is_replayed_to_the_byte() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let file = world.folder().join("recorded.jsonl");
    let mut recorder = Running::start(&world, account(&pulse), &["record", "recorded.jsonl"]);
    recorder.until_it_logs("consuming").await;
    let push = world.push(&name, "second").await;
    let good = world.message(&name, &push);
    let bad = Message { body: b"\xff\0no json".to_vec(), ..good.clone() };

    pulse.publish(&[good, bad.clone()]).await;
    until("both are written", PATIENCE, async || std::fs::read(&file).is_ok_and(|text| text.ends_with(b"\n") && lines(&text) == 2))
        .await;
    recorder.tell(Signal::INT);
    assert_eq!(recorder.ended().await, Some(0));
    assert_eq!(world.repository(&name).await.last_push, 1, "recording takes nothing");

    let replayed = run(&world, Vec::new(), &["replay", "recorded.jsonl"]).await;

    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed));
    let said = text(&replayed);
    assert!(said.contains("2 messages taken") && said.contains("1 repository, 2 pushes, 2 changesets, 1 message parked"), "{said}");
    world.assert_complete(&name, 2).await;
    let parked = world.store.parked(0, 10).await.unwrap();
    assert_eq!(parked.into_iter().map(|row| row.message).collect::<Vec<_>>(), [bad]);
}

#[tokio::test]
async fn a_worker_beside_a_recorder_misses_nothing() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming(&world).await;
    let file = world.folder().join("recorded.jsonl");
    let mut recorder = Running::start(&world, account(&pulse), &["record", "recorded.jsonl"]);
    recorder.until_it_logs("consuming").await;
    let push = world.push(&name, "second").await;

    pulse.publish(&[world.message(&name, &push)]).await;

    world.until_complete(&name, 2).await;
    until("it is written", PATIENCE, async || std::fs::read(&file).is_ok_and(|text| lines(&text) == 1)).await;
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn a_replay_that_leaves_something_undone_says_what() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    let body = world.message(&name, &push).body;
    std::fs::write(world.folder().join("one.jsonl"), [&body[..], b"\n"].concat()).unwrap();
    world.upstream.delete(&name).await.unwrap();

    let replayed = run(&world, Vec::new(), &["replay", "one.jsonl"]).await;

    let said = text(&replayed);
    assert_eq!(replayed.status.code(), Some(3), "{said}");
    assert!(
        said.contains("1 message taken") && said.contains("l10n-central/fr: failing: the host says that there is no such"),
        "{said}"
    );
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}
