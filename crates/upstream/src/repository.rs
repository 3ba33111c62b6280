//! One served repository: what Mercurial has on disk, and what is known of it here.
//!
//! Each change is made by Mercurial first and only then shows in the pushlog.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Node;
use crate::bundle::Phase;
use crate::changegroup::{Base, Changegroup, ManifestText};
use crate::changeset::Changeset;
use crate::command_server::Commands;
use crate::commit::{Commit, Parent};
use crate::error::{Error, Result};
use crate::history::{History, common_ancestor};
use crate::pushlog::{Answer, Push, Pushlog, Source};

/// How a repository is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Publishing {
    /// Changesets are public once they are pushed: all but user repositories.
    #[default]
    Yes,
    /// They stay drafts and may be made obsolete, as in user repositories.
    No,
}

/// One changeset made obsolete by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// What is obsolete.
    pub precursor: Node,
    /// What is there instead: nothing after a prune, several after a split.
    pub successors: Vec<Node>,
    /// Who did it.
    pub user: String,
    /// When, in seconds since 1970.
    pub time: i64,
}

/// A repository that is served.
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) publishing: Publishing,
    /// Held by whoever changes the repository.
    pub(crate) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) history: History,
    pub(crate) pushlog: Pushlog,
    pub(crate) hidden: HashSet<Node>,
    pub(crate) markers: Vec<Marker>,
    replaced: Vec<(Node, Node)>,
    commits: HashMap<Node, String>,
    manifests: RecentManifests,
}

/// Who pushes, and when.
pub(crate) struct Pusher<'a> {
    pub(crate) user: &'a str,
    pub(crate) date: i64,
}

impl Repository {
    /// Names a repository in a folder; it need not be there yet.
    pub(crate) fn new(folder: &Path, name: &str, publishing: Publishing) -> Self {
        let (name, path) = (name.to_owned(), folder.join(name));
        Self { name, path, publishing, turn: tokio::sync::Mutex::default(), state: Mutex::default() }
    }

    /// Creates it on disk, empty.
    pub(crate) async fn init(&self, commands: &Commands) -> Result<()> {
        let parent = self.path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(parent).map_err(Error::io_of("create", parent))?;
        commands.run(vec!["init".into(), "--".into(), self.path.clone().into()]).await?;
        if self.publishing == Publishing::No {
            let (hgrc, settings) = (self.path.join(".hg/hgrc"), "[phases]\npublish = no\n[experimental]\nevolution = all\n");
            std::fs::write(&hgrc, settings).map_err(Error::io_of("write", &hgrc))?;
        }
        Ok(())
    }

    /// What is known of it, for a moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers which commit of git a changeset is.
    pub(crate) fn name_commit(&self, node: Node, commit: &str) {
        self.state().commits.insert(node, commit.to_owned());
    }

    /// Answers `json-pushes`, without the newest `lag` pushes.
    pub(crate) fn json_pushes(&self, page: u64, parameters: &[(String, String)], lag: u64) -> Answer {
        crate::pushlog::answer(&self.state().source(lag), page, parameters)
    }

    /// Makes the commits and records them as one push.
    pub(crate) async fn push(
        &self,
        commands: &Commands,
        pusher: Pusher<'_>,
        commits: &[Commit],
        mut date: impl FnMut() -> i64,
    ) -> Result<Push> {
        let _turn = self.turn.lock().await;
        let mut changegroup = Changegroup::default();
        for commit in commits {
            let base = self.base(commands, &changegroup, commit, &mut date).await?;
            changegroup.add(&base, commit)?;
        }
        self.unbundle(commands, &changegroup).await?;
        let (changesets, manifests) = changegroup.into_parts();
        self.state().manifests.extend(manifests);
        self.take(commands, Some(pusher), changesets).await?.ok_or_else(|| self.nothing_new())
    }

