//! The host as its users see it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::commit::{Commit, Onto};
use super::faults::Faults;
use super::program::Git;
use super::repository::{Hashes, Push, Repository};
use super::requests::{Counts, Request};
use super::site::Hub;
use crate::error::{Error, Result};
use crate::listener::{Listener, listen};

/// A running host; all of it ends when this is dropped.
pub struct Host {
    listener: Listener<Hub>,
    hub: Arc<Hub>,
    url: String,
    _temporary: tempfile::TempDir,
}

impl Host {
    /// Starts it on any free loopback port, without repositories.
    ///
    /// # Errors
    ///
    /// If the folder or the port cannot be used.
    pub async fn start() -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("elmo-git-host-").tempdir();
        let temporary = temporary.map_err(Error::io("create a temporary folder"))?;
        let socket = listen(0)?;
        let url = format!("http://{}", socket.local_addr().map_err(Error::io("read the port that was bound"))?);
        let hub = Arc::new(Hub::new(Git::new("git"), temporary.path().to_owned()));
        let listener = Listener::serve(Arc::clone(&hub), socket)?;
        Ok(Self { listener, hub, url, _temporary: temporary })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a repository, which need not exist; with `.git` behind it, it is the same.
    #[must_use]
    pub fn url_of(&self, repository: &str) -> String {
        format!("{}/{repository}", self.url)
    }

