//! A host that fails, lies and hangs: the repository waits with the reason, and what is known stays right.

use crate::support::{Fault, Scope, World};
use elmo::domain::{ErrorClass, State};
use std::time::Duration;

/// The host answers like this; after it is well again, everything comes in.
async fn check(fault: Fault, class: ErrorClass) {
    let (world, name, described) = meeting(fault).await;
    world.settle().await;
    assert_failing_until_well(&world, &name, class, &described).await;
}

/// The same with an answer that does not end by itself.
async fn check_endless(fault: Fault) {
    let (world, name, described) = meeting(fault).await;
    world.settle_impatiently().await;
    assert_failing_until_well(&world, &name, ErrorClass::Network, &described).await;
}

async fn meeting(fault: Fault) -> (World, String, String) {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    let described = format!("{fault:?}").chars().take(100).collect::<String>();
    world.upstream.faults(&name).set(fault);
    world.announce(&name, &push).await;
    (world, name, described)
}

async fn assert_failing_until_well(world: &World, name: &str, class: ErrorClass, described: &str) {
    let failing = world.repository(name).await;
    assert_eq!(
        (failing.state(), failing.error_class, failing.last_push),
        (State::Failing, Some(class), 1),
        "{described}: {failing:?}"
    );
    assert!(failing.error.is_some_and(|error| !error.is_empty()) && failing.failing_since.is_some());
    world.upstream.faults(name).clear();
    world.later(Duration::from_secs(10)).await;
    world.assert_complete(name, 2).await;
}

#[tokio::test]
async fn a_pushlog_that_answers_404_or_500_or_429() {
    check(Fault::status(404), ErrorClass::Gone).await;
    check(Fault::status(500), ErrorClass::Network).await;
    check(Fault::status(429), ErrorClass::Network).await;
    check(Fault::status(403), ErrorClass::Refused).await;
}

#[tokio::test]
async fn a_pushlog_that_is_html_or_cut_short_or_hangs() {
    check(Fault::Html200, ErrorClass::Network).await;
    check(Fault::CutShort, ErrorClass::Network).await;
    check_endless(Fault::Hang).await;
    check_endless(Fault::Trickle).await;
}

#[tokio::test]
async fn a_pushlog_of_fifty_megabytes() {
    check(Fault::Huge(50 << 20), ErrorClass::Network).await;
}

#[tokio::test]
async fn a_pushlog_that_lies_about_types() {
    for body in [
        r#"{"lastpushid": "2", "pushes": {}}"#,
        r#"{"lastpushid": 2, "pushes": {"2": {"changesets": "x", "date": 1, "user": "a"}}}"#,
        r#"{"lastpushid": 2, "pushes": {"2": {"changesets": [], "date": null, "user": "a"}}}"#,
        r#"{"lastpushid": 1e99, "pushes": {}}"#,
        r#"{"lastpushid": 2, "pushes": {"2": {"changesets": [], "date": 1, "user": "a"}"#,
    ] {
        check(Fault::Raw(body.into()), ErrorClass::Network).await;
    }
}

#[tokio::test]
async fn a_pusher_that_is_not_utf_8_is_kept_to_the_byte() {
    let (world, name) = World::with_repository("fr").await;
    let answer = format!(
        r#"{{"lastpushid": 2, "pushes": {{"1": {}, "2": {{"changesets": [], "date": 1795485571, "user": "caf\udce9"}}}}}}"#,
        world.pushlog_entry(&name, 1)
    );
    world.upstream.faults(&name).set(Fault::Raw(answer.into_bytes().into()));

    world.look_at_everything().await;

    let pushes = world.pushes(&name).await;
    let second = pushes.iter().find(|push| push.push_id == 2).expect("push 2 is recorded");
    assert_eq!(second.user.to_bytes(), b"caf\xe9");
}

#[tokio::test]
async fn a_last_push_that_is_announced_too_high_is_not_believed() {
    let (world, name) = World::with_repository("fr").await;
    let answer = format!(r#"{{"lastpushid": 999999, "pushes": {{"1": {}}}}}"#, world.pushlog_entry(&name, 1));
    world.upstream.faults(&name).set(Fault::Raw(answer.into_bytes().into()));
    world.look_at_everything().await;

    world.upstream.faults(&name).clear();
    world.look_at_everything().await;

    let repository = world.repository(&name).await;
    assert_eq!((repository.generation, repository.last_push), (1, 1));
}

#[tokio::test]
async fn a_host_that_serves_the_pushlog_and_no_pulls() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    for (status, class) in [(503, ErrorClass::Network), (404, ErrorClass::Gone)] {
        world.upstream.faults(&name).set(Fault::RefuseClone(status).on(Scope::Wire));
        world.announce(&name, &push).await;
        world.later(Duration::from_secs(600)).await;
        let failing = world.repository(&name).await;
        assert_eq!((failing.error_class, failing.last_push), (Some(class), 1), "{status}: {failing:?}");
    }
    world.upstream.faults(&name).clear();
    world.later(Duration::from_secs(600)).await;
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn a_host_that_is_not_there() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    world.upstream.stop_listening().await.unwrap();
    world.announce(&name, &push).await;
    world.settle().await;
    assert_eq!(world.repository(&name).await.error_class, Some(ErrorClass::Network));

    world.upstream.resume().await.unwrap();
    world.later(Duration::from_secs(5)).await;

    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn waits_grow_while_a_host_stays_away() {
    let (world, name) = World::with_repository("fr").await;
    world.upstream.faults(&name).set(Fault::status(503));
    world.look_at_everything().await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        let repository = world.repository(&name).await;
        let wait = repository.next_try.unwrap().duration_since(world.bringer.clock.now());
        waits.push(wait.as_secs_f64());
        world.later(Duration::from_secs_f64(wait.as_secs_f64().max(0.0) + 0.1)).await;
    }
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
}
