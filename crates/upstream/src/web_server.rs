//! The `hg serve` processes that clients clone and pull from: a configuration comes in, an address goes out.
//!
//! Each is a process of its own or a fork of the warm server, and guarded: it is killed when its value is dropped or when this
//! process dies.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::command_server::CommandServer;
use crate::error::{Error, Result};
use crate::programs::{Hg, blocking};

/// Runs `hg serve` and kills it when its own stdin ends, which also happens when this process dies.
const GUARD: &str = r#""$@" & child=$!; read -r _; kill -9 $child; wait $child 2>/dev/null"#;
/// The same for a process that runs already.
const GUARD_OF_A_FORK: &str = r#"read -r _; kill -9 "$1""#;

/// One `hg serve` process over all repositories.
pub(crate) struct WebServer {
    guard: Mutex<Child>,
    listening: Mutex<Option<Listening>>,
}

/// By what it says where it listens.
enum Listening {
    Pipe(BufReader<ChildStdout>),
    Conversation(CommandServer),
}

impl WebServer {
    /// Starts it on a free port.
    pub(crate) fn start(hg: &Hg, webconf: &Path) -> Result<Self> {
        let arguments = arguments(hg, webconf);
        let (guard, listening) = match &hg.warm {
            Some(warm) => fork(hg, warm, &arguments)?,
            None => spawn(hg, &arguments)?,
        };
        Ok(Self { guard: Mutex::new(guard), listening: Mutex::new(Some(listening)) })
    }

    /// Waits until it listens and says where; works once.
    pub(crate) async fn address(self: &Arc<Self>) -> Result<SocketAddr> {
        let this = Arc::clone(self);
        blocking(move || this.read_address()).await
    }

    fn read_address(&self) -> Result<SocketAddr> {
        let unknown = || Error::Invalid("hg serve did not say where it listens".to_owned());
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let line = listening.as_mut().ok_or_else(unknown)?.line().map_err(Error::io("read the address of hg serve"))?;
        let port = line.trim().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port.ok_or_else(unknown)?)))
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn end(&self) {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        drop(guard.stdin.take());
        let _ = guard.wait();
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Listening {
    fn line(&mut self) -> io::Result<String> {
        match self {
            Self::Pipe(pipe) => {
                let mut line = String::new();
                pipe.read_line(&mut line).map(|_| line)
            }
            Self::Conversation(server) => server.read_frame().map(|(_, said)| String::from_utf8_lossy(&said).into_owned()),
        }
    }
}

fn arguments(hg: &Hg, webconf: &Path) -> Vec<OsString> {
    let serve = ["serve", "--print-url", "-a", "127.0.0.1", "-p", "0", "-A", "/dev/null"].map(OsString::from);
    let files = ["-E".into(), hg.folder.join("hg-serve.log").into(), "--web-conf".into(), webconf.into()];
    [serve.as_slice(), files.as_slice()].concat()
}

fn spawn(hg: &Hg, arguments: &[OsString]) -> Result<(Child, Listening)> {
    let mut command = hg.prepare("sh".into());
    // Modules loaded only at first use are not safe with the threads of `hg serve`: the first requests
    // that come at once would get 500.
    command.env("HGDEMANDIMPORT", "disable");
    command.args(["-c", GUARD, "sh"]).arg(&hg.program).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut guard = command.spawn().map_err(hg.not_started())?;
    let pipe = guard.stdout.take().expect("its stdout is a pipe");
    Ok((guard, Listening::Pipe(BufReader::new(pipe))))
}

fn fork(hg: &Hg, warm: &Path, arguments: &[OsString]) -> Result<(Child, Listening)> {
    let mut server = CommandServer::fork(warm)?;
    let greeting = server.greeting().map_err(Error::io_of("be greeted at", warm))?;
    let pid = greeting.lines().find_map(|line| line.strip_prefix("pid: "));
    let pid = pid.ok_or_else(|| Error::Invalid(format!("a command server did not say its process id: {greeting}")))?;
    let mut guard = hg.prepare("sh".into());
    guard.args(["-c", GUARD_OF_A_FORK, "sh", pid]);
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let guard = guard.spawn().map_err(hg.not_started())?;
    server.send(arguments).map_err(Error::io("let a fork serve"))?;
    Ok((guard, Listening::Conversation(server)))
}
