//! Where trees and locales stand, as the dashboard shows it: right at once, whatever changes it.

use crate::support::{Commit, Deployment, Pages, World, comparison, tasks_on};
use elmo::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const BROWSER: &str = "_configs/browser.toml";
const TOOLKIT: &str = "_configs/toolkit.toml";

/// A comparison in which strings are missing, obsolete, or wrong.
fn counted(locale: &str, config: &str, missing: u32, obsolete: u32, errors: u32) -> Value {
    let mut comparison = comparison(locale, config, missing, &[]);
    comparison["summary"]["obsolete"] = json!(obsolete);
    comparison["summary"]["errors"] = json!(errors);
    comparison
}

async fn with_results() -> (World, Deployment, Pages) {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    let comparisons = [
        counted("fr", BROWSER, 12, 3, 2),
        counted("fr", TOOLKIT, 0, 1, 0),
        counted("de", BROWSER, 0, 0, 0),
        counted("sr", BROWSER, 5, 0, 0),
    ];
    deployment.compared(1, 1, &comparisons).await;
    let pages = Pages::of(&world).await;
    (world, deployment, pages)
}

/// The places on a page, as `tree locale state`.
async fn places(pages: &Pages, path: &str) -> Vec<String> {
    let places = pages.json(path).await["places"].as_array().unwrap().clone();
    let word = |place: &Value, name: &str| place[name].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    places.iter().map(|place| ["tree", "locale", "state"].map(|name| word(place, name)).join(" ")).collect()
}

