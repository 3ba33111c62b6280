//! Which runs of two sequences differ, in a time that is linear but for a logarithm, whatever they hold.
//!
//! Sequences of an ordinary length are compared by the caller's algorithm. Of long ones, elements that both have exactly
//! once hold them together, and only what lies between is compared; if that is still long, all of it has changed.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// A run that has changed, in the old sequence and in the new one; either may be empty.
pub(crate) type Run = (Range<usize>, Range<usize>);

/// How many elements, old and new ones together, are left to an algorithm that may take quadratic time.
const LONGEST: usize = 20_000;

/// Lists the runs that differ, in order.
pub(crate) fn changed<T: Copy + Eq + Hash>(old: &[T], new: &[T], compare: impl Fn(&[T], &[T]) -> Vec<Run>) -> Vec<Run> {
    let whole = trimmed(old, new, (0..old.len(), 0..new.len()));
    let parts = if length(&whole) > LONGEST { between_anchors(old, new, &whole) } else { vec![whole] };
    let mut runs = Vec::new();
    for (in_old, in_new) in parts {
        match in_old.len() + in_new.len() {
            0 => {}
            1..=LONGEST => {
                let found = compare(&old[in_old.clone()], &new[in_new.clone()]);
                runs.extend(found.into_iter().map(|(one, other)| (moved(&one, in_old.start), moved(&other, in_new.start))));
            }
            _ => runs.push((in_old, in_new)),
        }
    }
    runs
}

/// Gives a range in the form that is used here.
pub(crate) fn range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn length((old, new): &Run) -> usize {
    old.len() + new.len()
}

fn moved(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// Takes what is equal from the beginning and from the end of a run.
fn trimmed<T: Eq>(old: &[T], new: &[T], (mut in_old, mut in_new): Run) -> Run {
    let pairs = old[in_old.clone()].iter().zip(&new[in_new.clone()]);
    let before = pairs.take_while(|(old, new)| old == new).count();
    (in_old.start, in_new.start) = (in_old.start + before, in_new.start + before);
    let pairs = old[in_old.clone()].iter().rev().zip(new[in_new.clone()].iter().rev());
    let after = pairs.take_while(|(old, new)| old == new).count();
    (in_old.end, in_new.end) = (in_old.end - after, in_new.end - after);
    (in_old, in_new)
}

/// Cuts a run at the elements that are in both sequences exactly once and in the same order.
fn between_anchors<T: Copy + Eq + Hash>(old: &[T], new: &[T], (in_old, in_new): &Run) -> Vec<Run> {
    let new_places = unique(new, in_new);
    let mut pairs: Vec<_> =
        unique(old, in_old).into_iter().filter_map(|(element, old)| Some((old, *new_places.get(&element)?))).collect();
    pairs.sort_unstable();
    let mut parts = Vec::new();
    let mut start = (in_old.start, in_new.start);
    for (old_place, new_place) in longest_rising(&pairs) {
        parts.push(trimmed(old, new, (start.0..old_place, start.1..new_place)));
        start = (old_place + 1, new_place + 1);
    }
    parts.push(trimmed(old, new, (start.0..in_old.end, start.1..in_new.end)));
    parts
}

/// Gives the places of the elements that are there once.
fn unique<T: Copy + Eq + Hash>(elements: &[T], range: &Range<usize>) -> HashMap<T, usize> {
    let mut places: HashMap<T, Option<usize>> = HashMap::with_capacity(range.len());
    for place in range.clone() {
        places.entry(elements[place]).and_modify(|place| *place = None).or_insert(Some(place));
    }
    places.into_iter().filter_map(|(element, place)| Some((element, place?))).collect()
}

/// Picks as many pairs as possible whose second places rise as their first ones do.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // Of each length the chain whose last pair has the lowest second place, by that pair; and before each pair another.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < pair.1);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut chain: Vec<_> = std::iter::successors(ends.last().copied(), |&at| before[at]).map(|at| pairs[at]).collect();
    chain.reverse();
    chain
}