    /// Records what Mercurial has and is not known here, as a push if there is a pusher.
    pub(crate) async fn catch_up(&self, commands: &Commands, pusher: Option<Pusher<'_>>) -> Result<Option<Push>> {
        let known = self.state().history.len();
        let new = format!("limit(all(), 1000000000, {known})");
        let listed = self.log(commands, &new, "{node}{p1node}{p2node}\n").await?;
        let mut changesets = Vec::new();
        for line in listed {
            changesets.push(self.read_changeset(commands, &line).await?);
        }
        self.take(commands, pusher, changesets).await
    }

    async fn take(&self, commands: &Commands, pusher: Option<Pusher<'_>>, changesets: Vec<Changeset>) -> Result<Option<Push>> {
        let hidden = self.read_hidden(commands).await?;
        let mut state = self.state();
        state.hidden = hidden;
        let nodes = state.add(changesets);
        let Some(Pusher { user, date }) = pusher else {
            return Ok(None);
        };
        if nodes.is_empty() {
            return Ok(None);
        }
        let heads = heads_in(&state.history, &nodes);
        Ok(Some(state.pushlog.record(user, date, nodes, heads)))
    }

    /// Adds changesets that Mercurial has already, so many to a push; says how many pushes that made.
    pub(crate) fn take_many(&self, user: &str, push_size: usize, changesets: Vec<Changeset>) -> usize {
        let mut state = self.state();
        let dates: Vec<i64> = changesets.iter().map(|changeset| changeset.date.0).collect();
        let nodes = state.add(changesets);
        if push_size == 0 {
            return 0;
        }
        for (nodes, dates) in nodes.chunks(push_size).zip(dates.chunks(push_size)) {
            let heads = heads_in(&state.history, nodes);
            state.pushlog.record(user, dates[dates.len() - 1] + 60, nodes.to_vec(), heads);
        }
        nodes.len().div_ceil(push_size)
    }

    /// Removes changesets and all that descend from them.
    pub(crate) async fn strip(&self, commands: &Commands, nodes: &[Node]) -> Result<()> {
        let _turn = self.turn.lock().await;
        let mut command = self.command("strip");
        command.extend(["--hidden", "--no-backup"].map(OsString::from));
        for node in nodes {
            self.must_know(*node)?;
            command.extend([OsString::from("-r"), node.to_string().into()]);
        }
        commands.run(command).await?;
        let left = self.log(commands, "all()", "{node}\n").await?;
        let left: Vec<Node> = left.iter().filter_map(|line| Node::from_hex(line)).collect();
        let hidden = self.read_hidden(commands).await?;
        self.state().keep(&left, hidden);
        Ok(())
    }

    /// Makes a changeset obsolete.
    pub(crate) async fn obsolete(&self, commands: &Commands, marker: Marker) -> Result<Marker> {
        let _turn = self.turn.lock().await;
        let mut command = self.command("debugobsolete");
        command.extend(["-u", &marker.user, "-d"].map(OsString::from));
        command.push(format!("{} 0", marker.time).into());
        let nodes = [&[marker.precursor], marker.successors.as_slice()].concat();
        command.extend(nodes.iter().map(|node| node.to_string().into()));
        commands.run(command).await?;
        self.state().note(&marker);
        let hidden = self.read_hidden(commands).await?;
        self.state().hidden = hidden;
        Ok(marker)
    }

    /// Pulls from another repository by its path.
    pub(crate) async fn pull(&self, commands: &Commands, from: &Self, nodes: &[Node]) -> Result<()> {
        let mut command = self.command("pull");
        for node in nodes {
            command.extend([OsString::from("-r"), node.to_string().into()]);
        }
        command.push(from.path.clone().into());
        commands.run(command).await.map(drop)
    }

