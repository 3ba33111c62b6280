//! Commits made into changesets, and these into a bundle.
//!
//! Takes commits and what their parents hold, gives nodes and a bundle file. Never reads a repository.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use crate::Node;
use crate::bundle::{BundleWriter, Delta, END, Phase, Revision, put_file_name, put_revision};
use crate::changeset::Changeset;
use crate::commit::{Change, Commit};
use crate::error::{Error, Result};
use crate::manifest::{self, Changes, Entry};

/// The text of a manifest, shared by all who look at it.
pub(crate) type ManifestText = Arc<Vec<u8>>;

/// What a commit is made on.
pub(crate) struct Base {
    pub(crate) parents: [Node; 2],
    /// The manifests of the parents; of no parent: null and empty.
    pub(crate) manifests: [(Node, ManifestText); 2],
    /// The manifest of the parents' common ancestor, if there are two.
    pub(crate) ancestor: ManifestText,
    /// The branch of the first parent.
    pub(crate) branch: Vec<u8>,
    /// The date for a commit that names none.
    pub(crate) date: (i64, i32),
}

/// Changesets that do not exist yet, with all they need.
#[derive(Default)]
pub(crate) struct Changegroup {
    changesets: Vec<Changeset>,
    ranks: HashMap<Node, usize>,
    texts: HashMap<Node, ManifestText>,
    changelog: Vec<u8>,
    manifests: Vec<u8>,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
}

struct FileRevision<'a> {
    path: &'a [u8],
    node: Node,
    parents: [Node; 2],
    text: Vec<u8>,
}

impl Changegroup {
    pub(crate) fn changesets(&self) -> &[Changeset] {
        &self.changesets
    }

    pub(crate) fn changeset(&self, node: Node) -> Option<&Changeset> {
        self.rank(node).map(|rank| &self.changesets[rank])
    }

    pub(crate) fn rank(&self, node: Node) -> Option<usize> {
        self.ranks.get(&node).copied()
    }

    pub(crate) fn manifest(&self, node: Node) -> Option<ManifestText> {
        self.texts.get(&node).cloned()
    }

    /// The changesets and the texts of their manifests.
    pub(crate) fn into_parts(self) -> (Vec<Changeset>, HashMap<Node, ManifestText>) {
        (self.changesets, self.texts)
    }

    /// Makes a commit.
    pub(crate) fn add(&mut self, base: &Base, commit: &Commit) -> Result<Node> {
        check(commit)?;
        let (mut changes, revisions) = file_revisions(base, commit)?;
        let files = changes.keys().map(|path| path.clone().into_boxed_slice()).collect();
        if !base.parents[1].is_null() {
            let [(_, first), (_, second)] = &base.manifests;
            for (path, entry) in manifest::merged(&base.ancestor, first, second) {
                changes.entry(path).or_insert(entry);
            }
        }
        let manifest = NextManifest::new(base, &changes);
        let (changeset, text) = changeset(base, commit, manifest.node, files).sealed();
        self.put(&revisions, manifest, &changeset, &text);
        Ok(self.keep(changeset))
    }

    fn put(&mut self, revisions: &[FileRevision<'_>], manifest: NextManifest, changeset: &Changeset, text: &[u8]) {
        let NextManifest { node, parents, base, hunks, text: manifest_text } = manifest;
        for file in revisions {
            let group = self.files.entry(file.path.to_vec()).or_default();
            let delta = Delta::Whole(&file.text);
            let (node, parents) = (file.node, file.parents);
            put_revision(group, &Revision { node, parents, changeset: changeset.node, delta });
        }
        if node != base {
            let delta = Delta::Hunks { base, hunks: &hunks };
            put_revision(&mut self.manifests, &Revision { node, parents, changeset: changeset.node, delta });
        }
        self.texts.insert(node, manifest_text);
        let (node, parents) = (changeset.node, changeset.parents);
        let revision = Revision { node, parents, changeset: node, delta: Delta::Whole(text) };
        put_revision(&mut self.changelog, &revision);
    }

    fn keep(&mut self, changeset: Changeset) -> Node {
        let node = changeset.node;
        self.ranks.entry(node).or_insert(self.changesets.len());
        self.changesets.push(changeset);
        node
    }

    /// Writes the bundle.
    pub(crate) fn write(&self, path: &Path, phase: Phase) -> Result<()> {
        self.write_to(path, phase).map_err(Error::io_of("write", path))
    }

    fn write_to(&self, path: &Path, phase: Phase) -> io::Result<()> {
        let mut bundle = BundleWriter::new(BufWriter::new(File::create(path)?), phase)?;
        for group in [&self.changelog, &self.manifests] {
            bundle.put(group)?;
            bundle.put(&END)?;
        }
        for (path, group) in &self.files {
            let mut name = Vec::new();
            put_file_name(&mut name, path);
            bundle.put(&name)?;
            bundle.put(group)?;
            bundle.put(&END)?;
        }
        bundle.put(&END)?;
        bundle.finish()
    }
}

fn check(commit: &Commit) -> Result<()> {
    let one_line = |text: &[u8]| !text.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0));
    if !one_line(&commit.author) {
        return Err(Error::Invalid("an author is one line".to_owned()));
    }
    match commit.changes.keys().find(|path| path.is_empty() || !one_line(path)) {
        Some(path) => Err(Error::Invalid(format!("no path: {:?}", String::from_utf8_lossy(path)))),
        None => Ok(()),
    }
}

