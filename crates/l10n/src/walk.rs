//! The way through the formats that are made of lines: comments, white space, entities and junk follow each other, and a
//! comment belongs to the entity that comes after it without an empty line between them.

use std::borrow::Cow;
use std::ops::Range;

use crate::Entity;
use crate::file::{File, Junkyard};

/// What a format says of the text at an offset.
pub(crate) trait Grammar {
    /// What junk is not.
    const EXPECTED: &'static str;

    /// A comment that starts before this offset and speaks of a licence belongs to no entity.
    const LICENCE_BEFORE: usize = 2;

    /// Gives the end of the comment that starts here.
    fn comment(&self, text: &str, at: usize) -> Option<usize>;

    /// Takes the signs from a comment that make it one.
    fn comment_text<'a>(&self, comment: &'a str) -> Cow<'a, str>;

    /// Reads the entity that starts here.
    fn entity<'a>(&self, text: &'a str, at: usize) -> Option<Entity<'a>>;

    /// Gives the end of the junk that starts here: the next start of anything else.
    fn junk(&self, text: &str, at: usize) -> usize;

    /// Gives the end of what is neither entity nor comment and starts here.
    fn aside(&self, _text: &str, _at: usize) -> Option<usize> {
        None
    }

    /// Reads the entity that starts here, of a sort that takes no comment.
    fn bare<'a>(&self, _text: &'a str, _at: usize) -> Option<Entity<'a>> {
        None
    }
}

/// Reads a file of such a format.
pub(crate) fn parse<'a, G: Grammar>(text: &'a str, grammar: &G) -> File<'a> {
    let mut entities = Vec::new();
    let mut junk = Junkyard::of(text);
    let mut at = 0;
    while at < text.len() {
        at = match next(text, at, grammar) {
            Step::Past(end) => end,
            Step::Entity(entity) => {
                let end = entity.span.end;
                entities.push(entity);
                end
            }
            Step::Junk(span) => {
                let end = span.end;
                junk.add(span, G::EXPECTED);
                end
            }
        };
    }
    File { entities, junk: junk.into_junk() }
}

enum Step<'a> {
    /// A comment by itself, white space, or what a format has beside entities.
    Past(usize),
    Entity(Entity<'a>),
    Junk(Range<usize>),
}

fn next<'a>(text: &'a str, at: usize, grammar: &impl Grammar) -> Step<'a> {
    if let Some(end) = grammar.aside(text, at) {
        return Step::Past(end);
    }
    match grammar.comment(text, at) {
        Some(end) => after_comment(text, at..end, grammar),
        None => without_comment(text, at, grammar),
    }
}

fn after_comment<'a, G: Grammar>(text: &'a str, comment: Range<usize>, grammar: &G) -> Step<'a> {
    let alone = Step::Past(comment.end);
    let start = end_of_space(text, comment.end);
    let is_licence = comment.start < G::LICENCE_BEFORE && text[comment.clone()].contains("License");
    let lines = memchr::memchr_iter(b'\n', &text.as_bytes()[comment.end..start]).count();
    if is_licence || lines > 1 {
        return alone;
    }
    match grammar.entity(text, start) {
        Some(entity) => Step::Entity(Entity { comment: Some(grammar.comment_text(&text[comment])), ..entity }),
        None => alone,
    }
}

fn without_comment<'a>(text: &'a str, at: usize, grammar: &impl Grammar) -> Step<'a> {
    let start = end_of_space(text, at);
    if start > at {
        return Step::Past(start);
    }
    match grammar.entity(text, at).or_else(|| grammar.bare(text, at)) {
        Some(entity) => Step::Entity(entity),
        None => Step::Junk(at..grammar.junk(text, at)),
    }
}

/// Passes over white space.
pub(crate) fn end_of_space(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    at + bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Passes over spaces and tabs.
pub(crate) fn end_of_blanks(text: &str, at: usize) -> usize {
    at + text.as_bytes()[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Finds the end of the line, before its `\n`.
pub(crate) fn end_of_line(text: &str, at: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |length| at + length)
}

/// Finds the end of lines that all start in one of two ways; none if the first does not.
pub(crate) fn end_of_lines(text: &str, at: usize, starts: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let bytes = text.as_bytes();
    if !starts(&bytes[at..]) {
        return None;
    }
    let mut end = end_of_line(text, at);
    while end < text.len() && starts(&bytes[end + 1..]) {
        end = end_of_line(text, end + 1);
    }
    Some(end)
}

/// Takes the same number of signs from the start of each line.
pub(crate) fn without_signs(comment: &str, signs: usize) -> Cow<'_, str> {
    let line = |line: &'_ str| line.char_indices().nth(signs).map_or(line.len(), |(at, _)| at);
    match comment.split_once('\n') {
        None => Cow::Borrowed(&comment[line(comment)..]),
        Some(_) => Cow::Owned(comment.split('\n').map(|one| &one[line(one)..]).collect::<Vec<_>>().join("\n")),
    }
}
