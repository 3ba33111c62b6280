//! A server process with the temporary folder it lives in: both go when the value goes, or when the program ends.

use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How long a server may take to end before it is killed outright.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the end of this program, which closes its standard input, then ends the server and removes its folder.
/// A static is never dropped, and a test runner may kill a test: without this, servers would stay behind.
const LEASH: &str = r#"
read -r _
server=$(cat "$1/leash") 2>/dev/null
if [ -n "$server" ]; then
    kill -s "$2" -- "-$server"
    for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 -- "-$server" || break; sleep 0.2; done
    kill -s KILL -- "-$server"
fi
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

/// How a server is made to end at once, as if it had crashed.
#[derive(Clone, Copy)]
pub(crate) enum Crash {
    /// SIGKILL, which takes children along only if they notice.
    Kill,
    /// SIGQUIT, by which PostgreSQL ends all its processes without a checkpoint.
    Quit,
}

/// A server of this program's own: one process group and one folder.
pub(crate) struct OwnServer {
    folder: TempDir,
    crash: Crash,
    process: Mutex<Option<Child>>,
    leash: Child,
}

impl OwnServer {
    /// Takes charge of a folder, in which nothing runs yet.
    pub(crate) fn in_folder(folder: TempDir, crash: Crash) -> Result<Self> {
        let leash = Command::new("sh")
            .args(["-c", LEASH, "leash"])
            .arg(folder.path())
            .arg(crash.name())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start sh")?;
        Ok(Self { folder, crash, process: Mutex::new(None), leash })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the server, whose output goes to the file `output` in the folder.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let mut process = self.process();
        if process.is_some() {
            bail!("the server runs already");
        }
        let output = fs::File::options().create(true).append(true).open(self.folder().join("output"))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("could not start {}", command.get_program().display()))?;
        fs::write(self.folder().join("leash"), child.id().to_string())?;
        *process = Some(child);
        Ok(())
    }

    /// The id of the server's process, which is also that of its group.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process().as_ref().map(Child::id)
    }

    /// Fails, with the end of what the server said, if it has ended by itself.
    pub(crate) fn check_it_runs(&self) -> Result<()> {
        let Some(status) = self.ended()? else {
            return Ok(());
        };
        let output = fs::read(self.folder().join("output")).unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        let lines: Vec<_> = output.lines().collect();
        let last = lines[lines.len().saturating_sub(30)..].join("\n");
        bail!("the server ended by itself ({status}), its last words:\n{last}")
    }

    /// Ends the server as if it had crashed, and waits until it is gone.
    pub(crate) async fn crash(&self) -> Result<()> {
        self.end(self.crash.signal()).await
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) async fn stop(&self) -> Result<()> {
        self.end(Signal::TERM).await
    }

    async fn end(&self, signal: Signal) -> Result<()> {
        self.send(signal);
        let start = Instant::now();
        while self.ended()?.is_none() {
            if start.elapsed() > PATIENCE {
                self.send(Signal::KILL);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.forget();
        Ok(())
    }

    /// The status with which the server has ended, which counts as ended too if it never ran.
    fn ended(&self) -> Result<Option<ExitStatus>> {
        match self.process().as_mut() {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(Some(ExitStatus::from_raw(0))),
        }
    }

    fn send(&self, signal: Signal) {
        if let Some(group) = self.pid().and_then(group_of) {
            // The group may have ended meanwhile; its id stays taken until it is waited for.
            let _ = kill_process_group(group, signal);
        }
    }

    fn forget(&self) {
        *self.process() = None;
        let _ = fs::write(self.folder().join("leash"), "");
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.send(self.crash.signal());
        let start = Instant::now();
        while matches!(self.ended(), Ok(None)) {
            if start.elapsed() > Duration::from_secs(5) {
                self.send(Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.forget();
        let _ = self.leash.kill();
        let _ = self.leash.wait();
    }
}

impl Crash {
    fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Quit => Signal::QUIT,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

fn group_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
