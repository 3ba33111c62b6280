//! One pattern: its text comes in, what it is made of goes out, with every variable replaced by its value.
//!
//! The parts are those of compare-locales (`paths/matcher.py`, `PatternParser`): `{name}`, `*`, and `**` after a slash, a
//! variable or nothing, before a slash or nothing; `**` elsewhere is `*` twice.

use std::collections::BTreeMap;

/// How many parts a pattern may have, those in the values of its variables counted.
const MOST_PIECES: usize = 1000;
/// How many parts of a pattern may be other than text: each of them costs a pass over the path.
pub(super) const MOST_OPEN: usize = 16;
/// How many bytes of text a pattern may have.
pub(super) const LONGEST: usize = 4096;

/// The folder of the localizations, which compare-locales takes from its command line.
const BASE: &str = "l10n_base";

pub(super) type Environment = BTreeMap<String, String>;

/// What a part of a pattern stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Text(Vec<u8>),
    /// The code of a locale.
    Locale(Form),
    /// Any bytes, or none, within one part of the path: `*`.
    Star,
    /// Whole parts, or none, each with its slash: `**/`.
    Parts,
    /// All that is left, or nothing: `**` at the end.
    Rest,
    /// At least one byte, slashes too: a variable without a value.
    Anything,
}

impl Node {
    /// Says whether it can take any number of bytes.
    pub(super) fn is_open_ended(&self) -> bool {
        !matches!(self, Node::Text(_) | Node::Locale(_))
    }
}

/// How the code of a locale is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Android,
}

/// A pattern that can be matched with paths from the root of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) nodes: Vec<Node>,
}

/// What was read, and which variables it has that have no value.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) pattern: Pattern,
    pub(super) unknown: Vec<String>,
}

/// The folder that a pattern is in if it doesn't say: `None` is one outside of the repository.
pub(super) type Folder<'a> = Option<&'a str>;

impl Pattern {
    /// Reads a pattern; what is wrong with it is told as "it …".
    pub(super) fn read(text: &str, folder: Folder<'_>, environment: &Environment) -> Result<Read, String> {
        let mut expansion =
            Expansion { environment, nodes: Vec::new(), open: Vec::new(), unknown: Vec::new(), pieces: 0, base: false };
        expansion.add(text)?;
        let nodes = rooted(expansion.nodes, folder, expansion.base)?;
        Ok(Read { pattern: Pattern::of(nodes)?, unknown: expansion.unknown })
    }

    /// Checks that a pattern is one that can be used.
    pub(super) fn of(nodes: Vec<Node>) -> Result<Pattern, String> {
        let open = nodes.iter().filter(|node| !matches!(node, Node::Text(_))).count();
        let bytes: usize = nodes.iter().map(|node| if let Node::Text(text) = node { text.len() } else { 0 }).sum();
        if open > MOST_OPEN || bytes > LONGEST {
            return Err(format!("it has more than {MOST_OPEN} variables and stars or more than {LONGEST} bytes of text"));
        }
        match nodes.last() {
            None => Err("it is empty".to_owned()),
            Some(Node::Text(text)) if text.ends_with(b"/") => {
                Err("it ends with a slash, so no file matches; `**` after it is all files in the folder".to_owned())
            }
            Some(_) => Ok(Pattern { nodes }),
        }
    }

    pub(super) fn has_locale(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Locale(_)))
    }
}

/// Adds text to the nodes, so that no two texts are neighbours and none is empty.
pub(super) fn add_text(nodes: &mut Vec<Node>, text: &[u8]) {
    match nodes.last_mut() {
        _ if text.is_empty() => {}
        Some(Node::Text(before)) => before.extend_from_slice(text),
        _ => nodes.push(Node::Text(text.to_vec())),
    }
}

/// Adds what is no text; a second star says nothing that the first didn't.
pub(super) fn add_open(nodes: &mut Vec<Node>, node: Node) {
    if node != Node::Star || nodes.last() != Some(&Node::Star) {
        nodes.push(node);
    }
}

/// A pattern whose variables are being replaced by their values, which are patterns too.
struct Expansion<'a> {
    environment: &'a Environment,
    nodes: Vec<Node>,
    /// The variables whose values are being read.
    open: Vec<String>,
    unknown: Vec<String>,
    pieces: usize,
    /// Whether it starts with `{l10n_base}`.
    base: bool,
}

