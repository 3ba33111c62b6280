//! What is read of commits, however odd they are.

use elmo_git::{Change, Commit as Read, GitError, Hash, HashKind, Kind, Mode, Range, Renames};
use elmo_upstream::git::{Commit, Onto};

use crate::support::{LIMIT, REPO, USER, World, after, hashes};

fn kinds(commit: &Read) -> Vec<(Kind, &[u8])> {
    commit.changes.iter().map(|change| (change.kind, &change.path[..])).collect()
}

#[tokio::test]
async fn a_commit_is_read_with_all_that_it_says() {
    let world = World::new().await;
    let first = Commit::new("Bug 1 - ä\n\n  indented\n\n\n")
        .author("Zeynep Öğüt <z@example.org>")
        .committer("Pontoon <pontoon@example.org>")
        .date(1_483_000_000, "+0130")
        .file("de/a.ftl", "1");
    let second = Commit::new("").date(1_483_000_001, "-0930").file("de/a.ftl", "2");
    let made = hashes(&world.push("main", [first, second]).await.commits);
    let clone = world.cloned().await;

    let read = world.read(&clone, [made[1]]).await;

    assert_eq!(read.iter().map(|commit| commit.hash).collect::<Vec<_>>(), made);
    assert_eq!((&read[0].parents[..], &read[1].parents[..]), (&[][..], &[made[0]][..]));
    assert_eq!(read[0].author.name, "Zeynep Öğüt".as_bytes());
    assert_eq!(read[0].author.email, b"z@example.org");
    assert_eq!((read[0].author.time, read[0].author.offset), (1_483_000_000, 5400));
    assert_eq!(read[0].committer.name, b"Pontoon");
    assert_eq!(read[0].message, "Bug 1 - ä\n\n  indented\n\n\n".as_bytes());
    assert_eq!((read[0].encoding.as_ref(), read[1].message.len()), (None, 0));
    assert_eq!(read[1].author.offset, -34_200);
    assert_eq!(kinds(&read[0]), [(Kind::Added, &b"de/a.ftl"[..])]);
    assert_eq!(kinds(&read[1]), [(Kind::Modified, &b"de/a.ftl"[..])]);
}

#[tokio::test]
async fn texts_are_utf_8_if_a_commit_says_truly_what_they_are_and_else_its_bytes() {
    let world = World::new().await;
    let latin = Commit::new(b"caf\xe9\n").author(b"Ren\xe9 <r@example.org>").encoding("ISO-8859-1").file("a", "1");
    let liar = Commit::new(b"\xff\xfe").encoding("no-such-thing").file("a", "2");
    let silent = Commit::new(b"caf\xe9").file("a", "3");
    let tip = after(&world.push("main", [latin, liar, silent]).await);
    let clone = world.cloned().await;

    let read = world.read(&clone, [tip]).await;

    assert_eq!(read[0].message, "café\n".as_bytes());
    assert_eq!(read[0].author.name, "René".as_bytes());
    assert_eq!(read[0].encoding.as_deref(), Some(&b"ISO-8859-1"[..]));
    assert_eq!((&read[1].message[..], read[1].encoding.as_deref()), (&b"\xff\xfe"[..], Some(&b"no-such-thing"[..])));
    assert_eq!((&read[2].message[..], read[2].encoding.as_deref()), (&b"caf\xe9"[..], None));
}

#[tokio::test]
async fn hostile_names_and_messages_are_only_bytes() {
    let world = World::new().await;
    let paths: [&[u8]; 8] =
        [b"\n:100644 a", b"a\tb\"c\\d", b"caf\xe9", b"--output=x", b":(top)x", b" lead", b"trail ", b"\x01\x7f"];
    let mut commit = Commit::new(":100644 100644 x\n:\n").author("-e <--x>");
    for path in paths {
        commit = commit.file(path, path);
    }
    let tip = after(&world.push("main", [commit, Commit::new("0".repeat(40)).file("a", "1")]).await);
    let clone = world.cloned().await;

    let read = world.read(&clone, [tip]).await;

    let mut sorted = paths.to_vec();
    sorted.sort_unstable();
    assert_eq!(read[0].changes.iter().map(|change| &change.path[..]).collect::<Vec<_>>(), sorted);
    assert_eq!(read[0].message, b":100644 100644 x\n:\n");
    assert_eq!(read[1].message, "0".repeat(40).as_bytes());
}

#[tokio::test]
async fn a_message_ends_where_git_ends_it() {
    let world = World::new().await;
    let tip = after(&world.push("main", [Commit::new(b"one\0two").file("a", "1"), Commit::new("next").file("a", "2")]).await);
    let clone = world.cloned().await;

    let read = world.read(&clone, [tip]).await;

    assert_eq!((&read[0].message[..], &read[1].message[..]), (&b"one"[..], &b"next"[..]));
    assert_eq!((read[0].changes.len(), read[1].changes.len()), (1, 1));
}

