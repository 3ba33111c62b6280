//! From a message to rows.

use crate::support::{Commit, Fault, Scope, World};
use elmo::domain::{ErrorClass, State};
use std::time::Duration;

#[tokio::test]
async fn a_push_is_announced_fetched_and_recorded() {
    let (world, name) = World::with_repository("fr").await;
    let commits = [
        Commit::new("Bug 1 - Überarbeitung")
            .author("Théo Lefèvre <theo@example.org>")
            .file("a.ftl", "a = 1\n")
            .file("b.ftl", "b = 1\n"),
        Commit::new("Second").file("a.ftl", "a = 2\n"),
    ];
    let push = world.push_all(&name, commits).await;

    world.announce(&name, &push).await;
    world.settle().await;

    world.assert_complete(&name, 2).await;
    let newest = &world.pushes(&name).await[0];
    assert_eq!((newest.push_id, newest.user.as_str(), newest.date), (2, "flod@example.org", push.date));
    let nodes: Vec<String> = newest.changesets.iter().map(|changeset| changeset.revision.to_string()).collect();
    assert_eq!(nodes, [push.nodes[1].to_string(), push.nodes[0].to_string()]);
    let first = world.changeset(push.nodes[0]).await;
    assert_eq!((first.author.as_str(), first.files.len(), first.parents.len()), ("Théo Lefèvre <theo@example.org>", 2, 1));
}

#[tokio::test]
async fn every_message_twice_changes_nothing() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    for _ in 0..2 {
        world.announce(&name, &push).await;
        world.deliver(world.message_newrepo(&name)).await;
    }
    world.settle().await;
    let once = world.pushes(&name).await;
    world.upstream.forget_requests();

    for _ in 0..3 {
        world.announce(&name, &push).await;
        world.settle().await;
    }

    assert_eq!(world.pushes(&name).await, once);
    assert_eq!(world.upstream.requests(&name).len(), 0, "known messages cost no request");
    assert_eq!(world.counted("already known").await, 3);
}

#[tokio::test]
async fn every_order_of_three_messages_comes_to_the_same() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let world = World::with_forest().await;
        let name = "l10n-central/de";
        world.upstream.create(name).await.unwrap();
        let mut messages = Vec::new();
        for description in ["one", "two", "three"] {
            let push = world.push(name, description).await;
            messages.push(world.message(name, &push));
        }

        for place in order {
            world.deliver(messages[place].clone()).await;
            world.settle().await;
        }

        world.assert_complete(name, 3).await;
        assert_eq!(world.pushes(name).await.len(), 3, "{order:?}");
    }
}

#[tokio::test]
async fn a_thousand_messages_cost_one_pull() {
    let (world, name) = World::with_repository("fr").await;
    let mut messages = Vec::new();
    for number in 0..5 {
        let push = world.push(&name, &format!("push {number}")).await;
        messages.extend(std::iter::repeat_n(world.message(&name, &push), 200));
    }
    world.upstream.forget_requests();

    world.deliver_all(&messages).await;
    world.settle().await;

    assert_eq!(world.upstream.pulls(&name), 1);
    world.assert_complete(&name, 6).await;
}

#[tokio::test]
async fn a_lost_message_costs_nothing_but_time() {
    let (world, name) = World::with_repository("fr").await;
    world.push(&name, "nobody says so").await;

    world.look_at_everything().await;

    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn a_message_that_is_ahead_of_the_pushlog_is_waited_for() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "hidden at first").await;
    world.upstream.faults(&name).set(Fault::Lag(1));
    world.announce(&name, &push).await;
    world.settle().await;
    let waiting = world.repository(&name).await;
    assert_eq!((waiting.state(), waiting.last_push), (State::Waiting, 1));

    world.upstream.faults(&name).clear();
    world.later(Duration::from_secs(5)).await;

    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn a_push_that_was_announced_and_never_comes_is_given_up_after_a_day() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "never shown").await;
    world.upstream.faults(&name).set(Fault::Lag(1));
    world.announce(&name, &push).await;
    world.settle().await;

    for _ in 0..3 {
        world.later(Duration::from_secs(13 * 3600)).await;
    }

    let repository = world.repository(&name).await;
    assert_eq!((repository.state(), repository.last_push), (State::Complete, 1));
}

#[tokio::test]
async fn a_mirror_that_lags_behind_what_is_known_is_not_taken_for_another_repository() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    world.announce(&name, &push).await;
    world.settle().await;
    world.upstream.faults(&name).set(Fault::Lag(1));

    world.look_at_everything().await;

    let repository = world.repository(&name).await;
    assert_eq!((repository.generation, repository.last_push, repository.error_class), (1, 2, Some(ErrorClass::Lag)));
    world.upstream.faults(&name).clear();
    world.later(Duration::from_secs(5)).await;
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn more_pushes_than_a_page_are_fetched_page_by_page() {
    let world = World::with_forest().await;
    let name = "l10n-central/sr";
    world.upstream.create(name).await.unwrap();
    let line = elmo_upstream::Bulk { push_size: 1, ..elmo_upstream::Bulk::empty_line(1203) };
    world.upstream.import(name, line).await.unwrap();

    world.deliver(world.message_newrepo(name)).await;
    world.settle().await;

    world.assert_complete(name, 1203).await;
    assert_eq!(world.store.totals().await.unwrap().pushes, 1203);
}

