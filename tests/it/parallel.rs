//! Several workers on one database.

use crate::support::{Pulse, Worker, World};
use elmo::domain::Message;
use elmo::store::{Ending, Store};
use elmo::sync::Lanes;
use std::time::Duration;

async fn both(one: &Lanes, two: &Lanes) {
    let (first, second) = tokio::join!(one.work_off(), two.work_off());
    first.unwrap();
    second.unwrap();
}

#[tokio::test]
async fn two_messages_for_one_repository_at_two_workers() {
    let (world, name) = World::with_repository("fr").await;
    let (one, two) = (world.another_worker("one"), world.another_worker("two"));
    let (second, third) = (world.push(&name, "second").await, world.push(&name, "third").await);

    tokio::join!(world.announce(&name, &second), world.announce(&name, &third));
    both(&one, &two).await;

    world.assert_complete(&name, 3).await;
}

#[tokio::test]
async fn a_newrepo_and_its_first_push_at_the_same_moment() {
    let world = World::with_forest().await;
    let name = "l10n-central/de";
    world.upstream.create(name).await.unwrap();
    let push = world.push(name, "first").await;
    let (one, two) = (world.worker_beside("one"), world.worker_beside("two"));

    tokio::join!(
        world.deliver(world.message_newrepo(name)),
        world.announce(name, &push),
        world.deliver(world.message_newrepo(name))
    );
    both(&one, &two).await;

    world.assert_complete(name, 1).await;
    assert_eq!(world.store.repositories().await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_forks_that_share_a_clone_and_bring_the_same_changeset() {
    let world = World::with_forest().await;
    for forest in ["beta", "release"] {
        world.follow_forest(forest, Some("l10n-central")).await;
    }
    world.upstream.create("l10n-central/fr").await.unwrap();
    world.push("l10n-central/fr", "first").await;
    world.deliver(world.message_newrepo("l10n-central/fr")).await;
    world.settle().await;
    for fork in ["beta/fr", "release/fr"] {
        world.upstream.fork("l10n-central/fr", fork).await.unwrap();
        world.deliver(world.message_newrepo(fork)).await;
    }
    world.settle().await;
    let push = world.push("beta/fr", "in both").await;
    let same = world.upstream.push_from("beta/fr", &push.nodes, "release/fr", "flod@example.org").await.unwrap();

    tokio::join!(world.announce("beta/fr", &push), world.announce("release/fr", &same));
    both(&world.worker_beside("one"), &world.worker_beside("two")).await;

    for fork in ["beta/fr", "release/fr"] {
        assert_eq!(world.differences(fork).await, [], "{fork}");
    }
    assert_eq!(world.changeset(push.tip()).await.repositories.len(), 2);
}

#[tokio::test]
async fn two_repositories_with_the_same_paths_in_another_order() {
    let world = World::with_forest().await;
    let names = ["l10n-central/de", "l10n-central/fr"];
    for (name, reversed) in names.into_iter().zip([false, true]) {
        world.upstream.create(name).await.unwrap();
        for push in 0..3 {
            let mut paths: Vec<String> = (0..200).map(|file| format!("browser/{push}/{file}.ftl")).collect();
            if reversed {
                paths.reverse();
            }
            let commits = paths
                .chunks(20)
                .map(|paths| paths.iter().fold(crate::support::Commit::new("files"), |commit, path| commit.file(path, "x")));
            world.push_all(name, commits).await;
        }
        world.deliver(world.message_newrepo(name)).await;
    }

    both(&world.another_worker("one"), &world.another_worker("two")).await;

    for name in names {
        world.assert_complete(name, 3).await;
    }
}

#[tokio::test]
async fn a_worker_that_slept_longer_than_its_lease_changes_nothing_when_it_wakes() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    world.announce(&name, &push).await;
    let lease = Duration::from_secs(60);
    let sleeper = world.store.claim("sleeper", lease, &[], world.bringer.clock.now()).await.unwrap().unwrap();

    world.settle().await;
    assert_eq!(world.repository(&name).await.last_push, 1, "it is leased");
    world.later(Duration::from_secs(61)).await;
    world.assert_complete(&name, 2).await;
    let before = world.pushes(&name).await;
    world.bringer.bring(&sleeper).await.unwrap();
    let late =
        Ending::Failed { class: elmo::domain::ErrorClass::Ours, error: "too late".to_owned(), next_try: jiff::Timestamp::MAX };
    world.store.end(&sleeper, &late, world.bringer.clock.now()).await.unwrap();

    assert_eq!(world.pushes(&name).await, before);
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn two_workers_that_start_at_once_on_an_empty_database() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new().await;
    let url = if world.database.is_a_server() {
        world.database.url.clone()
    } else {
        format!("sqlite:{}", folder.path().join("new.sqlite").display())
    };
    let (first, second) = tokio::join!(Store::open(&url), Store::open(&url));
    first.unwrap().ping().await.unwrap();
    second.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn two_workers_on_one_queue() {
    let world = World::with_forest().await;
    let pulse = Pulse::new().await;
    let locales = ["de", "fr", "it", "pl"];
    let mut messages: Vec<Message> = Vec::new();
    for locale in locales {
        let name = format!("l10n-central/{locale}");
        world.upstream.create(&name).await.unwrap();
        messages.push(world.message_newrepo(&name));
        for number in 0..5 {
            let push = world.push(&name, &format!("push {number}")).await;
            let message = world.message(&name, &push);
            messages.extend([message.clone(), message]);
        }
    }
    let one = Worker::start(&world, &pulse);
    let two = Worker::start_in(&world, &pulse, world.folder().join("other data"), pulse.rabbit.port());
    pulse.until_consumed().await;

    pulse.publish(&messages).await;

    for locale in locales {
        world.until_complete(&format!("l10n-central/{locale}"), 5).await;
    }
    assert_eq!((one.terminate().await, two.terminate().await), (Some(0), Some(0)));
    world.settle().await;
    for locale in locales {
        world.assert_complete(&format!("l10n-central/{locale}"), 5).await;
    }
}
