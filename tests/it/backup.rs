//! The recipes of `docs/operations.md`: the commands that stand there are run as they stand.

use crate::support::{Deployment, PATIENCE, Worker, World, comparison, follow_recipe, run, text, until};
use elmo::domain::{RepositoryName, Revision};
use elmo::store::{PushFilter, Store};

fn on(world: &World, what: &str) -> String {
    format!("{what} {}", if world.database.is_a_server() { "PostgreSQL" } else { "SQLite" })
}

async fn last_push(store: &Store, name: &str) -> u64 {
    store.repository(&name.parse::<RepositoryName>().unwrap()).await.unwrap().map_or(0, |repository| repository.last_push)
}

#[tokio::test]
async fn a_backup_that_was_taken_under_a_worker_is_restored_and_the_worker_catches_up() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, worker) = Worker::consuming(&world).await;
    follow_recipe(&world, &on(&world, "Backing up")).await;
    let push = world.push(&name, "after the backup").await;
    pulse.publish(&[world.message(&name, &push)]).await;
    world.until_complete(&name, 2).await;
    worker.terminate().await;
    world.store.close().await;

    follow_recipe(&world, &on(&world, "Restoring")).await;
    let store = Store::open(&world.database.url).await.unwrap();
    let restored = last_push(&store, &name).await;
    let worker = Worker::start(&world, &pulse);
    until("the worker has caught up", PATIENCE, async || last_push(&store, &name).await == 2).await;
    worker.terminate().await;
    let verified = run(&world, Vec::new(), &["verify"]).await;

    assert_eq!(restored, 1, "the backup is older");
    assert!(verified.status.success(), "{}", text(&verified));
}

/// All pushes with what they brought: repository, number, who, when, changesets.
async fn pushes(store: &Store) -> Vec<String> {
    let filter = PushFilter { length: 1000, ..PushFilter::default() };
    let mut told = Vec::new();
    for push in store.pushes(&filter).await.unwrap().pushes {
        let revisions: Vec<Revision> = push.changesets.iter().map(|pushed| pushed.revision).collect();
        told.push(format!("{} {} {} {} {revisions:?}", push.repository, push.push_id, push.user.as_str(), push.date));
    }
    told.sort_unstable();
    told
}

async fn lose_database(world: &World) {
    if world.database.is_a_server() {
        world.execute("drop schema public cascade").await;
        world.execute("create schema public").await;
        return;
    }
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(world.folder().join(format!("elmo.sqlite{ending}")));
    }
}

#[tokio::test]
async fn a_lost_database_is_read_from_the_hosts_again_but_for_what_only_it_knew() {
    let (world, name) = World::with_repository("fr").await;
    let second = world.push(&name, "second").await;
    world.announce(&name, &second).await;
    world.settle().await;
    world.upstream.create("l10n-central/de").await.unwrap();
    world.push("l10n-central/de", "first").await;
    world.deliver(world.message_newrepo("l10n-central/de")).await;
    world.settle().await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 1, &[comparison("fr", "browser.toml", 3, &[("/l10n-central/fr/", second.tip().to_string())])]).await;
    let (before, totals) = (pushes(&world.store).await, world.store.totals().await.unwrap());
    follow_recipe(&world, &on(&world, "Backing up")).await;
    world.store.close().await;

    lose_database(&world).await;
    follow_recipe(&world, "When the database is lost").await;
    let store = Store::open(&world.database.url).await.unwrap();
    let verified = run(&world, Vec::new(), &["verify"]).await;
    let (after, totals_after) = (pushes(&store).await, store.totals().await.unwrap());

    assert_eq!(after, before);
    assert_eq!(before.len(), 3);
    assert_eq!((totals.runs, totals_after.runs), (1, 0), "results of tasks are lost, as the document says");
    assert!(verified.status.success(), "{}", text(&verified));
}

#[tokio::test]
async fn what_is_followed_is_the_same_after_it_was_written_down_and_read_back() {
    let world = World::with_forest().await;
    world.follow_forest("releases/l10n", Some("l10n-central")).await;
    for add in [
        &["repository", "add", "l10n/all", "https://github.com/l10n/all", "--branch", "main", "--locales", "{locale}/**"][..],
        &["repository", "add", "tools", "https://hg.example.org/tools"],
        &["repository", "add", "a-fork", "https://hg.example.org/a-fork", "--fork-of", "tools"],
        &["repository", "archive", "tools"],
        &["forest", "archive", "releases/l10n"],
    ] {
        assert!(run(&world, Vec::new(), add).await.status.success(), "{add:?}");
    }
    let exported = run(&world, Vec::new(), &["followed", "export"]).await;
    let file = world.folder().join("followed.jsonl");
    std::fs::write(&file, &exported.stdout).unwrap();
    world.store.close().await;
    lose_database(&world).await;

    let imported = run(&world, Vec::new(), &["followed", "import", file.to_str().unwrap()]).await;
    let again = run(&world, Vec::new(), &["followed", "import", file.to_str().unwrap()]).await;
    let exported_again = run(&world, Vec::new(), &["followed", "export"]).await;

    assert!(
        text(&imported).starts_with("5 forests and repositories are followed from now on, 0 were already"),
        "{}",
        text(&imported)
    );
    assert!(text(&again).starts_with("0 forests and repositories are followed from now on, 5 were already"), "{}", text(&again));
    assert_eq!(text(&exported_again), text(&exported));
    std::fs::write(&file, "{\"forest\": {}}\n").unwrap();
    let wrong = run(&world, Vec::new(), &["followed", "import", file.to_str().unwrap()]).await;
    assert!(text(&wrong).contains("line 1 of") && text(&wrong).contains("missing field `name`"), "{}", text(&wrong));
}
