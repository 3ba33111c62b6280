//! The program as an operator meets it.

use crate::support::{Fault, Scope, World, in_world, run, text};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

async fn elmo(world: &World, args: &[&str]) -> Output {
    run(world, Vec::new(), args).await
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

#[tokio::test]
async fn a_forest_is_discovered_and_synced() {
    let world = host_with_locales().await;
    let url = world.upstream.url_of("l10n-central");

    let added = elmo(&world, &["forest", "add", "l10n-central", &url, "--discover"]).await;
    let synced = elmo(&world, &["sync", "--all"]).await;
    let listed = elmo(&world, &["repository", "list", "--json"]).await;

    assert!(added.status.success() && text(&added).contains("lists 2 locales, 2 of them new"), "{}", text(&added));
    assert!(synced.status.success() && text(&synced).contains("l10n-central/fr: complete up to push 1"), "{}", text(&synced));
    let rows: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    world.assert_complete("l10n-central/de", 1).await;
    let verified = elmo(&world, &["verify"]).await;
    assert!(verified.status.success() && text(&verified).contains("no differences"), "{}", text(&verified));
}

#[tokio::test]
async fn on_a_terminal_bars_come_and_go_and_what_is_said_stays() {
    let world = host_with_locales().await;
    elmo(&world, &["forest", "add", "l10n-central", &world.upstream.url_of("l10n-central"), "--discover"]).await;
    // A clone is first measured after half a second; it asks more than once.
    world.upstream.faults_everywhere().set(Fault::Delay(Duration::from_millis(500)).on(Scope::Wire));

    // Of util-linux, a part of every Debian: runs a command on a terminal and prints what that shows.
    let mut script = in_world(&world, "script");
    script.args(["--quiet", "--return", "--command", concat!(env!("CARGO_BIN_EXE_elmo"), " sync --all"), "/dev/null"]);
    script.env("TERM", "xterm").env_remove("NO_COLOR");
    let output = script.output().await.unwrap();
    let shown = text(&output);

    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("cloning"), "no bar was drawn: {shown:?}");
    let last = &shown[shown.find("l10n-central/de: complete up to push 1").expect(&shown)..];
    assert!(last.contains("l10n-central/fr: complete up to push 1"), "{last:?}");
    assert!(!last.contains('\u{1b}'), "something is drawn over what was said: {last:?}");
    // A log line stands on a line that was cleared for it.
    let logged: Vec<&str> =
        shown.lines().filter_map(|line| line.rsplit("\u{1b}[2K").next()).filter(|line| line.contains("cloned")).collect();
    assert!(logged.len() == 2 && logged.iter().all(|line| !line.contains("cloning")), "bars and log lines mix: {logged:?}");
}

#[tokio::test]
async fn recorded_messages_are_replayed() {
    let world = host_with_locales().await;
    world.follow_forest("l10n-central", None).await;
    let mut lines = String::new();
    for name in ["l10n-central/de", "l10n-central/fr"] {
        lines += &(String::from_utf8(world.message_newrepo(name).body).unwrap() + "\n");
    }
    lines += "not json\n";
    std::fs::write(world.folder().join("messages.jsonl"), lines).unwrap();

    let replayed = elmo(&world, &["replay", "messages.jsonl"]).await;

    assert!(
        replayed.status.success() && text(&replayed).contains("2 repositories, 2 pushes, 2 changesets, 1 message parked"),
        "{}",
        text(&replayed)
    );
    let parked = elmo(&world, &["parked", "list"]).await;
    assert!(text(&parked).contains("the body is not what it should be"), "{}", text(&parked));
    let retried = elmo(&world, &["parked", "retry", "--all"]).await;
    assert_eq!(retried.status.code(), Some(3), "{}", text(&retried));
    assert!(elmo(&world, &["parked", "drop", "--all"]).await.status.success());
    assert!(text(&elmo(&world, &["parked", "list"]).await).contains("nothing is parked"));
}

