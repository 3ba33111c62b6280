//! What went wrong with `git`, sorted by what a caller can do about it: an exit code and the words of `git` come in, a
//! [`GitError`] goes out. It never shows a password, nor git's advice to people at a terminal.

use std::path::PathBuf;
use std::time::Duration;
use std::{io, iter};

use crate::{Hash, Remote};

/// Bytes of git's own words that are kept.
const KEPT: usize = 1024;

/// Why something asked of `git` was not done; `said` is what git wrote about it, in one line.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The host could not be reached, or is not well: trying later may help.
    #[error("git could not talk to the host: {said}")]
    Network { said: String },
    /// There is no such repository on the host.
    #[error("git found no repository there: {said}")]
    Gone { said: String },
    /// The repository is elsewhere now, and a token may not be sent there: ask the host for `/info/refs` to learn where.
    #[error("the repository has moved: {said}")]
    Moved { said: String },
    /// The host does not let us in, or cannot prove who it is; GitHub says so too of repositories that it does not have.
    #[error("git was refused: {said}")]
    Refused { said: String },
    /// The host names its objects by another hash than the clone: the repository was made anew.
    #[error("the clone is unrelated to what the host has: {said}")]
    Unrelated { said: String },
    /// The host has no branch of this name.
    #[error("the host has no such branch: {said}")]
    NoSuchBranch { said: String },
    /// The host has no commit of this hash, or not any more, or gives only what its branches have.
    #[error("the host has no such commit: {said}")]
    NoSuchCommit { said: String },
    /// The clone is damaged, or not there: it has to be made anew.
    #[error("the clone is damaged: {said}")]
    Corrupt { said: String },
    /// Another git is at work in the clone, or one was killed there: [`crate::Git::remove_locks`] helps if nobody is.
    #[error("the clone is locked by {lock}", lock = lock.display())]
    Locked { lock: PathBuf },
    /// A commit is not in the clone, or not any more.
    #[error("the clone has no such commit: {said}")]
    Unknown { said: String },
    /// The disk is full, read-only or not ours.
    #[error("git could not use the disk: {said}")]
    Disk { said: String },
    /// It took longer than allowed; git and all it had started are ended.
    #[error("git took longer than {limit:?} and was ended")]
    TimedOut { limit: Duration },
    /// It answered with more bytes than are taken; git is ended.
    #[error("git answered with more than {limit} bytes and was ended")]
    TooLong { limit: usize },
    /// git ended before it had answered, or answered what is no answer.
    #[error("git {what}: {said}")]
    Broken { what: &'static str, said: String },
    /// Anything else, in git's own words.
    #[error("git failed with code {code}: {said}")]
    Failed { code: i32, said: String },
    /// git could not be started at all.
    #[error("could not run {program}", program = program.display())]
    Program { program: PathBuf, source: io::Error },
}

impl GitError {
    /// Says whether the same may well succeed later without anybody doing something about it.
    pub fn may_pass(&self) -> bool {
        use GitError::{Broken, Locked, Network, TimedOut};
        matches!(self, Network { .. } | Locked { .. } | TimedOut { .. } | Broken { .. })
    }

    /// Tells of a git that answered what was not asked.
    pub(crate) fn no_answer() -> GitError {
        GitError::Broken { what: "answered what was not asked", said: String::new() }
    }

    /// Tells of a commit that is not there.
    pub(crate) fn unknown(hash: &Hash) -> GitError {
        GitError::Unknown { said: hash.to_string() }
    }

