//! How many of something there are now.

use super::text::Text;
use std::sync::atomic::{AtomicI64, Ordering};

/// A number that goes up and down.
pub struct Level {
    name: &'static str,
    help: &'static str,
    value: AtomicI64,
}

/// One of what a level counts, until it is dropped.
#[must_use = "it counts for as long as it is kept"]
pub struct Counted(&'static Level);

impl Level {
    pub const fn new(name: &'static str, help: &'static str) -> Level {
        Level { name, help, value: AtomicI64::new(0) }
    }

    /// There is one more until what is given back is dropped.
    pub fn one_more(&'static self) -> Counted {
        self.value.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.gauge(self.name, self.help, self.value.load(Ordering::Relaxed));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.value.fetch_sub(1, Ordering::Relaxed);
    }
}
