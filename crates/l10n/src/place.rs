//! Offsets in a text as a person names them.

/// A line and a column, both from 1; a column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// Finds the places of offsets; many of them take one pass over the text if they come in order.
pub struct Places<'a> {
    text: &'a str,
    at: usize,
    place: Place,
}

impl<'a> Places<'a> {
    /// Starts at the beginning of a text, the one whose offsets are asked for.
    pub fn of(text: &'a str) -> Places<'a> {
        Places { text, at: 0, place: Place { line: 1, column: 1 } }
    }

    /// Gives the place of an offset; one beyond the end is the end.
    pub fn at(&mut self, offset: usize) -> Place {
        if offset < self.at {
            *self = Places::of(self.text);
        }
        let offset = offset.min(self.text.len());
        let passed = &self.text.as_bytes()[self.at..offset];
        let mut last_line = passed;
        if let Some(end) = memchr::memrchr(b'\n', passed) {
            self.place.line += memchr::memchr_iter(b'\n', passed).count();
            self.place.column = 1;
            last_line = &passed[end + 1..];
        }
        self.place.column += last_line.iter().filter(|&&byte| !is_continuation(byte)).count();
        self.at = offset;
        self.place
    }
}

/// Says whether a byte of UTF-8 goes on with a character that began before it.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}
