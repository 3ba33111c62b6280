//! A dump of everything that the database holds: the same for the same history, whichever database and whatever order.

use crate::support::{Deployment, GitHub, Way, World, comparison, dump, elmo_json, run, tasks_on, text};
use elmo::domain::{Message, UrlRules};
use elmo::ingest::Ingest;
use elmo::store::Store;
use elmo::sync::{Bringer, LaneSettings, Lanes};
use elmo_testbed::Postgres;
use elmo_upstream::Publishing;
use elmo_upstream::git::{Commit, Onto};
use sqlx::Row;
use std::time::Duration;

const GIT: &str = "l10n/all";
const DRAFTS: &str = "l10n-central/x-drafts";
/// Tables of what depends on when a worker looked, and of names that show where they are used.
const LEFT_OUT: &[&str] = &[
    "_sqlx_migrations",
    "branch",
    "compared_repository",
    "compatibility",
    "message_count",
    "queue_binding",
    "queue_depth",
    "version",
];

/// Everything that is followed and told of, nothing of it taken yet.
struct History {
    github: GitHub,
    deployment: Deployment,
    pushes: Vec<Message>,
    results: Vec<Message>,
}

impl History {
    async fn new() -> History {
        let github = GitHub::new().await;
        let world = &github.world;
        let deployment = Deployment::new(world).await;
        let mut pushes = in_mercurial(world).await;
        let (git, results) = (in_git(&github).await, results(&deployment, world));
        pushes.extend(git);
        pushes.push(Message { body: b"none".to_vec(), ..pushes[0].clone() });
        History { github, deployment, pushes, results }
    }

    fn world(&self) -> &World {
        &self.github.world
    }

    /// A database takes it all, a message at a time in some order.
    async fn taken_by(&self, store: &Store, order: impl Fn(&[Message]) -> Vec<Message>) {
        let bringer = Bringer { store: store.clone(), ..self.world().bringer.clone() };
        let ingest = Ingest::new(store.clone(), UrlRules::OnlyHttp, bringer.clock.clone());
        let (lanes, tasks) = (Lanes::new(bringer, LaneSettings::default(), "dumped"), tasks_on(store.clone(), &self.deployment));
        self.github.follow_in(store, GIT, &["main", "beta"]).await;
        self.world().follow_forest_in(store, "l10n-central", None).await;
        for message in order(&self.pushes) {
            ingest.take(&[message]).await.unwrap();
            lanes.work_off().await.unwrap();
        }
        for message in order(&self.results) {
            tasks.take(&message, Duration::ZERO).await.unwrap();
        }
    }
}

async fn in_mercurial(world: &World) -> Vec<Message> {
    let mut messages = Vec::new();
    for name in ["l10n-central/de", "l10n-central/fr"] {
        world.upstream.create(name).await.unwrap();
        messages.push(world.message_newrepo(name));
        for number in 0..3 {
            let push = world.push(name, &format!("Übersetzung \u{1f600} \"{number}\"")).await;
            messages.push(world.message(name, &push));
        }
    }
    world.upstream.create_with(DRAFTS, Publishing::No).await.unwrap();
    messages.push(world.message_newrepo(DRAFTS));
    let draft = world.push(DRAFTS, "draft").await;
    let again = elmo_upstream::Commit::new("done").file("a.ftl", "a = 1\n");
    let (push, marker) = world.upstream.amend(DRAFTS, draft.tip(), "flod@example.org", again).await.unwrap();
    messages.push(world.message(DRAFTS, &push));
    let obsolete = world.upstream.message_obsolete(DRAFTS, &[marker]).unwrap();
    let (exchange, routing_key, body) = (obsolete.exchange.to_owned(), obsolete.routing_key, obsolete.body);
    messages.push(Message { exchange, routing_key, body, root: None });
    messages
}

async fn in_git(github: &GitHub) -> Vec<Message> {
    github.host.create(GIT).await.unwrap();
    let mut pushes = vec![github.push(GIT, "first", 100).await, github.push(GIT, "second", 200).await];
    let beside = Commit::new("beside").file("de/beside.ftl", "a = 1\n").onto(Onto::Commit(pushes[0].after.clone().unwrap()));
    pushes.push(github.host.push_at(GIT, "beta", "flod", 300, [beside]).await.unwrap());
    pushes.iter().filter_map(|push| github.message(Way::Hook, GIT, push)).collect()
}

fn results(deployment: &Deployment, world: &World) -> Vec<Message> {
    let of = |number: u32| {
        let revision = world.upstream.tip("l10n-central/fr").unwrap().to_string();
        let url = world.upstream.url_of("l10n-central/fr");
        let compared = [(url.as_str(), revision), ("https://hg.example.org/l10n/gecko-strings", format!("{number:040x}"))];
        let comparisons = [comparison("fr", "browser.toml", number, &compared), comparison("de", "mail.toml", 1, &compared[1..])];
        deployment.message(&deployment.publish(number, &elmo_json("https://hg.example.org/l10n/gecko-strings", &comparisons)))
    };
    (1..4).map(of).collect()
}

