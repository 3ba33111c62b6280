//! The text of a file: bytes that may be anything come in, and characters with one kind of line end go out.

use std::borrow::Cow;
use std::ops::Deref;

/// The text of a file: no byte order mark, every line end a `\n`, and U+FFFD for what was not UTF-8.
#[derive(Clone, Debug)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// Decodes bytes, without a copy if nothing has to change.
    pub fn decode(bytes: &'a [u8]) -> Text<'a> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        // Nearly all files are what they should be, which is found out four times as fast as where they are not.
        let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        Text(if memchr::memchr(b'\r', text.as_bytes()).is_some() { Cow::Owned(with_newlines(&text)) } else { text })
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Writes `\n` for `\r\n` and for a lone `\r`.
fn with_newlines(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = memchr::memchr(b'\r', rest.as_bytes()) {
        normal.push_str(&rest[..end]);
        normal.push('\n');
        rest = &rest[end + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    normal.push_str(rest);
    normal
}
