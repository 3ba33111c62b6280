//! Much history at once: made here as one bundle, which Mercurial takes in a single run.
//!
//! The same [`Bulk`] gives the same changesets always. What is made waits in files, so that memory holds
//! little more than the files that are alive and the list of changesets.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Node;
use crate::bundle::{BundleWriter, Delta, END, Phase, Revision, put_file_name, put_revision};
use crate::changeset::Changeset;
use crate::error::{Error, Result};
use crate::manifest::{self, Changes, Entry, Hunk};
use crate::repository::Repository;
use crate::shared::Shared;

/// A long history of localization files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// How many changesets.
    pub changesets: usize,
    /// How many files each of them writes.
    pub files_each: usize,
    /// How many paths there ever are.
    pub distinct_paths: usize,
    /// How many files there are at a time; for a new one the oldest is removed.
    pub manifest_window: usize,
    /// Every so many changesets one goes off to the side and is merged; never if this is below 4.
    pub merge_every: usize,
    /// How many named branches the side lines are on by turns; those of named branches are closed instead
    /// of merged every other time.
    pub branches: usize,
    /// How many changesets make a push; 0 leaves the pushlog empty.
    pub push_size: usize,
    /// Who pushes.
    pub user: String,
    /// The date of the first changeset, in seconds since 1970; each next one is some minutes later.
    pub first_date: i64,
    /// Another seed gives another history.
    pub seed: u64,
}

impl Default for Bulk {
    fn default() -> Self {
        Self {
            changesets: 1_000,
            files_each: 3,
            distinct_paths: 20_000,
            manifest_window: 2_000,
            merge_every: 50,
            branches: 3,
            push_size: 5,
            user: "localizer@example.com".to_owned(),
            first_date: 1_500_000_000,
            seed: 1,
        }
    }
}

impl Bulk {
    /// A straight line of changesets that write one file each.
    #[must_use]
    pub fn line(changesets: usize) -> Self {
        let (distinct_paths, manifest_window) = (100, 50);
        Self { changesets, files_each: 1, distinct_paths, manifest_window, merge_every: 0, branches: 0, ..Self::default() }
    }

    /// A straight line of changesets without any files.
    #[must_use]
    pub fn empty_line(changesets: usize) -> Self {
        Self { files_each: 0, ..Self::line(changesets) }
    }
}

/// What an import brought, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// How many changesets.
    pub changesets: usize,
    /// How many pushes the pushlog has of them.
    pub pushes: usize,
    /// The newest changeset.
    pub tip: Node,
    /// The length of the bundle.
    pub bundle_bytes: u64,
    /// How long the bundle took to make.
    pub made_in: Duration,
    /// How long Mercurial took to take it in.
    pub unbundled_in: Duration,
}

/// Fills an empty repository.
pub(crate) async fn import(shared: &Shared, repository: &Repository, bulk: Bulk) -> Result<Imported> {
    let _turn = repository.turn.lock().await;
    if repository.state().history.len() > 0 {
        return Err(Error::Invalid(format!("{} is not empty", repository.name)));
    }
    if bulk.changesets == 0 {
        return Err(Error::Invalid("an import of no changesets".to_owned()));
    }
    let started = Instant::now();
    let file = tempfile::NamedTempFile::new().map_err(Error::io("create a file for a bundle"))?;
    let (path, phase) = (file.path().to_owned(), repository.phase());
    let made = tokio::task::spawn_blocking(move || make(&bulk, &path, phase).map(|made| (bulk, made)));
    let made = made.await.map_err(|panicked| Error::Invalid(panicked.to_string()))?;
    let (bulk, changesets) = made.map_err(Error::io("write a bundle"))?;
    let made_in = started.elapsed();

    let command = ["unbundle".into(), "-q".into(), "-R".into(), repository.path.clone().into(), file.path().into()];
    shared.hg.run_alone(command.to_vec()).await?;
    let unbundled_in = started.elapsed() - made_in;

    let bundle_bytes = file.as_file().metadata().map_or(0, |metadata| metadata.len());
    let (count, tip) = (changesets.len(), changesets.last().map_or(Node::NULL, |last| last.node));
    let pushes = repository.take_many(&bulk.user, bulk.push_size, changesets);
    Ok(Imported { changesets: count, pushes, tip, bundle_bytes, made_in, unbundled_in })
}