    /// The parents, manifests and branch that a commit starts from.
    async fn base(
        &self,
        commands: &Commands,
        changegroup: &Changegroup,
        commit: &Commit,
        date: &mut impl FnMut() -> i64,
    ) -> Result<Base> {
        let first = self.resolve(changegroup, commit.parent)?;
        let second = commit.merged.map_or(Ok(Node::NULL), |parent| self.resolve(changegroup, parent))?;
        let parents = [first, second];
        let ancestor = match second.is_null() {
            true => Node::NULL,
            false => common_ancestor(first, second, |node| self.place(changegroup, node)),
        };
        let manifests =
            [self.manifest_of(commands, changegroup, first).await?, self.manifest_of(commands, changegroup, second).await?];
        let (_, ancestor) = self.manifest_of(commands, changegroup, ancestor).await?;
        let branch = self.look_up(changegroup, first, |changeset| changeset.branch().to_vec());
        let branch = branch.unwrap_or_else(|| b"default".to_vec());
        let date = if commit.date.is_none() { date() } else { 0 };
        Ok(Base { parents, manifests, ancestor, branch, date: (date, 0) })
    }

    fn resolve(&self, changegroup: &Changegroup, parent: Parent) -> Result<Node> {
        match parent {
            Parent::Null => Ok(Node::NULL),
            Parent::Tip => Ok(changegroup.changesets().last().map_or_else(|| self.state().tip(), |last| last.node)),
            Parent::Nth(number) => match changegroup.changesets().get(number) {
                Some(changeset) => Ok(changeset.node),
                None => Err(Error::Invalid(format!("no commit {number} before this one in the push"))),
            },
            Parent::Node(node) if changegroup.rank(node).is_some() => Ok(node),
            Parent::Node(node) => self.must_know(node).map(|()| node),
        }
    }

    pub(crate) fn must_know(&self, node: Node) -> Result<()> {
        match self.state().history.rank(node) {
            Some(_) => Ok(()),
            None => Err(Error::UnknownChangeset { repository: self.name.clone(), node }),
        }
    }

    fn look_up<T>(&self, changegroup: &Changegroup, node: Node, what: impl Fn(&Changeset) -> T) -> Option<T> {
        match changegroup.changeset(node) {
            Some(changeset) => Some(what(changeset)),
            None => self.state().history.changeset(node).map(what),
        }
    }

    fn place(&self, changegroup: &Changegroup, node: Node) -> (usize, [Node; 2]) {
        let state = self.state();
        let known = state.history.rank(node);
        let rank = known.or_else(|| changegroup.rank(node).map(|rank| state.history.len() + rank));
        drop(state);
        let parents = self.look_up(changegroup, node, |changeset| changeset.parents);
        (rank.unwrap_or(0), parents.unwrap_or_default())
    }

    async fn manifest_of(&self, commands: &Commands, changegroup: &Changegroup, changeset: Node) -> Result<(Node, ManifestText)> {
        let node = self.look_up(changegroup, changeset, |changeset| changeset.manifest).unwrap_or_default();
        if node.is_null() {
            return Ok((node, ManifestText::default()));
        }
        let known = changegroup.manifest(node).or_else(|| self.state().manifests.find(node));
        if let Some(text) = known {
            return Ok((node, text));
        }
        let mut command = self.command("debugdata");
        command.extend([OsString::from("-m"), node.to_string().into()]);
        let text = Arc::new(commands.run(command).await?);
        self.state().manifests.extend([(node, Arc::clone(&text))]);
        Ok((node, text))
    }

    async fn unbundle(&self, commands: &Commands, changegroup: &Changegroup) -> Result<()> {
        let file = tempfile::NamedTempFile::new().map_err(Error::io("create a file for a bundle"))?;
        changegroup.write(file.path(), self.phase())?;
        let mut command = self.command("unbundle");
        command.extend(["-q".into(), file.path().into()]);
        commands.run(command).await.map(drop)
    }

    /// The phase of what is pushed here.
    pub(crate) fn phase(&self) -> Phase {
        match self.publishing {
            Publishing::Yes => Phase::Public,
            Publishing::No => Phase::Draft,
        }
    }

    async fn read_changeset(&self, commands: &Commands, line: &[u8]) -> Result<Changeset> {
        let node = |number: usize| {
            let hex = line.get(40 * number..40 * number + 40).and_then(Node::from_hex);
            hex.ok_or_else(|| Error::Invalid(format!("hg log gave {:?}", String::from_utf8_lossy(line))))
        };
        let mut command = self.command("debugdata");
        command.extend(["--hidden".into(), "-c".into(), OsString::from(node(0)?.to_string())]);
        let text = commands.run(command).await?;
        Changeset::read(node(0)?, [node(1)?, node(2)?], &text)
    }

