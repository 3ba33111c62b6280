//! The local clones, under `<data>/clones/<repository>`, without working copies.
//!
//! A working clone is never destroyed: a new one is made beside, looked at, and renamed into place; a damaged one is renamed
//! away and kept for a while. Readers see either the old or the new.

use super::beside::{Beside, disk, into_place};
use super::{FetchError, History, PrivateHosts, timed};
use crate::domain::{RepositoryName, RepositoryUrl, Vcs};
use elmo_hg::{Hg, HgError, Servers};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Limits for what is done with clones.
#[derive(Clone, Copy, Debug)]
pub struct CloneSettings {
    pub clone_time: Duration,
    pub pull_time: Duration,
    /// How many bytes of clones that were set aside are kept.
    pub aside_bytes: u64,
}

/// The folders that hold a history, of Mercurial or of git.
const HISTORIES: [&str; 2] = [".hg", ".git"];

/// The clones of this machine.
#[derive(Clone)]
pub struct Clones {
    pub(super) data: PathBuf,
    hg: Hg,
    servers: Servers,
    pub(super) settings: CloneSettings,
    private_hosts: Option<PrivateHosts>,
}

impl Clones {
    /// Keeps clones in `data`, made and pulled by `hg`; `warm` many hg processes are kept ready.
    pub fn new(data: &Path, hg: &Path, warm: usize, settings: CloneSettings) -> Clones {
        let hg = Hg::new(hg);
        let servers = Servers::new(hg.clone(), warm, Duration::from_secs(60));
        Clones { data: data.to_owned(), hg, servers, settings, private_hosts: None }
    }

    /// Asks no hosts of private networks but these.
    pub fn with_private_hosts(self, hosts: PrivateHosts) -> Clones {
        Clones { private_hosts: Some(hosts), ..self }
    }

    /// Clones can be written.
    pub async fn can_be_written(&self) -> Result<(), FetchError> {
        let folder = self.data.join("clones/.new");
        let tried = tokio::task::spawn_blocking(move || std::fs::write(Beside::new(&folder)?.path().join("written"), "yes")).await;
        tried.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(disk("write to the folder of the clones"))
    }

    /// Where a clone is, or would be.
    pub fn path(&self, clone: &RepositoryName) -> PathBuf {
        place(&self.data, clone)
    }

    /// There is a clone.
    pub fn exists(&self, clone: &RepositoryName) -> bool {
        self.path(clone).join(".hg").exists()
    }

    /// Opens a clone for reading.
    pub async fn open(&self, clone: &RepositoryName) -> Result<History, FetchError> {
        History::open(&self.path(clone), &self.servers).await
    }

    /// Pulls everything that `url` has into a clone.
    pub async fn pull(&self, clone: &RepositoryName, url: &RepositoryUrl) -> Result<(), FetchError> {
        timed(Vcs::Mercurial, "pull", self.pull_untimed(clone, url)).await
    }

    async fn pull_untimed(&self, clone: &RepositoryName, url: &RepositoryUrl) -> Result<(), FetchError> {
        self.check(url).await?;
        let path = self.path(clone);
        match self.servers.pull(&path, url.as_str(), self.settings.pull_time).await {
            Err(HgError::Interrupted { .. }) => {
                tracing::info!(clone = %clone, "an earlier pull was cut off, hg recover");
                self.servers.recover(&path).await?;
                self.servers.pull(&path, url.as_str(), self.settings.pull_time).await?;
            }
            Err(error @ (HgError::Failed { .. } | HgError::Broken { .. })) => {
                // Over a damaged clone hg stumbles in many ways, mostly with a traceback.
                self.read_through(clone).await?;
                return Err(error.into());
            }
            done => drop(done?),
        }
        Ok(())
    }

    /// Reads all changesets of a clone, to see whether it is damaged.
    async fn read_through(&self, clone: &RepositoryName) -> Result<(), FetchError> {
        let mut history = self.open(clone).await?;
        tokio::task::spawn_blocking(move || history.read_through()).await?
    }

    /// Makes a clone of `url` beside, looks whether it can be read, and renames it into place. If another worker was
    /// quicker, its clone stays and ours goes.
    pub async fn make(&self, clone: &RepositoryName, url: &RepositoryUrl, mut progress: impl FnMut(u64)) -> Result<(), FetchError> {
        let beside = Beside::new(&self.data.join("clones/.new")).map_err(disk("make a folder for a new clone"))?;
        timed(Vcs::Mercurial, "clone", self.fill(&beside, url, &mut progress)).await?;
        let mut history = History::open(beside.path(), &self.servers).await?;
        if let Some(tip) = history.len().checked_sub(1) {
            history.read(tip)?;
        }
        into_place(&beside.path().join(".hg"), &self.path(clone).join(".hg"), || self.exists(clone))
    }

    /// Clones by stream, and where the host does not want that (one with obsolescence markers does not), by changesets.
    async fn fill(&self, beside: &Beside, url: &RepositoryUrl, progress: &mut impl FnMut(u64)) -> Result<(), FetchError> {
        self.check(url).await?;
        let (stream, time) = (self.hg.clone().with_stream_clones(), self.settings.clone_time);
        match stream.clone_repository(url.as_str(), beside.path(), time, |so_far| progress(so_far.bytes)).await {
            Err(HgError::Failed { said, .. }) => {
                tracing::info!(url = %url, said, "no stream clone, cloning by changesets");
                Ok(self.hg.clone_repository(url.as_str(), beside.path(), time, |so_far| progress(so_far.bytes)).await?)
            }
            done => Ok(done?),
        }
    }

    async fn check(&self, url: &RepositoryUrl) -> Result<(), FetchError> {
        match &self.private_hosts {
            Some(hosts) => hosts.check_for_program(url).await,
            None => Ok(()),
        }
    }

    /// Renames a clone away, with the reason beside it.
    pub fn set_aside(&self, clone: &RepositoryName, reason: &str) -> Result<(), FetchError> {
        let aside = Beside::new(&self.data.join("aside")).map_err(disk("make a folder for a clone set aside"))?;
        let mut was_there = false;
        for history in HISTORIES {
            match std::fs::rename(self.path(clone).join(history), aside.path().join(history)) {
                Ok(()) => was_there = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(disk("set a clone aside")(error)),
            }
        }
        if !was_there {
            return Ok(());
        }
        tracing::warn!(clone = %clone, reason, kept = %aside.path().display(), "clone set aside");
        let kept = aside.keep();
        std::fs::write(kept.join("reason"), format!("{clone}: {reason}\n")).map_err(disk("write why a clone was set aside"))?;
        self.forget_oldest_aside(&kept)
    }

    /// The version of hg, to see that it runs.
    pub async fn hg_version(&self) -> Result<String, FetchError> {
        Ok(self.hg.version().await?)
    }

    /// How many hg processes wait for work.
    pub fn idle(&self) -> usize {
        self.servers.idle()
    }

    /// Ends the hg processes.
    pub async fn shut_down(&self) {
        self.servers.shut_down().await;
    }
}

/// Where in the data folder a clone is, or would be.
pub(super) fn place(data: &Path, clone: &RepositoryName) -> PathBuf {
    data.join("clones").join(clone.as_str())
}
