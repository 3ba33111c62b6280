//! Forks share a clone.

use crate::support::{Fault, Scope, World};
use elmo::domain::{ErrorClass, State};
use elmo_upstream::Push;

const ORIGIN: &str = "l10n-central/fr";
const FORK: &str = "beta/fr";

async fn origin_and_fork() -> World {
    let world = World::with_forest().await;
    world.follow_forest("beta", Some("l10n-central")).await;
    world.upstream.create(ORIGIN).await.unwrap();
    let push = world.push(ORIGIN, "shared history").await;
    world.announce(ORIGIN, &push).await;
    world.settle().await;
    world.upstream.fork(ORIGIN, FORK).await.unwrap();
    world
}

#[tokio::test]
async fn a_fork_shares_its_origins_clone_and_holds_all_its_changesets() {
    let world = origin_and_fork().await;
    let in_fork = world.push(FORK, "only in the fork").await;
    world.announce(FORK, &in_fork).await;
    world.settle().await;
    let in_origin = world.push(ORIGIN, "only in the origin").await;
    world.announce(ORIGIN, &in_origin).await;
    world.settle().await;

    world.assert_complete(ORIGIN, 2).await;
    assert_eq!(world.differences(FORK).await, []);
    assert!(world.data().join("clones").join(ORIGIN).join(".hg").exists());
    assert!(!world.data().join("clones").join(FORK).exists());
    let fork_only = world.changeset(in_fork.tip()).await;
    assert_eq!(fork_only.repositories.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), [FORK]);
    let shared = world.changeset(world.upstream.pushes(ORIGIN)[0].tip()).await;
    assert_eq!(shared.repositories.len(), 2);
}

#[tokio::test]
async fn what_only_a_fork_has_is_not_the_origins_when_the_timer_looks() {
    let world = origin_and_fork().await;
    let in_fork = world.push(FORK, "only in the fork").await;
    world.announce(FORK, &in_fork).await;
    world.settle().await;

    look_for_news_of_the_origin(&world).await;

    assert_eq!(holders(&world, &in_fork).await, [FORK]);

    world.upstream.recreate(FORK).await.unwrap();
    let anew = world.push(FORK, "nothing in common").await;
    world.announce(FORK, &anew).await;
    world.settle().await;

    look_for_news_of_the_origin(&world).await;

    assert_eq!(holders(&world, &in_fork).await, [FORK], "a fork that has a clone of its own now has left its changesets behind");
}

async fn look_for_news_of_the_origin(world: &World) {
    let in_origin = world.push(ORIGIN, "nobody told of this").await;
    world.look_at_everything().await;
    world.assert_complete(ORIGIN, in_origin.id).await;
}

async fn holders(world: &World, push: &Push) -> Vec<String> {
    let changeset = world.changeset(push.tip()).await;
    changeset.repositories.iter().map(|(name, ..)| name.to_string()).collect()
}

#[tokio::test]
async fn a_fork_that_is_none_gets_a_clone_of_its_own_and_the_origins_stays() {
    let world = origin_and_fork().await;
    world.upstream.recreate(FORK).await.unwrap();
    let push = world.push(FORK, "nothing in common").await;

    world.announce(FORK, &push).await;
    world.settle().await;

    world.assert_complete(FORK, 1).await;
    world.assert_complete(ORIGIN, 1).await;
    assert!(world.data().join("clones").join(FORK).join(".hg").exists());
    assert!(!world.data().join("aside").exists(), "nobody's clone was set aside");
}

#[tokio::test]
async fn a_forks_pull_that_fails_harms_nobodys_clone() {
    let world = origin_and_fork().await;
    let in_fork = world.push(FORK, "only in the fork").await;
    let in_origin = world.push(ORIGIN, "only in the origin").await;
    let clone = world.data().join("clones").join(ORIGIN).join(".hg");
    let made = std::fs::metadata(&clone).unwrap().created().unwrap();
    for (status, class) in [(500, ErrorClass::Network), (404, ErrorClass::Gone)] {
        world.upstream.faults(FORK).set(Fault::RefuseClone(status).on(Scope::Wire));
        world.announce(FORK, &in_fork).await;
        world.later(std::time::Duration::from_secs(600)).await;
        let failing = world.repository(FORK).await;
        assert_eq!((failing.state(), failing.error_class), (State::Failing, Some(class)), "{failing:?}");
    }

    world.announce(ORIGIN, &in_origin).await;
    world.settle().await;

    world.assert_complete(ORIGIN, 2).await;
    assert_eq!(std::fs::metadata(&clone).unwrap().created().unwrap(), made, "the clone is the same one");
    assert!(!world.data().join("aside").exists(), "nobody's clone was set aside");
    world.upstream.faults(FORK).clear();
    world.later(std::time::Duration::from_secs(600)).await;
    assert_eq!((world.repository(FORK).await.last_push, world.differences(FORK).await), (1, vec![]));
}

#[tokio::test]
async fn a_fork_that_nobody_pushed_to_leaves_its_changesets_behind_when_it_is_made_anew() {
    let world = origin_and_fork().await;
    world.deliver(world.message_newrepo(FORK)).await;
    world.settle().await;
    let shared = world.upstream.pushes(ORIGIN).remove(0);
    assert_eq!(holders(&world, &shared).await, [FORK, ORIGIN]);
    world.upstream.recreate(FORK).await.unwrap();
    let anew = world.push(FORK, "nothing in common").await;

    world.announce(FORK, &anew).await;
    world.settle().await;

    assert_eq!(world.repository(FORK).await.generation, 2);
    assert_eq!(world.differences(FORK).await, []);
    assert_eq!(world.differences(ORIGIN).await, []);
}
