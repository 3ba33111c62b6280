//! Reading history: a range comes in, commits go out one by one, parents first, each with the files it changed. It keeps one
//! commit at a time, so that the length of a history is git's affair alone.
//!
//! A merge shows what differs from its first parent: what it brings to the branch it is on. Someone who reviews a branch sees
//! there what arrived with the merge, whatever was resolved by hand included; the commits that were merged show the same
//! once more if they were not known before, each with its own author. (git by itself shows nothing for a merge.)

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use elmo_process::{Group, tail};
use tokio::io::AsyncRead;
use tokio::process::ChildStdout;
use tokio::task::JoinHandle;

use crate::changes::next_change;
use crate::error::{classify, killed};
use crate::fields::Fields;
use crate::program::{COMPLAINTS, feed};
use crate::{Change, Git, GitError, Hash, Renames};

/// Each field ends with a NUL, the message by itself.
const FORMAT: &str = "--format=%H%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%e%x00%B";

/// A commit as git has it. Its texts are UTF-8 if it says truly what they are written in; else they are its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub hash: Hash,
    /// None of a root, several of a merge; the first is the branch that was merged into.
    pub parents: Vec<Hash>,
    pub author: Signature,
    pub committer: Signature,
    /// What the commit says its texts were written in, if that is not UTF-8; git has decoded them if it could.
    pub encoding: Option<Vec<u8>>,
    /// The whole message up to a NUL, line feeds at its end included.
    pub message: Vec<u8>,
    /// What it changed; of a merge, against its first parent.
    pub changes: Vec<Change>,
}

/// Who, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub name: Vec<u8>,
    pub email: Vec<u8>,
    /// Seconds since 1970.
    pub time: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// Which commits are read.
#[derive(Debug, Clone, Default)]
pub struct Range {
    tips: Vec<Hash>,
    known: Vec<Hash>,
}

impl Range {
    /// Takes commits and all that they descend from.
    pub fn of(tips: impl IntoIterator<Item = Hash>) -> Range {
        Range { tips: tips.into_iter().filter(|tip| !tip.is_null()).collect(), known: Vec::new() }
    }

    /// Leaves out commits, and all that they descend from; they have to be in the clone.
    pub fn without(mut self, known: impl IntoIterator<Item = Hash>) -> Range {
        self.known.extend(known.into_iter().filter(|known| !known.is_null()));
        self
    }

    /// Takes what a branch won as it moved; all of it if it was new.
    pub fn between(before: Option<Hash>, after: Hash) -> Range {
        Range::of([after]).without(before)
    }

    fn request(&self) -> Vec<u8> {
        let tips = self.tips.iter().map(|tip| format!("{tip}\n"));
        let known = self.known.iter().map(|known| format!("^{known}\n"));
        tips.chain(known).collect::<String>().into_bytes()
    }
}

/// Commits that git is about to print; dropping it ends git.
pub struct Commits(Option<Running>);

struct Running {
    group: Group,
    fields: Fields<ChildStdout>,
    complaints: JoinHandle<Vec<u8>>,
}

impl Git {
    /// Reads the commits of a range, parents before children.
    ///
    /// git first walks the whole range to sort it, 0.3 s for 76,000 commits. `patience` is how long git may think about the
    /// next one.
    pub fn commits(&self, repo: &Path, range: &Range, renames: Renames, patience: Duration) -> Result<Commits, GitError> {
        let sorted = ["--topo-order", "--reverse"];
        // Without a tip git would take HEAD.
        if range.tips.is_empty() {
            return Ok(Commits(None));
        }
        self.log(repo, &sorted, range.request(), renames, patience)
    }

    /// Names the commits of a range, parents before children, without reading what they changed.
    pub async fn hashes(&self, repo: &Path, range: &Range, limit: Duration) -> Result<Vec<Hash>, GitError> {
        if range.tips.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = self.command_in(repo);
        command.args(["rev-list", "--stdin", "--topo-order", "--reverse"]);
        let printed = self.run(&mut command, range.request(), limit).await?.checked()?.stdout;
        let lines = printed.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| Hash::from_hex(line).ok_or_else(GitError::no_answer)).collect()
    }

    /// Reads just these commits, in this order.
    pub fn commits_named(&self, repo: &Path, hashes: &[Hash], renames: Renames, patience: Duration) -> Result<Commits, GitError> {
        if hashes.is_empty() {
            return Ok(Commits(None));
        }
        let request = Range { tips: hashes.to_vec(), known: Vec::new() }.request();
        self.log(repo, &["--no-walk=unsorted"], request, renames, patience)
    }

    fn log(
        &self,
        repo: &Path,
        order: &[&str],
        request: Vec<u8>,
        renames: Renames,
        patience: Duration,
    ) -> Result<Commits, GitError> {
        let mut command = self.command_in(repo);
        command.args(["log", "--stdin", "--raw", "-z", "--no-abbrev", "--no-color", "--no-ext-diff", "--no-decorate"]);
        command.args(["--diff-merges=first-parent", "--date=raw", "--encoding=UTF-8", FORMAT, renames.option()]).args(order);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = self.spawn(&mut command)?;
        let child = group.child();
        let Some(printed) = child.stdout.take() else {
            return Err(self.not_started(std::io::ErrorKind::BrokenPipe.into()));
        };
        tokio::spawn(feed(child.stdin.take(), request));
        let complaints = tokio::spawn(tail(child.stderr.take(), COMPLAINTS));
        let fields = Fields::new(printed, self.output_limit(), patience);
        Ok(Commits(Some(Running { group, fields, complaints })))
    }
}

