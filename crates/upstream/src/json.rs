//! JSON as hg.mozilla.org writes it: ASCII only, and bytes that are no UTF-8 as lone surrogates.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// Appends a string as `hg`'s templates write it, which escape `<` and `>` too.
pub(crate) fn put_string(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| put_character(out, character));
        for byte in chunk.invalid() {
            put_unit(out, 0xdc00 + u16::from(*byte));
        }
    }
    out.push('"');
}

/// Appends a list, each of its items by `put`.
pub(crate) fn put_list<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut String, T)) {
    out.push('[');
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        put(out, item);
    }
    out.push(']');
}

fn put_character(out: &mut String, character: char) {
    match character {
        '"' => out.push_str(r#"\""#),
        '\\' => out.push_str(r"\\"),
        '\n' => out.push_str(r"\n"),
        '\r' => out.push_str(r"\r"),
        '\t' => out.push_str(r"\t"),
        '\u{8}' => out.push_str(r"\b"),
        '\u{c}' => out.push_str(r"\f"),
        '<' | '>' | '\u{7f}' => put_unit(out, character as u16),
        ' '..='~' => out.push(character),
        other => put_units(out, other),
    }
}

fn put_units(out: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        put_unit(out, *unit);
    }
}

fn put_unit(out: &mut String, unit: u16) {
    use std::fmt::Write as _;
    write!(out, "\\u{unit:04x}").expect("a String takes any text");
}

/// Writes a value as Python's `json.dumps` does: spaces after `,` and `:`, ASCII only.
pub(crate) fn like_python(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, LikePython);
    value.serialize(&mut serializer).expect("plain values can be written as JSON");
    out
}

struct LikePython;

impl Formatter for LikePython {
    fn begin_array_value<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        separate(out, first)
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        separate(out, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut escaped = String::with_capacity(fragment.len());
        for character in fragment.chars() {
            match character {
                '\0'..='\u{7f}' => escaped.push(character),
                other => put_units(&mut escaped, other),
            }
        }
        out.write_all(escaped.as_bytes())
    }
}

fn separate<W: io::Write + ?Sized>(out: &mut W, first: bool) -> io::Result<()> {
    if first { Ok(()) } else { out.write_all(b", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let mut out = String::new();
        put_string(&mut out, bytes);
        assert_eq!(out, expected);
    }

    #[test]
    fn strings_are_ascii_and_bytes_that_are_no_utf8_are_lone_surrogates() {
        check(b"plain", r#""plain""#);
        check("Öğüt <z>".as_bytes(), r#""\u00d6\u011f\u00fct \u003cz\u003e""#);
        check("🦊".as_bytes(), r#""\ud83e\udd8a""#);
        check(b"caf\xe9-3", r#""caf\udce9-3""#);
        check(b"a\0\"\\\n\x7f", r#""a\u0000\"\\\n\u007f""#);
    }

    #[test]
    fn values_are_written_as_python_does() {
        let value = serde_json::json!({"a": ["é🦊", 1, 2.0, null], "b": {}});
        let expected = r#"{"a": ["\u00e9\ud83e\udd8a", 1, 2.0, null], "b": {}}"#;
        assert_eq!(like_python(&value), expected.as_bytes());
    }
}
