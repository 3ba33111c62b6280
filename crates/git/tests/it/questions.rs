//! Names that stand for commits, and how commits are related.

use elmo_git::{GitError, Hash, HashKind, Renames, Resolved};
use elmo_upstream::git::{Commit, Onto};

use crate::support::{LIMIT, REPO, USER, World, after, hashes};

#[tokio::test]
async fn names_are_found_and_expressions_are_not() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let main = world.push_file("main", "a", "2").await;
    let update = world.push_file("l10n/update", "a", "3").await;
    let clone = world.cloned().await;
    let hex = main.to_string();
    let resolve = async |name: &str| world.git.resolve(&clone, name).await.unwrap();

    for name in ["HEAD", "main", &hex, &hex.to_uppercase(), &hex[..12], &hex[..7]] {
        assert_eq!(resolve(name).await, Resolved::Commit(main), "{name}");
    }
    assert_eq!(resolve("l10n/update").await, Resolved::Commit(update));
    let fewer = hex[..3].to_owned();
    let names = [
        "",
        &fewer,
        "none",
        "main^",
        "main~1",
        "@",
        "@{-1}",
        "main@{0}",
        "^main",
        "a^{/regex}",
        ":/Write",
        "main:a",
        "--all",
        "-h",
        "main..update",
        "refs/heads/main",
        "heads/main",
        "main\n",
        "main\0",
        "0000000000000000000000000000000000000001",
        "é",
    ];
    for name in names {
        assert_eq!(resolve(name).await, Resolved::Nothing, "{name:?}");
    }
    assert_ne!(first, main);
}

#[tokio::test]
async fn a_branch_goes_before_the_beginning_of_a_hash_but_not_before_a_hash() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let second = world.push_file("main", "a", "2").await;
    let (short, full) = (first.to_string()[..8].to_owned(), first.to_string());
    for name in [&short, &full] {
        world.host.move_branch(REPO, name, USER, &second.to_string()).await.unwrap();
    }
    let clone = world.cloned().await;

    assert_eq!(world.git.resolve(&clone, &short).await.unwrap(), Resolved::Commit(second));
    assert_eq!(world.git.resolve(&clone, &full).await.unwrap(), Resolved::Commit(first));
}

#[tokio::test]
async fn a_beginning_of_several_commits_is_ambiguous_and_of_a_file_nothing() {
    let world = World::new().await;
    let commits = (0..2000).map(|number| Commit::new(format!("{number}")).file("a", number.to_string()));
    let mut made = hashes(&world.push("main", commits).await.commits);
    let clone = world.cloned().await;
    made.sort();
    let same = |pair: &&[Hash]| pair[0].to_string()[..4] == pair[1].to_string()[..4];
    let pair = made.windows(2).find(same).unwrap();
    let null = Hash::null(HashKind::Sha1);
    let changes = world.git.changes_between(&clone, &null, &made[0], Renames::Exact, LIMIT).await.unwrap();
    let file = changes[0].after.unwrap().hash.to_string();

    let Resolved::Ambiguous(found) = world.git.resolve(&clone, &pair[0].to_string()[..4]).await.unwrap() else {
        panic!("it stands for one");
    };

    assert!(found.contains(&pair[0]) && found.contains(&pair[1]));
    assert_eq!(world.git.resolve(&clone, &file).await.unwrap(), Resolved::Nothing);
}

#[tokio::test]
async fn an_empty_clone_has_no_head() {
    let world = World::new().await;
    let clone = world.cloned().await;

    assert_eq!(world.git.resolve(&clone, "HEAD").await.unwrap(), Resolved::Nothing);
    assert!(world.git.branches(&clone).await.unwrap().is_empty());
}

#[tokio::test]
async fn commits_know_what_they_descend_from() {
    let world = World::new().await;
    let base = world.push_file("main", "a", "1").await;
    let main = world.push_file("main", "a", "2").await;
    let side = Commit::new("side").onto(Onto::Commit(base.to_string())).file("b", "1");
    let side = after(&world.push("side", [side]).await);
    let root = after(&world.push("root", [Commit::new("root").onto(Onto::Nothing).file("c", "1")]).await);
    let clone = world.cloned().await;
    let git = &world.git;
    let none: Hash = "1".repeat(40).parse().unwrap();

    assert!(git.is_ancestor(&clone, &base, &main).await.unwrap());
    assert!(git.is_ancestor(&clone, &main, &main).await.unwrap());
    assert!(!git.is_ancestor(&clone, &main, &base).await.unwrap());
    assert_eq!(git.merge_base(&clone, &main, &side).await.unwrap(), Some(base));
    assert_eq!(git.merge_base(&clone, &main, &root).await.unwrap(), None);
    let unknown = git.is_ancestor(&clone, &none, &main).await.unwrap_err();
    assert!(matches!(unknown, GitError::Unknown { .. }), "{unknown:?}");
}
