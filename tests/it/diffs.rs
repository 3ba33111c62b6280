//! What differs between two changesets, as a reader sees it.

use crate::support::{Commit, Pages, World};
use elmo_upstream::Parent;
use reqwest::StatusCode;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

fn menu(text: &str) -> Commit {
    Commit::new("strings").file("browser/menu.ftl", text)
}

/// The address of a difference.
fn diff(name: &str, from: impl std::fmt::Display, to: impl std::fmt::Display) -> String {
    format!("/source/diff/?repo={name}&from={from}&to={to}")
}

/// What a value's pieces say, changed ones in brackets.
fn value(pieces: &Value) -> String {
    let text = |piece: &Value| {
        let text = piece["text"].as_str().unwrap();
        if piece["changed"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    pieces.as_array().map_or("absent".to_owned(), |pieces| pieces.iter().map(text).collect())
}

#[tokio::test]
async fn strings_that_changed_stand_beside_each_other() {
    let (world, name) = World::with_repository("fr").await;
    let old = menu("open = Ouvrir le fichier\n    .accesskey = O\ngone = Parti\n");
    let new = menu("open = Ouvrir un fichier\n    .accesskey = F\nfresh = Nouveau\n");
    let push = world.push_all(&name, [old, new]).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let address = diff(&name, &push.nodes[0].to_string()[..12], "tip");
    let shown = pages.shown(&address).await;
    let json = pages.json(&address).await;

    assert!(shown.contains("menu.ftl") && shown.contains("open.accesskey") && shown.contains("<del>Parti</del>"), "{shown}");
    assert_eq!((&json["files"][0]["path"], &json["files"][0]["state"]), (&"browser/menu.ftl".into(), &"changed".into()));
    let rows: Vec<(String, String, String)> = json["files"][0]["entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["key"].as_str().unwrap().to_owned(), value(&row["old"]), value(&row["new"])))
        .collect();
    let row = |key: &str, old: &str, new: &str| (key.to_owned(), old.to_owned(), new.to_owned());
    let mut sorted = rows.clone();
    sorted.sort();
    let expected = [
        row("fresh", "absent", "Nouveau"),
        row("gone", "Parti", "absent"),
        row("open", "Ouvrir [le] fichier", "Ouvrir [un] fichier"),
        row("open.accesskey", "[O]", "[F]"),
    ];
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn files_that_were_renamed_copied_added_and_removed_say_so() {
    let (world, name) = World::with_repository("fr").await;
    let first = Commit::new("first").file("a/one.ftl", "one = Un\n").file("a/two.ftl", "two = Deux\n").file("b.bin", b"a\0b");
    let second = Commit::new("second")
        .rename("a/one.ftl", "c/uno.ftl", "one = Un\n")
        .copy("a/two.ftl", "a/deux.ftl", "two = Deux\n")
        .remove("b.bin")
        .file("README", "Bonjour\n");
    let push = world.push_all(&name, [first, second]).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let json = pages.json(&diff(&name, push.nodes[0], push.nodes[1])).await;

    let states: Vec<(&str, &str, &str)> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["state"].as_str().unwrap(), file["kind"].as_str().unwrap()))
        .collect();
    let expected = [
        ("README", "added", "lines"),
        ("b.bin", "removed", "binary"),
        ("a/deux.ftl", "copied", "same"),
        ("c/uno.ftl", "renamed", "same"),
    ];
    assert_eq!(states, expected);
    assert_eq!(json["files"][3]["from"], "a/one.ftl");
    let narrow = pages.json(&format!("{}&path=deux", diff(&name, push.nodes[0], push.nodes[1]))).await;
    assert_eq!((&narrow["total"], &narrow["files"][0]["path"]), (&1.into(), &"a/deux.ftl".into()));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_shown_by_its_lines_with_the_reason() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push_all(&name, [menu("open = Ouvrir\n"), menu("open = Ouvrir\nbroken = { $x\n")]).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let shown = pages.shown(&diff(&name, push.nodes[0], push.nodes[1])).await;

    assert!(shown.contains("The new version cannot be read at line 2"), "{shown}");
    assert!(shown.contains("broken = { $x"), "{shown}");
}

#[tokio::test]
async fn changesets_are_named_by_branch_hash_and_null_and_by_nothing_that_mercurial_would_compute() {
    let (world, name) = World::with_repository("fr").await;
    let base = world.upstream.pushes(&name)[0].tip();
    let branch = Commit::new("on a branch").branch("relbranch").file("b.ftl", "b = B\n");
    let beside = Commit::new("beside").parent(base).file("c.ftl", "c = C\n");
    let push = world.push_all(&name, [branch, beside]).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let by_branch = pages.json(&diff(&name, "relbranch", "default")).await;
    let all = pages.json(&diff(&name, "null", "tip")).await;

    assert_eq!((&by_branch["from"], &by_branch["to"]), (&push.nodes[0].to_string().into(), &push.nodes[1].to_string().into()));
    assert_eq!(all["total"], 2);
    for (path, status) in [
        ("/source/diff/".to_owned(), 400),
        (format!("/source/diff/?repo={name}&from=tip"), 400),
        (diff("l10n-central/xx", "null", "tip"), 404),
        (diff("..%2f..%2fetc", "null", "tip"), 404),
        (diff(&name, "all()", "tip"), 400),
        (diff(&name, "-r", "tip"), 400),
        (diff(&name, "ffffffffffff", "tip"), 400),
        (diff(&name, "null", "tip") + "&start=x", 400),
    ] {
        let page = pages.get(&path).await;
        assert_eq!(page.status.as_u16(), status, "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn a_fifth_part_of_a_path_is_refused_and_not_left_out() {
    let (world, name) = World::with_repository("fr").await;
    let pages = Pages::of(&world).await;
    let four = diff(&name, "null", "tip") + "&path=b&path=R&path=.&path=f";

    let fifth = pages.get(&format!("{four}&path=nowhere")).await;

    assert_eq!(pages.get(&four).await.status, StatusCode::OK);
    assert_eq!(pages.get(&format!("{four}&path=f&path=")).await.status, StatusCode::OK, "nothing more is said");
    assert_eq!(fifth.status, StatusCode::BAD_REQUEST);
    assert!(fifth.body.contains("path= can be given at most 4 times."), "{}", fifth.body);
}

#[tokio::test]
async fn forks_that_share_a_clone_can_be_compared_and_tip_is_the_repositorys_own() {
    let (world, name) = World::with_repository("fr").await;
    world.follow_forest("l10n-beta", Some("l10n-central")).await;
    let fork = "l10n-beta/fr";
    world.upstream.create(fork).await.unwrap();
    world.upstream.pull_from(&name, &[], fork).await.unwrap();
    let base = world.upstream.pushes(&name)[0].tip();
    let beta = world.push_all(fork, [Commit::new("beta").parent(base).file("beta.ftl", "b = Bêta\n")]).await;
    world.deliver(world.message_newrepo(fork)).await;
    world.announce(fork, &beta).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let own = pages.json(&diff(&name, "null", "tip")).await;
    let across = pages.json(&diff(&name, "tip", beta.tip())).await;

    assert_eq!(own["to"], base.to_string());
    assert_eq!(across["files"][0]["path"], "beta.ftl");
}

#[tokio::test]
async fn what_people_wrote_into_strings_is_text() {
    let (world, name) = World::with_repository("fr").await;
    let evil = "<script>alert(1)</script> \u{202e}\" onload='x";
    let push = world
        .push_all(
            &name,
            [Commit::new("evil").parent(Parent::Tip).file("<b>.properties", format!("k={evil}\nlong={}\n", "x".repeat(10_000)))],
        )
        .await;
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let shown = pages.shown(&format!("{}&title=%3Cscript%3E", diff(&name, "null", push.tip()))).await;

    assert!(!shown.contains("<script>") && !shown.contains("<b>.prop") && !shown.contains('\u{202e}'), "{shown}");
    assert!(shown.contains("&#60;script&#62;alert(1)"), "{shown}");
}

#[tokio::test]
async fn ten_files_take_one_question_for_each_of_both_sides() {
    let (world, name) = World::with_repository("fr").await;
    let all = |what: &str| {
        (0..10).fold(Commit::new(what), |commit, number| commit.file(format!("{number}.ftl"), format!("key = {what}\n")))
    };
    let push = world.push_all(&name, [all("old"), all("new")]).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let folder = tempfile::tempdir().unwrap();
    let (hg, heard) = (folder.path().join("hg"), folder.path().join("heard"));
    let listens = format!("#!/bin/sh\ntee -a '{}' | hg \"$@\"\n", heard.display());
    std::fs::write(&hg, listens).unwrap();
    std::fs::set_permissions(&hg, std::fs::Permissions::from_mode(0o755)).unwrap();
    let pages = Pages::read_by(&world, &hg).await;

    let first = pages.json(&diff(&name, push.nodes[0], push.tip())).await;
    let asked = |what: &str| String::from_utf8_lossy(&std::fs::read(&heard).unwrap()).matches(what).count();
    let questions = (asked("status\0"), asked("cat\0"), asked("runcommand\n"));
    let again = pages.json(&diff(&name, push.nodes[0], push.tip())).await;

    assert_eq!(first["files"].as_array().unwrap().len(), 10);
    assert_eq!(questions, (1, 2, 3), "which files differ, and what is in all of them on each side");
    assert_eq!((again, asked("runcommand\n")), (first, 3), "what two hashes differ in is kept");
}

#[tokio::test]
async fn a_large_difference_comes_in_parts() {
    let (world, name) = World::with_repository("fr").await;
    let commit = (0..130).fold(Commit::new("many"), |commit, number| {
        commit.file(format!("many/{number:03}.ftl"), format!("key = Value {number}\n"))
    });
    let push = world.push_all(&name, [commit.file("zz/huge.ftl", format!("a = {}\nb = B\n", "ä ".repeat(400_000)))]).await;
    world.announce(&name, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;
    let address = format!("{}&path=.ftl", diff(&name, world.upstream.pushes(&name)[0].tip(), push.tip()));

    let first = pages.json(&address).await;
    let rest = pages.get(first["next"].as_str().unwrap()).await;

    assert_eq!((&first["total"], first["files"].as_array().unwrap().len()), (&131.into(), 100));
    assert_eq!(rest.status, StatusCode::OK);
    assert!(rest.body.len() < 1_000_000, "{} bytes", rest.body.len());
    assert!(rest.body.contains("would not fit on a page") || rest.body.contains("the next files"), "{}", rest.body);
}