fn make(bulk: &Bulk, path: &Path, phase: Phase) -> io::Result<Vec<Changeset>> {
    let mut maker = Maker::new(bulk)?;
    for number in 0..bulk.changesets {
        maker.make(number)?;
    }
    maker.spool.write(path, phase)?;
    Ok(maker.changesets)
}

/// A changeset and its manifest, to go on from.
#[derive(Clone, Default)]
struct Point {
    changeset: Node,
    manifest: Node,
    text: Vec<u8>,
}

/// A file that is alive.
#[derive(Clone)]
struct Alive {
    node: Node,
    text: Vec<u8>,
}

/// A file as one changeset writes it.
struct Written {
    path: usize,
    node: Node,
    parent: Node,
    hunks: Vec<Hunk>,
    text: Vec<u8>,
}

struct Maker<'a> {
    bulk: &'a Bulk,
    random: Random,
    spool: Spool,
    changesets: Vec<Changeset>,
    main: Point,
    /// Where the main line was one changeset before.
    before: Point,
    side: Option<Side>,
    sides: usize,
    /// By path.
    files: BTreeMap<usize, Alive>,
    /// From the oldest to the newest.
    order: VecDeque<usize>,
    next_path: usize,
    date: i64,
}

/// A line that left the main line and has not come back.
struct Side {
    point: Point,
    changes: Changes,
    branch: Option<usize>,
    closes: bool,
}

impl<'a> Maker<'a> {
    fn new(bulk: &'a Bulk) -> io::Result<Self> {
        Ok(Self {
            bulk,
            random: Random(bulk.seed),
            spool: Spool::new()?,
            changesets: Vec::with_capacity(bulk.changesets),
            main: Point::default(),
            before: Point::default(),
            side: None,
            sides: 0,
            files: BTreeMap::new(),
            order: VecDeque::new(),
            next_path: 0,
            date: bulk.first_date,
        })
    }

    fn make(&mut self, number: usize) -> io::Result<()> {
        self.date += 60 + self.random.below(1800) as i64;
        if let Some(side) = self.side.take() {
            return if side.closes { self.close(&side) } else { self.merge(&side) };
        }
        let every = self.bulk.merge_every;
        let turn = if every < 4 { usize::MAX } else { number % every };
        if every >= 4 && turn == every - 2 && self.has_files_for_a_side() {
            return self.leave();
        }
        if every >= 4 && turn == every - 3 {
            self.before = self.main.clone();
        }
        self.go_on()
    }

    /// Enough files that the last changeset of the main line left alone.
    fn has_files_for_a_side(&self) -> bool {
        self.bulk.files_each > 0 && self.files.len() > 4 * self.bulk.files_each && !self.before.changeset.is_null()
    }

    fn go_on(&mut self) -> io::Result<()> {
        let mut changes = Changes::new();
        let mut written: Vec<Written> = Vec::with_capacity(self.bulk.files_each);
        for _ in 0..self.bulk.files_each {
            let path = self.choose();
            if written.iter().any(|file| file.path == path) {
                continue;
            }
            let file = self.write(path);
            self.files.insert(path, Alive { node: file.node, text: file.text.clone() });
            changes.insert(path_of(path), Some(Entry { node: file.node, flag: None }));
            written.push(file);
        }
        for path in self.outlived(&written) {
            changes.insert(path_of(path), None);
        }
        let parents = [self.main.changeset, Node::NULL];
        let from = std::mem::take(&mut self.main);
        let description = self.describe(&written);
        let shape = Shape { parents, from: &from, other: Node::NULL, changes: &changes, branch: None, closes: false };
        self.main = self.commit(&shape, &written, listed(&changes), &description)?;
        Ok(())
    }

