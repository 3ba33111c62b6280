//! What a reader sees.

use crate::support::{Commit, Fault, Pages, World};
use elmo_upstream::Parent;
use reqwest::{Method, StatusCode};
use std::time::Duration;

#[tokio::test]
async fn an_empty_elmo_says_what_to_type() {
    let world = World::new().await;
    let pages = Pages::of(&world).await;

    assert!(pages.shown("/").await.contains("elmo forest add l10n-central https://hg.mozilla.org/l10n-central --discover"));
    assert!(pages.shown("/source/pushes/").await.contains("No push is recorded yet."));
    assert_eq!(pages.json("/").await["repositories"], serde_json::json!([]));
}

#[tokio::test]
async fn a_repository_is_shown_with_its_state_and_its_pushes() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    let push = world.push(&name, "Bug 1 - second").await;
    world.announce(&name, &push).await;
    world.settle().await;

    let shown = pages.shown(&format!("/source/pushes/{name}")).await;
    let json = pages.json(&format!("/source/pushes/{name}?length=1")).await;

    assert!(shown.contains("up to push 2") && shown.contains("Bug 1 - second") && shown.contains("flod@example.org"), "{shown}");
    assert_eq!((&json["repository"]["state"], &json["repository"]["last_push"]), (&"complete".into(), &2.into()));
    assert_eq!(json["pushes"].as_array().unwrap().len(), 1);
    assert_eq!(json["pushes"][0]["changesets"][0]["revision"], push.tip().to_string());
    let older = pages.shown(json["older"].as_str().unwrap()).await;
    assert!(older.contains("first") && !older.contains("Bug 1 - second"), "{older}");
    assert!(pages.shown("/").await.contains(&name));
    assert!(pages.shown("/source/pushes/l10n-central").await.contains(&name), "a forest's name shows what is in it");
}

#[tokio::test]
async fn a_repository_that_fails_says_since_when_and_why() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    world.upstream.faults(&name).set(Fault::status(503));
    world.look_at_everything().await;
    // Each time it waits longer, in the end for longer than it takes to look at the page.
    for _ in 0..7 {
        world.later(Duration::from_secs(3600)).await;
    }

    let shown = pages.shown(&format!("/source/pushes/{name}")).await;
    let failing = pages.json("/?state=failing").await;

    assert!(shown.contains("failing") && shown.contains("503") && shown.contains("next try"), "{shown}");
    assert_eq!(failing["repositories"][0]["error_class"], "network");
    assert_eq!(pages.json("/?state=complete").await["repositories"], serde_json::json!([]));
    assert_eq!(pages.get("/?state=lost").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_changeset_is_found_by_its_prefix_and_shows_all_that_hangs_on_it() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    let base = world.upstream.pushes(&name)[0].tip();
    let beside = Commit::new("beside").parent(base).file("b.ftl", "b = b\n");
    let branch = Commit::new("on a branch").branch("relbranch").file("c.ftl", "c = c\n");
    let merge = Commit::new("both").parent(Parent::Nth(1)).merge(Parent::Nth(0));
    let push = world.push_all(&name, [beside, branch, merge]).await;
    world.announce(&name, &push).await;
    world.settle().await;

    let merged = pages.json(&format!("/source/changeset/{}", &push.tip().to_string()[..12])).await;
    let first = pages.shown(&format!("/source/changeset/{base}")).await;

    let parents: Vec<String> = push.nodes[..2].iter().rev().map(ToString::to_string).collect();
    assert_eq!(merged["parents"], serde_json::json!(parents));
    assert_eq!((&merged["branch"], &merged["pushes"][0]["push_id"]), (&"relbranch".into(), &2.into()));
    assert!(first.contains(&push.nodes[0].to_string()), "children are linked: {first}");
    assert!(first.contains("browser/menu.ftl"));
}

