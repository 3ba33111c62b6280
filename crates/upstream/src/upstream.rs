//! The upstream as its users see it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bulk::{Bulk, Imported};
use crate::command_server::Commands;
use crate::commit::{Commit, Parent};
use crate::error::{Error, Result};
use crate::faults::Faults;
use crate::listener::{Listener, listen};
use crate::message::{Changegroup, Message, Sender};
use crate::node::Node;
use crate::programs::{Hg, blocking};
use crate::pushlog::Push;
use crate::repository::{Marker, Publishing, Pusher, Repository};
use crate::requests::{Counts, Request};
use crate::shared::{Backend, Shared};
use crate::web_server::WebServer;

/// What the `hg serve` processes are told to serve; beside the folder of repositories.
const WEBCONF: &str = "web.conf";

/// How an upstream is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the repositories are kept; a temporary folder if none is named.
    pub folder: Option<PathBuf>,
    /// The loopback port to listen on; 0 is any free one.
    pub port: u16,
    /// How many `hg serve` processes share the work.
    pub workers: usize,
    /// The program to run.
    pub hg: PathBuf,
    /// The socket of a [`warm_server`](crate::warm_server) that runs, if the upstream's programs are to be forks of it.
    pub warm: Option<PathBuf>,
    /// Who is recorded for a push over HTTP.
    pub pusher: String,
}

impl Default for Options {
    fn default() -> Self {
        let pusher = "httpuser@example.com".to_owned();
        Self { folder: None, port: 0, workers: 1, hg: "hg".into(), warm: None, pusher }
    }
}

/// A running upstream; all of it ends when this is dropped.
pub struct Upstream {
    front: Listener<Shared>,
    shared: Arc<Shared>,
    url: String,
    _temporary: Option<tempfile::TempDir>,
}

impl Upstream {
    /// Starts it; repositories that lie in the folder already are not served.
    ///
    /// # Errors
    ///
    /// If Mercurial is not installed, or the folder or the port cannot be used.
    pub async fn start(options: Options) -> Result<Self> {
        let (folder, temporary) = folder(options.folder)?;
        let listener = listen(options.port)?;
        let hg = Hg::new(options.hg, &folder, options.warm)?;
        let commands = Commands::start(&hg)?;
        let repositories = folder.join("repos");
        let backends = start_backends(&hg, &repositories, options.workers.max(1)).await?;
        let shared = Arc::new(Shared::new(hg, commands, repositories, backends, options.pusher));
        let url = format!("http://{}", listener.local_addr().map_err(Error::io("read the port that was bound"))?);
        let front = Listener::serve(Arc::clone(&shared), listener)?;
        Ok(Self { front, shared, url, _temporary: temporary })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a repository, which need not exist.
    #[must_use]
    pub fn url_of(&self, repository: &str) -> String {
        format!("{}/{repository}", self.url)
    }

    /// Where a repository lies on disk.
    #[must_use]
    pub fn path_of(&self, repository: &str) -> PathBuf {
        self.shared.folder.join(repository)
    }

    /// The names of all repositories, sorted.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        self.shared.names()
    }

    /// Creates an empty repository.
    ///
    /// # Errors
    ///
    /// If it exists, or its name would lead out of the folder.
    pub async fn create(&self, repository: &str) -> Result<()> {
        self.create_with(repository, Publishing::Yes).await
    }

    /// Creates an empty repository whose changesets may be made obsolete, if it is not publishing.
    ///
    /// # Errors
    ///
    /// As [`Upstream::create`].
    pub async fn create_with(&self, repository: &str, publishing: Publishing) -> Result<()> {
        check_name(repository)?;
        if self.shared.repository(repository).is_some() {
            return Err(Error::RepositoryExists(repository.to_owned()));
        }
        let created = Repository::new(&self.shared.folder, repository, publishing);
        created.init(&self.shared.commands).await?;
        self.shared.add(Arc::new(created));
        Ok(())
    }

    /// From now on the host knows its repositories: those that are made later are not served. Otherwise it looks for them at every request,
    /// which takes it 40 ms where there are 600.
    ///
    /// # Errors
    ///
    /// If its settings cannot be written.
    pub fn has_all_repositories(&self) -> Result<()> {
        write_webconf(&self.shared.folder, "refreshinterval = 86400\n")
    }

