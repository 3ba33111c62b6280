//! What a reader sees.

use crate::support::{Commit, Deployment, Fault, Pages, World, comparison};
use elmo::store::QueueDepth;
use elmo_upstream::Parent;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use std::time::Duration;

#[tokio::test]
async fn an_empty_elmo_says_what_to_type() {
    let world = World::new().await;
    let pages = Pages::of(&world).await;

    assert!(pages.shown("/").await.contains("elmo forest add l10n-central https://hg.mozilla.org/l10n-central --discover"));
    assert!(pages.shown("/source/pushes/").await.contains("No push is recorded yet."));
    assert!(pages.shown("/").await.contains("No task has published a comparison yet."));
    let json = pages.json("/").await;
    assert_eq!((&json["repositories"], &json["results"]), (&serde_json::json!([]), &serde_json::json!([])));
}

#[tokio::test]
async fn the_first_page_shows_the_newest_results() {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 48, &[comparison("fr", "a.toml", 3, &[])]).await;
    for number in 2..12 {
        deployment.compared(number, 48 - i64::from(number), &[comparison("de", "a.toml", 0, &[])]).await;
    }
    deployment.compared(12, 2, &[comparison("fr", "a.toml", 1, &[])]).await;
    let pages = Pages::of(&world).await;

    let json = pages.json("/").await;
    let shown = pages.shown("/").await;

    let results = json["results"].as_array().unwrap();
    let newest = &results[0];
    assert_eq!((results.len(), &newest["locale"], &newest["state"]), (10, &"fr".into(), &"failure".into()));
    assert_eq!((&results[1]["locale"], &results[1]["state"]), (&"de".into(), &"success".into()));
    let link = format!("<a class=\"state failure\" href=\"/dashboard/compare?run={}\">failure</a>", newest["run"]);
    assert_eq!(shown.matches(&link).count(), 1, "{shown}");
    assert!(shown.contains("2 hours ago"), "{shown}");
}

/// All kinds of pages, each with a filter where it has one.
fn addresses(name: &str, revision: &str) -> Vec<String> {
    let of_tree = "tree=gecko-strings/browser&locale=fr";
    vec![
        "/".to_owned(),
        "/?state=complete".to_owned(),
        "/source/pushes/?repo=fr&path=menu&desc=first".to_owned(),
        format!("/source/pushes/{name}?user=flod"),
        format!("/source/pushes/{name}?desc=nobody+wrote+this"),
        format!("/source/changeset/{revision}"),
        format!("/source/diff/?repo={name}&from=null&to=tip&path=menu"),
        format!("/dashboard/?{of_tree}&state=failure&sort=-missing"),
        "/dashboard/?locale=de".to_owned(),
        format!("/dashboard/history?{of_tree}&starttime=2026-01-01&endtime=2026-02-01&of=words"),
        "/dashboard/tree-status/gecko-strings/browser?bound=3&hideBad=1".to_owned(),
        "/dashboard/compare?run=1&show=missing".to_owned(),
        "/teams/".to_owned(),
        "/teams/fr".to_owned(),
        "/status".to_owned(),
        "/runs".to_owned(),
        "/trees/gecko-strings/browser".to_owned(),
        "/trees/gecko-strings/browser?before=1".to_owned(),
        "/api/v1/".to_owned(),
    ]
}

