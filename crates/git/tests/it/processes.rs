//! git as a process: what it sees of the world, and how it ends.

use std::fs;
use std::time::Duration;

use elmo_git::{Depth, Git, GitError, HashKind, Range, Renames, Wanted};
use elmo_upstream::git::{Commit, Fault, Scope};

use crate::support::{LIMIT, REPO, World, after, is_dead, pids, until};

#[tokio::test]
async fn git_tells_its_version() {
    let version = Git::new("git").version().await.unwrap();

    assert!(version.split('.').count() >= 3 && version.starts_with(|c: char| c.is_ascii_digit()), "{version}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told() {
    let world = World::new().await;

    let error = Git::new(world.path("no-git")).version().await.unwrap_err();

    assert!(matches!(error, GitError::Program { .. }), "{error:?}");
}

#[tokio::test]
async fn nobodys_settings_and_hooks_are_seen() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.path("clone.git");
    let git = world.git.clone().with_env("GIT_TRACE_SETUP", "0");
    git.init(&clone, HashKind::Sha1).await.unwrap();
    fs::create_dir(clone.join("hooks")).unwrap();
    let hook = world.script("hook", "touch $folder/hooked");
    fs::copy(world.path("hook"), clone.join("hooks/reference-transaction")).unwrap();
    drop(hook);
    let mut listed = git.command();

    world.fetch(&clone).await;
    let listed = listed.args(["config", "--list", "--show-scope"]).output().await.unwrap();

    assert!(!world.path("hooked").exists());
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().all(|line| line.starts_with("command\t")), "{listed}");
    assert!(listed.contains("gc.auto=0") && listed.contains("credential.helper=\n"));
}

#[tokio::test]
async fn a_fetch_that_takes_too_long_is_ended_with_all_it_has_started() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let slow = world.script(
        "slow-git",
        "case \"$*\" in *' fetch '*) trap '' TERM; sleep 1000 & echo $! >> $folder/pids; echo $$ >> $folder/pids; wait;; esac\nexec git \"$@\"",
    );
    let limit = Duration::from_secs(1);

    let ended = slow.fetch(&clone, &world.remote(), &Wanted::All, limit, |_| ()).await.unwrap_err();

    assert!(matches!(ended, GitError::TimedOut { limit: told } if told == limit), "{ended:?}");
    let started = pids(&world.path("pids"));
    assert_eq!(started.len(), 2);
    until("both are dead", || started.iter().all(|&pid| is_dead(pid))).await;
}

#[tokio::test]
async fn a_fetch_that_is_dropped_in_the_middle_leaves_a_clone_that_the_next_one_completes() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let tip = world.push_file("main", "a", "2").await;
    let counted = world.script("counted-git", "echo $$ >> $folder/pids\nexec git \"$@\"");
    world.host.faults(REPO).set_on(Scope::Fetch, Fault::Hang);
    world.host.forget_requests();

    let (remote, mut told) = (world.remote(), 0);
    tokio::select! {
        fetched = counted.fetch(&clone, &remote, &Wanted::All, LIMIT, |bytes| told = bytes) => panic!("it ended: {fetched:?}"),
        _ = world.host.requested(REPO, |counts| counts.fetches == 1) => {}
    }
    until("all are dead", || pids(&world.path("pids")).into_iter().all(is_dead)).await;
    world.host.faults(REPO).clear();
    world.git.remove_locks(&clone).await.unwrap();
    let fetched = world.fetch(&clone).await;

    assert_eq!(fetched.moved[0].after, Some(tip));
    world.git.check(&clone, Depth::Everything, LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_growing_clone_tells_its_size() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    world.host.faults(REPO).set_on(Scope::Fetch, Fault::Delay(Duration::from_millis(1500)));
    let mut told = Vec::new();

    world.git.fetch(&clone, &world.remote(), &Wanted::All, LIMIT, |bytes| told.push(bytes)).await.unwrap();

    assert!(!told.is_empty() && told.iter().all(|&bytes| bytes > 0), "{told:?}");
}

#[tokio::test]
async fn history_that_is_not_read_to_its_end_leaves_no_process_behind() {
    let world = World::new().await;
    let commits = (0..500).map(|number| Commit::new("x".repeat(5000)).file("a", number.to_string()));
    let tip = after(&world.push("main", commits).await);
    let clone = world.cloned().await;
    let counted = world.script("counted-git", "echo $$ >> $folder/pids\nexec git \"$@\"");

    let mut reading = counted.commits(&clone, &Range::of([tip]), Renames::Exact, LIMIT).unwrap();
    reading.next().await.unwrap().unwrap();
    drop(reading);

    until("it is dead", || pids(&world.path("pids")).into_iter().all(is_dead)).await;
}

#[tokio::test]
async fn history_that_does_not_come_is_given_up_and_history_that_breaks_off_is_not_the_end() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    let read = async |git: &Git| {
        git.commits(&clone, &Range::of([tip]), Renames::Exact, Duration::from_secs(1)).unwrap().rest().await.unwrap_err()
    };

    let silent = read(&world.script("silent-git", "sleep 1000")).await;
    let cut = read(&world.script("cut-git", "git \"$@\" | head -c 60")).await;
    let killed = read(&world.script("killed-git", "git \"$@\"; kill -9 $$")).await;
    let nonsense = read(&world.script("nonsense-git", "printf 'a\\0b\\0c\\0d\\0e\\0f\\0g\\0h\\0i\\0j\\0'")).await;

    assert!(matches!(silent, GitError::TimedOut { .. }), "{silent:?}");
    for error in [cut, killed, nonsense] {
        assert!(matches!(error, GitError::Broken { .. }), "{error:?}");
        assert!(error.may_pass());
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let world = World::new().await;
    let git = world.script("endless-git", "echo $$ >> $folder/pids\nexec cat /dev/zero").with_output_limit(100_000);

    let error = git.version().await.unwrap_err();

    assert!(matches!(error, GitError::TooLong { limit: 100_000 }), "{error:?}");
    until("it is dead", || is_dead(pids(&world.path("pids"))[0])).await;
}
