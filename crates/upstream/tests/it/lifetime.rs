//! What an upstream starts ends with it.

use std::path::Path;
use std::time::Duration;

use elmo_testbed::{Mercurial, until};
use elmo_upstream::{Commit, Options, Upstream};
use tempfile::tempdir;

use crate::support::{REPO, USER, get, hg};

const PATIENCE: Duration = Duration::from_secs(30);

/// The command lines of running processes that name a folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(folder)).collect()
}

/// How many processes a warm server has forked that have not ended.
fn forks_of(mercurial: &Mercurial) -> usize {
    let parent = mercurial.pid().unwrap().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    let is_fork = |stat: &String| {
        // The name before this can have spaces in it.
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.next() != Some("Z") && fields.next() == Some(&parent)
    };
    stats.filter(is_fork).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_it() {
    let folder = tempdir().unwrap();
    let options = Options { folder: Some(folder.path().join("up")), workers: 2, ..Options::default() };
    let upstream = Upstream::start(options).await.unwrap();
    upstream.create(REPO).await.unwrap();
    upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(get(&upstream, &format!("/{REPO}?cmd=heads")).await.status, 200);
    }
    let host = upstream.url().trim_start_matches("http://").to_owned();
    assert!(processes_of(folder.path()).len() >= 4);

    drop(upstream);

    assert_eq!(processes_of(folder.path()), Vec::<String>::new());
    assert!(folder.path().join("up/repos").join(REPO).exists(), "a named folder stays");
    let free = async {
        while tokio::net::TcpStream::connect(&host).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), free).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_programs_are_forks_of_a_warm_server_and_end_with_it() {
    let mercurial = Mercurial::start().await.unwrap();
    let options = Options { warm: Some(mercurial.socket()), workers: 2, ..Options::default() };
    let upstream = Upstream::start(options).await.unwrap();
    upstream.create(REPO).await.unwrap();
    upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(get(&upstream, &format!("/{REPO}?cmd=heads")).await.status, 200);
    }
    until("there are three forks", PATIENCE, async || forks_of(&mercurial) == 3).await;

    drop(upstream);

    until("there are none", PATIENCE, async || forks_of(&mercurial) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_temporary_folder_goes_with_it() {
    let upstream = Upstream::start(Options::default()).await.unwrap();
    upstream.create(REPO).await.unwrap();
    let path = upstream.path_of(REPO);
    assert!(path.exists());

    drop(upstream);

    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_mercurial_is_said_at_once() {
    let options = Options { hg: "/nowhere/hg".into(), ..Options::default() };
    let error = Upstream::start(options).await.err().unwrap();
    assert_eq!(error.to_string(), "could not start /nowhere/hg");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_serve_the_same_repositories() {
    let upstream = Upstream::start(Options { workers: 2, ..Options::default() }).await.unwrap();
    upstream.create(REPO).await.unwrap();
    upstream.push(REPO, USER, [Commit::new("One").file("a", "1")]).await.unwrap();
    let folder = tempdir().unwrap();
    let url = upstream.url_of(REPO);
    let clones = ["a", "b", "c"].map(|name| {
        let (folder, url) = (folder.path().to_owned(), url.clone());
        tokio::spawn(async move { hg(&folder, &["clone", "-q", "-U", &url, name]).await })
    });
    for clone in clones {
        clone.await.unwrap();
    }
}
