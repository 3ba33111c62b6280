//! `.po` and `.pot`: `msgid` and `msgstr`, perhaps after a `msgctxt`, and plurals.

use std::borrow::Cow;

use crate::file::Attribute;
use crate::walk::{Grammar, end_of_lines, end_of_space};
use crate::{Entity, words};

pub(crate) struct Po;

impl Grammar for Po {
    const EXPECTED: &'static str = "neither a comment nor `msgid` with `msgstr`";

    /// Lines that start with `#`, with their ends.
    fn comment(&self, text: &str, at: usize) -> Option<usize> {
        let end = end_of_lines(text, at, |line| line.starts_with(b"#"))?;
        Some(text.len().min(end + 1))
    }

    fn comment_text<'a>(&self, comment: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(comment)
    }

    fn entity<'a>(&self, text: &'a str, at: usize) -> Option<Entity<'a>> {
        Entry { text, at }.entity().ok()
    }

    fn junk(&self, text: &str, at: usize) -> usize {
        // What was read before an entry turned out to be none is not looked at again.
        let from = Entry { text, at }.entity().err().unwrap_or(at).max(at + 1);
        let starts = memchr::memchr2_iter(b'#', b'm', &text.as_bytes()[from..]).map(|found| from + found);
        let is_start = |&start: &usize| ["#", "msgid", "msgctxt"].iter().any(|word| text[start..].starts_with(word));
        starts.into_iter().find(is_start).unwrap_or(text.len())
    }
}

/// The offset at which a text stopped to be an entry.
type Stopped = usize;

/// Reads one entry, part after part.
struct Entry<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Entry<'a> {
    fn entity(mut self) -> Result<Entity<'a>, Stopped> {
        let start = self.at;
        let context = if self.sees("msgctxt") { Some(self.strings("msgctxt")?) } else { None };
        let id = self.strings("msgid")?;
        let plural = if self.sees("msgid_plural") { Some(self.strings("msgid_plural")?) } else { None };
        let (value, forms) = match plural {
            None => (self.strings("msgstr")?, Vec::new()),
            Some(_) => self.forms()?,
        };
        // A value that is empty means that there is no translation yet.
        let value = if value.is_empty() { id.clone() } else { value };
        let key = match context {
            None => id,
            Some(context) => Cow::Owned(format!("{context}\u{4}{id}")),
        };
        let words = words::count(&value) + forms.iter().map(|form| words::count(&form.value)).sum::<usize>();
        Ok(Entity { key, value: Some(value), attributes: forms, comment: None, span: start..self.at, words })
    }

    /// Reads `msgstr[0]`, which is the value, and `msgstr[1]` and so on, which are attributes.
    fn forms(&mut self) -> Result<(Cow<'a, str>, Vec<Attribute<'a>>), Stopped> {
        let value = self.strings("msgstr[0]")?;
        let mut forms = Vec::new();
        loop {
            let name = format!("msgstr[{}]", forms.len() + 1);
            if !self.sees(&name) {
                return Ok((value, forms));
            }
            let value = self.strings(&name)?;
            forms.push(Attribute { name: Cow::Owned(name), value });
        }
    }

    /// Says whether a word comes next, and passes over the white space before it if so.
    fn sees(&mut self, word: &str) -> bool {
        let start = end_of_space(self.text, self.at);
        let sees = self.text.as_bytes()[start..].starts_with(word.as_bytes());
        if sees {
            self.at = start;
        }
        sees
    }

    /// Reads a word and the strings after it, at least one, as one string.
    fn strings(&mut self, word: &str) -> Result<Cow<'a, str>, Stopped> {
        if !self.sees(word) {
            return Err(self.at);
        }
        self.at += word.len();
        let mut all = unescape(self.string().ok_or(self.at)?);
        while let Some(more) = self.string() {
            if !more.is_empty() {
                all.to_mut().push_str(&unescape(more));
            }
        }
        Ok(all)
    }

    /// Reads one string, up to the quote that is not escaped.
    fn string(&mut self) -> Option<&'a str> {
        let start = end_of_space(self.text, self.at) + 1;
        let bytes = self.text.as_bytes();
        if bytes.get(start - 1) != Some(&b'"') {
            return None;
        }
        let mut end = start;
        loop {
            end += memchr::memchr3(b'"', b'\\', b'\n', &bytes[end..])?;
            match bytes[end] {
                b'"' => break,
                b'\\' if bytes.get(end + 1).is_some_and(|&byte| byte != b'\n') => end += 2,
                _ => return None,
            }
        }
        self.at = end + 1;
        Some(&self.text[start..end])
    }
}

/// Resolves the escapes that are used in such files; others stay as they are.
fn unescape(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut value = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(char) = chars.next() {
        match (char, chars.as_str().bytes().next()) {
            ('\\', Some(b'n')) => value.push('\n'),
            ('\\', Some(b't')) => value.push('\t'),
            ('\\', Some(b'r')) => value.push('\r'),
            ('\\', Some(b'"')) => value.push('"'),
            ('\\', Some(b'\\')) => value.push('\\'),
            _ => {
                value.push(char);
                continue;
            }
        }
        chars.next();
    }
    Cow::Owned(value)
}
