//! How Mercurial is run here: a program and a folder come in, commands that depend on no user's settings go out.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

const SETTINGS: &str = "\
[ui]
username = Elmo Upstream <upstream@example.com>
interactive = no
[extensions]
strip =
[web]
push_ssl = false
allow_push = *
refreshinterval = 0
[phases]
new-commit = draft
[experimental]
# Else each request pays for a full collection of Python's garbage, which takes longer than its answer.
web.full-garbage-collection-rate = 1000
";

/// How Mercurial is called here: the program and settings of its own, whatever the user's are.
#[derive(Debug, Clone)]
pub(crate) struct Hg {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    /// The socket of a warm server, if one runs.
    pub(crate) warm: Option<PathBuf>,
    settings: PathBuf,
}

impl Hg {
    /// Writes the settings into a folder.
    pub(crate) fn new(program: PathBuf, folder: &Path, warm: Option<PathBuf>) -> Result<Self> {
        let settings = folder.join("hgrc");
        std::fs::write(&settings, SETTINGS).map_err(Error::io_of("write", &settings))?;
        Ok(Self { program, folder: folder.to_owned(), warm, settings })
    }

    /// Runs one command in a process of its own, for what takes long.
    pub(crate) async fn run_alone(&self, arguments: Vec<OsString>) -> Result<Vec<u8>> {
        let hg = self.clone();
        blocking(move || {
            let command = display(&arguments);
            let mut program = hg.prepare(hg.program.as_os_str().to_owned());
            let output = program.args(&arguments).stdin(Stdio::null()).output().map_err(hg.not_started())?;
            let code = output.status.code().unwrap_or(-1);
            checked(command, code, output.stdout, &output.stderr)
        })
        .await
    }

    #[expect(clippy::disallowed_methods, reason = "this crate runs Mercurial's own programs, here alone")]
    pub(crate) fn prepare(&self, program: OsString) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HG") {
                command.env_remove(name);
            }
        }
        command.env("HGRCPATH", &self.settings).env("HGPLAIN", "1").env("HGENCODING", "UTF-8");
        command.env("LC_ALL", "C.UTF-8").current_dir(&self.folder);
        command
    }

    pub(crate) fn not_started(&self) -> impl FnOnce(io::Error) -> Error {
        let program = self.program.clone();
        move |source| Error::Start { program, source }
    }
}

/// What a command printed, if it did what it was asked.
pub(crate) fn checked(command: String, code: i32, output: Vec<u8>, errors: &[u8]) -> Result<Vec<u8>> {
    if code == 0 {
        return Ok(output);
    }
    let message = String::from_utf8_lossy(errors).trim().to_owned();
    Err(Error::Hg { command, code, message })
}

/// A command line to be read by people.
pub(crate) fn display(arguments: &[OsString]) -> String {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// Waits for what blocks a thread.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
