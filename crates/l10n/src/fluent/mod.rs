//! `.ftl`: messages and terms with their attributes, as fluent-syntax reads them. It is asked for what is not plain lines.
//!
//! Values are given as they are written, from the source: what fluent-syntax gives is only used to find their ends.

mod pattern;
mod plain;
mod stretches;

use std::borrow::Cow;
use std::ops::Range;

use fluent_syntax::ast::{self, Entry};
use fluent_syntax::parser::{self, ParserError};

use self::stretches::Stretch;
use crate::Entity;
use crate::file::{Attribute, File, Junkyard};

/// fluent-syntax reads a file in pieces of about so many bytes, so that what fluent-syntax makes of one is let go of before the next: the
/// same memory serves all of them, and stays in the processor's cache.
const PIECE: usize = 1024;
/// About so many bytes are an entity, for a first guess at how many there are.
const ENTITY: usize = 128;

/// Reads such a file.
pub(crate) fn parse(text: &str) -> File<'_> {
    parse_in_pieces(text, PIECE, plain::entry)
}

fn parse_in_pieces<'a>(text: &'a str, length: usize, plain: impl Fn(&'a str, usize) -> Option<(Entity<'a>, usize)>) -> File<'a> {
    let mut fluent = Fluent { text, entities: Vec::with_capacity(text.len() / ENTITY), junk: Junkyard::of(text) };
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        if let Some((entity, end)) = plain(text, at) {
            fluent.take_piece(from..at);
            fluent.entities.push(entity);
            (from, at) = (end, end);
            continue;
        }
        at = stretches::next_start(text.as_bytes(), at);
        if at - from >= length {
            fluent.take_piece(from..at);
            from = at;
        }
    }
    fluent.take_piece(from..at);
    File { entities: fluent.entities, junk: fluent.junk.into_junk() }
}

struct Fluent<'a> {
    text: &'a str,
    entities: Vec<Entity<'a>>,
    junk: Junkyard<'a>,
}

impl<'a> Fluent<'a> {
    fn take_piece(&mut self, piece: Range<usize>) {
        stretches::each(&self.text[piece.clone()], |Stretch { span, refused }| {
            let span = piece.start + span.start..piece.start + span.end;
            match refused {
                None => self.take_stretch(span),
                Some(what) => self.take_junk(span, what),
            }
        });
    }

    fn take_stretch(&mut self, span: Range<usize>) {
        match parser::parse(&self.text[span]) {
            Ok(resource) => self.take_entries(&resource, Vec::new()),
            Err((resource, errors)) => self.take_entries(&resource, errors),
        }
    }

    /// Takes entries and the errors of those that are junk, in the same order.
    fn take_entries(&mut self, resource: &ast::Resource<&'a str>, errors: Vec<ParserError>) {
        self.entities.reserve(resource.body.len());
        let mut errors = errors.into_iter();
        for entry in &resource.body {
            match entry {
                Entry::Message(message) => self.take_message(message),
                Entry::Term(term) => self.take_term(term),
                Entry::Junk { content } => {
                    let what = errors.next().map_or(Cow::Borrowed("not Fluent"), |error| error.to_string().into());
                    let start = self.offset(content);
                    self.take_junk(start..start + content.len(), what);
                }
                Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            }
        }
    }

    fn take_message(&mut self, message: &ast::Message<&'a str>) {
        let start = self.offset(message.id.name);
        let words = message.value.as_ref().map_or(0, pattern::words)
            + message.attributes.iter().map(|attribute| pattern::words(&attribute.value)).sum::<usize>();
        self.take_entity(start, message.id.name, message.value.as_ref(), &message.attributes, message.comment.as_ref(), words);
    }

    /// A term's attributes are private: their words are not counted.
    fn take_term(&mut self, term: &ast::Term<&'a str>) {
        let start = self.offset(term.id.name) - "-".len();
        let words = pattern::words(&term.value);
        self.take_entity(start, term.id.name, Some(&term.value), &term.attributes, term.comment.as_ref(), words);
    }

