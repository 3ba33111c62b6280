//! The parts a bench runs on: an upstream, a broker, databases, and the program itself as a worker.

use crate::process;
use anyhow::{Context, bail};
use elmo::config::Config;
use elmo::domain::{NewForest, RepositoryName, RepositoryUrl, State, UrlRules};
use elmo::store::Store;
use elmo_testbed::{Postgres, Publisher, RabbitMq, free_port, until};
use elmo_upstream::{Message, Options, Upstream};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1800);
pub(crate) const FOREST: &str = "l10n-central";
/// Workers of one place have their settings and logs beside each other.
static STARTED: AtomicUsize = AtomicUsize::new(0);
const QUEUE_OF_TASKS: &str = "queue/elmo/taskcluster";

/// Everything but the worker.
pub(crate) struct Setting {
    pub(crate) upstream: Upstream,
    pub(crate) rabbit: RabbitMq,
    pub(crate) postgres: Postgres,
    pub(crate) folder: TempDir,
    /// The worker's settings where a bench leaves them as they are.
    pub(crate) defaults: Config,
    pub(crate) queue: String,
}

/// Which database a worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

impl On {
    pub(crate) const BOTH: [On; 2] = [On::Sqlite, On::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            On::Sqlite => "sqlite",
            On::Postgres => "postgres",
        }
    }
}

/// A virtual host, a database and a data folder for one worker.
pub(crate) struct Place {
    pub(crate) vhost: String,
    pub(crate) database: String,
    pub(crate) data: PathBuf,
    pub(crate) store: Store,
    port: u16,
}

impl Setting {
    pub(crate) async fn new() -> anyhow::Result<Setting> {
        eprintln!("starting RabbitMQ, PostgreSQL and hg serve");
        let options = Options { workers: 2, ..Options::default() };
        let (upstream, rabbit, postgres) =
            tokio::join!(Upstream::start(options), RabbitMq::start_with_vhosts(12), Postgres::start_durable());
        let account = |name: &str| matches!(name, "PULSE_USER" | "PULSE_PASSWORD").then(|| "elmo".to_owned());
        let defaults = Config::from_text("", "the defaults", account)?;
        let queue = defaults.hg_pushes()?.queue_name();
        let folder = tempfile::tempdir()?;
        Ok(Setting { upstream: upstream?, rabbit: rabbit?, postgres: postgres?, folder, defaults, queue })
    }

    /// A place for a worker, in which the forest is followed.
    pub(crate) async fn place(&self, on: On) -> anyhow::Result<Place> {
        let vhost = self.rabbit.take_vhost()?;
        let data = self.folder.path().join(&vhost);
        std::fs::create_dir_all(&data)?;
        let database = match on {
            On::Sqlite => format!("sqlite:{}", data.join("elmo.sqlite").display()),
            On::Postgres => self.postgres.create_database(None).await?,
        };
        let store = Store::open(&database).await?;
        let forest = NewForest { name: FOREST.parse()?, url: self.url(FOREST)?, fork_of: None };
        store.add_forest(&forest).await?;
        Ok(Place { vhost, database, data, store, port: self.rabbit.port() })
    }

    pub(crate) fn url(&self, name: &str) -> anyhow::Result<RepositoryUrl> {
        Ok(RepositoryUrl::parse(&self.upstream.url_of(name), UrlRules::OnlyHttp)?)
    }

    pub(crate) async fn publish(&self, place: &Place, messages: &[Message]) -> anyhow::Result<()> {
        let publisher = Publisher::connect(&self.rabbit, &place.vhost).await?;
        for messages in messages.chunks(5000) {
            let bodies = messages.iter().map(|message| (&message.routing_key, &message.body));
            publisher.publish_many(elmo_upstream::EXCHANGE, bodies).await?;
        }
        publisher.close().await
    }

    /// How many messages wait in the worker's queue.
    pub(crate) async fn depth(&self, place: &Place) -> anyhow::Result<Option<u32>> {
        self.rabbit.queue_depth(&place.vhost, &self.queue).await
    }

    /// Starts a worker and waits until its queue is there.
    pub(crate) async fn bound_worker(&self, place: &Place, filter: &str) -> anyhow::Result<Worker> {
        let worker = Worker::start(place, filter)?;
        until("the queue is there", PATIENCE, async || self.depth(place).await.ok().flatten().is_some()).await;
        Ok(worker)
    }

    /// Starts a worker with more settings, and waits until it consumes results of tasks.
    pub(crate) async fn worker_of_tasks(&self, place: &Place, filter: &str, settings: &str) -> anyhow::Result<Worker> {
        let worker = Worker::start_with(place, filter, settings)?;
        let consumers = async || self.rabbit.consumers(&place.vhost, QUEUE_OF_TASKS).await.ok().flatten();
        until("results are consumed", PATIENCE, async || consumers().await.is_some_and(|consumers| consumers > 0)).await;
        Ok(worker)
    }

    /// Starts a worker and lets it hear of new repositories, a message each, until all are complete.
    pub(crate) async fn worker_that_took(&self, place: &Place, messages: &[Message], filter: &str) -> anyhow::Result<Worker> {
        let worker = self.bound_worker(place, filter).await?;
        self.publish(place, messages).await?;
        place.until_complete(messages.len()).await?;
        Ok(worker)
    }
}

impl Place {
    pub(crate) async fn last_push(&self, name: &RepositoryName) -> anyhow::Result<u64> {
        Ok(self.store.repository(name).await?.map_or(0, |repository| repository.last_push))
    }

    /// How many messages have been written down so far.
    pub(crate) async fn taken(&self) -> anyhow::Result<usize> {
        let counts = self.store.message_counts().await?;
        Ok(usize::try_from(counts.iter().map(|count| count.count).sum::<i64>())?)
    }

