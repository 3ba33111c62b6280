//! Questions about single commits: names and hashes come in, hashes and answers go out. No revision expression reaches git: a
//! name is a hash, the beginning of one, a branch, or `HEAD`.

use std::path::Path;
use std::time::Duration;

use crate::{Branch, Git, GitError, Hash};

const LIMIT: Duration = Duration::from_secs(120);
/// The fewest digits of a hash that git looks for.
const SHORTEST: usize = 4;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    Commit(Hash),
    Nothing,
    /// The beginning of several commits.
    Ambiguous(Vec<Hash>),
}

impl Git {
    /// Finds the commit that a name stands for: `HEAD`, a full hash, a branch, or the beginning of a hash, in this order.
    pub async fn resolve(&self, repo: &Path, name: &str) -> Result<Resolved, GitError> {
        if name == "HEAD" {
            return Ok(self.commit_at(repo, "HEAD".as_ref()).await?.into());
        }
        if name.parse::<Hash>().is_err()
            && let Ok(branch) = name.parse::<Branch>()
            && let Some(commit) = self.commit_at(repo, &branch.reference()).await?
        {
            return Ok(Resolved::Commit(commit));
        }
        let is_a_beginning = (SHORTEST..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_a_beginning { self.commits_beginning(repo, name).await } else { Ok(Resolved::Nothing) }
    }

    /// Says whether the first commit is the second or one that it descends from.
    pub async fn is_ancestor(&self, repo: &Path, first: &Hash, second: &Hash) -> Result<bool, GitError> {
        let mut command = self.command_in(repo);
        command.args(["merge-base", "--is-ancestor"]).args([first, second].map(Hash::to_string));
        let output = self.run(&mut command, Vec::new(), LIMIT).await?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(output.error()),
        }
    }

    /// Finds the newest commit that two have in common.
    pub async fn merge_base(&self, repo: &Path, one: &Hash, other: &Hash) -> Result<Option<Hash>, GitError> {
        let mut command = self.command_in(repo);
        command.arg("merge-base").args([one, other].map(Hash::to_string));
        let output = self.run(&mut command, Vec::new(), LIMIT).await?;
        match output.code {
            Some(0) => Hash::from_hex(output.stdout.trim_ascii_end()).map(Some).ok_or_else(GitError::no_answer),
            Some(1) => Ok(None),
            _ => Err(output.error()),
        }
    }

    /// Finds the commit of a reference that is written in full.
    async fn commit_at(&self, repo: &Path, reference: &std::ffi::OsStr) -> Result<Option<Hash>, GitError> {
        let mut command = self.command_in(repo);
        command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(reference);
        let output = self.run(&mut command, Vec::new(), LIMIT).await?;
        match output.code {
            // HEAD that stands on a branch without commits is a failure without words.
            Some(1) => Ok(None),
            _ => Ok(Hash::from_hex(output.checked()?.stdout.trim_ascii_end())),
        }
    }

    async fn commits_beginning(&self, repo: &Path, digits: &str) -> Result<Resolved, GitError> {
        let mut command = self.command_in(repo);
        command.arg("rev-parse").arg(format!("--disambiguate={}", digits.to_ascii_lowercase()));
        let objects = self.ask(&mut command, LIMIT).await?;
        let commits = self.commits_among(repo, objects).await?;
        Ok(match commits[..] {
            [] => Resolved::Nothing,
            [commit] => Resolved::Commit(commit),
            _ => Resolved::Ambiguous(commits),
        })
    }

    /// Gives those of these commits that are in the clone, in their order.
    pub async fn those_in(&self, repo: &Path, commits: &[Hash]) -> Result<Vec<Hash>, GitError> {
        let lines: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
        self.commits_among(repo, lines.into_bytes()).await
    }

    /// Leaves out the objects that are files and trees.
    async fn commits_among(&self, repo: &Path, objects: Vec<u8>) -> Result<Vec<Hash>, GitError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = self.command_in(repo);
        command.args(["cat-file", "--batch-check=%(objecttype) %(objectname)"]);
        let output = self.run(&mut command, objects, LIMIT).await?.checked()?;
        let lines = output.stdout.split(|&byte| byte == b'\n');
        Ok(lines.filter_map(|line| Hash::from_hex(line.strip_prefix(b"commit ")?)).collect())
    }
}

impl From<Option<Hash>> for Resolved {
    fn from(commit: Option<Hash>) -> Resolved {
        commit.map_or(Resolved::Nothing, Resolved::Commit)
    }
}
