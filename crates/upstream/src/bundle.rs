//! Bundles (HG20) that hold one changegroup of version 02.
//!
//! Takes revisions in order, gives the bytes that `hg unbundle` reads. Knows nothing of a repository.

use std::io::{self, Write};

use crate::Node;
use crate::manifest::Hunk;

/// A revision on its way into a changegroup.
pub(crate) struct Revision<'a> {
    pub(crate) node: Node,
    pub(crate) parents: [Node; 2],
    /// The changeset that brings it.
    pub(crate) changeset: Node,
    pub(crate) delta: Delta<'a>,
}

/// How the text of a revision is given.
pub(crate) enum Delta<'a> {
    Whole(&'a [u8]),
    Hunks { base: Node, hunks: &'a [Hunk] },
}

/// Whether the changesets are public at once or stay drafts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Public,
    Draft,
}

/// The end of a group of revisions, and of the list of files.
pub(crate) const END: [u8; 4] = [0; 4];

/// Appends a revision as one chunk of a group.
pub(crate) fn put_revision(out: &mut Vec<u8>, revision: &Revision<'_>) {
    let start = out.len();
    let base = match revision.delta {
        Delta::Whole(_) => Node::NULL,
        Delta::Hunks { base, .. } => base,
    };
    out.extend_from_slice(&END);
    for node in [revision.node, revision.parents[0], revision.parents[1], base, revision.changeset] {
        out.extend_from_slice(node.as_bytes());
    }
    match revision.delta {
        Delta::Whole(text) => put_hunk(out, 0, 0, text),
        Delta::Hunks { hunks, .. } => {
            for hunk in hunks {
                put_hunk(out, hunk.old.start, hunk.old.end, &hunk.new);
            }
        }
    }
    let length = number(out.len() - start);
    out[start..start + 4].copy_from_slice(&length);
}

/// Appends the name of a file, whose revisions follow.
pub(crate) fn put_file_name(out: &mut Vec<u8>, path: &[u8]) {
    out.extend_from_slice(&number(path.len() + 4));
    out.extend_from_slice(path);
}

fn put_hunk(out: &mut Vec<u8>, start: usize, end: usize, new: &[u8]) {
    out.extend_from_slice(&number(start));
    out.extend_from_slice(&number(end));
    out.extend_from_slice(&number(new.len()));
    out.extend_from_slice(new);
}

fn number(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("a revision is smaller than 4 GB").to_be_bytes()
}

/// Writes a bundle around a changegroup that is written into it piece by piece.
pub(crate) struct BundleWriter<W: Write> {
    out: W,
    waiting: Vec<u8>,
}

impl<W: Write> BundleWriter<W> {
    const CHUNK: usize = 1 << 16;

    /// Begins the bundle.
    pub(crate) fn new(mut out: W, phase: Phase) -> io::Result<Self> {
        let phase = match phase {
            Phase::Public => "0",
            Phase::Draft => "1",
        };
        let header = part_header("CHANGEGROUP", &[("version", "02"), ("targetphase", phase)]);
        out.write_all(b"HG20\0\0\0\0")?;
        out.write_all(&number(header.len()))?;
        out.write_all(&header)?;
        Ok(Self { out, waiting: Vec::with_capacity(2 * Self::CHUNK) })
    }

    /// Appends to the changegroup.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= Self::CHUNK {
            self.write_waiting()?;
        }
        Ok(())
    }

    /// Ends the bundle.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.write_waiting()?;
        self.out.write_all(&END)?;
        self.out.write_all(&END)?;
        self.out.flush()
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.out.write_all(&number(self.waiting.len()))?;
        self.out.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

fn part_header(kind: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
    let byte = |length: usize| u8::try_from(length).expect("names of parts and parameters are short");
    let mut header = vec![byte(kind.len())];
    header.extend_from_slice(kind.as_bytes());
    header.extend_from_slice(&[0, 0, 0, 0, byte(parameters.len()), 0]);
    for (key, value) in parameters {
        header.extend_from_slice(&[byte(key.len()), byte(value.len())]);
    }
    for (key, value) in parameters {
        header.extend_from_slice(key.as_bytes());
        header.extend_from_slice(value.as_bytes());
    }
    header
}
