//! Bringing a bare clone into step with a host: a folder, a remote and branches come in; what moved goes out. A clone is a
//! fetch into an empty folder.
//!
//! Only branches are fetched, no tags, and no references of others such as GitHub's pull requests. Branches move wherever the
//! host's are; what that leaves behind stays in the clone, because nothing here collects garbage, and [`Git::keep`] protects
//! it from who does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use elmo_process::measure;
use tokio::process::Command;

use crate::error::redirection;
use crate::program::Output;
use crate::{Branch, Git, GitError, Hash, HashKind, Remote};

/// How long something may take that only touches the clone.
const AT_HOME: Duration = Duration::from_secs(300);
const ALL: &str = "+refs/heads/*:refs/heads/*";
/// Below this are references of ours, one for each commit that is to stay.
const KEPT: &str = "refs/elmo/kept";

/// What a host has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The branch that the host's HEAD stands on; none if it has no commit yet, or HEAD stands on none.
    pub head: Option<Branch>,
    pub branches: BTreeMap<Branch, Hash>,
    /// Where the repository is now, if the host sent us on.
    pub moved_to: Option<String>,
}

/// Which branches are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All that the host has; those that it has no more are deleted here.
    All,
    /// These; those of them that the host has no more are deleted here.
    Only(Vec<Branch>),
}

/// What a fetch has brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    /// In the order of their names. After a fetch that was cut off, compare [`Git::branches`] with what you know instead.
    pub moved: Vec<Moved>,
    /// Where the repository is now, if the host sent us on.
    pub moved_to: Option<String>,
}

/// A branch that is not where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub branch: Branch,
    /// None if it is new.
    pub before: Option<Hash>,
    /// None if it was deleted.
    pub after: Option<Hash>,
    pub how: How,
}

/// How a branch moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    New,
    /// By commits on top of what it had.
    Forward,
    /// To where some of its commits are no part of it any more.
    Forced,
    Deleted,
}

impl Git {
    /// Asks a host for its branches.
    pub async fn ls_remote(&self, remote: &Remote, limit: Duration) -> Result<Listing, GitError> {
        let mut command = self.command_to(remote, None);
        command.args(["ls-remote", "--symref", "--end-of-options", remote.url()]);
        let output = self.run_to(remote, &mut command, limit).await?;
        let moved_to = redirection(&output.stderr);
        Ok(Listing { moved_to, ..listing(&output.stdout) })
    }

    /// Makes an empty bare clone in a folder that is empty or not there; in one that is a clone already nothing changes.
    pub async fn init(&self, repo: &Path, kind: HashKind) -> Result<(), GitError> {
        let mut command = self.command();
        command.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--object-format", kind.name()]);
        command.arg("--end-of-options").arg(elmo_process::rooted_at_work(repo));
        self.ask(&mut command, AT_HOME).await.map(drop)
    }

    /// Brings branches to where the host has them.
    ///
    /// `progress` is told about twice a second how large the clone has become. What a fetch that failed has brought stays, and
    /// need not be brought again.
    pub async fn fetch(
        &self,
        repo: &Path,
        remote: &Remote,
        wanted: &Wanted,
        limit: Duration,
        progress: impl FnMut(u64),
    ) -> Result<Fetched, GitError> {
        let before = self.branches(repo).await?;
        let moved_to = self.update(repo, remote, wanted, limit, progress).await?;
        let after = self.branches(repo).await?;
        Ok(Fetched { moved: self.moved(repo, &before, &after).await?, moved_to })
    }

    /// As [`Git::fetch`], without a look at what moved; says where the repository is now, if the host sent us on.
    pub async fn update(
        &self,
        repo: &Path,
        remote: &Remote,
        wanted: &Wanted,
        limit: Duration,
        mut progress: impl FnMut(u64),
    ) -> Result<Option<String>, GitError> {
        let fetching = async {
            match wanted {
                Wanted::All => {
                    self.fetch_refspecs(repo, remote, &["--prune".into(), "--end-of-options".into()], &[ALL.into()], limit).await
                }
                Wanted::Only(branches) => self.fetch_only(repo, remote, branches, limit).await,
            }
        };
        tokio::select! {
            fetched = fetching => fetched,
            never = measure(repo, &mut progress) => match never {},
        }
    }