    /// Takes the token of a host out of git's words.
    pub(crate) fn scrubbed(mut self, remote: &Remote) -> GitError {
        use GitError::{
            Broken, Corrupt, Disk, Failed, Gone, Moved, Network, NoSuchBranch, NoSuchCommit, Refused, Unknown, Unrelated,
        };
        match &mut self {
            Network { said } | Gone { said } | Moved { said } | Refused { said } | Unrelated { said } => {
                *said = remote.scrubbed(said);
            }
            NoSuchBranch { said } | NoSuchCommit { said } | Corrupt { said } | Unknown { said } | Disk { said } => {
                *said = remote.scrubbed(said);
            }
            Broken { said, .. } | Failed { said, .. } => *said = remote.scrubbed(said),
            GitError::Locked { .. } | GitError::TimedOut { .. } | GitError::TooLong { .. } | GitError::Program { .. } => {}
        }
        self
    }
}

/// Tells of a git that somebody, or the system, has killed.
pub(crate) fn killed(stderr: &[u8]) -> GitError {
    GitError::Broken { what: "was killed", said: said(&String::from_utf8_lossy(stderr)) }
}

/// Sorts a failure by the words of git.
pub(crate) fn classify(code: i32, stderr: &[u8]) -> GitError {
    let text = String::from_utf8_lossy(stderr);
    if let Some(lock) = lock(&text) {
        return GitError::Locked { lock };
    }
    let said = said(&text);
    match kind(&said.to_lowercase()) {
        Some(error) => error(said),
        None => GitError::Failed { code, said },
    }
}

type Make = fn(String) -> GitError;

fn kind(said: &str) -> Option<Make> {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(DISK) {
        return Some(|said| GitError::Disk { said });
    }
    if let Some(status) = http_status(said) {
        return of_status(status);
    }
    if has(&["mismatched algorithms", "mismatched object format"]) {
        return Some(|said| GitError::Unrelated { said });
    }
    if has(&["couldn't find remote ref"]) {
        return Some(|said| GitError::NoSuchBranch { said });
    }
    if has(&["not our ref ", "request for unadvertised object "]) {
        return Some(|said| GitError::NoSuchCommit { said });
    }
    if has(REFUSED) {
        return Some(|said| GitError::Refused { said });
    }
    if has(NETWORK) {
        return Some(|said| GitError::Network { said });
    }
    if has(MISSING) {
        return Some(|said| GitError::Gone { said });
    }
    if has(CORRUPT) {
        return Some(|said| GitError::Corrupt { said });
    }
    names_nothing(said).then_some(|said| GitError::Unknown { said })
}

fn of_status(status: u16) -> Option<Make> {
    match status {
        300..=399 => Some(|said| GitError::Moved { said }),
        401 | 403 | 407 => Some(|said| GitError::Refused { said }),
        404 | 410 => Some(|said| GitError::Gone { said }),
        408 | 429 | 500..=599 => Some(|said| GitError::Network { said }),
        _ => None,
    }
}

fn http_status(said: &str) -> Option<u16> {
    let (_, after) = ["requested url returned error: ", "rpc failed; http "].iter().find_map(|words| said.split_once(words))?;
    after.get(..3)?.parse().ok()
}

/// Says whether a commit was named that is not there; other objects that are not there belong to one that is.
fn names_nothing(said: &str) -> bool {
    ["bad object ", "not a valid commit name ", "not a valid object name ", "nonexistent object "].iter().any(|words| {
        let mut after = said.split(words).skip(1);
        after.any(|after| after.split([' ', ';', '^', ':']).next().is_some_and(|word| word.parse::<Hash>().is_ok()))
    })
}

