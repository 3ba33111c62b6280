//! One bare repository and the pushes it has had: commits come in, a recorded push goes out. All its changes are made one after
//! the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::commit::{Commit, Onto};
use super::program::Git;
use crate::error::{Error, Result};

/// A reference that is gone before a push is to be seen.
pub(super) const INCOMING: &str = "refs/incoming";
/// When a repository's first commit was made, if it does not say: the beginning of 2026.
const BEGINNING: i64 = 1_767_225_600;

/// How a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hashes {
    #[default]
    Sha1,
    Sha256,
}

/// One push, as a host would tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub branch: String,
    /// None if the branch is new.
    pub before: Option<String>,
    /// None if the branch was deleted.
    pub after: Option<String>,
    /// The commits it made, parents first.
    pub commits: Vec<String>,
    /// Whether the branch was moved to where some of its commits are no part of it any more.
    pub forced: bool,
    pub user: String,
    /// When, in seconds since 1970.
    pub date: i64,
}

/// Branches with their commits.
pub(super) type Branches = BTreeMap<String, String>;

pub(super) struct Repository {
    pub(super) path: PathBuf,
    pub(super) hashes: Hashes,
    turn: tokio::sync::Mutex<()>,
    date: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) head: String,
    pub(super) branches: Branches,
    pub(super) pushes: Vec<Push>,
    /// The branches before each push.
    pub(super) past: Vec<Branches>,
    pub(super) token: Option<String>,
}

impl Repository {
    pub(super) async fn create(git: &Git, path: PathBuf, hashes: Hashes) -> Result<Self> {
        let format = match hashes {
            Hashes::Sha1 => "--object-format=sha1",
            Hashes::Sha256 => "--object-format=sha256",
        };
        std::fs::create_dir_all(&path).map_err(crate::Error::io_of("make", &path))?;
        git.run(&path, &["init", "--quiet", "--bare", "--template=", "--initial-branch=main", format], b"").await?;
        let state = Mutex::new(State { head: "main".to_owned(), ..State::default() });
        Ok(Self { path, hashes, turn: tokio::sync::Mutex::default(), date: AtomicI64::new(BEGINNING), state })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes commits, and moves a branch to the last of them.
    pub(super) async fn push(&self, git: &Git, mut push: Push, commits: Vec<Commit>) -> Result<Push> {
        let _turn = self.turn.lock().await;
        let before = self.state().branches.get(&push.branch).cloned();
        let start = before.clone().or_else(|| self.head());
        push.commits = self.make(git, start, commits).await?;
        push.before.clone_from(&before);
        push.after = push.commits.last().cloned();
        let Some(after) = &push.after else {
            return Err(Error::Invalid("a push without commits".to_owned()));
        };
        push.forced = match &before {
            Some(before) => !is_ancestor(git, &self.path, before, after).await,
            None => false,
        };
        git.run(&self.path, &["update-ref", &reference(&push.branch), after], b"").await?;
        self.record(push)
    }

    /// Moves a branch to a commit that is there, or deletes it.
    pub(super) async fn move_to(&self, git: &Git, mut push: Push) -> Result<Push> {
        let _turn = self.turn.lock().await;
        push.before = self.state().branches.get(&push.branch).cloned();
        let reference = reference(&push.branch);
        match (&push.before, &push.after) {
            (_, Some(after)) => git.run(&self.path, &["update-ref", &reference, after], b"").await?,
            (Some(_), None) => git.run(&self.path, &["update-ref", "-d", &reference], b"").await?,
            (None, None) => return Err(Error::Invalid(format!("no branch {}", push.branch))),
        };
        push.forced = match (&push.before, &push.after) {
            (Some(before), Some(after)) => !is_ancestor(git, &self.path, before, after).await,
            _ => false,
        };
        self.record(push)
    }

    /// Gives the default branch another name.
    pub(super) async fn rename_default_branch(&self, git: &Git, to: &str) -> Result<()> {
        let _turn = self.turn.lock().await;
        let from = self.state().head.clone();
        git.run(&self.path, &["branch", "--move", "--", &from, to], b"").await?;
        git.run(&self.path, &["symbolic-ref", "HEAD", &reference(to)], b"").await?;
        let mut state = self.state();
        let tip = state.branches.remove(&from);
        state.branches.extend(tip.map(|tip| (to.to_owned(), tip)));
        to.clone_into(&mut state.head);
        Ok(())
    }

    fn head(&self) -> Option<String> {
        let state = self.state();
        state.branches.get(&state.head).cloned()
    }

    fn record(&self, push: Push) -> Result<Push> {
        let mut state = self.state();
        let past = state.branches.clone();
        state.past.push(past);
        match &push.after {
            Some(after) => state.branches.insert(push.branch.clone(), after.clone()),
            None => state.branches.remove(&push.branch),
        };
        state.pushes.push(push.clone());
        Ok(push)
    }

    /// Makes commits one on the other, and names them. A merge has to know the commit it goes onto, so all before it are made first.
    async fn make(&self, git: &Git, start: Option<String>, commits: Vec<Commit>) -> Result<Vec<String>> {
        let (mut made, mut stream, mut marks, mut last) = (Vec::new(), Vec::new(), 0, start);
        for mut commit in commits {
            if !commit.merged.is_empty() {
                made.extend(self.import(git, &mut stream).await?);
                (marks, last) = (0, made.last().cloned().or(last));
                commit = self.merged(git, commit, last.as_deref()).await?;
            }
            let from = match &commit.onto {
                Onto::Branch => last.clone(),
                Onto::Nothing => None,
                Onto::Commit(hash) => Some(hash.clone()),
            };
            marks += 1;
            commit.import(&mut stream, marks, from.as_deref(), self.date.fetch_add(60, Ordering::Relaxed));
            last = Some(format!(":{marks}"));
        }
        made.extend(self.import(git, &mut stream).await?);
        Ok(made)
    }

    async fn merged(&self, git: &Git, mut commit: Commit, last: Option<&str>) -> Result<Commit> {
        let onto = match &commit.onto {
            Onto::Commit(hash) => hash.clone(),
            _ => last.ok_or_else(|| Error::Invalid("a merge into nothing".to_owned()))?.to_owned(),
        };
        for other in commit.merged.clone() {
            let base = git.line(&self.path, &["merge-base", &onto, &other]).await?;
            let raw = git.run(&self.path, &["diff-tree", "-r", "-z", "--raw", "--no-renames", &base, &other], b"").await?;
            commit = commit.taking_over(&raw);
        }
        Ok(commit)
    }

    async fn import(&self, git: &Git, stream: &mut Vec<u8>) -> Result<Vec<String>> {
        if stream.is_empty() {
            return Ok(Vec::new());
        }
        let nothing = "0".repeat(if self.hashes == Hashes::Sha1 { 40 } else { 64 });
        stream.extend_from_slice(format!("reset {INCOMING}\nfrom {nothing}\n\n").as_bytes());
        let printed = git.run(&self.path, &["fast-import", "--quiet", "--force"], &std::mem::take(stream)).await?;
        Ok(String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect())
    }
}

/// The name of a branch as git has it.
pub(super) fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

async fn is_ancestor(git: &Git, repository: &Path, first: &str, second: &str) -> bool {
    git.run(repository, &["merge-base", "--is-ancestor", first, second], b"").await.is_ok()
}