#[tokio::test]
async fn every_kind_of_change_is_told() {
    let world = World::new().await;
    let long = "one\ntwo\nthree\nfour\nfive\nsix\n";
    let nowhere = "1".repeat(40);
    let begin = Commit::new("Begin").file("a", long).file("b", "b").file("c", "c").executable("run", "#!").link("link", "a");
    let change = Commit::new("Change")
        .rename("a", "moved/a\nb")
        .file("b", "b2")
        .remove("c")
        .link("run", "b")
        .file("link", "a file now, with words of its own")
        .submodule("sub", &nowhere);
    let tip = after(&world.push("main", [begin, change]).await);
    let clone = world.cloned().await;

    let read = world.read(&clone, [tip]).await;

    let expected: [(Kind, &[u8]); 6] = [
        (Kind::Modified, b"b"),
        (Kind::Removed, b"c"),
        (Kind::TypeChanged, b"link"),
        (Kind::Renamed, b"moved/a\nb"),
        (Kind::TypeChanged, b"run"),
        (Kind::Added, b"sub"),
    ];
    assert_eq!(kinds(&read[1]), expected);
    let of = |path: &[u8]| read[1].changes.iter().find(|change| change.path == path).unwrap();
    assert_eq!(of(b"moved/a\nb").from.as_deref(), Some(&b"a"[..]));
    assert_eq!(of(b"sub").after.map(|entry| (entry.mode, entry.hash)), Some((Mode::Submodule, nowhere.parse().unwrap())));
    assert_eq!(of(b"run").before.map(|entry| entry.mode), Some(Mode::Executable));
    assert_eq!(of(b"run").after.map(|entry| entry.mode), Some(Mode::Link));
    assert_eq!((of(b"c").after, of(b"sub").before), (None, None));
}

#[tokio::test]
async fn renames_are_found_as_far_as_wanted() {
    let world = World::new().await;
    let text = |last: &str| format!("one\ntwo\nthree\nfour\nfive\nsix\n{last}\n");
    let begin = Commit::new("Begin").file("same", text("same")).file("similar", text("similar"));
    let moved = Commit::new("Move").rename("same", "same2").rename("similar", "similar2").file("similar2", text("other"));
    let tip = after(&world.push("main", [begin, moved]).await);
    let clone = world.cloned().await;

    for (renames, expected) in [(Renames::Ignored, 0), (Renames::Exact, 1), (Renames::Similar, 2)] {
        let read = world.git.commits(&clone, &Range::of([tip]), renames, LIMIT).unwrap().rest().await.unwrap();

        assert_eq!(read[1].changes.iter().filter(|change| change.kind == Kind::Renamed).count(), expected, "{renames:?}");
    }
}

#[tokio::test]
async fn a_merge_shows_what_it_brings_to_its_branch() {
    let world = World::new().await;
    let base = world.push_file("main", "de/a", "1").await;
    let onto = || Onto::Commit(base.to_string());
    let [fr, it] = [
        after(&world.push("fr", [Commit::new("fr").onto(onto()).file("fr/a", "1")]).await),
        after(&world.push("it", [Commit::new("it").onto(onto()).file("it/a", "1")]).await),
    ];
    let main = world.push_file("main", "de/a", "2").await;
    let merge = Commit::new("Merge fr").merge(fr.to_string()).file("resolved", "by hand");
    let octopus = Commit::new("Merge both").onto(Onto::Commit(main.to_string())).merge(fr.to_string()).merge(it.to_string());
    let merge = after(&world.push("main", [merge]).await);
    let octopus = after(&world.push("all", [octopus]).await);
    let clone = world.cloned().await;

    let merged =
        world.git.commits(&clone, &Range::between(Some(main), merge), Renames::Exact, LIMIT).unwrap().rest().await.unwrap();
    let all = world
        .git
        .commits(&clone, &Range::of([octopus]).without([main, fr, it]), Renames::Exact, LIMIT)
        .unwrap()
        .rest()
        .await
        .unwrap();

    assert_eq!(merged.iter().map(|commit| commit.hash).collect::<Vec<_>>(), [fr, merge]);
    assert_eq!(merged[1].parents, [main, fr]);
    assert_eq!(kinds(&merged[1]), [(Kind::Added, &b"fr/a"[..]), (Kind::Added, b"resolved")]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].parents, [main, fr, it]);
    assert_eq!(kinds(&all[0]), [(Kind::Added, &b"fr/a"[..]), (Kind::Added, b"it/a")]);
}

#[tokio::test]
async fn a_range_is_what_a_branch_won_and_parents_come_first() {
    let world = World::new().await;
    // A clock that goes backwards.
    let commits =
        (0..50).map(|number| Commit::new(format!("{number}")).date(1_700_000_000 - number, "+0000").file("a", number.to_string()));
    let made = hashes(&world.push("main", commits).await.commits);
    let clone = world.cloned().await;
    let read = async |range: Range| {
        let all = world.git.commits(&clone, &range, Renames::Exact, LIMIT).unwrap().rest().await.unwrap();
        all.into_iter().map(|commit| commit.hash).collect::<Vec<_>>()
    };
    let null = Hash::null(HashKind::Sha1);

    assert_eq!(read(Range::between(None, made[49])).await, made);
    assert_eq!(read(Range::between(Some(null), made[49])).await, made);
    assert_eq!(read(Range::between(Some(made[39]), made[49])).await, made[40..]);
    assert!(read(Range::between(Some(made[49]), made[49])).await.is_empty());
    assert!(read(Range::between(Some(made[49]), null)).await.is_empty());
    assert!(read(Range::of([])).await.is_empty());
    assert_eq!(read(Range::of([made[9], made[4]]).without(made[..3].to_vec())).await, made[3..10]);
}

