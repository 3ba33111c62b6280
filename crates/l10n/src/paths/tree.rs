//! An `l10n.toml` with all that it includes and excludes: the files that have been fetched come in; those that are still
//! wanted go out or, when none is, what all of them say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::config::{self, Config, Other};
use super::{Files, Note, Unusable};

/// How many files may be read, and over how many steps from the first one.
const MOST_FILES: usize = 50;
const DEEPEST: usize = 10;
/// How many bytes the files may have together.
const LARGEST: usize = 1 << 20;

/// What the files say.
pub(super) enum Tree {
    Wants(Vec<String>),
    Whole { configs: BTreeMap<String, Config>, notes: Vec<Note> },
}

/// Reads a file and those that it names, as far as they have been fetched.
pub(super) fn read(first: &str, files: &Files) -> Result<Tree, Unusable> {
    let mut reader = Reader { files, wanted: Vec::new(), configs: BTreeMap::new(), notes: Vec::new(), bytes: 0 };
    reader.all(first)?;
    if !reader.wanted.is_empty() {
        return Ok(Tree::Wants(reader.wanted));
    }
    Ok(Tree::Whole { configs: reader.configs, notes: reader.notes })
}

struct Reader<'a> {
    files: &'a Files,
    wanted: Vec<String>,
    configs: BTreeMap<String, Config>,
    notes: Vec<Note>,
    bytes: usize,
}

/// A file that is to be read.
struct Next {
    path: String,
    depth: usize,
    /// The file and the line that name it; the first one is named by nobody.
    by: Option<(String, usize)>,
}

impl Reader<'_> {
    /// Reads the files, those first that are the fewest steps away; each once, however often it is named.
    fn all(&mut self, first: &str) -> Result<(), Unusable> {
        let mut named = BTreeSet::from([first.to_owned()]);
        let mut queue = VecDeque::from([Next { path: first.to_owned(), depth: 0, by: None }]);
        while let Some(next) = queue.pop_front() {
            let mut config = match self.one(&next) {
                Ok(Some(config)) => config,
                Ok(None) => continue,
                Err(why) => {
                    self.leave_out(&next, why)?;
                    continue;
                }
            };
            if next.by.is_some() {
                self.leave_out_excludes(&next.path, &mut config);
            }
            for Other { path, line } in config.includes.iter().chain(&config.excludes) {
                if named.insert(path.clone()) {
                    let by = Some((next.path.clone(), *line));
                    queue.push_back(Next { path: path.clone(), depth: next.depth + 1, by });
                }
            }
            self.configs.insert(next.path, config);
        }
        Ok(())
    }

    /// Reads one file, or notes that it is wanted.
    fn one(&mut self, next: &Next) -> Result<Option<Config>, String> {
        let path = &next.path;
        if next.depth > DEEPEST || self.configs.len() + self.wanted.len() >= MOST_FILES {
            return Err(format!("{path} is more than {DEEPEST} files deep, or more than {MOST_FILES} files are named"));
        }
        match self.files.get(path) {
            None => {
                self.wanted.push(path.clone());
                Ok(None)
            }
            Some(None) => Err(format!("{path} is not in the repository")),
            Some(Some(text)) => {
                self.bytes = self.bytes.saturating_add(text.len());
                if self.bytes > LARGEST {
                    return Err(format!("{path} is too large: all files together may have {LARGEST} bytes"));
                }
                config::read(path, text, &mut self.notes).map(Some)
            }
        }
    }

    /// Notes that a file could not be read; without the first one there is nothing.
    fn leave_out(&mut self, next: &Next, why: String) -> Result<(), Unusable> {
        let Some((file, line)) = next.by.clone() else { return Err(Unusable(why)) };
        self.notes.push(Note { file, line, text: format!("a file was left out: {why}") });
        Ok(())
    }

    fn leave_out_excludes(&mut self, file: &str, config: &mut Config) {
        for Other { path, line } in config.excludes.drain(..) {
            let text = format!("{path} in `excludes` was left out: only the first file may exclude others");
            self.notes.push(Note { file: file.to_owned(), line, text });
        }
    }
}

/// Lists a file and all that it includes in the order of compare-locales: each before what it includes, and once.
pub(super) fn in_order<'c>(first: &'c str, configs: &'c BTreeMap<String, Config>) -> Vec<(&'c str, &'c Config)> {
    let mut ordered = Vec::new();
    let mut seen = BTreeSet::new();
    let mut pile = vec![first];
    while let Some(path) = pile.pop() {
        let Some(config) = configs.get(path) else { continue };
        if seen.insert(path) {
            ordered.push((path, config));
            pile.extend(config.includes.iter().rev().map(|other| &other.path[..]));
        }
    }
    ordered
}
