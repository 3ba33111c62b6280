//! Text from outside that may not be text: bytes in, a `String` that any database and any page can hold out, and the same
//! bytes back.

use std::borrow::Cow;
use std::fmt;

/// The character that stands for byte 0; byte `b` is `FIRST + b`. These 256 code points end the last private-use plane, where no text has them.
const FIRST: u32 = 0x10_FF00;

/// Bytes from outside, kept to the letter inside a valid string.
///
/// Text stays as it is. A byte that is not part of valid UTF-8, and U+0000 (which `PostgreSQL` cannot keep), becomes one
/// character of U+10FF00…U+10FFFF; those characters themselves are taken apart into their bytes, so that every byte
/// string has exactly one form.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kept(String);

impl Kept {
    /// Keeps any bytes.
    pub fn from_bytes(bytes: &[u8]) -> Kept {
        let mut kept = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            keep_text(&mut kept, chunk.valid());
            keep_bytes(&mut kept, chunk.invalid());
        }
        Kept(kept)
    }

    /// Takes a string that [`Kept::as_str`] gave before, as the store reads it back.
    pub fn from_kept(kept: String) -> Kept {
        Kept(kept)
    }

    /// The form that is stored: valid UTF-8 without U+0000.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes as they came.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len());
        for character in self.0.chars() {
            match stands_for(character) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        bytes
    }

    /// The text for a reader: bytes that are not text, and control characters other than tab and line end, as `\x1b`;
    /// marks that turn the reading direction as `\u{202e}`, since they can make one name look like another.
    pub fn shown(&self) -> Cow<'_, str> {
        if !self.0.chars().any(must_be_spelled) {
            return Cow::Borrowed(&self.0);
        }
        let mut shown = String::with_capacity(self.0.len() + 16);
        for character in self.0.chars() {
            match stands_for(character) {
                Some(byte) => shown.push_str(&format!("\\x{byte:02x}")),
                None if character.is_control() && must_be_spelled(character) => {
                    shown.push_str(&format!("\\x{:02x}", u32::from(character)));
                }
                None if must_be_spelled(character) => shown.push_str(&format!("{}", character.escape_unicode())),
                None => shown.push(character),
            }
        }
        Cow::Owned(shown)
    }
}

impl From<&str> for Kept {
    fn from(text: &str) -> Kept {
        Kept::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Reads a JSON string, lone surrogates too: a server that escapes bytes which are not text writes byte `b` as `\udcXX`
/// (seen in json-pushes), and `serde_json` hands such strings over as WTF-8.
impl<'de> serde::Deserialize<'de> for Kept {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Kept, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Kept, E> {
                Ok(Kept::from(text))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Kept, E> {
                Ok(Kept::from_bytes(&unescape_surrogates(bytes)))
            }
        }
        deserializer.deserialize_bytes(Text)
    }
}

fn keep_text(kept: &mut String, text: &str) {
    for character in text.chars() {
        if character == '\0' || stands_for(character).is_some() {
            keep_bytes(kept, character.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            kept.push(character);
        }
    }
}

fn keep_bytes(kept: &mut String, bytes: &[u8]) {
    kept.extend(bytes.iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
}

fn stands_for(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

fn must_be_spelled(character: char) -> bool {
    (character.is_control() && character != '\n' && character != '\t')
        || turns_direction(character)
        || stands_for(character).is_some()
}

/// Whether the character turns the reading direction of what follows it, by which one name can look like another.
pub fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// In WTF-8 the surrogates U+DC80…U+DCFF are ED B2 80…ED B3 BF; each stands for one byte 80…FF.
fn unescape_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        match rest {
            [0xED, high @ (0xB2 | 0xB3), low @ 0x80..=0xBF, after @ ..] => {
                plain.push(((high & 0x03) << 6) | (low & 0x3F));
                rest = after;
            }
            _ => {
                plain.push(first);
                rest = tail;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn every_byte_string_comes_back_as_it_was() {
        let last_plane = "a\u{10ff41}b\u{10ffff}";
        for bytes in [&b"caf\xe9 \x00 end"[..], "für".as_bytes(), last_plane.as_bytes(), b"\xf4\x8f\xbc", b""] {
            assert_eq!(Kept::from_bytes(bytes).to_bytes(), bytes);
        }
        let all: Vec<u8> = (0..=255).cycle().take(1000).collect();
        assert_eq!(Kept::from_bytes(&all).to_bytes(), all);
    }

    #[test]
    fn the_stored_form_has_no_nul_and_plain_text_is_unchanged() {
        assert_eq!(Kept::from("a\\x00 ünd").as_str(), "a\\x00 ünd");
        assert!(!Kept::from("a\0b").as_str().contains('\0'));
    }

    #[test]
    fn what_is_not_text_is_spelled_out_for_a_reader() {
        assert_eq!(Kept::from_bytes(b"caf\xe9\x1b[31m\ttab\n").shown(), "caf\\xe9\\x1b[31m\ttab\n");
        assert_eq!(Kept::from("a\u{202e}b").shown(), "a\\u{202e}b");
    }

    #[test]
    fn a_lone_surrogate_in_json_is_the_byte_it_stands_for() {
        let name: Kept = serde_json::from_str(r#""caf\udce9.txt""#).unwrap();
        assert_eq!(name.to_bytes(), b"caf\xe9.txt");
    }
}
