//! What is asked of a clone through a command server: nodes and paths come in, values go out. Each method runs one command
//! and reads its output, which is made of counted or NUL-ended fields; never text that is meant for people, but for one line.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use elmo_process::rooted_at_work;

use crate::error::classify;
use crate::server::Output;
use crate::{Changeset, HgError, Node, Servers};

/// How long a question that only reads the clone may take.
const READING: Duration = Duration::from_secs(300);
/// How long undoing a transaction may take.
const RECOVERING: Duration = Duration::from_secs(600);
/// Changesets asked for at once.
const BATCH: usize = 500;

/// What a pull has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// Whether there may be changesets that were not there before.
    pub changes: bool,
}

/// What became of one path between two changesets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    pub path: Vec<u8>,
    pub kind: Kind,
    /// The path it was copied or moved from.
    pub copied_from: Option<Vec<u8>>,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Added,
    Modified,
    Removed,
}

impl Servers {
    /// Pulls all that `url` (a URL or an absolute path) has and the clone has not.
    pub async fn pull(&self, repo: &Path, url: &str, limit: Duration) -> Result<Pulled, HgError> {
        let output = self.ask(repo, &["pull", "--", url], limit).await?;
        let is_nothing = |line: &[u8]| line == b"no changes found";
        Ok(Pulled { changes: !output.stdout.split(|&byte| byte == b'\n').any(is_nothing) })
    }

    /// Lists the changesets without children, those that close a branch too, the oldest first.
    pub async fn heads(&self, repo: &Path) -> Result<Vec<Node>, HgError> {
        let args = ["--hidden", "log", "-r", "sort(heads(all()), rev)", "-T", "{node}"];
        let output = self.ask(repo, &args, READING).await?;
        output.stdout.chunks(40).map(|hex| Node::from_hex(hex).ok_or_else(no_answer)).collect()
    }

    /// Gives the content of a file; `None` if the changeset has no file at exactly this path.
    pub async fn cat(&self, repo: &Path, node: &Node, path: &[u8], limit: Duration) -> Result<Option<Vec<u8>>, HgError> {
        Ok(self.cat_all(repo, node, &[path], limit).await?.remove(path))
    }

    /// Gives the contents of files of one changeset, in one request; paths that it does not have are left out.
    pub async fn cat_all(
        &self,
        repo: &Path,
        node: &Node,
        paths: &[&[u8]],
        limit: Duration,
    ) -> Result<HashMap<Vec<u8>, Vec<u8>>, HgError> {
        let paths = paths.iter().filter(|path| !path.is_empty() && !path.contains(&0));
        let patterns: Vec<Vec<u8>> = paths.map(|path| [b"path:", *path].concat()).collect();
        if patterns.is_empty() {
            return Ok(HashMap::new());
        }
        let node = node.to_string();
        let args = ["cat", "-r", &node, "-T", "{path|count}:{path}{data|count}:{data}", "--"].map(OsStr::new);
        let args: Vec<&OsStr> = args.into_iter().chain(patterns.iter().map(|pattern| OsStr::from_bytes(pattern))).collect();
        let output = self.run(repo, &args, limit).await?;
        // Without a single file hg ends with 1; the path of a folder stands for all that is in it.
        if output.code == 1 {
            return Ok(HashMap::new());
        }
        let printed = checked(output, repo)?.stdout;
        contents(&printed).ok_or_else(no_answer)
    }

    /// Lists the paths that differ between two changesets, sorted as hg does; [`Node::NULL`] is the one without files.
    pub async fn status(&self, repo: &Path, from: &Node, to: &Node) -> Result<Vec<StatusEntry>, HgError> {
        let (from, to) = (from.to_string(), to.to_string());
        let template = "{status}\\0{path}\\0{source}\\0";
        let args = ["status", "-mar", "-C", "--rev", &from, "--rev", &to, "-T", template];
        let output = self.ask(repo, &args, READING).await?;
        entries(&output.stdout).ok_or_else(no_answer)
    }

    /// Reads changesets in the order of `nodes`, for repositories whose changelog cannot be read without hg.
    pub async fn log(&self, repo: &Path, nodes: &[Node]) -> Result<Vec<Changeset>, HgError> {
        let mut changesets = Vec::with_capacity(nodes.len());
        for batch in nodes.chunks(BATCH) {
            let revs: Vec<String> = batch.iter().map(Node::to_string).collect();
            changesets.extend(self.log_of(repo, &revs.join("+")).await?);
        }
        Ok(changesets)
    }

