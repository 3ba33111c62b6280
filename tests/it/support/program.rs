//! The program as an operator meets it: run to its end, or running and listened to.

use super::{PATIENCE, Pulse, World};
use elmo_testbed::RabbitMq;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// Settings that go into the environment.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// The account of Pulse at this broker.
pub(crate) fn account(pulse: &Pulse) -> Settings {
    RabbitMq::pulse_settings(pulse.rabbit.port(), &pulse.vhost).into()
}

/// Runs the program in the world's folder, on its database, to its end.
pub(crate) async fn run(world: &World, settings: Settings, args: &[&str]) -> Output {
    command(world, settings, args).output().await.expect("the program runs")
}

/// All that it printed.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A program that runs, ended when dropped.
pub(crate) struct Running {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Running {
    pub(crate) fn start(world: &World, settings: Settings, args: &[&str]) -> Running {
        let mut command = command(world, settings, args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let log = BufReader::new(child.stderr.take().expect("its log is listened to")).lines();
        Running { child, log }
    }

    /// Waits for a line of its log with these words.
    pub(crate) async fn until_it_logs(&mut self, words: &str) -> String {
        let found = async {
            while let Some(line) = self.log.next_line().await.expect("its log is text") {
                if line.contains(words) {
                    return line;
                }
            }
            panic!("it ended and did not log {words:?}");
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("it did not log {words:?}"))
    }

    /// How many files and connections it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let pid = self.child.id().expect("it runs");
        std::fs::read_dir(format!("/proc/{pid}/fd")).expect("they are listed").count()
    }

    pub(crate) fn tell(&self, signal: Signal) {
        tell(&self.child, signal);
    }

    /// Waits for its end; gives the exit code.
    pub(crate) async fn ended(mut self) -> Option<i32> {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        status.expect("it ends").expect("its status").code()
    }
}

pub(super) fn tell(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().expect("it runs").cast_signed()).expect("a process id");
    kill_process(pid, signal).expect("it is told");
}

/// `elmo` in the world's folder, on its database.
pub(super) fn command(world: &World, settings: Settings, args: &[&str]) -> Command {
    let mut command = in_world(world, env!("CARGO_BIN_EXE_elmo"));
    command.args(args).envs(settings);
    command
}

/// A program in the world's folder that finds the world's database by the environment, ended when dropped.
#[expect(clippy::disallowed_methods, reason = "a story runs the program as an operator does")]
pub(crate) fn in_world(world: &World, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(world.folder()).stdin(Stdio::null()).kill_on_drop(true);
    command.env("DATABASE_URL", &world.database.url).env("ELMO_DATA", world.data()).env_remove("PULSE_USER");
    command.env("ELMO_PRIVATE_HOSTS", "127.0.0.1");
    command
}
