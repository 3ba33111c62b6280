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
    let mut from = 0;
    let mut at = 0;
    while at < bytes.len() {
        let start = end_of_comment(bytes, at);
        let mut scan = Scan { bytes, at: start, open: Vec::new(), colons: 0, ended: false };
        let refused = scan.entry().err();
        let is_open = !scan.open.is_empty();
        let end = scan.end_of_entry();
        if refused.is_some() {
            stretches.push(Stretch { span: from..start, refused: None });
            stretches.push(Stretch { span: start..end, refused });
            from = end;
        } else if is_open {
            // The parser might go on into the next entry, where this scan begins anew.
            stretches.push(Stretch { span: from..at, refused: None });
            stretches.push(Stretch { span: at..end, refused: None });
            from = end;
        }
        at = end;
    }
    stretches.push(Stretch { span: from..at, refused: None });
    stretches.retain(|stretch| !stretch.span.is_empty());
    stretches
}

/// Passes over lines that start with `#`.
fn end_of_comment(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while bytes.get(end) == Some(&b'#') {
        end = memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |length| end + length + 1);
    }
    end
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

/// Goes through one entry.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
    colons: usize,
    /// The next entry may start here.
    ended: bool,
}

impl Scan<'_> {
    /// Goes to the end of the entry, unless the parser must not.
    fn entry(&mut self) -> Result<(), &'static str> {
        while !self.ended {
            match self.open.last() {
                None => self.pattern(b'{'),
                Some(Open::Variants) => self.pattern(b'}'),
                Some(Open::Expression) => self.expression()?,
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

    /// Goes over text to a brace or the end of the line. Outside of all placeables a closing brace is an error.
    fn pattern(&mut self, close: u8) {
        let Some(length) = memchr::memchr3(b'{', close, b'\n', &self.bytes[self.at..]) else {
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

    fn expression(&mut self) -> Result<(), &'static str> {
        match self.bytes.get(self.at) {
            None => self.ended = true,
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

    /// Finds the start of the next entry, from wherever the scan has stopped.
    fn end_of_entry(&mut self) -> usize {
        while !self.ended {
            let rest = &self.bytes[self.at.min(self.bytes.len())..];
            match memchr::memchr(b'\n', rest) {
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
        self.at.min(self.bytes.len())
    }
}
