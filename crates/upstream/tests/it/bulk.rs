//! Much history is whole, and the same each time.

use elmo_upstream::{Bulk, Commit};

use crate::support::{REPO, USER, hg_text, json_pushes, upstream, verify};

#[tokio::test(flavor = "multi_thread")]
async fn much_history_is_whole() {
    let upstream = upstream().await;
    let bulk = Bulk { changesets: 2_000, distinct_paths: 500, manifest_window: 100, merge_every: 20, ..Bulk::default() };

    let imported = upstream.import(REPO, bulk.clone()).await.unwrap();

    let path = upstream.path_of(REPO);
    verify(&path).await;
    assert_eq!((imported.changesets, imported.pushes), (2_000, 400));
    assert_eq!(hg_text(&path, &["log", "-r", "tip", "-T", "{rev} {node}"]).await, format!("1999 {}", imported.tip));
    let counted = |revset: &'static str| {
        let path = path.clone();
        async move { hg_text(&path, &["log", "-r", revset, "-T", "."]).await.len() }
    };
    assert!(counted("merge()").await > 40);
    assert!(counted("closed()").await > 20);
    assert!(counted("branch('branch-2')").await > 20);
    let files = hg_text(&path, &["files", "-r", "default"]).await.lines().count();
    assert!((80..=110).contains(&files), "{files}");
    let pushes = json_pushes(&upstream, "version=2&startID=399&full=1").await;
    assert_eq!(pushes["lastpushid"], 400);
    assert_eq!(pushes["pushes"]["400"]["changesets"][4]["node"], imported.tip.to_string());
    let push = upstream.push(REPO, USER, [Commit::new("After").file("new", "1")]).await.unwrap();
    assert_eq!(push.id, 401);
    verify(&path).await;
    upstream.create("again").await.unwrap();
    assert_eq!(upstream.import("again", bulk).await.unwrap().tip, imported.tip);
    assert!(upstream.import("again", Bulk::line(1)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn straight_lines_are_whole() {
    let upstream = upstream().await;
    upstream.create("empty").await.unwrap();

    upstream.import(REPO, Bulk::line(1_000)).await.unwrap();
    upstream.import("empty", Bulk { push_size: 0, ..Bulk::empty_line(1_000) }).await.unwrap();

    for repository in [REPO, "empty"] {
        verify(&upstream.path_of(repository)).await;
        assert_eq!(upstream.heads(repository).len(), 1);
    }
    assert_eq!(upstream.pushes("empty"), []);
}
