//! The changesets of a clone by their local numbers, parents before children: read natively, or through `hg log` where the
//! clone has a format that the reader does not know.

use super::FetchError;
use crate::domain::{Changeset, ErrorClass, HgDate, Kept, Revision};
use elmo_hg::{Changelog, ChangelogError, Node, Servers};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// A clone's changesets as they were when it was opened.
pub struct History(Source);

enum Source {
    Native(Box<Changelog>),
    Logged { changesets: Vec<elmo_hg::Changeset>, by_node: HashMap<Node, u32> },
}

/// Changesets asked of `hg log` at once.
const LOGGED: u32 = 2000;

impl History {
    /// Opens the clone at `path`.
    pub async fn open(path: &Path, servers: &Servers) -> Result<History, FetchError> {
        let at = path.to_owned();
        match tokio::task::spawn_blocking(move || Changelog::open(&at)).await? {
            Ok(changelog) => Ok(History(Source::Native(Box::new(changelog)))),
            Err(ChangelogError::Unsupported { requirement }) => {
                tracing::warn!(clone = %path.display(), requirement, "unknown format, reading through hg log");
                logged(path, servers).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// How many changesets there are.
    pub fn len(&self) -> u32 {
        match &self.0 {
            Source::Native(changelog) => changelog.len(),
            Source::Logged { changesets, .. } => u32::try_from(changesets.len()).unwrap_or(u32::MAX),
        }
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The changeset's name.
    pub fn revision(&self, rev: u32) -> Revision {
        let node = match &self.0 {
            Source::Native(changelog) => changelog.node(rev),
            Source::Logged { changesets, .. } => changesets[rev as usize].node,
        };
        Revision::from_bytes(*node.as_bytes())
    }

    /// The local numbers of its parents.
    pub fn parents(&self, rev: u32) -> impl Iterator<Item = u32> + use<> {
        let parents = match &self.0 {
            Source::Native(changelog) => changelog.parents(rev),
            Source::Logged { changesets, by_node } => changesets[rev as usize].parents.map(|parent| by_node.get(&parent).copied()),
        };
        parents.into_iter().flatten()
    }

    /// The local numbers of those that are here.
    pub fn revs(&self, revisions: &[Revision]) -> HashMap<Revision, u32> {
        let nodes: HashSet<Node> = revisions.iter().filter_map(|revision| Some(Node::from(revision.sha1()?))).collect();
        let found = match &self.0 {
            Source::Native(changelog) => changelog.revs(&nodes),
            Source::Logged { by_node, .. } => nodes.iter().filter_map(|node| Some((*node, *by_node.get(node)?))).collect(),
        };
        found.into_iter().map(|(node, rev)| (Revision::from_bytes(*node.as_bytes()), rev)).collect()
    }

    /// Changesets without children.
    pub fn heads(&self) -> Vec<u32> {
        let mut is_head = vec![true; self.len() as usize];
        for rev in 0..self.len() {
            self.parents(rev).for_each(|parent| is_head[parent as usize] = false);
        }
        (0..self.len()).filter(|rev| is_head[*rev as usize]).collect()
    }

    /// Reads everything, to see whether the clone is damaged; nobody may write meanwhile.
    pub fn read_through(&mut self) -> Result<(), FetchError> {
        if let Source::Native(changelog) = &self.0
            && !changelog.is_whole()
        {
            return Err(FetchError::new(ErrorClass::Corrupt, "the clone's changelog is cut off"));
        }
        (0..self.len()).try_for_each(|rev| self.read(rev).map(drop))
    }

    /// Reads one changeset, checked against its hash.
    pub fn read(&mut self, rev: u32) -> Result<Changeset, FetchError> {
        match &mut self.0 {
            Source::Native(changelog) => Ok(changeset(&changelog.read(rev)?)),
            Source::Logged { changesets, .. } => Ok(changeset(&changesets[rev as usize])),
        }
    }
}

async fn logged(path: &Path, servers: &Servers) -> Result<History, FetchError> {
    let mut changesets: Vec<elmo_hg::Changeset> = Vec::new();
    loop {
        let from = u32::try_from(changesets.len()).unwrap_or(u32::MAX);
        let more = servers.log_range(path, from..from.saturating_add(LOGGED)).await?;
        if more.is_empty() {
            break;
        }
        changesets.extend(more);
    }
    let by_node = (0..).zip(&changesets).map(|(rev, changeset)| (changeset.node, rev)).collect();
    Ok(History(Source::Logged { changesets, by_node }))
}

fn changeset(read: &elmo_hg::Changeset) -> Changeset {
    let parents = read.parents.iter().filter(|parent| !parent.is_null());
    Changeset {
        revision: Revision::from_bytes(*read.node.as_bytes()),
        parents: parents.map(|parent| Revision::from_bytes(*parent.as_bytes())).collect(),
        author: Kept::from_bytes(&read.author),
        description: Kept::from_bytes(&read.description),
        branch: Kept::from_bytes(&read.branch),
        closes_branch: read.closes_branch,
        date: HgDate { seconds: read.date, offset: read.offset },
        files: read.files.iter().map(|path| Kept::from_bytes(path)).collect(),
    }
}