#[tokio::test]
async fn a_prefix_of_several_names_them_and_one_of_none_says_so() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    let commits = (0..17).map(|number| Commit::new(format!("number {number}")).file("a.ftl", format!("a = {number}\n")));
    let push = world.push_all(&name, commits).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let digits: Vec<char> = push.nodes.iter().map(|node| node.to_string().chars().next().unwrap()).collect();
    let common = digits.iter().find(|digit| digits.iter().filter(|other| other == digit).count() > 1).unwrap();

    let several = pages.get(&format!("/source/changeset/{common}")).await;
    let none = pages.get("/source/changeset/0123456789abcdef").await;
    let nonsense = pages.get("/source/changeset/tip").await;

    assert_eq!(several.status, StatusCode::MULTIPLE_CHOICES);
    assert!(several.body.matches("/source/changeset/").count() >= 2, "{}", several.body);
    assert!(none.status == StatusCode::NOT_FOUND && none.body.contains("No changeset that begins with"), "{}", none.body);
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_revision_without_a_push_and_a_push_without_changesets_have_pages() {
    let (world, name) = World::with_repository("fr").await;
    world.upstream.create("elsewhere").await.unwrap();
    let pulled = world.push("elsewhere", "came by a pull").await.tip();
    world.upstream.create("l10n-central/de").await.unwrap();
    world.upstream.pull_from("elsewhere", &[], "l10n-central/de").await.unwrap();
    world.deliver(world.message_newrepo("l10n-central/de")).await;
    let answer = format!(
        r#"{{"lastpushid": 2, "pushes": {{"1": {}, "2": {{"changesets": [], "date": 1795485571, "user": "a"}}}}}}"#,
        world.pushlog_entry(&name, 1)
    );
    world.upstream.faults(&name).set(Fault::Raw(answer.into_bytes().into()));
    world.look_at_everything().await;
    let pages = Pages::of(&world).await;

    let pushes = pages.shown(&format!("/source/pushes/{name}")).await;
    let without_push = pages.json(&format!("/source/changeset/{pulled}")).await;
    let null = pages.shown(&format!("/source/changeset/{}", "0".repeat(40))).await;

    assert!(pushes.contains("push 2") && pushes.contains("no changesets: they are obsolete or were stripped"), "{pushes}");
    let empty = serde_json::json!([]);
    assert_eq!((&without_push["pushes"], &without_push["repositories"][0]["name"]), (&empty, &"l10n-central/de".into()));
    assert!(null.contains("The null changeset"));
}

#[tokio::test]
async fn a_changeset_that_nobody_has_seen_says_so() {
    let (world, name) = World::with_repository("fr").await;
    let node = "b".repeat(40);
    world.deliver(world.message_about_unknown(&name, &node)).await;
    let pages = Pages::of(&world).await;

    let unseen = pages.shown(&format!("/source/changeset/{node}")).await;

    assert!(unseen.contains("A changeset that is not seen yet") && unseen.contains("obsolete"), "{unseen}");
    assert!(!unseen.contains("MojibakÃ©"), "descriptions in messages are mangled and never kept: {unseen}");
}

#[tokio::test]
async fn what_people_wrote_is_never_markup() {
    let (world, name) = World::with_repository("fr").await;
    let evil = "</title><script>alert(1)</script> \u{202e}drow \" onload='x";
    let commit = Commit::new(evil).author(evil).file("<b>x</b>.ftl", "a").file(b"caf\xe9\x01.ftl", "b");
    let push = world.upstream.push(&name, "<i>who</i>", [commit]).await.unwrap();
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    for path in [format!("/source/changeset/{}", push.tip()), format!("/source/pushes/{name}"), "/".to_owned()] {
        let shown = pages.shown(&path).await;
        assert!(!shown.contains("<script>") && !shown.contains("<i>who") && !shown.contains("<b>x"), "{path}: {shown}");
        assert!(shown.contains("&#60;script&#62;alert(1)"), "{path}: {shown}");
    }
    assert!(pages.shown("/?q=%3Cscript%3E%22").await.contains("&#60;script&#62;&#34;"));
    let page = pages.get("/").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!((page.header("x-content-type-options"), page.header("x-frame-options")), ("nosniff", "DENY"));
}

