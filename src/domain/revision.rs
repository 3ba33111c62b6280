//! The hash that names a changeset.

use super::hex::from_hex;
use std::fmt;
use std::str::FromStr;

/// The 40 hexadecimal digits that name a changeset (Mercurial) or a commit (git), or the 64 of a git repository with SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    bytes: [u8; LONGEST],
    length: u8,
}

const SHA_1: usize = 20;
const LONGEST: usize = 32;

/// The text is not a full hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a full revision of 40 hexadecimal digits, or 64")]
pub struct NotARevision;

impl Revision {
    /// The null changeset, before every first one, however long the hashes of its repository are.
    pub const NULL: Revision = Revision { bytes: [0; LONGEST], length: 20 };

    /// Names the changeset by the 20 bytes of its SHA-1.
    pub fn from_bytes(sha1: [u8; SHA_1]) -> Revision {
        let mut bytes = [0; LONGEST];
        bytes[..SHA_1].copy_from_slice(&sha1);
        Revision { bytes, length: 20 }
    }

    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The 20 bytes of a SHA-1; none where the hash is a longer one.
    pub fn sha1(&self) -> Option<[u8; SHA_1]> {
        self.as_bytes().try_into().ok()
    }

    /// The first 12 digits, as Mercurial shows them.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::hex(self.as_bytes()))
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Revision {
    type Err = NotARevision;

    fn from_str(text: &str) -> Result<Revision, NotARevision> {
        if let Some(sha1) = from_hex(text) {
            return Ok(Revision::from_bytes(sha1));
        }
        let bytes = from_hex(text).ok_or(NotARevision)?;
        let is_null = bytes == Revision::NULL.bytes;
        Ok(if is_null { Revision::NULL } else { Revision { bytes, length: 32 } })
    }
}

impl<'de> serde::Deserialize<'de> for Revision {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Revision, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Revision;

    #[test]
    fn forty_digits_are_a_revision_or_sixty_four_and_nothing_else_is() {
        let text = "45b7ae322eeb7a5c96e341f94671020cd3c5d9b4";
        assert_eq!(text.parse::<Revision>().unwrap().to_string(), text);
        let long = "a7".repeat(32);
        assert_eq!(long.parse::<Revision>().unwrap().to_string(), long);
        assert_eq!(text.parse::<Revision>().unwrap().sha1().map(|bytes| bytes[0]), Some(0x45));
        assert_eq!(long.parse::<Revision>().unwrap().sha1(), None);
        assert_eq!(["0".repeat(40), "0".repeat(64)].map(|zeros| zeros.parse()), [Ok(Revision::NULL), Ok(Revision::NULL)]);
        for wrong in ["", "45b7ae32", &text[1..], "z5b7ae322eeb7a5c96e341f94671020cd3c5d9b4"] {
            assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
        }
    }
}
