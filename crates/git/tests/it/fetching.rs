//! Clones and fetches over HTTP, from a host that is well and from one that is not.

use std::collections::BTreeMap;
use std::time::Duration;

use elmo_git::{Git, GitError, Hash, HashKind, How, Listing, Moved, Range, Remote, Renames, Wanted};
use elmo_upstream::git::{Commit, Fault, Hashes, Onto, Scope};
use tokio::net::TcpListener;

use crate::support::{LIMIT, REPO, USER, World, after, branch, hashes};

fn moved(name: &str, before: Option<Hash>, after: Option<Hash>, how: How) -> Moved {
    Moved { branch: branch(name), before, after, how }
}

#[tokio::test]
async fn a_host_lists_its_branches_and_where_its_head_is() {
    let world = World::new().await;
    let empty = world.git.ls_remote(&world.remote(), LIMIT).await.unwrap();
    let main = world.push_file("main", "a", "1").await;
    let update = world.push_file("l10n/update", "a", "2").await;

    let listing = world.git.ls_remote(&world.remote(), LIMIT).await.unwrap();

    assert_eq!(empty, Listing::default());
    assert_eq!(listing.head, Some(branch("main")));
    assert_eq!(listing.branches, BTreeMap::from([(branch("main"), main), (branch("l10n/update"), update)]));
    assert_eq!(listing.moved_to, None);
}

#[tokio::test]
async fn a_clone_is_a_fetch_into_an_empty_folder_and_is_kept_in_step() {
    let world = World::new().await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let nothing = world.fetch(&clone).await;
    let first = world.push_file("main", "a", "1").await;

    let new = world.fetch(&clone).await;
    let second = world.push_file("main", "a", "2").await;
    let forward = world.fetch(&clone).await;
    let again = world.fetch(&clone).await;

    assert!(nothing.moved.is_empty() && again.moved.is_empty());
    assert_eq!(new.moved, [moved("main", None, Some(first), How::New)]);
    assert_eq!(forward.moved, [moved("main", Some(first), Some(second), How::Forward)]);
    assert_eq!(world.git.branches(&clone).await.unwrap(), BTreeMap::from([(branch("main"), second)]));
    assert!(!clone.join("FETCH_HEAD").exists() && !clone.join("hooks").exists());
}