async fn missing(pages: &Pages) -> Vec<i64> {
    let document = pages.json("/dashboard/").await;
    document["places"].as_array().unwrap().iter().map(|place| place["missing"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn it_shows_where_each_tree_and_locale_stands() {
    let (_world, _deployment, pages) = with_results().await;

    let page = pages.shown("/dashboard/").await;

    for part in [
        "<title>Dashboard · Elmo</title>",
        "gecko-strings/browser</a></th><td>3</td><td>2</td><td>0</td><td>1</td>",
        "2 errors, 12 missing, 3 obsolete",
        "nothing missing",
        "<a href=\"/teams/fr\">fr</a>",
        "<a href=\"/trees/gecko-strings/browser\">gecko-strings/browser</a>",
        "<td class=\"change\">new</td>",
        "/dashboard/history?tree=gecko-strings%2Fbrowser&#38;locale=fr",
        "12 missing all the time",
        "1 to 4 of 4",
    ] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    assert!(!page.contains("style="), "the server's own policy forbids it");
    let table = pages.shown("/dashboard/?format=csv&locale=fr&sort=-missing").await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("tree,locale,run,state,completion,errors,"), "{table}");
    assert!(lines[1].starts_with("gecko-strings/browser,fr,") && lines[2].starts_with("gecko-strings/toolkit,fr,"), "{table}");
}

#[tokio::test]
async fn filters_and_order_are_in_the_address() {
    let (_world, _deployment, pages) = with_results().await;
    let all = ["browser de success", "browser fr failure", "toolkit fr warnings", "browser sr failure"];
    assert_eq!(places(&pages, "/dashboard/").await, all);
    assert_eq!(places(&pages, "/dashboard/?tree=gecko-strings/toolkit").await, [all[2]]);
    assert_eq!(places(&pages, "/dashboard/?locale=de&locale=sr").await, [all[0], all[3]]);
    assert_eq!(places(&pages, "/dashboard/?state=failure&sort=-locale").await, [all[3], all[1]]);
    assert_eq!(places(&pages, "/dashboard/?sort=missing&length=2&start=1").await, [all[2], all[3]]);

    let page = pages.shown("/dashboard/?state=failure&length=1").await;

    assert!(page.contains("1 to 1 of 2"), "{page}");
    assert!(page.contains("rel=\"next\" href=\"/dashboard/?state=failure&#38;length=1&#38;start=1\""), "{page}");
    assert!(page.contains("href=\"/dashboard/?state=failure&#38;state=success&#38;length=1\""), "a state is added: {page}");
    assert!(page.contains("href=\"/dashboard/?length=1\" aria-current=\"true\">failure"), "and taken away: {page}");
    assert!(pages.shown("/dashboard/?tree=none").await.contains("Nothing fits"));
    for wrong in ["state=green", "sort=colour", "length=0", "length=501", "start=-1", "start=x"] {
        assert_eq!(pages.get(&format!("/dashboard/?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn what_changed_since_last_week_is_said_with_signs() {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 24 * 40, &[comparison("fr", BROWSER, 20, &[])]).await;
    deployment.compared(2, 24 * 10, &[comparison("fr", BROWSER, 10, &[]), comparison("de", BROWSER, 1, &[])]).await;
    deployment.compared(3, 24 * 3, &[comparison("fr", BROWSER, 6, &[]), comparison("sr", BROWSER, 1, &[])]).await;
    deployment.compared(4, 1, &[comparison("fr", BROWSER, 4, &[])]).await;
    let pages = Pages::of(&world).await;

    let document = pages.json("/dashboard/").await;

    let changes: Vec<&Value> = document["places"].as_array().unwrap().iter().map(|place| &place["change"]).collect();
    let fr = json!({"missing": -6, "completion": 8});
    assert_eq!(changes, [&json!({"missing": 0, "completion": 0}), &fr, &Value::Null]);
    let page = pages.shown("/dashboard/?locale=fr").await;
    assert!(page.contains("−6 missing, +8 %") && page.contains("missing from 20 to 4, between 4 and 20"), "{page}");
}

#[tokio::test]
async fn a_result_shows_at_once() {
    let (_world, deployment, pages) = with_results().await;
    assert_eq!(missing(&pages).await, [0, 12, 0, 5]);

    deployment.compared(2, 0, &[comparison("fr", BROWSER, 7, &[]), comparison("ja", BROWSER, 1, &[])]).await;

    assert_eq!(missing(&pages).await, [0, 7, 0, 1, 5]);
    let of_fr = pages.json("/shipping/api/status?locale=fr&tree=gecko-strings/browser").await;
    assert_eq!((&of_fr["items"][0]["missing"], &of_fr["items"][0]["result"]), (&json!(7), &json!("failure")));
}

#[tokio::test]
async fn a_push_that_settles_runs_shows_at_once() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let pages = Pages::of(&world).await;
    let last_week = Timestamp::now() - SignedDuration::from_hours(24 * 9);
    let commit = Commit::new("older than it seems").file("browser/menu.ftl", "item = old\n");
    let push = world.upstream.push_at(&name, "flod@example.org", last_week.as_second(), [commit]).await.unwrap();
    let revisions = [(world.upstream.url_of(&name), push.tip().to_string())];
    let revisions = revisions.each_ref().map(|(url, tip)| (url.as_str(), tip.clone()));
    deployment.compared(1, 2, &[comparison("fr", BROWSER, 4, &[])]).await;
    deployment.compared(2, 1, &[comparison("fr", BROWSER, 9, &revisions)]).await;
    assert_eq!(missing(&pages).await, [9], "while the push is not known, the newest task counts");

    world.announce(&name, &push).await;
    world.settle().await;

    assert_eq!(missing(&pages).await, [4], "its source is older than what the other compared");
    assert_eq!(pages.json("/dashboard/").await["places"][0]["change"]["missing"], -5);
}

#[tokio::test]
async fn a_tree_has_its_new_name_at_once() {
    let (world, _deployment, pages) = with_results().await;
    assert_eq!(places(&pages, "/dashboard/?tree=gecko-strings/toolkit").await.len(), 1);

    assert!(world.store.rename_tree("gecko-strings/toolkit", "tk").await.unwrap());

    assert_eq!(places(&pages, "/dashboard/?tree=tk").await, ["tk fr warnings"]);
    assert!(!world.store.rename_tree("gecko-strings/browser", "tk").await.unwrap(), "the name is taken");
    assert!(!world.store.rename_tree("nowhere", "x").await.unwrap());
    assert_eq!(pages.get("/dashboard/tree-status/gecko-strings/toolkit").await.status, 404);
}

#[tokio::test]
async fn what_another_worker_records_shows_at_once() {
    let (world, deployment, pages) = with_results().await;
    let other = Store::open(&world.database.url).await.unwrap();
    let tasks = tasks_on(other.clone(), &deployment);
    assert_eq!(missing(&pages).await, [0, 12, 0, 5]);

    for (number, missing_in_fr) in [(2, 8), (3, 3)] {
        let file = crate::support::elmo_json(
            "https://hg.example.org/l10n/gecko-strings",
            &[comparison("fr", BROWSER, missing_in_fr, &[])],
        );
        let task = deployment.publish(number, &file);
        tasks.take(&deployment.message(&task), Duration::ZERO).await.unwrap();
        assert_eq!(missing(&pages).await, [0, i64::from(missing_in_fr), 0, 5]);
    }
    assert!(other.rename_tree("gecko-strings/toolkit", "tk").await.unwrap());

    assert_eq!(places(&pages, "/dashboard/?tree=tk").await, ["tk fr warnings"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_look_while_results_come_see_whole_results() {
    let (_world, deployment, pages) = with_results().await;
    let (pages, deployment) = (Arc::new(pages), Arc::new(deployment));
    let looks: Vec<_> = (0..20)
        .map(|_| {
            let pages = Arc::clone(&pages);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..5 {
                    seen.push(missing(&pages).await);
                }
                seen
            })
        })
        .collect();
    for (number, missing) in [(2, 20), (3, 21), (4, 22)] {
        deployment.compared(number, 0, &[comparison("de", BROWSER, missing, &[]), comparison("fr", BROWSER, missing, &[])]).await;
    }

    for look in looks {
        for seen in look.await.unwrap() {
            assert!(seen == [0, 12, 0, 5] || (seen[0] == seen[1] && seen[0] >= 20), "{seen:?}");
        }
    }
    let last = missing(&pages).await;
    assert!(last[0] == last[1] && last[0] >= 20, "{last:?}");
}

#[tokio::test]
async fn other_programs_get_the_fields_they_know() {
    let (_world, _deployment, pages) = with_results().await;

    let document = pages.json("/shipping/api/status").await;

    let items = document["items"].as_array().unwrap();
    let named: Vec<String> = items.iter().map(|item| format!("{} {}", item["id"], item["result"])).collect();
    let browser = "gecko-strings/browser";
    let expected =
        [format!("\"{browser}/de\" \"success\""), format!("\"{browser}/fr\" \"error\""), format!("\"{browser}/sr\" \"failure\"")];
    assert_eq!(named[..3], expected);
    let fr = &items[1];
    assert_eq!((&fr["type"], &fr["label"], &fr["errors"], &fr["missing"]), (&json!("Build"), &json!("fr"), &json!(2), &json!(12)));
    assert_eq!(pages.get("/shipping/api/status").await.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn nothing_was_compared_yet() {
    let world = World::new().await;
    let pages = Pages::of(&world).await;
    assert!(pages.shown("/dashboard/").await.contains("No task has published a comparison yet"));
    assert_eq!(pages.json("/shipping/api/status").await, json!({"items": []}));
    assert!(pages.shown("/teams/").await.contains("No repository of a locale is followed"));
}
