//! Cuts a Fluent file into stretches that fluent-syntax can be given.
//!
//! Its parser calls itself for each brace and parenthesis that is open, looks for each named argument among those before it,
//! and panics at `\u` before a character of several bytes. So the parts of a file that are too deep, have too many arguments
//! or such an escape are kept from it. This scan goes the way that parser goes: within an entry it knows what is open until
//! the parser meets an error, after which that begins anew at the next line that may start an entry.

use std::ops::Range;

/// How many braces and parentheses may be open at once.
const DEPTH: usize = 100;

/// How many colons an entry may have in its placeables; each named argument has one.
const COLONS: usize = 1000;

/// A part of a file that starts where an entry may start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) span: Range<usize>,
    /// Why it cannot be given to the parser.
    pub(super) refused: Option<&'static str>,
}

/// Cuts a file, and gives each stretch to `take`; one that is well-formed is a single one.
pub(super) fn each(text: &str, mut take: impl FnMut(Stretch)) {
    let bytes = text.as_bytes();
    let mut take = |span: Range<usize>, refused| {
        if !span.is_empty() {
            take(Stretch { span, refused });
        }
    };
    let mut scan = Scan { bytes, at: 0, line: 0, line_at: 0, open: Nesting::default(), colons: 0, ended: false };
    let mut from = 0;
    while scan.find_placeable() {
        let line = scan.line;
        let refused = scan.placeable().err();
        if scan.open.is_empty() {
            continue;
        }
        let mut start = start_of_entry(bytes, from, line);
        if refused.is_none() {
            // The parser might go on into the next entry, where this scan begins anew.
            start = start_of_comment(bytes, from, start);
        }
        let end = scan.end_of_entry();
        take(from..start, None);
        take(start..end, refused);
        from = end;
    }
    take(from..bytes.len(), None);
}

/// Gives where the next entry starts after an offset, whatever was before: not between an entry and its comment.
pub(super) fn next_start(bytes: &[u8], from: usize) -> usize {
    let (mut line, mut at) = (from, from);
    while let Some(more) = memchr::memchr(b'\n', &bytes[at..]) {
        at += more + 1;
        if bytes.get(at).is_some_and(|&byte| starts_entry(byte)) && bytes[line] != b'#' {
            return at;
        }
        line = at;
    }
    bytes.len()
}

/// Goes back to the line where the entry starts that a line belongs to, but not beyond `from`.
fn start_of_entry(bytes: &[u8], from: usize, line: usize) -> usize {
    let mut start = line;
    while start > from && !starts_entry(bytes[start]) {
        let before = line_before(bytes, from, start);
        if bytes[before] == b'#' {
            return start;
        }
        start = before;
    }
    start
}

/// Goes back over the lines before an entry that start with `#`.
fn start_of_comment(bytes: &[u8], from: usize, entry: usize) -> usize {
    let mut start = entry;
    while start > from {
        let before = line_before(bytes, from, start);
        if bytes[before] != b'#' {
            break;
        }
        start = before;
    }
    start
}

fn line_before(bytes: &[u8], from: usize, line: usize) -> usize {
    memchr::memrchr(b'\n', &bytes[from..line - 1]).map_or(from, |end| from + end + 1)
}

pub(super) fn starts_entry(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-' || byte == b'#'
}

/// What is open: a placeable or a call, where strings count, or the variants of a selector, which are patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Expression,
    Variants,
}

/// What is open within what; a bit for each, since there is one such for every placeable of a file.
#[derive(Default)]
struct Nesting {
    depth: usize,
    are_variants: u128,
}

impl Nesting {
    fn push(&mut self, open: Open) {
        debug_assert!(self.depth <= DEPTH, "a placeable ends before that");
        self.depth += 1;
        self.are_variants = self.are_variants << 1 | u128::from(open == Open::Variants);
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.are_variants >>= 1;
    }

    fn last(&self) -> Option<Open> {
        let last = if self.are_variants & 1 == 1 { Open::Variants } else { Open::Expression };
        (self.depth > 0).then_some(last)
    }

    fn is_empty(&self) -> bool {
        self.depth == 0
    }
}