impl Expansion<'_> {
    fn add(&mut self, text: &str) -> Result<(), String> {
        for piece in Pieces::of(text) {
            self.pieces += 1;
            if self.pieces > MOST_PIECES {
                return Err(format!("it has more than {MOST_PIECES} parts, with the values of its variables"));
            }
            match piece {
                Piece::Text(text) => add_text(&mut self.nodes, text.as_bytes()),
                Piece::Star => add_open(&mut self.nodes, Node::Star),
                Piece::Parts => add_open(&mut self.nodes, Node::Parts),
                Piece::Rest => add_open(&mut self.nodes, Node::Rest),
                Piece::Variable(name) => self.add_variable(name)?,
            }
        }
        Ok(())
    }

    fn add_variable(&mut self, name: &str) -> Result<(), String> {
        match name {
            "locale" => self.nodes.push(Node::Locale(Form::Plain)),
            "android_locale" => self.nodes.push(Node::Locale(Form::Android)),
            _ => match self.environment.get(name) {
                Some(value) if !self.open.iter().any(|open| open == name) => return self.add_value(name, value),
                None if name == BASE => return self.add_base(),
                // compare-locales takes a variable within its own value for one without a value, too.
                _ => self.add_unknown(name),
            },
        }
        Ok(())
    }

    fn add_value(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.open.push(name.to_owned());
        let added = self.add(value);
        self.open.pop();
        added
    }

    fn add_base(&mut self) -> Result<(), String> {
        if self.base || !self.nodes.is_empty() {
            return Err(format!("`{{{BASE}}}`, a folder from the root of all, stands after something else"));
        }
        self.base = true;
        Ok(())
    }

    fn add_unknown(&mut self, name: &str) {
        self.nodes.push(Node::Anything);
        if !self.unknown.iter().any(|known| known == name) {
            self.unknown.push(name.to_owned());
        }
    }
}

/// Makes a pattern start at the root of the repository.
fn rooted(mut nodes: Vec<Node>, folder: Folder<'_>, base: bool) -> Result<Vec<Node>, String> {
    let text = match nodes.first_mut() {
        Some(Node::Text(text)) => Some(std::mem::take(text)),
        _ => None,
    };
    let rest = nodes.split_off(usize::from(text.is_some()));
    let text = text.unwrap_or_default();
    let text = match (base, text.strip_prefix(b"/")) {
        (true, None) => return Err(format!("`{{{BASE}}}` needs a slash after it")),
        (true, Some(text)) => in_folder("", text)?,
        (false, Some(_)) => return Err("it is an absolute path, which no path in a repository is".to_owned()),
        (false, None) => in_folder(folder.ok_or("its file's `basepath` leads out of the repository")?, &text)?,
    };
    let mut nodes = Vec::new();
    add_text(&mut nodes, &text);
    nodes.extend(rest);
    Ok(nodes)
}

/// Finds the folder that a `basepath` means, from the folder of its file.
pub(super) fn folder_of(file: &str, basepath: &str) -> Option<String> {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let found = (!basepath.starts_with('/')).then(|| in_folder(folder, format!("{basepath}/").as_bytes()))?;
    String::from_utf8(found.ok()?).ok()
}

/// Puts the text that a pattern starts with behind its folder, and resolves `.` and `..` in all but its last part.
fn in_folder(folder: &str, text: &[u8]) -> Result<Vec<u8>, String> {
    let slash = memchr::memrchr(b'/', text).map_or(0, |slash| slash + 1);
    let (folders, last) = text.split_at(slash);
    let mut parts: Vec<&[u8]> = folder.split('/').filter(|part| !part.is_empty()).map(str::as_bytes).collect();
    for part in folders.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop().ok_or("it leads out of the repository")?;
            }
            _ => parts.push(part),
        }
    }
    parts.push(last);
    Ok(parts.join(&b'/'))
}

