//! Reading files of any commit: a clone, commits and paths come in, contents go out. Behind it are warm `git cat-file`
//! processes, each on the clone it was started for.
//!
//! A process answers one question at a time; it is ended when it breaks, takes too long, or has been idle for long. It sees what
//! later fetches bring. Dropping the last handle, or the future of a question, leaves no process behind.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use elmo_process::rooted_at_work;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::server::{Object, Server};
use crate::{Git, GitError, Hash};

/// Bytes of one file that are taken, if not set.
const FILE: u64 = 64 * 1024 * 1024;
/// Bytes of one folder's list of files that are taken.
const FOLDER: u64 = 64 * 1024 * 1024;

/// A handle on the processes; clones of it share them.
#[derive(Clone)]
pub struct Objects {
    pool: Arc<Pool>,
    file_limit: u64,
}

/// What a commit has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The content of a file, or the target of a link.
    File(Vec<u8>),
    /// No file: nothing, a folder, or a submodule.
    Nothing,
    /// A file of so many bytes, which are more than are taken.
    TooLarge(u64),
}

struct Pool {
    git: Git,
    keep_idle: usize,
    idle_for: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The most recently used last.
    idle: Vec<Idle>,
    /// Whether somebody looks after those that have been idle for long.
    is_watched: bool,
}

struct Idle {
    repo: PathBuf,
    server: Server,
    since: Instant,
}

impl Objects {
    /// Makes an empty pool: a process is started when one is needed, at most `keep_idle` are kept when they are not, and each
    /// of those no longer than `idle_for`.
    pub fn new(git: Git, keep_idle: usize, idle_for: Duration) -> Objects {
        let pool = Pool { git, keep_idle, idle_for, state: Mutex::default() };
        Objects { pool: Arc::new(pool), file_limit: FILE }
    }

    /// Sets how many bytes of one file this handle takes; 64 MiB if not set.
    pub fn with_file_limit(mut self, bytes: u64) -> Objects {
        self.file_limit = bytes;
        self
    }

    /// Reads one file of a commit.
    ///
    /// # Errors
    /// [`GitError::Unknown`] if the clone does not have the commit.
    pub async fn read(&self, repo: &Path, commit: &Hash, path: &[u8], limit: Duration) -> Result<Found, GitError> {
        let mut found = self.read_all(repo, &[(*commit, path)], limit).await?;
        found.pop().ok_or_else(GitError::no_answer)
    }

    /// Reads files of commits, in the order they are named; [`Hash::null`] has none.
    ///
    /// # Errors
    /// As [`Objects::read`].
    pub async fn read_all(&self, repo: &Path, files: &[(Hash, &[u8])], limit: Duration) -> Result<Vec<Found>, GitError> {
        let repo = rooted_at_work(repo);
        let deadline = Instant::now() + limit;
        let mut server = self.pool.server(&repo)?;
        let mut found = Vec::with_capacity(files.len());
        for (commit, path) in files {
            let question = async {
                let mut question = Question { server: &mut server, commit, path, limit: self.file_limit };
                question.answer().await
            };
            match timeout_at(deadline, question).await {
                Ok(Ok(answer)) => found.push(answer),
                Ok(Err(Failure::Told(error))) => return Err(error),
                Ok(Err(Failure::Io(failure))) => return Err(server.kill(&failure).await),
                Err(_) => return Err(GitError::TimedOut { limit }),
            }
        }
        self.pool.keep(repo, server);
        Ok(found)
    }

    /// Counts the processes that wait for work.
    pub fn idle(&self) -> usize {
        self.pool.state().idle.len()
    }

    /// Ends the processes that wait on one clone, because another takes its place, or it goes away.
    pub fn forget(&self, repo: &Path) {
        let repo = rooted_at_work(repo);
        self.pool.state().idle.retain(|idle| idle.repo != repo);
    }
}

struct Question<'a> {
    server: &'a mut Server,
    commit: &'a Hash,
    path: &'a [u8],
    limit: u64,
}

enum Failure {
    /// The server has broken off.
    Io(std::io::Error),
    Told(GitError),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl Question<'_> {
    async fn answer(&mut self) -> Result<Found, Failure> {
        if self.commit.is_null() || !is_a_path(self.path) {
            return Ok(Found::Nothing);
        }
        match self.server.object(&self.name(self.path), self.limit).await? {
            Object::Blob(content) => Ok(Found::File(content)),
            Object::TooLarge(size) => Ok(Found::TooLarge(size)),
            Object::Missing => self.why_missing().await,
            Object::Tree(_) | Object::Commit | Object::Other => Ok(Found::Nothing),
        }
    }

