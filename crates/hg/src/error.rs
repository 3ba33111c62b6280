//! What went wrong with `hg`, sorted by what a caller can do about it: an exit code and the words of `hg` come in, an
//! [`HgError`] goes out. It never shows a password that stands in a URL.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of hg's own words that are kept.
const KEPT: usize = 2048;

/// Why something asked of `hg` was not done; `said` is the end of what hg wrote about it.
#[derive(Debug, thiserror::Error)]
pub enum HgError {
    /// The server could not be reached, or is not well: trying later may help.
    #[error("hg could not talk to the server: {said}")]
    Network { said: String },
    /// There is no such repository on the server.
    #[error("hg found no repository there: {said}")]
    Gone { said: String },
    /// The server does not let us in, or cannot prove who it is.
    #[error("hg was refused: {said}")]
    Refused { said: String },
    /// The repository on the server has nothing in common with the clone: it was made anew.
    #[error("the clone is unrelated to what the server has: {said}")]
    Unrelated { said: String },
    /// The clone is damaged, not there, or of a format that this hg does not know: it has to be made anew.
    #[error("the clone is damaged: {said}")]
    Corrupt { said: String },
    /// An earlier change of the clone was cut off: [`crate::Servers::recover`] undoes it.
    #[error("an earlier change of the clone was cut off: {said}")]
    Interrupted { said: String },
    /// A changeset is not in the clone, or not any more.
    #[error("the clone has no such changeset: {said}")]
    Unknown { said: String },
    /// The disk is full, read-only or not ours.
    #[error("hg could not use the disk: {said}")]
    Disk { said: String },
    /// Another process holds the clone's lock.
    #[error("the clone is in use by another process: {said}")]
    Busy { said: String },
    /// It took longer than allowed; hg and all it had started are ended.
    #[error("hg took longer than {limit:?} and was ended")]
    TimedOut { limit: Duration },
    /// It answered with more bytes than are taken; hg is ended.
    #[error("hg answered with more than {limit} bytes and was ended")]
    TooLong { limit: usize },
    /// hg ended before it had answered, or answered what is no answer.
    #[error("hg {what}: {said}")]
    Broken { what: &'static str, said: String },
    /// Anything else, in hg's own words.
    #[error("hg failed with code {code}: {said}")]
    Failed { code: i32, said: String },
    /// hg could not be started at all.
    #[error("could not run {program}", program = program.display())]
    Program { program: PathBuf, source: io::Error },
}

impl HgError {
    /// Says whether the same may well succeed later without anybody doing something about it.
    pub fn may_pass(&self) -> bool {
        use HgError::{Broken, Busy, Network, TimedOut};
        matches!(self, Network { .. } | Busy { .. } | TimedOut { .. } | Broken { .. })
    }

