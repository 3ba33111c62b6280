//! The text of a manifest: a sorted line `path NUL node flag` for each file.
//!
//! Takes the text of one manifest and what is different in the next one, gives the next text and the
//! hunks that lead to it. Never reads a repository.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::Node;

/// What a manifest says of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) node: Node,
    pub(crate) flag: Option<u8>,
}

/// What is different in the next manifest: a new entry for a path, or none where it is removed.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Entry>>;

/// A stretch of the old text and what stands there in the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    pub(crate) old: Range<usize>,
    pub(crate) new: Vec<u8>,
}

/// Looks a file up.
pub(crate) fn entry(text: &[u8], path: &[u8]) -> Option<Entry> {
    let line = &text[find(text, path).ok()?];
    let value = &line[path.len() + 1..line.len() - 1];
    Some(Entry { node: Node::from_hex(value.get(..40)?)?, flag: value.get(40).copied() })
}

/// Makes the next manifest.
pub(crate) fn apply(text: &[u8], changes: &Changes) -> (Vec<u8>, Vec<Hunk>) {
    let hunks = hunks(text, changes);
    let mut next = Vec::with_capacity(text.len() + changes.len() * 128);
    let mut done = 0;
    for hunk in &hunks {
        next.extend_from_slice(&text[done..hunk.old.start]);
        next.extend_from_slice(&hunk.new);
        done = hunk.old.end;
    }
    next.extend_from_slice(&text[done..]);
    (next, hunks)
}

/// What the second parent of a merge changed since the common ancestor and the first one left alone.
pub(crate) fn merged(ancestor: &[u8], first: &[u8], second: &[u8]) -> Changes {
    let (ancestor, first, second) = (entries(ancestor), entries(first), entries(second));
    let paths = ancestor.keys().chain(second.keys());
    let mut changes = Changes::new();
    for path in paths {
        let (before, here, there) = (ancestor.get(path), first.get(path), second.get(path));
        if here == before && there != before {
            changes.insert(path.to_vec(), there.copied());
        }
    }
    changes
}

/// Where the line of a path is, or else where it would go.
fn find(text: &[u8], path: &[u8]) -> Result<Range<usize>, usize> {
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let line = line_at(text, low + (high - low) / 2);
        let name = text[line.clone()].split(|byte| *byte == 0).next().unwrap_or_default();
        match name.cmp(path) {
            std::cmp::Ordering::Equal => return Ok(line),
            std::cmp::Ordering::Less => low = line.end,
            std::cmp::Ordering::Greater => high = line.start,
        }
    }
    Err(low)
}

fn line_at(text: &[u8], middle: usize) -> Range<usize> {
    let newline = |byte: &u8| *byte == b'\n';
    let start = text[..middle].iter().rposition(newline).map_or(0, |at| at + 1);
    let end = text[middle..].iter().position(newline).map_or(text.len(), |at| middle + at + 1);
    start..end
}

fn hunks(text: &[u8], changes: &Changes) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::with_capacity(changes.len());
    for (path, entry) in changes {
        let old = match (find(text, path), entry) {
            (Ok(line), _) => line,
            (Err(at), Some(_)) => at..at,
            (Err(_), None) => continue,
        };
        let new = entry.map_or_else(Vec::new, |entry| line(path, entry));
        match hunks.last_mut() {
            Some(last) if last.old.end == old.start => {
                last.old.end = old.end;
                last.new.extend_from_slice(&new);
            }
            _ => hunks.push(Hunk { old, new }),
        }
    }
    hunks
}

fn line(path: &[u8], entry: Entry) -> Vec<u8> {
    let mut line = Vec::with_capacity(path.len() + 43);
    line.extend_from_slice(path);
    line.push(0);
    line.extend_from_slice(&entry.node.to_hex());
    line.extend(entry.flag);
    line.push(b'\n');
    line
}

fn entries(text: &[u8]) -> BTreeMap<&[u8], Entry> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| parse(line)).collect()
}

fn parse(line: &[u8]) -> Option<(&[u8], Entry)> {
    let nul = line.iter().position(|byte| *byte == 0)?;
    let (path, value) = (&line[..nul], &line[nul + 1..]);
    let node = Node::from_hex(value.get(..40)?)?;
    Some((path, Entry { node, flag: value.get(40).copied() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(text: &str) -> Option<Entry> {
        Some(Entry { node: Node::of(text.as_bytes(), [Node::NULL; 2]), flag: None })
    }

    #[test]
    fn a_manifest_stays_sorted_whatever_is_written_and_removed() {
        let paths = ["b", "a/b", "a.b", "a b", "c", "a", "ab", "é"];
        let mut text = Vec::new();
        let mut expected = BTreeMap::new();
        for (turn, path) in paths.iter().chain(&paths).enumerate() {
            let entry = wrote(&turn.to_string());
            let removed = paths[(turn * 3 + 1) % paths.len()];
            let mut changes = Changes::from([(path.as_bytes().to_vec(), entry)]);
            expected.insert(*path, entry);
            if removed != *path {
                changes.insert(removed.as_bytes().to_vec(), None);
                expected.remove(removed);
            }

            text = apply(&text, &changes).0;

            let lines = expected.iter().map(|(path, entry)| line(path.as_bytes(), entry.unwrap()));
            assert_eq!(text, lines.flatten().collect::<Vec<_>>());
            assert_eq!(super::entry(&text, path.as_bytes()), entry);
        }
    }

    #[test]
    fn neighbouring_changes_make_one_hunk() {
        let changes = Changes::from([(b"a".to_vec(), wrote("1")), (b"b".to_vec(), wrote("2"))]);
        assert_eq!(apply(b"", &changes).1.len(), 1);
    }

    #[test]
    fn a_merge_takes_what_only_the_other_side_changed() {
        let text = |files: &[(&str, &str)]| {
            let changes = files.iter().map(|(path, text)| (path.as_bytes().to_vec(), wrote(text)));
            apply(b"", &changes.collect()).0
        };
        let ancestor = text(&[("kept", "1"), ("theirs", "1"), ("both", "1"), ("gone", "1")]);
        let first = text(&[("kept", "1"), ("theirs", "1"), ("both", "2"), ("gone", "1"), ("ours", "1")]);
        let second = text(&[("kept", "1"), ("theirs", "2"), ("both", "3"), ("new", "1")]);

        let changes = merged(&ancestor, &first, &second);

        let expected = [(b"gone".to_vec(), None), (b"new".to_vec(), wrote("1")), (b"theirs".to_vec(), wrote("2"))];
        assert_eq!(changes, Changes::from(expected));
    }
}
