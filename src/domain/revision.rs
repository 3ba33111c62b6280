//! The hash that names a changeset.

use std::fmt;
use std::str::FromStr;

/// The 40 hexadecimal digits that name a changeset (Mercurial) or a commit (git).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision([u8; 20]);

/// The text is not a full hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a full revision of 40 hexadecimal digits")]
pub struct NotARevision;

impl Revision {
    /// The null changeset, before every first one.
    pub const NULL: Revision = Revision([0; 20]);

    /// Names the changeset by its 20 bytes.
    pub fn from_bytes(bytes: [u8; 20]) -> Revision {
        Revision(bytes)
    }

    /// The 20 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The first 12 digits, as Mercurial shows them.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::hex(self.0))
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
        let digits = text.as_bytes();
        if digits.len() != 40 {
            return Err(NotARevision);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Revision(bytes))
    }
}

impl<'de> serde::Deserialize<'de> for Revision {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Revision, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn digit(character: u8) -> Result<u8, NotARevision> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(NotARevision),
    }
}

#[cfg(test)]
mod tests {
    use super::Revision;

    #[test]
    fn forty_digits_are_a_revision_and_nothing_else_is() {
        let text = "45b7ae322eeb7a5c96e341f94671020cd3c5d9b4";
        assert_eq!(text.parse::<Revision>().unwrap().to_string(), text);
        for wrong in ["", "45b7ae32", &text[1..], "z5b7ae322eeb7a5c96e341f94671020cd3c5d9b4"] {
            assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
        }
    }
}