const REFUSED: &[&str] = &[
    "authentication failed",
    "could not read username",
    "could not read password",
    "terminal prompts disabled",
    "ssl certificate problem",
    "certificate verification failed",
    "certificate subject name",
    "' not allowed",
];
const DISK: &[&str] = &[
    "no space left on device",
    "read-only file system",
    "permission denied",
    "disk quota exceeded",
    "input/output error",
    "too many open files",
    "file too large",
    "cannot mkdir",
    "not a directory",
    "dubious ownership",
];
const NETWORK: &[&str] = &[
    "could not resolve",
    "failed to connect",
    "couldn't connect",
    "connection refused",
    "connection reset",
    "connection timed out",
    "timed out",
    "operation too slow",
    "empty reply from server",
    "rpc failed",
    "unexpected disconnect",
    "early eof",
    "hung up",
    "not valid: is this a git repository",
    "invalid server response",
    "remote end",
    "unable to access",
    "expected flush",
    "expected 'acknowledgments'",
    "expected 'packfile'",
    "protocol error",
    "bad line length",
    "bad pack header",
    "remote error",
    "ssl_",
    "gnutls",
];
const CORRUPT: &[&str] = &[
    "not a git repository",
    "did not send all necessary objects",
    "is corrupt",
    "corrupt ",
    "inflate: ",
    "could not read ",
    "unable to read",
    "cannot read",
    "cannot be read",
    "failed to read object",
    "failed to load",
    "failed to traverse",
    "unable to parse",
    "unable to unpack",
    "unable to find",
    "missing blob",
    "missing tree",
    "missing commit",
    "bad tree",
    "bad object refs/",
    "bad object head",
    "bad config",
    "bad signature",
    "bad index",
    "packfile",
    "pack has",
    "index file",
    "hash mismatch",
    "sha1 mismatch",
    "object file",
    "broken link",
    "cannot be accessed",
    "unresolved deltas",
    "unexpected line in packed-refs",
    "unknown repository extension",
    "expected git repo version",
];
const MISSING: &[&str] = &["' not found", "does not appear to be a git repository", "' does not exist"];

/// The file that stands in the way of git.
fn lock(text: &str) -> Option<PathBuf> {
    let (before, _) = text.split_once(".lock': File exists")?;
    let (_, path) = before.rsplit_once("Unable to create '")?;
    Some(PathBuf::from(format!("{path}.lock")))
}

/// git's reasons in one line, without what it tells people at a terminal, and without passwords.
pub(crate) fn said(text: &str) -> String {
    let is_reason = |line: &&str| REASONS.iter().any(|reason| line.starts_with(reason));
    let lines: Vec<&str> = text.lines().flat_map(|line| line.split('\r')).map(str::trim).filter(|line| !line.is_empty()).collect();
    let reasons: Vec<&str> = lines.iter().copied().filter(is_reason).collect();
    let said = if reasons.is_empty() { lines } else { reasons }.join("; ");
    let said = masked(&said.replace(char::is_control, " "));
    let start = said.ceil_char_boundary(said.len().saturating_sub(KEPT));
    said[start..].to_owned()
}

const REASONS: &[&str] = &["fatal: ", "error: ", "BUG: ", "git: ", "fetch-pack: "];

/// Puts stars for what stands before an `@` in the host of a URL.
fn masked(text: &str) -> String {
    let mut parts = text.split("://");
    let first = parts.next().unwrap_or_default();
    let others = parts.map(|part| {
        let end = part.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace()).unwrap_or(part.len());
        match part[..end].rfind('@') {
            Some(at) => format!("://***{}", &part[at..]),
            None => format!("://{part}"),
        }
    });
    iter::once(first.to_owned()).chain(others).collect()
}