    /// Waits until so many repositories are complete.
    pub(crate) async fn until_complete(&self, repositories: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let found = self.store.repositories().await?;
            let complete = found.iter().filter(|repository| repository.state() == State::Complete).count();
            if complete >= repositories {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let failing = found.iter().find_map(|repository| repository.error.clone());
                bail!("{complete} of {repositories} repositories are complete; {}", failing.unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// `elmo consume-pulse`, ended when dropped.
pub(crate) struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    pub(crate) fn start(place: &Place, filter: &str) -> anyhow::Result<Worker> {
        Worker::start_with(place, filter, "")
    }

    /// Starts a worker that serves pages and takes webhooks too, signed by `secret`; gives its address.
    pub(crate) fn with_pages(place: &Place, filter: &str, secret: &str) -> anyhow::Result<(Worker, String)> {
        let listen = format!("127.0.0.1:{}", free_port());
        let environment = [("ELMO_LISTEN", listen.as_str()), ("GITHUB_WEBHOOK_SECRET", secret)];
        Ok((Worker::start_as("run", place, filter, "", &environment)?, format!("http://{listen}")))
    }

    /// The same with more settings.
    pub(crate) fn start_with(place: &Place, filter: &str, more: &str) -> anyhow::Result<Worker> {
        Worker::start_as("consume-pulse", place, filter, more, &[])
    }

    #[expect(clippy::disallowed_methods, reason = "a bench runs the program as an operator does")]
    fn start_as(command: &str, place: &Place, filter: &str, more: &str, environment: &[(&str, &str)]) -> anyhow::Result<Worker> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let (settings, log) = (place.data.join(format!("worker{number}.toml")), place.data.join(format!("worker{number}.log")));
        std::fs::write(&settings, format!("{more}[log]\nfilter = \"{filter}\"\nformat = \"json\"\n"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_elmo"))
            .arg(command)
            .envs(environment.iter().copied())
            .envs(RabbitMq::pulse_settings(place.port, &place.vhost))
            .env("DATABASE_URL", &place.database)
            .env("ELMO_DATA", &place.data)
            .env("ELMO_CONFIG", settings)
            .env("ELMO_PRIVATE_HOSTS", "127.0.0.1")
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("the worker does not start")?;
        Ok(Worker { child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The value, in MiB, of a line of `/proc/PID/status` such as `VmHWM`.
    pub(crate) fn memory(&self, line: &str) -> anyhow::Result<f64> {
        process::memory(self.pid(), line)
    }

    /// How long each log line with this message says that it took, in milliseconds.
    pub(crate) fn logged(&self, message: &str) -> anyhow::Result<Vec<f64>> {
        let text = std::fs::read_to_string(&self.log)?;
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let wanted = lines.filter(|line| line["fields"]["message"] == message);
        Ok(wanted.filter_map(|line| line["fields"]["duration_ms"].as_f64()).collect())
    }

    /// How long clones took, and how long everything else that was brought up to date; in milliseconds.
    pub(crate) fn clone_and_rest(&self) -> anyhow::Result<(f64, f64)> {
        let (cloned, whole): (f64, f64) = (self.logged("cloned")?.iter().sum(), self.logged("up to date")?.iter().sum());
        Ok((cloned, whole - cloned))
    }

    /// SIGTERM, then waits for the end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let status = terminate(&mut self.child)?;
        anyhow::ensure!(status.success(), "the worker ended with {status}; its log is\n{}", std::fs::read_to_string(&self.log)?);
        Ok(())
    }
}

fn terminate(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let pid = Pid::from_raw(child.id().cast_signed()).context("no process id")?;
    kill_process(pid, Signal::TERM)?;
    Ok(child.wait()?)
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `elmo serve` in a folder with an `elmo.toml`, ended when dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "a bench runs the program as an operator does")]
    pub(crate) fn start(folder: &TempDir) -> anyhow::Result<Server> {
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_elmo"));
        let child = command.arg("serve").current_dir(folder.path()).env("ELMO_LISTEN", &address).stdin(Stdio::null()).spawn()?;
        Ok(Server { child, address: format!("http://{address}") })
    }

    /// Runs another command of the program in the folder.
    #[expect(clippy::disallowed_methods, reason = "a bench runs the program as an operator does")]
    pub(crate) fn run_once(folder: &TempDir, arguments: &[&str]) -> anyhow::Result<()> {
        let done = Command::new(env!("CARGO_BIN_EXE_elmo")).args(arguments).current_dir(folder.path()).output()?;
        anyhow::ensure!(done.status.success(), "elmo {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The value, in MiB, of a line of `/proc/PID/status` such as `VmHWM`.
    pub(crate) fn memory(&self, line: &str) -> anyhow::Result<f64> {
        process::memory(self.pid(), line)
    }

    /// Waits until it answers.
    pub(crate) async fn until_it_serves(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let address = self.address.trim_start_matches("http://");
        while tokio::net::TcpStream::connect(address).await.is_err() {
            anyhow::ensure!(began.elapsed() < PATIENCE, "the server does not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// SIGTERM, then waits for the end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let status = terminate(&mut self.child)?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A whole number of things, scaled.
pub(crate) fn scaled(number: usize, scale: f64) -> usize {
    ((number as f64 * scale).round() as usize).max(1)
}

/// Copies a folder with all that is in it, but for links.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let (entry, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if entry.is_dir() {
            copy_folder(&entry, &target)?;
        } else if !entry.is_symlink() {
            std::fs::copy(&entry, &target)?;
        }
    }
    Ok(())
}
