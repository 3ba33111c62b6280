//! One command server (`hg serve --cmdserver pipe`): arguments come in, an [`Output`] goes out. It runs one command after
//! the other, answers hg's questions with nothing, and never believes a length that it has not been granted.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use elmo_process::{Group, tail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::error::HgError;
use crate::program::{Hg, TAIL};

/// The longest that is taken of a single message that is not output: the greeting.
const GREETING: usize = 64 * 1024;

/// What a command has printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// 0 if it did what was asked; 1 often means that there was nothing to do.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// A running server.
pub(crate) struct Server {
    group: Group,
    requests: ChildStdin,
    answers: Answers<BufReader<ChildStdout>>,
    /// Gives what the process itself writes to its standard error: Python's complaints.
    complaints: JoinHandle<Vec<u8>>,
    /// Commands that were sent to it.
    pub(crate) served: u32,
}

/// What a server says, as it comes out of a pipe.
pub(crate) struct Answers<R>(pub(crate) R);

/// Why a server did not run a command.
pub(crate) enum Failure {
    /// The command has not reached it: another server may be asked.
    NotSent,
    /// It ended, or spoke nonsense; `said` is what the process wrote to its standard error, once that is known.
    Died {
        what: &'static str,
        said: Vec<u8>,
    },
    TooLong,
    Late,
}

impl Failure {
    fn died(what: &'static str) -> Failure {
        Failure::Died { what, said: Vec::new() }
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Failure {
        Failure::died("ended before it had answered")
    }
}

impl Server {
    /// Starts a server; whether it is one shows only when it greets.
    pub(crate) fn start(hg: &Hg) -> Result<Server, HgError> {
        let mut command = hg.command();
        command.args(["serve", "--cmdserver", "pipe"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = hg.spawn(&mut command)?;
        let child = group.child();
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(hg.not_started(io::ErrorKind::BrokenPipe.into()));
        };
        let complaints = tokio::spawn(tail(child.stderr.take(), TAIL));
        Ok(Server { group, requests, answers: Answers(BufReader::new(answers)), complaints, served: 0 })
    }

    /// Reads what a server says first.
    pub(crate) async fn greeting(&mut self) -> Result<(), Failure> {
        self.answers.greeting().await
    }

    /// Runs one command, of which not more than `limit` bytes are taken.
    pub(crate) async fn run(&mut self, args: &[OsString], limit: usize) -> Result<Output, Failure> {
        self.served += 1;
        self.send(args).await.map_err(|_| Failure::NotSent)?;
        self.answers.output(&mut self.requests, limit).await
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.group.has_ended()
    }

    /// Ends it, and gives it the time to undo what it is at.
    pub(crate) async fn end(self, hg: &Hg) {
        // Without its pipes it cannot wait for us: neither for the next command nor for somebody to read.
        drop((self.requests, self.answers));
        self.group.end(hg.grace()).await;
    }

    /// Kills it and tells what it complained of.
    pub(crate) async fn kill(self) -> Vec<u8> {
        self.group.kill().await;
        self.complaints.await.unwrap_or_default()
    }

    async fn send(&mut self, args: &[OsString]) -> io::Result<()> {
        let joined = args.iter().map(|arg| arg.as_bytes()).collect::<Vec<_>>().join(&0);
        let length = u32::try_from(joined.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let request = [b"runcommand\n", &length.to_be_bytes()[..], &joined].concat();
        self.requests.write_all(&request).await?;
        self.requests.flush().await
    }
}

impl<R: AsyncRead + Unpin> Answers<R> {
    pub(crate) async fn greeting(&mut self) -> Result<(), Failure> {
        let (channel, length) = self.header().await?;
        if channel != b'o' || length > GREETING {
            return Err(Failure::died("did not greet as a command server"));
        }
        let greeting = self.bytes(length).await?;
        if !greeting.windows(10).any(|words| words == b"runcommand") {
            return Err(Failure::died("cannot run commands"));
        }
        Ok(())
    }

    /// Reads all that a command prints, until it ends.
    pub(crate) async fn output(&mut self, requests: &mut (impl AsyncWrite + Unpin), limit: usize) -> Result<Output, Failure> {
        let mut output = Output { code: 0, stdout: Vec::new(), stderr: Vec::new() };
        loop {
            let (channel, length) = self.header().await?;
            let left = limit.saturating_sub(output.stdout.len() + output.stderr.len());
            match channel {
                b'o' => self.take(length, left, &mut output.stdout).await?,
                b'e' => self.take(length, left, &mut output.stderr).await?,
                b'r' => return self.code(length).await.map(|code| Output { code, ..output }),
                b'I' | b'L' => requests.write_all(&[0; 4]).await?,
                channel if channel.is_ascii_lowercase() => self.skip(length).await?,
                _ => return Err(Failure::died("asked for what is not known here")),
            }
        }
    }

    async fn header(&mut self) -> io::Result<(u8, usize)> {
        let channel = self.0.read_u8().await?;
        let length = self.0.read_u32().await?;
        Ok((channel, length as usize))
    }

    async fn take(&mut self, length: usize, left: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        if length > left {
            return Err(Failure::TooLong);
        }
        let read = (&mut self.0).take(length as u64).read_to_end(out).await?;
        if read < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    async fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.take(length, length, &mut bytes).await?;
        Ok(bytes)
    }

    async fn skip(&mut self, length: usize) -> io::Result<()> {
        let mut rest = (&mut self.0).take(length as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop)
    }

    async fn code(&mut self, length: usize) -> Result<i32, Failure> {
        if length != 4 {
            return Err(Failure::died("gave no exit code"));
        }
        Ok(self.0.read_i32().await?)
    }
}
