//! The name of a commit, a file's content or a tree: 40 hex digits (SHA-1) or 64 (SHA-256) come in and go out. Never an
//! abbreviated name.

use std::fmt;
use std::str::FromStr;

/// The full hash that names an object of git.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash {
    /// The first 20 of them, if it is SHA-1; the others are 0 then.
    bytes: [u8; 32],
    kind: HashKind,
}

/// How the objects of a repository are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKind {
    Sha1,
    Sha256,
}

/// A text that is not the full hash of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a commit is named by 40 or 64 hex digits")]
pub struct NotAHash;

impl HashKind {
    /// Gives the word of git for it.
    pub fn name(self) -> &'static str {
        match self {
            HashKind::Sha1 => "sha1",
            HashKind::Sha256 => "sha256",
        }
    }

    /// Counts the bytes of a hash.
    pub(crate) fn length(self) -> usize {
        match self {
            HashKind::Sha1 => 20,
            HashKind::Sha256 => 32,
        }
    }
}

impl Hash {
    /// Gives the hash that stands for nothing: what was before a branch was made, and after it was deleted.
    pub fn null(kind: HashKind) -> Hash {
        Hash { bytes: [0; 32], kind }
    }

    /// Gives the tree without files, which every repository has without storing it.
    pub fn empty_tree(kind: HashKind) -> Hash {
        let hex: &[u8] = match kind {
            HashKind::Sha1 => b"4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            HashKind::Sha256 => b"6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
        };
        Hash::from_hex(hex).expect("these are hex digits")
    }

    /// Says which kind of hash it is.
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// Says whether this is [`Hash::null`].
    pub fn is_null(&self) -> bool {
        self.bytes == [0; 32]
    }

    /// Gives the hash as git stores it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.length()]
    }

    pub(crate) fn from_hex(hex: &[u8]) -> Option<Hash> {
        let kind = match hex.len() {
            40 => HashKind::Sha1,
            64 => HashKind::Sha256,
            _ => return None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Hash { bytes, kind })
    }
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Hash, NotAHash> {
        Hash::from_hex(text.as_bytes()).ok_or(NotAHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 64];
        let bytes = self.as_bytes();
        for (pair, byte) in hex.chunks_exact_mut(2).zip(bytes) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.pad(std::str::from_utf8(&hex[..bytes.len() * 2]).map_err(|_| fmt::Error)?)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_what_it_prints() {
        for (hex, kind) in [("0123456789".repeat(4), HashKind::Sha1), ("0123456789abcdef".repeat(4), HashKind::Sha256)] {
            let hash: Hash = hex.parse().unwrap();

            assert_eq!(hash.to_string(), hex);
            assert_eq!(hash.kind(), kind);
            assert_eq!(hash.as_bytes().len(), hex.len() / 2);
            assert_eq!(format!("{hash:.12}"), hex[..12]);
            assert_eq!(hex.to_uppercase().parse(), Ok(hash));
        }
    }

    #[test]
    fn anything_but_a_full_hash_is_none() {
        for text in ["", "001122", &"0".repeat(39), &"0".repeat(41), &"g".repeat(40), &"é".repeat(20), "+0", "HEAD"] {
            assert_eq!(text.parse::<Hash>(), Err(NotAHash), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_told_from_something_and_one_kind_from_the_other() {
        let [short, long] = [HashKind::Sha1, HashKind::Sha256].map(Hash::null);

        assert!(short.is_null() && long.is_null() && short != long);
        assert!(!Hash::empty_tree(HashKind::Sha256).is_null());
        assert_eq!(long.to_string(), "0".repeat(64));
    }
}