#[tokio::test]
async fn every_page_has_what_a_reader_holds_on_to() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 24, &[comparison("fr", "_configs/browser.toml", 5, &[])]).await;
    let revision = world.pushes(&name).await[0].changesets[0].revision.to_string();
    let pages = Pages::of(&world).await;

    for address in addresses(&name, &revision) {
        let page = pages.shown(&address).await;
        let times = |what: &str| page.matches(what).count();
        assert!(page.contains(" · Elmo</title>") && !page.contains("<title> ·"), "{address} has no title: {page}");
        assert_eq!((times("<h1>"), times("<main id=\"main\"")), (1, 1), "{address}: {page}");
        assert!(page.contains("class=\"skip\" href=\"#main\""), "{address}: {page}");
        assert!(page.contains("aria-label=\"Breadcrumb\"") && page.contains("<li aria-current=\"page\">"), "{address}: {page}");
        assert_eq!(times("</time> <span class=\"ago\">"), times("<time "), "{address}: an age is beside each time: {page}");
        assert!(page.contains("times are UTC"), "{address}: {page}");
        assert!(
            !page.contains("<tbody></tbody>") && !page.contains("<tbody>\n</tbody>"),
            "{address} is empty without a word: {page}"
        );
        let here = page.split_once("class=\"here\" href=\"").unwrap_or_else(|| panic!("{address} names no address: {page}")).1;
        let here = here.split_once('"').unwrap().0.replace("&#38;", "&");
        let asked = address.split_once('?').map_or("", |(_, query)| query);
        let kept = asked.split('&').all(|filter| here.replace("%2F", "/").contains(filter));
        assert!(kept, "{here} is not {address}");
    }
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
    let table = pages.shown("/?state=failing&format=csv").await;
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].starts_with("name,url,forest,locale,fork_of,state,"), "{table}");
    assert!(rows[1].starts_with(&format!("{name},http://")) && rows[1].contains(",failing,"), "{table}");
    assert!(rows[1].contains(",network,") && rows.len() == 2, "{table}");
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
async fn an_operator_sees_what_the_broker_said_lately() {
    let world = World::new().await;
    let pages = Pages::of(&world).await;
    assert!(pages.shown("/status").await.contains("is not known: no worker has said it yet"));
    let now = world.bringer.clock.now();
    let said = |name: &str, messages: i64, seconds_ago: u64| QueueDepth {
        vhost: "/".to_owned(),
        name: name.to_owned(),
        messages,
        asked: now - Duration::from_secs(seconds_ago),
    };
    for depth in [said("queue/elmo/hgmo", 3, 31), said("queue/elmo/hgmo", 7, 1), said("queue/elmo/old", 12_345, 600)] {
        world.store.note_queue_depth(&depth).await.unwrap();
    }
    world.store.note_queue_depth(&said("queue/elmo/hgmo", 9, 20)).await.unwrap();

    let json = pages.json("/status").await;
    let shown = pages.shown("/status").await;

    let messages: Vec<_> = json["queues"].as_array().unwrap().iter().map(|queue| queue["messages"].clone()).collect();
    assert_eq!(messages, [serde_json::json!(7), serde_json::json!(null)], "the newest word counts");
    assert!(shown.contains("<td>7</td>") && shown.contains("<td>not known</td>") && !shown.contains("12345"), "{shown}");
}

#[tokio::test]
async fn an_operator_sees_who_is_at_what_since_when_and_how_full_the_cache_is() {
    let (world, name) = World::with_repository("fr").await;
    let now = world.bringer.clock.now();
    let five_minutes_ago = now - Duration::from_secs(300);
    world.store.want_all(now, five_minutes_ago).await.unwrap();
    let claimed = world.store.claim("lane#1", Duration::from_secs(60), &[], five_minutes_ago).await.unwrap().expect("it is due");
    assert!(world.store.renew(&claimed, Duration::from_secs(90), now).await.unwrap());
    let pages = Pages::of(&world).await;
    let folder = world.data().join("artifacts/ab");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("cdef.zst"), vec![0; 20_480]).unwrap();

    let json = pages.json("/status").await;
    std::fs::write(folder.join("more.zst"), "more").unwrap();
    let shown = pages.shown("/status").await;

    let held = &json["in_hand"][0];
    assert_eq!((&held["repository"], &held["worker"]), (&name.into(), &"lane#1".into()));
    assert_eq!(held["since"].as_str().unwrap().parse::<Timestamp>().unwrap().as_second(), five_minutes_ago.as_second());
    assert!(shown.contains("5 minutes ago"), "{shown}");
    assert_eq!(json["artifact_cache"], serde_json::json!({"files": 1, "bytes": 20_480, "budget": 1 << 20, "is_all": true}));
    assert!(shown.contains("20 KiB of 1024 KiB in 1 file<"), "it is counted once a minute: {shown}");
    assert!(shown.contains("Mercurial ") && shown.contains("git not found") == json["git"].is_null(), "{shown}");
}