#[tokio::test]
async fn a_repository_of_long_hashes_is_followed() {
    let world = World::with(Hashes::Sha256).await;
    let tip = world.push_file("main", "a", "1").await;
    let (long, short) = (world.path("long.git"), world.path("short.git"));
    world.git.init(&long, HashKind::Sha256).await.unwrap();
    world.git.init(&short, HashKind::Sha1).await.unwrap();

    let listing = world.git.ls_remote(&world.remote(), LIMIT).await.unwrap();
    let fetched = world.fetch(&long).await;
    let refused = world.try_fetch(&short).await.unwrap_err();

    assert_eq!(tip.kind(), HashKind::Sha256);
    assert_eq!(listing.branches[&branch("main")], tip);
    assert_eq!(fetched.moved, [moved("main", None, Some(tip), How::New)]);
    assert_eq!(world.read(&long, [tip]).await[0].hash, tip);
    assert_eq!(world.git.changes_between(&long, &Hash::null(tip.kind()), &tip, Renames::Exact, LIMIT).await.unwrap().len(), 1);
    assert!(matches!(refused, GitError::Unrelated { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_forced_push_is_told_from_one_on_top() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let second = world.push_file("main", "a", "2").await;
    let clone = world.cloned().await;

    let onto = Onto::Commit(first.to_string());
    let other = after(&world.host.force_push(REPO, "main", USER, onto, [Commit::new("Other").file("a", "3")]).await.unwrap());
    let forced = world.fetch(&clone).await;
    world.host.move_branch(REPO, "main", USER, &first.to_string()).await.unwrap();
    let back = world.fetch(&clone).await;

    assert_eq!(forced.moved, [moved("main", Some(second), Some(other), How::Forced)]);
    assert_eq!(back.moved, [moved("main", Some(other), Some(first), How::Forced)]);
    // What was left behind can still be read.
    assert_eq!(world.read(&clone, [second]).await.len(), 2);
}

#[tokio::test]
async fn a_branch_that_is_deleted_and_made_anew_is_told_each_time() {
    let world = World::new().await;
    let main = world.push_file("main", "a", "1").await;
    let old = world.push_file("update", "a", "2").await;
    let clone = world.cloned().await;

    world.host.delete_branch(REPO, "update", USER).await.unwrap();
    let deleted = world.fetch(&clone).await;
    let unrelated = Commit::new("Begin").onto(Onto::Nothing).file("b", "1");
    let new = after(&world.push("update", [unrelated]).await);
    let anew = world.fetch(&clone).await;

    assert_eq!(deleted.moved, [moved("update", Some(old), None, How::Deleted)]);
    assert_eq!(anew.moved, [moved("update", None, Some(new), How::New)]);
    assert_eq!(world.git.merge_base(&clone, &main, &new).await.unwrap(), None);
}

#[tokio::test]
async fn a_branch_takes_the_place_of_a_folder_of_branches() {
    let world = World::new().await;
    let tip = world.push_file("l10n", "a", "1").await;
    let clone = world.cloned().await;
    world.host.delete_branch(REPO, "l10n", USER).await.unwrap();
    world.host.move_branch(REPO, "l10n/de", USER, &tip.to_string()).await.unwrap();

    let fetched = world.fetch(&clone).await;

    assert_eq!(fetched.moved, [moved("l10n", Some(tip), None, How::Deleted), moved("l10n/de", None, Some(tip), How::New)]);
}

#[tokio::test]
async fn only_the_branches_that_are_wanted_are_fetched() {
    let world = World::new().await;
    let main = world.push_file("main", "a", "1").await;
    let update = world.push_file("update", "a", "2").await;
    world.push_file("mainly-others", "a", "3").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let wanted = Wanted::Only(vec![branch("main"), branch("update"), branch("not-yet")]);
    let remote = world.remote();
    let fetch = || world.git.fetch(&clone, &remote, &wanted, LIMIT, |_| ());

    let first = fetch().await.unwrap();
    world.host.delete_branch(REPO, "update", USER).await.unwrap();
    let second = fetch().await.unwrap();

    assert_eq!(first.moved, [moved("main", None, Some(main), How::New), moved("update", None, Some(update), How::New)]);
    assert_eq!(second.moved, [moved("update", Some(update), None, How::Deleted)]);
    assert_eq!(world.git.branches(&clone).await.unwrap().len(), 1);
}

#[tokio::test]
async fn asking_for_branches_that_are_there_costs_one_conversation() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();

    world.git.fetch(&clone, &world.remote(), &Wanted::Only(vec![branch("main")]), LIMIT, |_| ()).await.unwrap();

    let counts = world.host.counts(REPO);
    assert_eq!((counts.greetings, counts.listings, counts.fetches), (1, 1, 1));
}

#[tokio::test]
async fn a_kept_commit_survives_what_collects_garbage() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let [kept, lost] = [world.push_file("main", "a", "2").await, world.push_file("main", "a", "3").await];
    let clone = world.cloned().await;
    world.git.keep(&clone, &[kept, Hash::null(HashKind::Sha1)]).await.unwrap();
    world.git.keep(&clone, &[kept]).await.unwrap();
    world.host.move_branch(REPO, "main", USER, &first.to_string()).await.unwrap();
    let fetched = world.fetch(&clone).await;

    let mut collect = world.git.command();
    collect.arg("--git-dir").arg(&clone).args(["-c", "gc.auto=1", "gc", "--quiet", "--prune=now"]);
    assert!(collect.status().await.unwrap().success());

    assert_eq!(fetched.moved, [moved("main", Some(lost), Some(first), How::Forced)]);
    assert_eq!(world.git.kept(&clone).await.unwrap(), [kept]);
    assert_eq!(world.read(&clone, [kept]).await.len(), 2);
    let gone = world.git.commits(&clone, &Range::of([lost]), Renames::Ignored, LIMIT).unwrap().rest().await.unwrap_err();
    assert!(matches!(gone, GitError::Unknown { .. }), "{gone:?}");
    let unknown = world.git.keep(&clone, &[lost]).await.unwrap_err();
    assert!(matches!(unknown, GitError::Unknown { .. }), "{unknown:?}");
}

#[tokio::test]
async fn commits_that_no_branch_has_any_more_are_fetched_by_their_hashes() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let [one, two] = [world.push_file("main", "a", "2").await, world.push_file("main", "a", "3").await];
    world.host.move_branch(REPO, "main", USER, &first.to_string()).await.unwrap();
    let clone = world.cloned().await;
    let nobodys: Hash = "1".repeat(40).parse().unwrap();
    assert_eq!(world.git.those_in(&clone, &[one, two]).await.unwrap(), []);

    let wanted = [nobodys, one, Hash::null(HashKind::Sha1), two];
    let there = world.git.fetch_kept(&clone, &world.remote(), &wanted, LIMIT).await.unwrap();
    let again = world.git.fetch_kept(&clone, &world.remote(), &[two, nobodys], LIMIT).await.unwrap();

    assert_eq!((there, again), (vec![one, two], vec![two]), "what the host does not have keeps nobody from the others");
    let mut kept = [one, two];
    kept.sort();
    assert_eq!(world.git.kept(&clone).await.unwrap(), kept);
    assert_eq!(world.read(&clone, [two]).await.len(), 3);
    assert_eq!(world.git.branches(&clone).await.unwrap().len(), 1, "branches stay as they are");
    assert_eq!(world.git.fetch_kept(&clone, &world.remote(), &[], LIMIT).await.unwrap(), []);
}

