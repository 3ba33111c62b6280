//! The local clones of git repositories, bare, beside those of Mercurial: `<data>/clones/<repository>/.git`.
//!
//! What a branch leaves behind when it moves stays reachable by a reference of ours, so that old diffs work for ever. As with
//! Mercurial's, a new clone is made beside and renamed into place, and one that works is never destroyed.

use super::beside::{Beside, disk, into_place};
use super::clones::place;
use super::{FetchError, Http, timed};
use crate::domain::{
    Changeset, ErrorClass, HgDate, Kept, RepositoryName, RepositoryUrl, Revision, UrlRules, Vcs, in_full, without_git,
};
use elmo_git::{Branch, Change, Commit, Commits, Git, GitError, Hash, HashKind, Range, Remote, Renames, Signature, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Limits for what is done with clones of git, and who we are at hosts.
#[derive(Clone)]
pub struct GitSettings {
    pub clone_time: Duration,
    pub fetch_time: Duration,
    /// Repositories on this machine may be followed.
    pub files_too: bool,
    /// Each with the host that it is for.
    pub tokens: Vec<(String, String)>,
}

/// The clones of this machine.
#[derive(Clone)]
pub struct GitClones {
    data: PathBuf,
    git: Git,
    settings: Arc<GitSettings>,
    http: Option<Http>,
}

/// What a host shows of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostBranches {
    /// The branch that the host calls its HEAD.
    pub head: Option<Kept>,
    pub branches: BTreeMap<Kept, Revision>,
    /// Where the host sends us instead.
    pub moved_to: Option<String>,
}

/// What git asks first of a repository.
const FIRST_QUESTION: &str = "/info/refs?service=git-upload-pack";
/// How long the next commit may take.
const NEXT_COMMIT: Duration = Duration::from_secs(600);

impl GitClones {
    /// Keeps clones in `data`, made and fetched by `git`.
    pub fn new(data: &Path, git: &Path, settings: GitSettings) -> GitClones {
        let git = Git::new(git);
        let git = if settings.files_too { git.with_local_repositories() } else { git };
        GitClones { data: data.to_owned(), git, settings: Arc::new(settings), http: None }
    }

    /// Asks no hosts but those that `http` may ask, and goes by it where a host sends us on.
    pub fn with_http(self, http: Http) -> GitClones {
        GitClones { git: self.git.without_redirections(), http: Some(http), ..self }
    }

    /// There is a clone.
    pub fn exists(&self, clone: &RepositoryName) -> bool {
        self.path(clone).join("HEAD").exists()
    }

    /// Asks the host for its branches.
    pub async fn ask(&self, url: &RepositoryUrl) -> Result<HostBranches, FetchError> {
        let time = self.settings.fetch_time;
        let (listing, moved_to) = match self.git.ls_remote(&self.remote(url).await?, time).await {
            Ok(listing) => (listing, None),
            Err(error) => {
                let (remote, there) = self.sent_on(url, error).await?;
                (self.git.ls_remote(&remote, time).await?, Some(there))
            }
        };
        Ok(HostBranches {
            head: listing.head.map(|branch| Kept::from_bytes(branch.as_bytes())),
            branches: named(&listing.branches),
            moved_to: moved_to.or(listing.moved_to).map(|to| plain(&to, url)),
        })
    }

    /// Brings branches to where the host has them. What they leave behind stays in the clone, and whoever records that keeps it. Says where
    /// the host has sent us, if it has.
    pub async fn fetch(
        &self,
        clone: &RepositoryName,
        url: &RepositoryUrl,
        branches: &[Kept],
    ) -> Result<Option<String>, FetchError> {
        timed(Vcs::Git, "pull", self.fetch_untimed(clone, url, branches)).await
    }

    async fn fetch_untimed(
        &self,
        clone: &RepositoryName,
        url: &RepositoryUrl,
        branches: &[Kept],
    ) -> Result<Option<String>, FetchError> {
        let (path, wanted) = (self.path(clone), wanted(branches)?);
        let (remote, time) = (self.remote(url).await?, self.settings.fetch_time);
        let fetched = match self.git.update(&path, &remote, &wanted, time, |_| {}).await {
            // A claim is held by one worker, so whoever left the lock is gone.
            Err(GitError::Locked { lock }) => {
                tracing::info!(clone = %clone, lock = %lock.display(), "an earlier fetch was cut off, its locks are removed");
                self.git.remove_locks(&path).await?;
                self.git.update(&path, &remote, &wanted, time, |_| {}).await
            }
            fetched => fetched,
        };
        let moved_to = match fetched {
            Ok(moved_to) => moved_to,
            Err(error) => {
                let (remote, there) = self.sent_on(url, error).await?;
                self.git.update(&path, &remote, &wanted, time, |_| {}).await?;
                Some(there)
            }
        };
        Ok(moved_to.map(|to| plain(&to, url)))
    }