    /// Tells of a server that ended; one that ended with a Python traceback has met what it will meet again.
    pub(crate) fn broken(what: &'static str, stderr: &[u8]) -> HgError {
        let said = said(stderr);
        if said.contains("  File \"") { HgError::Failed { code: 1, said } } else { HgError::Broken { what, said } }
    }
}

/// Sorts a failure by the words of hg; `repo` is the clone it was about, if there is one already.
pub(crate) fn classify(code: i32, stderr: &[u8], repo: Option<&Path>) -> HgError {
    let said = said(stderr);
    let reason = reason(&said).to_lowercase();
    let missing = |repo: &Path| format!("repository {} not found", repo.to_string_lossy().to_lowercase());
    let is_local = repo.is_some_and(|repo| reason.contains(&missing(repo)));
    match kind(&reason, is_local) {
        Some(error) => error(said),
        None => HgError::Failed { code, said },
    }
}

type Make = fn(String) -> HgError;

fn kind(reason: &str, is_local: bool) -> Option<Make> {
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if has(LOCKED) {
        return Some(|said| HgError::Busy { said });
    }
    if has(&["abandoned transaction"]) {
        return Some(|said| HgError::Interrupted { said });
    }
    if has(&["repository is unrelated"]) {
        return Some(|said| HgError::Unrelated { said });
    }
    if let Some(status) = http_status(reason) {
        return of_status(status);
    }
    if has(REFUSED) {
        return Some(|said| HgError::Refused { said });
    }
    if has(DISK) {
        return Some(|said| HgError::Disk { said });
    }
    if has(UNKNOWN) {
        return Some(|said| HgError::Unknown { said });
    }
    if is_local || has(CORRUPT) {
        return Some(|said| HgError::Corrupt { said });
    }
    if has(MISSING) {
        return Some(|said| HgError::Gone { said });
    }
    has(NETWORK).then_some(|said| HgError::Network { said })
}

fn of_status(status: u16) -> Option<Make> {
    match status {
        401 | 403 | 407 => Some(|said| HgError::Refused { said }),
        404 | 410 => Some(|said| HgError::Gone { said }),
        408 | 429 | 500..=599 => Some(|said| HgError::Network { said }),
        _ => None,
    }
}

fn http_status(reason: &str) -> Option<u16> {
    let (_, after) = reason.split_once("http error ")?;
    after.get(..3)?.parse().ok()
}

const LOCKED: &[&str] = &["timed out waiting for lock", "waiting for lock on"];
const REFUSED: &[&str] = &[
    "authorization failed",
    "authorization required",
    "certificate verify failed",
    "certificate error",
    "unable to verify security",
    "has unexpected fingerprint",
    "no fingerprint",
];
const DISK: &[&str] = &[
    "no space left on device",
    "read-only file system",
    "permission denied",
    "disk quota exceeded",
    "input/output error",
    "too many open files",
    "file too large",
];
const UNKNOWN: &[&str] = &["unknown revision", "filtered revision", "hidden revision"];
const CORRUPT: &[&str] = &[
    "integrity check failed",
    "requires features unknown to this mercurial",
    "no match found",
    "no node",
    "unknown format",
    "unknown version",
    "unknown compression type",
    "revlog decompress error",
    "partial read of revlog",
    "sharedpath points to nonexistent",
    "missing support for share-safe",
    "share source does not support",
    "unknown parent",
    "no such file or directory",
    "corrupt",
];
const MISSING: &[&str] = &["not found", "does not exist"];
const NETWORK: &[&str] = &[
    "connection refused",
    "connection reset",
    "connection aborted",
    "connection timed out",
    "connection ended unexpectedly",
    "remote end closed connection",
    "broken pipe",
    "timed out",
    "no route to host",
    "network is unreachable",
    "host is unreachable",
    "name or service not known",
    "name resolution",
    "nodename nor servname",
    "no address associated",
    "stream ended unexpectedly",
    "incomplete response",
    "premature eof",
    "eof occurred",
    "bad http status line",
    "no suitable response from remote hg",
    "does not appear to be an hg repository",
    "tunnel connection failed",
    "[ssl",
    "_ssl.c",
];

/// The lines in which hg gives its reason: what a server or a hook printed before is not about us.
fn reason(said: &str) -> &str {
    said.rfind("abort: ").map_or(said, |at| &said[at..])
}

/// The end of hg's words, trimmed and without passwords.
pub(crate) fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text = masked(before_python_speaks(&text).trim());
    let start = text.ceil_char_boundary(text.len().saturating_sub(KEPT));
    text[start..].to_owned()
}

/// hg's reason without what Python prints about itself while it ends, after a full disk for one. A traceback that is all there
/// is stays.
fn before_python_speaks(text: &str) -> &str {
    let Some(abort) = text.rfind("abort: ") else {
        return text;
    };
    let python = ["\nException ignored in", "\nTraceback (most recent call last)"];
    let end = python.iter().filter_map(|words| text[abort..].find(words)).min();
    end.map_or(text, |end| &text[..abort + end])
}