/// Goes from placeable to placeable.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The start of the line that `line_at` is in.
    line: usize,
    line_at: usize,
    /// Empty outside of placeables.
    open: Nesting,
    colons: usize,
    /// The next entry may start here.
    ended: bool,
}

impl Scan<'_> {
    /// Goes to the next brace that is not in a comment.
    fn find_placeable(&mut self) -> bool {
        while let Some(length) = memchr::memchr(b'{', &self.bytes[self.at..]) {
            self.at += length;
            if let Some(end) = memchr::memrchr(b'\n', &self.bytes[self.line_at..self.at]) {
                self.line = self.line_at + end + 1;
            }
            self.line_at = self.at;
            if self.bytes[self.line] != b'#' {
                return true;
            }
            self.at = memchr::memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |length| self.at + length);
        }
        false
    }

    /// Goes to the end of a placeable, or of the entry if that comes first, unless the parser must not.
    fn placeable(&mut self) -> Result<(), &'static str> {
        (self.colons, self.ended) = (0, false);
        self.open = Nesting::default();
        self.open.push(Open::Expression);
        self.at += 1;
        while let Some(open) = self.open.last().filter(|_| !self.ended) {
            match open {
                Open::Variants => self.variants(),
                Open::Expression => self.expression()?,
            }
            if self.open.depth > DEPTH {
                return Err("too many braces and parentheses are open");
            }
            if self.colons > COLONS {
                return Err("too many named arguments");
            }
        }
        Ok(())
    }

    /// Goes over the text of variants to a brace or the end of the line.
    fn variants(&mut self) {
        let Some(length) = memchr::memchr3(b'{', b'}', b'\n', &self.bytes[self.at..]) else {
            self.at = self.bytes.len();
            self.ended = true;
            return;
        };
        self.at += length;
        match self.bytes[self.at] {
            b'\n' => self.line_end(),
            b'{' => self.open.push(Open::Expression),
            _ => self.open.pop(),
        }
        self.at += 1;
    }

    /// Goes over names and blanks to what opens or closes something, and over that.
    fn expression(&mut self) -> Result<(), &'static str> {
        let names = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'$'));
        self.at += names.count();
        match self.bytes.get(self.at) {
            None => {
                self.ended = true;
                return Ok(());
            }
            Some(b'\n') => self.line_end(),
            Some(b'"') => return self.string(),
            Some(b'{' | b'(') => self.open.push(Open::Expression),
            Some(b'}' | b')') => self.open.pop(),
            Some(b':') => self.colons += 1,
            Some(b'-') if self.bytes.get(self.at + 1) == Some(&b'>') => {
                self.open.pop();
                self.open.push(Open::Variants);
            }
            Some(_) => {}
        }
        self.at += 1;
        Ok(())
    }

    /// Goes over a string, which ends with its line at the latest.
    fn string(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        while let Some(length) = memchr::memchr3(b'"', b'\\', b'\n', &self.bytes[self.at..]) {
            self.at += length;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\n' => return Ok(()),
                _ => self.escape()?,
            }
        }
        self.at = self.bytes.len();
        Ok(())
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let digits = match self.bytes.get(self.at + 1) {
            Some(b'u') => 4,
            Some(b'U') => 6,
            Some(b'"' | b'\\' | b'{') => 0,
            _ => {
                self.at += 1;
                return Ok(());
            }
        };
        let start = self.at + 2;
        self.at = self.bytes.len().min(start + digits);
        match self.bytes[start..self.at].iter().find(|byte| !byte.is_ascii_hexdigit()) {
            Some(byte) if !byte.is_ascii() => Err("invalid unicode escape sequence"),
            Some(_) => {
                self.at = start;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn line_end(&mut self) {
        self.ended = self.bytes.get(self.at + 1).is_none_or(|&byte| starts_entry(byte));
    }

    /// Goes to the start of the next entry, from wherever the scan has stopped.
    fn end_of_entry(&mut self) -> usize {
        while !self.ended {
            match memchr::memchr(b'\n', &self.bytes[self.at..]) {
                Some(length) => {
                    self.at += length;
                    self.line_end();
                    self.at += 1;
                }
                None => {
                    self.at = self.bytes.len();
                    self.ended = true;
                }
            }
        }
        self.at
    }
}