    /// Goes off to the side, from where the main line was one changeset before.
    fn leave(&mut self) -> io::Result<()> {
        let branch = (self.bulk.branches > 0).then(|| self.sides % self.bulk.branches);
        let closes = branch.is_some() && self.sides % 2 == 1;
        self.sides += 1;
        let touched = self.changesets.last().map(|last| last.files.clone()).unwrap_or_default();
        let mut changes = Changes::new();
        let mut written = Vec::new();
        let alive = self.order.clone();
        for path in alive.iter().rev().filter(|path| !touched.contains(&path_of(**path).into())) {
            let file = self.write(*path);
            if !closes {
                self.files.insert(*path, Alive { node: file.node, text: file.text.clone() });
            }
            changes.insert(path_of(*path), Some(Entry { node: file.node, flag: None }));
            written.push(file);
            if written.len() == self.bulk.files_each {
                break;
            }
        }
        let from = std::mem::take(&mut self.before);
        let parents = [from.changeset, Node::NULL];
        let description = self.describe(&written);
        let shape = Shape { parents, from: &from, other: Node::NULL, changes: &changes, branch, closes: false };
        let point = self.commit(&shape, &written, listed(&changes), &description)?;
        self.side = Some(Side { point, changes, branch, closes });
        Ok(())
    }

    fn merge(&mut self, side: &Side) -> io::Result<()> {
        let from = std::mem::take(&mut self.main);
        let parents = [from.changeset, side.point.changeset];
        let other = side.point.manifest;
        let shape = Shape { parents, from: &from, other, changes: &side.changes, branch: None, closes: false };
        self.main = self.commit(&shape, &[], Vec::new(), "Merge")?;
        Ok(())
    }

    fn close(&mut self, side: &Side) -> io::Result<()> {
        let parents = [side.point.changeset, Node::NULL];
        let (from, changes) = (&side.point, &Changes::new());
        let shape = Shape { parents, from, other: Node::NULL, changes, branch: side.branch, closes: true };
        self.commit(&shape, &[], Vec::new(), "Close the branch").map(drop)
    }

    /// A file that is alive, or now and then the next new one.
    fn choose(&mut self) -> usize {
        let writes = (self.bulk.changesets * self.bulk.files_each) as u64;
        let new = self.random.below(writes.max(1)) < self.bulk.distinct_paths as u64;
        if new || self.order.is_empty() {
            let path = self.next_path % self.bulk.distinct_paths.max(1);
            self.next_path += 1;
            if !self.files.contains_key(&path) {
                self.order.push_back(path);
            }
            return path;
        }
        self.order[self.random.below(self.order.len() as u64) as usize]
    }

    fn outlived(&mut self, written: &[Written]) -> Vec<usize> {
        let mut outlived = Vec::new();
        while self.order.len() > self.bulk.manifest_window.max(1) {
            let Some(path) = self.order.pop_front() else { break };
            if written.iter().any(|file| file.path == path) {
                self.order.push_back(path);
                break;
            }
            self.files.remove(&path);
            outlived.push(path);
        }
        outlived
    }

    fn write(&mut self, path: usize) -> Written {
        let alive = self.files.get(&path);
        let parent = alive.map_or(Node::NULL, |file| file.node);
        let mut text = alive.map_or_else(Vec::new, |file| file.text.clone());
        let hunk = edit(&mut self.random, path, self.changesets.len(), &text);
        text.splice(hunk.old.clone(), hunk.new.iter().copied());
        let node = Node::of(&text, [parent, Node::NULL]);
        Written { path, node, parent, hunks: vec![hunk], text }
    }

    fn describe(&mut self, written: &[Written]) -> String {
        let bug = 1_000_000 + self.random.below(900_000);
        let what = self.random.one_of(&["Update strings in", "Add strings to", "Correct typos in", "Mise à jour :"]);
        let file = written.first().map_or_else(String::new, |file| String::from_utf8_lossy(&path_of(file.path)).into());
        match self.random.below(8) {
            0 => format!("Bug {bug} - {what} {file}\n\nAs seen on the sign-off page.\nČeské a 日本語 too."),
            _ => format!("Bug {bug} - {what} {file}"),
        }
    }

