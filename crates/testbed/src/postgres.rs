//! A PostgreSQL cluster that listens on a loopback port and on a socket in its temporary folder.

use std::{
    env, fs,
    net::SocketAddr,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use elmo_upstream::ports::{loopback, random};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{
    free_port,
    own_server::{Crash, OwnServer},
};

const VARIABLE: &str = "ELMO_TEST_POSTGRES";
const LONGEST_START: Duration = Duration::from_secs(60);

/// A socket's path has at most 107 bytes; its name in the folder takes up to 20 of them.
const LONGEST_FOLDER: usize = 80;

/// A cluster on loopback, superuser `postgres` without a password: its own, which ends with this value, or the one of the
/// whole run, which does not.
pub struct Postgres {
    port: u16,
    folder: PathBuf,
    own: Option<OwnCluster>,
}

struct OwnCluster {
    server: OwnServer,
    programs: Programs,
    durability: Durability,
}

#[derive(Clone, Copy)]
enum Durability {
    /// Survives a crash of the server, but not of the machine.
    Fast,
    Full,
}

/// PostgreSQL's programs, and who is to run them.
struct Programs {
    folder: PathBuf,
    account: Option<Account>,
}

#[derive(Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Starts a cluster that leaves out what only a crash of the machine would need (`fsync=off`).
    pub async fn start() -> Result<Self> {
        Self::start_with(Durability::Fast).await
    }

    /// Starts a cluster that writes as safely as a real one.
    pub async fn start_durable() -> Result<Self> {
        Self::start_with(Durability::Full).await
    }

    /// Attaches to the cluster that the program `testbed` has started, or else to one that this process's tests share.
    pub async fn of_this_run() -> Result<Self> {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        if let Ok(description) = env::var(VARIABLE) {
            return Self::described_by(&description).with_context(|| format!("{VARIABLE}={description}"));
        }
        let shared = SHARED.get_or_try_init(Self::start).await?;
        Ok(Self { port: shared.port, folder: shared.folder.clone(), own: None })
    }

    /// The environment variable by which [`Postgres::of_this_run`] finds this cluster from another process.
    pub fn variable(&self) -> (&'static str, String) {
        let description = json!({"port": self.port, "folder": self.folder});
        (VARIABLE, description.to_string())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn addr(&self) -> SocketAddr {
        loopback(self.port)
    }

    /// The main process of a cluster of its own, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref()?.server.pid()
    }

    /// The address of a database over TCP.
    pub fn url(&self, database: &str) -> String {
        self.url_via(self.addr(), database)
    }

    /// The address of a database by way of a [`Cable`](crate::Cable).
    pub fn url_via(&self, addr: SocketAddr, database: &str) -> String {
        format!("postgres://postgres@{addr}/{}", name_of(database))
    }

    /// The address of a database over the socket.
    pub fn socket_url(&self, database: &str) -> String {
        let (port, folder, name) = (self.port, self.folder.display(), name_of(database));
        format!("postgres://postgres@localhost:{port}/{name}?host={folder}")
    }

    /// Creates a database of a new name, empty or as a copy of a template to which nobody is connected; gives its address
    /// over TCP.
    pub async fn create_database(&self, template: Option<&str>) -> Result<String> {
        let database = new_name();
        let template = name_of(template.unwrap_or("template1"));
        self.execute(&format!(r#"CREATE DATABASE "{database}" TEMPLATE "{template}""#)).await?;
        Ok(self.url(&database))
    }

    /// Drops a database, given by address or name, whoever is connected to it.
    pub async fn drop_database(&self, database: &str) -> Result<()> {
        let name = name_of(database);
        self.execute(&format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#)).await
    }

    /// Ends all processes of the cluster at once; what was committed is recovered by [`Postgres::restart`].
    pub async fn kill(&self) -> Result<()> {
        self.own()?.server.crash().await
    }

    /// Starts the cluster again with the same port and data, after it was killed.
    pub async fn restart(&self) -> Result<()> {
        self.run().await
    }

    async fn start_with(durability: Durability) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = programs.new_folder()?;
        programs.init(folder.path()).await?;
        let postgres = Self {
            port: free_port(),
            folder: folder.path().to_owned(),
            own: Some(OwnCluster { server: OwnServer::in_folder(folder, Crash::Quit)?, programs, durability }),
        };
        postgres.run().await?;
        Ok(postgres)
    }

    fn described_by(description: &str) -> Result<Self> {
        let description: Value = serde_json::from_str(description)?;
        let folder = description["folder"].as_str().context("no folder")?;
        Ok(Self { port: description["port"].as_u64().context("no port")?.try_into()?, folder: folder.into(), own: None })
    }

    fn own(&self) -> Result<&OwnCluster> {
        self.own.as_ref().context("the cluster is shared by the whole run: a test that disturbs it starts one of its own")
    }

    async fn run(&self) -> Result<()> {
        let cluster = self.own()?;
        let mut command = cluster.programs.command("postgres", &self.folder);
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(cluster.durability.settings());
        cluster.server.run(&mut command)?;
        self.until_ready(&cluster.server).await
    }

    async fn until_ready(&self, server: &OwnServer) -> Result<()> {
        let start = Instant::now();
        loop {
            server.check_it_runs()?;
            match PgConnection::connect(&self.url("postgres")).await {
                Ok(connection) => return Ok(connection.close().await?),
                Err(error) if start.elapsed() > LONGEST_START => {
                    return Err(error).context("PostgreSQL did not start in time");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.socket_url("postgres")).await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.with_context(|| sql.to_owned())?;
        connection.close().await?;
        Ok(())
    }
}

impl Programs {
    fn find() -> Result<Self> {
        let is_there = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
        let folder =
            debian_folders().into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())).find(is_there).context(
                "there is no initdb and postgres in /usr/lib/postgresql/*/bin or PATH: install the Debian package postgresql",
            )?;
        let account = if rustix::process::geteuid().is_root() { Some(Account::of_postgres()?) } else { None };
        Ok(Self { folder, account })
    }

    /// A folder that belongs to whoever runs the server.
    fn new_folder(&self) -> Result<TempDir> {
        let mut parent = env::temp_dir();
        if parent.as_os_str().len() > LONGEST_FOLDER - "elmo-postgres-123456".len() {
            parent = "/tmp".into();
        }
        let folder = tempfile::Builder::new().prefix("elmo-postgres-").tempdir_in(parent)?;
        if let Some(Account { uid, gid }) = self.account {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        Ok(folder)
    }

    async fn init(&self, folder: &Path) -> Result<()> {
        let mut command = self.command("initdb", folder);
        command.arg("-D").arg(folder.join("data")).args([
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        let output = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.current_dir(folder).env("TZ", "UTC");
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Account {
    /// PostgreSQL refuses to run as root.
    fn of_postgres() -> Result<Self> {
        let accounts = fs::read_to_string("/etc/passwd")?;
        accounts
            .lines()
            .find_map(Self::parse)
            .context("root needs a user postgres to run PostgreSQL: install the Debian package postgresql")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }
}

impl Durability {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &["-c", "max_connections=300", "-c", "fsync=off", "-c", "full_page_writes=off"],
            Self::Full => &["-c", "max_connections=300"],
        }
    }
}

/// Those of the newest version first.
fn debian_folders() -> Vec<PathBuf> {
    let mut versions: Vec<u32> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|version| format!("/usr/lib/postgresql/{version}/bin").into()).collect()
}

fn new_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{count}_{:08x}", std::process::id(), random() >> 32)
}

/// The name in a database's address, or the name itself.
fn name_of(database: &str) -> &str {
    let address = database.split('?').next().unwrap_or_default();
    address.rsplit('/').next().unwrap_or_default()
}
