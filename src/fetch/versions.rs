//! Clones as pages read them: two changesets in, which files differ and what is in them out. Never pulls and never writes.

use super::FetchError;
use super::clones::place;
use super::git_versions::GitVersions;
use crate::domain::{ErrorClass, Kept, RepositoryName, Revision};
use elmo_hg::{Hg, Kind, Node, Servers, StatusEntry};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one question may take.
const READING: Duration = Duration::from_secs(8);
/// Command servers that are kept while nobody asks, and for how long.
const WARM: usize = 2;
const WARM_FOR: Duration = Duration::from_secs(300);
/// How many bytes one question may bring.
const MOST: usize = 64 << 20;

/// Reads versions of files from the clones of this machine.
#[derive(Clone)]
pub struct Versions {
    data: PathBuf,
    hg: Hg,
    servers: Servers,
    git: GitVersions,
}

/// The versions of the programs that work on clones; none of one that does not run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    pub hg: Option<String>,
    pub git: Option<String>,
}

/// A file that differs between two changesets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path in the later one, or where it was if it is gone.
    pub path: Kept,
    pub how: How,
}

/// How a file differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    Added,
    Removed,
    Changed,
    /// The file of that path is still there.
    Copied(Kept),
    Renamed(Kept),
}

impl ChangedFile {
    /// Its path in the earlier changeset, if it had one.
    pub fn before(&self) -> Option<&Kept> {
        match &self.how {
            How::Added => None,
            How::Removed | How::Changed => Some(&self.path),
            How::Copied(from) | How::Renamed(from) => Some(from),
        }
    }

    /// Its path in the later changeset, if it has one.
    pub fn after(&self) -> Option<&Kept> {
        (self.how != How::Removed).then_some(&self.path)
    }
}

impl Versions {
    /// Reads the clones in `data` by `hg` and `git`.
    pub fn new(data: &Path, hg: &Path, git: &Path) -> Versions {
        let hg = Hg::new(hg);
        let servers = Servers::new(hg.clone(), WARM, WARM_FOR).with_output_limit(MOST);
        Versions { data: data.to_owned(), hg, servers, git: GitVersions::new(git, WARM, WARM_FOR) }
    }

    /// The files that differ between two changesets of a clone, by path; the null changeset has none.
    pub async fn changed(&self, clone: &RepositoryName, from: Revision, to: Revision) -> Result<Vec<ChangedFile>, FetchError> {
        if let Some(path) = self.of_git(clone) {
            return self.git.changed(&path, from, to, READING).await;
        }
        let entries = self.servers.status(&place(&self.data, clone), &node(from)?, &node(to)?).await?;
        Ok(changed_files(entries))
    }

    /// What is in these files of a changeset; those it does not have are left out.
    pub async fn contents(
        &self,
        clone: &RepositoryName,
        revision: Revision,
        paths: &[&Kept],
    ) -> Result<HashMap<Kept, Vec<u8>>, FetchError> {
        if let Some(path) = self.of_git(clone) {
            return self.git.contents(&path, revision, paths, READING).await;
        }
        let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.to_bytes()).collect();
        let paths: Vec<&[u8]> = paths.iter().map(Vec::as_slice).collect();
        let contents = self.servers.cat_all(&place(&self.data, clone), &node(revision)?, &paths, READING).await?;
        Ok(contents.into_iter().map(|(path, content)| (Kept::from_bytes(&path), content)).collect())
    }

    /// Where a clone is, if it is one of git.
    fn of_git(&self, clone: &RepositoryName) -> Option<PathBuf> {
        Some(place(&self.data, clone).join(".git")).filter(|path| path.exists())
    }

    /// The versions of the programs, as they say them.
    pub async fn programs(&self) -> Programs {
        let (hg, git) = tokio::join!(self.hg.version(), self.git.version());
        Programs { hg: hg.ok(), git }
    }
}

fn node(revision: Revision) -> Result<Node, FetchError> {
    let no_changeset = || FetchError::new(ErrorClass::Unrelated, format!("{revision} names no changeset of Mercurial"));
    revision.sha1().map(Node::from).ok_or_else(no_changeset)
}

/// A file that was copied while its source went away was renamed, once: a second copy of the source stays a copy.
fn changed_files(entries: Vec<StatusEntry>) -> Vec<ChangedFile> {
    let mut gone: HashSet<Vec<u8>> =
        entries.iter().filter(|entry| entry.kind == Kind::Removed).map(|entry| entry.path.clone()).collect();
    let mut renamed = HashSet::new();
    let mut files: Vec<ChangedFile> = entries
        .into_iter()
        .map(|entry| {
            let how = match (entry.kind, entry.copied_from) {
                (Kind::Removed, _) => How::Removed,
                (_, Some(source)) if gone.remove(&source) => {
                    renamed.insert(Kept::from_bytes(&source));
                    How::Renamed(Kept::from_bytes(&source))
                }
                (_, Some(source)) => How::Copied(Kept::from_bytes(&source)),
                (Kind::Added, None) => How::Added,
                (Kind::Modified, None) => How::Changed,
            };
            ChangedFile { path: Kept::from_bytes(&entry.path), how }
        })
        .collect();
    files.retain(|file| file.how != How::Removed || !renamed.contains(&file.path));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[cfg(test)]
mod tests {
    use super::{ChangedFile, How, changed_files};
    use elmo_hg::{Kind, StatusEntry};

    #[test]
    fn what_was_copied_and_went_away_was_renamed() {
        let entry = |path: &str, kind, source: Option<&str>| StatusEntry {
            path: path.as_bytes().to_vec(),
            kind,
            copied_from: source.map(|source| source.as_bytes().to_vec()),
        };
        let files = changed_files(vec![
            entry("m", Kind::Modified, None),
            entry("b", Kind::Added, Some("a")),
            entry("c", Kind::Added, Some("a")),
            entry("d", Kind::Added, Some("m")),
            entry("a", Kind::Removed, None),
            entry("z", Kind::Removed, None),
        ]);
        let file = |path: &str, how| ChangedFile { path: path.into(), how };
        let expected = [
            file("b", How::Renamed("a".into())),
            file("c", How::Copied("a".into())),
            file("d", How::Copied("m".into())),
            file("m", How::Changed),
            file("z", How::Removed),
        ];
        assert_eq!(files, expected);
    }
}