#[tokio::test]
async fn a_nul_in_an_address_finds_nothing_and_breaks_nothing() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 2, &[comparison("fr", "a.toml", 3, &[])]).await;
    let pages = Pages::of(&world).await;
    let run = pages.json("/").await["results"][0]["run"].clone();
    let (diff, compare) = (format!("/source/diff/?repo={name}&from=null&to=tip"), format!("/dashboard/compare?run={run}"));
    let history = "/dashboard/history?tree=gecko-strings/a&locale=fr";
    let addresses: [(&str, &[&str]); 19] = [
        ("/?", &["q", "state", "format"]),
        ("/source/pushes/?", &["repo", "exclude", "path", "user", "author", "desc", "locale", "branch", "from", "until"]),
        ("/source/pushes/?", &["start", "length", "before", "after", "push"]),
        (&format!("/source/pushes/{name}?"), &["path", "user", "desc", "branch", "push"]),
        ("/source/diff/?to=tip&", &["repo", "from"]),
        (&format!("{diff}&"), &["path", "title", "start"]),
        (&format!("/source/diff/?repo={name}&"), &["from", "to"]),
        ("/dashboard/?", &["tree", "locale", "state", "sort", "start", "length"]),
        ("/dashboard/history?", &["tree", "locale"]),
        ("/dashboard/history?locale=fr&", &["tree"]),
        ("/dashboard/history?tree=gecko-strings/a&", &["locale"]),
        (&format!("{history}&"), &["starttime", "endtime", "of", "hl-a-s", "hl-%00-s"]),
        ("/dashboard/tree-status/gecko-strings/a?", &["starttime", "bound", "hideBad", "top_locales"]),
        ("/dashboard/compare?", &["run"]),
        (&format!("{compare}&"), &["show", "q"]),
        ("/shipping/api/status?", &["tree", "locale"]),
        ("/api/v1/repositories?", &["name", "locale", "forest", "state", "key"]),
        ("/api/v1/pushes?", &["repo", "path", "user", "author", "desc", "locale", "branch", "from", "key"]),
        ("/api/v1/runs?", &["tree", "locale", "active"]),
    ];
    for (address, parameters) in addresses {
        for parameter in parameters {
            for value in ["%00", "fr%00", "a%00b"] {
                let path = format!("{address}{parameter}={value}");
                let page = pages.get(&path).await;
                assert!([200, 400, 404].contains(&page.status.as_u16()), "{path}: {} {}", page.status, page.body);
            }
        }
    }
    for path in ["/source/pushes/", "/source/changeset/", "/dashboard/tree-status/", "/teams/", "/trees/", "/api/v1/trees/"] {
        let page = pages.get(&format!("{path}%00")).await;
        assert!([400, 404].contains(&page.status.as_u16()), "{path}: {} {}", page.status, page.body);
    }
    assert!(pages.shown("/?q=%00").await.contains("\u{fffd}"), "a reader sees what was asked for");
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

/// Whoever writes line ends into an address writes no header of the answer.
#[tokio::test]
async fn no_header_of_an_answer_is_written_by_who_asks() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    let evil = "%0d%0aX-Evil:%201%0d%0a%0d%0a%3Cb%3E";
    for path in [
        format!("/source/pushes/?desc={evil}"),
        format!("/source/pushes/?format=csv&desc={evil}"),
        format!("/source/pushes/?format=atom&user={evil}"),
        format!("/source/pushes/{name}{evil}"),
        format!("/source/diff/?repo={evil}&from=null&to=null"),
        format!("/dashboard/?format=csv&tree={evil}"),
        format!("/dashboard/tree-status/{evil}"),
        format!("/teams/{evil}"),
        format!("/trees/{evil}"),
        format!("/api/v1/pushes?desc={evil}"),
        format!("/api/v1/locales/{evil}"),
        format!("/nowhere/{evil}"),
    ] {
        let page = pages.get(&path).await;
        assert!(page.headers.get("x-evil").is_none(), "{path}: {:?}", page.headers);
        let texts = page.headers.values().map(|value| value.to_str().unwrap_or_default());
        assert!(texts.into_iter().all(|text| !text.contains("Evil")), "{path}: {:?}", page.headers);
    }
}
