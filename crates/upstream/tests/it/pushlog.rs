//! `json-pushes` answers as hg.mozilla.org does.

use elmo_upstream::{Commit, Upstream};

use crate::support::{REPO, USER, get, get_with, json_pushes, upstream};

/// An upstream with twelve pushes.
async fn twelve_pushes() -> Upstream {
    let upstream = upstream().await;
    for number in 1..=12 {
        let commit = Commit::new(format!("Push {number}")).file("a", number.to_string());
        upstream.push_at(REPO, USER, 1_795_485_560 + number, [commit]).await.unwrap();
    }
    upstream
}

async fn check(upstream: &Upstream, query: &str, expected: &[&str]) {
    let answer = json_pushes(upstream, query).await;
    let pushes = if query.contains("version=2") { &answer["pushes"] } else { &answer };
    let ids: Vec<&String> = pushes.as_object().unwrap().keys().collect();
    assert_eq!(ids, expected, "{query}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_as_at_hg_mozilla_org() {
    let upstream = twelve_pushes().await;
    let pushes = upstream.pushes(REPO);
    let newest_ten = ["10", "11", "12", "3", "4", "5", "6", "7", "8", "9"];

    check(&upstream, "version=2&startID=0&endID=1", &["1"]).await;
    check(&upstream, "version=2&startID=0&endID=3", &["1", "2", "3"]).await;
    check(&upstream, "version=2&startID=8", &["10", "11", "12", "9"]).await;
    check(&upstream, "version=2&startID=8&endID=500", &["10", "11", "12", "9"]).await;
    check(&upstream, "version=2&startID=12", &[]).await;
    check(&upstream, "version=2&startID=5&endID=2", &[]).await;
    check(&upstream, "version=2&startID=-5&endID=1", &["1"]).await;
    check(&upstream, "version=2", &newest_ten).await;
    check(&upstream, "version=2&endID=1", &newest_ten).await;
    check(&upstream, "", &newest_ten).await;
    check(&upstream, &format!("version=2&fromchange={}", pushes[9].tip()), &["11", "12"]).await;
    let range = format!("version=2&fromchange={:.12}&tochange={:.12}", pushes[1].tip(), pushes[2].tip());
    check(&upstream, &range, &["3"]).await;
    check(&upstream, &format!("version=2&fromchange={:0>40}&endID=1", 0), &["1"]).await;
    check(&upstream, &format!("version=2&tochange={}", pushes[0].tip()), &newest_ten).await;
    check(&upstream, "version=2&startdate=1795485570", &["11", "12"]).await;
    let page = get(&upstream, &format!("/{REPO}/json-pushes/2?version=2")).await.json();
    assert_eq!(page["pushes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(page["lastpushid"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_byte_for_byte_as_at_hg_mozilla_org() {
    let upstream = upstream().await;
    let root = Commit::new("Root").file("a", "1");
    let first = upstream.push_at(REPO, USER, 1_795_485_561, [root]).await.unwrap().tip();
    let commit = Commit::new("Bug 1566029 - Update strings für Änderung 4")
        .author("Zeynep Öğüt <zeynep@example.com.tr>")
        .file("toolkit/toolkit/file254.dtd", "x")
        .file("toolkit/chrome/global/file283.properties", "x");
    let second = upstream.push_at(REPO, "pusher@example.com", 1_795_485_562, [commit]).await.unwrap().tip();

    let plain = get(&upstream, &format!("/{REPO}/json-pushes?version=2&startID=0&endID=1")).await;
    let full = get(&upstream, &format!("/{REPO}/json-pushes?version=2&full=0&startID=1")).await;

    let expected = format!(
        "{{\n\"lastpushid\": 2,\n\"pushes\": {{\"1\": {{\"changesets\": [\"{first}\"], \"date\": 1795485561, \
         \"git_changesets\": [null], \"user\": \"anna@example.com\"}}}}\n}}"
    );
    assert_eq!(plain.text(), expected);
    assert!(plain.headers.contains("content-type: application/json"));
    assert!(plain.headers.contains("etag: w/\"1795485562\""));
    let changeset = format!(
        r#"{{"author": "Zeynep \u00d6\u011f\u00fct \u003czeynep@example.com.tr\u003e", "branch": "default", "desc": "Bug 1566029 - Update strings f\u00fcr \u00c4nderung 4", "files": ["toolkit/chrome/global/file283.properties", "toolkit/toolkit/file254.dtd"], "git_node": null, "git_parents": [null], "node": "{second}", "parents": ["{first}"], "tags": ["tip"]}}"#
    );
    assert!(full.text().contains(&changeset), "{}", full.text());
    let same = get_with(&upstream, &format!("/{REPO}/json-pushes"), "If-None-Match: W/\"1795485562\"\r\n").await;
    assert_eq!(same.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_git_are_named_once_they_are_known() {
    let upstream = upstream().await;
    let commits = [Commit::new("Root").file("a", "1"), Commit::new("Child").file("a", "2")];
    let push = upstream.push(REPO, USER, commits).await.unwrap();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    upstream.name_commit(REPO, push.nodes[0], commit).unwrap();

    let plain = json_pushes(&upstream, "version=2&startID=0").await;
    let full = json_pushes(&upstream, "version=2&full=1&startID=0").await;

    assert_eq!(plain["pushes"]["1"]["git_changesets"], serde_json::json!([commit, null]));
    let changesets = &full["pushes"]["1"]["changesets"];
    assert_eq!((&changesets[0]["git_node"], &changesets[0]["git_parents"]), (&commit.into(), &serde_json::json!([null])));
    assert_eq!((&changesets[1]["git_node"], &changesets[1]["git_parents"]), (&().into(), &serde_json::json!([commit])));
    assert!(upstream.name_commit(REPO, elmo_upstream::Node::NULL, commit).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_name_that_is_no_utf8_is_a_lone_surrogate() {
    let upstream = upstream().await;
    let commit = Commit::new("x").file(b"browser/caf\xe9-319593.txt", "x");
    upstream.push(REPO, USER, [commit]).await.unwrap();

    let answer = get(&upstream, &format!("/{REPO}/json-pushes?version=2&startID=0&full=1")).await;

    assert!(answer.text().contains(r#""files": ["browser/caf\udce9-319593.txt"]"#), "{}", answer.text());
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_get_errors() {
    let upstream = upstream().await;
    let ask = async |path: &str| get(&upstream, path).await;

    let empty = ask(&format!("/{REPO}/json-pushes?version=2")).await;
    assert_eq!(empty.text(), "{\n\"lastpushid\": 0,\n\"pushes\": {}\n}");
    let unknown = ask("/l10n-central/none/json-pushes?version=2").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.headers.contains("content-type: text/html"));
    let changeset = ask(&format!("/{REPO}/json-pushes?version=2&fromchange=abcdef")).await;
    assert_eq!((changeset.status, changeset.text()), (404, "{\"error\": \"unknown revision 'abcdef'\"}"));
    let version = ask(&format!("/{REPO}/json-pushes?version=3")).await;
    assert_eq!((version.status, version.json()["error"].as_str().unwrap()), (500, version.reason.as_str()));
    let number = ask(&format!("/{REPO}/json-pushes?startID=abc")).await;
    assert_eq!((number.status, number.text()), (500, "Internal Server Error"));
    assert!(number.headers.contains("content-type: text/plain"));
}