#[tokio::test]
async fn just_the_commits_that_are_named_are_read_in_their_order() {
    let world = World::new().await;
    let commits = (0..5).map(|number| Commit::new(format!("{number}")).file("a", number.to_string()));
    let made = hashes(&world.push("main", commits).await.commits);
    let clone = world.cloned().await;
    let named = [made[3], made[0], made[4]];

    let read = world.git.commits_named(&clone, &named, Renames::Exact, LIMIT).unwrap().rest().await.unwrap();

    assert_eq!(read.iter().map(|commit| commit.hash).collect::<Vec<_>>(), named);
    assert!(read.iter().all(|commit| commit.changes.len() == 1));
    assert!(world.git.commits_named(&clone, &[], Renames::Exact, LIMIT).unwrap().next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_told_and_not_taken_for_the_end() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let none: Hash = "1".repeat(40).parse().unwrap();

    for range in [Range::of([none]), Range::of([tip]).without([none]), Range::of([tip, none])] {
        let error = world.git.commits(&clone, &range, Renames::Exact, LIMIT).unwrap().rest().await.unwrap_err();
        assert!(matches!(error, GitError::Unknown { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn three_thousand_commits_are_read_in_one_go() {
    let world = World::new().await;
    let commits = (0..3000).map(|number| {
        let locale = ["de", "fr", "it"][number % 3];
        Commit::new(format!("Pontoon: Update {locale} {number}\n\nCo-authored-by: {number}\n"))
            .file(format!("{locale}/browser/{}.ftl", number % 40), number.to_string())
            .file(format!("{locale}/count"), number.to_string())
    });
    let made = hashes(&world.push("main", commits).await.commits);
    let clone = world.cloned().await;

    let mut reading = world.git.commits(&clone, &Range::of([made[2999]]), Renames::Similar, LIMIT).unwrap();
    let mut count = 0;
    while let Some(commit) = reading.next().await.unwrap() {
        assert_eq!(commit.hash, made[count]);
        assert_eq!(commit.changes.len(), 2);
        count += 1;
    }

    assert_eq!(count, 3000);
    assert!(reading.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_commit_of_more_than_is_allowed_is_an_error() {
    let world = World::new().await;
    let tip = after(&world.push("main", [Commit::new("x".repeat(20_000)).file("a", "1")]).await);
    let clone = world.cloned().await;
    let narrow = world.git.clone().with_output_limit(10_000);

    let error = narrow.commits(&clone, &Range::of([tip]), Renames::Exact, LIMIT).unwrap().next().await.unwrap_err();

    assert!(matches!(error, GitError::TooLong { limit: 10_000 }), "{error:?}");
}

#[tokio::test]
async fn differences_go_between_any_two_commits() {
    let world = World::new().await;
    let first = after(
        &world
            .push("main", [Commit::new("1").file("a", "one\ntwo\nthree\nfour\n").file("b", "b").submodule("s", &"2".repeat(40))])
            .await,
    );
    let second = after(&world.push("main", [Commit::new("2").rename("a", "c").remove("s").executable("b", "b")]).await);
    let root = after(&world.host.force_push(REPO, "other", USER, Onto::Nothing, [Commit::new("3").file("d", "d")]).await.unwrap());
    let clone = world.cloned().await;
    let between =
        async |from: &Hash, to: &Hash| world.git.changes_between(&clone, from, to, Renames::Similar, LIMIT).await.unwrap();
    let told = |changes: &[Change]| {
        changes.iter().map(|one| (one.kind, String::from_utf8_lossy(&one.path).into_owned())).collect::<Vec<_>>()
    };
    let null = Hash::null(HashKind::Sha1);
    let named = |kind, path: &str| (kind, path.to_owned());

    let forth = between(&first, &second).await;

    assert_eq!(told(&forth), [named(Kind::Modified, "b"), named(Kind::Renamed, "c"), named(Kind::Removed, "s")]);
    assert_eq!(forth[0].after.map(|entry| entry.mode), Some(Mode::Executable));
    assert_eq!(forth[2].before.map(|entry| entry.mode), Some(Mode::Submodule));
    assert_eq!(told(&between(&null, &root).await), [named(Kind::Added, "d")]);
    assert_eq!(told(&between(&root, &null).await), [named(Kind::Removed, "d")]);
    assert_eq!(between(&second, &root).await.len(), 3);
    assert!(between(&first, &first).await.is_empty());
    let none: Hash = "1".repeat(40).parse().unwrap();
    let unknown = world.git.changes_between(&clone, &none, &first, Renames::Exact, LIMIT).await.unwrap_err();
    assert!(matches!(unknown, GitError::Unknown { .. }), "{unknown:?}");
}
