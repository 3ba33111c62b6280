//! `.ini`: sections and `key=value`, with nothing trimmed and nothing escaped.

use std::borrow::Cow;

use crate::walk::{Grammar, end_of_line, end_of_lines, without_signs};
use crate::{Entity, words};

pub(crate) struct Ini;

impl Grammar for Ini {
    const EXPECTED: &'static str = "neither a section, a comment nor `key=value`";

    fn comment(&self, text: &str, at: usize) -> Option<usize> {
        if !is_line_start(text, at) {
            return None;
        }
        end_of_lines(text, at, |line| matches!(line.first(), Some(b'#' | b';')))
    }

    fn comment_text<'a>(&self, comment: &'a str) -> Cow<'a, str> {
        without_signs(comment, 1)
    }

    fn entity<'a>(&self, text: &'a str, at: usize) -> Option<Entity<'a>> {
        let sign = equals_sign(text, at)?;
        let end = end_of_line(text, sign);
        let value = &text[sign + 1..end];
        Some(Entity {
            key: Cow::Borrowed(&text[at..sign]),
            value: Some(Cow::Borrowed(value)),
            attributes: Vec::new(),
            comment: None,
            span: at..end,
            words: words::count(value),
        })
    }

    fn junk(&self, text: &str, at: usize) -> usize {
        let mut line = at;
        loop {
            let starts_other = line > at && (self.comment(text, line).is_some() || equals_sign(text, line).is_some());
            if starts_other {
                return line;
            }
            let end = end_of_line(text, line);
            if let Some(section) = section_in(&text[line..end]) {
                return line + section;
            }
            if end == text.len() {
                return end;
            }
            line = end + 1;
        }
    }

    /// A section's heading.
    fn aside(&self, text: &str, at: usize) -> Option<usize> {
        if text.as_bytes()[at] != b'[' {
            return None;
        }
        let end = memchr::memchr2(b']', b'\n', &text.as_bytes()[at..])? + at;
        (text.as_bytes()[end] == b']').then_some(end + 1)
    }
}

fn is_line_start(text: &str, at: usize) -> bool {
    at == 0 || text.as_bytes()[at - 1] == b'\n'
}

/// Finds the sign that ends a key, in the key's line and after its first character.
fn equals_sign(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(at).is_none_or(|&byte| byte == b'\n') {
        return None;
    }
    let found = memchr::memchr2(b'=', b'\n', &bytes[at + 1..])? + at + 1;
    (bytes[found] == b'=').then_some(found)
}

fn section_in(line: &str) -> Option<usize> {
    let start = line.find('[')?;
    line[start..].contains(']').then_some(start)
}
