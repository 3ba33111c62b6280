//! What a test or a demo wants to be committed, and the words of `git fast-import` for it.

/// A commit to be made: a message, changes to files, and where it goes.
///
/// Every text may be bytes that are no UTF-8, as in old repositories.
#[derive(Debug, Clone)]
pub struct Commit {
    message: Vec<u8>,
    author: Vec<u8>,
    committer: Option<Vec<u8>>,
    date: Option<(i64, String)>,
    encoding: Option<String>,
    pub(super) onto: Onto,
    pub(super) merged: Vec<String>,
    changes: Vec<Change>,
}

/// Where a commit goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onto {
    /// On the commit before it in this push; the first one on its branch, or on the default branch if that is new.
    Branch,
    /// Nowhere: the commit is a root.
    Nothing,
    /// On a commit of the repository, named by its hash.
    Commit(String),
}

#[derive(Debug, Clone)]
enum Change {
    Write {
        mode: &'static str,
        path: Vec<u8>,
        contents: Vec<u8>,
    },
    /// What is in the repository already, or the commit of a submodule.
    Point {
        mode: String,
        path: Vec<u8>,
        hash: String,
    },
    Rename {
        from: Vec<u8>,
        to: Vec<u8>,
    },
    Copy {
        from: Vec<u8>,
        to: Vec<u8>,
    },
    Remove {
        path: Vec<u8>,
    },
}

