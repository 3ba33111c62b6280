//! `elmo check` on a live broker.

use crate::support::{Pulse, Settings, World, account, run, text};
use elmo::domain::HGPUSHES;
use std::process::Output;

/// A check that asks no Taskcluster; `command_line` has the one that does.
async fn checked(world: &World, settings: Settings, args: &[&str]) -> (Option<i32>, String) {
    std::fs::write(world.folder().join("elmo.toml"), "[taskcluster]\ndeployments = []\n").unwrap();
    let output: Output = run(world, settings, args).await;
    (output.status.code(), text(&output))
}

#[tokio::test]
async fn where_all_is_well_each_thing_has_its_line() {
    let (world, _) = World::with_repository("fr").await;
    let pulse = Pulse::new().await;

    let (code, said) = checked(&world, account(&pulse), &["check"]).await;

    assert_eq!(code, Some(0), "{said}");
    let forest = world.upstream.url_of("l10n-central");
    for line in [
        &format!("ok     broker      amqp://{} vhost {} as elmo", pulse.rabbit.addr(), pulse.vhost),
        "ok     exchange    exchange/hgpushes/v2 is there",
        "ok     rights      may declare and bind queue/elmo/…",
        "ok     database    ",
        ": 1 repository, 1 push, 0 parked",
        "ok     hg          Mercurial ",
        "ok     disk        ",
        &format!("ok     upstream    {forest} lists 1 locale"),
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_named_once_and_the_rest_is_looked_at_all_the_same() {
    let world = World::new().await;
    let pulse = Pulse::new().await;
    let mut wrong = account(&pulse);
    wrong.push(("PULSE_PASSWORD", "not-the-one".to_owned()));

    let (code, said) = checked(&world, wrong, &["check"]).await;

    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains(" as elmo: could not connect to the broker: "), "{said}");
    assert_eq!(said.matches("Login was refused").count(), 1, "{said}");
    assert!(said.contains("-      exchange    not tried") && said.contains("-      rights      not tried"), "{said}");
    assert!(said.contains("ok     database    ") && said.contains("ok     disk        "), "{said}");
    assert!(!said.contains("not-the-one"), "{said}");
}

#[tokio::test]
async fn a_missing_exchange_is_found_and_what_needs_it_is_not_tried() {
    let world = World::new().await;
    let pulse = Pulse::new().await;
    pulse.rabbit.delete_exchange(&pulse.vhost, HGPUSHES).await.unwrap();

    let (code, said) = checked(&world, account(&pulse), &["check"]).await;
    let (_, as_json) = checked(&world, account(&pulse), &["check", "--json"]).await;

    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("ok     broker      "), "{said}");
    assert!(said.contains("FAILED exchange    could not find the exchange") && said.contains(HGPUSHES), "{said}");
    assert!(said.contains("-      rights      not tried"), "{said}");
    let lines = as_json.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let found: Vec<_> = lines.map(|line| (line["check"].clone(), line["ok"].clone())).take(3).collect();
    assert_eq!(found, [("broker".into(), true.into()), ("exchange".into(), false.into()), ("rights".into(), None::<bool>.into())]);
}
