//! The git host against real git clients: what was pushed is what is cloned, and each fault does what it says.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use elmo_upstream::git::{Asked, Commit, Fault, Hashes, Host, Onto, Scope};
use tempfile::{TempDir, tempdir};
use tokio::net::TcpStream;
use tokio::time::timeout;

const REPO: &str = "mozilla-l10n/firefox-l10n";
const USER: &str = "anna";

async fn host() -> Host {
    let host = Host::start().await.unwrap();
    host.create(REPO).await.unwrap();
    host
}

/// What a client's `git` did.
struct Outcome {
    code: i32,
    output: String,
    errors: String,
}

/// Runs `git` as a client does.
#[expect(clippy::disallowed_methods, reason = "a client's program, not one of ours")]
async fn try_git(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut command = tokio::process::Command::new("git");
    command.args(arguments).current_dir(folder).env("HOME", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), command.output()).await.expect("git took too long").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: output.status.code().unwrap_or(-1), output: text(&output.stdout), errors: text(&output.stderr) }
}

/// Runs `git`, which has to succeed.
async fn git(folder: &Path, arguments: &[&str]) -> String {
    let outcome = try_git(folder, arguments).await;
    assert_eq!(outcome.code, 0, "git {arguments:?}: {}", outcome.errors);
    outcome.output
}

/// Runs `git`, which has to fail, and gives what it says.
async fn refused(folder: &Path, arguments: &[&str]) -> String {
    let outcome = try_git(folder, arguments).await;
    assert_ne!(outcome.code, 0, "git {arguments:?}: {}", outcome.output);
    outcome.errors
}

/// A working copy of all that is there.
async fn cloned(host: &Host) -> TempDir {
    let folder = tempdir().unwrap();
    git(folder.path(), &["clone", "--quiet", &host.url_of(REPO), "."]).await;
    folder
}