    /// Where to go instead, if the error says that the host sent us on: a repository that was renamed. A token goes nowhere else.
    async fn sent_on(&self, url: &RepositoryUrl, error: GitError) -> Result<(Remote, String), FetchError> {
        let (GitError::Moved { .. }, Some(http), None) = (&error, &self.http, self.token(url)) else {
            return Err(error.into());
        };
        let led = http.leads_to(&format!("{url}{FIRST_QUESTION}")).await?;
        let there =
            led.as_str().strip_suffix(FIRST_QUESTION).and_then(|there| RepositoryUrl::parse(there, UrlRules::OnlyHttp).ok());
        match there {
            Some(there) if there != *url => Ok((self.remote(&there).await?, there.to_string())),
            _ => Err(error.into()),
        }
    }

    /// Keeps commits by references of ours, whatever becomes of their branches.
    pub async fn keep(&self, clone: &RepositoryName, revisions: &[Revision]) -> Result<(), FetchError> {
        Ok(self.git.keep(&self.path(clone), &revisions.iter().map(hash).collect::<Vec<Hash>>()).await?)
    }

    /// Brings what branches have left behind from the host into a clone that does not have it, as far as the host still does, and keeps
    /// it. Gives what is not to be had; only old diffs need it.
    pub async fn bring_back(
        &self,
        clone: &RepositoryName,
        url: &RepositoryUrl,
        left_behind: &[Revision],
    ) -> Result<Vec<Revision>, FetchError> {
        let path = self.path(clone);
        let missing = self.missing_in(&path, left_behind).await?;
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.bring_back_into(&path, &self.remote(url).await?, missing).await)
    }

    async fn missing_in(&self, path: &Path, revisions: &[Revision]) -> Result<Vec<Hash>, FetchError> {
        let mut hashes: Vec<Hash> = revisions.iter().map(hash).collect();
        let here = self.git.those_in(path, &hashes).await?;
        hashes.retain(|hash| !here.contains(hash));
        Ok(hashes)
    }

    async fn bring_back_into(&self, path: &Path, remote: &Remote, mut missing: Vec<Hash>) -> Vec<Revision> {
        let url = remote.url();
        match self.git.fetch_kept(path, remote, &missing, self.settings.fetch_time).await {
            Ok(there) => {
                missing.retain(|hash| !there.contains(hash));
                let (brought, gone) = (there.len(), missing.len());
                tracing::info!(url, brought, gone, "asked the host for what branches left behind");
            }
            Err(error) => {
                let (gone, error) = (missing.len(), in_full(&error));
                tracing::warn!(url, gone, error, "could not ask the host for what branches left behind; old diffs miss it");
            }
        }
        missing.iter().map(revision).collect()
    }

    /// Makes a clone of these branches, and of what they have left behind, beside, and renames it into place. If another worker was
    /// quicker, its clone stays.
    pub async fn make(
        &self,
        clone: &RepositoryName,
        url: &RepositoryUrl,
        (host, branches): (&HostBranches, &[Kept]),
        left_behind: &[Revision],
        progress: impl FnMut(u64),
    ) -> Result<(), FetchError> {
        let beside = Beside::new(&self.data.join("clones/.new")).map_err(disk("make a folder for a new clone"))?;
        let new = beside.path().join(".git");
        self.git.init(&new, kind_of(host)).await?;
        let (remote, wanted) = (self.remote(url).await?, wanted(branches)?);
        let (time, mut progress) = (self.settings.clone_time, progress);
        let cloning = async {
            match self.git.update(&new, &remote, &wanted, time, &mut progress).await {
                Ok(_) => Ok(remote),
                Err(error) => {
                    let (there, _) = self.sent_on(url, error).await?;
                    self.git.update(&new, &there, &wanted, time, &mut progress).await?;
                    Ok(there)
                }
            }
        };
        let remote = timed(Vcs::Git, "clone", cloning).await?;
        let missing = self.missing_in(&new, left_behind).await?;
        if !missing.is_empty() {
            self.bring_back_into(&new, &remote, missing).await;
        }
        into_place(&new, &self.path(clone), || self.exists(clone))
    }

    /// Where the branches of a clone are.
    pub async fn branches(&self, clone: &RepositoryName) -> Result<BTreeMap<Kept, Revision>, FetchError> {
        Ok(named(&self.git.branches(&self.path(clone)).await?))
    }

    /// Those of these commits that are in a clone; the null changeset never is.
    pub async fn those_in(
        &self,
        clone: &RepositoryName,
        revisions: impl IntoIterator<Item = Revision>,
    ) -> Result<Vec<Revision>, FetchError> {
        let revisions: BTreeSet<Revision> = revisions.into_iter().filter(|revision| *revision != Revision::NULL).collect();
        let hashes: Vec<Hash> = revisions.iter().map(hash).collect();
        let found = self.git.those_in(&self.path(clone), &hashes).await?;
        Ok(found.iter().map(revision).collect())
    }

    /// Reads commits that `tips` descend from and `known` do not, parents first; each is told to be on `branch`.
    pub fn commits(
        &self,
        clone: &RepositoryName,
        tips: &[Revision],
        known: &[Revision],
        branch: &Kept,
    ) -> Result<CommitReader, FetchError> {
        let commits = self.git.commits(&self.path(clone), &range(tips, known), Renames::Exact, NEXT_COMMIT)?;
        Ok(CommitReader { commits, branch: branch.clone() })
    }

    /// Names the commits that `tips` descend from and `known` do not, parents first.
    pub async fn revisions(
        &self,
        clone: &RepositoryName,
        tips: &[Revision],
        known: &[Revision],
    ) -> Result<Vec<Revision>, FetchError> {
        let hashes = self.git.hashes(&self.path(clone), &range(tips, known), NEXT_COMMIT).await?;
        Ok(hashes.iter().map(revision).collect())
    }

    /// Looks whether a clone is whole: its commits, and the files of its branches.
    pub async fn check(&self, clone: &RepositoryName) -> Result<(), FetchError> {
        Ok(self.git.check(&self.path(clone), elmo_git::Depth::Tips, self.settings.clone_time).await?)
    }

    /// The version of git, to see that it runs.
    pub async fn version(&self) -> Result<String, FetchError> {
        Ok(self.git.version().await?)
    }

    fn path(&self, clone: &RepositoryName) -> PathBuf {
        place(&self.data, clone).join(".git")
    }

    async fn remote(&self, url: &RepositoryUrl) -> Result<Remote, FetchError> {
        if let Some(http) = &self.http {
            http.private_hosts().check_for_program(url).await?;
        }
        let unusable = |error| FetchError::because(ErrorClass::Ours, format!("{url} cannot be asked"), error);
        let remote = Remote::new(url.as_str()).map_err(unusable)?;
        match self.token(url) {
            Some(token) => remote.with_token(token).map_err(unusable),
            None => Ok(remote),
        }
    }

    fn token(&self, url: &RepositoryUrl) -> Option<&str> {
        self.settings.tokens.iter().find(|(host, _)| host == url.host()).map(|(_, token)| token.as_str())
    }
}