impl Commit {
    /// A commit on its branch, by `Elmo Tester <tester@example.com>`, that changes no file yet.
    #[must_use]
    pub fn new(message: impl AsRef<[u8]>) -> Self {
        Self {
            message: message.as_ref().to_vec(),
            author: b"Elmo Tester <tester@example.com>".to_vec(),
            committer: None,
            date: None,
            encoding: None,
            onto: Onto::Branch,
            merged: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Names the author, such as `Anna <anna@example.com>`, who is the committer too if no other is named.
    #[must_use]
    pub fn author(mut self, author: impl AsRef<[u8]>) -> Self {
        self.author = author.as_ref().to_vec();
        self
    }

    /// Names the committer.
    #[must_use]
    pub fn committer(mut self, committer: impl AsRef<[u8]>) -> Self {
        self.committer = Some(committer.as_ref().to_vec());
        self
    }

    /// Dates it, in seconds since 1970 and a zone such as `+0130`; without this each commit of a repository is a minute after
    /// the one made before it, from the beginning of 2026.
    #[must_use]
    pub fn date(mut self, unix: i64, zone: &str) -> Self {
        self.date = Some((unix, zone.to_owned()));
        self
    }

    /// Lets it say what its texts are written in, such as `ISO-8859-1`; they are not changed.
    #[must_use]
    pub fn encoding(mut self, name: &str) -> Self {
        self.encoding = Some(name.to_owned());
        self
    }

    /// Puts it on another commit than the last of its branch.
    #[must_use]
    pub fn onto(mut self, onto: Onto) -> Self {
        self.onto = onto;
        self
    }

    /// Merges a commit: what it changed since it parted is taken over, unless this commit writes the file; twice makes an octopus.
    #[must_use]
    pub fn merge(mut self, hash: impl Into<String>) -> Self {
        self.merged.push(hash.into());
        self
    }

    /// Writes a file.
    #[must_use]
    pub fn file(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        self.write("100644", path.as_ref(), contents.as_ref())
    }

    /// Writes a file that may be executed.
    #[must_use]
    pub fn executable(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        self.write("100755", path.as_ref(), contents.as_ref())
    }

    /// Writes a symbolic link.
    #[must_use]
    pub fn link(self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.write("120000", path.as_ref(), target.as_ref())
    }

    /// Puts a submodule at a path, at a commit of another repository.
    #[must_use]
    pub fn submodule(self, path: impl AsRef<[u8]>, hash: &str) -> Self {
        self.point("160000", path.as_ref(), hash)
    }

    /// Removes a file or a folder.
    #[must_use]
    pub fn remove(mut self, path: impl AsRef<[u8]>) -> Self {
        self.changes.push(Change::Remove { path: path.as_ref().to_vec() });
        self
    }

    /// Renames a file or a folder.
    #[must_use]
    pub fn rename(mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.changes.push(Change::Rename { from: from.as_ref().to_vec(), to: to.as_ref().to_vec() });
        self
    }

    /// Copies a file or a folder.
    #[must_use]
    pub fn copy(mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.changes.push(Change::Copy { from: from.as_ref().to_vec(), to: to.as_ref().to_vec() });
        self
    }

    fn write(mut self, mode: &'static str, path: &[u8], contents: &[u8]) -> Self {
        self.changes.push(Change::Write { mode, path: path.to_vec(), contents: contents.to_vec() });
        self
    }

    fn point(mut self, mode: &str, path: &[u8], hash: &str) -> Self {
        self.changes.push(Change::Point { mode: mode.to_owned(), path: path.to_vec(), hash: hash.to_owned() });
        self
    }

    /// Takes over what a merged commit changed, before all changes of its own; `raw` is what `git diff-tree --raw -z` printed.
    pub(super) fn taking_over(mut self, raw: &[u8]) -> Self {
        let own = std::mem::take(&mut self.changes);
        let fields: Vec<&[u8]> = raw.split(|&byte| byte == 0).collect();
        for pair in fields.chunks_exact(2) {
            let summary = String::from_utf8_lossy(pair[0]).into_owned();
            let words: Vec<&str> = summary.split(' ').collect();
            self = match words[..] {
                [_, _, _, _, "D"] => self.remove(pair[1]),
                [_, mode, _, hash, _] => self.point(mode, pair[1], hash),
                _ => self,
            };
        }
        self.changes.extend(own);
        self
    }

    /// Writes the commit into a stream for `git fast-import`, and asks for its hash; `from` is what it goes onto.
    pub(super) fn import(&self, stream: &mut Vec<u8>, mark: usize, from: Option<&str>, date: i64) {
        let (date, zone) = self.date.clone().unwrap_or((date, "+0000".to_owned()));
        let mut line = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| stream.extend_from_slice(part));
            stream.push(b'\n');
        };
        if from.is_none() {
            line(&[b"reset ", super::repository::INCOMING.as_bytes(), b"\n"]);
        }
        line(&[b"commit ", super::repository::INCOMING.as_bytes()]);
        line(&[b"mark :", mark.to_string().as_bytes()]);
        let when = format!(" {date} {zone}");
        line(&[b"author ", &self.author, when.as_bytes()]);
        line(&[b"committer ", self.committer.as_ref().unwrap_or(&self.author), when.as_bytes()]);
        if let Some(encoding) = &self.encoding {
            line(&[b"encoding ", encoding.as_bytes()]);
        }
        line(&[b"data ", self.message.len().to_string().as_bytes(), b"\n", &self.message]);
        if let Some(from) = from {
            line(&[b"from ", from.as_bytes()]);
        }
        self.merged.iter().for_each(|merged| line(&[b"merge ", merged.as_bytes()]));
        self.changes.iter().for_each(|change| line(&[&change.import()]));
        line(&[b"\nget-mark :", mark.to_string().as_bytes()]);
    }
}

impl Change {
    fn import(&self) -> Vec<u8> {
        match self {
            Change::Write { mode, path, contents } => {
                let head = format!("M {mode} inline {}\ndata {}\n", quoted(path), contents.len());
                [head.as_bytes(), contents].concat()
            }
            Change::Point { mode, path, hash } => format!("M {mode} {hash} {}", quoted(path)).into_bytes(),
            Change::Rename { from, to } => format!("R {} {}", quoted(from), quoted(to)).into_bytes(),
            Change::Copy { from, to } => format!("C {} {}", quoted(from), quoted(to)).into_bytes(),
            Change::Remove { path } => format!("D {}", quoted(path)).into_bytes(),
        }
    }
}

/// A path in quotes, with every odd byte as three octal digits.
fn quoted(path: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        b'"' | b'\\' | 0..=0x1f | 0x7f.. => format!("\\{byte:03o}"),
        plain => char::from(*plain).to_string(),
    };
    format!("\"{}\"", path.iter().map(byte).collect::<String>())
}
