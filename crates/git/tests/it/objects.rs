//! Files of any commit through warm processes.

use std::fs;
use std::time::Duration;

use elmo_git::{Found, Git, GitError, Hash, HashKind, Objects};
use elmo_upstream::git::{Commit, Hashes};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{LIMIT, World, after, files_in, is_dead, pids, until};

fn objects(git: &Git) -> Objects {
    Objects::new(git.clone(), 2, LIMIT)
}

/// The real git, behind a script that writes down the number of each process.
fn counted(world: &World) -> Git {
    world.script("counted-git", "echo $$ >> $folder/pids\nexec git \"$@\"")
}

fn file(contents: &[u8]) -> Found {
    Found::File(contents.to_vec())
}

#[tokio::test]
async fn files_are_read_at_any_commit() {
    let world = World::new().await;
    let odd: &[u8] = b"caf\xe9\n: \"x";
    let first = Commit::new("1").file("de/a", "1\n").file(odd, b"\0\xff").link("link", "de/a").submodule("sub", &"1".repeat(40));
    let made = world.push("main", [first, Commit::new("2").file("de/a", "").remove(odd)]).await.commits;
    let [first, second]: [Hash; 2] = [made[0].parse().unwrap(), made[1].parse().unwrap()];
    let clone = world.cloned().await;
    let null = Hash::null(HashKind::Sha1);
    let files: [(Hash, &[u8]); 14] = [
        (first, b"de/a"),
        (second, b"de/a"),
        (first, odd),
        (second, odd),
        (first, b"link"),
        (first, b"sub"),
        (first, b"sub/a"),
        (first, b"de"),
        (first, b"de/none"),
        (first, b"none/none"),
        (first, b"./de/a"),
        (first, b"de/a/b"),
        (null, b"de/a"),
        (first, b"de/a"),
    ];

    let found = objects(&world.git).read_all(&clone, &files, LIMIT).await.unwrap();

    let nothing = Found::Nothing;
    let expected = [file(b"1\n"), file(b""), file(b"\0\xff"), nothing, file(b"de/a")];
    assert_eq!(found[..5], expected);
    assert!(found[5..13].iter().all(|found| *found == Found::Nothing), "{found:?}");
    assert_eq!(found[13], file(b"1\n"));
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_told_from_a_file_that_is_not() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let objects = objects(&world.git);
    let none: Hash = "1".repeat(40).parse().unwrap();

    let error = objects.read(&clone, &none, b"a", LIMIT).await.unwrap_err();
    let nothing = objects.read(&clone, &tip, b"b", LIMIT).await.unwrap();

    assert!(matches!(error, GitError::Unknown { .. }), "{error:?}");
    assert_eq!(nothing, Found::Nothing);
}

