//! Clones that are damaged, foreign, or cannot be written.

use crate::support::World;
use elmo::domain::{ErrorClass, State};
use std::path::PathBuf;
use std::time::Duration;

async fn with_clone() -> (World, String, PathBuf) {
    let (world, name) = World::with_repository("fr").await;
    let clone = world.data().join("clones").join(&name);
    (world, name, clone)
}

async fn push_and_settle(world: &World, name: &str) {
    let push = world.push(name, "second").await;
    world.announce(name, &push).await;
    world.settle().await;
}

fn set_aside(world: &World) -> usize {
    std::fs::read_dir(world.data().join("aside")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_clone_with_a_cut_changelog_is_set_aside_and_replaced() {
    let (world, name, clone) = with_clone().await;
    let changelog = clone.join(".hg/store/00changelog.i");
    let bytes = std::fs::read(&changelog).unwrap();
    std::fs::write(&changelog, &bytes[..40]).unwrap();

    push_and_settle(&world, &name).await;

    world.assert_complete(&name, 2).await;
    assert_eq!(set_aside(&world), 1);
}

#[tokio::test]
async fn a_clone_without_requires_is_set_aside_and_replaced() {
    let (world, name, clone) = with_clone().await;
    std::fs::remove_file(clone.join(".hg/requires")).unwrap();

    push_and_settle(&world, &name).await;

    world.assert_complete(&name, 2).await;
    assert_eq!(set_aside(&world), 1);
}

#[tokio::test]
async fn a_foreign_repository_in_a_clones_place_is_set_aside() {
    let (world, name, clone) = with_clone().await;
    world.upstream.create("elsewhere").await.unwrap();
    world.push("elsewhere", "foreign").await;
    let foreign = world.folder().join("foreign");
    let hg = elmo_hg::Hg::new("hg");
    hg.clone_repository(&world.upstream.url_of("elsewhere"), &foreign, Duration::from_secs(60), |_| {}).await.unwrap();
    std::fs::remove_dir_all(clone.join(".hg")).unwrap();
    std::fs::rename(foreign.join(".hg"), clone.join(".hg")).unwrap();

    push_and_settle(&world, &name).await;

    world.assert_complete(&name, 2).await;
    assert_eq!((set_aside(&world), world.repository(&name).await.generation), (1, 1));
}

#[tokio::test]
async fn a_clone_that_is_gone_is_made_again() {
    let (world, name, clone) = with_clone().await;
    std::fs::remove_dir_all(&clone).unwrap();

    push_and_settle(&world, &name).await;

    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_our_own_trouble() {
    let world = World::with_forest().await;
    let name = "l10n-central/de";
    world.upstream.create(name).await.unwrap();
    std::fs::create_dir_all(world.data()).unwrap();
    std::fs::write(world.data().join("clones"), "in the way").unwrap();

    push_and_settle(&world, name).await;
    let waiting = world.repository(name).await;
    assert_eq!((waiting.state(), waiting.error_class), (State::Failing, Some(ErrorClass::Ours)));

    std::fs::remove_file(world.data().join("clones")).unwrap();
    world.later(Duration::from_secs(5)).await;
    world.assert_complete(name, 1).await;
}