impl Commits {
    /// Gives the next commit; none once git has said that there is no more, before which the range is not complete.
    pub async fn next(&mut self) -> Result<Option<Commit>, GitError> {
        let Some(running) = &mut self.0 else {
            return Ok(None);
        };
        let next = next_commit(&mut running.fields).await;
        match next {
            Ok(Some(commit)) => Ok(Some(commit)),
            Ok(None) | Err(GitError::Broken { .. }) => self.end(next).await,
            Err(error) => {
                self.0 = None;
                Err(error)
            }
        }
    }

    /// Gives all that are left.
    pub async fn rest(&mut self) -> Result<Vec<Commit>, GitError> {
        let mut all = Vec::new();
        while let Some(commit) = self.next().await? {
            all.push(commit);
        }
        Ok(all)
    }

    /// What git says as it ends is worth more than that its answer was cut off.
    async fn end(&mut self, last: Result<Option<Commit>, GitError>) -> Result<Option<Commit>, GitError> {
        let Some(Running { mut group, fields, complaints }) = self.0.take() else {
            return last;
        };
        drop(fields);
        let status = group.wait().await;
        let said = complaints.await.unwrap_or_default();
        match status.ok().map(|status| (status.success(), status.code())) {
            Some((true, _)) => last,
            Some((false, Some(code))) => Err(classify(code, &said)),
            _ => Err(killed(&said)),
        }
    }
}

/// Reads a commit; none at the end.
pub(crate) async fn next_commit<R: AsyncRead + Unpin>(fields: &mut Fields<R>) -> Result<Option<Commit>, GitError> {
    fields.begin();
    if fields.peek().await?.is_none() {
        return Ok(None);
    }
    let hash = Hash::from_hex(fields.next().await?).ok_or_else(GitError::no_answer)?;
    let parents = parents(fields.next().await?).ok_or_else(GitError::no_answer)?;
    let author = signature(fields).await?;
    let committer = signature(fields).await?;
    let encoding = Some(fields.next().await?.to_vec()).filter(|encoding| !encoding.is_empty());
    let message = fields.next().await?.to_vec();
    let mut changes = Vec::new();
    while let Some(change) = next_change(fields).await? {
        changes.push(change);
    }
    Ok(Some(Commit { hash, parents, author, committer, encoding, message, changes }))
}

async fn signature<R: AsyncRead + Unpin>(fields: &mut Fields<R>) -> Result<Signature, GitError> {
    let name = fields.next().await?.to_vec();
    let email = fields.next().await?.to_vec();
    let (time, offset) = date(fields.next().await?);
    Ok(Signature { name, email, time, offset })
}

fn parents(field: &[u8]) -> Option<Vec<Hash>> {
    field.split(|&byte| byte == b' ').filter(|hex| !hex.is_empty()).map(Hash::from_hex).collect()
}

/// Reads `1483000000 +0130`; a date that git itself could not read is 0.
fn date(field: &[u8]) -> (i64, i32) {
    let text = std::str::from_utf8(field).unwrap_or_default();
    let (time, zone) = text.split_once(' ').unwrap_or((text, ""));
    (time.parse().unwrap_or(0), zone.parse().map(east).unwrap_or(0))
}

/// Makes seconds of the number that `+0130` is.
fn east(zone: i32) -> i32 {
    zone.clamp(-9_999, 9_999) / 100 * 3600 + zone.clamp(-9_999, 9_999) % 100 * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_however_odd() {
        for (field, expected) in [
            ("1483000000 +0130", (1_483_000_000, 5400)),
            ("0 -0930", (0, -34_200)),
            ("-86400 +0000", (-86_400, 0)),
            ("", (0, 0)),
            ("99999999999999999999 +99999999999", (0, 0)),
            ("1 -123456", (1, -99 * 3600 - 99 * 60)),
        ] {
            assert_eq!(date(field.as_bytes()), expected, "{field}");
        }
    }
}
