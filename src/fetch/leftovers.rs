//! What is left over in the data folder: clones that were set aside, and those that a worker was making when it was killed.

use super::beside::disk;
use super::{Clones, FetchError};
use crate::domain::A_DAY;
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub path: PathBuf,
    pub bytes: u64,
    /// When it was left.
    pub at: Timestamp,
}

impl Clones {
    /// Clones that were set aside before that time, the oldest first.
    pub fn set_aside_before(&self, before: Timestamp) -> Result<Vec<Leftover>, FetchError> {
        let mut aside = folders_in(&self.data.join("aside")).map_err(disk("list the clones set aside"))?;
        aside.retain(|leftover| leftover.at < before);
        Ok(aside)
    }

    /// Clones that somebody was making so long ago that he must be gone.
    pub fn unfinished(&self, now: Timestamp) -> Result<Vec<Leftover>, FetchError> {
        let patience = A_DAY.max(self.settings.clone_time * 2);
        let mut unfinished = folders_in(&self.data.join("clones/.new")).map_err(disk("list unfinished clones"))?;
        unfinished.retain(|leftover| now.duration_since(leftover.at).unsigned_abs() > patience && leftover.at < now);
        Ok(unfinished)
    }

    /// Deletes leftovers; one that is gone already is as well.
    pub fn remove(&self, leftovers: &[Leftover]) -> Result<(), FetchError> {
        leftovers.iter().try_for_each(|leftover| removed(&leftover.path)).map_err(disk("delete a clone that is left over"))
    }

    /// Deletes the oldest of what was set aside until the rest fits its budget; never the newest.
    pub(super) fn forget_oldest_aside(&self, newest: &Path) -> Result<(), FetchError> {
        let aside = self.set_aside_before(Timestamp::MAX)?;
        let mut bytes: u64 = aside.iter().map(|leftover| leftover.bytes).sum();
        for leftover in aside.iter().filter(|leftover| leftover.path != newest) {
            if bytes <= self.settings.aside_bytes {
                break;
            }
            tracing::info!(path = %leftover.path.display(), size = leftover.bytes, "deleting a clone set aside, the budget is used up");
            removed(&leftover.path).map_err(disk("delete a clone set aside"))?;
            bytes -= leftover.bytes;
        }
        Ok(())
    }
}

/// The folders in a folder, the oldest first; none where it is not there.
fn folders_in(folder: &Path) -> io::Result<Vec<Leftover>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        let at = Timestamp::try_from(entry.metadata()?.modified()?).unwrap_or(Timestamp::MIN);
        folders.push(Leftover { bytes: size_of(&entry.path())?, path: entry.path(), at });
    }
    folders.sort_by_key(|leftover| leftover.at);
    Ok(folders)
}

fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => bytes += entry.metadata()?.len(),
            }
        }
    }
    Ok(bytes)
}

fn removed(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