#[tokio::test]
async fn a_stripped_push_leaves_a_gap_and_nothing_waits_for_it() {
    let (world, name) = World::with_repository("fr").await;
    let stripped = world.push(&name, "stripped at once").await;
    let message = world.message(&name, &stripped);
    world.upstream.strip(&name, &stripped.nodes).await.unwrap();
    world.deliver(message).await;
    world.settle().await;
    world.assert_complete(&name, 1).await;

    let after = world.push(&name, "after the gap").await;
    world.announce(&name, &after).await;
    world.settle().await;

    assert_eq!(after.id, 3);
    world.assert_complete(&name, 3).await;
}

#[tokio::test]
async fn a_changeset_that_the_pushlog_names_and_the_host_does_not_give_is_kept_by_name() {
    let (world, name) = World::with_repository("fr").await;
    let missing = "7".repeat(40);
    let answer = format!(
        r#"{{"lastpushid": 2, "pushes": {{"1": {}, "2": {{"changesets": ["{missing}"], "date": 1795485571, "user": "a@example.org"}}}}}}"#,
        world.pushlog_entry(&name, 1)
    );
    world.upstream.faults(&name).set(Fault::Raw(answer.into_bytes().into()));

    world.look_at_everything().await;
    assert_eq!(world.repository(&name).await.last_push, 1, "asked again first");
    for _ in 0..4 {
        world.later(Duration::from_secs(20)).await;
    }

    assert_eq!(world.repository(&name).await.last_push, 2);
    assert!(!world.changeset(&missing).await.known);
}

#[tokio::test]
async fn one_repository_that_hangs_delays_no_other() {
    let (world, name) = World::with_repository("fr").await;
    world.upstream.create("l10n-central/de").await.unwrap();
    let stuck = world.push(&name, "behind a host that hangs").await;
    let other = world.push("l10n-central/de", "quick").await;
    world.upstream.faults(&name).set(Fault::Hang.on(Scope::Everything));
    world.announce(&name, &stuck).await;
    world.announce("l10n-central/de", &other).await;

    let settled = tokio::spawn({
        let lanes = world.worker_beside("lanes");
        async move { lanes.work_off().await }
    });

    world.until_complete("l10n-central/de", 1).await;
    assert!(!settled.is_finished(), "the one that hangs is still being waited for");
    world.upstream.faults(&name).clear();
    settled.await.unwrap().unwrap();
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn archived_repositories_and_forests_are_left_alone() {
    let (world, name) = World::with_repository("fr").await;
    world.store.archive_repository(&name.parse().unwrap(), true, world.bringer.clock.now()).await.unwrap();
    let push = world.push(&name, "not wanted").await;

    world.announce(&name, &push).await;
    world.look_at_everything().await;

    let repository = world.repository(&name).await;
    assert_eq!((repository.state(), repository.last_push), (State::Archived, 1));
    assert_eq!(world.counted("archived").await, 1);
    world.store.archive_repository(&name.parse().unwrap(), false, world.bringer.clock.now()).await.unwrap();
    world.look_at_everything().await;
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn what_hg_keeps_byte_for_byte_is_kept_byte_for_byte() {
    let (world, name) = World::with_repository("fr").await;
    let long = ["d".repeat(200), "e".repeat(200), "f".repeat(200)].join("/");
    let deep = vec![long.clone(); 6].join("/");
    let description = "line\n".repeat(200_000) + "with a \0 in it";
    let commits = [
        Commit::new(&description).file(b"browser/caf\xe9.ftl", "a").file("ends in a space ", "b").file(&deep, "c"),
        Commit::new("before the epoch").author("n".repeat(400)).date(-86_400, 0).file("a", "1"),
        Commit::new("far away").date(253_402_300_799, -7200).file("a", "2"),
    ];
    let push = world.push_all(&name, commits).await;

    world.announce(&name, &push).await;
    world.settle().await;

    world.assert_complete(&name, 2).await;
    let odd = world.changeset(push.nodes[0]).await;
    let files: Vec<Vec<u8>> = odd.files.iter().map(elmo::domain::Kept::to_bytes).collect();
    assert!(
        files.contains(&b"browser/caf\xe9.ftl".to_vec())
            && files.contains(&b"ends in a space ".to_vec())
            && files.contains(&deep.into_bytes())
    );
    assert_eq!(odd.description.to_bytes(), description.into_bytes());
    let before_the_epoch = world.changeset(push.nodes[1]).await;
    assert_eq!((before_the_epoch.date.seconds, before_the_epoch.author.as_str().len()), (-86_400, 400));
    assert_eq!(world.changeset(push.nodes[2]).await.date.seconds, 253_402_300_799);
}