fn as_told(messages: &[Message]) -> Vec<Message> {
    messages.to_vec()
}

fn backwards(messages: &[Message]) -> Vec<Message> {
    messages.iter().rev().cloned().collect()
}

fn twice(messages: &[Message]) -> Vec<Message> {
    messages.iter().rev().chain(messages).cloned().collect()
}

/// The lines of two dumps that the other has not.
fn only_in_one<'a>(one: &'a [String], two: &'a [String]) -> Vec<&'a String> {
    let is_not_in = |other: &'a [String]| move |line: &&String| !other.contains(*line);
    one.iter().filter(is_not_in(two)).chain(two.iter().filter(is_not_in(one))).collect()
}

#[tokio::test]
async fn the_same_history_gives_the_same_dump_on_both_databases_and_in_any_order() {
    let history = History::new().await;
    let postgres = Postgres::of_this_run().await.unwrap();
    let sqlite = format!("sqlite:{}", history.world().folder().join("other.sqlite").display());
    let (one, two) =
        (Store::open(&sqlite).await.unwrap(), Store::open(&postgres.create_database(None).await.unwrap()).await.unwrap());

    history.taken_by(&history.world().store, as_told).await;
    history.taken_by(&one, backwards).await;
    history.taken_by(&two, twice).await;

    let dumped = dump(&history.world().store).await;
    for noun in ["forest", "changeset", "parent", "file", "pushed", "head", "notice", "marker", "compared", "active", "parked"] {
        assert!(dumped.iter().any(|line| line.starts_with(&format!("{noun} {{"))), "no {noun} in {dumped:#?}");
    }
    assert_eq!(only_in_one(&dump(&one).await, &dumped), Vec::<&String>::new());
    assert_eq!(only_in_one(&dump(&two).await, &dumped), Vec::<&String>::new());
    assert_eq!(dump(&one).await, dumped, "the order of lines is the same");
}

#[tokio::test]
async fn a_row_that_is_missing_shows() {
    let history = History::new().await;
    let world = history.world();
    history.taken_by(&world.store, as_told).await;
    for sql in [
        "delete from active where tree = (select max(tree) from active)",
        "delete from run_revision where run = (select max(run) from run_revision)",
        "delete from parked",
        "delete from obsolescence",
        "delete from notice where id = (select max(id) from notice)",
        "delete from branch_head where branch = (select max(branch) from branch_head)",
        "delete from push_changeset where push = (select max(push) from push_changeset)",
        "delete from repository_changeset where changeset = (select max(id) from changeset where known = 1)",
        "delete from changeset_file where changeset = (select max(changeset) from changeset_file)",
        "delete from changeset_parent where changeset = (select max(changeset) from changeset_parent)",
        "update changeset set description = 'x' where id = (select max(id) from changeset where known = 1)",
        "update repository set last_push = last_push - 1 where vcs = 'hg'",
    ] {
        let before = dump(&world.store).await;

        world.execute(sql).await;

        assert_ne!(dump(&world.store).await, before, "{sql}");
    }
}

#[tokio::test]
async fn every_table_is_in_a_dump_or_left_out_on_purpose() {
    let world = World::new().await;
    let shown = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/dump.rs")).unwrap();
    let tables = match world.database.is_a_server() {
        true => "select cast(table_name as text) as name from information_schema.tables where table_schema = 'public'",
        false => "select name from sqlite_master where type = 'table'",
    };
    let rows = sqlx::query(tables).fetch_all(&mut world.database.connect().await).await.unwrap();
    for table in rows.iter().map(|row| row.get::<String, _>("name")) {
        let is_read = ["from", "join"].iter().any(|word| {
            let words = format!("{word} {table}");
            shown
                .match_indices(&words)
                .any(|(at, _)| !shown[at + words.len()..].starts_with(|next: char| next == '_' || next.is_alphanumeric()))
        });
        assert!(is_read || LEFT_OUT.contains(&table.as_str()), "{table} is neither dumped nor left out");
    }
}

#[tokio::test]
async fn an_operator_prints_a_dump_of_an_empty_database_and_of_one_with_something_in_it() {
    let (world, _) = World::with_repository("fr").await;
    let empty = format!("sqlite:{}", world.folder().join("empty.sqlite").display());

    let (full, empty) = (
        run(&world, Vec::new(), &["verify", "--dump"]).await,
        run(&world, vec![("DATABASE_URL", empty)], &["verify", "--dump"]).await,
    );
    let refused = run(&world, Vec::new(), &["verify", "--dump", "l10n-central/fr"]).await;

    assert_eq!(String::from_utf8(full.stdout).unwrap().lines().collect::<Vec<_>>(), dump(&world.store).await);
    assert_eq!(String::from_utf8(empty.stdout).unwrap().lines().count(), 1, "the null changeset is always there");
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
}
