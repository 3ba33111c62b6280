//! How `git` is run: a program and a command come in, what it printed goes out.
//!
//! Nothing but this module decides what git sees of the world: no settings of a user or the system, no hook, no terminal, no
//! question, no pager, no credentials but those of the call, no protocol but HTTP, one language.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use elmo_process::{Group, rooted_at_work, tail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;

use crate::error::{classify, killed};
use crate::{GitError, Remote};

/// Bytes of what git complains of that are kept: a line for each branch that moves is among them.
pub(crate) const COMPLAINTS: usize = 256 * 1024;
/// Bytes that git may print in one answer, if not set.
const OUTPUT: usize = 64 * 1024 * 1024;
const VERSION_LIMIT: Duration = Duration::from_secs(30);
/// Bytes a second below which a host is as good as silent.
const SILENCE: &str = "1000";
/// Additions and removals in one commit up to which they are compared with each other: the work grows with the square.
const RENAME_LIMIT: &str = "400";
/// A folder in which nothing is found.
const NOWHERE: &str = "/dev/null";

/// The git program and the circumstances it is run in.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    grace: Duration,
    silence: Duration,
    output_limit: usize,
    local: bool,
    redirections: bool,
}

/// What a command has printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    /// None if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

type Setting = (String, String);

impl Git {
    /// Names the program; a bare name is looked up in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Git {
        Git {
            program: rooted(program.into()),
            env: Vec::new(),
            grace: Duration::from_secs(5),
            silence: Duration::from_secs(60),
            output_limit: OUTPUT,
            local: false,
            redirections: true,
        }
    }

    /// Adds a variable to the environment of git, after those that are always set.
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Git {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets how long git may tidy up after its time is over, before it is killed; 5 seconds if not set.
    pub fn with_grace(mut self, grace: Duration) -> Git {
        self.grace = grace;
        self
    }

    /// Sets how long a host may be as good as silent, in whole seconds; 60 if not set.
    pub fn with_silence(mut self, silence: Duration) -> Git {
        self.silence = silence;
        self
    }

    /// Sets how many bytes git may print in one answer, or for one commit; 64 MiB if not set.
    pub fn with_output_limit(mut self, bytes: usize) -> Git {
        self.output_limit = bytes;
        self
    }

    /// Allows repositories on this machine, named by `file://` or a path.
    pub fn with_local_repositories(mut self) -> Git {
        self.local = true;
        self
    }

    /// Follows no host that sends us on: it is said as [`GitError::Moved`], and the caller decides.
    pub fn without_redirections(mut self) -> Git {
        self.redirections = false;
        self
    }

    /// Asks git for its version, such as `2.39.5`.
    pub async fn version(&self) -> Result<String, GitError> {
        let printed = self.ask(self.command().arg("version"), VERSION_LIMIT).await?;
        let printed = String::from_utf8_lossy(&printed);
        Ok(printed.trim().trim_start_matches("git version ").to_owned())
    }

    /// Prepares a run of git that depends on nothing around it; arguments are still to be added.
    pub fn command(&self) -> Command {
        self.command_with(Vec::new())
    }

    /// Prepares a run on the bare clone in a folder, and on no other that may lie around it.
    pub(crate) fn command_in(&self, repo: &Path) -> Command {
        let mut command = self.command();
        command.arg("--git-dir").arg(rooted_at_work(repo));
        command
    }

    /// Prepares a run that talks to a host.
    pub(crate) fn command_to(&self, remote: &Remote, repo: Option<&Path>) -> Command {
        // A token would go wherever the host sends us.
        let redirects = if remote.has_token() || !self.redirections { "false" } else { "initial" };
        let mut settings = vec![("http.followRedirects".to_owned(), redirects.to_owned())];
        settings.extend(remote.header());
        let mut command = self.command_with(settings);
        if let Some(repo) = repo {
            command.arg("--git-dir").arg(rooted_at_work(repo));
        }
        command
    }

    #[allow(clippy::disallowed_methods, reason = "this is where git is run")]
    fn command_with(&self, more: Vec<Setting>) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        for name in ["DISPLAY", "SSH_ASKPASS", "PAGER", "EDITOR", "VISUAL", "LANGUAGE", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        set(&mut command, &[self.settings(), more].concat());
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", NOWHERE)
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_ALLOW_PROTOCOL", if self.local { "http:https:file" } else { "http:https" })
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ADVICE", "0")
            .env("HOME", NOWHERE)
            .env("LC_ALL", "C")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .arg("--no-pager")
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn settings(&self) -> Vec<Setting> {
        let silence = self.silence.as_secs().max(1).to_string();
        let settings = [
            ("core.hooksPath", NOWHERE),
            ("core.fsmonitor", "false"),
            ("core.quotePath", "false"),
            ("credential.helper", ""),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            // Old histories have objects that today's git would not make; their hashes are checked all the same.
            ("transfer.fsckObjects", "false"),
            ("fetch.fsckObjects", "false"),
            ("fetch.recurseSubmodules", "false"),
            ("submodule.recurse", "false"),
            ("http.lowSpeedLimit", SILENCE),
            ("http.lowSpeedTime", &silence),
            ("log.showRoot", "true"),
            ("log.showSignature", "false"),
            ("log.mailmap", "false"),
            ("diff.renameLimit", RENAME_LIMIT),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    pub(crate) fn output_limit(&self) -> usize {
        self.output_limit
    }

    pub(crate) fn spawn(&self, command: &mut Command) -> Result<Group, GitError> {
        Group::spawn(command).map_err(|source| self.not_started(source))
    }

    pub(crate) fn not_started(&self, source: io::Error) -> GitError {
        GitError::Program { program: self.program.clone(), source }
    }

    /// Runs a command that has to succeed, and gives what it printed.
    pub(crate) async fn ask(&self, command: &mut Command, limit: Duration) -> Result<Vec<u8>, GitError> {
        Ok(self.run(command, Vec::new(), limit).await?.checked()?.stdout)
    }

    /// Runs a command to its end, whatever its exit code, and lets it read `input`.
    pub(crate) async fn run(&self, command: &mut Command, input: Vec<u8>, limit: Duration) -> Result<Output, GitError> {
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut group = self.spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let child = group.child();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ended = async {
            let (stdout, stderr, ()) = tokio::join!(whole(stdout, self.output_limit), tail(stderr, COMPLAINTS), feed(stdin, input));
            let stdout = stdout.ok_or(GitError::TooLong { limit: self.output_limit })?;
            let status = group.wait().await.map_err(|source| self.not_started(source))?;
            Ok(Output { code: status.code(), stdout, stderr })
        };
        match timeout(limit, ended).await {
            Ok(Err(error @ GitError::TooLong { .. })) => {
                group.kill().await;
                Err(error)
            }
            Ok(outcome) => outcome,
            Err(_) => {
                group.end(self.grace).await;
                Err(GitError::TimedOut { limit })
            }
        }
    }
}

impl Output {
    /// Makes an error of a failure.
    pub(crate) fn checked(self) -> Result<Output, GitError> {
        match self.code {
            Some(0) => Ok(self),
            _ => Err(self.error()),
        }
    }

    pub(crate) fn error(&self) -> GitError {
        match self.code {
            Some(code) => classify(code, &self.stderr),
            None => killed(&self.stderr),
        }
    }
}

/// Puts settings where no other user can read them, which the arguments are not.
fn set(command: &mut Command, settings: &[Setting]) {
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (number, (name, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), name).env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
}

/// Leaves a bare name for `PATH`, and makes a path independent of the folder git is run in.
fn rooted(program: PathBuf) -> PathBuf {
    match program.components().count() {
        0 | 1 => program,
        _ => rooted_at_work(&program),
    }
}

/// Reads all of a pipe; none if it is more than `limit` bytes.
async fn whole(pipe: Option<impl AsyncRead + Unpin>, limit: usize) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let Some(pipe) = pipe else {
        return Some(all);
    };
    // A pipe that breaks ends; how the program ended tells the rest.
    let _ = pipe.take(limit as u64 + 1).read_to_end(&mut all).await;
    (all.len() <= limit).then_some(all)
}

/// Writes all that a program shall read; one that ends early says why by itself.
pub(crate) async fn feed(pipe: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(&input).await;
    }
}
