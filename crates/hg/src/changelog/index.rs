//! The index of a changelog: the bytes of `00changelog.i` come in, one entry per revision goes out.
//!
//! Each entry is looked at once, at the start, so that later a revision's number is enough to reach it and no number in it
//! leads outside. Never reads a text and never checks a hash: parents and nodes are as good as the file is.

use crate::Node;

const ENTRY: usize = 64;
const VERSION: u16 = 1;
const INLINE: u16 = 1;
const GENERAL_DELTA: u16 = 2;

/// The entries of a changelog, as they are stored.
pub(super) struct Index {
    /// 64 bytes each.
    entries: Vec<u8>,
    pub(super) general_delta: bool,
    /// Whether the texts stand between the entries.
    inline: bool,
    /// Whether the file ends where an entry does.
    pub(super) whole: bool,
}

/// Where and how a revision's text is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// In the data file, or in the index file if that is inline.
    pub(super) position: u64,
    /// Bytes as stored, compressed.
    pub(super) stored: usize,
    /// Bytes of the full text; `None` if whoever wrote it did not know.
    pub(super) length: Option<usize>,
    /// Where the chain of deltas starts, or what the delta is against; the revision itself for a full text.
    pub(super) base: Option<u32>,
    pub(super) flags: u16,
}

impl Index {
    /// Reads a whole index, and gives the file back if it holds the texts too; an entry at its end that is not complete is
    /// still being written, and left out.
    pub(super) fn read(file: Vec<u8>) -> Result<(Index, Option<Vec<u8>>), &'static str> {
        let Some(header) = file.first_chunk::<4>() else {
            let whole = file.is_empty();
            return Ok((Index { entries: Vec::new(), general_delta: false, inline: false, whole }, None));
        };
        let [flags, version] = [[header[0], header[1]], [header[2], header[3]]].map(u16::from_be_bytes);
        if version != VERSION || flags & !(INLINE | GENERAL_DELTA) != 0 {
            return Err("the index is of an unknown version");
        }
        let general_delta = flags & GENERAL_DELTA != 0;
        let inline = flags & INLINE != 0;
        let ((entries, whole), texts) =
            if inline { (entries_between_texts(&file)?, Some(file)) } else { (whole_entries(file), None) };
        let index = Index { entries, general_delta, inline, whole };
        index.check()?;
        Ok((index, texts))
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.entries.len() / ENTRY).unwrap_or(u32::MAX)
    }

    pub(super) fn node(&self, rev: u32) -> Node {
        node(self.raw(rev))
    }

    pub(super) fn parents(&self, rev: u32) -> [Option<u32>; 2] {
        let raw = self.raw(rev);
        [revision(raw, 24), revision(raw, 28)]
    }

    /// Gives all nodes, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = (u32, Node)> {
        (0..self.len()).rev().zip(self.entries.rchunks_exact(ENTRY).map(node))
    }

    pub(super) fn entry(&self, rev: u32) -> Entry {
        let raw = self.raw(rev);
        let between = if self.inline { (u64::from(rev) + 1) * ENTRY as u64 } else { 0 };
        Entry {
            position: offset(raw, rev) + between,
            stored: usize::try_from(number(raw, 8)).unwrap_or(0),
            length: usize::try_from(number(raw, 12)).ok(),
            base: revision(raw, 16),
            flags: u16::from_be_bytes([raw[6], raw[7]]),
        }
    }

    fn raw(&self, rev: u32) -> &[u8] {
        let at = rev as usize * ENTRY;
        &self.entries[at..at + ENTRY]
    }

    /// Makes sure that what an entry refers to is an earlier entry.
    fn check(&self) -> Result<(), &'static str> {
        for (rev, raw) in (0_i32..).zip(self.entries.chunks_exact(ENTRY)) {
            let earlier = -1..rev;
            let parents = [number(raw, 24), number(raw, 28)];
            if number(raw, 20) != rev || parents.iter().any(|parent| !earlier.contains(parent)) {
                return Err("an entry of the index belongs to another revision");
            }
            if number(raw, 8) < 0 || !(-1..=rev).contains(&number(raw, 16)) {
                return Err("an entry of the index points nowhere");
            }
        }
        Ok(())
    }
}

/// Leaves the entries, and says whether there was nothing else.
fn whole_entries(mut file: Vec<u8>) -> (Vec<u8>, bool) {
    let length = file.len();
    file.truncate(length / ENTRY * ENTRY);
    let whole = file.len() == length;
    (file, whole)
}

/// Takes the entries out, and says whether nothing else is left.
fn entries_between_texts(file: &[u8]) -> Result<(Vec<u8>, bool), &'static str> {
    let mut entries = Vec::new();
    let mut rest = file;
    while let Some((raw, after)) = rest.split_at_checked(ENTRY) {
        let stored = usize::try_from(number(raw, 8)).map_err(|_| "a stored length is negative")?;
        let Some((_, next)) = after.split_at_checked(stored) else {
            break;
        };
        let texts_before = (file.len() - rest.len() - entries.len()) as u64;
        let rev = u32::try_from(entries.len() / ENTRY).map_err(|_| "the index is too long")?;
        if offset(raw, rev) != texts_before {
            return Err("an entry of the index points to another text");
        }
        entries.extend_from_slice(raw);
        rest = next;
    }
    Ok((entries, rest.is_empty()))
}

/// The first entry begins with the file's header instead, for its text is at 0 in any case.
fn offset(raw: &[u8], rev: u32) -> u64 {
    match rev {
        0 => 0,
        _ => raw[..6].iter().fold(0, |offset, &byte| offset << 8 | u64::from(byte)),
    }
}

fn number(raw: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]])
}

fn revision(raw: &[u8], at: usize) -> Option<u32> {
    u32::try_from(number(raw, at)).ok()
}

fn node(raw: &[u8]) -> Node {
    let mut node = [0; 20];
    node.copy_from_slice(&raw[32..52]);
    Node::from(node)
}