fn file_revisions<'a>(base: &Base, commit: &'a Commit) -> Result<(Changes, Vec<FileRevision<'a>>)> {
    let mut changes = Changes::new();
    let mut revisions = Vec::new();
    for (path, change) in &commit.changes {
        let entry = match change {
            Change::Remove => {
                known(base, path)?;
                None
            }
            Change::Write { contents, flag, copied_from } => {
                let revision = file_revision(base, path, contents, copied_from.as_deref())?;
                let node = revision.node;
                revisions.push(revision);
                Some(Entry { node, flag: *flag })
            }
        };
        changes.insert(path.clone(), entry);
    }
    Ok((changes, revisions))
}

fn known(base: &Base, path: &[u8]) -> Result<Node> {
    let found = parents_of(base, path).into_iter().find(|node| !node.is_null());
    found.ok_or_else(|| Error::Invalid(format!("no file {:?} in the parent", String::from_utf8_lossy(path))))
}

fn file_revision<'a>(base: &Base, path: &'a [u8], contents: &[u8], copied_from: Option<&[u8]>) -> Result<FileRevision<'a>> {
    let [first, second] = parents_of(base, path);
    let (parents, text) = match copied_from {
        Some(source) => ([Node::NULL, first], copied(source, known(base, source)?, contents)),
        None if first == second => ([first, Node::NULL], plain(contents)),
        None if first.is_null() => ([second, Node::NULL], plain(contents)),
        None => ([first, second], plain(contents)),
    };
    Ok(FileRevision { path, node: Node::of(&text, parents), parents, text })
}

fn parents_of(base: &Base, path: &[u8]) -> [Node; 2] {
    let node = |text: &ManifestText| manifest::entry(text, path).map_or(Node::NULL, |entry| entry.node);
    [node(&base.manifests[0].1), node(&base.manifests[1].1)]
}

/// A file that begins as copies do needs an empty header.
fn plain(contents: &[u8]) -> Vec<u8> {
    let header: &[u8] = if contents.starts_with(b"\x01\n") { b"\x01\n\x01\n" } else { b"" };
    [header, contents].concat()
}

fn copied(source: &[u8], revision: Node, contents: &[u8]) -> Vec<u8> {
    let header: [&[u8]; 5] = [b"\x01\ncopy: ", source, b"\ncopyrev: ", &revision.to_hex(), b"\n\x01\n"];
    [&header.concat(), contents].concat()
}

struct NextManifest {
    node: Node,
    parents: [Node; 2],
    /// What the hunks apply to; the manifest itself if nothing is different.
    base: Node,
    hunks: Vec<manifest::Hunk>,
    text: ManifestText,
}

impl NextManifest {
    fn new(base: &Base, changes: &Changes) -> Self {
        let [(first, text), (second, _)] = &base.manifests;
        let (next, hunks) = manifest::apply(text, changes);
        let parents = [*first, if first == second { Node::NULL } else { *second }];
        if next == **text {
            let (node, base, text) = (*first, *first, Arc::clone(text));
            return Self { node, parents, base, hunks, text };
        }
        Self { node: Node::of(&next, parents), parents, base: *first, hunks, text: Arc::new(next) }
    }
}

fn changeset(base: &Base, commit: &Commit, manifest: Node, files: Vec<Box<[u8]>>) -> Changeset {
    let mut extra = commit.extra.clone();
    let branch = commit.branch.as_ref().unwrap_or(&base.branch);
    if branch != b"default" {
        extra.insert(b"branch".to_vec(), branch.clone());
    }
    if commit.closes {
        extra.insert(b"close".to_vec(), b"1".to_vec());
    }
    Changeset {
        node: Node::NULL,
        parents: base.parents,
        manifest,
        author: commit.author.clone().into(),
        date: commit.date.unwrap_or(base.date),
        extra,
        files,
        description: commit.description.clone().into(),
    }
}
