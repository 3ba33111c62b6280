//! The Mercurial programs behind the upstream: one warm command server, and `hg serve` processes.
//!
//! Each is stopped when its value is dropped, and stops by itself when this process dies.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

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
    program: PathBuf,
    settings: PathBuf,
    folder: PathBuf,
}

impl Hg {
    /// Writes the settings into a folder.
    pub(crate) fn new(program: PathBuf, folder: &Path) -> Result<Self> {
        let settings = folder.join("hgrc");
        std::fs::write(&settings, SETTINGS).map_err(Error::io_of("write", &settings))?;
        Ok(Self { program, settings, folder: folder.to_owned() })
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
    fn prepare(&self, program: OsString) -> Command {
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

    fn not_started(&self) -> impl FnOnce(io::Error) -> Error {
        let program = self.program.clone();
        move |source| Error::Start { program, source }
    }
}

/// A process that is killed and waited for when it is no longer wanted.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The command server, started at the first command and again after it has failed.
#[derive(Clone)]
pub(crate) struct Commands {
    hg: Hg,
    server: Arc<Mutex<Option<CommandServer>>>,
}

impl Commands {
    /// Starts the command server, so that a missing Mercurial is noticed at once.
    pub(crate) fn start(hg: &Hg) -> Result<Self> {
        let server = CommandServer::spawn(hg)?;
        Ok(Self { hg: hg.clone(), server: Arc::new(Mutex::new(Some(server))) })
    }

    /// Runs one command and gives what it printed.
    pub(crate) async fn run(&self, arguments: Vec<OsString>) -> Result<Vec<u8>> {
        let this = self.clone();
        blocking(move || this.run_now(&arguments)).await
    }

    /// Ends the command server.
    pub(crate) fn end(&self) {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn run_now(&self, arguments: &[OsString]) -> Result<Vec<u8>> {
        let mut slot = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let mut server = match slot.take() {
            Some(server) => server,
            None => CommandServer::spawn(&self.hg)?,
        };
        let answer = server.run(arguments).map_err(Error::io("talk to the command server"))?;
        *slot = Some(server);
        checked(display(arguments), answer.code, answer.output, &answer.errors)
    }
}

fn display(arguments: &[OsString]) -> String {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

fn checked(command: String, code: i32, output: Vec<u8>, errors: &[u8]) -> Result<Vec<u8>> {
    if code == 0 {
        return Ok(output);
    }
    let message = String::from_utf8_lossy(errors).trim().to_owned();
    Err(Error::Hg { command, code, message })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

struct CommandServer {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    greeted: bool,
    _process: Kept,
}

struct CommandOutput {
    code: i32,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl CommandServer {
    fn spawn(hg: &Hg) -> Result<Self> {
        let mut command = hg.prepare(hg.program.clone().into());
        command.args(["serve", "--cmdserver", "pipe"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(hg.not_started())?;
        let requests = child.stdin.take().expect("its stdin is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        Ok(Self { requests, answers, greeted: false, _process: Kept(child) })
    }

    fn run(&mut self, arguments: &[OsString]) -> io::Result<CommandOutput> {
        if !self.greeted {
            self.read_frame()?;
            self.greeted = true;
        }
        let words: Vec<&[u8]> = arguments.iter().map(|word| word.as_encoded_bytes()).collect();
        let request = words.join(&0);
        let length = u32::try_from(request.len()).map_err(io::Error::other)?;
        self.requests.write_all(b"runcommand\n")?;
        self.requests.write_all(&length.to_be_bytes())?;
        self.requests.write_all(&request)?;
        self.requests.flush()?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> io::Result<CommandOutput> {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        loop {
            match self.read_frame()? {
                (b'o', data) => output.extend_from_slice(&data),
                (b'e', data) => errors.extend_from_slice(&data),
                (b'r', data) => {
                    let code = data.try_into().map_err(|_| io::Error::other("not an exit code"))?;
                    return Ok(CommandOutput { code: i32::from_be_bytes(code), output, errors });
                }
                (b'I' | b'L', _) => self.requests.write_all(&[0; 4])?,
                _ => {}
            }
        }
    }

    /// Reads one frame; those that ask for input come without data.
    fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.answers.read_exact(&mut header)?;
        let [channel, length @ ..] = header;
        if matches!(channel, b'I' | b'L') {
            return Ok((channel, Vec::new()));
        }
        let mut data = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut data)?;
        Ok((channel, data))
    }
}

/// Runs `hg serve` and kills it when its own stdin ends, which also happens when this process dies.
const GUARD: &str = r#""$@" & child=$!; read -r _; kill -9 $child; wait $child 2>/dev/null"#;

/// One `hg serve` process over all repositories.
pub(crate) struct WebServer {
    answers: Mutex<Option<BufReader<ChildStdout>>>,
    process: Mutex<Child>,
}

impl WebServer {
    /// Starts it on a free port.
    pub(crate) fn start(hg: &Hg, webconf: &Path) -> Result<Self> {
        let errors = hg.folder.join("hg-serve.log");
        let mut command = hg.prepare("sh".into());
        // Modules loaded only at first use are not safe with the threads of `hg serve`: the first requests
        // that come at once would get 500.
        command.env("HGDEMANDIMPORT", "disable");
        command.args(["-c", GUARD, "sh"]).arg(&hg.program);
        command.args(["serve", "--print-url", "-a", "127.0.0.1", "-p", "0", "-A", "/dev/null", "-E"]);
        command.arg(&errors).arg("--web-conf").arg(webconf);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(hg.not_started())?;
        let answers = child.stdout.take().map(BufReader::new);
        Ok(Self { answers: Mutex::new(answers), process: Mutex::new(child) })
    }

    /// Waits until it listens and says where; works once.
    pub(crate) async fn address(self: &Arc<Self>) -> Result<SocketAddr> {
        let this = Arc::clone(self);
        blocking(move || this.read_address()).await
    }

    fn read_address(&self) -> Result<SocketAddr> {
        let unknown = || Error::Invalid("hg serve did not say where it listens".to_owned());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = String::new();
        let pipe = answers.as_mut().ok_or_else(unknown)?;
        pipe.read_line(&mut line).map_err(Error::io("read the address of hg serve"))?;
        let port = line.trim().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port.ok_or_else(unknown)?)))
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn end(&self) {
        let mut child = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        drop(child.stdin.take());
        let _ = child.wait();
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.end();
    }
}