    fn commit(&mut self, shape: &Shape<'_>, written: &[Written], files: Vec<Box<[u8]>>, description: &str) -> io::Result<Point> {
        let (text, hunks) = manifest::apply(&shape.from.text, shape.changes);
        let manifest_parents = [shape.from.manifest, shape.other];
        let manifest = match hunks.is_empty() {
            true => shape.from.manifest,
            false => Node::of(&text, manifest_parents),
        };
        let (changeset, changeset_text) = self.changeset(shape, manifest, files, description).sealed();
        let node = changeset.node;
        self.spool.changeset(&changeset, &changeset_text)?;
        if !hunks.is_empty() {
            let delta = Delta::Hunks { base: shape.from.manifest, hunks: &hunks };
            let revision = Revision { node: manifest, parents: manifest_parents, changeset: node, delta };
            self.spool.manifest(&revision)?;
        }
        for file in written {
            self.spool.file(node, file)?;
        }
        self.changesets.push(changeset);
        Ok(Point { changeset: node, manifest, text })
    }

    fn changeset(&mut self, shape: &Shape<'_>, manifest: Node, files: Vec<Box<[u8]>>, description: &str) -> Changeset {
        let mut extra = BTreeMap::new();
        if let Some(branch) = shape.branch {
            extra.insert(b"branch".to_vec(), format!("branch-{branch}").into_bytes());
        }
        if shape.closes {
            extra.insert(b"close".to_vec(), b"1".to_vec());
        }
        Changeset {
            node: Node::NULL,
            parents: shape.parents,
            manifest,
            author: self.random.one_of(AUTHORS).as_bytes().into(),
            date: (self.date, *self.random.one_of(&[0, -3600, -7200, 18_000])),
            extra,
            files,
            description: description.as_bytes().into(),
        }
    }
}

struct Shape<'a> {
    parents: [Node; 2],
    from: &'a Point,
    /// The manifest of the second parent.
    other: Node,
    changes: &'a Changes,
    branch: Option<usize>,
    closes: bool,
}

fn listed(changes: &Changes) -> Vec<Box<[u8]>> {
    changes.keys().map(|path| path.as_slice().into()).collect()
}

const AUTHORS: &[&str] = &[
    "Zeynep Öğüt <zeynep@example.com.tr>",
    "Łukasz Żółć <lukasz@example.pl>",
    "François Trémeau <francois@example.fr>",
    "山田太郎 <yamada@example.jp>",
    "Άννα Παππά <anna@example.gr>",
    "Jane Doe <jane@example.com>",
    "Pontoon <pontoon@example.org>",
    "Jürgen Groß",
];

const WORDS: &[&str] = &[
    "open",
    "window",
    "Fenster",
    "öffnen",
    "fermer",
    "l’onglet",
    "página",
    "nueva",
    "設定",
    "を",
    "開く",
    "параметры",
    "закладка",
    "ρυθμίσεις",
    "kart",
    "şifre",
    "save",
    "password",
    "{ $count }",
    "%S",
    "história",
    "złoty",
    "tab",
];

const KINDS: &[&str] = &["ftl", "properties", "dtd"];

fn path_of(path: usize) -> Vec<u8> {
    let top = ["browser", "toolkit", "mobile", "mail", "devtools/client"][path % 5];
    let part = ["chrome", "browser", "defines", "preferences", "global"][path / 5 % 5];
    let kind = KINDS[path % KINDS.len()];
    format!("{top}/{part}/folder{}/file{path}.{kind}", path / 25 % 40).into_bytes()
}

