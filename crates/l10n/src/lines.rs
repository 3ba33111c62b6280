//! The difference between two files line by line, for those that hold no entities or cannot be read.

use std::borrow::Cow;
use std::ops::Range;

use imara_diff::sources::byte_lines;
use imara_diff::{Algorithm, Diff, InternedInput};

use crate::runs::{self, Run};

/// How many lines are shown before and after a change.
const CONTEXT: usize = 3;

/// How much of a file is looked at to tell whether it is text, as git does.
const LOOKED_AT: usize = 8000;

/// Changes that are close to each other, with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    pub lines: Vec<Line<'a>>,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub side: Side,
    /// Without its `\n`, and with U+FFFD for what is not UTF-8.
    pub text: Cow<'a, str>,
    /// Whether its end is a `\n`, which only a file's last line may lack.
    pub ends: bool,
}

/// In which of the two files a line is, and its number there, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Old(usize),
    New(usize),
    Both { old: usize, new: usize },
}

/// Says whether a file is not text: a zero byte is near its beginning.
pub fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(LOOKED_AT)]).is_some()
}

/// Compares two files line by line. Bytes count: lines that differ in their ends alone differ.
pub fn lines<'a>(old: &'a [u8], new: &'a [u8]) -> Vec<Hunk<'a>> {
    let (old, new): (Vec<_>, Vec<_>) = (byte_lines(old).collect(), byte_lines(new).collect());
    let changes = runs::changed(&old, &new, compared);
    let near = |one: &Run, next: &Run| next.0.start - one.0.end <= 2 * CONTEXT;
    changes.chunk_by(near).map(|changes| hunk(&old, &new, changes)).collect()
}

fn compared(old: &[&[u8]], new: &[&[u8]]) -> Vec<Run> {
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    diff.hunks().map(|hunk| (runs::range(&hunk.before), runs::range(&hunk.after))).collect()
}

fn hunk<'a>(old: &[&'a [u8]], new: &[&'a [u8]], changes: &[Run]) -> Hunk<'a> {
    let mut lines = Vec::new();
    let (first, last) = (&changes[0], &changes[changes.len() - 1]);
    let before = first.0.start.min(CONTEXT);
    let (mut old_at, mut new_at) = (first.0.start - before, first.1.start - before);
    for (in_old, in_new) in changes {
        lines.extend(unchanged(old, old_at..in_old.start, new_at));
        lines.extend(in_old.clone().map(|at| line(old[at], Side::Old(at + 1))));
        lines.extend(in_new.clone().map(|at| line(new[at], Side::New(at + 1))));
        (old_at, new_at) = (in_old.end, in_new.end);
    }
    lines.extend(unchanged(old, old_at..old.len().min(last.0.end + CONTEXT), new_at));
    Hunk { lines }
}

fn unchanged<'a>(old: &[&'a [u8]], range: Range<usize>, new_at: usize) -> impl Iterator<Item = Line<'a>> {
    range.zip(new_at..).map(|(old_at, new_at)| line(old[old_at], Side::Both { old: old_at + 1, new: new_at + 1 }))
}

fn line(bytes: &[u8], side: Side) -> Line<'_> {
    let (text, ends) = match bytes.strip_suffix(b"\n") {
        Some(text) => (text, true),
        None => (bytes, false),
    };
    Line { side, text: String::from_utf8_lossy(text), ends }
}
