//! The difference between two versions of one file: bytes in; changed entities, changed lines or sizes out. Pure.

use crate::domain::Kept;
use crate::fetch::{ChangedFile, How};
use elmo_l10n::{Change, File, Kind, Side, Text, What, difference, is_binary, lines, mark, parse};
use serde::Serialize;

/// One file and what differs in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Difference {
    pub(in crate::web) path: String,
    /// Where it was copied or renamed from.
    pub(in crate::web) from: Option<String>,
    /// added, removed, changed, copied or renamed.
    pub(in crate::web) state: &'static str,
    #[serde(flatten)]
    pub(in crate::web) content: Content,
}

/// What differs in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(in crate::web) enum Content {
    /// Nothing: it was only copied or renamed.
    Same,
    /// A localization file whose two versions could be read.
    Entities { entities: Vec<EntityChange> },
    /// Any other text. `problem` says why a localization file is shown by its lines.
    Lines { problem: Option<String>, hunks: Vec<Vec<TextLine>> },
    /// Sizes in bytes.
    Binary { old: Option<usize>, new: Option<usize> },
}

/// One entity, or one attribute of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::web) struct EntityChange {
    /// `id` or `id.attribute`.
    pub(in crate::web) key: String,
    /// added, removed, changed, or comment: only the comment is another.
    pub(in crate::web) state: &'static str,
    pub(in crate::web) old: Option<Vec<Piece>>,
    pub(in crate::web) new: Option<Vec<Piece>>,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Piece {
    pub(in crate::web) text: String,
    pub(in crate::web) changed: bool,
}

/// One line, with its number in the version or versions that have it, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::web) struct TextLine {
    pub(in crate::web) old: Option<usize>,
    pub(in crate::web) new: Option<usize>,
    pub(in crate::web) text: String,
    /// Whether the line ends; a file's last one may not.
    pub(in crate::web) ends: bool,
}

impl Difference {
    /// Compares two versions of a file; one of them is missing where the file was added or removed.
    pub(super) fn of(file: ChangedFile, old: Option<&[u8]>, new: Option<&[u8]>) -> Difference {
        let content = content(file.path.as_str(), old, new);
        let (state, from) = match file.how {
            How::Added => ("added", None),
            How::Removed => ("removed", None),
            How::Changed => ("changed", None),
            How::Copied(from) => ("copied", Some(from)),
            How::Renamed(from) => ("renamed", Some(from)),
        };
        Difference { path: file.path.to_string(), from: from.map(|from| from.to_string()), state, content }
    }

    /// About how many bytes it takes, in memory and on a page.
    pub(in crate::web) fn size(&self) -> usize {
        let content: usize = match &self.content {
            Content::Same | Content::Binary { .. } => 0,
            Content::Entities { entities } => entities.iter().map(EntityChange::size).sum(),
            Content::Lines { hunks, .. } => hunks.iter().flatten().map(TextLine::size).sum(),
        };
        300 + self.path.len() + content
    }
}

impl EntityChange {
    /// About how many bytes it takes.
    pub(in crate::web) fn size(&self) -> usize {
        let pieces = self.old.iter().chain(&self.new).flatten();
        150 + self.key.len() + pieces.map(|piece| 30 + piece.text.len()).sum::<usize>()
    }
}

impl TextLine {
    /// About how many bytes it takes.
    pub(in crate::web) fn size(&self) -> usize {
        120 + self.text.len()
    }
}

fn content(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Content {
    let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
    if before == after && old.is_some() && new.is_some() {
        return Content::Same;
    }
    if is_binary(before) || is_binary(after) {
        return Content::Binary { old: old.map(<[u8]>::len), new: new.map(<[u8]>::len) };
    }
    match Kind::of(path) {
        Some(kind) => entities(kind, before, after),
        None => Content::Lines { problem: None, hunks: changed_lines(before, after) },
    }
}

/// By entities where both versions can be read, else by lines; by lines too where the entities are the same and something
/// else is not.
fn entities(kind: Kind, before: &[u8], after: &[u8]) -> Content {
    let (before_text, after_text) = (Text::decode(before), Text::decode(after));
    let (old, new) = (parse(kind, &before_text), parse(kind, &after_text));
    if let Some(problem) = problem(&new, "The new version").or_else(|| problem(&old, "The old version")) {
        return Content::Lines { problem: Some(problem), hunks: changed_lines(before, after) };
    }
    let entities: Vec<EntityChange> = difference(&old, &new).iter().map(entity_change).collect();
    if entities.is_empty() {
        let problem = Some("No string is another; what differs is around them.".to_owned());
        return Content::Lines { problem, hunks: changed_lines(before, after) };
    }
    Content::Entities { entities }
}

fn problem(file: &File<'_>, which: &str) -> Option<String> {
    let junk = file.junk.first()?;
    let more = match file.junk.len() {
        1 => String::new(),
        many => format!(", and in {} more places", many - 1),
    };
    Some(format!("{which} cannot be read at line {}, column {}: {}{more}.", junk.place.line, junk.place.column, shown(&junk.what)))
}

fn entity_change(change: &Change<'_>) -> EntityChange {
    let (state, old, new) = match change.what {
        What::Added(new) => ("added", None, Some(whole(new))),
        What::Removed(old) => ("removed", Some(whole(old)), None),
        What::Changed { old, new } => {
            let (old, new) = marked(old, new);
            ("changed", Some(old), Some(new))
        }
        What::Comment { old: Some(old), new: Some(new) } => {
            let (old, new) = marked(old, new);
            ("comment", Some(old), Some(new))
        }
        What::Comment { old, new } => ("comment", old.map(whole), new.map(whole)),
    };
    // What gettext puts between the context and the message is no character that can be read.
    let key = match change.name().split_once('\u{4}') {
        Some((context, message)) => format!("{message} ({context})"),
        None => change.name(),
    };
    EntityChange { key: shown(&key), state, old, new }
}

fn marked(old: &str, new: &str) -> (Vec<Piece>, Vec<Piece>) {
    let shown = |pieces: Vec<elmo_l10n::Piece<'_>>| {
        pieces.iter().map(|piece| Piece { text: shown(piece.text), changed: piece.changed }).collect()
    };
    let (old, new) = mark(old, new);
    (shown(old), shown(new))
}

