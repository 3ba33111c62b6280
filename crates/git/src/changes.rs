//! What became of the files between two commits: two hashes come in, changed paths go out, as git prints them with `--raw -z`.
//! Paths are bytes, and never text.

use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncRead;

use crate::fields::Fields;
use crate::{Git, GitError, Hash};

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    /// Where it is now; where it was, if it is gone.
    pub path: Vec<u8>,
    /// Where it was before it was renamed, or what it is a copy of.
    pub from: Option<Vec<u8>>,
    /// What was there; none if nothing was.
    pub before: Option<Entry>,
    /// What is there now; none if nothing is.
    pub after: Option<Entry>,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Added,
    Modified,
    Removed,
    Renamed,
    Copied,
    /// A file became a link or a submodule, or the other way round.
    TypeChanged,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub mode: Mode,
    /// The content of a file, the target of a link, or the commit of a submodule, which is not in this clone.
    pub hash: Hash,
}

/// What kind of thing is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    File,
    Executable,
    Link,
    Submodule,
    /// What no git of today makes.
    Other(u32),
}

/// Which files are taken to be the same under another name; git does not record it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renames {
    /// None: one is gone, another is new.
    Ignored,
    /// Those that are the same to the byte.
    Exact,
    /// Those of which half is the same, unless a commit adds and removes hundreds.
    Similar,
}

impl Renames {
    pub(crate) fn option(self) -> &'static str {
        match self {
            Renames::Ignored => "--no-renames",
            Renames::Exact => "--find-renames=100%",
            Renames::Similar => "--find-renames=50%",
        }
    }
}

impl Mode {
    fn of(mode: u32) -> Option<Mode> {
        match mode {
            0 => None,
            0o100_644 => Some(Mode::File),
            0o100_755 => Some(Mode::Executable),
            0o120_000 => Some(Mode::Link),
            0o160_000 => Some(Mode::Submodule),
            other => Some(Mode::Other(other)),
        }
    }
}

impl Git {
    /// Lists the paths that differ between two commits, sorted as git does; [`Hash::null`] is the one without files.
    pub async fn changes_between(
        &self,
        repo: &Path,
        from: &Hash,
        to: &Hash,
        renames: Renames,
        limit: Duration,
    ) -> Result<Vec<Change>, GitError> {
        let mut command = self.command_in(repo);
        command.args(["diff-tree", "-r", "--raw", "-z", "--no-abbrev", "--no-ext-diff", renames.option()]);
        command.arg("--end-of-options").args([from, to].map(tree)).arg("--");
        let printed = self.ask(&mut command, limit).await?;
        let mut fields = Fields::new(&printed[..], self.output_limit(), limit);
        let mut changes = Vec::new();
        while let Some(change) = next_change(&mut fields).await? {
            changes.push(change);
        }
        Ok(changes)
    }
}

fn tree(commit: &Hash) -> String {
    if commit.is_null() { Hash::empty_tree(commit.kind()) } else { *commit }.to_string()
}

/// Reads a change, if the next field begins one.
pub(crate) async fn next_change<R: AsyncRead + Unpin>(fields: &mut Fields<R>) -> Result<Option<Change>, GitError> {
    // Between a message and the first change of its commit is a line feed.
    if !matches!(fields.peek().await?, Some(b':' | b'\n')) {
        return Ok(None);
    }
    let summary = summary(fields.next().await?).ok_or_else(GitError::no_answer)?;
    let first = fields.next().await?.to_vec();
    let (path, from) = match summary.kind {
        Kind::Renamed | Kind::Copied => (fields.next().await?.to_vec(), Some(first)),
        _ => (first, None),
    };
    let Summary { kind, before, after } = summary;
    Ok(Some(Change { kind, path, from, before, after }))
}

struct Summary {
    kind: Kind,
    before: Option<Entry>,
    after: Option<Entry>,
}

/// Reads `:100644 100644 HASH HASH M`.
fn summary(field: &[u8]) -> Option<Summary> {
    let text = std::str::from_utf8(field).ok()?.trim_start_matches('\n').strip_prefix(':')?;
    let mut words = text.split(' ');
    let [before, after] = [words.next()?, words.next()?].map(|mode| u32::from_str_radix(mode, 8).ok());
    let [old, new] = [words.next()?, words.next()?].map(|hash| Hash::from_hex(hash.as_bytes()));
    let (old, new) = (old?, new?);
    let kind = kind(words.next()?)?;
    let before = Mode::of(before?).map(|mode| Entry { mode, hash: old });
    let after = Mode::of(after?).map(|mode| Entry { mode, hash: new });
    Some(Summary { kind, before, after })
}

fn kind(status: &str) -> Option<Kind> {
    match status.as_bytes().first()? {
        b'A' => Some(Kind::Added),
        b'M' => Some(Kind::Modified),
        b'D' => Some(Kind::Removed),
        b'R' => Some(Kind::Renamed),
        b'C' => Some(Kind::Copied),
        b'T' => Some(Kind::TypeChanged),
        _ => None,
    }
}
