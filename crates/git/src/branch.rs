//! The name of a branch: what git allows below `refs/heads/` comes in, and the name of the reference goes out. Never a
//! name that could be read as an option or as a revision expression.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::str::FromStr;

/// The longest name that is taken.
const LONGEST: usize = 1024;
const HEADS: &[u8] = b"refs/heads/";

/// The name of a branch, which need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branch(Vec<u8>);

/// A text that cannot name a branch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be the name of a branch")]
pub struct NotABranch;

impl Branch {
    /// Takes a name without `refs/heads/`.
    pub fn from_bytes(name: &[u8]) -> Result<Branch, NotABranch> {
        if is_a_name(name) { Ok(Branch(name.to_vec())) } else { Err(NotABranch) }
    }

    /// Takes a name of a reference, such as `refs/heads/main`.
    pub fn from_reference(reference: &[u8]) -> Option<Branch> {
        Branch::from_bytes(reference.strip_prefix(HEADS)?).ok()
    }

    /// Gives the name as git stores it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the name if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Gives the reference, such as `refs/heads/main`.
    pub(crate) fn reference(&self) -> OsString {
        OsString::from_vec([HEADS, &self.0].concat())
    }

    /// Gives the words for git that bring this branch of a host to the branch of the same name here, wherever it was.
    pub(crate) fn refspec(&self) -> OsString {
        OsString::from_vec([b"+", HEADS, &self.0, b":", HEADS, &self.0].concat())
    }
}

fn is_a_name(name: &[u8]) -> bool {
    let is_odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f || b"~^:?*[\\".contains(byte);
    let has = |pair: &[u8]| name.windows(2).any(|two| two == pair);
    let is_part = |part: &[u8]| !part.is_empty() && !part.starts_with(b".") && !part.ends_with(b".lock");
    let is_reserved = name == b"HEAD" || name == b"@";
    !is_reserved
        && name.len() <= LONGEST
        && !name.starts_with(b"-")
        && !name.ends_with(b".")
        && !name.iter().any(is_odd)
        && !has(b"..")
        && !has(b"@{")
        && name.split(|&byte| byte == b'/').all(is_part)
}

impl FromStr for Branch {
    type Err = NotABranch;

    fn from_str(name: &str) -> Result<Branch, NotABranch> {
        Branch::from_bytes(name.as_bytes())
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_allows_is_a_branch() {
        for name in ["main", "l10n/de", "update", "a-b_c.d", "ünï", "feature/@", "refs/heads/main", "abcdef"] {
            assert_eq!(name.parse::<Branch>().unwrap().as_str(), Some(name));
        }
        assert_eq!(Branch::from_bytes(b"caf\xe9").unwrap().as_str(), None);
    }

    #[test]
    fn options_expressions_and_paths_out_are_none() {
        let longest = "a".repeat(LONGEST + 1);
        let names = [
            "",
            "-f",
            "--upload-pack=x",
            "HEAD",
            "@",
            "a..b",
            "@{-1}",
            "a@{1}",
            "a^",
            "a~1",
            "a:b",
            "a b",
            "a\n",
            "a\0",
            "^a",
            ":/a",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "..",
            "a.lock",
            "a.lock/b",
            "a.",
            "a\\b",
            "a*",
            "a?",
            "[a",
            "\u{7f}",
            &longest,
        ];
        for name in names {
            assert_eq!(name.parse::<Branch>(), Err(NotABranch), "{name:?}");
        }
    }

    #[test]
    fn a_branch_is_told_from_other_references() {
        assert_eq!(Branch::from_reference(b"refs/heads/main"), Some(Branch(b"main".to_vec())));
        assert_eq!(Branch::from_reference(b"refs/tags/main"), None);
        assert_eq!(Branch::from_reference(b"refs/heads/"), None);
    }
}
