//! Entries that are plain lines, as most are: a name, a text without placeables, attributes with such texts, a comment above.
//! They are read here, to what fluent-syntax would make of them in several times as long; all others are left to it.

use std::borrow::Cow;

use super::stretches::starts_entry;
use crate::Entity;
use crate::file::Attribute;
use crate::walk::end_of_line;
use crate::words;

/// Which bytes a name may have after its first: asked of a table, since there is no byte of a file that is asked so much about.
const IN_NAME: [bool; 256] = {
    let mut in_name = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        in_name[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_');
        byte += 1;
    }
    in_name
};

/// Reads the entry at an offset, where an entry may start, with the empty lines and the comments before it. Gives where the next one
/// starts, or the end of the text; nothing if the entry is not plain.
pub(super) fn entry(text: &str, at: usize) -> Option<(Entity<'_>, usize)> {
    let mut lines = Lines { text, at };
    let comment = lines.comment()?;
    let start = lines.at;
    let is_term = lines.take(b'-');
    lines.name()?;
    let key = &text[start..lines.at];
    let value = Some(lines.definition()?).filter(|value| !value.is_empty());
    let mut end = lines.at;
    let mut attributes = Vec::new();
    while lines.is_in_entry()? {
        let attribute = lines.attribute()?;
        end = lines.at;
        attributes.push(attribute);
    }
    if value.is_none() && (is_term || attributes.is_empty()) {
        return None;
    }
    let mut words = value.map_or(0, words::count_plain);
    if !is_term {
        words += attributes.iter().map(|attribute| words::count_plain(&attribute.value)).sum::<usize>();
    }
    let entity = Entity { key: Cow::Borrowed(key), value: value.map(Cow::Borrowed), attributes, comment, span: start..end, words };
    Some((entity, lines.at))
}

/// Goes forward through lines; each step gives nothing where what comes is not plain.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn pass(&mut self, byte: u8) {
        while self.take(byte) {}
    }

    /// Goes to the next entry, and takes the comment that ends in the line before it.
    fn comment(&mut self) -> Option<Option<Cow<'a, str>>> {
        loop {
            self.pass(b'\n');
            let start = self.at;
            let mut lines = 0;
            while self.byte() == Some(b'#') {
                self.at += 1;
                if !matches!(self.byte(), Some(b' ' | b'\n')) {
                    return None;
                }
                self.at = end_of_line(self.text, self.at);
                self.take(b'\n');
                lines += 1;
            }
            match (lines, self.byte()) {
                (0, _) => return Some(None),
                // The last line of the file, which may have no end.
                (_, None) => return None,
                (_, Some(b'\n')) => {}
                (1, _) => return Some(Some(Cow::Borrowed(without_sign(&self.text[start..self.at - 1])))),
                _ => return Some(Some(Cow::Owned(without_signs(&self.text[start..self.at - 1])))),
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let start = self.at;
        if !self.byte()?.is_ascii_alphabetic() {
            return None;
        }
        let rest = &self.text.as_bytes()[start..];
        self.at += rest.iter().take_while(|&&byte| IN_NAME[usize::from(byte)]).count();
        Some(&self.text[start..self.at])
    }

    /// Takes the sign and the rest of the line, which may be empty.
    fn definition(&mut self) -> Option<&'a str> {
        self.pass(b' ');
        if !self.take(b'=') {
            return None;
        }
        self.pass(b' ');
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        self.at += memchr::memchr3(b'\n', b'{', b'}', rest).unwrap_or(rest.len());
        matches!(self.byte(), None | Some(b'\n')).then(|| &self.text[start..self.at])
    }

    /// Goes to the next line with something in it, and says whether that is one of the same entry.
    fn is_in_entry(&mut self) -> Option<bool> {
        self.pass(b'\n');
        match self.byte() {
            None => Some(false),
            Some(b' ') => Some(true),
            Some(byte) => starts_entry(byte).then_some(false),
        }
    }

    fn attribute(&mut self) -> Option<Attribute<'a>> {
        self.pass(b' ');
        if !self.take(b'.') {
            return None;
        }
        let name = self.name()?;
        let value = self.definition().filter(|value| !value.is_empty())?;
        Some(Attribute { name: Cow::Borrowed(name), value: Cow::Borrowed(value) })
    }
}

fn without_sign(line: &str) -> &str {
    let line = line.strip_prefix('#').unwrap_or(line);
    line.strip_prefix(' ').unwrap_or(line)
}

fn without_signs(comment: &str) -> String {
    let mut content = String::with_capacity(comment.len());
    for (number, line) in comment.split('\n').enumerate() {
        if number > 0 {
            content.push('\n');
        }
        content.push_str(without_sign(line));
    }
    content
}
