//! A process of the program: a worker, a web server, or a command that is waited for.

use crate::struck::{CLOCK, PROGRAM, STRIKE, Strike};
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::{Child, Command};

/// What a process of the program runs with.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The program that is the program when told so.
    pub program: PathBuf,
    /// Where it is started: `elmo.toml` is there.
    pub folder: PathBuf,
    pub data: PathBuf,
    pub database: String,
    /// Where the seconds stand by which its clock is off.
    pub clock: PathBuf,
    pub settings: Vec<(&'static str, String)>,
    /// Where it logs.
    pub log: PathBuf,
}

impl Surroundings {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(PROGRAM).args(arguments).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command.env("DATABASE_URL", &self.database).env("ELMO_DATA", &self.data).env(CLOCK, &self.clock);
        command.env("ELMO_PRIVATE_HOSTS", "127.0.0.1");
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.command(arguments).output().await.context("the program does not start")
    }

    /// Starts a worker or a web server.
    pub fn start(&self, arguments: &[&str], strike: Option<Strike>) -> anyhow::Result<Process> {
        let mut command = self.command(arguments);
        if let Some(strike) = strike {
            command.env(STRIKE, strike.text());
        }
        let child = command.stdout(Stdio::null()).stderr(appended(&self.log)?).spawn().context("the program does not start")?;
        Ok(Process { child })
    }
}

fn appended(log: &Path) -> anyhow::Result<std::fs::File> {
    Ok(std::fs::OpenOptions::new().create(true).append(true).open(log)?)
}

/// A process that runs; killed when dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Its number, while it runs.
    pub fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id()?.cast_signed())
    }

    /// Sends a signal, to which a process that has ended is deaf.
    pub fn tell(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, signal);
        }
    }

    /// It has ended by now.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end; gives the exit code, none after a signal.
    pub async fn ended(&mut self) -> anyhow::Result<Option<i32>> {
        Ok(self.child.wait().await?.code())
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM; gives the exit code.
    pub async fn terminate(mut self) -> anyhow::Result<Option<i32>> {
        self.tell(Signal::CONT);
        self.tell(Signal::TERM);
        self.ended().await
    }
}