/// Finds the path of a file from the root of the repository, by a folder and a path in it.
pub(super) fn path_in(folder: Folder<'_>, path: &str, environment: &Environment) -> Result<String, String> {
    let read = Pattern::read(path, folder, environment)?;
    match (&read.pattern.nodes[..], &read.unknown[..]) {
        ([Node::Text(text)], _) => String::from_utf8(text.clone()).map_err(|_| "it is no text".to_owned()),
        (_, [unknown, ..]) => Err(format!("the variable `{unknown}` has no value")),
        _ => Err("it is not the path of one file".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Star,
    Parts,
    Rest,
    Variable(&'a str),
}

/// Cuts the text of a pattern into pieces.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str) -> Pieces<'a> {
        Pieces { text, at: 0 }
    }

    /// Gives the piece other than text that starts at an offset, and its length.
    fn special(&self, at: usize) -> Option<(Piece<'a>, usize)> {
        let rest = &self.text[at..];
        if rest.starts_with('{') {
            return variable(rest);
        }
        let may_be_double = matches!(self.text[..at].bytes().last(), None | Some(b'/' | b'}'));
        match rest.strip_prefix("**") {
            Some("") if may_be_double => Some((Piece::Rest, 2)),
            Some(after) if may_be_double && after.starts_with('/') => Some((Piece::Parts, 3)),
            _ => rest.starts_with('*').then_some((Piece::Star, 1)),
        }
    }
}

/// Reads `{name}`, perhaps with spaces around the name.
fn variable(text: &str) -> Option<(Piece<'_>, usize)> {
    // A name is short; so a text of many braces takes no quadratic time.
    let end = memchr::memchr(b'}', &text.as_bytes()[..text.len().min(100)])?;
    let name = text[1..end].trim_matches(' ');
    let is_name = !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || char == '_');
    is_name.then_some((Piece::Variable(name), end + 1))
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let start = self.at;
        for found in memchr::memchr2_iter(b'*', b'{', &self.text.as_bytes()[start..]) {
            let Some((piece, length)) = self.special(start + found) else { continue };
            if found > 0 {
                self.at = start + found;
                return Some(Piece::Text(&self.text[start..start + found]));
            }
            self.at = start + length;
            return Some(piece);
        }
        self.at = self.text.len();
        (start < self.text.len()).then(|| Piece::Text(&self.text[start..]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Form, Node, Pattern, Piece, Pieces, path_in};

    fn text(text: &str) -> Node {
        Node::Text(text.as_bytes().to_vec())
    }

    fn environment(values: &[(&str, &str)]) -> Environment {
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn two_stars_are_double_only_between_slashes_and_after_a_variable() {
        let cases: [(&str, &[Piece<'_>]); 7] = [
            ("**", &[Piece::Rest]),
            ("**/a", &[Piece::Parts, Piece::Text("a")]),
            ("a**", &[Piece::Text("a"), Piece::Star, Piece::Star]),
            ("/**a", &[Piece::Text("/"), Piece::Star, Piece::Star, Piece::Text("a")]),
            ("{ a }**", &[Piece::Variable("a"), Piece::Rest]),
            ("{a-b}{", &[Piece::Text("{a-b}{")]),
            ("{}{é}", &[Piece::Text("{}"), Piece::Variable("é")]),
        ];
        for (text, expected) in cases {
            assert_eq!(Pieces::of(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_pattern_starts_at_the_root_of_the_repository() {
        let locale = Node::Locale(Form::Plain);
        let cases: [(&str, Option<&str>, &[Node]); 7] = [
            ("{locale}/a", Some(""), &[locale.clone(), text("/a")]),
            ("{locale}/a", Some("x/y"), &[text("x/y/"), locale.clone(), text("/a")]),
            ("../b/./{locale}/a", Some("x/y"), &[text("x/b/"), locale.clone(), text("/a")]),
            ("a-{locale}", Some("x"), &[text("x/a-"), locale.clone()]),
            ("{l10n_base}/{locale}/a", Some("x/y"), &[locale.clone(), text("/a")]),
            ("{l10n_base}/{locale}/a", None, &[locale.clone(), text("/a")]),
            ("{l10n_base}//a/../b/{locale}", None, &[text("b/"), locale]),
        ];
        for (pattern, folder, expected) in cases {
            assert_eq!(Pattern::read(pattern, folder, &Environment::new()).unwrap().pattern.nodes, expected, "{pattern}");
        }
    }

    #[test]
    fn values_of_variables_are_patterns_too() {
        let environment = environment(&[("l", "{l10n_base}/{locale}/{part}"), ("part", "app/"), ("me", "x{me}")]);

        let read = Pattern::read("{l}**/*.{kind}", Some("x"), &environment).unwrap();
        let cyclic = Pattern::read("{me}", Some(""), &environment).unwrap();

        let expected = [Node::Locale(Form::Plain), text("/app/"), Node::Parts, Node::Star, text("."), Node::Anything];
        assert_eq!((&read.pattern.nodes[..], &read.unknown[..]), (&expected[..], &["kind".to_owned()][..]));
        assert_eq!((cyclic.pattern.nodes, cyclic.unknown), (vec![text("x"), Node::Anything], vec!["me".to_owned()]));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_says_why() {
        let double = (0..30).map(|n| (format!("v{n}"), format!("{{v{0}}}{{v{0}}}", n + 1))).collect();
        let none = Environment::new();
        let cases: [(&str, Option<&str>, &Environment, &str); 8] = [
            ("", Some(""), &none, "it is empty"),
            ("/a/{locale}", Some(""), &none, "it is an absolute path"),
            ("x/../../{locale}/a", Some(""), &none, "it leads out of the repository"),
            ("{locale}/a", None, &none, "its file's `basepath` leads out of the repository"),
            ("{locale}/", Some(""), &none, "it ends with a slash"),
            ("a/{l10n_base}/b", Some(""), &none, "`{l10n_base}`, a folder from the root of all, stands after"),
            ("{l10n_base}{locale}", Some(""), &none, "`{l10n_base}` needs a slash"),
            ("{v0}", Some(""), &double, "it has more than 1000 parts"),
        ];
        for (pattern, folder, environment, expected) in cases {
            let why = Pattern::read(pattern, folder, environment).unwrap_err();
            assert!(why.starts_with(expected), "{pattern}: {why}");
        }
        assert!(Pattern::read(&"*a".repeat(17), Some(""), &none).unwrap_err().starts_with("it has more than 16"));
    }

    #[test]
    fn the_path_of_a_file_has_no_stars() {
        let environment = environment(&[("toolkit", "../toolkit")]);

        assert_eq!(path_in(Some("browser"), "{toolkit}/l10n.toml", &environment).as_deref(), Ok("toolkit/l10n.toml"));
        for wrong in ["*.toml", "{other}/l10n.toml", "../../l10n.toml", ""] {
            assert!(path_in(Some("browser"), wrong, &environment).is_err(), "{wrong}");
        }
    }
}
