//! A host with repositories, bare clones in a temporary folder, and the git that keeps them in step.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use elmo_git::{Branch, Commit, Fetched, Git, GitError, Hash, HashKind, Range, Remote, Renames, Wanted};
use elmo_upstream::git::{Commit as NewCommit, Hashes, Host, Push};
use tempfile::TempDir;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const REPO: &str = "mozilla-l10n/firefox-l10n";
pub(crate) const USER: &str = "anna";

/// A host with one empty repository, and a folder for clones.
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) folder: TempDir,
    pub(crate) git: Git,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(Hashes::Sha1).await
    }

    pub(crate) async fn with(hashes: Hashes) -> World {
        let host = Host::start().await.unwrap();
        host.create_with(REPO, hashes).await.unwrap();
        World { host, folder: TempDir::new().unwrap(), git: Git::new("git") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote::new(&self.host.url_of(REPO)).unwrap()
    }

    /// A clone that has all that the host has.
    pub(crate) async fn cloned(&self) -> PathBuf {
        let clone = self.path("clone.git");
        self.git.init(&clone, HashKind::Sha1).await.unwrap();
        self.fetch(&clone).await;
        clone
    }

    pub(crate) async fn fetch(&self, clone: &Path) -> Fetched {
        self.try_fetch(clone).await.unwrap()
    }

    pub(crate) async fn try_fetch(&self, clone: &Path) -> Result<Fetched, GitError> {
        self.git.fetch(clone, &self.remote(), &Wanted::All, LIMIT, |_| ()).await
    }

    /// Pushes a commit that writes one file.
    pub(crate) async fn push_file(&self, branch: &str, path: &str, contents: &str) -> Hash {
        let commit = NewCommit::new(format!("Write {path}")).file(path, contents);
        after(&self.push(branch, [commit]).await)
    }

    pub(crate) async fn push(&self, branch: &str, commits: impl IntoIterator<Item = NewCommit>) -> Push {
        self.host.push(REPO, branch, USER, commits).await.unwrap()
    }

    /// All commits of some tips.
    pub(crate) async fn read(&self, clone: &Path, tips: impl IntoIterator<Item = Hash>) -> Vec<Commit> {
        self.git.commits(clone, &Range::of(tips), Renames::Similar, LIMIT).unwrap().rest().await.unwrap()
    }

    /// An executable that stands in for git, and knows the real one by `real`.
    pub(crate) fn script(&self, name: &str, body: &str) -> Git {
        let path = self.path(name);
        let folder = self.folder.path().display();
        fs::write(&path, format!("#!/bin/sh\nfolder='{folder}'\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Git::new(path).with_grace(Duration::from_millis(200))
    }
}

/// Where a push has left its branch.
pub(crate) fn after(push: &Push) -> Hash {
    push.after.as_ref().unwrap().parse().unwrap()
}

pub(crate) fn hashes(hexes: &[String]) -> Vec<Hash> {
    hexes.iter().map(|hex| hex.parse().unwrap()).collect()
}

pub(crate) fn branch(name: &str) -> Branch {
    name.parse().unwrap()
}

/// Looks again and again until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process is neither running nor sleeping; one that nobody has reaped yet counts as dead.
pub(crate) fn is_dead(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return true;
    };
    stat.rsplit_once(") ").is_some_and(|(_, after)| after.starts_with(['Z', 'X']))
}

/// The numbers that scripts have written to a file, one a line.
pub(crate) fn pids(file: &Path) -> Vec<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// All files below a folder.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}
