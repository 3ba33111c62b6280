//! `testbed [--vhosts N] -- COMMAND ARGS…`: runs a command while a RabbitMQ node, a PostgreSQL cluster and a warm Mercurial run
//! for it.
//!
//! The command finds them by `RabbitMq::of_this_run`, `Postgres::of_this_run` and `Mercurial::of_this_run`. All are stopped when it
//! ends or when a signal comes, and the command's status is this program's.

use std::{
    env,
    ffi::OsString,
    io::IsTerminal,
    os::unix::process::ExitStatusExt,
    process::{ExitCode, ExitStatus},
};

use anyhow::{Context, Result, bail};
use elmo_testbed::{Mercurial, Postgres, RabbitMq};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    signal::unix::{self, SignalKind},
};

const USAGE: &str = "usage: testbed [--vhosts N] -- COMMAND ARGS…";
const VHOSTS: usize = 32;

struct Arguments {
    vhosts: usize,
    command: Vec<OsString>,
}

struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse(env::args_os().skip(1))?;
    let mut signals = Signals::listen()?;
    let servers = tokio::select! {
        signal = signals.next() => return Ok(code(128 + signal.as_raw())),
        servers = start(arguments.vhosts) => servers?,
    };
    let status = run(&arguments.command, &servers, &mut signals).await?;
    Ok(exit_code(status))
}

async fn start(vhosts: usize) -> Result<(RabbitMq, Postgres, Mercurial)> {
    tokio::try_join!(RabbitMq::start_with_vhosts(vhosts), Postgres::start(), Mercurial::start())
}

async fn run(command: &[OsString], servers: &(RabbitMq, Postgres, Mercurial), signals: &mut Signals) -> Result<ExitStatus> {
    let (rabbit, postgres, mercurial) = servers;
    #[expect(clippy::disallowed_methods, reason = "running any program is what this one is for")]
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .envs([rabbit.variable(), postgres.variable(), mercurial.variable()])
        .spawn()
        .with_context(|| format!("could not start {}", command[0].display()))?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            signal = signals.next() => forward(signal, &child),
        }
    }
}

/// A terminal sends its interrupt to the command as well, which may take a second one for impatience.
fn forward(signal: Signal, child: &Child) {
    let already_there = signal == Signal::INT && std::io::stdin().is_terminal();
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    if let (Some(pid), false) = (pid, already_there) {
        let _ = kill_process(pid, signal);
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    code(status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1))
}

fn code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self> {
        let mut vhosts = VHOSTS;
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--") => break,
                Some("--vhosts") => vhosts = number(arguments.next())?,
                _ => bail!(USAGE),
            }
        }
        let command: Vec<_> = arguments.collect();
        if command.is_empty() {
            bail!(USAGE);
        }
        Ok(Self { vhosts, command })
    }
}

fn number(argument: Option<OsString>) -> Result<usize> {
    let argument = argument.context(USAGE)?;
    argument.to_str().and_then(|text| text.parse().ok()).context(USAGE)
}

impl Signals {
    fn listen() -> Result<Self> {
        Ok(Self { interrupt: unix::signal(SignalKind::interrupt())?, terminate: unix::signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
        }
    }
}
