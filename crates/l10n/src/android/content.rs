//! What is gathered while XML is read: a comment before an element, and the value in it.

use std::borrow::Cow;

/// Comments that follow each other without an empty line between them.
#[derive(Default)]
pub(super) struct Comment {
    text: String,
    /// How many come after it.
    line_ends: usize,
}

impl Comment {
    /// Adds a comment, without the blanks around each of its lines.
    pub(super) fn add(&mut self, comment: &str) {
        if std::mem::take(&mut self.line_ends) > 0 {
            self.text.push('\n');
        }
        for (number, line) in comment.split('\n').enumerate() {
            if number > 0 {
                self.text.push('\n');
            }
            self.text.push_str(line.trim_matches([' ', '\t']));
        }
    }

    /// Says whether what comes next may still belong to it, after some white space.
    pub(super) fn goes_on_after(&mut self, space: &str) -> bool {
        self.line_ends += memchr::memchr_iter(b'\n', space.as_bytes()).count();
        self.line_ends <= 1
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// What was found in an element.
#[derive(Default)]
pub(super) struct Content<'a> {
    text: Option<Cow<'a, str>>,
    /// The first CDATA section, which is the value if there is one.
    pub(super) data: Option<Cow<'a, str>>,
    pub(super) has_markup: bool,
}

impl<'a> Content<'a> {
    pub(super) fn add(&mut self, more: Cow<'a, str>) {
        match &mut self.text {
            None => self.text = Some(more),
            Some(text) => text.to_mut().push_str(&more),
        }
    }

    pub(super) fn value(self, source: &'a str) -> Cow<'a, str> {
        match self.data {
            Some(data) => data,
            None if self.has_markup => Cow::Borrowed(source),
            None => self.text.unwrap_or_default(),
        }
    }
}
