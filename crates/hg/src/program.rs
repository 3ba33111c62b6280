//! How `hg` is run, and the commands that are run in a process of their own: a program and a URL come in, a clone goes out.
//!
//! Nothing but this module decides what hg sees of the world: no configuration of a user, the system or a repository (so no
//! extension and no hook), no terminal, no pager, no editor, one language.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use elmo_process::{Group, measure, rooted_at_work, tail};
use tokio::process::Command;
use tokio::time::timeout;

use crate::HgError;
use crate::error::classify;

/// Bytes of what hg prints that are kept while it runs.
pub(crate) const TAIL: usize = 16 * 1024;
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// The Mercurial program and the circumstances it is run in.
#[derive(Debug, Clone)]
pub struct Hg {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    grace: Duration,
    lock_wait: Duration,
    stream: bool,
}

/// How far a clone has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloneProgress {
    /// What the growing clone takes on the disk.
    pub bytes: u64,
}

impl Hg {
    /// Names the program; a bare name is looked up in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Hg {
        let grace = Duration::from_secs(5);
        let lock_wait = Duration::from_secs(60);
        Hg { program: rooted(program.into()), env: Vec::new(), grace, lock_wait, stream: false }
    }

    /// Adds a variable to the environment of hg, after those that are always set.
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Hg {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets how long hg may tidy up after its time is over, before it is killed; 5 seconds if not set.
    pub fn with_grace(mut self, grace: Duration) -> Hg {
        self.grace = grace;
        self
    }

    /// Sets how long hg waits for another process's lock, in whole seconds; 60 if not set.
    pub fn with_lock_wait(mut self, wait: Duration) -> Hg {
        self.lock_wait = wait;
        self
    }

    /// Makes [`Hg::clone_repository`] ask for the server's files as they are: much less work, and without a check of their hashes.
    pub fn with_stream_clones(mut self) -> Hg {
        self.stream = true;
        self
    }

    /// Prepares a run of hg that depends on nothing around it; arguments are still to be added.
    #[allow(clippy::disallowed_methods, reason = "this is where hg is run")]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"HG")) {
            command.env_remove(name);
        }
        for name in ["DISPLAY", "PAGER", "EDITOR", "VISUAL", "LANGUAGE"] {
            command.env_remove(name);
        }
        command
            .env("HGPLAIN", "+strictflags")
            .env("HGRCPATH", "")
            .env("HGRCSKIPREPO", "1")
            .env("HGENCODING", "UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .args(["--config", "ui.interactive=False", "--config"])
            .arg(format!("ui.timeout={}", self.lock_wait.as_secs()))
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Asks hg for its version, such as `6.3.2`.
    pub async fn version(&self) -> Result<String, HgError> {
        let mut command = self.command();
        command.args(["version", "--template", "{ver}"]);
        let printed = self.finish(&mut command, VERSION_LIMIT).await?;
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }

    /// Clones what is at `url` (a URL or an absolute path) to `dest`, without a working copy.
    ///
    /// `progress` is told about twice a second how large the clone has become. What stands in `dest` after an error is not
    /// to be used; hg removes it if it gets the time.
    pub async fn clone_repository(
        &self,
        url: &str,
        dest: &Path,
        limit: Duration,
        mut progress: impl FnMut(CloneProgress),
    ) -> Result<(), HgError> {
        let dest = rooted_at_work(dest);
        let mut command = self.command();
        command.args(["clone", "--noupdate"]).args(self.stream.then_some("--stream"));
        command.arg("--").arg(url).arg(&dest);
        let mut told = |bytes| progress(CloneProgress { bytes });
        tokio::select! {
            done = self.finish(&mut command, limit) => done.map(drop),
            never = measure(&dest, &mut told) => match never {},
        }
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    pub(crate) fn spawn(&self, command: &mut Command) -> Result<Group, HgError> {
        Group::spawn(command).map_err(|source| self.not_started(source))
    }

    pub(crate) fn not_started(&self, source: io::Error) -> HgError {
        HgError::Program { program: self.program.clone(), source }
    }

    /// Runs a command to its end and gives the end of what it printed.
    async fn finish(&self, command: &mut Command, limit: Duration) -> Result<Vec<u8>, HgError> {
        let mut group = self.spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let stdout = group.child().stdout.take();
        let stderr = group.child().stderr.take();
        let ended = async {
            let printed = tokio::join!(tail(stdout, TAIL), tail(stderr, TAIL));
            (printed, group.wait().await)
        };
        let Ok(((stdout, stderr), status)) = timeout(limit, ended).await else {
            group.end(self.grace).await;
            return Err(HgError::TimedOut { limit });
        };
        match status {
            Ok(status) if status.success() => Ok(stdout),
            Ok(status) => Err(classify(status.code().unwrap_or(-1), &stderr, None)),
            Err(source) => Err(self.not_started(source)),
        }
    }
}

/// Leaves a bare name for `PATH`, and makes a path independent of the folder hg is run in.
fn rooted(program: PathBuf) -> PathBuf {
    match program.components().count() {
        0 | 1 => program,
        _ => rooted_at_work(&program),
    }
}