/// Adds a string to a file, or changes one.
fn edit(random: &mut Random, path: usize, number: usize, text: &[u8]) -> Hunk {
    let kind = KINDS[path % KINDS.len()];
    let long = text.len() > 6_000;
    if text.is_empty() || (!long && random.below(10) < 7) {
        let strings = if text.is_empty() { 3 + random.below(6) } else { 1 };
        let new = (0..strings).flat_map(|nth| string(random, kind, &format!("{number}-{nth}")).into_bytes()).collect();
        return Hunk { old: text.len()..text.len(), new };
    }
    let at = random.below(text.len() as u64) as usize;
    let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
    let end = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |after| at + after + 1);
    Hunk { old: start..end, new: string(random, kind, &format!("{number}-x")).into_bytes() }
}

fn string(random: &mut Random, kind: &str, key: &str) -> String {
    let words: Vec<&str> = (0..2 + random.below(8)).map(|_| *random.one_of(WORDS)).collect();
    let value = words.join(" ");
    match kind {
        "ftl" => format!("string-{key} = {value}\n"),
        "dtd" => format!("<!ENTITY string.{key} \"{value}\">\n"),
        _ => format!("string.{key}={value}\n"),
    }
}

/// The revisions made so far, in temporary files, in the order a bundle wants them.
struct Spool {
    changelog: BufWriter<File>,
    manifests: BufWriter<File>,
    files: BufWriter<File>,
    /// Path, where its revision begins, how long that is.
    index: Vec<(usize, u64, usize)>,
    written: u64,
    buffer: Vec<u8>,
}

impl Spool {
    fn new() -> io::Result<Self> {
        let file = || tempfile::tempfile().map(|file| BufWriter::with_capacity(1 << 18, file));
        let (changelog, manifests, files) = (file()?, file()?, file()?);
        Ok(Self { changelog, manifests, files, index: Vec::new(), written: 0, buffer: Vec::new() })
    }

    fn changeset(&mut self, changeset: &Changeset, text: &[u8]) -> io::Result<()> {
        let (node, parents) = (changeset.node, changeset.parents);
        self.buffer.clear();
        put_revision(&mut self.buffer, &Revision { node, parents, changeset: node, delta: Delta::Whole(text) });
        self.changelog.write_all(&self.buffer)
    }

    fn manifest(&mut self, revision: &Revision<'_>) -> io::Result<()> {
        self.buffer.clear();
        put_revision(&mut self.buffer, revision);
        self.manifests.write_all(&self.buffer)
    }

    fn file(&mut self, changeset: Node, file: &Written) -> io::Result<()> {
        let delta = Delta::Hunks { base: file.parent, hunks: &file.hunks };
        let revision = Revision { node: file.node, parents: [file.parent, Node::NULL], changeset, delta };
        self.buffer.clear();
        put_revision(&mut self.buffer, &revision);
        self.index.push((file.path, self.written, self.buffer.len()));
        self.written += self.buffer.len() as u64;
        self.files.write_all(&self.buffer)
    }

    fn write(&mut self, path: &Path, phase: Phase) -> io::Result<()> {
        let mut bundle = BundleWriter::new(BufWriter::new(File::create(path)?), phase)?;
        for group in [&mut self.changelog, &mut self.manifests] {
            group.flush()?;
            copy(group.get_mut(), &mut bundle)?;
            bundle.put(&END)?;
        }
        self.files.flush()?;
        self.index.sort_unstable();
        for revisions in self.index.chunk_by(|one, next| one.0 == next.0) {
            self.buffer.clear();
            put_file_name(&mut self.buffer, &path_of(revisions[0].0));
            for (_, from, length) in revisions {
                let start = self.buffer.len();
                self.buffer.resize(start + length, 0);
                self.files.get_ref().read_exact_at(&mut self.buffer[start..], *from)?;
            }
            self.buffer.extend_from_slice(&END);
            bundle.put(&self.buffer)?;
        }
        bundle.put(&END)?;
        bundle.finish()
    }
}

fn copy(from: &mut File, bundle: &mut BundleWriter<impl Write>) -> io::Result<()> {
    from.seek(SeekFrom::Start(0))?;
    let mut piece = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        bundle.put(&piece[..length])?;
    }
}

/// `SplitMix64`: small, and the same in all versions of all libraries.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_of<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len() as u64) as usize]
    }
}