    /// Deletes a repository, as if it had never been.
    ///
    /// # Errors
    ///
    /// If there is none, or its files cannot be removed.
    pub async fn delete(&self, repository: &str) -> Result<()> {
        let deleted = self.shared.must_find(repository)?;
        let _turn = deleted.turn.lock().await;
        self.shared.remove(repository)?;
        std::fs::remove_dir_all(&deleted.path).map_err(Error::io_of("remove", &deleted.path))
    }

    /// Deletes a repository and creates it anew, empty; its pushes count from 1 again.
    ///
    /// # Errors
    ///
    /// As [`Upstream::delete`].
    pub async fn recreate(&self, repository: &str) -> Result<()> {
        let publishing = self.shared.must_find(repository)?.publishing;
        self.delete(repository).await?;
        self.create_with(repository, publishing).await
    }

    /// Pushes commits, now.
    ///
    /// # Errors
    ///
    /// If a commit is impossible, or all of them are there already.
    pub async fn push(&self, repository: &str, user: &str, commits: impl IntoIterator<Item = Commit>) -> Result<Push> {
        self.push_at(repository, user, self.shared.now(), commits).await
    }

    /// Pushes commits at a given time, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// As [`Upstream::push`].
    pub async fn push_at(
        &self,
        repository: &str,
        user: &str,
        date: i64,
        commits: impl IntoIterator<Item = Commit>,
    ) -> Result<Push> {
        let commits: Vec<Commit> = commits.into_iter().collect();
        let repository = self.shared.must_find(repository)?;
        let dates = || self.shared.next_commit_date();
        repository.push(&self.shared.commands, Pusher { user, date }, &commits, dates).await
    }

    /// Pushes changesets, and all they descend from, out of one repository into another.
    ///
    /// # Errors
    ///
    /// If the other repository has them already.
    pub async fn push_from(&self, from: &str, nodes: &[Node], to: &str, user: &str) -> Result<Push> {
        let pusher = Pusher { user, date: self.shared.now() };
        let push = self.pull(from, nodes, to, Some(pusher)).await?;
        push.ok_or_else(|| Error::Invalid(format!("all of this is in {to} already")))
    }

    /// Lets a repository pull from another one, all of it if no changesets are named; its pushlog does
    /// not know of it, as of all pulls at hg.mozilla.org.
    ///
    /// # Errors
    ///
    /// If Mercurial refuses, as it does for unrelated repositories.
    pub async fn pull_from(&self, from: &str, nodes: &[Node], to: &str) -> Result<()> {
        self.pull(from, nodes, to, None).await.map(drop)
    }

    async fn pull(&self, from: &str, nodes: &[Node], to: &str, pusher: Option<Pusher<'_>>) -> Result<Option<Push>> {
        let (from, to) = (self.shared.must_find(from)?, self.shared.must_find(to)?);
        let _turn = to.turn.lock().await;
        to.pull(&self.shared.commands, &from, nodes).await?;
        to.catch_up(&self.shared.commands, pusher).await
    }

    /// Creates a repository as a copy of another one, with an empty pushlog.
    ///
    /// # Errors
    ///
    /// If the copy exists already.
    pub async fn fork(&self, from: &str, to: &str) -> Result<()> {
        let publishing = self.shared.must_find(from)?.publishing;
        self.create_with(to, publishing).await?;
        self.pull_from(from, &[], to).await
    }

    /// Removes changesets and all their descendants.
    ///
    /// # Errors
    ///
    /// If one of them is not there.
    pub async fn strip(&self, repository: &str, nodes: &[Node]) -> Result<()> {
        self.shared.must_find(repository)?.strip(&self.shared.commands, nodes).await
    }

    /// Makes a changeset, which need not be there, obsolete: pruned if it has no successors.
    ///
    /// # Errors
    ///
    /// If the repository is publishing.
    pub async fn obsolete(&self, repository: &str, precursor: Node, successors: &[Node], user: &str) -> Result<Marker> {
        let (user, time) = (user.to_owned(), self.shared.now());
        let marker = Marker { precursor, successors: successors.to_vec(), user, time };
        self.shared.must_find(repository)?.obsolete(&self.shared.commands, marker).await
    }

