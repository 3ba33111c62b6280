//! Repositories in temporary folders, changed by real commands of hg, and loopback hosts to pull from.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use elmo_hg::{Changelog, Changeset, Hg, Node, Output, Servers};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn hg() -> Hg {
    Hg::new("hg").with_env("HGUSER", "Test <test@example.org>")
}

pub(crate) fn servers() -> Servers {
    Servers::new(hg(), 2, Duration::from_secs(60))
}

/// A folder for repositories, and servers to change them with.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) servers: Servers,
}

impl World {
    pub(crate) fn new() -> World {
        World { folder: TempDir::new().unwrap(), servers: servers() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) async fn repo(&self, name: &str) -> Repo {
        self.repo_with(name, &[]).await
    }

    pub(crate) async fn repo_with(&self, name: &str, config: &[&str]) -> Repo {
        let path = self.path(name);
        let options = config.iter().flat_map(|setting| ["--config", setting]);
        let made = hg().command().args(options).arg("init").arg(&path).status().await.unwrap();
        assert!(made.success());
        Repo { path, servers: self.servers.clone() }
    }

    /// A repository that is a clone of another.
    pub(crate) async fn clone_of(&self, from: &str, to: &str) -> Repo {
        hg().clone_repository(&self.url(from), &self.path(to), LIMIT, |_| ()).await.unwrap();
        Repo { path: self.path(to), servers: self.servers.clone() }
    }

    /// An executable that stands in for hg.
    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.path(name);
        let folder = self.folder.path().display();
        fs::write(&path, format!("#!/bin/sh\nfolder='{folder}'\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

pub(crate) struct Repo {
    pub(crate) path: PathBuf,
    pub(crate) servers: Servers,
}

impl Repo {
    /// Runs a command that has to succeed.
    pub(crate) async fn run(&self, args: &[impl AsRef<OsStr>]) -> Output {
        let output = self.servers.run(&self.path, args, LIMIT).await.unwrap();
        assert_eq!(output.code, 0, "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    pub(crate) fn write(&self, path: &[u8], content: &[u8]) {
        let path = self.path.join(OsStr::from_bytes(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits all that has changed in the working copy.
    pub(crate) async fn commit(&self, message: &str) -> Node {
        self.commit_with(message, &[]).await
    }

    pub(crate) async fn commit_with(&self, message: &str, options: &[&str]) -> Node {
        let args = ["commit", "--addremove", "--message", message];
        self.run(&[&args[..], options].concat()).await;
        self.tip().await
    }

    pub(crate) async fn commit_file(&self, path: &str, content: &str) -> Node {
        self.write(path.as_bytes(), content.as_bytes());
        self.commit(content).await
    }

    pub(crate) async fn tip(&self) -> Node {
        let output = self.run(&["log", "--rev", "tip", "--template", "{node}"]).await;
        std::str::from_utf8(&output.stdout).unwrap().parse().unwrap()
    }

    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.path.join(".hg/store").join(name)
    }

    /// Two changesets and a merge of them, so that most tests have something to look at.
    pub(crate) async fn fill(&self) -> Vec<Node> {
        let first = self.commit_file("a", "first").await;
        let second = self.commit_file("b", "second").await;
        self.run(&["update", "--rev", &first.to_string()]).await;
        let third = self.commit_file("c", "third").await;
        self.run(&["merge", "--rev", &second.to_string()]).await;
        let merge = self.commit("merge").await;
        vec![first, second, third, merge]
    }

    /// Checks that this crate and hg read the same, and gives it.
    pub(crate) async fn read_twice(&self) -> Vec<Changeset> {
        let ours = read_all(&self.path);
        let theirs = self.servers.log_range(&self.path, 0..u32::MAX).await.unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs);
        }
        ours
    }
}

pub(crate) fn read_all(repo: &Path) -> Vec<Changeset> {
    let mut changelog = Changelog::open(repo).unwrap();
    (0..changelog.len()).map(|rev| changelog.read(rev).unwrap()).collect()
}

/// Looks again and again until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process is neither running nor sleeping; one that nobody has reaped yet counts as dead.
pub(crate) fn is_dead(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return true;
    };
    stat.rsplit_once(") ").is_some_and(|(_, after)| after.starts_with(['Z', 'X']))
}

/// The numbers that scripts have written to a file, one a line.
pub(crate) fn pids(file: &Path) -> Vec<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// A running `hg serve` of all repositories in a folder.
pub(crate) struct Host {
    pub(crate) url: String,
    _process: Child,
}

impl Host {
    pub(crate) async fn start(world: &World) -> Host {
        let paths = world.path("paths.conf");
        fs::write(&paths, format!("[paths]\n/ = {}/*\n", world.folder.path().display())).unwrap();
        let mut command = hg().command();
        command.args([
            "serve",
            "--address",
            "127.0.0.1",
            "--port",
            "0",
            "--print-url",
            "--accesslog",
            "/dev/null",
            "--errorlog",
            "/dev/null",
            "--web-conf",
        ]);
        let mut process = command.arg(paths).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).await.unwrap();
        let port = url.trim().trim_end_matches('/').rsplit(':').next().unwrap();
        Host { url: format!("http://127.0.0.1:{port}"), _process: process }
    }
}

/// A host that gives the same answer to everyone.
pub(crate) async fn host_that_answers(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    format!("http://{address}/repo")
}
