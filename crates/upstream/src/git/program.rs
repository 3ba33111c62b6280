//! How git is run here: a folder and arguments come in, what it printed goes out. It depends on no user's settings.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::{Error, Result};

/// The git that makes and serves the repositories.
#[derive(Debug, Clone)]
pub(super) struct Git {
    program: PathBuf,
}

impl Git {
    pub(super) fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// Prepares a run that no settings but those of the repository itself concern.
    #[expect(clippy::disallowed_methods, reason = "this crate runs git for the repositories it serves, here alone")]
    pub(super) fn prepare(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", "/dev/null");
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command on a repository, which has to succeed.
    pub(super) async fn run<A: AsRef<OsStr>>(&self, repository: &Path, arguments: &[A], input: &[u8]) -> Result<Vec<u8>> {
        let mut command = self.prepare();
        command.arg("--git-dir").arg(repository).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = command.spawn();
        let mut git = started.map_err(|source| Error::Start { program: self.program.clone(), source })?;
        let stdin = git.stdin.take();
        let fed = async {
            if let Some(mut stdin) = stdin {
                // One that ends before it has read all says why.
                let _ = stdin.write_all(input).await;
            }
        };
        let (output, ()) = tokio::join!(git.wait_with_output(), fed);
        let output = output.map_err(Error::io("read what git printed"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Git { command: words.join(" "), code: output.status.code().unwrap_or(-1), message })
    }

    /// As [`Git::run`], for one line of text.
    pub(super) async fn line<A: AsRef<OsStr>>(&self, repository: &Path, arguments: &[A]) -> Result<String> {
        let printed = self.run(repository, arguments, b"").await?;
        Ok(String::from_utf8_lossy(&printed).trim().to_owned())
    }
}