    fn take_entity(
        &mut self,
        start: usize,
        name: &'a str,
        value: Option<&ast::Pattern<&'a str>>,
        attributes: &[ast::Attribute<&'a str>],
        comment: Option<&ast::Comment<&'a str>>,
        words: usize,
    ) {
        let mut end = self.offset(name) + name.len();
        let key = Cow::Borrowed(&self.text[start..end]);
        let mut source_of = |name: &str, value: &ast::Pattern<&'a str>| {
            let span = pattern::span(self.text, pattern::offset(self.text, name) + name.len(), value);
            end = span.end;
            Cow::Borrowed(&self.text[span])
        };
        let value = value.map(|value| source_of(name, value));
        let attributes = attributes
            .iter()
            .map(|one| Attribute { name: Cow::Borrowed(one.id.name), value: source_of(one.id.name, &one.value) })
            .collect();
        let comment = comment.filter(|comment| self.touches(comment, start)).map(text_of);
        self.entities.push(Entity { key, value, attributes, comment, span: start..end, words });
    }

    /// Says whether a comment ends in the line before; fluent-syntax lets one empty line pass.
    fn touches(&self, comment: &ast::Comment<&'a str>, start: usize) -> bool {
        comment.content.last().is_some_and(|line| self.offset(line) + line.len() + 1 == start)
    }

    /// Takes junk without the white space around it; blanks alone are none.
    fn take_junk(&mut self, span: Range<usize>, what: impl Into<Cow<'static, str>>) {
        let content = self.text[span].trim_matches([' ', '\t', '\n', '\r']);
        if !content.is_empty() {
            let start = self.offset(content);
            self.junk.add(start..start + content.len(), what);
        }
    }

    fn offset(&self, part: &str) -> usize {
        pattern::offset(self.text, part)
    }
}

fn text_of<'a>(comment: &ast::Comment<&'a str>) -> Cow<'a, str> {
    match comment.content[..] {
        [line] => Cow::Borrowed(line),
        _ => Cow::Owned(comment.content.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_in_pieces, plain};
    use proptest::collection::vec;
    use proptest::prelude::proptest;
    use proptest::sample::select;

    /// What it is made of that decides how a file is read.
    const PARTS: [&str; 28] = [
        "\n",
        "\n",
        "\n\n",
        " ",
        "    ",
        "=",
        " = ",
        "a",
        "b-c",
        "-",
        "-d = e\n",
        "f = g\n",
        "    .h = i\n",
        ".",
        "#",
        "# ",
        "# j\n",
        "## k\n",
        "{",
        "}",
        "{ $l }",
        "->",
        "[m]",
        "*[n] o",
        "\t",
        "\u{e9}",
        "\u{3000}",
        "\"",
    ];

    fn check(text: &str) {
        let alone = parse_in_pieces(text, text.len(), |_, _| None);
        for length in [1, 7, 30, text.len()] {
            assert_eq!(parse_in_pieces(text, length, |_, _| None), alone, "{text:?} in pieces of {length}");
            assert_eq!(parse_in_pieces(text, length, plain::entry), alone, "{text:?} in pieces of {length} beside plain lines");
        }
    }

    #[test]
    fn where_a_file_is_cut_and_who_reads_an_entry_makes_no_difference() {
        check("a = b\nc = d\n");
        check("# of a\na = b\n    c\n    .d = e\n\n# of nothing\n\n-f = g\n## group\n# of h\nh = i\n");
        check("a = { $b\nc = d\ne = { f }\n");
        check("a = {\nb }\n-c = { $d ->\n   *[e] f\n}\n");
        check("a = { $b\n-> \n   *[c] d\n}\ne = f\n");
        check("junk\n } more\n#no comment\n# one\n## other\na = b\n\n}\nc = \n\n    d\n");
        check("a = { \"\\u00e\u{e9}\" }\nb = { \"\nc = d\n#\n#\n\n#\ne = f");
        check(&format!("a = {}\nb = c\n", "{".repeat(150)));
        check("a =\n\n  .b = c \n\n    .d = e\n#\n# of -f\n-f = g\n    .h = i j");
        check("a = b\n# \u{e9}");
        check("a = b\n  \nc = d\n.e = f\n-g =\n    .h = i\nj =\n    .k =\nl = \t\n# m");
    }

    proptest! {
        #[test]
        fn nor_does_it_in_any_other(parts in vec(select(&PARTS[..]), 0..40)) {
            check(&parts.concat());
        }
    }
}