#[tokio::test]
async fn mistakes_get_a_sentence_and_an_exit_code() {
    let world = World::new().await;
    for (args, code, said) in [
        (&["consume-pulse"][..], 2, "PULSE_USER is not set"),
        (&["sync", "l10n-central/xx"], 1, "there is no repository l10n-central/xx"),
        (&["sync"], 2, "required"),
        (&["forest", "add", "x", "ssh://h/x"], 1, "only http and https"),
        (&["repository", "add", "../x", "https://h/x"], 2, "cannot be used"),
        (&["replay", "nowhere.jsonl"], 1, "could not open nowhere.jsonl"),
        (&["--config", "nowhere.toml", "check"], 2, "could not read nowhere.toml: No such file"),
        (&["check"], 3, "PULSE_USER is not set"),
    ] {
        let output = elmo(&world, args).await;
        assert!(
            output.status.code() == Some(code) && text(&output).contains(said),
            "{args:?}: {:?} {}",
            output.status,
            text(&output)
        );
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_with_the_reason() {
    let world = World::new().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://elmo:secret@{closed}/elmo");

    let output = run(&world, vec![("DATABASE_URL", url)], &["migrate"]).await;

    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains(&closed.to_string()) && said.contains("Connection refused") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn what_compare_locales_wrote_is_published_and_valid() {
    let world = World::new().await;
    let counts = |missing: u32| {
        serde_json::json!({"errors": 0, "warnings": 0, "missing": missing, "missing_w": 0, "report": 0, "obsolete": 0, "changed": 1,
                           "changed_w": 1, "unchanged": 0, "unchanged_w": 0, "keys": 0})
    };
    let written = serde_json::json!([
        {"details": {"de/a.ftl": [{"missingEntity": "x"}], "fr": {"a.ftl": [], "b.ftl": []}}, "summary": {"de": counts(1), "fr": counts(0)}},
        {"details": {}, "summary": {"de": counts(0)}},
    ]);
    std::fs::write(world.folder().join("compared.json"), written.to_string()).unwrap();
    let revisions = serde_json::json!({"de": {"/l10n-central/de/": "1".repeat(40)}});
    std::fs::write(world.folder().join("revisions.json"), revisions.to_string()).unwrap();
    let source = format!("/l10n/x/={}", "2".repeat(40));
    let arguments =
        ["publish-comparison", "compared.json", "--repository", "https://hg.example.org/l10n/x", "--compare-locales", "9.0.5"];
    let configs = ["--configuration", "_configs/browser.toml", "--configuration", "other/browser.toml", "--revision", &source];
    let places = ["--revisions", "revisions.json", "--output", "public"];

    let made = elmo(&world, &[&arguments[..], &configs, &places].concat()).await;

    assert!(made.status.success() && text(&made).contains("3 comparisons"), "{}", text(&made));
    let checked = elmo(&world, &["validate", "public/elmo.json"]).await;
    assert!(checked.status.success() && text(&checked).contains("ok: 3 comparisons"), "{}", text(&checked));
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(world.folder().join("public/elmo.json")).unwrap()).unwrap();
    let details = file["comparisons"][0]["artifact"].as_str().unwrap();
    let details: serde_json::Value = serde_json::from_slice(&std::fs::read(world.folder().join(details)).unwrap()).unwrap();
    assert_eq!(details["details"], serde_json::json!({"de/a.ftl": [{"missingEntity": "x"}]}));
    assert_eq!(file["comparisons"][0]["revisions"]["/l10n-central/de/"], "1".repeat(40));
    std::fs::write(world.folder().join("bad.json"), file.to_string().replace("\"1.0\"", "\"2.0\"")).unwrap();
    let refused = elmo(&world, &["validate", "bad.json"]).await;
    assert!(refused.status.code() == Some(3) && text(&refused).contains("version: \"2.0\" is not 1.x"), "{}", text(&refused));
    let too_few = elmo(&world, &[&arguments[..], &["--configuration", "one.toml", "--output", "x"]].concat()).await;
    assert!(!too_few.status.success() && text(&too_few).contains("2 configurations"), "{}", text(&too_few));
}

#[tokio::test]
async fn a_tasks_result_is_taken_by_hand_and_its_tree_renamed() {
    let world = World::new().await;
    let deployment = crate::support::Deployment::new(&world).await;
    let comparisons = [crate::support::comparison("fr", "a.toml", 1, &[])];
    let task = deployment.publish(1, &crate::support::elmo_json("https://hg.example.org/l10n/x", &comparisons));
    std::fs::copy(world.folder().join("taskcluster.toml"), world.folder().join("elmo.toml")).unwrap();
    let root = deployment.queue.root();

    let taken = elmo(&world, &["ingest-task", &root, task.id()]).await;
    let again = elmo(&world, &["ingest-task", &root, task.id(), "0"]).await;
    let renamed = elmo(&world, &["tree", "rename", "x/a", "product"]).await;

    assert!(taken.status.success() && text(&taken).contains("1 comparison recorded"), "{}", text(&taken));
    assert!(again.status.success() && text(&again).contains("nothing changed"), "{}", text(&again));
    assert!(renamed.status.success() && text(&elmo(&world, &["tree", "list"]).await).contains("product"), "{}", text(&renamed));
    let listed = elmo(&world, &["tree", "list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        listed,
        serde_json::json!([{"code": "product", "repository": "https://hg.example.org/l10n/x", "config": "a.toml", "locales": 1}])
    );
    for (arguments, code, sentence) in [
        (vec!["ingest-task", "https://tc.example.org", task.id()], 1, "not among the deployments"),
        (vec!["ingest-task", &root, &elmo_queue::task_id(2)], 1, "404: ResourceNotFound"),
        (vec!["ingest-task", &root, task.id(), "7"], 1, "status.runs[7]: there is no such run"),
        (vec!["ingest-task", &root, "../x"], 2, "a slugid of 22 characters"),
        (vec!["tree", "rename", "x/a", "y"], 1, "there is no tree x/a"),
        (vec!["tree", "rename", "product", "a b"], 1, "is no code of a tree"),
    ] {
        let output = elmo(&world, &arguments).await;
        assert!(output.status.code() == Some(code) && text(&output).contains(sentence), "{arguments:?}: {}", text(&output));
    }
}

#[tokio::test]
async fn a_file_at_a_url_is_checked_as_a_worker_would() {
    let world = World::new().await;
    let deployment = crate::support::Deployment::new(&world).await;
    let comparisons = [crate::support::comparison("fr", "a.toml", 1, &[("/l10n-central/fr/", "tip".to_owned())])];
    let task = deployment.publish(1, &crate::support::elmo_json("https://hg.example.org/l10n/x", &comparisons));
    let url = format!("{}/{}/0/public%2Felmo%2Ejson", deployment.queue.bytes_url(), task.id());

    let refused = elmo(&world, &["validate", &url]).await;

    let place = "comparisons[0].revisions[\"/l10n-central/fr/\"]: \"tip\" is not a full revision";
    assert!(refused.status.code() == Some(3) && text(&refused).contains(place), "{}", text(&refused));
}

#[tokio::test]
async fn a_result_that_is_set_aside_is_shown_and_taken_later() {
    let world = World::new().await;
    let deployment = crate::support::Deployment::new(&world).await;
    let comparisons = [crate::support::comparison("fr", "a.toml", 1, &[])];
    let task = deployment.publish(1, &crate::support::elmo_json("https://hg.example.org/l10n/x", &comparisons));
    deployment.queue.break_at(elmo_queue::Place::List, elmo_queue::Fault::Status(503), None);
    deployment.announce_after(&task, std::time::Duration::from_secs(1200)).await;
    std::fs::copy(world.folder().join("taskcluster.toml"), world.folder().join("elmo.toml")).unwrap();

    let (listed, shown) = (elmo(&world, &["parked", "list"]).await, elmo(&world, &["parked", "show", "1"]).await);
    let stayed = elmo(&world, &["parked", "retry", "1"]).await;
    deployment.queue.heal();
    let taken = elmo(&world, &["parked", "retry", "--all"]).await;

    assert!(text(&listed).contains("503: SomeError"), "{}", text(&listed));
    let root = format!("deployment:  {}", deployment.queue.root());
    for part in [root.as_str(), "next try:    2", "after 0 so far", "reason:      could not get the result of"] {
        assert!(text(&shown).contains(part), "{part}: {}", text(&shown));
    }
    assert!(stayed.status.code() == Some(3) && text(&stayed).starts_with("1 still parked"), "{}", text(&stayed));
    assert!(taken.status.success() && text(&taken).starts_with("0 still parked"), "{}", text(&taken));
    assert_eq!((world.runs().await.len(), world.parked_reasons().await.len()), (1, 0));
}

#[tokio::test]
async fn a_revision_that_never_came_is_a_finding() {
    let (world, _) = World::with_repository("fr").await;
    let deployment = crate::support::Deployment::new(&world).await;
    let url = world.upstream.url_of("l10n-central/fr");
    let comparisons = [crate::support::comparison("fr", "a.toml", 1, &[(url.as_str(), "2".repeat(40))])];
    let task = deployment.publish(1, &crate::support::elmo_json("https://hg.example.org/l10n/x", &comparisons));
    deployment.announce(&task).await;
    let at_once = elmo(&world, &["verify"]).await;
    world.execute("update task_result set taken_at = taken_at - 90000000000").await;

    let (told, as_json) = (elmo(&world, &["verify"]).await, elmo(&world, &["verify", "--json"]).await);

    assert!(at_once.status.success(), "{}", text(&at_once));
    let sentence = format!("{url}: a result named revision {}", "2".repeat(40));
    assert!(told.status.code() == Some(3) && text(&told).contains(&sentence), "{}", text(&told));
    assert!(text(&as_json).contains("\"awaited\":\"2222"), "{}", text(&as_json));
}

#[tokio::test]
async fn a_check_asks_each_deployment() {
    let world = World::new().await;
    let deployment = crate::support::Deployment::new(&world).await;
    std::fs::copy(world.folder().join("taskcluster.toml"), world.folder().join("elmo.toml")).unwrap();

    let answers = elmo(&world, &["check", "--json"]).await;
    deployment.queue.break_at(elmo_queue::Place::Definition, elmo_queue::Fault::Status(502), None);
    let fails = elmo(&world, &["check"]).await;

    let line = format!("{{\"check\":\"taskcluster\",\"found\":\"{} answers; without credentials", deployment.queue.root());
    assert!(text(&answers).contains(&line), "{}", text(&answers));
    assert!(text(&fails).lines().any(|line| line.starts_with("FAILED taskcluster") && line.contains("502")), "{}", text(&fails));
}

#[tokio::test]
async fn an_unknown_setting_is_named_with_the_nearest_one() {
    let world = World::new().await;
    std::fs::write(world.folder().join("elmo.toml"), "[sync]\nlane = 2\n").unwrap();
    let output = elmo(&world, &["repository", "list"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("there is no setting sync.lane, did you mean sync.lanes?"), "{}", text(&output));
}

#[tokio::test]
async fn where_nothing_is_followed_every_command_says_how_to_begin() {
    let world = World::new().await;
    for args in [&["repository", "list"][..], &["sync", "--all"], &["verify"]] {
        let output = elmo(&world, args).await;
        let said = text(&output);
        assert!(output.status.success() && said.contains("no repository yet; elmo repository add"), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_failing_repository_is_listed_with_its_state_once_and_the_reason() {
    let (world, name) = World::with_repository("fr").await;
    world.upstream.delete(&name).await.unwrap();

    let synced = elmo(&world, &["sync", &name]).await;
    let listed = elmo(&world, &["repository", "list"]).await;

    assert_eq!(synced.status.code(), Some(3));
    let said = text(&listed);
    assert!(said.contains("l10n-central/fr  failing  the host says that there is no such repository  "), "{said}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a story runs the program and shells as an operator does")]
fn completions_are_what_their_shells_can_read() {
    for (shell, only_read) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let mut printed =
            Command::new(env!("CARGO_BIN_EXE_elmo")).args(["completions", shell]).stdout(Stdio::piped()).spawn().unwrap();
        let text = printed.stdout.take().unwrap();
        match Command::new(shell).arg(only_read).stdin(text).output() {
            Ok(read) => assert!(read.status.success() && read.stderr.is_empty(), "{shell}: {read:?}"),
            Err(_) => assert_ne!(shell, "bash", "the others may not be there"),
        }
        assert!(printed.wait().unwrap().success());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a story runs the program as an operator does")]
fn a_reader_that_leaves_in_the_middle_is_no_error() {
    let mut printing = Command::new(env!("CARGO_BIN_EXE_elmo"));
    let mut printing = printing.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(printing.stdout.take());
    let ended = printing.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}
