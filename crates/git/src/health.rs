//! Whether a clone can still be relied on, and what a killed git has left in it: a folder comes in, the first complaint of git
//! goes out. It removes nothing unless told that nobody is at work there.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Git, GitError};

/// How much of a clone is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All commits, and the files as the branches have them now: a second for 76,000 commits and 25,000 files.
    Tips,
    /// All commits with all their files.
    Everything,
}

impl Git {
    /// Looks for what is missing or damaged in a clone.
    ///
    /// # Errors
    /// [`GitError::Corrupt`] if the clone has to be made anew.
    pub async fn check(&self, repo: &Path, depth: Depth, limit: Duration) -> Result<(), GitError> {
        let walks: &[&[&str]] = match depth {
            Depth::Tips => &[&["--all", "--quiet"], &["--all", "--objects", "--no-walk=unsorted", "--quiet"]],
            Depth::Everything => &[&["--all", "--objects", "--quiet"]],
        };
        for walk in walks {
            let mut command = self.command_in(repo);
            command.arg("rev-list").args(*walk);
            self.ask(&mut command, limit).await.map_err(damage)?;
        }
        Ok(())
    }

    /// Removes the locks and half-written files of a git that was killed, and names them. Only for a caller that knows that no
    /// other git works in this clone.
    ///
    /// # Errors
    /// [`GitError::Disk`] if the folder cannot be read or a file not be removed.
    pub async fn remove_locks(&self, repo: &Path) -> Result<Vec<PathBuf>, GitError> {
        let repo = repo.to_owned();
        let removed = tokio::task::spawn_blocking(move || remove_left_over(&repo)).await.unwrap_or_else(|_| Ok(Vec::new()));
        removed.map_err(|error| GitError::Disk { said: error.to_string() })
    }
}

/// Whatever is not there in a walk of all that is named here was lost here.
fn damage(error: GitError) -> GitError {
    match error {
        GitError::Unknown { said } | GitError::Gone { said } | GitError::Failed { said, .. } => GitError::Corrupt { said },
        other => other,
    }
}

fn remove_left_over(repo: &Path) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for path in left_over(repo)? {
        std::fs::remove_file(&path)?;
        removed.push(path);
    }
    Ok(removed)
}

fn left_over(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(left_over(&entry.path())?);
        } else if is_left_over(entry.file_name().as_encoded_bytes()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Says whether git names a file so only while it writes it.
fn is_left_over(name: &[u8]) -> bool {
    name.ends_with(b".lock")
        || [&b"tmp_pack_"[..], b"tmp_idx_", b"tmp_rev_", b"tmp_obj_"].iter().any(|start| name.starts_with(start))
}