#[tokio::test]
async fn a_renamed_repository_tells_where_it_is() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    world.host.rename(REPO, "mozilla/renamed").unwrap();

    let listing = world.git.ls_remote(&world.remote(), LIMIT).await.unwrap();
    let fetched = world.fetch(&clone).await;
    let missing = Wanted::Only(vec![branch("main"), branch("none")]);
    let some = world.git.fetch(&clone, &world.remote(), &missing, LIMIT, |_| ()).await.unwrap();

    let there = Some(format!("{}.git", world.host.url_of("mozilla/renamed")));
    assert_eq!(listing.moved_to, there);
    assert_eq!((fetched.moved_to, fetched.moved), (there.clone(), vec![moved("main", None, Some(tip), How::New)]));
    assert_eq!(some.moved_to, there);
}

#[tokio::test]
async fn a_host_that_is_behind_shows_an_older_state() {
    let world = World::new().await;
    let first = world.push_file("main", "a", "1").await;
    let second = world.push_file("main", "a", "2").await;
    world.host.faults(REPO).set(Fault::Lag(1));

    let clone = world.cloned().await;
    let behind = world.git.branches(&clone).await.unwrap();
    world.host.faults(REPO).clear();
    let fetched = world.fetch(&clone).await;

    assert_eq!(behind[&branch("main")], first);
    assert_eq!(fetched.moved, [moved("main", Some(first), Some(second), How::Forward)]);
}

