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

/// Cuts a whole file; one that is well-formed is a single stretch.
pub(super) fn of(text: &str) -> Vec<Stretch> {
    let bytes = text.as_bytes();
    let mut stretches = Vec::new();
    let mut scan = Scan { bytes, at: 0, line: 0, line_at: 0, open: Vec::new(), colons: 0, ended: false };
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
        stretches.push(Stretch { span: from..start, refused: None });
        stretches.push(Stretch { span: start..end, refused });
        from = end;
    }
    stretches.push(Stretch { span: from..bytes.len(), refused: None });
    stretches.retain(|stretch| !stretch.span.is_empty());
    stretches
}

/// Gives the end of a piece of a file, at least `length` bytes further: where an entry starts whatever was before, and not between
/// it and its comment.
pub(super) fn end_of_piece(bytes: &[u8], from: usize, length: usize) -> usize {
    let mut at = from.saturating_add(length);
    while let Some(more) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        at += more + 1;
        if bytes.get(at).is_some_and(|&byte| starts_entry(byte)) && bytes[line_before(bytes, from, at)] != b'#' {
            return at;
        }
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

fn starts_entry(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-' || byte == b'#'
}

/// What is open: a placeable or a call, where strings count, or the variants of a selector, which are patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Expression,
    Variants,
}

/// Goes from placeable to placeable.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The start of the line that `line_at` is in.
    line: usize,
    line_at: usize,
    /// Empty outside of placeables.
    open: Vec<Open>,
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
        self.open.clear();
        self.open.push(Open::Expression);
        self.at += 1;
        while let Some(open) = self.open.last().filter(|_| !self.ended) {
            match open {
                Open::Variants => self.variants(),
                Open::Expression => self.expression()?,
            }
            if self.open.len() > DEPTH {
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
            _ => _ = self.open.pop(),
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
            Some(b'}' | b')') => _ = self.open.pop(),
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
