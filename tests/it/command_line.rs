//! The program as an operator meets it.

use crate::support::World;
use std::process::{Command, Output};

#[expect(clippy::disallowed_methods, reason = "a story runs the program as an operator does")]
fn elmo(world: &World, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elmo"))
        .args(args)
        .current_dir(world.folder())
        .env("DATABASE_URL", &world.database.url)
        .env("ELMO_DATA", world.data())
        .env_remove("PULSE_USER")
        .output()
        .expect("the program runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn host_with_locales() -> World {
    let world = World::new().await;
    for locale in ["de", "fr"] {
        let name = format!("l10n-central/{locale}");
        world.upstream.create(&name).await.unwrap();
        world.push(&name, "first").await;
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forest_is_discovered_and_synced() {
    let world = host_with_locales().await;
    let url = world.upstream.url_of("l10n-central");

    let added = elmo(&world, &["forest", "add", "l10n-central", &url, "--discover"]);
    let synced = elmo(&world, &["sync", "--all"]);
    let listed = elmo(&world, &["repository", "list", "--json"]);

    assert!(added.status.success() && text(&added).contains("lists 2 locales, 2 of them new"), "{}", text(&added));
    assert!(synced.status.success() && text(&synced).contains("l10n-central/fr: complete up to push 1"), "{}", text(&synced));
    let rows: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    world.assert_complete("l10n-central/de", 1).await;
    let verified = elmo(&world, &["verify"]);
    assert!(verified.status.success() && text(&verified).contains("no differences"), "{}", text(&verified));
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_messages_are_replayed() {
    let world = host_with_locales().await;
    world.follow_forest("l10n-central", None).await;
    let mut lines = String::new();
    for name in ["l10n-central/de", "l10n-central/fr"] {
        lines += &(String::from_utf8(world.message_newrepo(name).body).unwrap() + "\n");
    }
    lines += "not json\n";
    std::fs::write(world.folder().join("messages.jsonl"), lines).unwrap();

    let replayed = elmo(&world, &["replay", "messages.jsonl"]);

    assert!(
        replayed.status.success() && text(&replayed).contains("2 repositories, 2 pushes, 2 changesets, 1 messages parked"),
        "{}",
        text(&replayed)
    );
    let parked = elmo(&world, &["parked", "list"]);
    assert!(text(&parked).contains("the body is not what it should be"), "{}", text(&parked));
    let retried = elmo(&world, &["parked", "retry", "--all"]);
    assert_eq!(retried.status.code(), Some(3), "{}", text(&retried));
    assert!(elmo(&world, &["parked", "drop", "--all"]).status.success());
    assert!(text(&elmo(&world, &["parked", "list"])).contains("nothing is parked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_get_a_sentence_and_an_exit_code() {
    let world = World::new().await;
    for (args, code, said) in [
        (&["consume-pulse"][..], 2, "PULSE_USER is not set"),
        (&["sync", "l10n-central/xx"], 1, "there is no repository l10n-central/xx"),
        (&["sync"], 2, "required"),
        (&["forest", "add", "x", "ssh://h/x"], 1, "only http and https"),
        (&["repository", "add", "../x", "https://h/x"], 2, "cannot be used"),
        (&["replay", "nowhere.jsonl"], 1, "could not open nowhere.jsonl"),
        (&["--config", "nowhere.toml", "check"], 2, "could not read nowhere.toml"),
        (&["check"], 3, "PULSE_USER is not set"),
    ] {
        let output = elmo(&world, args);
        assert!(
            output.status.code() == Some(code) && text(&output).contains(said),
            "{args:?}: {:?} {}",
            output.status,
            text(&output)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_setting_is_named_with_the_nearest_one() {
    let world = World::new().await;
    std::fs::write(world.folder().join("elmo.toml"), "[sync]\nlane = 2\n").unwrap();
    let output = elmo(&world, &["repository", "list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("there is no setting sync.lane, did you mean sync.lanes?"), "{}", text(&output));
}
