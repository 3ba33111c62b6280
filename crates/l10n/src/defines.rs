//! `.inc`: lines of `#define key value`, comments that start with `# `, and other instructions. An empty line is junk, unless
//! `#filter emptyLines` allows it.

use std::borrow::Cow;
use std::ops::Range;

use crate::file::{File, Junkyard};
use crate::walk::{end_of_blanks, end_of_line, end_of_lines, without_signs};
use crate::{Entity, words};

/// Reads such a file.
pub(crate) fn parse(text: &str) -> File<'_> {
    let mut defines = Defines { text, allows_empty_lines: false, entities: Vec::new(), junk: Junkyard::of(text) };
    let mut at = 0;
    while at < text.len() {
        at = defines.next(at);
    }
    File { entities: defines.entities, junk: defines.junk.into_junk() }
}

struct Defines<'a> {
    text: &'a str,
    allows_empty_lines: bool,
    entities: Vec<Entity<'a>>,
    junk: Junkyard<'a>,
}

impl<'a> Defines<'a> {
    /// Takes what starts here and gives its end.
    fn next(&mut self, at: usize) -> usize {
        let comment = comment(self.text, at).map(|end| at..end);
        let lines = comment.as_ref().map_or(at, |comment| comment.end);
        let start = end_of_empty_lines(self.text, lines);
        if let Some(comment) = comment {
            let attaches = start - lines <= 1;
            return attaches.then(|| self.take_entity(start, Some(&comment))).flatten().unwrap_or(comment.end);
        }
        if start == at {
            return self.take_line(at);
        }
        if at == 0 || !(start - at == 1 || self.allows_empty_lines) {
            self.junk.add(at..start, "an empty line");
        }
        start
    }

    /// Takes an entity, an instruction or junk.
    fn take_line(&mut self, at: usize) -> usize {
        if let Some(end) = self.take_entity(at, None) {
            return end;
        }
        let Some(end) = instruction(self.text, at) else {
            let end = junk_end(self.text, at);
            self.junk.add(at..end, "neither a comment nor `#define key value`");
            return end;
        };
        match &self.text[at..end] {
            "#filter emptyLines" => self.allows_empty_lines = true,
            "#unfilter emptyLines" => self.allows_empty_lines = false,
            _ => {}
        }
        end
    }

    fn take_entity(&mut self, at: usize, comment: Option<&Range<usize>>) -> Option<usize> {
        let entity = entity(self.text, at)?;
        let comment = comment.map(|comment| without_signs(&self.text[comment.clone()], 2));
        let end = entity.span.end;
        self.entities.push(Entity { comment, ..entity });
        Some(end)
    }
}

fn comment(text: &str, at: usize) -> Option<usize> {
    let starts_line = at == 0 || text.as_bytes()[at - 1] == b'\n';
    if starts_line { end_of_lines(text, at, |line| line.starts_with(b"# ")) } else { None }
}

fn end_of_empty_lines(text: &str, at: usize) -> usize {
    at + text.as_bytes()[at..].iter().take_while(|&&byte| byte == b'\n').count()
}

/// Reads `#define key value`; the value may be missing, and what follows a key otherwise does not belong to it.
fn entity(text: &str, at: usize) -> Option<Entity<'_>> {
    let after = at + text[at..].strip_prefix("#define").map(|_| "#define".len())?;
    let start = end_of_blanks(text, after);
    let end = end_of_word(text, start);
    if start == after || end == start {
        return None;
    }
    let has_value = matches!(text.as_bytes().get(end), Some(b' ' | b'\t'));
    let value = if has_value { &text[end + 1..end_of_line(text, end)] } else { "" };
    Some(Entity {
        key: Cow::Borrowed(&text[start..end]),
        value: Some(Cow::Borrowed(value)),
        attributes: Vec::new(),
        comment: None,
        span: at..end + usize::from(has_value) + value.len(),
        words: words::count(value),
    })
}

/// Gives the end of an instruction: `#word`, white space and something more.
fn instruction(text: &str, at: usize) -> Option<usize> {
    let word = at + text[at..].strip_prefix('#').map(|_| 1)?;
    let end = end_of_word(text, word);
    let follows = matches!(text.as_bytes().get(end), Some(b' ' | b'\t'));
    if end == word || !follows {
        return None;
    }
    let line = end_of_line(text, end);
    (line - end > 1).then_some(line)
}

fn end_of_word(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len())
}

fn junk_end(text: &str, at: usize) -> usize {
    let signs = memchr::memchr_iter(b'#', &text.as_bytes()[at + 1..]).map(|found| at + 1 + found);
    let is_start =
        |&sign: &usize| comment(text, sign).is_some() || entity(text, sign).is_some() || instruction(text, sign).is_some();
    signs.into_iter().find(is_start).unwrap_or(text.len())
}
