//! How much one transaction takes: changesets in, whether there is room for more out.

use crate::domain::Changeset;

/// Changesets, those that are only named too.
const CHANGESETS: usize = 1000;
const FILES: usize = 20_000;
/// Of descriptions and authors.
const BYTES: usize = 4 << 20;

/// What a transaction has so far.
#[derive(Default)]
pub(super) struct Batch {
    changesets: usize,
    files: usize,
    bytes: usize,
}

impl Batch {
    pub(super) fn has_room(&self) -> bool {
        self.changesets < CHANGESETS && self.files < FILES && self.bytes < BYTES
    }

    pub(super) fn add(&mut self, changeset: &Changeset) {
        self.add_named();
        self.files += changeset.files.len();
        self.bytes += changeset.description.as_str().len() + changeset.author.as_str().len();
    }

    /// Counts one of which nothing but its number is written.
    pub(super) fn add_named(&mut self) {
        self.changesets += 1;
    }
}
