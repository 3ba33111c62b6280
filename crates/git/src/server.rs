//! One `git cat-file --batch` on one clone: a name of an object comes in, the object goes out. It never keeps more of an object
//! than allowed, and never believes an answer that does not begin as it must.

use std::io;
use std::path::Path;
use std::process::Stdio;

use elmo_process::{Group, tail};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::error::classify;
use crate::program::COMPLAINTS;
use crate::{Git, GitError};

/// The longest line before an object.
const HEADER: u64 = 256;

/// A running server.
pub(crate) struct Server {
    group: Group,
    requests: ChildStdin,
    answers: Answers<BufReader<ChildStdout>>,
    complaints: JoinHandle<Vec<u8>>,
}

/// What a server says, as it comes out of a pipe.
pub(crate) struct Answers<R>(pub(crate) R);

/// What is behind a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Blob(Vec<u8>),
    Tree(Vec<u8>),
    Commit,
    Other,
    Missing,
    /// So many bytes of it.
    TooLarge(u64),
}

impl Server {
    pub(crate) fn start(git: &Git, repo: &Path) -> Result<Server, GitError> {
        let mut command = git.command_in(repo);
        command.args(["cat-file", "--batch", "-z"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = git.spawn(&mut command)?;
        let child = group.child();
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(git.not_started(io::ErrorKind::BrokenPipe.into()));
        };
        let complaints = tokio::spawn(tail(child.stderr.take(), COMPLAINTS));
        Ok(Server { group, requests, answers: Answers(BufReader::with_capacity(64 * 1024, answers)), complaints })
    }

    /// Asks for one object, of which not more than `limit` bytes are kept. After an error the server is of no use any more.
    pub(crate) async fn object(&mut self, name: &[u8], limit: u64) -> io::Result<Object> {
        self.requests.write_all(&[name, b"\0"].concat()).await?;
        self.requests.flush().await?;
        self.answers.object(name, limit).await
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.group.has_ended()
    }

    /// Kills it and tells why it was of no use.
    pub(crate) async fn kill(self, failure: &io::Error) -> GitError {
        self.group.kill().await;
        let said = self.complaints.await.unwrap_or_default();
        if said.is_empty() {
            return GitError::Broken { what: "ended before it had answered", said: failure.to_string() };
        }
        classify(128, &said)
    }
}

impl<R: AsyncBufRead + Unpin> Answers<R> {
    /// Reads the answer to a name.
    pub(crate) async fn object(&mut self, name: &[u8], limit: u64) -> io::Result<Object> {
        let header = self.header(name).await?;
        let Some(header) = header else {
            return Ok(Object::Missing);
        };
        let words: Vec<&str> = header.trim_end().split(' ').collect();
        match words[..] {
            // The commit of a submodule, which newer versions of git tell from others.
            [_, "missing" | "submodule"] => Ok(Object::Missing),
            [_, kind, size] => self.content(kind, size.parse().map_err(|_| nonsense())?, limit).await,
            _ => Err(nonsense()),
        }
    }

    /// Reads the line before an object; none if there is no object.
    ///
    /// What is there is answered with its hash; what is not, with the name that was asked for, which may hold any bytes. Up to
    /// the colon behind the hash both are equally long.
    async fn header(&mut self, name: &[u8]) -> io::Result<Option<String>> {
        let colon = name.iter().position(|&byte| byte == b':');
        let mut line = vec![0; colon.map_or(0, |at| at + 1)];
        self.0.read_exact(&mut line).await?;
        if colon.is_some() && line.ends_with(b":") {
            let mut rest = vec![0; name.len() - line.len()];
            self.0.read_exact(&mut rest).await?;
            self.line(&mut rest).await?;
            return Ok(None);
        }
        self.line(&mut line).await?;
        String::from_utf8(line).map(Some).map_err(|_| nonsense())
    }

    async fn line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        (&mut self.0).take(HEADER).read_until(b'\n', line).await?;
        if line.ends_with(b"\n") { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    async fn content(&mut self, kind: &str, size: u64, limit: u64) -> io::Result<Object> {
        let is_kept = size <= limit && matches!(kind, "blob" | "tree");
        let content = if is_kept { self.keep(size).await? } else { self.skip(size).await? };
        self.line(&mut Vec::new()).await?;
        Ok(match kind {
            _ if size > limit => Object::TooLarge(size),
            "blob" => Object::Blob(content),
            "tree" => Object::Tree(content),
            "commit" => Object::Commit,
            _ => Object::Other,
        })
    }

    async fn keep(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let read = (&mut self.0).take(size).read_to_end(&mut content).await?;
        if read as u64 == size { Ok(content) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    async fn skip(&mut self, size: u64) -> io::Result<Vec<u8>> {
        tokio::io::copy(&mut (&mut self.0).take(size), &mut tokio::io::sink()).await?;
        Ok(Vec::new())
    }
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not what cat-file answers")
}
