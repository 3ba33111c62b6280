//! The native reader against `hg log`, on repositories that hg has made.

use std::collections::{HashMap, HashSet};
use std::fs;

use elmo_hg::{Changelog, ChangelogError, Node};

use crate::support::{World, read_all};

#[tokio::test]
async fn odd_changesets_are_read_as_hg_reads_them() {
    let world = World::new();
    let repo = world.repo("odd").await;

    repo.fill().await;
    repo.run(&["branch", "žlutý\tkůň"]).await;
    repo.write(b"caf\xe9 ", b"Latin-1 and a space at the end");
    repo.write("dir/ünï".as_bytes(), b"UTF-8");
    repo.commit_with("Bug 1 - ä\n\n  indented\n\nlast", &["--user", "Zeynep Öğüt <z@example.org>"]).await;
    repo.commit_with("gone", &["--close-branch", "--date", "-86400 43200"]).await;
    repo.run(&["update", "--rev", "default"]).await;
    repo.write(b"a", b"2");
    repo.commit_with(&"long ".repeat(200_000), &["--date", "2147483647 -50400"]).await;
    repo.write(b"a", b"3");
    fs::write(world.path("message"), b"one\0two\r\nthree\n\n").unwrap();
    let logfile = world.url("message");
    repo.run(&["commit", "--logfile", &logfile]).await;
    let all = repo.read_twice().await;

    let named: Vec<_> = all.iter().filter(|one| one.branch == "žlutý\tkůň".as_bytes()).collect();
    assert_eq!(all.len(), 8);
    assert_eq!(named[0].files, [&b"caf\xe9 "[..], "dir/ünï".as_bytes()]);
    assert_eq!(named[0].author, "Zeynep Öğüt <z@example.org>".as_bytes());
    assert!(named[1].closes_branch && !named[0].closes_branch);
    assert_eq!((named[1].date, named[1].offset), (-86400, 43200));
    assert_eq!(all[6].date, 2_147_483_647);
    assert_eq!(all[7].description, b"one\0two\nthree");
}

#[tokio::test]
async fn every_way_to_store_a_changelog_is_read() {
    let world = World::new();
    for compression in ["zstd", "zlib", "none"] {
        let setting = format!("format.revlog-compression={compression}");
        let repo = world.repo_with(compression, &[&setting]).await;

        // Small enough to be kept inline by older versions of hg, then too large for it.
        repo.fill().await;
        assert_eq!(repo.read_twice().await.len(), 4);
        for large in 0..3 {
            let hex: String = (0..20_000).map(|number| format!("{:x} ", number * 7919 + large)).collect();
            repo.write(b"a", hex.as_bytes());
            repo.commit(&hex).await;
        }

        assert!(repo.store("00changelog.d").exists());
        assert_eq!(repo.read_twice().await.len(), 7);
    }
}

#[tokio::test]
async fn thousands_of_changesets_are_read_in_any_order() {
    let world = World::new();
    let repo = world.repo("many").await;
    repo.run(&["debugbuilddag", "+2000 :a +200 <a @b +100 *a/a +700"]).await;
    let all = repo.read_twice().await;

    let mut changelog = Changelog::open(&repo.path).unwrap();

    for step in 0..3000_u32 {
        let rev = (step * 1733) % changelog.len();
        assert_eq!(changelog.read(rev).unwrap(), all[rev as usize]);
    }
}

#[tokio::test]
async fn a_share_is_read_through_its_pointer() {
    let world = World::new();
    let repo = world.repo("source").await;
    repo.fill().await;
    for (name, options) in [("share", &["share", "-U"][..]), ("relative", &["share", "-U", "--relative"])] {
        let target = world.url(name);
        let extension = ["--config", "extensions.share="];
        repo.run(&[&extension[..], options, &["--", repo.path.to_str().unwrap(), &target]].concat()).await;

        assert_eq!(read_all(&world.path(name)), read_all(&repo.path), "{name}");
    }

    fs::rename(&repo.path, world.path("moved")).unwrap();
    assert!(matches!(Changelog::open(&world.path("share")), Err(ChangelogError::Io { .. })));
}

#[tokio::test]
async fn the_graph_is_told_from_the_index() {
    let world = World::new();
    let repo = world.repo("graph").await;
    let nodes = repo.fill().await;
    repo.run(&["update", "--rev", &nodes[0].to_string()]).await;
    let closed = repo.commit_file("d", "closed").await;
    let closed = [closed, repo.commit_with("closed", &["--close-branch"]).await][1];

    let changelog = Changelog::open(&repo.path).unwrap();

    assert_eq!(changelog.parents(0), [None, None]);
    assert_eq!(changelog.parents(3), [Some(2), Some(1)]);
    assert_eq!(changelog.heads(), [3, 5]);
    assert_eq!(changelog.heads().map_nodes(&changelog), repo.servers.heads(&repo.path).await.unwrap());
    assert_eq!(changelog.node(5), closed);
    assert_eq!(changelog.rev(&nodes[1]), Some(1));
    assert_eq!(changelog.rev(&Node::NULL), None);
    let wanted = HashSet::from([nodes[0], nodes[3], Node::NULL]);
    assert_eq!(changelog.revs(&wanted), HashMap::from([(nodes[0], 0), (nodes[3], 3)]));
}

trait MapNodes {
    fn map_nodes(self, changelog: &Changelog) -> Vec<Node>;
}

impl MapNodes for Vec<u32> {
    fn map_nodes(self, changelog: &Changelog) -> Vec<Node> {
        self.into_iter().map(|rev| changelog.node(rev)).collect()
    }
}

#[tokio::test]
async fn a_repository_without_changesets_is_empty() {
    let world = World::new();
    let repo = world.repo("empty").await;

    let changelog = Changelog::open(&repo.path).unwrap();

    assert!(changelog.is_empty());
    assert!(changelog.heads().is_empty());
    assert!(repo.servers.heads(&repo.path).await.unwrap().is_empty());
    assert!(repo.read_twice().await.is_empty());
}

#[tokio::test]
async fn an_unknown_requirement_is_refused_by_name() {
    let world = World::new();
    let repo = world.repo("new").await;
    repo.fill().await;
    for file in [repo.path.join(".hg/requires"), repo.store("requires")] {
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{before}exp-something-v9\n")).unwrap();

        let refused = Changelog::open(&repo.path);

        let Err(ChangelogError::Unsupported { requirement }) = refused else {
            panic!("opened with an unknown requirement in {}", file.display());
        };
        assert_eq!(requirement, "exp-something-v9");
        fs::write(&file, before).unwrap();
    }
}

#[tokio::test]
async fn a_format_of_the_future_is_left_to_hg() {
    let world = World::new();
    // It was called otherwise before hg 7.
    let settings = ["format.exp-use-changelog-v2", "experimental.changelog-v2"]
        .map(|name| format!("{name}=enable-unstable-format-and-corrupt-my-data"));
    let repo = world.repo_with("v2", &settings.each_ref().map(String::as_str)).await;
    let nodes = repo.fill().await;

    let refused = Changelog::open(&repo.path);

    assert!(matches!(refused, Err(ChangelogError::Unsupported { requirement }) if requirement == "exp-changelog-v2"));
    let read: Vec<Node> = repo.servers.log(&repo.path, &nodes).await.unwrap().iter().map(|one| one.node).collect();
    assert_eq!(read, nodes);
}

#[tokio::test]
async fn a_folder_without_a_repository_is_an_error() {
    let world = World::new();

    assert!(matches!(Changelog::open(world.folder.path()), Err(ChangelogError::Io { .. })));
}