/// Puts stars for what stands before an `@` in a URL.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let end = after.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace()).unwrap_or(after.len());
        let host = after[..end].rfind('@').unwrap_or(0);
        if host > 0 {
            masked.push_str("***");
        }
        rest = &after[host..];
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLONE: &str = "/clones/l10n/de";

    fn check(stderr: &str, expected: &str) {
        let error = classify(255, stderr.as_bytes(), Some(Path::new(CLONE)));

        let kind = format!("{error:?}");
        assert_eq!(kind.split([' ', '{']).next(), Some(expected), "{stderr}");
    }

    #[test]
    fn words_of_hg_are_sorted_by_what_can_be_done() {
        check("abort: error: Connection refused\n", "Network");
        check("abort: error: Temporary failure in name resolution\n", "Network");
        check("abort: error: Name or service not known\n", "Network");
        check("abort: error: timed out\n", "Network");
        check("abort: error: Connection reset by peer\n", "Network");
        check("abort: HTTP Error 503: Service Unavailable\n", "Network");
        check("abort: HTTP Error 429: Too Many Requests\n", "Network");
        check("abort: stream ended unexpectedly (got 0 bytes, expected 4)\n", "Network");
        check("abort: HTTP request error (incomplete response)\n(this may be an intermittent network failure)\n", "Network");
        check("abort: 'http://h/' does not appear to be an hg repository:\n---%<--- (text/html)\n", "Network");
        check("abort: HTTP Error 404: Not Found\n", "Gone");
        check("abort: HTTP Error 410: Gone\n", "Gone");
        check("abort: repository /srv/hg/de not found\n", "Gone");
        check("abort: HTTP Error 403: Forbidden\n", "Refused");
        check("abort: http authorization required for http://h/\n", "Refused");
        check("abort: authorization failed\n", "Refused");
        check("abort: error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:992)\n", "Refused");
        check("abort: repository is unrelated\n", "Unrelated");
        check(&format!("abort: repository {CLONE} not found\n"), "Corrupt");
        check("abort: integrity check failed on 00changelog.d:3\n", "Corrupt");
        check("abort: data/a.i@df2984fc6907: no match found\n", "Corrupt");
        check("abort: 00manifest.i@df2984fc6907: no node\n", "Corrupt");
        check("abort: unknown format in index 00changelog\n", "Corrupt");
        check("abort: repository requires features unknown to this Mercurial: x\n", "Corrupt");
        check("abort: .hg/sharedpath points to nonexistent directory /gone/.hg\n", "Corrupt");
        check("abort: abandoned transaction found\n(run 'hg recover' to clean up transaction)\n", "Interrupted");
        check("abort: unknown revision '0123456789012345678901234567890123456789'\n", "Unknown");
        check("abort: No space left on device\n", "Disk");
        check("abort: could not lock repository /clones/l10n/de: Permission denied\n", "Disk");
        check("abort: Read-only file system: '/clones/l10n/de/.hg/store/x'\n", "Disk");
        check("abort: repository /clones/l10n/de: timed out waiting for lock held by 'h:12'\n", "Busy");
        check("abort: something new\n", "Failed");
        check("", "Failed");
    }

    #[test]
    fn what_a_server_printed_is_not_taken_for_the_reason() {
        check("remote: permission denied\nremote: not found\nabort: repository is unrelated\n", "Unrelated");
    }

    #[test]
    fn what_python_prints_at_its_end_is_left_out() {
        let traceback = "Traceback (most recent call last):\n  File \"t.py\", line 1\nProgrammingError: x\n";
        let stderr = format!("transaction abort!\nabort: No space left on device\nException ignored in: <t>\n{traceback}");

        assert_eq!(said(stderr.as_bytes()), "transaction abort!\nabort: No space left on device");
        assert_eq!(said(traceback.as_bytes()), traceback.trim());
    }

    #[test]
    fn passwords_are_masked_and_only_the_end_is_kept() {
        let stderr = format!("{}é at https://me:p@ss@host/a and 'ssh://you@h' x@y\n", "é".repeat(KEPT));

        let said = said(stderr.as_bytes());

        assert!(said.len() <= KEPT);
        assert!(said.ends_with("é at https://***@host/a and 'ssh://***@h' x@y"), "{said}");
    }
}
