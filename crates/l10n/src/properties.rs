//! `.properties`: `key = value`, one a line unless a backslash ends it.

use std::borrow::Cow;

use crate::walk::{Grammar, end_of_blanks, end_of_line, end_of_lines, end_of_space, without_signs};
use crate::{Entity, words};

pub(crate) struct Properties;

impl Grammar for Properties {
    const EXPECTED: &'static str = "neither a comment nor `key = value`";
    const LICENCE_BEFORE: usize = 1;

    fn comment(&self, text: &str, at: usize) -> Option<usize> {
        end_of_lines(text, at, |line| matches!(line.first(), Some(b'#' | b'!')))
    }

    fn comment_text<'a>(&self, comment: &'a str) -> Cow<'a, str> {
        without_signs(comment, 1)
    }

    fn entity<'a>(&self, text: &'a str, at: usize) -> Option<Entity<'a>> {
        if matches!(text.as_bytes().get(at)?, b'#' | b'!' | b' ' | b'\t' | b'\n') {
            return None;
        }
        // The first character belongs to the key, even if it is a sign.
        let sign = separator(text, at)?;
        let key = text[at..sign].trim_end_matches([' ', '\t']);
        let start = end_of_blanks(text, sign + 1);
        let end = value_end(text, start);
        let value = unescape(&text[start..end]);
        Some(Entity {
            key: Cow::Borrowed(key),
            words: words::count(&value),
            value: Some(value),
            attributes: Vec::new(),
            comment: None,
            span: at..end,
        })
    }

    fn junk(&self, text: &str, at: usize) -> usize {
        let mut line = at;
        loop {
            let end = end_of_line(text, line);
            if line > at && separator(text, line).is_some() {
                return line;
            }
            if let Some(sign) = memchr::memchr2(b'#', b'!', &text.as_bytes()[line..end]) {
                return line + sign;
            }
            line = end_of_space(text, end);
            if line == text.len() {
                return line;
            }
        }
    }
}

/// Finds the sign that ends a key, in the key's line and after its first character.
fn separator(text: &str, at: usize) -> Option<usize> {
    let found = memchr::memchr3(b'=', b':', b'\n', text.as_bytes().get(at + 1..)?)? + at + 1;
    (text.as_bytes()[found] != b'\n').then_some(found)
}

/// Finds the end of a value, which goes on in the next line after an odd number of backslashes.
fn value_end(text: &str, start: usize) -> usize {
    let mut line = start;
    loop {
        let end = end_of_line(text, line);
        let backslashes = text.as_bytes()[line..end].iter().rev().take_while(|&&byte| byte == b'\\').count();
        if end == text.len() || backslashes % 2 == 0 {
            return line + text[line..end].trim_end_matches([' ', '\t']).len();
        }
        line = end + 1;
    }
}

/// Resolves escapes; two that stand for the halves of one character become that character.
fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut next = Some(first);
    while let Some(at) = next {
        value.push_str(&rest[..at]);
        rest = take_escape(&rest[at + 1..], &mut value);
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    value.push_str(rest);
    Cow::Owned(value)
}

/// Writes what the escape after a backslash stands for, and gives what follows it.
fn take_escape<'a>(rest: &'a str, value: &mut String) -> &'a str {
    if let Some((unit, after)) = code_unit(rest) {
        return take_units(unit, after, value);
    }
    let mut chars = rest.chars();
    match chars.next() {
        None => value.push('\\'),
        Some('\n') => return chars.as_str().trim_start_matches([' ', '\t']),
        Some('n') => value.push('\n'),
        Some('r') => value.push('\r'),
        Some('t') => value.push('\t'),
        Some(other) => value.push(other),
    }
    chars.as_str()
}

/// Reads `u` and up to four hexadecimal digits.
fn code_unit(rest: &str) -> Option<(u16, &str)> {
    let digits = rest.strip_prefix('u')?;
    let length = digits.bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
    let unit = u16::from_str_radix(&digits[..length], 16).ok()?;
    Some((unit, &digits[length..]))
}

fn take_units<'a>(unit: u16, after: &'a str, value: &mut String) -> &'a str {
    let second = after.strip_prefix('\\').and_then(code_unit);
    if let Some((low, after_both)) = second
        && let Some(Ok(char)) = char::decode_utf16([unit, low]).next()
        && char.len_utf16() == 2
    {
        value.push(char);
        return after_both;
    }
    value.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}