    /// Where a repository lies on disk.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn path_of(&self, repository: &str) -> Result<PathBuf> {
        Ok(self.hub.find(repository)?.path.clone())
    }

    /// Creates an empty repository, whose default branch is `main`.
    ///
    /// # Errors
    ///
    /// If it exists, or its name would lead out of the folder.
    pub async fn create(&self, repository: &str) -> Result<()> {
        self.create_with(repository, Hashes::Sha1).await
    }

    /// Creates an empty repository that names its objects as wanted.
    ///
    /// # Errors
    ///
    /// As [`Host::create`].
    pub async fn create_with(&self, repository: &str, hashes: Hashes) -> Result<()> {
        crate::upstream::check_name(repository)?;
        if self.hub.find(repository).is_ok() {
            return Err(Error::RepositoryExists(repository.to_owned()));
        }
        let path = self.hub.folder.join("repos").join(format!("{repository}.git"));
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(Error::io_of("remove", &path))?;
        }
        std::fs::create_dir_all(&path).map_err(Error::io_of("create", &path))?;
        let created = Repository::create(&self.hub.git, path, hashes).await?;
        self.hub.moved().remove(repository);
        self.hub.repositories().insert(repository.to_owned(), Arc::new(created));
        Ok(())
    }

    /// Deletes a repository, as if it had never been.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn delete(&self, repository: &str) -> Result<()> {
        let deleted = self.hub.repositories().remove(repository);
        deleted.map(drop).ok_or_else(|| Error::UnknownRepository(repository.to_owned()))
    }

    /// Gives a repository another name; the old one leads to it, until a new repository takes it.
    ///
    /// # Errors
    ///
    /// If there is no such repository, or one of the new name.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        crate::upstream::check_name(to)?;
        if self.hub.find(to).is_ok() {
            return Err(Error::RepositoryExists(to.to_owned()));
        }
        let renamed = self.hub.find(from)?;
        self.hub.repositories().remove(from);
        self.hub.repositories().insert(to.to_owned(), renamed);
        self.hub.moved().insert(from.to_owned(), to.to_owned());
        Ok(())
    }

    /// Makes commits on a branch, which is new if it is not there, and pushes it now.
    ///
    /// # Errors
    ///
    /// If a commit is impossible.
    pub async fn push(
        &self,
        repository: &str,
        branch: &str,
        user: &str,
        commits: impl IntoIterator<Item = Commit>,
    ) -> Result<Push> {
        self.push_at(repository, branch, user, jiff::Timestamp::now().as_second(), commits).await
    }

    /// Pushes commits at a given time, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// As [`Host::push`].
    pub async fn push_at(
        &self,
        repository: &str,
        branch: &str,
        user: &str,
        date: i64,
        commits: impl IntoIterator<Item = Commit>,
    ) -> Result<Push> {
        let repository = self.hub.find(repository)?;
        let push = Push { date, ..push(branch, user, None) };
        repository.push(&self.hub.git, push, commits.into_iter().collect()).await
    }

    /// Makes commits onto another commit than the last of a branch, and moves the branch there.
    ///
    /// # Errors
    ///
    /// As [`Host::push`].
    pub async fn force_push(
        &self,
        repository: &str,
        branch: &str,
        user: &str,
        onto: Onto,
        commits: impl IntoIterator<Item = Commit>,
    ) -> Result<Push> {
        let mut commits: Vec<Commit> = commits.into_iter().collect();
        if let Some(first) = commits.first_mut() {
            first.onto = onto;
        }
        self.push(repository, branch, user, commits).await
    }

    /// Moves a branch, which is new if it is not there, to a commit of the repository.
    ///
    /// # Errors
    ///
    /// If there is no such commit.
    pub async fn move_branch(&self, repository: &str, branch: &str, user: &str, to: &str) -> Result<Push> {
        self.hub.find(repository)?.move_to(&self.hub.git, push(branch, user, Some(to.to_owned()))).await
    }

    /// Deletes a branch.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub async fn delete_branch(&self, repository: &str, branch: &str, user: &str) -> Result<Push> {
        self.hub.find(repository)?.move_to(&self.hub.git, push(branch, user, None)).await
    }

    /// Gives the default branch another name.
    ///
    /// # Errors
    ///
    /// If it has no commit, or the name is taken.
    pub async fn rename_default_branch(&self, repository: &str, to: &str) -> Result<()> {
        self.hub.find(repository)?.rename_default_branch(&self.hub.git, to).await
    }

    /// The branches of a repository with their last commits.
    #[must_use]
    pub fn branches(&self, repository: &str) -> BTreeMap<String, String> {
        self.hub.find(repository).map(|found| found.state().branches.clone()).unwrap_or_default()
    }

    /// The last commit of a branch.
    #[must_use]
    pub fn tip(&self, repository: &str, branch: &str) -> Option<String> {
        self.branches(repository).remove(branch)
    }

    /// All pushes of a repository, oldest first.
    #[must_use]
    pub fn pushes(&self, repository: &str) -> Vec<Push> {
        self.hub.find(repository).map(|found| found.state().pushes.clone()).unwrap_or_default()
    }

    /// Lets only those in who show this token.
    ///
    /// # Errors
    ///
    /// If there is no such repository.
    pub fn require_token(&self, repository: &str, token: &str) -> Result<()> {
        self.hub.find(repository)?.state().token = Some(token.to_owned());
        Ok(())
    }

    /// What goes wrong with one repository, which need not exist yet.
    #[must_use]
    pub fn faults(&self, repository: &str) -> Faults {
        self.hub.faults(repository)
    }

    /// Refuses all connections and cuts the open ones.
    ///
    /// # Errors
    ///
    /// If another program took the port in that moment.
    pub async fn stop_listening(&self) -> Result<()> {
        self.listener.stop().await
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    ///
    /// If another program took the port.
    pub async fn resume(&self) -> Result<()> {
        self.listener.resume().await
    }

    /// The requests to one repository, oldest first.
    #[must_use]
    pub fn requests(&self, repository: &str) -> Vec<Request> {
        self.hub.requests.requests(repository)
    }

    /// How many requests came to one repository.
    #[must_use]
    pub fn counts(&self, repository: &str) -> Counts {
        self.hub.requests.counts(repository)
    }

    /// Forgets all requests; counts begin at 0 again.
    pub fn forget_requests(&self) {
        self.hub.requests.forget();
    }

    /// Waits until the counts of one repository are as wanted.
    pub async fn requested(&self, repository: &str, mut enough: impl FnMut(Counts) -> bool) -> Counts {
        loop {
            let came = self.hub.requests.came.notified();
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

impl Drop for Host {
    fn drop(&mut self) {
        self.listener.end();
    }
}

/// A push of which the rest is to be found out.
fn push(branch: &str, user: &str, after: Option<String>) -> Push {
    let (branch, user, date) = (branch.to_owned(), user.to_owned(), jiff::Timestamp::now().as_second());
    Push { branch, before: None, after, commits: Vec::new(), forced: false, user, date }
}
