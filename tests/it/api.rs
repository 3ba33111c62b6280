//! The same values for programs: lists with keys, described as they are, asked again cheaply, read from other sites.

use crate::support::{Commit, Deployment, Page, Pages, World, comparison};
use reqwest::Method;
use serde_json::Value;
use tokio::process::Command;

const BROWSER: &str = "_configs/browser.toml";

/// A repository with three pushes, and a tree with two locales of which one was compared twice.
async fn with_all() -> (World, Deployment, Pages) {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    for description in ["Menus", "Buttons", "Tooltips"] {
        let commit = Commit::new(description).file(format!("browser/{description}.ftl"), "key = value\n");
        let push = world.push_all(&name, [commit]).await;
        world.announce(&name, &push).await;
    }
    world.settle().await;
    let compared = [("https://hg.example.org/l10n-central/fr", "c0ffee".repeat(7)[..40].to_owned())];
    deployment.compared(1, 1, &[comparison("fr", BROWSER, 4, &[]), comparison("ja", BROWSER, 0, &[])]).await;
    deployment.compared(2, 2, &[comparison("fr", BROWSER, 2, &compared)]).await;
    let pages = Pages::of(&world).await;
    (world, deployment, pages)
}

async fn api(pages: &Pages, path: &str) -> Value {
    serde_json::from_str(&pages.shown(&format!("/api/v1/{path}")).await).expect("JSON")
}

/// All items of a list, asked for one by one.
async fn one_by_one(pages: &Pages, path: &str) -> Vec<Value> {
    let (mut items, mut key) = (Vec::new(), String::new());
    loop {
        let answer = api(pages, &format!("{path}{}limit=1{key}", if path.contains('?') { '&' } else { '?' })).await;
        items.extend(answer["items"].as_array().unwrap().clone());
        let Some(next) = answer["next"].as_str() else {
            return items;
        };
        key = format!("&key={next}");
    }
}

#[tokio::test]
async fn every_list_is_the_same_read_at_once_or_one_by_one() {
    let (_world, _deployment, pages) = with_all().await;
    let lists = [
        ("repositories", 1),
        ("pushes", 4),
        ("pushes?path=buttons", 1),
        ("changesets?repository=l10n-central/fr", 4),
        ("locales", 2),
        ("trees", 1),
        ("runs", 3),
        ("runs?locale=fr", 2),
        ("runs?active=true&tree=gecko-strings/browser", 2),
        ("history?tree=gecko-strings/browser&locale=fr&starttime=2000-01-01", 2),
    ];
    for (list, length) in lists {
        let whole = api(&pages, list).await;

        let items = one_by_one(&pages, list).await;

        assert_eq!(whole["items"].as_array().unwrap(), &items, "{list}");
        assert_eq!((items.len(), &whole["next"]), (length, &Value::Null), "{list}");
    }
}

