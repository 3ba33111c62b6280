//! Input that nobody would write: nothing panics, nothing takes long, and what is promised holds.

use std::ops::Range;
use std::time::{Duration, Instant};

use elmo_l10n::{File, Kind, Text, difference, lines, mark, parse};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, proptest};

const KINDS: [Kind; 7] = [Kind::Android, Kind::Defines, Kind::Dtd, Kind::Fluent, Kind::Ini, Kind::Po, Kind::Properties];

/// Parts of all formats, so that chance makes something of them.
const PARTS: [&str; 62] = [
    "\n",
    "\n",
    "\n\n",
    " ",
    "    ",
    "\t",
    "\r\n",
    "\r",
    "a",
    "key",
    "=",
    ":",
    "#",
    "# ",
    "!",
    ";",
    "\\",
    "\"",
    "'",
    "<",
    ">",
    "&",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "*[other] x",
    ".attr = y",
    "-term",
    "$x",
    "->",
    "->\n",
    "a = {",
    "\\u00e",
    "\\u",
    "é",
    "日",
    "\u{301}",
    "😀",
    "\u{feff}",
    "\u{0}",
    "#define ",
    "#filter emptyLines",
    "<!ENTITY ",
    "<!ENTITY a \"b\">",
    "<!ENTITY % a SYSTEM \"b\">%a;",
    "<!--",
    "-->",
    "msgid \"a\"",
    "msgstr ",
    "msgctxt \"c\"",
    "msgid_plural \"b\"",
    "msgstr[0] \"x\"",
    "<resources>",
    "</resources>",
    "<string name=\"a\">",
    "</string>",
    "<![CDATA[",
    "]]>",
    "&amp;",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PARTS[..]), 0..40).prop_map(|parts| parts.concat())
}

fn holds_its_promises(file: &File<'_>, text: &str) {
    let spans = |spans: Vec<Range<usize>>| {
        let mut end = 0;
        for span in spans {
            assert!(end <= span.start && span.start <= span.end && span.end <= text.len(), "{span:?} after {end}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            end = span.end;
        }
    };
    spans(file.entities.iter().map(|entity| entity.span.clone()).collect());
    spans(file.junk.iter().map(|junk| junk.span.clone()).collect());
    assert_eq!(difference(file, file), []);
}

fn check(bytes: &[u8]) {
    let text = Text::decode(bytes);
    for kind in KINDS {
        holds_its_promises(&parse(kind, &text), &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_text_can_be_read(text in ".{0,100}") {
        check(text.as_bytes());
    }

    #[test]
    fn anything_that_looks_like_localization_can_be_read(text in pieces()) {
        check(text.as_bytes());
    }

    #[test]
    fn the_pieces_of_a_mark_make_up_the_values(old in pieces(), new in pieces()) {
        let (olds, news) = mark(&old, &new);

        assert_eq!(olds.iter().map(|piece| piece.text).collect::<String>(), old);
        assert_eq!(news.iter().map(|piece| piece.text).collect::<String>(), new);
        assert_eq!(olds.iter().chain(&news).any(|piece| piece.changed), old != new);
    }

    #[test]
    fn files_are_compared_by_lines_whatever_they_hold(old in pieces(), new in pieces()) {
        assert_eq!(lines(old.as_bytes(), new.as_bytes()).is_empty(), old == new);
    }

    #[test]
    fn a_difference_knows_what_is_new(old in pieces(), new in pieces()) {
        let (old, new) = (Text::decode(old.as_bytes()), Text::decode(new.as_bytes()));
        for kind in KINDS {
            let (old, new) = (parse(kind, &old), parse(kind, &new));
            assert_eq!(difference(&old, &new).len(), difference(&new, &old).len());
        }
    }
}

#[test]
fn an_escape_before_a_letter_of_several_bytes_is_junk() {
    check("a = { \"\\u00é\" }\nb = { \"\\U0é\" }\nc = { \"\\é\" }\n".as_bytes());
}

/// Parts that would take quadratic time, or the whole stack, if they were read carelessly.
const HOSTILE: [&str; 58] = [
    "{",
    "a = {",
    "a = { F(",
    "a = {\nA(",
    "a = { \"}\" }{",
    "a = { $x ->\n *[a] {",
    "{\"",
    "a\n.b = ",
    "#\n",
    "a = { $x\n",
    "a = b }\n",
    "[",
    "(",
    "<",
    "<a",
    "<br",
    "a=<a<a",
    "<!--",
    "<!-- -",
    "<!ENTITY a \"",
    "<!ENTITY a '\"",
    "<!ENTITY % a",
    "&",
    "a=\\",
    "a=\\\n",
    "\\u",
    "#",
    "# a\nb\n",
    "#a",
    "#define",
    "#define a\n\n",
    "x\n",
    "[a\n",
    "=\n",
    "msgid",
    "msgid \"",
    "msgid \"a\" ",
    "msgid \"\\\"",
    "m",
    "msgctxt \"a\"\n",
    "<a>",
    "<a b=\"",
    "<resources>",
    "<!-- -->",
    "é",
    "\u{0}",
    "\r",
    " ",
    "\n",
    "a = { F(a: 1, ",
    "b: 1, ",
    "a",
    "-",
    "a =\n",
    "    b\n",
    " b=\"\"",
    "]]>",
    "<![CDATA[",
];

fn read(kind: Kind, head: &str, part: &str, length: usize) {
    let text = head.to_owned() + &part.repeat(length / part.len());
    let text = Text::decode(text.as_bytes());
    let start = Instant::now();

    parse(kind, &text);

    assert!(start.elapsed() < Duration::from_secs(5), "{kind:?} took {:?} for {head:?} and {part:?}", start.elapsed());
}

#[test]
fn files_that_nobody_would_write_take_no_time() {
    for part in HOSTILE {
        for head in ["", "<resources><string name=\"a\">", "a = { F(", "a=<", "msgid \""] {
            for kind in KINDS {
                read(kind, head, part, 20_000);
            }
        }
    }
}

#[test]
fn nesting_of_five_megabytes_uses_up_neither_time_nor_the_stack() {
    for part in ["{", "a = {\nA(", "A("] {
        read(Kind::Fluent, "a = {", part, 5_000_000);
    }
}

#[test]
fn files_of_a_megabyte_without_an_end_take_no_time() {
    read(Kind::Fluent, "a = { A(", "b: 1, ", 1_000_000);
    read(Kind::Android, "<resources><string name=\"a\">", "<a>", 1_000_000);
    read(Kind::Dtd, "", "<!ENTITY a '\"", 1_000_000);
    read(Kind::Properties, "a=", "<a", 1_000_000);
    read(Kind::Po, "", "msgid \"a\" ", 1_000_000);
}