    async fn read_hidden(&self, commands: &Commands) -> Result<HashSet<Node>> {
        if !self.path.join(".hg/store/obsstore").exists() {
            return Ok(HashSet::new());
        }
        let lines = self.log(commands, "hidden()", "{node}\n").await?;
        Ok(lines.iter().filter_map(|line| Node::from_hex(line)).collect())
    }

    async fn log(&self, commands: &Commands, revisions: &str, template: &str) -> Result<Vec<Vec<u8>>> {
        let mut command = self.command("log");
        command.extend(["--hidden", "-r", revisions, "-T", template].map(OsString::from));
        let output = commands.run(command).await?;
        let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(<[u8]>::to_vec).collect())
    }

    fn command(&self, name: &str) -> Vec<OsString> {
        vec![name.into(), "-R".into(), self.path.clone().into()]
    }

    fn nothing_new(&self) -> Error {
        Error::Invalid(format!("all of this is in {} already", self.name))
    }
}

impl State {
    /// The newest changeset that is not hidden; null if there is none.
    pub(crate) fn tip(&self) -> Node {
        let mut nodes = self.history.newest_first().map(|changeset| changeset.node);
        nodes.find(|node| !self.hidden.contains(node)).unwrap_or_default()
    }

    fn source(&self, lag: u64) -> Source<'_> {
        let State { history, pushlog, hidden, replaced, commits, .. } = self;
        Source { history, pushlog, hidden, markers: replaced, commits, lag }
    }

    /// Adds changesets and says which were new.
    fn add(&mut self, changesets: Vec<Changeset>) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(changesets.len());
        for changeset in changesets {
            if self.history.rank(changeset.node).is_none() {
                nodes.push(changeset.node);
                self.history.add(changeset);
            }
        }
        nodes
    }

    fn keep(&mut self, left: &[Node], hidden: HashSet<Node>) {
        let known: HashSet<Node> = left.iter().copied().collect();
        let gone = self.history.newest_first().map(|changeset| changeset.node);
        let gone: HashSet<Node> = gone.filter(|node| !known.contains(node)).collect();
        self.history.keep(left);
        self.pushlog.forget(&gone);
        self.hidden = hidden;
    }

    fn note(&mut self, marker: &Marker) {
        let pairs = marker.successors.iter().map(|successor| (*successor, marker.precursor));
        self.replaced.extend(pairs);
        self.markers.push(marker.clone());
    }
}

/// Those of some new changesets that are no parent of another.
fn heads_in(history: &History, nodes: &[Node]) -> Vec<Node> {
    let changesets = nodes.iter().filter_map(|node| history.changeset(*node));
    let parents: HashSet<Node> = changesets.flat_map(|changeset| changeset.parents).collect();
    nodes.iter().copied().filter(|node| !parents.contains(node)).collect()
}

/// The manifests used last; others are read from the repository again.
#[derive(Default)]
struct RecentManifests {
    texts: HashMap<Node, ManifestText>,
    order: VecDeque<Node>,
    bytes: usize,
}

impl RecentManifests {
    const BYTES: usize = 32 << 20;

    fn find(&self, node: Node) -> Option<ManifestText> {
        self.texts.get(&node).cloned()
    }

    fn extend(&mut self, manifests: impl IntoIterator<Item = (Node, ManifestText)>) {
        for (node, text) in manifests {
            let length = text.len();
            if self.texts.insert(node, text).is_none() {
                self.order.push_back(node);
                self.bytes += length;
            }
        }
        while self.bytes > Self::BYTES {
            let oldest = self.order.pop_front().and_then(|node| self.texts.remove(&node));
            self.bytes -= oldest.map_or(self.bytes, |text| text.len());
        }
    }
}
