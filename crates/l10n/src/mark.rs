//! Which characters of a value have changed.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use unicode_segmentation::UnicodeSegmentation;

use crate::runs::{self, Run};

/// A run of characters that has changed, or one that has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    pub changed: bool,
}

/// How many characters between two changes are marked with them: single letters that are left by chance help nobody.
const ISLAND: usize = 2;

/// Marks what has changed between two values; the pieces of each make it up again.
///
/// What a person sees as one character is never divided. Of values that differ in very long parts, the whole parts are
/// marked.
pub fn mark<'a, 'b>(old: &'a str, new: &'b str) -> (Vec<Piece<'a>>, Vec<Piece<'b>>) {
    let (old_chars, new_chars) = (characters(old), characters(new));
    let runs = changed_runs(&old_chars, &new_chars);
    (pieces(old, &old_chars, runs.iter().map(|run| &run.0)), pieces(new, &new_chars, runs.iter().map(|run| &run.1)))
}

fn characters(value: &str) -> Vec<&str> {
    value.graphemes(true).collect()
}

fn changed_runs(old: &[&str], new: &[&str]) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for run in runs::changed(old, new, compared) {
        match joined.last_mut().filter(|last| run.0.start - last.0.end <= ISLAND) {
            Some(last) => *last = (last.0.start..run.0.end, last.1.start..run.1.end),
            None => joined.push(run),
        }
    }
    joined
}

fn compared(old: &[&str], new: &[&str]) -> Vec<Run> {
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    Diff::compute(Algorithm::Myers, &input).hunks().map(|hunk| (runs::range(&hunk.before), runs::range(&hunk.after))).collect()
}

/// Cuts a value at the ends of its changed runs.
fn pieces<'a, 'r>(value: &'a str, characters: &[&str], runs: impl Iterator<Item = &'r Range<usize>>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = value;
    let mut at = 0;
    let mut cut = |until: usize, changed| {
        let length = characters[at..until].iter().map(|character| character.len()).sum();
        let (text, after) = rest.split_at(length);
        if !text.is_empty() {
            pieces.push(Piece { text, changed });
        }
        (rest, at) = (after, until);
    };
    for run in runs {
        cut(run.start, false);
        cut(run.end, true);
    }
    cut(characters.len(), false);
    pieces
}
