//! New repositories, with content or without.

use crate::support::{Commit, Fault, Scope, World};
use elmo::domain::{ErrorClass, State};
use elmo_upstream::{Bulk, Parent};
use std::time::Duration;

#[tokio::test]
async fn a_new_repository_of_a_forest_is_followed_cloned_and_recorded() {
    let world = World::with_forest().await;
    let name = "l10n-central/ja-JP-mac";
    world.upstream.create(name).await.unwrap();
    world.push(name, "first").await;

    world.deliver(world.message_newrepo(name)).await;
    world.settle().await;

    world.assert_complete(name, 1).await;
    let repository = world.repository(name).await;
    assert_eq!(repository.locale.unwrap().as_str(), "ja-JP-mac");
    assert!(!world.data().join("clones").join(name).join("browser").exists(), "there is no working copy");
}

#[tokio::test]
async fn an_empty_new_repository_is_fine() {
    let world = World::with_forest().await;
    world.upstream.create("l10n-central/sc").await.unwrap();

    world.deliver(world.message_newrepo("l10n-central/sc")).await;
    world.settle().await;
    world.assert_complete("l10n-central/sc", 0).await;

    let push = world.push("l10n-central/sc", "first").await;
    world.announce("l10n-central/sc", &push).await;
    world.settle().await;
    world.assert_complete("l10n-central/sc", 1).await;
}

#[tokio::test]
async fn a_new_repository_with_content_and_no_pushes_is_recorded_from_all_its_heads() {
    let world = World::with_forest().await;
    let name = "l10n-central/fy-NL";
    world.upstream.create(name).await.unwrap();
    world.upstream.create("elsewhere").await.unwrap();
    let commits = [
        Commit::new("root").file("a", "1"),
        Commit::new("on a branch").branch("old").file("b", "1"),
        Commit::new("closed").branch("old").close_branch(),
        Commit::new("another head").parent(Parent::Nth(0)).file("c", "1"),
    ];
    world.push_all("elsewhere", commits).await;
    world.upstream.pull_from("elsewhere", &[], name).await.unwrap();

    world.deliver(world.message_newrepo(name)).await;
    world.deliver(world.message_without_pushes(name)).await;
    world.settle().await;

    world.assert_complete(name, 0).await;
    assert_eq!(world.store.totals().await.unwrap().changesets, 4, "those of closed branches too");
}

#[tokio::test]
async fn a_changegroup_before_its_newrepo_makes_the_repository_followed() {
    let world = World::with_forest().await;
    world.upstream.create("l10n-central/ast").await.unwrap();
    let push = world.push("l10n-central/ast", "first").await;

    world.announce("l10n-central/ast", &push).await;
    world.settle().await;
    world.deliver(world.message_newrepo("l10n-central/ast")).await;
    world.settle().await;

    world.assert_complete("l10n-central/ast", 1).await;
}

#[tokio::test]
async fn a_host_that_does_not_serve_a_new_repository_yet_is_waited_for() {
    let world = World::with_forest().await;
    let name = "l10n-central/szl";
    world.upstream.create(name).await.unwrap();
    world.push(name, "first").await;
    world.upstream.faults(name).set(Fault::NotServed.on(Scope::Everything));
    world.deliver(world.message_newrepo(name)).await;
    world.settle().await;
    let waiting = world.repository(name).await;
    assert_eq!((waiting.state(), waiting.error_class), (State::Failing, Some(ErrorClass::Gone)));

    world.upstream.faults(name).clear();
    world.later(Duration::from_secs(3)).await;

    world.assert_complete(name, 1).await;
}

#[tokio::test]
async fn twenty_thousand_changesets_in_a_straight_line() {
    let world = World::with_forest().await;
    let name = "l10n-central/xh";
    world.upstream.create(name).await.unwrap();
    world.upstream.import(name, Bulk { push_size: 0, ..Bulk::empty_line(20_000) }).await.unwrap();

    world.deliver(world.message_newrepo(name)).await;
    world.settle().await;

    assert_eq!(world.repository(name).await.state(), State::Complete);
    assert_eq!(world.store.totals().await.unwrap().changesets, 20_000);
}

#[tokio::test]
async fn an_import_with_files_merges_and_branches_is_what_the_clone_holds() {
    let world = World::with_forest().await;
    let name = "l10n-central/lo";
    world.upstream.create(name).await.unwrap();
    let bulk = Bulk { changesets: 2_500, distinct_paths: 3_000, manifest_window: 300, ..Bulk::default() };
    let imported = world.upstream.import(name, bulk).await.unwrap();

    world.deliver(world.message_newrepo(name)).await;
    world.settle().await;

    world.assert_complete(name, imported.pushes as u64).await;
}
