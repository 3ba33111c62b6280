//! How long ago something happened last.

use super::count::pairs;
use super::text::{Kind, Text};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When each of several things happened last.
pub struct Ages<const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
    last: Mutex<BTreeMap<[String; LABELS], Instant>>,
}

impl<const LABELS: usize> Ages<LABELS> {
    pub const fn new(name: &'static str, help: &'static str, labels: [&'static str; LABELS]) -> Ages<LABELS> {
        Ages { name, help, labels, last: Mutex::new(BTreeMap::new()) }
    }

    /// It happened just now.
    pub fn note(&self, said: [&str; LABELS]) {
        self.last().insert(said.map(str::to_owned), Instant::now());
    }

    /// It is not to happen any more.
    pub fn forget(&self, said: [&str; LABELS]) {
        self.last().remove(&said.map(str::to_owned));
    }

    /// How long ago it happened, if it ever did.
    pub fn since(&self, said: [&str; LABELS]) -> Option<Duration> {
        self.last().get(&said.map(str::to_owned)).map(Instant::elapsed)
    }

    /// How long ago that happened which happened least lately.
    pub fn longest(&self) -> Option<Duration> {
        self.last().values().map(Instant::elapsed).max()
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.family(self.name, self.help, Kind::Gauge);
        for (said, last) in &*self.last() {
            let said = said.each_ref().map(String::as_str);
            text.sample(self.name, &pairs(&self.labels, &said), last.elapsed().as_secs_f64());
        }
    }

    fn last(&self) -> MutexGuard<'_, BTreeMap<[String; LABELS], Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
