//! The text of a changeset in the changelog, written and read.

use std::collections::BTreeMap;

use crate::Node;
use crate::error::{Error, Result};

/// Seconds since 1970, seconds west of UTC.
pub(crate) type Date = (i64, i32);
/// What stands beside the date: the branch, and whatever else was noted.
pub(crate) type Extra = BTreeMap<Vec<u8>, Vec<u8>>;
/// Paths, sorted by their bytes.
pub(crate) type Files = Vec<Box<[u8]>>;

/// A changeset as it stands in the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changeset {
    pub(crate) node: Node,
    /// Null where there is none.
    pub(crate) parents: [Node; 2],
    pub(crate) manifest: Node,
    pub(crate) author: Box<[u8]>,
    pub(crate) date: Date,
    pub(crate) extra: Extra,
    pub(crate) files: Files,
    pub(crate) description: Box<[u8]>,
}

impl Changeset {
    /// The named branch.
    pub(crate) fn branch(&self) -> &[u8] {
        self.extra.get(b"branch".as_slice()).map_or(b"default", Vec::as_slice)
    }

    /// The parents without the null ones.
    pub(crate) fn real_parents(&self) -> impl Iterator<Item = Node> {
        self.parents.into_iter().filter(|parent| !parent.is_null())
    }

    /// Names it after its contents, and gives the text that goes into the changelog.
    pub(crate) fn sealed(mut self) -> (Self, Vec<u8>) {
        let text = self.text();
        self.node = Node::of(&text, self.parents);
        (self, text)
    }

    fn text(&self) -> Vec<u8> {
        let mut text = self.manifest.to_hex().to_vec();
        text.push(b'\n');
        text.extend_from_slice(&self.author);
        text.extend_from_slice(format!("\n{} {}", self.date.0, self.date.1).as_bytes());
        for (number, (key, value)) in self.extra.iter().enumerate() {
            text.push(if number == 0 { b' ' } else { 0 });
            escape(&[key.as_slice(), b":", value].concat(), &mut text);
        }
        text.push(b'\n');
        for file in &self.files {
            text.extend_from_slice(file);
            text.push(b'\n');
        }
        text.push(b'\n');
        text.extend_from_slice(&self.description);
        text
    }

    /// Reads a changeset back.
    pub(crate) fn read(node: Node, parents: [Node; 2], text: &[u8]) -> Result<Self> {
        parse(node, parents, text).ok_or_else(|| Error::Invalid(format!("changeset {node} cannot be read")))
    }
}

fn parse(node: Node, parents: [Node; 2], text: &[u8]) -> Option<Changeset> {
    let mut lines = text.splitn(4, |byte| *byte == b'\n');
    let manifest = Node::from_hex(lines.next()?)?;
    let author = lines.next()?.into();
    let (date, extra) = parse_date(lines.next()?)?;
    let (files, description) = parse_files(lines.next()?)?;
    Some(Changeset { node, parents, manifest, author, date, extra, files, description })
}

fn parse_date(line: &[u8]) -> Option<(Date, Extra)> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<i64>().ok();
    let date = (number()?, i32::try_from(number()?).ok()?);
    let extra = parts.next().unwrap_or_default().split(|byte| *byte == 0).filter_map(parse_extra);
    Some((date, extra.collect()))
}

fn parse_extra(item: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let item = unescape(item);
    let colon = item.iter().position(|byte| *byte == b':')?;
    Some((item[..colon].to_vec(), item[colon + 1..].to_vec()))
}

fn parse_files(rest: &[u8]) -> Option<(Files, Box<[u8]>)> {
    if let Some(description) = rest.strip_prefix(b"\n") {
        return Some((Vec::new(), description.into()));
    }
    let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
    let files = rest[..end].split(|byte| *byte == b'\n').map(Into::into);
    Some((files.collect(), rest[end + 2..].into()))
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(br"\\"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            0 => out.extend_from_slice(br"\0"),
            other => out.push(*other),
        }
    }
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let escaped = if *byte == b'\\' { bytes.next() } else { None };
        out.push(match escaped {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(other) => *other,
            None => *byte,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], description: &str, extra: &[(&str, &str)]) {
        let bytes = |text: &&str| Box::from(text.as_bytes());
        let changeset = Changeset {
            node: Node::NULL,
            parents: [Node::NULL; 2],
            manifest: Node::of(b"x", [Node::NULL; 2]),
            author: bytes(&"Zeynep <z@example.com>"),
            date: (-86_400, -7200),
            extra: extra.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect(),
            files: files.iter().map(bytes).collect(),
            description: bytes(&description),
        };

        let (sealed, text) = changeset.sealed();

        assert_eq!(Changeset::read(sealed.node, sealed.parents, &text).unwrap(), sealed);
    }

    #[test]
    fn what_is_written_is_read_back() {
        check(&[], "", &[]);
        check(&[], "\n\nblank lines first", &[]);
        check(&["a", "b c "], "with\0NUL\n\nand lines", &[("branch", "a\\0b"), ("close", "1")]);
        check(&["a"], "", &[("note", "two\nlines\0and \\ and \r:")]);
    }
}