    /// Reads the changesets of a range of revisions, as far as there are any.
    pub async fn log_range(&self, repo: &Path, revs: Range<u32>) -> Result<Vec<Changeset>, HgError> {
        let mut changesets = Vec::new();
        for start in revs.clone().step_by(BATCH) {
            let length = revs.end.saturating_sub(start).min(BATCH as u32);
            let batch = self.log_of(repo, &format!("limit(all(), {length}, {start})")).await?;
            let is_last = batch.len() < length as usize;
            changesets.extend(batch);
            if is_last {
                break;
            }
        }
        Ok(changesets)
    }

    /// Undoes a transaction that was cut off; does nothing if there is none.
    pub async fn recover(&self, repo: &Path) -> Result<(), HgError> {
        let output = self.run(repo, &["recover", "--no-verify"], RECOVERING).await?;
        match output.code {
            // There was nothing to undo.
            1 => Ok(()),
            _ => checked(output, repo).map(drop),
        }
    }

    async fn log_of(&self, repo: &Path, revs: &str) -> Result<Vec<Changeset>, HgError> {
        let output = self.ask(repo, &["--hidden", "log", "-r", revs, "-T", CHANGESET], READING).await?;
        changesets(&output.stdout).ok_or_else(no_answer)
    }

    async fn ask(&self, repo: &Path, args: &[&str], limit: Duration) -> Result<Output, HgError> {
        checked(self.run(repo, args, limit).await?, repo)
    }
}

fn checked(output: Output, repo: &Path) -> Result<Output, HgError> {
    match output.code {
        0 => Ok(output),
        code => Err(classify(code, &output.stderr, Some(&rooted_at_work(repo)))),
    }
}

fn no_answer() -> HgError {
    HgError::broken("answered what was not asked", b"")
}

pub(crate) fn entries(printed: &[u8]) -> Option<Vec<StatusEntry>> {
    let fields: Vec<&[u8]> = printed.split(|&byte| byte == 0).collect();
    fields.chunks_exact(3).map(entry).collect()
}

fn entry(fields: &[&[u8]]) -> Option<StatusEntry> {
    let kind = match fields[0] {
        b"A" => Kind::Added,
        b"M" => Kind::Modified,
        b"R" => Kind::Removed,
        _ => return None,
    };
    let copied_from = Some(fields[2].to_vec()).filter(|source| !source.is_empty());
    Some(StatusEntry { path: fields[1].to_vec(), kind, copied_from })
}

pub(crate) fn contents(mut printed: &[u8]) -> Option<HashMap<Vec<u8>, Vec<u8>>> {
    let mut contents = HashMap::new();
    while !printed.is_empty() {
        contents.insert(counted(&mut printed)?, counted(&mut printed)?);
    }
    Some(contents)
}

/// Three hashes, the date, and the rest each behind its length, for a text may hold anything.
const CHANGESET: &str = "{node}{p1node}{p2node}{date|hgdate}\\n\
    {ifcontains('close', extras, '1', '0')}\
    {author|count}:{author}{branch|count}:{branch}{desc|count}:{desc}\
    {files|count}:{files % '{file}\\0'}";

pub(crate) fn changesets(mut printed: &[u8]) -> Option<Vec<Changeset>> {
    let mut changesets = Vec::new();
    while !printed.is_empty() {
        changesets.push(changeset(&mut printed)?);
    }
    Some(changesets)
}

fn changeset(rest: &mut &[u8]) -> Option<Changeset> {
    let [node, p1, p2] = [node(rest)?, node(rest)?, node(rest)?];
    let date = until(rest, b' ')?.parse().ok()?;
    let offset = until(rest, b'\n')?.parse().ok()?;
    let closes_branch = take(rest, 1)? == b"1";
    let [author, branch, description] = [counted(rest)?, counted(rest)?, counted(rest)?];
    let files = files(rest)?;
    Some(Changeset { node, parents: [p1, p2], author, description, branch, closes_branch, date, offset, files })
}

fn node(rest: &mut &[u8]) -> Option<Node> {
    Node::from_hex(take(rest, 40)?)
}

fn counted(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = until(rest, b':')?.parse().ok()?;
    take(rest, length).map(<[u8]>::to_vec)
}

fn files(rest: &mut &[u8]) -> Option<Vec<Vec<u8>>> {
    let count: usize = until(rest, b':')?.parse().ok()?;
    (0..count).map(|_| Some(bytes_until(rest, 0)?.to_vec())).collect()
}

fn until<'a>(rest: &mut &'a [u8], end: u8) -> Option<&'a str> {
    std::str::from_utf8(bytes_until(rest, end)?).ok()
}

fn bytes_until<'a>(rest: &mut &'a [u8], end: u8) -> Option<&'a [u8]> {
    let at = rest.iter().position(|&byte| byte == end)?;
    let found = take(rest, at)?;
    take(rest, 1)?;
    Some(found)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}