fn whole(value: &str) -> Vec<Piece> {
    vec![Piece { text: shown(value), changed: false }]
}

fn changed_lines(before: &[u8], after: &[u8]) -> Vec<Vec<TextLine>> {
    let line = |line: &elmo_l10n::Line<'_>| {
        let (old, new) = match line.side {
            Side::Old(old) => (Some(old), None),
            Side::New(new) => (None, Some(new)),
            Side::Both { old, new } => (Some(old), Some(new)),
        };
        TextLine { old, new, text: shown(&line.text), ends: line.ends }
    };
    lines(before, after).iter().map(|hunk| hunk.lines.iter().map(line).collect()).collect()
}

/// Text as a reader may see it: what would steer the terminal or the reading direction is written out.
fn shown(text: &str) -> String {
    Kept::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Content, Difference, EntityChange, Piece};
    use crate::fetch::{ChangedFile, How};

    fn content(path: &str, old: Option<&str>, new: Option<&str>) -> Content {
        let file = ChangedFile { path: path.into(), how: How::Changed };
        Difference::of(file, old.map(str::as_bytes), new.map(str::as_bytes)).content
    }

    fn rows(path: &str, old: &str, new: &str) -> Vec<(String, &'static str, Option<String>, Option<String>)> {
        let Content::Entities { entities } = content(path, Some(old), Some(new)) else { panic!("no entities") };
        // Changed runs in brackets.
        let text = |pieces: &Option<Vec<Piece>>| {
            pieces.as_ref().map(|pieces| {
                let text = |piece: &Piece| if piece.changed { format!("[{}]", piece.text) } else { piece.text.clone() };
                pieces.iter().map(text).collect()
            })
        };
        entities.iter().map(|EntityChange { key, state, old, new }| (key.clone(), *state, text(old), text(new))).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn entities_and_attributes_are_rows_with_their_changed_characters() {
        let old = "a = One\n    .title = Big\nb = Two\n";
        let new = "a = One\n    .title = Bag\nc = Three\n";
        let expected = [
            ("a.title".to_owned(), "changed", some("B[i]g"), some("B[a]g")),
            ("b".to_owned(), "removed", some("Two"), None),
            ("c".to_owned(), "added", None, some("Three")),
        ];
        let mut found = rows("x.ftl", old, new);
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(rows("x.properties", "# A\na=1\n", "# B\na=1\n")[0].1, "comment");
    }

    #[test]
    fn what_cannot_be_read_is_shown_by_lines_with_the_place() {
        let Content::Lines { problem: Some(problem), hunks } = content("x.ftl", Some("a = 1\n"), Some("a = 1\nb = { $x\n")) else {
            panic!("no lines")
        };
        assert!(problem.starts_with("The new version cannot be read at line 2"), "{problem}");
        assert_eq!(hunks[0].last().map(|line| line.text.as_str()), Some("b = { $x"));
        assert!(matches!(content("x.rs", Some("a\n"), Some("b\n")), Content::Lines { problem: None, .. }));
    }

    #[test]
    fn what_is_no_text_has_sizes_and_what_is_the_same_nothing() {
        assert_eq!(content("x.ftl", Some("a\0"), None), Content::Binary { old: Some(2), new: None });
        assert_eq!(content("x.ftl", Some("a = 1\n"), Some("a = 1\n")), Content::Same);
    }

    #[test]
    fn a_key_with_a_context_and_marks_of_direction_can_be_read() {
        let found = rows("x.po", "", "msgctxt \"menu\"\nmsgid \"Open\"\nmsgstr \"\u{202e}x\"\n");
        assert_eq!(found[0].0, "Open (menu)");
        assert_eq!(found[0].3, some("\\u{202e}x"));
    }
}
