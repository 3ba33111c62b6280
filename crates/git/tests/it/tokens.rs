//! Hosts that ask who we are, and what becomes of the token.

use std::fs;

use elmo_git::{GitError, HashKind, Wanted};
use elmo_upstream::git::{Fault, Scope};

use crate::support::{LIMIT, REPO, World, files_in};

const TOKEN: &str = "ghs_s3cr3t";
const ENCODED: &str = "eC1hY2Nlc3MtdG9rZW46Z2hzX3MzY3IzdA==";

#[tokio::test]
async fn a_token_opens_what_is_closed() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    world.host.require_token(REPO, TOKEN).unwrap();
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let with = |token: &str| world.remote().with_token(token).unwrap();

    let without = world.git.ls_remote(&world.remote(), LIMIT).await.unwrap_err();
    let wrong = world.git.ls_remote(&with("ghs_wrong"), LIMIT).await.unwrap_err();
    world.host.forget_requests();
    let fetched = world.git.fetch(&clone, &with(TOKEN), &Wanted::All, LIMIT, |_| ()).await.unwrap();

    for error in [without, wrong] {
        assert!(matches!(error, GitError::Refused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("ghs_wrong"));
    }
    assert_eq!(fetched.moved.len(), 1);
    assert!(world.host.requests(REPO).iter().all(|request| request.authorized));
}

#[tokio::test]
async fn a_token_is_nowhere_to_be_seen() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    world.host.require_token(REPO, TOKEN).unwrap();
    let clone = world.path("clone.git");
    world.git.init(&clone, HashKind::Sha1).await.unwrap();
    let remote = world.remote().with_token(TOKEN).unwrap();
    // Both git and its helper for HTTP run while the host is silent.
    world.host.faults(REPO).set_on(Scope::Fetch, Fault::Hang);

    let lines = tokio::select! {
        fetched = world.git.fetch(&clone, &remote, &Wanted::All, LIMIT, |_| ()) => panic!("it ended: {fetched:?}"),
        lines = async {
            world.host.requested(REPO, |counts| counts.fetches == 1).await;
            command_lines()
        } => lines,
    };

    let fetching: Vec<&String> = lines.iter().filter(|line| line.contains(&world.host.url_of(REPO))).collect();
    assert!(fetching.len() >= 2, "{fetching:?}");
    let shows = |text: &str| text.contains(TOKEN) || text.contains(ENCODED);
    assert!(!lines.iter().any(|line| shows(line)));
    for file in files_in(&clone) {
        assert!(!shows(&String::from_utf8_lossy(&fs::read(&file).unwrap())), "{}", file.display());
    }
}

#[tokio::test]
async fn a_token_is_not_carried_to_where_a_host_sends_us() {
    let world = World::new().await;
    world.push_file("main", "a", "1").await;
    let other = World::new().await;
    world.host.faults(REPO).set(Fault::Redirect(other.host.url_of(REPO)));
    let remote = world.remote().with_token(TOKEN).unwrap();

    let moved = world.git.ls_remote(&remote, LIMIT).await.unwrap_err();

    assert!(matches!(moved, GitError::Moved { .. }), "{moved:?}");
    assert!(other.host.requests(REPO).is_empty());
}

#[tokio::test]
async fn what_git_repeats_of_a_token_is_struck_out() {
    let world = World::new().await;
    let git =
        world.script("telltale-git", "echo \"fatal: $GIT_CONFIG_KEY_17 $GIT_CONFIG_VALUE_17 $(env | grep ghs_)\" >&2\nexit 128");
    let remote = world.remote().with_token(TOKEN).unwrap();

    let error = git.ls_remote(&remote, LIMIT).await.unwrap_err();

    let told = format!("{error} {error:?}");
    assert!(told.contains("Authorization: Basic ***"), "{told}");
    assert!(!told.contains(TOKEN) && !told.contains(ENCODED), "{told}");
}

/// How all processes of this machine were called.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
