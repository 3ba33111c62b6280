//! What a test or a demo wants to be committed, in the words of `hg commit`.

use std::collections::BTreeMap;

use crate::Node;

/// A changeset to be made: a description, changes to files, and where it goes.
///
/// Every text may be bytes that are no UTF-8, as in old repositories.
#[derive(Debug, Clone)]
pub struct Commit {
    pub(crate) description: Vec<u8>,
    pub(crate) author: Vec<u8>,
    pub(crate) date: Option<(i64, i32)>,
    pub(crate) branch: Option<Vec<u8>>,
    pub(crate) closes: bool,
    pub(crate) extra: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) parent: Parent,
    pub(crate) merged: Option<Parent>,
    pub(crate) changes: BTreeMap<Vec<u8>, Change>,
}

/// Where a commit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// On the commit before it in this push; the first one on the newest changeset of the repository.
    Tip,
    /// Nowhere: the commit is a root.
    Null,
    /// On the commit of this number, from 0, in the same push.
    Nth(usize),
    /// On a changeset of the repository, which may be hidden.
    Node(Node),
}

impl From<Node> for Parent {
    fn from(node: Node) -> Self {
        Self::Node(node)
    }
}

/// What becomes of one path in a commit.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write { contents: Vec<u8>, flag: Option<u8>, copied_from: Option<Vec<u8>> },
    Remove,
}

impl Commit {
    /// A commit on the tip, by `Elmo Tester <tester@example.com>`, that changes no file yet.
    #[must_use]
    pub fn new(description: impl AsRef<[u8]>) -> Self {
        Self {
            description: description.as_ref().to_vec(),
            author: b"Elmo Tester <tester@example.com>".to_vec(),
            date: None,
            branch: None,
            closes: false,
            extra: BTreeMap::new(),
            parent: Parent::Tip,
            merged: None,
            changes: BTreeMap::new(),
        }
    }

    /// Names the author.
    #[must_use]
    pub fn author(mut self, author: impl AsRef<[u8]>) -> Self {
        self.author = author.as_ref().to_vec();
        self
    }

    /// Dates it, in seconds since 1970 and seconds west of UTC; without this each commit is a second
    /// after the one made before it, some weeks ago.
    #[must_use]
    pub fn date(mut self, unix: i64, offset: i32) -> Self {
        self.date = Some((unix, offset));
        self
    }

    /// Puts it on a named branch; without this it is on the branch of its parent.
    #[must_use]
    pub fn branch(mut self, name: impl AsRef<[u8]>) -> Self {
        self.branch = Some(name.as_ref().to_vec());
        self
    }

    /// Closes the branch.
    #[must_use]
    pub fn close_branch(mut self) -> Self {
        self.closes = true;
        self
    }

    /// Adds an extra, such as `amend_source`.
    #[must_use]
    pub fn extra(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let (key, value) = (key.as_ref().to_vec(), value.as_ref().to_vec());
        self.extra.insert(key, value);
        self
    }

    /// Puts it on another changeset than the tip.
    #[must_use]
    pub fn parent(mut self, parent: impl Into<Parent>) -> Self {
        self.parent = parent.into();
        self
    }

    /// Merges another changeset; a file changed on both sides stays as on the first, unless the commit writes it.
    #[must_use]
    pub fn merge(mut self, other: impl Into<Parent>) -> Self {
        self.merged = Some(other.into());
        self
    }

    /// Writes a file, which becomes a new revision of it even if nothing is different.
    #[must_use]
    pub fn file(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        self.write(path.as_ref(), contents.as_ref(), None, None)
    }

    /// Writes a file that may be executed.
    #[must_use]
    pub fn executable(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        self.write(path.as_ref(), contents.as_ref(), Some(b'x'), None)
    }

    /// Writes a symbolic link.
    #[must_use]
    pub fn link(self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.write(path.as_ref(), target.as_ref(), Some(b'l'), None)
    }

    /// Removes a file.
    #[must_use]
    pub fn remove(mut self, path: impl AsRef<[u8]>) -> Self {
        self.changes.insert(path.as_ref().to_vec(), Change::Remove);
        self
    }

    /// Copies a file of the first parent and gives the copy these contents.
    #[must_use]
    pub fn copy(self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        self.write(to.as_ref(), contents.as_ref(), None, Some(from.as_ref()))
    }

    /// Renames a file of the first parent and gives it these contents.
    #[must_use]
    pub fn rename(self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        let from = from.as_ref();
        self.copy(from, to, contents).remove(from)
    }

    fn write(mut self, path: &[u8], contents: &[u8], flag: Option<u8>, copied_from: Option<&[u8]>) -> Self {
        let change = Change::Write { contents: contents.to_vec(), flag, copied_from: copied_from.map(<[u8]>::to_vec) };
        self.changes.insert(path.to_vec(), change);
        self
    }
}