/// Commits as they are read.
pub struct CommitReader {
    commits: Commits,
    branch: Kept,
}

impl CommitReader {
    /// The next one; none at the end.
    pub async fn next(&mut self) -> Result<Option<Changeset>, FetchError> {
        let commit = self.commits.next().await?;
        Ok(commit.map(|commit| changeset(&commit, &self.branch)))
    }
}

fn changeset(commit: &Commit, branch: &Kept) -> Changeset {
    Changeset {
        revision: revision(&commit.hash),
        parents: commit.parents.iter().map(revision).collect(),
        author: person(&commit.author),
        description: Kept::from_bytes(commit.message.trim_ascii_end()),
        branch: branch.clone(),
        closes_branch: false,
        date: HgDate { seconds: commit.committer.time, offset: -commit.committer.offset },
        files: commit.changes.iter().flat_map(paths).collect(),
    }
}

/// `Name <address>`, as Mercurial has it.
fn person(signature: &Signature) -> Kept {
    let mut person = signature.name.clone();
    if !signature.email.is_empty() {
        person.extend_from_slice(b" <");
        person.extend_from_slice(&signature.email);
        person.push(b'>');
    }
    Kept::from_bytes(&person)
}

/// A file that was renamed counts by both of its names.
fn paths(change: &Change) -> impl Iterator<Item = Kept> {
    let from = change.from.as_ref().filter(|_| change.kind == elmo_git::Kind::Renamed);
    [Some(&change.path), from].into_iter().flatten().map(|path| Kept::from_bytes(path))
}

fn range(tips: &[Revision], known: &[Revision]) -> Range {
    Range::of(tips.iter().map(hash)).without(known.iter().map(hash))
}

/// The null changeset is left out of ranges by git's own null.
pub(super) fn hash(revision: &Revision) -> Hash {
    revision.to_string().parse().unwrap_or(Hash::null(HashKind::Sha1))
}

fn revision(hash: &Hash) -> Revision {
    hash.to_string().parse().unwrap_or(Revision::NULL)
}

fn named(branches: &BTreeMap<Branch, Hash>) -> BTreeMap<Kept, Revision> {
    branches.iter().map(|(branch, hash)| (Kept::from_bytes(branch.as_bytes()), revision(hash))).collect()
}

fn wanted(branches: &[Kept]) -> Result<Wanted, FetchError> {
    let branch = |name: &Kept| {
        let unusable = |error| FetchError::because(ErrorClass::Ours, format!("the branch {name} cannot be followed"), error);
        Branch::from_bytes(&name.to_bytes()).map_err(unusable)
    };
    Ok(Wanted::Only(branches.iter().map(branch).collect::<Result<_, _>>()?))
}

/// Where a host sends us, with `.git` at the end only if that is how we asked.
fn plain(to: &str, asked: &RepositoryUrl) -> String {
    let plain = if asked.as_str().ends_with(".git") { to } else { without_git(to) };
    plain.to_owned()
}

/// A repository names its commits by one kind of hash; an empty one does not say by which.
fn kind_of(host: &HostBranches) -> HashKind {
    host.branches.values().next().map_or(HashKind::Sha1, |revision| hash(revision).kind())
}
