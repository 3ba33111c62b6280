//! The name of a changeset, a manifest or a file revision: 20 bytes.

use std::fmt;
use std::str::FromStr;

use sha1::{Digest, Sha1};

/// The 20 bytes by which Mercurial names a revision; shown as 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Node([u8; 20]);

impl Node {
    /// The parent of a root.
    pub const NULL: Self = Self([0; 20]);

    /// Names the revision that has this text and these parents.
    pub(crate) fn of(text: &[u8], parents: [Self; 2]) -> Self {
        let [first, second] = parents;
        let mut hash = Sha1::new();
        hash.update(first.min(second).0);
        hash.update(first.max(second).0);
        hash.update(text);
        Self(hash.finalize().into())
    }

    /// The bytes as they travel in a changegroup.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is the parent of a root.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Self::NULL
    }

    pub(crate) fn from_hex(hex: &[u8]) -> Option<Self> {
        let mut bytes = [0; 20];
        if hex.len() != 40 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    pub(crate) fn to_hex(self) -> [u8; 40] {
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        hex
    }
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        b'A'..=b'F' => Some(hex - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(std::str::from_utf8(&self.to_hex()).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The text is not 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not 40 hexadecimal digits")]
pub struct NotANode(String);

impl FromStr for Node {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, NotANode> {
        Self::from_hex(text.as_bytes()).ok_or_else(|| NotANode(text.to_owned()))
    }
}

impl serde::Serialize for Node {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialEq<str> for Node {
    fn eq(&self, other: &str) -> bool {
        Self::from_hex(other.as_bytes()).is_some_and(|node| node == *self)
    }
}

impl PartialEq<&str> for Node {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}
