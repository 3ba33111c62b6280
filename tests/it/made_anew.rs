//! Repositories that were deleted and made anew under the same name.

use crate::support::World;
use elmo::domain::State;

async fn with_three_pushes() -> (World, String) {
    let (world, name) = World::with_repository("fr").await;
    for description in ["second", "third"] {
        let push = world.push(&name, description).await;
        world.announce(&name, &push).await;
    }
    world.settle().await;
    world.assert_complete(&name, 3).await;
    (world, name)
}

#[tokio::test]
async fn a_repository_made_anew_is_noticed_and_its_old_pushes_are_kept() {
    let (world, name) = with_three_pushes().await;
    world.upstream.recreate(&name).await.unwrap();
    let push = world.push(&name, "another history").await;

    world.announce(&name, &push).await;
    world.settle().await;

    let repository = world.repository(&name).await;
    assert_eq!((repository.state(), repository.generation, repository.last_push), (State::Complete, 2, 1));
    let generations: Vec<i64> = world.pushes(&name).await.iter().map(|push| push.generation).collect();
    assert_eq!(generations, [2, 1, 1, 1]);
    world.assert_complete(&name, 1).await;
    let aside = std::fs::read_dir(world.data().join("aside")).unwrap().count();
    assert_eq!(aside, 1, "the old clone is set aside, not destroyed");
}

#[tokio::test]
async fn one_that_has_more_pushes_than_the_old_one_is_noticed_too() {
    let (world, name) = with_three_pushes().await;
    world.upstream.recreate(&name).await.unwrap();
    let mut last = None;
    for number in 0..5 {
        last = Some(world.push(&name, &format!("another history {number}")).await);
    }

    world.announce(&name, &last.unwrap()).await;
    world.settle().await;

    assert_eq!(world.repository(&name).await.generation, 2);
    world.assert_complete(&name, 5).await;
}

#[tokio::test]
async fn one_that_is_empty_now_is_noticed_by_the_timer() {
    let (world, name) = with_three_pushes().await;
    world.upstream.recreate(&name).await.unwrap();

    world.look_at_everything().await;

    let repository = world.repository(&name).await;
    assert_eq!((repository.generation, repository.last_push), (2, 0));
}

#[tokio::test]
async fn a_deleted_repository_waits_with_what_is_known() {
    let (world, name) = with_three_pushes().await;
    world.upstream.delete(&name).await.unwrap();

    world.look_at_everything().await;

    let repository = world.repository(&name).await;
    assert_eq!((repository.state(), repository.last_push), (State::Failing, 3));
    assert_eq!(world.pushes(&name).await.len(), 3);
}
