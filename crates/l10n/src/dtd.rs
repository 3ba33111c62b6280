//! `.dtd`: `<!ENTITY key "value">`, and parameter entities that name another file.

use std::borrow::Cow;
use std::ops::Range;

use htmlize::unescape;

use crate::walk::{Grammar, end_of_blanks, end_of_space};
use crate::{Entity, words};

pub(crate) struct Dtd;

impl Grammar for Dtd {
    const EXPECTED: &'static str = "neither a comment nor `<!ENTITY key \"value\">`";

    fn comment(&self, text: &str, at: usize) -> Option<usize> {
        let start = text[at..].strip_prefix("<!--").map(|_| at + 4)?;
        let end = start + memchr::memmem::find(&text.as_bytes()[start..], b"--")?;
        let ends = text.as_bytes().get(end + 2) == Some(&b'>');
        (ends && text[start..end].chars().all(is_legal)).then_some(end + 3)
    }

    fn comment_text<'a>(&self, comment: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(&comment["<!--".len()..comment.len() - "-->".len()])
    }

    fn entity<'a>(&self, text: &'a str, at: usize) -> Option<Entity<'a>> {
        let mut cursor = Cursor { text, at };
        cursor.take("<!ENTITY")?;
        cursor.space()?;
        let key = cursor.name()?;
        cursor.space()?;
        let quoted = cursor.quoted()?;
        cursor.end()?;
        let value = unescape(&quoted[1..quoted.len() - 1]);
        Some(entity(key, value, at..cursor.at))
    }

    fn junk(&self, text: &str, at: usize) -> usize {
        let starts = memchr::memmem::find_iter(&text.as_bytes()[at + 1..], b"<!").map(|found| at + 1 + found);
        let is_start = |start: &usize| self.comment(text, *start).is_some() || self.entity(text, *start).is_some();
        starts.into_iter().find(is_start).unwrap_or(text.len())
    }

    /// A parameter entity and its use: `<!ENTITY % key SYSTEM "address"> %key;`. Its value keeps its quotes.
    fn bare<'a>(&self, text: &'a str, at: usize) -> Option<Entity<'a>> {
        let mut cursor = Cursor { text, at };
        cursor.take("<!ENTITY")?;
        cursor.space()?;
        cursor.take("%")?;
        cursor.space()?;
        let key = cursor.name()?;
        cursor.space()?;
        cursor.take("SYSTEM")?;
        cursor.space()?;
        let address = cursor.quoted()?;
        cursor.end()?;
        cursor.at = end_of_space(text, cursor.at);
        cursor.take("%")?;
        cursor.name()?;
        cursor.take(";")?;
        Some(entity(key, unescape(address), at..self.end_of_comments(text, cursor.at)))
    }
}

impl Dtd {
    /// Passes over the comments that stand behind the use of a parameter entity: they belong to no entity.
    fn end_of_comments(&self, text: &str, at: usize) -> usize {
        let mut end = end_of_blanks(text, at);
        while let Some(comment) = self.comment(text, end) {
            end = end_of_space(text, comment);
        }
        end
    }
}

fn entity<'a>(key: &'a str, value: Cow<'a, str>, span: Range<usize>) -> Entity<'a> {
    Entity { key: Cow::Borrowed(key), words: words::count(&value), value: Some(value), attributes: Vec::new(), comment: None, span }
}

/// Takes one part after another.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn space(&mut self) -> Option<()> {
        let end = end_of_space(self.text, self.at);
        (end > self.at).then(|| self.at = end)
    }

    fn name(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let starts = rest.starts_with(starts_name);
        let length = rest.find(|char| !is_in_name(char)).unwrap_or(rest.len());
        self.at += length;
        (starts && length > 0).then(|| &rest[..length])
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let quote = *rest.as_bytes().first().filter(|byte| matches!(byte, b'"' | b'\''))?;
        let length = memchr::memchr(quote, &rest.as_bytes()[1..])? + 2;
        self.at += length;
        Some(&rest[..length])
    }

    fn end(&mut self) -> Option<()> {
        self.at = end_of_space(self.text, self.at);
        self.take(">")
    }
}

/// Says whether compare-locales takes a character in a comment: those of XML in Unicode's first plane.
fn is_legal(char: char) -> bool {
    matches!(char, '\t' | '\n' | ' '..='\u{fffd}')
}

fn starts_name(char: char) -> bool {
    match char {
        ':' | '_' | 'A'..='Z' | 'a'..='z' => true,
        '\u{c0}'..='\u{fffd}' => !matches!(char,
            '\u{d7}' | '\u{f7}' | '\u{300}'..='\u{36f}' | '\u{37e}' | '\u{2000}'..='\u{200b}' | '\u{200e}'..='\u{206f}'
            | '\u{2190}'..='\u{2bff}' | '\u{2ff0}'..='\u{3000}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'),
        _ => false,
    }
}

fn is_in_name(char: char) -> bool {
    starts_name(char) || matches!(char, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}