    /// Pushes a commit in place of a changeset, on the same parent, and makes that one obsolete.
    ///
    /// # Errors
    ///
    /// As [`Upstream::push`] and [`Upstream::obsolete`].
    pub async fn amend(&self, repository: &str, node: Node, user: &str, commit: Commit) -> Result<(Push, Marker)> {
        let found = self.shared.must_find(repository)?;
        found.must_know(node)?;
        let [parent, _] = found.state().history.changeset(node).map(|amended| amended.parents).unwrap_or_default();
        let parent = if parent.is_null() { Parent::Null } else { Parent::Node(parent) };
        let commit = commit.parent(parent).extra("amend_source", node.to_string());
        let push = self.push(repository, user, [commit]).await?;
        let marker = self.obsolete(repository, node, &push.nodes, user).await?;
        Ok((push, marker))
    }

    /// Lets the pushlog say from now on which commit of git a changeset is.
    ///
    /// # Errors
    ///
    /// If there is no such changeset.
    pub fn name_commit(&self, repository: &str, node: Node, commit: &str) -> Result<()> {
        let found = self.shared.must_find(repository)?;
        found.must_know(node)?;
        found.name_commit(node, commit);
        Ok(())
    }

    /// Fills an empty repository with much history.
    ///
    /// # Errors
    ///
    /// If it is not empty, or the disk is full.
    pub async fn import(&self, repository: &str, bulk: Bulk) -> Result<Imported> {
        let repository = self.shared.must_find(repository)?;
        crate::bulk::import(&self.shared, &repository, bulk).await
    }

    /// All pushes of a repository, also those that were stripped.
    #[must_use]
    pub fn pushes(&self, repository: &str) -> Vec<Push> {
        let found = self.shared.repository(repository);
        found.map_or_else(Vec::new, |found| found.state().pushlog.pushes().to_vec())
    }

    /// A push by its id.
    #[must_use]
    pub fn find_push(&self, repository: &str, id: u64) -> Option<Push> {
        self.shared.repository(repository)?.state().pushlog.push(id).cloned()
    }

    /// The newest visible changeset; none in an empty repository.
    #[must_use]
    pub fn tip(&self, repository: &str) -> Option<Node> {
        let tip = self.shared.repository(repository)?.state().tip();
        (!tip.is_null()).then_some(tip)
    }

    /// The visible heads in revision order, also those of closed branches.
    #[must_use]
    pub fn heads(&self, repository: &str) -> Vec<Node> {
        let found = self.shared.repository(repository);
        found.map_or_else(Vec::new, |found| {
            let state = found.state();
            state.history.heads(&state.hidden)
        })
    }

    /// How many changesets there are, hidden ones too.
    #[must_use]
    pub fn changesets(&self, repository: &str) -> usize {
        self.shared.repository(repository).map_or(0, |found| found.state().history.len())
    }

    /// All markers of a repository, oldest first.
    #[must_use]
    pub fn markers(&self, repository: &str) -> Vec<Marker> {
        let found = self.shared.repository(repository);
        found.map_or_else(Vec::new, |found| found.state().markers.clone())
    }

    /// The message about a push.
    ///
    /// # Errors
    ///
    /// If there is no such repository.
    pub fn message_for_push(&self, repository: &str, push: &Push) -> Result<Message> {
        let pushes = std::slice::from_ref(push);
        self.message_changegroup(repository, &Changegroup { source: "serve", heads: &push.heads, pushes })
    }

    /// The message about changesets that came in any way.
    ///
    /// # Errors
    ///
    /// As [`Upstream::message_for_push`].
    pub fn message_changegroup(&self, repository: &str, changegroup: &Changegroup<'_>) -> Result<Message> {
        self.speak_for(repository, |sender, _| sender.changegroup(changegroup))
    }

    /// The message about changesets the pushlog knows nothing of: all heads, by a pull, in no push.
    ///
    /// # Errors
    ///
    /// As [`Upstream::message_for_push`].
    pub fn message_without_pushes(&self, repository: &str) -> Result<Message> {
        let heads = self.heads(repository);
        self.message_changegroup(repository, &Changegroup { source: "pull", heads: &heads, pushes: &[] })
    }

    /// The message about a new repository.
    ///
    /// # Errors
    ///
    /// As [`Upstream::message_for_push`].
    pub fn message_newrepo(&self, repository: &str) -> Result<Message> {
        self.speak_for(repository, |sender, _| sender.new_repository())
    }

