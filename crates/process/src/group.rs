//! A process that is ended together with all it has started: a command comes in, a running process group goes out. It never
//! signals a group whose leader has been reaped, for the number may be another's by then.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

/// How often an ending process is looked at where the system does not tell of it.
const GLANCE: Duration = Duration::from_millis(10);

/// A running process and its group; dropping it kills both at once.
pub struct Group {
    child: Child,
}

impl Group {
    /// Starts a command as the leader of a group of its own.
    pub fn spawn(command: &mut Command) -> io::Result<Group> {
        command.process_group(0).kill_on_drop(true);
        Ok(Group { child: command.spawn()? })
    }

    /// Gives the process, to take its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the process ends by itself, then kills what it has left behind.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.until_it_ends().await;
        self.signal(Signal::KILL);
        self.child.wait().await
    }

    /// Says whether the process has ended, without reaping it.
    pub fn has_ended(&self) -> bool {
        let Some(leader) = self.leader() else {
            return true;
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(leader), options), Ok(None))
    }

    /// Asks the group to end, so that it can undo what it was at, and kills whatever is left after `grace`.
    pub async fn end(self, grace: Duration) {
        self.signal(Signal::TERM);
        // Not to have ended in time is what it is killed for.
        let _ = timeout(grace, self.until_it_ends()).await;
        self.kill().await;
    }

    /// Kills the group and waits until the process is gone.
    pub async fn kill(mut self) {
        self.signal(Signal::KILL);
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "could not wait for a killed program");
        }
    }

    /// The system tells when a child has ended, of which of them is to be looked up. A run of git takes three milliseconds, so looking
    /// every ten would be most of the time.
    async fn until_it_ends(&self) {
        // Before the first look: what ends between them is told of.
        let mut endings = signal(SignalKind::child()).ok();
        while !self.has_ended() {
            let told = async { endings.as_mut()?.recv().await };
            if told.await.is_none() {
                sleep(GLANCE).await;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader() {
            // The group may be gone already, which is what is wanted.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// `None` once it is reaped.
    fn leader(&self) -> Option<Pid> {
        self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
