//! RabbitMQ with Pulse's rights, and everything that happens to it.

use crate::support::{Fault, PATIENCE, Pages, Pulse, Running, Scope, Worker, World, account, until};
use elmo_testbed::Cable;
use elmo_upstream::Bulk;
use std::time::Duration;

#[tokio::test]
async fn a_worker_with_pulses_rights_takes_what_is_published() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming(&world).await;
    let push = world.push(&name, "second").await;

    pulse.publish(&[world.message(&name, &push)]).await;

    world.until_complete(&name, 2).await;
    assert_eq!(worker.terminate().await, Some(0));
    assert_eq!(pulse.depth().await, Some(0));
}

#[tokio::test]
async fn an_operator_sees_how_many_messages_wait() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming(&world).await;
    let pages = Pages::of(&world).await;
    let queues = async || pages.json("/status").await["queues"].clone();
    until("the broker has said it", PATIENCE, async || queues().await[0]["messages"] == 0).await;
    worker.terminate().await;
    let push = world.push(&name, "second").await;
    pulse.publish(&vec![world.message(&name, &push); 300]).await;

    let _slow = Worker::start_with(&world, &pulse, "[pulse]\nprefetch = 1\n");

    until("it has said it again", PATIENCE, async || queues().await[0]["messages"] != 0).await;
    let queue = &queues().await[0];
    assert!((1..300).contains(&queue["messages"].as_i64().unwrap()), "one is in hand: {queue}");
    assert_eq!((&queue["name"], &queue["vhost"]), (&"queue/elmo/hgmo".into(), &pulse.vhost.as_str().into()));
}

#[tokio::test]
async fn queues_are_of_the_kind_that_was_set_and_of_another_only_by_hand() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming_with(&world, "[pulse]\nqueue_type = \"quorum\"\n").await;
    let push = world.push(&name, "second").await;

    pulse.publish(&[world.message(&name, &push)]).await;

    world.until_complete(&name, 2).await;
    assert_eq!(worker.terminate().await, Some(0));
    std::fs::remove_file(world.folder().join("elmo.toml")).unwrap();
    let mut classic = Running::start(&world, account(&pulse), &["consume-pulse"]);
    classic.until_it_logs("was it declared with another expiry or kind before?").await;
}

#[tokio::test]
async fn a_bad_message_does_not_stop_the_queue() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, _worker) = Worker::consuming(&world).await;
    let push = world.push(&name, "second").await;
    let good = world.message(&name, &push);
    let bad = elmo::domain::Message { body: b"\xffno json".to_vec(), ..good.clone() };

    pulse.publish(&[bad, good]).await;

    world.until_complete(&name, 2).await;
    assert_eq!(world.parked_reasons().await.len(), 1);
}

#[tokio::test]
async fn a_broker_that_is_killed_and_started_loses_a_message_and_no_push() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::of_its_own().await;
    let worker = Worker::start(&world, &pulse);
    pulse.until_consumed().await;
    pulse.rabbit.kill().await.unwrap();
    world.push(&name, "its message never came").await;

    pulse.rabbit.restart().await.unwrap();

    world.until_complete(&name, 2).await;
    pulse.until_consumed().await;
    let push = world.push(&name, "third").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 3).await;
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_declared_anew_and_nothing_is_missed() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, _worker) = Worker::consuming(&world).await;
    world.push(&name, "its message dies with the queue").await;

    pulse.delete_queue().await;

    world.until_complete(&name, 2).await;
    pulse.until_consumed().await;
    let push = world.push(&name, "third").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 3).await;
}

#[tokio::test]
async fn killed_between_commit_and_ack_the_message_comes_again_and_changes_nothing() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let cable = Cable::to(pulse.rabbit.addr()).await.unwrap();
    let worker = Worker::start_in(&world, &pulse, world.data(), cable.addr().port());
    pulse.until_consumed().await;
    cable.freeze_towards_server();
    let push = world.push(&name, "second").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 2).await;
    let once = world.pushes(&name).await;

    worker.kill().await;
    cable.cut().await;
    until("the message is back", PATIENCE, async || pulse.depth().await == Some(1)).await;
    let again = Worker::start(&world, &pulse);

    until("it is acknowledged", PATIENCE, async || pulse.depth().await == Some(0)).await;
    assert_eq!(again.terminate().await, Some(0));
    assert_eq!(pulse.depth().await, Some(0));
    assert_eq!(world.pushes(&name).await, once);
}

#[tokio::test]
async fn killed_between_pull_and_commit_the_push_is_recorded_by_the_next_worker() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming(&world).await;
    let push = world.push(&name, "second").await;
    let node = elmo_hg::Node::from(*push.tip().as_bytes());
    let clone = world.data().join("clones").join(&name);
    // While the pull is slow, somebody takes the writer's place: the worker pulls, and cannot record.
    world.upstream.faults(&name).set(Fault::Delay(Duration::from_secs(2)).on(Scope::Wire));
    world.upstream.forget_requests();
    pulse.publish(&[world.message(&name, &push)]).await;
    world.upstream.requested(&name, |counts| counts.conversations > 0).await;
    let hold = world.hold_changesets().await;
    world.upstream.faults(&name).clear();
    until("the changeset is pulled", PATIENCE, async || {
        elmo_hg::Changelog::open(&clone).is_ok_and(|changelog| changelog.rev(&node).is_some())
    })
    .await;

    worker.kill().await;
    drop(hold);
    assert_eq!(world.repository(&name).await.last_push, 1);
    let _next = Worker::start(&world, &pulse);

    world.until_complete(&name, 2).await;
    assert_eq!(world.differences(&name).await, []);
}

#[tokio::test]
async fn killed_again_and_again_an_import_ends_with_nothing_half_known() {
    let world = World::with_forest().await;
    let name = "l10n-central/de";
    world.upstream.create(name).await.unwrap();
    let bulk = Bulk { changesets: 2500, files_each: 1, push_size: 7, ..Bulk::default() };
    let pushes = world.upstream.import(name, bulk).await.unwrap().pushes as u64;
    let (pulse, worker) = Worker::consuming(&world).await;
    pulse.publish(&[world.message_newrepo(name)]).await;
    world.upstream.requested(name, |counts| counts.conversations > 0).await;
    worker.kill().await;
    for known in [0, 1000] {
        let worker = Worker::start(&world, &pulse);
        let changesets = async || world.store.totals().await.unwrap().changesets;
        until("something more is recorded", PATIENCE, async || changesets().await > known).await;
        worker.kill().await;
    }

    let _last = Worker::start(&world, &pulse);

    world.until_complete(name, pushes).await;
    world.assert_complete(name, pushes).await;
}

#[tokio::test]
async fn a_frozen_line_and_a_cut_one_are_survived() {
    let (world, name) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;
    let cable = Cable::to(pulse.rabbit.addr()).await.unwrap();
    let worker = Worker::start_in(&world, &pulse, world.data(), cable.addr().port());
    pulse.until_consumed().await;
    cable.cut().await;
    let push = world.push(&name, "second").await;
    pulse.publish(&[world.message(&name, &push)]).await;

    cable.mend().await.unwrap();

    until("the message is taken", Duration::from_secs(90), async || world.repository(&name).await.last_push == 2).await;
    assert_eq!(worker.terminate().await, Some(0));
}
