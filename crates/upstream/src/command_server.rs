//! The command server, which makes repositories and all that is in them: arguments come in, what Mercurial printed goes out.
//!
//! It is a process of its own or a fork of the warm server, ends when its value is dropped, and also when this process dies.

use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::programs::{Hg, blocking, checked, display};

/// A command server, started at the first command and again after it has failed.
#[derive(Clone)]
pub(crate) struct Commands {
    hg: Hg,
    server: Arc<Mutex<Option<CommandServer>>>,
}

impl Commands {
    /// Starts the command server, so that a missing Mercurial is noticed at once.
    pub(crate) fn start(hg: &Hg) -> Result<Self> {
        let server = CommandServer::start(hg)?;
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
            None => CommandServer::start(&self.hg)?,
        };
        let answer = server.run(arguments).map_err(Error::io("talk to the command server"))?;
        *slot = Some(server);
        checked(display(arguments), answer.code, answer.output, &answer.errors)
    }
}

/// The conversation with one server.
pub(crate) struct CommandServer {
    requests: Box<dyn Write + Send>,
    answers: BufReader<Box<dyn Read + Send>>,
    greeted: bool,
    _process: Process,
}

/// What is at the other end, and gone once this is dropped.
enum Process {
    Own(Child),
    /// Ends when nobody talks to it any more.
    Fork(UnixStream),
}

struct CommandOutput {
    code: i32,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl CommandServer {
    fn start(hg: &Hg) -> Result<Self> {
        match &hg.warm {
            Some(socket) => Self::fork(socket),
            None => Self::spawn(hg),
        }
    }

    fn spawn(hg: &Hg) -> Result<Self> {
        let mut command = hg.prepare(hg.program.clone().into());
        command.args(["serve", "--cmdserver", "pipe"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(hg.not_started())?;
        let requests = Box::new(child.stdin.take().expect("its stdin is a pipe"));
        let answers = Box::new(child.stdout.take().expect("its stdout is a pipe"));
        Ok(Self::new(requests, answers, Process::Own(child)))
    }

    /// Lets the warm server fork, which it does for each connection.
    pub(crate) fn fork(warm: &Path) -> Result<Self> {
        let connected = UnixStream::connect(warm).and_then(|socket| {
            let (requests, answers) = (Box::new(socket.try_clone()?), Box::new(socket.try_clone()?));
            Ok(Self::new(requests, answers, Process::Fork(socket)))
        });
        connected.map_err(Error::io_of("connect to", warm))
    }

    fn new(requests: Box<dyn Write + Send>, answers: Box<dyn Read + Send>, process: Process) -> Self {
        Self { requests, answers: BufReader::new(answers), greeted: false, _process: process }
    }

    /// Reads what a server says first, and gives it.
    pub(crate) fn greeting(&mut self) -> io::Result<String> {
        let (_, greeting) = self.read_frame()?;
        self.greeted = true;
        Ok(String::from_utf8_lossy(&greeting).into_owned())
    }

    fn run(&mut self, arguments: &[OsString]) -> io::Result<CommandOutput> {
        if !self.greeted {
            self.greeting()?;
        }
        self.send(arguments)?;
        self.read_answer()
    }

    /// Sends a command, whose answer is still to be read.
    pub(crate) fn send(&mut self, arguments: &[OsString]) -> io::Result<()> {
        let words: Vec<&[u8]> = arguments.iter().map(|word| word.as_encoded_bytes()).collect();
        let request = words.join(&0);
        let length = u32::try_from(request.len()).map_err(io::Error::other)?;
        self.requests.write_all(b"runcommand\n")?;
        self.requests.write_all(&length.to_be_bytes())?;
        self.requests.write_all(&request)?;
        self.requests.flush()
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
    pub(crate) fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
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

impl Drop for Process {
    fn drop(&mut self) {
        match self {
            Self::Own(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Self::Fork(socket) => {
                let _ = socket.shutdown(Shutdown::Write);
                // Its end of the socket closes with it.
                let _ = io::copy(socket, &mut io::sink());
            }
        }
    }
}