    /// Lists the branches of a clone.
    pub async fn branches(&self, repo: &Path) -> Result<BTreeMap<Branch, Hash>, GitError> {
        let printed = self.references(repo, "refs/heads").await?;
        let branches = printed.into_iter().filter_map(|(hash, reference)| Some((Branch::from_reference(&reference)?, hash)));
        Ok(branches.collect())
    }

    /// Keeps commits from ever becoming garbage, whatever their branches do; those that are kept already stay so.
    pub async fn keep(&self, repo: &Path, commits: &[Hash]) -> Result<(), GitError> {
        let line = |hash: &Hash| format!("update {KEPT}/{hash} {hash}\n");
        let lines: String = commits.iter().filter(|hash| !hash.is_null()).map(line).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let mut command = self.command_in(repo);
        command.args(["update-ref", "--stdin"]);
        let output = self.run(&mut command, lines.into_bytes(), AT_HOME).await?;
        output.checked().map(drop)
    }

    /// Fetches commits by their hashes, whether or not a branch of the host has them, and keeps them as [`Git::keep`] does. Gives those
    /// that the host has. A want "can be anything" and is "not limited to advertised objects" in git's protocol 2 (gitprotocol-v2).
    pub async fn fetch_kept(&self, repo: &Path, remote: &Remote, commits: &[Hash], limit: Duration) -> Result<Vec<Hash>, GitError> {
        let mut there: Vec<Hash> = commits.iter().filter(|hash| !hash.is_null()).copied().collect();
        let began = Instant::now();
        while !there.is_empty() {
            let refspecs: Vec<OsString> = there.iter().map(|hash| format!("+{hash}:{KEPT}/{hash}").into()).collect();
            let left = limit.saturating_sub(began.elapsed());
            match self.fetch_refspecs(repo, remote, &["--end-of-options".into()], &refspecs, left).await {
                Ok(_) => break,
                // It names one, and says nothing of the others.
                Err(GitError::NoSuchCommit { said }) if there.iter().any(|hash| said.contains(&hash.to_string())) => {
                    there.retain(|hash| !said.contains(&hash.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(there)
    }

    /// Lists the commits that are kept.
    pub async fn kept(&self, repo: &Path) -> Result<Vec<Hash>, GitError> {
        Ok(self.references(repo, KEPT).await?.into_iter().map(|(hash, _)| hash).collect())
    }

    /// Puts the clone's HEAD on a branch, which need not be there; fetching does not.
    pub async fn set_head(&self, repo: &Path, branch: &Branch) -> Result<(), GitError> {
        let mut command = self.command_in(repo);
        command.args(["symbolic-ref", "HEAD"]).arg(branch.reference());
        self.ask(&mut command, AT_HOME).await.map(drop)
    }

    /// Fetches named branches; only if the host does not have one of them it is asked which it has.
    async fn fetch_only(
        &self,
        repo: &Path,
        remote: &Remote,
        branches: &[Branch],
        limit: Duration,
    ) -> Result<Option<String>, GitError> {
        match self.fetch_branches(repo, remote, branches.iter(), limit).await {
            Err(GitError::NoSuchBranch { .. }) => {}
            other => return other,
        }
        let (theirs, ours) = (self.ls_remote(remote, limit).await?, self.branches(repo).await?);
        let (there, gone): (Vec<&Branch>, Vec<&Branch>) = branches.iter().partition(|branch| theirs.branches.contains_key(branch));
        for branch in gone.into_iter().filter(|branch| ours.contains_key(branch)) {
            self.delete(repo, branch).await?;
        }
        self.fetch_branches(repo, remote, there.into_iter(), limit).await?;
        Ok(theirs.moved_to)
    }

    async fn fetch_branches(
        &self,
        repo: &Path,
        remote: &Remote,
        branches: impl Iterator<Item = &Branch>,
        limit: Duration,
    ) -> Result<Option<String>, GitError> {
        let refspecs: Vec<OsString> = branches.map(Branch::refspec).collect();
        if refspecs.is_empty() {
            return Ok(None);
        }
        self.fetch_refspecs(repo, remote, &["--end-of-options".into()], &refspecs, limit).await
    }

    /// Runs the fetch itself, and says where the host has sent it.
    ///
    /// Not `--atomic`: with it git cannot put `a/b` in the place of `a`, and the next fetch completes one that was cut off.
    async fn fetch_refspecs(
        &self,
        repo: &Path,
        remote: &Remote,
        options: &[OsString],
        refspecs: &[OsString],
        limit: Duration,
    ) -> Result<Option<String>, GitError> {
        let mut command = self.command_to(remote, Some(repo));
        command.args(["fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"]);
        command.arg("--no-progress").args(options).arg(remote.url()).args(refspecs);
        let output = self.run_to(remote, &mut command, limit).await?;
        Ok(redirection(&output.stderr))
    }

    async fn delete(&self, repo: &Path, branch: &Branch) -> Result<(), GitError> {
        let mut command = self.command_in(repo);
        command.args(["update-ref", "-d"]).arg(branch.reference());
        self.ask(&mut command, AT_HOME).await.map(drop)
    }

    async fn moved(
        &self,
        repo: &Path,
        before: &BTreeMap<Branch, Hash>,
        after: &BTreeMap<Branch, Hash>,
    ) -> Result<Vec<Moved>, GitError> {
        let deleted = before.keys().filter(|branch| !after.contains_key(branch));
        let mut names: Vec<&Branch> = after.keys().chain(deleted).collect();
        names.sort();
        let mut moved = Vec::new();
        for branch in names {
            let (before, after) = (before.get(branch).copied(), after.get(branch).copied());
            if before != after {
                let how = self.how(repo, before, after).await?;
                moved.push(Moved { branch: branch.clone(), before, after, how });
            }
        }
        Ok(moved)
    }

    async fn how(&self, repo: &Path, before: Option<Hash>, after: Option<Hash>) -> Result<How, GitError> {
        match (before, after) {
            (None, _) => Ok(How::New),
            (_, None) => Ok(How::Deleted),
            (Some(before), Some(after)) if self.is_ancestor(repo, &before, &after).await? => Ok(How::Forward),
            _ => Ok(How::Forced),
        }
    }

    async fn references(&self, repo: &Path, below: &str) -> Result<Vec<(Hash, Vec<u8>)>, GitError> {
        let mut command = self.command_in(repo);
        command.args(["for-each-ref", "--format=%(objectname) %(refname)", below]);
        let printed = self.ask(&mut command, AT_HOME).await?;
        let lines = printed.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| named(line, b' ').ok_or_else(GitError::no_answer)).collect()
    }

    async fn run_to(&self, remote: &Remote, command: &mut Command, limit: Duration) -> Result<Output, GitError> {
        let output = self.run(command, Vec::new(), limit).await;
        output.and_then(Output::checked).map_err(|error| error.scrubbed(remote))
    }
}

/// Reads a hash and a name behind it.
fn named(line: &[u8], between: u8) -> Option<(Hash, Vec<u8>)> {
    let at = line.iter().position(|&byte| byte == between)?;
    Some((Hash::from_hex(&line[..at])?, line[at + 1..].to_vec()))
}

/// Reads what a host has; what is no branch is left out.
pub(crate) fn listing(printed: &[u8]) -> Listing {
    let mut listing = Listing::default();
    for line in printed.split(|&byte| byte == b'\n') {
        if let Some(target) = line.strip_prefix(b"ref: ").and_then(|line| line.strip_suffix(b"\tHEAD")) {
            listing.head = Branch::from_reference(target);
        } else if let Some((hash, reference)) = named(line, b'\t') {
            let branch = Branch::from_reference(&reference);
            listing.branches.extend(branch.map(|branch| (branch, hash)));
        }
    }
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_picked_out_of_what_a_host_lists() {
        let hash = "0123456789012345678901234567890123456789";
        let printed = format!(
            "ref: refs/heads/main\tHEAD\n{hash}\tHEAD\n{hash}\trefs/heads/main\n{hash}\trefs/heads/a b\n\
             {hash}\trefs/pull/1/head\n{hash}\trefs/tags/v1\n{hash}\trefs/tags/v1^{{}}\nnonsense\n"
        );

        let listing = listing(printed.as_bytes());

        let main: Branch = "main".parse().unwrap();
        assert_eq!(listing.head, Some(main.clone()));
        assert_eq!(listing.branches, BTreeMap::from([(main, hash.parse().unwrap())]));
    }
}