#[tokio::test]
async fn what_a_host_does_decides_what_can_be_done() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let cases = [
        (Scope::Listing, Fault::Status(500), "Network"),
        (Scope::Listing, Fault::Status(503), "Network"),
        (Scope::Listing, Fault::Status(429), "Network"),
        (Scope::Listing, Fault::Html200, "Network"),
        (Scope::Listing, Fault::HangUp, "Network"),
        (Scope::Listing, Fault::CutShort, "Network"),
        (Scope::Listing, Fault::Status(404), "Gone"),
        (Scope::Listing, Fault::Status(410), "Gone"),
        (Scope::Listing, Fault::Status(403), "Refused"),
        (Scope::Listing, Fault::Status(401), "Refused"),
        (Scope::Fetch, Fault::Status(503), "Network"),
        (Scope::Fetch, Fault::Html200, "Network"),
        (Scope::Fetch, Fault::HangUp, "Network"),
        (Scope::Fetch, Fault::CutShort, "Network"),
    ];
    let mut wrong = Vec::new();
    for (scope, fault, expected) in cases {
        world.host.faults(REPO).set_on(scope, fault.clone());

        let error = world.try_fetch(&clone).await.unwrap_err();

        if !format!("{error:?}").starts_with(expected) {
            wrong.push(format!("{scope:?} {fault:?}: {error:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    world.host.faults(REPO).clear();
    assert_eq!(world.fetch(&clone).await.moved.len(), 1);
}

#[tokio::test]
async fn a_host_or_a_repository_that_is_not_there_is_told() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/a", listener.local_addr().unwrap());
    drop(listener);
    let ask = async |url: &str| world.git.ls_remote(&Remote::new(url).unwrap(), LIMIT).await.unwrap_err();

    let none = ask(&world.host.url_of("mozilla-l10n/none")).await;
    assert!(matches!(none, GitError::Gone { .. }) && !none.may_pass(), "{none:?}");
    for url in [closed.as_str(), "http://no-such-host.invalid/a"] {
        let error = ask(url).await;
        assert!(matches!(error, GitError::Network { .. }) && error.may_pass(), "{error:?}");
    }
    let local = ask(&format!("file://{}", world.folder.path().display())).await;
    assert!(matches!(local, GitError::Refused { .. }), "{local:?}");
}

#[tokio::test]
async fn a_folder_on_this_machine_is_fetched_from_if_that_is_allowed() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let remote = Remote::new(world.host.path_of(REPO).unwrap().to_str().unwrap()).unwrap();
    let git = Git::new("git").with_local_repositories();

    let fetched = git.fetch(&clone, &remote, &Wanted::All, LIMIT, |_| ()).await.unwrap();

    assert_eq!(fetched.moved.len(), 1);
    let none = Remote::new(world.path("none").to_str().unwrap()).unwrap();
    let gone = git.ls_remote(&none, LIMIT).await.unwrap_err();
    assert!(matches!(gone, GitError::Gone { .. }), "{gone:?}");
}

#[tokio::test]
async fn a_host_that_is_silent_is_given_up() {
    let world = World::new().await;
    world.host.faults(REPO).set(Fault::Hang);

    let silent = world.git.clone().with_silence(Duration::from_secs(1)).ls_remote(&world.remote(), LIMIT).await.unwrap_err();
    let limit = Duration::from_millis(700);
    let late = world.git.ls_remote(&world.remote(), limit).await.unwrap_err();

    assert!(matches!(silent, GitError::Network { .. }), "{silent:?}");
    assert!(matches!(late, GitError::TimedOut { limit: told } if told == limit), "{late:?}");
}

#[tokio::test]
async fn the_default_branch_gets_another_name() {
    let world = World::new().await;
    let tip = world.push_file("main", "a", "1").await;
    let clone = world.cloned().await;
    world.host.rename_default_branch(REPO, "trunk").await.unwrap();

    let listing = world.git.ls_remote(&world.remote(), LIMIT).await.unwrap();
    let fetched = world.fetch(&clone).await;
    world.git.set_head(&clone, &listing.head.clone().unwrap()).await.unwrap();

    assert_eq!(listing.head, Some(branch("trunk")));
    assert_eq!(fetched.moved, [moved("main", Some(tip), None, How::Deleted), moved("trunk", None, Some(tip), How::New)]);
    assert_eq!(world.git.resolve(&clone, "HEAD").await.unwrap(), elmo_git::Resolved::Commit(tip));
}

#[tokio::test]
async fn a_thousand_branches_are_fetched_and_reported() {
    let world = World::new().await;
    let commits = (0..1000).map(|number| Commit::new(format!("{number}")).file("a", number.to_string()));
    let made = hashes(&world.push("main", commits).await.commits);
    let lines: String = made.iter().enumerate().map(|(number, hash)| format!("create refs/heads/l10n/{number} {hash}\n")).collect();
    let input = world.path("input");
    std::fs::write(&input, lines).unwrap();
    let mut update = world.git.command();
    update.arg("--git-dir").arg(world.host.path_of(REPO).unwrap()).args(["update-ref", "--stdin"]);
    assert!(update.stdin(std::fs::File::open(&input).unwrap()).status().await.unwrap().success());
    world.host.rename(REPO, "mozilla/renamed").unwrap();
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();

    let fetched = world.fetch(&clone).await;

    assert_eq!(fetched.moved.len(), 1001);
    assert!(fetched.moved_to.is_some());
}
