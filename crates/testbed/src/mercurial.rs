//! A warm Mercurial, of which the upstreams of a run have their programs as forks.

use std::{
    env,
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use crate::own_server::{Crash, OwnServer};

const VARIABLE: &str = "ELMO_TEST_MERCURIAL";
const LONGEST_START: Duration = Duration::from_secs(60);

/// A command server on a socket in its temporary folder; its forks end with those who talk to them.
pub struct Mercurial {
    socket: PathBuf,
    server: OwnServer,
}

impl Mercurial {
    /// Starts one.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("elmo-mercurial-").tempdir()?;
        let socket = folder.path().join("socket");
        let mercurial = Self { socket, server: OwnServer::in_folder(folder, Crash::Kill)? };
        mercurial.server.run(&mut elmo_upstream::warm_server("hg".into(), &mercurial.socket)?)?;
        mercurial.until_ready().await?;
        Ok(mercurial)
    }

    /// The socket of the one that the program `testbed` has started, for `elmo_upstream::Options::warm`.
    ///
    /// There is none in a run without it: an upstream then starts its programs itself, as it does outside of tests, which is no
    /// slower than to start a warm one first.
    pub fn of_this_run() -> Option<PathBuf> {
        env::var_os(VARIABLE).map(PathBuf::from)
    }

    /// The environment variable by which [`Mercurial::of_this_run`] finds the socket from another process.
    pub fn variable(&self) -> (&'static str, String) {
        (VARIABLE, self.socket.display().to_string())
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// The process whose children the forks are.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    async fn until_ready(&self) -> Result<()> {
        let start = Instant::now();
        while UnixStream::connect(&self.socket).is_err() {
            self.server.check_it_runs()?;
            ensure!(start.elapsed() < LONGEST_START, "Mercurial did not start in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}