async fn branches_seen(host: &Host) -> Vec<String> {
    let listed = git(Path::new("/"), &["ls-remote", &host.url_of(REPO), "refs/heads/*"]).await;
    listed.lines().map(|line| line.replace('\t', " ").replace("refs/heads/", "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_what_is_cloned() {
    let host = host().await;
    let first = Commit::new("First\n").author("Zeynep <z@example.org>").date(1_700_000_000, "+0200").file("de/ä b", "1\n");
    let first = first.executable("run", "#!/bin/sh\n").link("link", "run");
    let second = Commit::new("Second").rename("de/ä b", "de/c").copy("run", "run2").remove("link");

    let push = host.push_at(REPO, "main", USER, 1_700_000_100, [first, second]).await.unwrap();

    let clone = cloned(&host).await;
    let log = git(clone.path(), &["log", "--format=%H %an %at %ad %s", "--date=format:%z"]).await;
    let [one, two] = [&push.commits[0], &push.commits[1]];
    assert_eq!(log, format!("{two} Elmo Tester 1767225660 +0000 Second\n{one} Zeynep 1700000000 +0200 First\n"));
    assert_eq!(std::fs::read_to_string(clone.path().join("de/c")).unwrap(), "1\n");
    assert_eq!(git(clone.path(), &["ls-files"]).await, "de/c\nrun\nrun2\n");
    assert_eq!((push.before, push.after.as_ref(), push.forced, push.date), (None, Some(two), false, 1_700_000_100));
    git(&host.path_of(REPO).unwrap(), &["fsck", "--strict"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_commits_have_the_same_names_each_time() {
    let mut names = Vec::new();
    for _ in 0..2 {
        let host = host().await;
        let commits = (0..3).map(|number| Commit::new(format!("{number}")).file("a", number.to_string()));
        names.push(host.push(REPO, "main", USER, commits).await.unwrap().commits);
    }

    assert_eq!(names[0], names[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_forced_deleted_and_renamed() {
    let host = host().await;
    let [first, second] = ["1", "2"].map(|contents| Commit::new(contents).file("a", contents));
    let first = host.push(REPO, "main", USER, [first]).await.unwrap().after.unwrap();
    let second = host.push(REPO, "main", USER, [second]).await.unwrap();
    let side = host.push(REPO, "side", USER, [Commit::new("3").file("b", "3")]).await.unwrap();
    let other = Commit::new("4").file("a", "4");
    let forced = host.force_push(REPO, "main", USER, Onto::Commit(first.clone()), [other]).await.unwrap();
    let deleted = host.delete_branch(REPO, "side", USER).await.unwrap();
    host.rename_default_branch(REPO, "trunk").await.unwrap();

    assert_eq!((second.forced, forced.forced, forced.before.as_ref()), (false, true, second.after.as_ref()));
    assert_eq!((deleted.before, deleted.after), (side.after, None));
    let tip = host.tip(REPO, "trunk").unwrap();
    assert_eq!(branches_seen(&host).await, [format!("{tip} trunk")]);
    assert_eq!(Some(tip), forced.after);
    let head = git(Path::new("/"), &["ls-remote", "--symref", &host.url_of(REPO), "HEAD"]).await;
    assert!(head.starts_with("ref: refs/heads/trunk\tHEAD\n"), "{head}");
    assert_eq!(host.pushes(REPO).len(), 5);
    let users: Vec<String> = host.pushes(REPO).into_iter().map(|push| push.user).collect();
    assert_eq!(users, [USER; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_takes_over_what_was_merged() {
    let host = host().await;
    let base = host.push(REPO, "main", USER, [Commit::new("base").file("a", "a").file("gone", "x")]).await.unwrap().after.unwrap();
    let side = Commit::new("side").onto(Onto::Commit(base)).file("b", "b").remove("gone").file("a", "theirs");
    let side = host.push(REPO, "side", USER, [side]).await.unwrap().after.unwrap();
    let before = Commit::new("before").file("c", "c");

    let merge = Commit::new("merge").merge(&side).file("a", "resolved");
    let push = host.push(REPO, "main", USER, [before, merge, Commit::new("after").file("d", "d")]).await.unwrap();

    assert_eq!(push.commits.len(), 3);
    let clone = cloned(&host).await;
    assert_eq!(git(clone.path(), &["ls-files"]).await, "a\nb\nc\nd\n");
    assert_eq!(std::fs::read_to_string(clone.path().join("a")).unwrap(), "resolved");
    let parents = git(clone.path(), &["log", "-1", "--format=%P", &push.commits[1]]).await;
    assert_eq!(parents.trim(), format!("{} {side}", push.commits[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_hashes_are_served_too() {
    let host = Host::start().await.unwrap();
    host.create_with(REPO, Hashes::Sha256).await.unwrap();

    let push = host.push(REPO, "main", USER, [Commit::new("1").file("a", "1")]).await.unwrap();

    let clone = cloned(&host).await;
    assert_eq!(git(clone.path(), &["rev-parse", "HEAD"]).await.trim(), push.after.unwrap());
    assert_eq!(push.commits[0].len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lag_shows_the_branches_as_they_were() {
    let host = host().await;
    let mut tips = Vec::new();
    for number in ["1", "2", "3"] {
        tips.extend(host.push(REPO, "main", USER, [Commit::new(number).file("a", number)]).await.unwrap().after);
    }
    host.delete_branch(REPO, "main", USER).await.unwrap();

    assert!(branches_seen(&host).await.is_empty());
    for (lag, tip) in [(1, &tips[2]), (2, &tips[1]), (3, &tips[0])] {
        host.faults(REPO).set(Fault::Lag(lag));
        assert_eq!(branches_seen(&host).await, [format!("{tip} main")]);
        let clone = cloned(&host).await;
        assert_eq!(git(clone.path(), &["rev-parse", "HEAD"]).await.trim(), tip);
    }
    host.faults(REPO).set(Fault::Lag(9));
    assert!(branches_seen(&host).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_leads_to_its_new_name_until_the_old_one_is_taken() {
    let host = host().await;
    host.push(REPO, "main", USER, [Commit::new("1").file("a", "1")]).await.unwrap();
    host.rename(REPO, "mozilla/renamed").unwrap();

    let outcome = try_git(Path::new("/"), &["ls-remote", &format!("{}.git", host.url_of(REPO))]).await;
    host.create(REPO).await.unwrap();
    let taken = branches_seen(&host).await;

    assert_eq!((outcome.code, outcome.output.lines().count()), (0, 2));
    assert!(outcome.errors.contains(&format!("redirecting to {}.git", host.url_of("mozilla/renamed"))), "{}", outcome.errors);
    assert!(taken.is_empty());
    assert_eq!(host.pushes("mozilla/renamed").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_shows_the_token_is_let_in() {
    let host = host().await;
    host.push(REPO, "main", USER, [Commit::new("1").file("a", "1")]).await.unwrap();
    host.require_token(REPO, "secret").unwrap();
    let with = |token: &str| host.url_of(REPO).replace("http://", &format!("http://x-access-token:{token}@"));

    let without = refused(Path::new("/"), &["ls-remote", &host.url_of(REPO)]).await;
    let wrong = refused(Path::new("/"), &["ls-remote", &with("wrong")]).await;
    git(Path::new("/"), &["ls-remote", &with("secret")]).await;

    assert!(without.contains("could not read Username"), "{without}");
    assert!(wrong.contains("Authentication failed"), "{wrong}");
    let requests = host.requests(REPO);
    assert!(requests.last().unwrap().authorized && !requests[0].authorized);
    assert!(requests.last().unwrap().authorization.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_seen_by_a_client_as_what_it_is() {
    let host = host().await;
    host.push(REPO, "main", USER, [Commit::new("1").file("a", "1")]).await.unwrap();
    let faults = host.faults(REPO);
    let url = host.url_of(REPO);
    let cases = [
        (Scope::Listing, Fault::Status(503), "returned error: 503"),
        (Scope::Listing, Fault::Html200, "not valid: is this a git repository?"),
        (Scope::Listing, Fault::HangUp, "Empty reply from server"),
        (Scope::Listing, Fault::CutShort, "transfer closed"),
        (Scope::Fetch, Fault::Status(500), "500"),
        (Scope::Fetch, Fault::CutShort, "early EOF"),
    ];
    for (scope, fault, words) in cases {
        faults.set_on(scope, fault.clone());
        let folder = tempdir().unwrap();

        let said = refused(folder.path(), &["clone", "--quiet", &url, "."]).await;

        assert!(said.contains(words), "{fault:?}: {said}");
    }
    faults.set_times(Scope::Everything, Fault::Status(503), 1);
    refused(Path::new("/"), &["ls-remote", &url]).await;
    assert_eq!(branches_seen(&host).await.len(), 1);
    assert!(refused(Path::new("/"), &["ls-remote", &host.url_of("none")]).await.contains("not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_hangs_until_the_fault_is_lifted_or_waits() {
    let host = host().await;
    host.push(REPO, "main", USER, [Commit::new("1").file("a", "1")]).await.unwrap();
    host.faults(REPO).set(Fault::Hang);

    let (seen, ()) = tokio::join!(branches_seen(&host), async {
        host.requested(REPO, |counts| counts.greetings == 1).await;
        host.faults(REPO).set_on(Scope::Listing, Fault::Delay(Duration::from_millis(300)));
    });
    let started = Instant::now();
    branches_seen(&host).await;

    assert_eq!(seen.len(), 1);
    assert!(started.elapsed() >= Duration::from_millis(600));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_counted_by_kind() {
    let host = host().await;
    host.push(REPO, "main", USER, [Commit::new("1").file("a", "1")]).await.unwrap();
    let clone = cloned(&host).await;
    let cloning = host.counts(REPO);
    host.forget_requests();
    // Enough of them for git to pack the request.
    for number in 0..40 {
        git(clone.path(), &["update-ref", &format!("refs/heads/{number}"), "HEAD"]).await;
    }
    let message = |number: usize| Commit::new(format!("{number}")).file("b", number.to_string());
    host.push(REPO, "main", USER, (0..200).map(message)).await.unwrap();

    git(clone.path(), &["fetch", "--quiet"]).await;

    assert_eq!((cloning.greetings, cloning.listings, cloning.fetches), (1, 1, 1));
    let asked: Vec<Asked> = host.requests(REPO).iter().map(|request| request.asked).collect();
    assert_eq!(asked[..2], [Asked::Greeting, Asked::Branches]);
    assert!(asked[2..].iter().all(|asked| *asked == Asked::Commits) && asked.len() > 2, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_listen_refuses_and_comes_back_and_a_dropped_one_is_gone() {
    let host = host().await;
    let url = host.url_of(REPO);

    host.stop_listening().await.unwrap();
    let stopped = refused(Path::new("/"), &["ls-remote", &url]).await;
    host.resume().await.unwrap();
    git(Path::new("/"), &["ls-remote", &url]).await;
    let (address, path) = (host.url().trim_start_matches("http://").to_owned(), host.path_of(REPO).unwrap());
    drop(host);

    assert!(stopped.contains("onnect"), "{stopped}");
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_things_are_refused() {
    let host = host().await;

    assert!(host.create(REPO).await.is_err());
    assert!(host.create("../out").await.is_err());
    assert!(host.rename("none", "other").is_err());
    assert!(host.push(REPO, "main", USER, []).await.is_err());
    assert!(host.push("none", "main", USER, [Commit::new("1")]).await.is_err());
    assert!(host.delete_branch(REPO, "none", USER).await.is_err());
    assert!(host.push(REPO, "main", USER, [Commit::new("1").remove("none").rename("x", "y")]).await.is_err());
}
