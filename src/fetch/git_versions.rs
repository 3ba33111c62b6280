//! Clones of git as pages read them: two commits in, which files differ and what is in them out.

use super::FetchError;
use super::git_clones::hash;
use super::versions::{ChangedFile, How};
use crate::domain::{ErrorClass, Kept, Revision};
use elmo_git::{Change, Found, Git, Hash, Kind, Mode, Objects, Renames};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Reads versions of files from clones of git.
#[derive(Clone)]
pub(super) struct GitVersions {
    git: Git,
    objects: Objects,
}

impl GitVersions {
    /// Reads by `git`; so many processes are kept for so long while nobody asks.
    pub(super) fn new(program: &Path, warm: usize, warm_for: Duration) -> GitVersions {
        let git = Git::new(program);
        GitVersions { objects: Objects::new(git.clone(), warm, warm_for), git }
    }

    /// The files that differ between two commits, by path; submodules are no files.
    pub(super) async fn changed(
        &self,
        clone: &Path,
        from: Revision,
        to: Revision,
        time: Duration,
    ) -> Result<Vec<ChangedFile>, FetchError> {
        let (from, to) = (beside(from, to), beside(to, from));
        let changes = self.git.changes_between(clone, &from, &to, Renames::Similar, time).await?;
        let mut files: Vec<ChangedFile> = changes.iter().filter(|change| is_of_files(change)).map(changed_file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// What is in these files of a commit; those it does not have are left out.
    pub(super) async fn contents(
        &self,
        clone: &Path,
        revision: Revision,
        paths: &[&Kept],
        time: Duration,
    ) -> Result<HashMap<Kept, Vec<u8>>, FetchError> {
        let bytes: Vec<Vec<u8>> = paths.iter().map(|path| path.to_bytes()).collect();
        let asked: Vec<(Hash, &[u8])> = bytes.iter().map(|path| (hash(&revision), path.as_slice())).collect();
        let found = self.objects.read_all(clone, &asked, time).await?;
        let mut contents = HashMap::with_capacity(paths.len());
        for (path, found) in paths.iter().zip(found) {
            match found {
                Found::File(content) => drop(contents.insert((*path).clone(), content)),
                Found::Nothing => {}
                Found::TooLarge(bytes) => {
                    return Err(FetchError::new(ErrorClass::Ours, format!("{path} has {bytes} bytes, which are too many to show")));
                }
            }
        }
        Ok(contents)
    }

    /// The version of git, if it runs.
    pub(super) async fn version(&self) -> Option<String> {
        self.git.version().await.ok()
    }
}

/// The name of a commit to git; what is null is of the kind of the other.
fn beside(one: Revision, other: Revision) -> Hash {
    if one == Revision::NULL { Hash::null(hash(&other).kind()) } else { hash(&one) }
}

fn is_of_files(change: &Change) -> bool {
    [change.before, change.after].into_iter().flatten().all(|entry| entry.mode != Mode::Submodule)
}

fn changed_file(change: &Change) -> ChangedFile {
    let from = || change.from.as_ref().map(|from| Kept::from_bytes(from));
    let how = match (change.kind, from()) {
        (Kind::Added, _) => How::Added,
        (Kind::Removed, _) => How::Removed,
        (Kind::Renamed, Some(from)) => How::Renamed(from),
        (Kind::Copied, Some(from)) => How::Copied(from),
        _ => How::Changed,
    };
    ChangedFile { path: Kept::from_bytes(&change.path), how }
}