/// Where git was sent, if it says that it was: a repository that was renamed.
pub(crate) fn redirection(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let url = text.lines().find_map(|line| line.strip_prefix("warning: redirecting to "))?;
    Some(masked(url.trim().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stderr: &str, expected: &str) {
        let error = classify(128, stderr.as_bytes());

        let kind = format!("{error:?}");
        assert_eq!(kind.split([' ', '{']).next(), Some(expected), "{stderr}");
    }

    const NONE: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn words_of_git_are_sorted_by_what_can_be_done() {
        check("fatal: unable to access 'http://h/x/': Could not resolve host: h", "Network");
        check(
            "fatal: unable to access 'http://h/x/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
            "Network",
        );
        check("fatal: unable to access 'http://h/x/': The requested URL returned error: 503", "Network");
        check("fatal: unable to access 'http://h/x/': The requested URL returned error: 429", "Network");
        check("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\nfatal: early EOF", "Network");
        check("fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF", "Network");
        check("fatal: http://h/x/info/refs not valid: is this a git repository?", "Network");
        check("fatal: unable to access 'http://h/x/': The requested URL returned error: 403", "Refused");
        check("fatal: could not read Username for 'http://h': terminal prompts disabled", "Refused");
        check("fatal: Authentication failed for 'http://h/x/'", "Refused");
        check("fatal: unable to access 'https://h/': SSL certificate problem: self signed certificate", "Refused");
        check("fatal: transport 'ext' not allowed", "Refused");
        check("fatal: unable to access 'http://h/x/': The requested URL returned error: 301", "Moved");
        check("remote: Not Found\nfatal: repository 'http://h/x/' not found", "Gone");
        check("fatal: '/srv/x' does not appear to be a git repository\nfatal: Could not read from remote repository.", "Gone");
        check("fatal: mismatched algorithms: client sha1; server sha256", "Unrelated");
        check("fatal: couldn't find remote ref refs/heads/x", "NoSuchBranch");
        check(&format!("fatal: remote error: upload-pack: not our ref {NONE}"), "NoSuchCommit");
        check(&format!("error: Server does not allow request for unadvertised object {NONE}"), "NoSuchCommit");
        check("fatal: not a git repository: '/clones/x'", "Corrupt");
        check("error: inflate: data stream error (incorrect header check)\nfatal: loose object x is corrupt", "Corrupt");
        check(&format!("error: Could not read {NONE}\nfatal: revision walk setup failed"), "Corrupt");
        check("fatal: bad object refs/heads/main", "Corrupt");
        check(&format!("fatal: bad object {NONE}"), "Unknown");
        check(&format!("fatal: Not a valid commit name {NONE}"), "Unknown");
        check(&format!("fatal: cannot update ref 'x': trying to write ref 'x' with nonexistent object {NONE}"), "Unknown");
        check("fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output", "Disk");
        check("fatal: cannot mkdir /clones/x: Permission denied", "Disk");
        check("fatal: something new", "Failed");
        check("", "Failed");
    }

    #[test]
    fn a_lock_is_named() {
        let stderr = "error: cannot lock ref 'refs/heads/x': Unable to create '/c/x.git/refs/heads/x.lock': File exists.\n\
            \nAnother git process seems to be running in this repository, e.g.\nremove the file manually to continue.\n";

        let error = classify(1, stderr.as_bytes());

        assert!(matches!(&error, GitError::Locked { lock } if lock.to_str() == Some("/c/x.git/refs/heads/x.lock")), "{error:?}");
        assert!(error.may_pass());
    }

    #[test]
    fn advice_is_left_out_and_what_is_said_is_one_line() {
        let stderr =
            "hint: try harder\nremote: \x1b[31mhello\nerror: one\nfatal: two\x07\n\nPlease make sure you have the access rights\n";

        assert_eq!(said(stderr), "error: one; fatal: two ");
        assert_eq!(said("usage: git x\n\nusage: y"), "usage: git x; usage: y");
    }

    #[test]
    fn passwords_are_masked_and_only_the_end_is_kept() {
        let stderr = format!("fatal: {}é at https://me:p@ss@host/a@b and 'ssh://you@h' x@y", "é".repeat(KEPT));

        let said = said(&stderr);

        assert!(said.len() <= KEPT);
        assert!(said.ends_with("é at https://***@host/a@b and 'ssh://***@h' x@y"), "{said}");
    }

    #[test]
    fn a_redirection_is_read() {
        let stderr = b"warning: redirecting to https://h/new/name.git/\nFrom https://h/new/name\n * [new branch] a -> a\n";

        assert_eq!(redirection(stderr).as_deref(), Some("https://h/new/name.git"));
        assert_eq!(redirection(b"From https://h/a\n"), None);
    }
}
