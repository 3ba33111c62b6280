//! What an old Elmo knows is taken over, as far as it is sound; the rest is read from the hosts.

use crate::support::{Commit, Pages, World, run, text};
use elmo::domain::DAY;
use elmo_testbed::Postgres;
use elmo_upstream::Push;
use jiff::SignedDuration;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

const TABLES: &str = include_str!("tables.sql");
const ROWS: &str = include_str!("rows.sql");

/// The database of an old Elmo that followed `fr` and `de`, three pushes each, without having heard of all; gives its address.
async fn old_elmo(world: &World) -> String {
    let (fr, de) = (three_pushes(world, "l10n-central/fr").await, three_pushes(world, "l10n-central/de").await);
    let mut rows = ROWS.replace("{host}", world.upstream.url());
    for (word, push) in [("fr1", &fr[0]), ("fr2", &fr[1]), ("de1", &de[0]), ("de3", &de[2])] {
        let at = jiff::Timestamp::from_second(push.date).unwrap().to_string();
        rows = rows.replace(&format!("{{{word}}}"), &push.tip().to_string());
        rows = rows.replace(&format!("{{{word}.at}}"), at.trim_end_matches('Z').replace('T', " ").as_str());
    }
    let url = empty_database(world).await;
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    for sql in [TABLES, &rows] {
        sqlx::raw_sql(AssertSqlSafe(in_words_of(world, sql))).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    url
}

async fn three_pushes(world: &World, name: &str) -> [Push; 3] {
    world.upstream.create(name).await.unwrap();
    let now = world.bringer.clock.now().as_second();
    let push = async |what: &str, days_ago| {
        let commit = Commit::new(what).file("browser/menu.ftl", format!("item = {what}\n"));
        world.upstream.push_at(name, "flod@example.org", now - days_ago * DAY, [commit]).await.unwrap()
    };
    [push("one", 3).await, push("two", 2).await, push("three", 1).await]
}

async fn empty_database(world: &World) -> String {
    if world.database.is_a_server() {
        return Postgres::of_this_run().await.unwrap().create_database(None).await.unwrap();
    }
    let path = world.folder().join("old-elmo.sqlite");
    std::fs::File::create(&path).unwrap();
    format!("sqlite:{}", path.display())
}

fn in_words_of(world: &World, sql: &str) -> String {
    let words = if world.database.is_a_server() {
        [
            ("{id}", "serial primary key"),
            ("{bool}", "boolean"),
            ("{time}", "timestamp with time zone"),
            ("{true}", "true"),
            ("{false}", "false"),
        ]
    } else {
        [
            ("{id}", "integer not null primary key autoincrement"),
            ("{bool}", "bool"),
            ("{time}", "datetime"),
            ("{true}", "1"),
            ("{false}", "0"),
        ]
    };
    words.iter().fold(sql.to_owned(), |sql, (word, written)| sql.replace(word, written))
}

#[tokio::test]
async fn what_an_old_elmo_knows_is_taken_over_and_what_it_has_wrong_is_read_anew() {
    let world = World::new().await;
    let old = old_elmo(&world).await;

    let said = text(&run(&world, Vec::new(), &["import-legacy", &old]).await);
    let fr = world.repository("l10n-central/fr").await;
    let de = world.repository("l10n-central/de").await;
    let before = (fr.last_push, de.last_push);
    world.settle().await;

    for line in [
        "locales: 3 taken, 0 there already, 1 left out",
        "forests: 2 taken, 0 there already, 0 left out",
        "repositories: 3 taken, 0 there already, 1 left out",
        "pushes: 4 taken, 0 there already, 4 left out",
        "  2 left out: it has no id, or another push has the same",
        "  1 left out: it comes after one that is wrong or missing; read from the host",
        "  1 left out: its changesets are not all there",
        "runs: 2 taken, 0 there already, 2 left out",
        "  1 left out: it has no time",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert_eq!(before, (2, 1), "only what comes before a gap is taken");
    world.assert_complete("l10n-central/fr", 3).await;
    world.assert_complete("l10n-central/de", 3).await;
    let it = world.repository("old/it").await;
    assert_eq!((it.archived, it.last_push), (true, 7));
    assert_eq!(world.repository("l10n-central/fr").await.generation, 1, "its pushes are the host's own");
    let tomorrow = world.bringer.clock.now() + SignedDuration::from_hours(25);
    let awaited: Vec<bool> = world.store.awaited(tomorrow).await.unwrap().iter().map(|awaited| awaited.followed).collect();
    assert_eq!(awaited, [false], "only what an archived repository had is not there, and nobody waits for it");
}

#[tokio::test]
async fn doing_it_again_changes_nothing() {
    let world = World::new().await;
    let old = old_elmo(&world).await;
    run(&world, Vec::new(), &["import-legacy", &old]).await;
    world.settle().await;

    let again = run(&world, Vec::new(), &["import-legacy", &old]).await;

    let said = text(&again);
    for line in [
        "locales: 0 taken, 3 there already",
        "forests: 0 taken, 2 there already",
        "repositories: 0 taken, 3 there already",
        "pushes: 0 taken, 4 there already",
        "runs: 0 taken, 2 there already",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(again.status.success());
    world.assert_complete("l10n-central/de", 3).await;
}

#[tokio::test]
async fn old_runs_and_pushes_are_on_the_pages() {
    let world = World::new().await;
    let old = old_elmo(&world).await;
    run(&world, Vec::new(), &["import-legacy", &old]).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let board = pages.json("/dashboard/?tree=fx_central").await;
    let history = pages.json("/dashboard/history?tree=fx_central&locale=fr").await;
    let pushlog = pages.json("/source/pushes/old/it").await;
    let team = pages.shown("/teams/fr").await;
    let run = history["runs"][0]["run"].as_i64().unwrap();
    let compared = pages.shown(&format!("/dashboard/compare?run={run}")).await;

    assert_eq!(board["places"][0]["missing"], 3, "{board}");
    let missing: Vec<i64> = history["runs"].as_array().unwrap().iter().map(|run| run["missing"].as_i64().unwrap()).collect();
    assert_eq!(missing, [3, 40], "newest first");
    assert_eq!(pushlog["pushes"][0]["user"], "anna@example.org", "{pushlog}");
    assert!(team.contains("French"), "{team}");
    assert!(compared.contains("fx_central"), "{compared}");
}

#[tokio::test]
async fn a_database_that_is_none_of_an_old_elmo_is_refused_in_words() {
    let world = World::new().await;
    let (missing, empty) = ("sqlite:nowhere.sqlite", empty_database(&world).await);

    let not_there = run(&world, Vec::new(), &["import-legacy", missing]).await;
    let not_an_elmo = run(&world, Vec::new(), &["import-legacy", &empty]).await;
    let no_address = run(&world, Vec::new(), &["import-legacy", "mysql://root@localhost/elmo"]).await;

    let said = text(&not_there);
    assert!(said.contains("could not open the old database"), "{said}");
    let said = text(&not_an_elmo);
    assert!(said.contains("could not read the old database as Django's applications life and l10nstats leave it"), "{said}");
    assert!([&not_there, &not_an_elmo, &no_address].iter().all(|done| done.status.code() == Some(1)), "{}", text(&no_address));
    assert!(!world.folder().join("nowhere.sqlite").exists());
}