#[tokio::test]
async fn a_repository_made_anew_shows_where_its_old_pushes_begin() {
    let (world, name) = World::with_repository("fr").await;
    world.upstream.recreate(&name).await.unwrap();
    let push = world.push(&name, "another beginning").await;
    world.announce(&name, &push).await;
    world.look_at_everything().await;
    let pages = Pages::of(&world).await;

    let shown = pages.shown(&format!("/source/pushes/{name}")).await;

    let (new, old) = shown.split_once("before the repository was made anew").expect("both generations are shown");
    assert!(new.contains("another beginning") && old.contains("first"), "{shown}");
}

#[tokio::test]
async fn pages_are_only_read_and_errors_speak_the_format_that_was_asked_for() {
    let world = World::new().await;
    let pages = Pages::of(&world).await;

    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let page = pages.ask(method, "/").await;
        assert_eq!((page.status, page.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    }
    for (path, status) in [
        ("/nowhere", 404),
        ("/source/pushes/l10n-central/xx", 404),
        ("/source/pushes/..%2f..%2fetc/passwd", 404),
        ("/source/pushes/%ff", 404),
        ("/source/pushes/?before=1", 400),
        ("/?format=xml", 400),
        ("/source/changeset/%00", 400),
    ] {
        let page = pages.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}: {}", page.body);
        assert!(page.body.contains("</html>"), "{path}: {}", page.body);
    }
    let error = pages.get("/nowhere?format=json").await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&error.body).unwrap()["status"], 404);
}

#[tokio::test]
async fn an_operator_sees_what_came_in_and_what_is_behind() {
    let (world, name) = World::with_repository("fr").await;
    world.deliver_body("no json").await;
    world.upstream.faults(&name).set(Fault::status(503));
    world.look_at_everything().await;
    let pages = Pages::of(&world).await;

    let shown = pages.shown("/status").await;
    let json = pages.json("/status").await;

    assert!(shown.contains("exchange/hgpushes/v2") && shown.contains("failing") && shown.contains("1 message"), "{shown}");
    assert_eq!((&json["troubled"][0]["name"], &json["parked"]), (&name.into(), &1.into()));
    assert!(json["sources"][0]["last_message"].is_string() && json["hg"].is_string(), "{json}");
    assert!(json["database_bytes"].as_i64().unwrap() > 10_000, "{json}");
}

#[tokio::test]
async fn machines_ask_how_it_is() {
    let (mut world, _) = World::on_a_database_of_its_own().await;
    world.deliver_body("no json").await;
    let pages = Pages::of(&world).await;
    let metrics = pages.shown("/metrics").await;
    assert!(metrics.contains("\nelmo_repositories 1\n") && metrics.contains("outcome=\"parked\"} 1"), "{metrics}");
    assert!(pages.shown("/__version__").await.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(pages.get("/__heartbeat__").await.status, StatusCode::OK);

    if world.database.is_a_server() {
        world.database.stop().await;

        assert_eq!(pages.get("/__heartbeat__").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(pages.get("/__lbheartbeat__").await.status, StatusCode::OK);
        let late = pages.get("/").await;
        assert_eq!((late.status, late.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "10"));
        assert!(!late.body.contains("postgres"), "causes go to the log: {}", late.body);
    }
}

#[tokio::test]
async fn what_has_come_is_on_the_page_that_is_asked_for_next() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    let before = pages.json("/").await["totals"].clone();
    let push = world.push(&name, "Bug 2 - at once").await;
    world.announce(&name, &push).await;
    world.settle().await;

    let asked = futures_util::future::join_all((0..20).map(|_| pages.shown("/"))).await;
    let after = pages.json("/").await["totals"].clone();

    assert!(asked.iter().all(|page| page.contains("Bug 2 - at once")));
    let count = |totals: &serde_json::Value, of: &str| totals[of].as_i64().unwrap();
    assert_eq!(count(&after, "pushes"), count(&before, "pushes") + 1);
    assert_eq!(count(&after, "changesets"), count(&before, "changesets") + 1);
}