#[tokio::test]
async fn each_item_can_be_asked_for_by_its_name() {
    let (_world, _deployment, pages) = with_all().await;
    let run = api(&pages, "runs").await["items"][0].clone();
    let tip = api(&pages, "pushes").await["items"][0]["tip"].as_str().unwrap().to_owned();

    let repository = api(&pages, "repositories/l10n-central%2Ffr").await;
    let push = api(&pages, "pushes/l10n-central%2Ffr/4").await;
    let changeset = api(&pages, &format!("changesets/{}", &tip[..12])).await;
    let one_run = api(&pages, &format!("runs/{}", run["id"])).await;

    assert_eq!(repository["in_words"], "complete up to push 4");
    assert_eq!((&push["tip"], push["changesets"].as_array().unwrap().len()), (&Value::from(tip.as_str()), 1));
    assert_eq!((&changeset["revision"], &changeset["files"][0]), (&Value::from(tip), &"browser/Tooltips.ftl".into()));
    assert_eq!((&one_run["missing"], &one_run["revisions"][0]["known"]), (&run["missing"], &false.into()));
    assert_eq!(api(&pages, "locales/fr").await["failure"], 1);
    assert_eq!(api(&pages, "trees/gecko-strings%2Fbrowser").await["locales"], 2);
    for unknown in
        ["repositories/none", "pushes/l10n-central%2Ffr/99", "changesets/ffffffff", "runs/999", "locales/xx", "trees/a%2Fb", "x"]
    {
        let page = pages.get(&format!("/api/v1/{unknown}")).await;
        let error: Value = serde_json::from_str(&page.body).expect("JSON");
        assert_eq!((page.status.as_u16(), &error["status"]), (404, &404.into()), "{unknown}: {error}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let (_world, _deployment, pages) = with_all().await;
    let refused = [
        ("runs?lenght=5", "unknown field `lenght`"),
        ("runs?limit=501", "limit: it can be a number from 1 to 500"),
        ("runs?key=x", "key: it can be what an answer had as next"),
        ("runs?active=maybe", "active"),
        ("changesets", "missing field `repository`"),
        ("pushes?limit=0", "limit: it can be a number from 1 to 500"),
        ("pushes?key=5", "key: it can be what an answer had as next"),
        ("pushes?until=yesterday", "until= can be seconds since 1970, a day"),
        ("pushes?colour=red", "colour: there are repo, exclude, path"),
        ("history?tree=a&locale=fr&starttime=soon", "The starttime must be a date"),
    ];
    for (address, words) in refused {
        let page = pages.get(&format!("/api/v1/{address}")).await;
        assert_eq!(page.status, 400, "{address}");
        assert!(page.body.contains(words), "{address}: {}", page.body);
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (world, _deployment, pages) = with_all().await;
    let first = pages.get("/api/v1/pushes").await;
    let tag = first.header("etag").to_owned();

    let again = pages.ask_with(Method::GET, "/api/v1/pushes", &[("if-none-match", &format!("\"other\", {tag}"))]).await;
    let head = pages.ask(Method::HEAD, "/api/v1/pushes").await;
    let name = "l10n-central/fr";
    let push = world.push(name, "More menus").await;
    world.announce(name, &push).await;
    world.settle().await;
    let changed = pages.ask_with(Method::GET, "/api/v1/pushes", &[("if-none-match", &tag)]).await;

    assert_eq!((again.status.as_u16(), again.body.as_str(), again.header("etag")), (304, "", tag.as_str()));
    assert_eq!((head.status.as_u16(), head.body.as_str(), head.header("etag")), (200, "", tag.as_str()));
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn programs_of_other_sites_may_read_and_only_read() {
    let (_world, _deployment, pages) = with_all().await;
    let asks = [
        ("origin", "https://example.org"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "if-none-match"),
    ];
    let allowed = |page: &Page, name: &str| page.header(name).to_owned();

    let before = pages.ask_with(Method::OPTIONS, "/api/v1/runs", &asks).await;
    let answer = pages.ask_with(Method::GET, "/api/v1/runs", &asks[..1]).await;
    let refused = pages.ask_with(Method::POST, "/api/v1/runs", &asks[..1]).await;
    let page = pages.ask_with(Method::GET, "/", &asks[..1]).await;

    assert_eq!(before.status, 200);
    assert_eq!(allowed(&before, "access-control-allow-methods"), "GET,HEAD");
    assert_eq!(allowed(&before, "access-control-allow-headers"), "if-none-match");
    assert_eq!(
        (allowed(&answer, "access-control-allow-origin"), allowed(&answer, "access-control-expose-headers")),
        ("*".to_owned(), "etag,retry-after".to_owned())
    );
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD"));
    assert_eq!(allowed(&page, "access-control-allow-origin"), "", "pages are for people");
}

#[tokio::test]
async fn it_is_described_for_people_and_for_programs() {
    let (_world, _deployment, pages) = with_all().await;

    let page = pages.shown("/api/v1/").await;
    let document = api(&pages, "openapi.json").await;

    for part in [
        "<h2>Pushes</h2>",
        "The <code>next</code> of an answer",
        "<a href=\"/api/v1/runs\">/api/v1/runs</a>",
        "Only those that count",
        "openapi.json",
        "must be given",
    ] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert_eq!(document["paths"].as_object().unwrap().len(), 14);
    assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&"Elmo".into(), &env!("CARGO_PKG_VERSION").into()));
    assert!(document["info"]["description"].as_str().unwrap().contains("times are UTC"), "{}", document["info"]);
    assert_eq!(pages.json("/api/v1/").await, document);
}

/// Schemathesis, which `bin/test` installs, reads the description and tries what is allowed by it, and much that is not.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a story runs what tries the API")]
async fn whatever_its_description_allows_is_answered_as_described() {
    let (world, _deployment, pages) = with_all().await;
    let description = pages.address("/api/v1/openapi.json");

    let run = Command::new("schemathesis")
        .args([
            "run",
            &description,
            "--no-color",
            "--seed",
            "1",
            "--max-examples",
            "20",
            "--suppress-health-check",
            "filter_too_much",
        ])
        .current_dir(world.folder())
        .output()
        .await
        .expect("schemathesis is on the PATH: bin/test puts it there");

    let words = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && words.contains("Tested: 14"), "{words}\n{}", String::from_utf8_lossy(&run.stderr));
}
