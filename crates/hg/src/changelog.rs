//! Reads a repository's changelog from its files: the folder of a repository comes in, its changesets go out.
//!
//! What is read is a snapshot of the moment of [`Changelog::open`]; another process may go on writing. A text is handed out
//! only if it and its parents have the hash that names it, so a file that changes meanwhile or is damaged gives an error and
//! never a wrong changeset. It never writes, never takes a lock, and knows neither phases nor hidden changesets.

mod chunk;
mod data;
mod delta;
mod index;
mod layout;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use self::chunk::Unpacker;
use self::data::Data;
use self::index::{Entry, Index};
use crate::{Changeset, Node};

/// Why a changelog could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ChangelogError {
    /// The repository is in a format of which this reader knows nothing: ask `hg` instead.
    #[error("the repository has a format that is not understood here: {requirement}")]
    Unsupported { requirement: String },
    /// What stands in the files cannot be right, or was changed while it was read; opening it again tells which.
    #[error("the changelog is damaged{}: {what}", rev.map(|rev| format!(" at revision {rev}")).unwrap_or_default())]
    Corrupt { rev: Option<u32>, what: &'static str },
    /// A file could not be read, or is not there.
    #[error("could not read {path}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The changelog of one repository, as it was when it was opened.
pub struct Changelog {
    index: Index,
    data: Data,
    path: PathBuf,
    unpacker: Unpacker,
    newest: Text,
}

/// The text that was read last: the next delta is most often against it.
#[derive(Default)]
struct Text {
    rev: Option<u32>,
    bytes: Vec<u8>,
    spare: Vec<u8>,
}

impl Changelog {
    /// Opens the changelog of the repository whose folder holds `.hg`; a repository without one is empty.
    ///
    /// # Errors
    /// [`ChangelogError::Unsupported`] if `hg log` has to be asked instead.
    pub fn open(repo: &Path) -> Result<Changelog, ChangelogError> {
        let path = layout::store_of(repo)?.join("00changelog.i");
        let (index, texts) = Index::read(contents(&path)?).map_err(|what| ChangelogError::Corrupt { rev: None, what })?;
        let data = match texts {
            Some(file) => Data::Inline(file),
            None if index.len() == 0 => Data::Inline(Vec::new()),
            None => Data::split(data_file(&path)?),
        };
        Ok(Changelog { index, data, path, unpacker: Unpacker::new(), newest: Text::default() })
    }

    /// Takes the bytes of an index that holds its texts.
    pub(crate) fn inline(file: Vec<u8>) -> Result<Changelog, ChangelogError> {
        let (index, texts) = Index::read(file).map_err(|what| ChangelogError::Corrupt { rev: None, what })?;
        let data = Data::Inline(texts.unwrap_or_default());
        Ok(Changelog { index, data, path: PathBuf::new(), unpacker: Unpacker::new(), newest: Text::default() })
    }

    /// Counts the changesets.
    pub fn len(&self) -> u32 {
        self.index.len()
    }

    /// Says whether the index ended with an entry. It does not while somebody writes it; if nobody does, it was cut off.
    pub fn is_whole(&self) -> bool {
        self.index.whole
    }

    /// Says whether there is no changeset at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names a revision.
    ///
    /// # Panics
    /// If `rev` is not below [`Changelog::len`], as do all methods that take one.
    pub fn node(&self, rev: u32) -> Node {
        self.index.node(rev)
    }

    /// Gives the revisions of the parents, which are smaller.
    pub fn parents(&self, rev: u32) -> [Option<u32>; 2] {
        self.index.parents(rev)
    }

    /// Finds a changeset, looking at the newest first.
    pub fn rev(&self, node: &Node) -> Option<u32> {
        self.index.newest_first().find(|(_, other)| other == node).map(|(rev, _)| rev)
    }

    /// Finds all of `nodes` that are there, in one pass from the newest that ends with the last of them.
    pub fn revs(&self, nodes: &HashSet<Node>) -> HashMap<Node, u32> {
        self.index
            .newest_first()
            .filter(|(_, node)| nodes.contains(node))
            .take(nodes.len())
            .map(|(rev, node)| (node, rev))
            .collect()
    }

    /// Gives the revisions that are nobody's parent, closed branches too, the oldest first.
    pub fn heads(&self) -> Vec<u32> {
        let mut is_head = vec![true; self.len() as usize];
        for parent in (0..self.len()).flat_map(|rev| self.parents(rev)).flatten() {
            is_head[parent as usize] = false;
        }
        (0..self.len()).filter(|&rev| is_head[rev as usize]).collect()
    }

    /// Reads a changeset and checks it against its hash; fastest from one revision to the next.
    pub fn read(&mut self, rev: u32) -> Result<Changeset, ChangelogError> {
        self.text(rev)?;
        let parents = self.parents(rev).map(|parent| parent.map_or(Node::NULL, |rev| self.node(rev)));
        let node = self.node(rev);
        if hash(parents, &self.newest.bytes) != node {
            return Err(corrupt(rev, "the text does not have its hash"));
        }
        Changeset::from_text(node, parents, &self.newest.bytes).map_err(|what| corrupt(rev, what))
    }

    /// Puts the full text of a revision together.
    fn text(&mut self, rev: u32) -> Result<(), ChangelogError> {
        let chain = self.chain(rev);
        let (from, deltas) = match chain.split_last() {
            Some((&last, deltas)) if self.newest.rev != Some(last) => (Some(last), deltas),
            Some((_, deltas)) => (None, deltas),
            None => return Ok(()),
        };
        self.newest.rev = None;
        if let Some(start) = from {
            self.take_full(start)?;
        }
        for &delta in deltas.iter().rev() {
            self.take_delta(delta)?;
        }
        self.newest.rev = Some(rev);
        Ok(())
    }

    /// Lists the revisions whose chunks make up a text, down to a full one or to the one that is in memory.
    fn chain(&self, rev: u32) -> Vec<u32> {
        let mut chain = vec![rev];
        let mut at = rev;
        while self.newest.rev != Some(at) {
            let base = self.index.entry(at).base;
            let Some(below) = base.filter(|&base| base != at) else {
                break;
            };
            at = if self.index.general_delta { below } else { at - 1 };
            chain.push(at);
        }
        chain
    }

    fn take_full(&mut self, rev: u32) -> Result<(), ChangelogError> {
        let entry = self.entry(rev)?;
        let chunk = slice(&mut self.data, &self.path, rev, entry)?;
        let text = self.unpacker.unpack(chunk, entry.length).map_err(|what| corrupt(rev, what))?;
        self.newest.bytes.clear();
        self.newest.bytes.extend_from_slice(text);
        Ok(())
    }

    fn take_delta(&mut self, rev: u32) -> Result<(), ChangelogError> {
        let entry = self.entry(rev)?;
        let chunk = slice(&mut self.data, &self.path, rev, entry)?;
        let delta = self.unpacker.unpack(chunk, None).map_err(|what| corrupt(rev, what))?;
        let Text { bytes, spare, .. } = &mut self.newest;
        delta::apply(bytes, delta, spare).map_err(|what| corrupt(rev, what))?;
        std::mem::swap(bytes, spare);
        Ok(())
    }

    /// Gives an entry whose text is stored in the ordinary way: not censored, not outside, not shortened.
    fn entry(&self, rev: u32) -> Result<Entry, ChangelogError> {
        let entry = self.index.entry(rev);
        match entry.flags {
            0 => Ok(entry),
            _ => Err(corrupt(rev, "its flags say that the text is not here")),
        }
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, ChangelogError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|source| ChangelogError::Io { path: path.to_owned(), source }),
    }
}

fn data_file(index: &Path) -> Result<File, ChangelogError> {
    let path = index.with_extension("d");
    File::open(&path).map_err(|source| ChangelogError::Io { path, source })
}

fn slice<'a>(data: &'a mut Data, path: &Path, rev: u32, entry: Entry) -> Result<&'a [u8], ChangelogError> {
    let found = data.slice(entry.position, entry.stored);
    let found = found.map_err(|source| ChangelogError::Io { path: path.with_extension("d"), source })?;
    found.ok_or_else(|| corrupt(rev, "the data ends before its text"))
}

fn corrupt(rev: u32, what: &'static str) -> ChangelogError {
    ChangelogError::Corrupt { rev: Some(rev), what }
}

fn hash(parents: [Node; 2], text: &[u8]) -> Node {
    let [first, second] = parents;
    let hash = Sha1::new()
        .chain_update(first.min(second).as_bytes())
        .chain_update(first.max(second).as_bytes())
        .chain_update(text)
        .finalize();
    Node::from(<[u8; 20]>::from(hash))
}