    /// Tells a path that a commit does not have from a file that the clone has lost: git itself says the same of both.
    async fn why_missing(&mut self) -> Result<Found, Failure> {
        let slash = self.path.iter().rposition(|&byte| byte == b'/');
        let (folder, name) = slash.map_or((&b""[..], self.path), |at| (&self.path[..at], &self.path[at + 1..]));
        match self.server.object(&self.name(folder), FOLDER).await? {
            Object::Tree(tree) if has_file(&tree, name, self.commit.kind().length()) => {
                let path = String::from_utf8_lossy(self.path);
                Err(Failure::Told(GitError::Corrupt { said: format!("{path} of {} is missing", self.commit) }))
            }
            Object::Missing => self.missing_commit().await,
            _ => Ok(Found::Nothing),
        }
    }

    async fn missing_commit(&mut self) -> Result<Found, Failure> {
        match self.server.object(self.commit.to_string().as_bytes(), u64::MAX).await? {
            Object::Commit => Ok(Found::Nothing),
            _ => Err(Failure::Told(GitError::unknown(self.commit))),
        }
    }

    fn name(&self, path: &[u8]) -> Vec<u8> {
        [self.commit.to_string().as_bytes(), b":", path].concat()
    }
}

/// Says whether git would look for just this path: a beginning such as `./` it would take for a folder to be worked in.
fn is_a_path(path: &[u8]) -> bool {
    !path.is_empty() && !path.contains(&0) && path.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

/// Says whether a tree, as git stores it, names a file; a folder or a submodule is none.
pub(crate) fn has_file(mut tree: &[u8], name: &[u8], hash: usize) -> bool {
    while let Some(end) = memchr::memchr(0, tree) {
        let Some(space) = memchr::memchr(b' ', &tree[..end]) else {
            return false;
        };
        let (mode, found) = (&tree[..space], &tree[space + 1..end]);
        if found == name {
            return mode.starts_with(b"10") || mode == b"120000";
        }
        tree = tree.get(end + 1 + hash..).unwrap_or_default();
    }
    false
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the server of a clone that was used last, or starts one.
    fn server(&self, repo: &Path) -> Result<Server, GitError> {
        let mut state = self.state();
        while let Some(at) = state.idle.iter().rposition(|idle| idle.repo == repo) {
            let Idle { server, .. } = state.idle.remove(at);
            if server.is_alive() {
                return Ok(server);
            }
        }
        drop(state);
        Server::start(&self.git, repo)
    }

    /// Puts a server back; one too many makes the oldest go.
    fn keep(self: &Arc<Pool>, repo: PathBuf, server: Server) {
        let mut state = self.state();
        state.idle.push(Idle { repo, server, since: Instant::now() });
        let too_many = state.idle.len().saturating_sub(self.keep_idle);
        let gone: Vec<Idle> = state.idle.drain(..too_many).collect();
        if !state.idle.is_empty() && !std::mem::replace(&mut state.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(self), self.idle_for));
        }
        drop(state);
        drop(gone);
    }

    /// Drops the servers that have been idle for long, and says when the next will have been.
    fn drop_old(&self) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        state.idle.retain(|idle| idle.since + self.idle_for > now);
        let next = state.idle.iter().map(|idle| idle.since + self.idle_for).min();
        state.is_watched = next.is_some();
        next
    }
}

/// Looks after idle servers until there is none, or no pool.
async fn watch(pool: Weak<Pool>, idle_for: Duration) {
    let mut next = Some(Instant::now() + idle_for);
    while let Some(at) = next {
        sleep_until(at).await;
        next = pool.upgrade().and_then(|pool| pool.drop_old());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_asked_for_files_only() {
        let hash = [7; 20];
        let entries: [&[u8]; 4] = [b"100644 a\0", b"40000 b\0", b"160000 c\0", b"120000 d e\0"];
        let tree: Vec<u8> = entries.iter().flat_map(|entry| [*entry, &hash].concat()).collect();

        let has = |name: &[u8]| has_file(&tree, name, 20);

        assert!(has(b"a") && has(b"d e"));
        assert!(!has(b"b") && !has(b"c") && !has(b"e") && !has(b""));
        assert!(!has_file(b"100644 x", b"x", 20) && !has_file(b"x\0", b"x", 20));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_none() {
        for path in [&b""[..], b"/a", b"a/", b"./a", b"../a", b"a/../b", b"a//b", b"a\0b"] {
            assert!(!is_a_path(path), "{path:?}");
        }
        assert!(is_a_path(b"a/.b/c..") && is_a_path(b"caf\xe9\n:x"));
    }
}
