//! What comes over the bus and is no push of ours.

use crate::support::World;
use elmo::domain::Message;

#[tokio::test]
async fn what_cannot_be_taken_is_parked_with_the_reason_and_the_rest_goes_on() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "between bad ones").await;
    let url = world.upstream.url_of(&name);
    let with_url = |url: &str| format!(r#"{{"payload": {{"type": "newrepo.1", "data": {{"repo_url": "{url}"}}}}}}"#).into_bytes();
    let with_push = |id: &str| {
        format!(r#"{{"payload": {{"type": "changegroup.1", "data": {{"repo_url": "{url}", "heads": [], "source": "serve", "pushlog_pushes": [{{"pushid": {id}}}]}}}}}}"#)
            .into_bytes()
    };
    let huge =
        format!(r#"{{"payload": {{"type": "newrepo.1", "data": {{"repo_url": "{}"}}}}}}"#, "x".repeat(10 << 20)).into_bytes();
    let bad: Vec<Vec<u8>> = vec![
        b"no json".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        huge,
        with_push("-1"),
        with_push("9007199254740993"),
        with_push("\"7\""),
        with_url("ssh://hg.mozilla.org/l10n-central/de"),
        with_url("file:///etc/passwd"),
        with_url("--config=alias.x=!sh"),
        with_url(&format!("{}/../etc", world.upstream.url())),
        with_url(&format!("{}//l10n-central/de", world.upstream.url())),
        with_url(&format!("{}/-x/de", world.upstream.url())),
        with_url(&format!("{}/l10n-central/d\\u0000e", world.upstream.url())),
        with_url("http://127.0.0.1:1/l10n-central/de"),
    ];
    let messages = bad.iter().map(|body| Message {
        exchange: "exchange/hgpushes/v2".to_owned(),
        routing_key: "k".to_owned(),
        body: body.clone(),
        root: None,
    });
    let mut messages: Vec<Message> = messages.collect();
    messages.insert(5, world.message(&name, &push));
    world.upstream.forget_requests();

    world.deliver_all(&messages).await;
    world.settle().await;

    world.assert_complete(&name, 2).await;
    let parked = world.store.parked(0, 100).await.unwrap();
    assert_eq!(parked.iter().map(|row| row.message.body.clone()).collect::<Vec<_>>(), bad, "nothing is lost, not a byte");
    assert_eq!(world.counted("parked").await, i64::try_from(bad.len()).unwrap());
    assert_eq!(world.store.repositories().await.unwrap().len(), 1, "nothing else is followed");
}

#[tokio::test]
async fn the_same_bad_message_is_parked_once_and_counted() {
    let world = World::new().await;
    for _ in 0..3 {
        world.deliver_body("no json").await;
    }
    let parked = world.store.parked(0, 10).await.unwrap();
    assert_eq!(parked.iter().map(|row| row.times).collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn unknown_types_unknown_repositories_and_the_first_version_are_counted_only() {
    let world = World::with_forest().await;
    let url = world.upstream.url_of("try");
    world.deliver_body(r#"{"payload": {"type": "hgrc.7", "data": {}}}"#).await;
    world.deliver_body(format!(r#"{{"payload": {{"type": "newrepo.1", "data": {{"repo_url": "{url}"}}}}}}"#)).await;
    world.deliver_body(format!(r#"{{"payload": {{"repo_url": "{url}", "heads": [], "pushlog_pushes": []}}}}"#)).await;

    assert_eq!((world.counted("unknown type").await, world.counted("not followed").await), (2, 1));
    assert!(world.parked_reasons().await.is_empty());
    assert_eq!(world.upstream.all_counts().all, 0);
}

#[tokio::test]
async fn the_recorded_messages_of_the_real_notifier_are_taken() {
    let world = World::new().await;
    for line in include_str!("../messages/hgpushes-v2.jsonl").lines() {
        world.deliver_body(line).await;
    }
    assert_eq!(world.counted("not followed").await, 18);
}

#[tokio::test]
async fn another_host_cannot_take_over_a_repository() {
    let (world, name) = World::with_repository("fr").await;
    let before = world.repository(&name).await;
    let foreign = format!(r#"{{"payload": {{"type": "newrepo.1", "data": {{"repo_url": "http://127.0.0.1:9/{name}"}}}}}}"#);

    world.deliver_body(foreign).await;
    world.settle().await;

    assert_eq!(world.repository(&name).await, before);
    assert!(world.parked_reasons().await[0].contains("which is followed at"));
}
