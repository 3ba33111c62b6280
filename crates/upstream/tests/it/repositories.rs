//! What is pushed is what Mercurial has, serves and clones.

use elmo_upstream::{Commit, Node, Parent, Publishing};
use tempfile::tempdir;

use crate::support::{REPO, USER, get, hg, hg_text, json_pushes, try_hg, upstream, verify};

#[tokio::test(flavor = "multi_thread")]
async fn pushes_of_all_sorts_are_verified_and_cloned() {
    let upstream = upstream().await;
    let long_name = (0..20).map(|part| format!("{part:0>200}")).collect::<Vec<_>>().join("/");
    let mut description = vec![b'x'; 1 << 20];
    description[1000] = 0;

    let root = Commit::new("Root").file("a.ftl", "a = A\n").file("b.ftl", "b = B\n");
    let first = upstream.push(REPO, USER, [root]).await.unwrap().tip();
    let odd = [
        Commit::new(&description).file("big", "x"),
        Commit::new("No UTF-8 in a name").file(b"browser/caf\xe9.txt", "x").file("ends in a space ", "x"),
        Commit::new("Long name").file(&long_name, "x").author("Zeynep Öğüt <zeynep@example.com.tr>"),
        Commit::new("Renamed").rename("a.ftl", "c.ftl", "a = A\nc = C\n").remove("b.ftl"),
        Commit::new("Copied").copy("c.ftl", "d.ftl", "d = D\n").file("tricky", "\x01\nstarts as a copy does"),
        Commit::new("Before 1970").date(-86_400 * 365, -7200).executable("run", "#!/bin/sh\n").link("link", "run"),
        Commit::new("Year 9999").date(253_402_300_799, 0).file("c.ftl", "c = 9999\n"),
    ];
    let odd = upstream.push(REPO, USER, odd).await.unwrap();
    let branch = Commit::new("On a branch").parent(first).branch("été").file("b.ftl", "b = Bé\n");
    let closing = Commit::new("Closed").close_branch();
    let branch = upstream.push(REPO, USER, [branch, closing]).await.unwrap();
    let merge = Commit::new("Merge").parent(odd.tip()).merge(branch.tip());
    let merge = upstream.push(REPO, USER, [merge]).await.unwrap();
    let second_root = [Commit::new("Second root").parent(Parent::Null).file("z", "z"), Commit::new("No files")];
    let second_root = upstream.push(REPO, USER, second_root).await.unwrap();

    let folder = tempdir().unwrap();
    hg(folder.path(), &["clone", "-q", "-U", &upstream.url_of(REPO), "clone"]).await;
    let clone = folder.path().join("clone");
    verify(&upstream.path_of(REPO)).await;
    verify(&clone).await;
    let heads = hg_text(&clone, &["log", "-r", "heads(all())", "-T", "{node}\n"]).await;
    let mut heads: Vec<Node> = heads.lines().map(|head| head.parse().unwrap()).collect();
    heads.sort();
    let mut expected = vec![merge.tip(), second_root.tip()];
    expected.sort();
    assert_eq!(heads, expected);
    assert_eq!(upstream.heads(REPO), [merge.tip(), second_root.tip()]);
    let template = "{author}|{date|hgdate}|{branch}|{p2node|short}|{file_copies}|{files}\n";
    let log = hg(&clone, &["log", "-r", "2:", "-T", template]).await;
    let log = String::from_utf8_lossy(&log);
    for expected in [
        "Zeynep Öğüt <zeynep@example.com.tr>|",
        "|-31536000 -7200|default|000000000000||link run",
        "|253402300799 0|default|",
        "|c.ftl (a.ftl)|a.ftl b.ftl c.ftl",
        "|d.ftl (c.ftl)|d.ftl tricky",
        "|été|000000000000||b.ftl",
    ] {
        assert!(log.contains(expected), "{expected} is not in {log}");
    }
    assert_eq!(hg(&clone, &["log", "-r", "1", "-T", "{desc}"]).await, description);
    let files = hg(&clone, &["files", "-0", "-r", &merge.tip().to_string()]).await;
    let files: Vec<&[u8]> = files.split(|byte| *byte == 0).collect();
    for file in [b"browser/caf\xe9.txt".as_slice(), b"ends in a space ", long_name.as_bytes(), b"c.ftl"] {
        assert!(files.contains(&file), "{:?}", String::from_utf8_lossy(file));
    }
    assert_eq!(hg(&clone, &["cat", "-r", &merge.tip().to_string(), "tricky"]).await, b"\x01\nstarts as a copy does");
    let closed = hg_text(&clone, &["log", "-r", "closed()", "-T", "{node}"]).await;
    assert_eq!(branch.tip(), closed.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_takes_both_sides() {
    let upstream = upstream().await;
    let commits = [
        Commit::new("Root").file("ours", "1").file("theirs", "1").file("gone", "1"),
        Commit::new("Ours").file("ours", "2"),
        Commit::new("Theirs").parent(Parent::Nth(0)).file("theirs", "2").file("new", "1").remove("gone"),
        Commit::new("Merge").parent(Parent::Nth(1)).merge(Parent::Nth(2)),
    ];

    let push = upstream.push(REPO, USER, commits).await.unwrap();

    let path = upstream.path_of(REPO);
    verify(&path).await;
    let files = hg_text(&path, &["files", "-r", "tip"]).await;
    assert_eq!(files, "new\nours\ntheirs\n");
    let contents = hg_text(&path, &["cat", "-r", "tip", "ours", "theirs"]).await;
    assert_eq!(contents, "22");
    assert_eq!(push.heads, [push.tip()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_pulls_and_pushes_through_the_proxy() {
    let upstream = upstream().await;
    upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    let folder = tempdir().unwrap();
    hg(folder.path(), &["clone", "-q", &upstream.url_of(REPO), "clone"]).await;
    let clone = folder.path().join("clone");
    upstream.push(REPO, USER, [Commit::new("Two").file("a", "2")]).await.unwrap();
    hg(&clone, &["pull", "-q", "-u"]).await;
    std::fs::write(clone.join("a"), "3".repeat(300_000)).unwrap();
    hg(&clone, &["commit", "-m", "Three, from a client"]).await;

    hg(&clone, &["push", "-q"]).await;

    let pushes = json_pushes(&upstream, "version=2&startID=2&full=1").await;
    assert_eq!(pushes["lastpushid"], 3);
    assert_eq!(pushes["pushes"]["3"]["user"], "httpuser@example.com");
    let changeset = &pushes["pushes"]["3"]["changesets"][0];
    assert_eq!(changeset["desc"], "Three, from a client");
    assert_eq!(changeset["author"], "Client <client@example.com>");
    assert_eq!(changeset["files"], serde_json::json!(["a"]));
    upstream.push(REPO, USER, [Commit::new("Four").file("b", "4")]).await.unwrap();
    hg(&clone, &["pull", "-q"]).await;
    verify(&clone).await;
    verify(&upstream.path_of(REPO)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stripped_push_leaves_a_gap() {
    let upstream = upstream().await;
    let first = upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    let second = upstream.push(REPO, USER, [Commit::new("Two").file("a", "2")]).await.unwrap();
    let third = Commit::new("Three").parent(first.tip()).file("b", "1");
    let third = upstream.push(REPO, USER, [third]).await.unwrap();

    upstream.strip(REPO, &second.nodes).await.unwrap();

    let pushes = json_pushes(&upstream, "version=2&startID=0").await;
    assert_eq!(pushes["lastpushid"], 3);
    let ids: Vec<&String> = pushes["pushes"].as_object().unwrap().keys().collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(upstream.heads(REPO), [third.tip()]);
    upstream.strip(REPO, &third.nodes).await.unwrap();
    let fourth = upstream.push(REPO, USER, [Commit::new("Four").file("a", "4")]).await.unwrap();
    assert_eq!(fourth.id, 4);
    let pushes = json_pushes(&upstream, "version=2&startID=0&full=1").await;
    assert_eq!(pushes["pushes"]["4"]["changesets"][0]["parents"][0], first.tip().to_string());
    verify(&upstream.path_of(REPO)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amended_changeset_is_obsolete() {
    let upstream = upstream().await;
    upstream.create_with("users/x", Publishing::No).await.unwrap();
    let commits = [Commit::new("One").file("a", "1"), Commit::new("Two").file("a", "2")];
    let first = upstream.push("users/x", USER, commits).await.unwrap();

    let (second, marker) = upstream.amend("users/x", first.tip(), USER, Commit::new("Two!").file("a", "2!")).await.unwrap();

    assert_eq!((marker.precursor, marker.successors.as_slice()), (first.tip(), second.nodes.as_slice()));
    let answer = get(&upstream, "/users/x/json-pushes?version=2&startID=0").await.json();
    let (old, new) = (&answer["pushes"]["1"], &answer["pushes"]["2"]);
    assert_eq!(old["changesets"], serde_json::json!([first.nodes[0].to_string()]));
    assert_eq!(old["obsoletechangesets"], serde_json::json!([first.tip().to_string()]));
    assert_eq!(old.get("git_changesets"), None);
    assert_eq!(new["changesets"], serde_json::json!([second.tip().to_string()]));
    let full = get(&upstream, "/users/x/json-pushes?version=2&startID=1&full=1").await.json();
    let changeset = &full["pushes"]["2"]["changesets"][0];
    assert_eq!(changeset["precursors"], serde_json::json!([first.tip().to_string()]));
    let folder = tempdir().unwrap();
    hg(folder.path(), &["clone", "-q", "-U", &upstream.url_of("users/x"), "clone"]).await;
    let log = hg_text(&folder.path().join("clone"), &["log", "-T", "{desc} {phase}\n"]).await;
    assert_eq!(log, "Two! draft\nOne draft\n");
    let hidden = try_hg(folder.path(), &["pull", "-R", "clone", "-r", &first.tip().to_string()]).await;
    assert_eq!(hidden.code, 255, "{}", hidden.errors);
    verify(&upstream.path_of("users/x")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_made_anew_has_another_history_and_counts_from_1() {
    let upstream = upstream().await;
    let first = upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    upstream.push(REPO, USER, [Commit::new("Two").file("a", "2")]).await.unwrap();
    let folder = tempdir().unwrap();
    hg(folder.path(), &["clone", "-q", "-U", &upstream.url_of(REPO), "clone"]).await;

    upstream.recreate(REPO).await.unwrap();

    assert_eq!(json_pushes(&upstream, "version=2").await, serde_json::json!({"lastpushid": 0, "pushes": {}}));
    let again = upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    assert_eq!(again.id, 1);
    assert_ne!(again.tip(), first.tip());
    let pulled = try_hg(&folder.path().join("clone"), &["pull"]).await;
    assert!(pulled.errors.contains("unrelated"), "{}", pulled.errors);
    upstream.delete(REPO).await.unwrap();
    let pulled = try_hg(&folder.path().join("clone"), &["pull"]).await;
    assert!(pulled.errors.contains("404"), "{}", pulled.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_has_the_history_but_no_pushes() {
    let upstream = upstream().await;
    let first = upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();

    upstream.fork(REPO, "users/anna/fork").await.unwrap();

    let answer = get(&upstream, "/users/anna/fork/json-pushes?version=2").await.json();
    assert_eq!(answer, serde_json::json!({"lastpushid": 0, "pushes": {}}));
    assert_eq!(upstream.tip("users/anna/fork"), Some(first.tip()));
    let second = upstream.push(REPO, USER, [Commit::new("Two").file("a", "2")]).await.unwrap();
    let push = upstream.push_from(REPO, &second.nodes, "users/anna/fork", USER).await.unwrap();
    assert_eq!((push.id, push.nodes), (1, second.nodes));
    upstream.push("users/anna/fork", USER, [Commit::new("Own").file("a", "3")]).await.unwrap();
    verify(&upstream.path_of("users/anna/fork")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_lists_repositories() {
    let upstream = upstream().await;
    upstream.create("l10n-central/de").await.unwrap();
    upstream.create("mozilla-central").await.unwrap();

    assert_eq!(get(&upstream, "/l10n-central/?style=raw").await.text().trim(), "/l10n-central/de/\n/l10n-central/fr/");
    assert_eq!(get(&upstream, "/?style=raw").await.text().lines().filter(|line| !line.is_empty()).count(), 3);
    assert_eq!(get(&upstream, "/nothing/here").await.status, 404);
    assert_eq!(upstream.repositories(), ["l10n-central/de", "l10n-central/fr", "mozilla-central"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused() {
    let upstream = upstream().await;
    let unknown = Node::NULL.to_string().replace('0', "1").parse::<Node>().unwrap();

    assert!(upstream.create(REPO).await.is_err());
    assert!(upstream.create("../out").await.is_err());
    assert!(upstream.push("none", USER, [Commit::new("x")]).await.is_err());
    assert!(upstream.push(REPO, USER, [Commit::new("x").parent(unknown)]).await.is_err());
    assert!(upstream.push(REPO, USER, [Commit::new("x").remove("a")]).await.is_err());
    assert!(upstream.push(REPO, USER, [Commit::new("x").author("two\nlines")]).await.is_err());
    assert!(upstream.push(REPO, USER, []).await.is_err());
    assert_eq!(upstream.pushes(REPO), []);
}
