//! How often something happened.

use super::text::{Kind, Text};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A counter for each combination of labels that was seen; those that were not are not written.
pub struct Count<const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
    counted: Mutex<BTreeMap<[&'static str; LABELS], u64>>,
}

impl<const LABELS: usize> Count<LABELS> {
    pub const fn new(name: &'static str, help: &'static str, labels: [&'static str; LABELS]) -> Count<LABELS> {
        Count { name, help, labels, counted: Mutex::new(BTreeMap::new()) }
    }

    /// It happened once more.
    pub fn note(&self, said: [&'static str; LABELS]) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner).entry(said).or_default() += 1;
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.family(self.name, self.help, Kind::Counter);
        for (said, count) in &*self.counted.lock().unwrap_or_else(PoisonError::into_inner) {
            text.sample(self.name, &pairs(&self.labels, said), count);
        }
    }
}

/// Labels with what they say.
pub(super) fn pairs<'a>(labels: &[&'a str], said: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    labels.iter().copied().zip(said.iter().copied()).collect()
}