#[tokio::test]
async fn a_file_that_the_clone_has_lost_is_damage() {
    let world = World::new().await;
    let tip = world.push_file("main", "de/a", "1").await;
    let clone = world.cloned().await;
    let git = &world.git;
    let changes = git.changes_between(&clone, &Hash::null(tip.kind()), &tip, elmo_git::Renames::Exact, LIMIT).await.unwrap();
    let blob = changes[0].after.unwrap().hash.to_string();
    fs::remove_file(clone.join("objects").join(&blob[..2]).join(&blob[2..])).unwrap();

    let error = objects(git).read(&clone, &tip, b"de/a", LIMIT).await.unwrap_err();

    assert!(matches!(error, GitError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn long_hashes_name_files_too() {
    let world = World::with(Hashes::Sha256).await;
    let tip = world.push_file("main", "de/a", "1").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha256).await.unwrap();
    world.fetch(&clone).await;

    let found = objects(&world.git).read_all(&clone, &[(tip, b"de/a"), (tip, b"de/b")], LIMIT).await.unwrap();

    assert_eq!(found, [file(b"1"), Found::Nothing]);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_told_and_the_next_one_is_read() {
    let world = World::new().await;
    let tip = after(&world.push("main", [Commit::new("1").file("large", vec![b'x'; 300_000]).file("small", "s")]).await);
    let clone = world.cloned().await;
    let narrow = objects(&world.git).with_file_limit(1000);

    let found = narrow.read_all(&clone, &[(tip, b"large"), (tip, b"small")], LIMIT).await.unwrap();

    assert_eq!(found, [Found::TooLarge(300_000), file(b"s")]);
}

#[tokio::test]
async fn a_warm_process_sees_what_a_fetch_has_brought() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let objects = objects(&counted(&world));
    objects.read(&clone, &first, b"a", LIMIT).await.unwrap();
    // Enough for a pack of its own.
    let commits = (0..300).map(|number| Commit::new(format!("{number}")).file("a", format!("new {number}")));
    let tip = after(&world.push("main", commits).await);
    world.fetch(&clone).await;

    let found = objects.read(&clone, &tip, b"a", LIMIT).await.unwrap();

    assert!(files_in(&clone.join("objects/pack")).iter().any(|file| file.extension().is_some_and(|end| end == "pack")));
    assert_eq!(found, file(b"new 299"));
    assert_eq!(pids(&world.path("pids")).len(), 1);
}

#[tokio::test]
async fn each_clone_has_a_process_of_its_own_and_only_some_are_kept() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let git = counted(&world);
    let objects = objects(&git);
    for name in ["one", "two", "three", "one"] {
        let clone = world.path(name);
        world.git.init(&clone, HashKind::Sha1).await.unwrap();
        world.fetch(&clone).await;
        assert_eq!(objects.read(&clone, &tip, b"a", LIMIT).await.unwrap(), file(b"1"));
    }

    assert_eq!(objects.idle(), 2);
    objects.forget(&world.path("three"));
    assert_eq!(objects.idle(), 1);
    drop(objects);
    until("all are dead", || pids(&world.path("pids")).into_iter().all(is_dead)).await;
    assert_eq!(pids(&world.path("pids")).len(), 4);
}

#[tokio::test]
async fn an_idle_process_is_ended_after_a_while() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let objects = Objects::new(counted(&world), 2, Duration::from_millis(50));
    objects.read(&clone, &tip, b"a", LIMIT).await.unwrap();

    until("none is idle", || objects.idle() == 0).await;

    until("it is dead", || is_dead(pids(&world.path("pids"))[0])).await;
}

#[tokio::test]
async fn a_process_that_died_while_it_was_idle_is_not_noticed() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let objects = objects(&counted(&world));
    objects.read(&clone, &tip, b"a", LIMIT).await.unwrap();
    let first = pids(&world.path("pids"))[0];

    kill_process(Pid::from_raw(i32::try_from(first).unwrap()).unwrap(), Signal::KILL).unwrap();
    until("it is dead", || is_dead(first)).await;

    assert_eq!(objects.read(&clone, &tip, b"a", LIMIT).await.unwrap(), file(b"1"));
}

#[tokio::test]
async fn a_process_that_does_not_answer_is_killed_and_the_next_is_well() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let git = world.script("slow-git", "echo $$ >> $folder/pids\nif mkdir $folder/once; then exec sleep 1000; fi\nexec git \"$@\"");
    let objects = objects(&git);
    let limit = Duration::from_millis(500);

    let late = objects.read(&clone, &tip, b"a", limit).await.unwrap_err();
    let found = objects.read(&clone, &tip, b"a", LIMIT).await.unwrap();

    assert!(matches!(late, GitError::TimedOut { limit: told } if told == limit), "{late:?}");
    assert_eq!(found, file(b"1"));
    until("it is dead", || is_dead(pids(&world.path("pids"))[0])).await;
}

#[tokio::test]
async fn what_does_not_answer_like_git_is_broken_and_no_clone_is_damage() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    for (number, body) in ["echo hello; sleep 1000", "exit 0", "head -c 1000 /dev/zero; sleep 1000"].into_iter().enumerate() {
        let git = world.script(&format!("git{number}"), body);

        let error = objects(&git).read(&clone, &tip, b"a", Duration::from_secs(5)).await.unwrap_err();

        assert!(matches!(error, GitError::Broken { .. } | GitError::TimedOut { .. }), "{body}: {error:?}");
    }
    let error = objects(&world.git).read(&world.path("none"), &tip, b"a", LIMIT).await.unwrap_err();
    assert!(matches!(error, GitError::Corrupt { .. }), "{error:?}");
}