    /// The message about markers, with what is known of their changesets now.
    ///
    /// # Errors
    ///
    /// As [`Upstream::message_for_push`].
    pub fn message_obsolete(&self, repository: &str, markers: &[Marker]) -> Result<Message> {
        self.speak_for(repository, |sender, found| sender.obsolete(&found.state(), markers))
    }

    fn speak_for(&self, name: &str, what: impl FnOnce(&Sender<'_>, &Repository) -> Message) -> Result<Message> {
        let found = self.shared.must_find(name)?;
        let (url, now) = (self.url_of(name), jiff::Timestamp::now());
        Ok(what(&Sender { repository: name, url: &url, now }, &found))
    }

    /// What goes wrong with one repository, which need not exist yet.
    #[must_use]
    pub fn faults(&self, repository: &str) -> Faults {
        self.shared.faults(repository)
    }

    /// What goes wrong with all repositories.
    #[must_use]
    pub fn faults_everywhere(&self) -> Faults {
        self.shared.everywhere.clone()
    }

    /// Refuses all connections and cuts the open ones.
    ///
    /// # Errors
    ///
    /// If another program took the port in that moment.
    pub async fn stop_listening(&self) -> Result<()> {
        self.front.stop().await
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    ///
    /// If another program took the port.
    pub async fn resume(&self) -> Result<()> {
        self.front.resume().await
    }

    /// The requests to one repository, oldest first; the last 10,000 of them.
    #[must_use]
    pub fn requests(&self, repository: &str) -> Vec<Request> {
        self.shared.requests.requests(repository)
    }

    /// How many requests came to one repository.
    #[must_use]
    pub fn counts(&self, repository: &str) -> Counts {
        self.shared.requests.counts(repository)
    }

    /// How many requests came to all repositories and indexes.
    #[must_use]
    pub fn all_counts(&self) -> Counts {
        self.shared.requests.all_counts()
    }

    /// How many requests to `json-pushes` of one repository came.
    #[must_use]
    pub fn pushlog_requests(&self, repository: &str) -> u64 {
        self.counts(repository).pushlog
    }

    /// How often a Mercurial began to pull from one repository, or to clone it or push to it.
    #[must_use]
    pub fn pulls(&self, repository: &str) -> u64 {
        self.counts(repository).conversations
    }

    /// Forgets all requests; counts begin at 0 again.
    pub fn forget_requests(&self) {
        self.shared.requests.forget();
    }

    /// Waits until the counts of one repository are as wanted.
    pub async fn requested(&self, repository: &str, mut enough: impl FnMut(Counts) -> bool) -> Counts {
        loop {
            let came = self.shared.requests.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            let counts = self.counts(repository);
            if enough(counts) {
                return counts;
            }
            came.await;
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.front.end();
        self.shared.end();
    }
}

fn folder(named: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    match named {
        Some(folder) => {
            std::fs::create_dir_all(&folder).map_err(Error::io_of("create", &folder))?;
            let folder = folder.canonicalize().map_err(Error::io_of("find", &folder))?;
            Ok((folder, None))
        }
        None => {
            let temporary = tempfile::Builder::new().prefix("elmo-upstream-").tempdir();
            let temporary = temporary.map_err(Error::io("create a temporary folder"))?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

async fn start_backends(hg: &Hg, repositories: &Path, workers: usize) -> Result<Vec<Backend>> {
    std::fs::create_dir_all(repositories).map_err(Error::io_of("create", repositories))?;
    write_webconf(repositories, "")?;
    let (hg, webconf) = (hg.clone(), repositories.with_file_name(WEBCONF));
    blocking(move || (0..workers).map(|_| WebServer::start(&hg, &webconf).map(Backend::new)).collect()).await
}

/// Writes what `hg serve` serves, which it reads whenever it looks for repositories.
fn write_webconf(repositories: &Path, more: &str) -> Result<()> {
    let webconf = repositories.with_file_name(WEBCONF);
    let settings = format!("[paths]\n/ = {}/**\n[web]\n{more}", repositories.display());
    std::fs::write(&webconf, settings).map_err(Error::io_of("write", &webconf))
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let bad = |part: &str| part.is_empty() || part.starts_with('.') || part.contains(['\0', '\n']);
    if name.split('/').any(bad) {
        return Err(Error::Invalid(format!("no name for a repository: {name:?}")));
    }
    Ok(())
}
