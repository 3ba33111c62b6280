//! Where the disturbed workers live: a broker and a database of their own, workers and web servers as processes.

use crate::outside::{News, Outside, SECRET};
use crate::process::{Process, Surroundings};
use crate::struck::Strike;
use anyhow::{Context, bail};
use elmo::store::Store;
use elmo_testbed::{Cable, Postgres, Publisher, RabbitMq, free_port, until};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::sync::Mutex;

/// Which database the disturbed workers have; of SQLite, there is one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// The queues of workers.
pub const QUEUES: [&str; 2] = ["queue/elmo/hgmo", "queue/elmo/taskcluster"];
/// A lease is over after so long.
pub const LEASE: Duration = Duration::from_secs(2);
/// How long anything may take when nothing is wrong any more.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What a small disk holds, in MiB: the clones of a run in several copies.
const SMALL_DISK: u32 = 256;

/// Everything that can be struck.
pub struct Place {
    pub rabbit: RabbitMq,
    pub vhost: String,
    /// Between workers and the broker.
    pub cable: Cable,
    pub postgres: Option<Postgres>,
    pub store: Store,
    pub database: String,
    pub workers: Vec<Worker>,
    pub servers: Vec<Server>,
    /// Disks that hold nothing but the data of workers.
    pub small_disks: Vec<SmallDisk>,
    http: Client,
}

/// A place for a worker: at most one process at a time.
pub struct Worker {
    pub surroundings: Surroundings,
    process: Mutex<Option<Process>>,
}

/// A web server, which nothing happens to.
pub struct Server {
    pub url: String,
    process: Mutex<Process>,
}

/// A broker, and a database unless it is a file.
pub struct Servers {
    rabbit: RabbitMq,
    postgres: Option<Postgres>,
}

impl Servers {
    /// Of their own, which can be struck.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn of_their_own(on: On) -> anyhow::Result<Servers> {
        let postgres = if on == On::Postgres { Some(Postgres::start().await?) } else { None };
        Ok(Servers { rabbit: RabbitMq::start_with_vhosts(1).await?, postgres })
    }

    /// Those that stories share.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn of_this_run(on: On) -> anyhow::Result<Servers> {
        let postgres = if on == On::Postgres { Some(Postgres::of_this_run().await?) } else { None };
        Ok(Servers { rabbit: RabbitMq::of_this_run().await?, postgres })
    }
}

impl Place {
    /// Prepares so many workers, of which none runs yet, and starts web servers.
    ///
    /// # Errors
    /// When the folder or a database cannot be made.
    pub async fn new(folder: &Path, program: &Path, outside: &Outside, servers: Servers, workers: usize) -> anyhow::Result<Place> {
        std::fs::create_dir_all(folder)?;
        let Servers { rabbit, postgres } = servers;
        let vhost = rabbit.take_vhost()?;
        let cable = Cable::to(rabbit.addr()).await?;
        let database = match &postgres {
            Some(postgres) => postgres.create_database(None).await?,
            None => format!("sqlite:{}", folder.join("elmo.sqlite").display()),
        };
        let store = Store::open(&database).await?;
        outside.follow(&store).await?;
        let settings: Vec<(&'static str, String)> = RabbitMq::pulse_settings(cable.addr().port(), &vhost).into();
        let surroundings = |name: String, data: String| -> anyhow::Result<Surroundings> {
            let own = folder.join(&name);
            std::fs::create_dir_all(&own)?;
            std::fs::write(own.join("elmo.toml"), toml(outside))?;
            let (data, clock, log) = (folder.join(data), own.join("clock"), own.join("log"));
            let (program, database, settings) = (program.to_owned(), database.clone(), settings.clone());
            Ok(Surroundings { program, folder: own, data, database, clock, settings, log })
        };
        // The first two share their clones, as on one machine; each further one has its own.
        let data = |worker: usize| format!("data-{}", worker.saturating_sub(1));
        let workers = (0..workers).map(|number| Ok(Worker::new(surroundings(format!("worker-{number}"), data(number))?)));
        let workers = workers.collect::<anyhow::Result<Vec<Worker>>>()?;
        let mut servers = Vec::new();
        for number in 0..2 {
            servers.push(Server::start(surroundings(format!("server-{number}"), data(0))?)?);
        }
        let http = Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Place { rabbit, vhost, cable, postgres, store, database, workers, servers, small_disks: Vec::new(), http })
    }

    /// Puts the data of the workers, of which none runs yet, on small disks.
    ///
    /// # Errors
    /// When this process may not mount.
    pub fn mount_small_disks(&mut self) -> anyhow::Result<()> {
        let folders: BTreeSet<&PathBuf> = self.workers.iter().map(|worker| &worker.surroundings.data).collect();
        self.small_disks = folders.into_iter().map(|folder| SmallDisk::mounted_at(folder)).collect::<anyhow::Result<_>>()?;
        Ok(())
    }

    /// Starts all workers and waits until both queues are there.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(&self) -> anyhow::Result<()> {
        for worker in &self.workers {
            worker.start(None).await?;
        }
        for queue in QUEUES {
            let consumers = async || self.rabbit.consumers(&self.vhost, queue).await.ok().flatten().unwrap_or(0);
            until("the workers consume", PATIENCE, async || consumers().await > 0).await;
        }
        Ok(())
    }

    /// Publishes, or sends as a webhook.
    ///
    /// # Errors
    /// When it did not arrive; it may be sent again.
    pub async fn send(&self, news: &News) -> anyhow::Result<()> {
        match news {
            News::Hook(message) => self.send_hook(&message.routing_key, &message.body).await,
            News::Push(message) | News::Hg(message) => {
                let publisher = Publisher::connect(&self.rabbit, &self.vhost).await?;
                publisher.publish(&message.exchange, &message.routing_key, &message.body).await?;
                publisher.close().await
            }
            News::Result { sent, .. } => {
                let publisher = Publisher::connect(&self.rabbit, &self.vhost).await?;
                publisher.publish_copied(sent.exchange, &sent.routing_key, &sent.copies, &sent.body).await?;
                publisher.close().await
            }
        }
    }

    async fn send_hook(&self, event: &str, body: &[u8]) -> anyhow::Result<()> {
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?.chain_update(body);
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let server = &self.servers[fastrand::usize(..self.servers.len())];
        let request = self.http.post(format!("{}/hooks/github", server.url)).header("content-type", "application/json");
        let request = request.header("x-github-event", event).header("x-github-delivery", "chaos");
        let answer = request.header("x-hub-signature-256", format!("sha256={hex}")).body(body.to_vec()).send().await?;
        if !answer.status().is_success() {
            bail!("the webhook got {}", answer.status());
        }
        Ok(())
    }

    /// How many messages wait at the broker or are in hand; none while it does not say.
    pub async fn waiting(&self) -> Option<u32> {
        let mut waiting = 0;
        for queue in QUEUES {
            waiting += self.rabbit.queue_depth(&self.vhost, queue).await.ok().flatten()?;
        }
        Some(waiting)
    }

    /// Runs a command on the disturbed database.
    ///
    /// # Errors
    /// When the program does not start.
    pub async fn run(&self, arguments: &[&str]) -> anyhow::Result<std::process::Output> {
        self.workers[0].surroundings.run(arguments).await
    }

    /// Asks a web server; gives status and body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&self, server: usize, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = self.http.get(format!("{}{path}", self.servers[server].url)).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Ends all processes in order; says which did not end well.
    ///
    /// # Errors
    /// When one cannot be waited for.
    pub async fn stop(&self) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        for worker in &self.workers {
            if let Some(process) = worker.process.lock().await.take() {
                let ended = process.terminate().await?;
                if ended != Some(0) {
                    wrong.push(format!("a worker told to stop ended with {ended:?}"));
                }
            }
        }
        Ok(wrong)
    }
}

/// A disk that can be full; it ends with this.
pub struct SmallDisk {
    pub folder: PathBuf,
}

impl SmallDisk {
    fn mounted_at(folder: &Path) -> anyhow::Result<SmallDisk> {
        std::fs::create_dir_all(folder)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SMALL_DISK}m"), "elmo"]).arg(folder);
        let mounted = mount.output().context("mount does not start")?;
        if !mounted.status.success() {
            bail!("{}: {}", folder.display(), String::from_utf8_lossy(&mounted.stderr).trim());
        }
        Ok(SmallDisk { folder: folder.to_owned() })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A process that is just being killed may have something open there.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

impl Worker {
    fn new(surroundings: Surroundings) -> Worker {
        Worker { surroundings, process: Mutex::new(None) }
    }

    /// Starts a process, in place of one that has ended.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self, strike: Option<Strike>) -> anyhow::Result<()> {
        *self.process.lock().await = Some(self.surroundings.start(&["consume-pulse"], strike)?);
        Ok(())
    }

    /// SIGKILL, whatever it is at.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn kill(&self) -> anyhow::Result<()> {
        match self.process.lock().await.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Does something with the process.
    ///
    /// # Errors
    /// When none runs.
    pub async fn with<T>(&self, ask: impl FnOnce(&mut Process) -> T) -> anyhow::Result<T> {
        self.process.lock().await.as_mut().map(ask).context("no process runs here")
    }
}

impl Server {
    fn start(mut surroundings: Surroundings) -> anyhow::Result<Server> {
        let address = format!("127.0.0.1:{}", free_port());
        surroundings.settings.push(("ELMO_LISTEN", address.clone()));
        surroundings.settings.push(("GITHUB_WEBHOOK_SECRET", SECRET.to_owned()));
        Ok(Server { url: format!("http://{address}"), process: Mutex::new(surroundings.start(&["serve"], None)?) })
    }

    /// It has ended by itself, which it never should.
    pub async fn has_ended(&self) -> bool {
        self.process.lock().await.has_ended()
    }
}

/// Short leases and waits: what takes minutes in earnest takes seconds here.
fn toml(outside: &Outside) -> String {
    format!(
        "[sync]\nlanes = 3\nlease = \"{}s\"\nfirst_wait = \"100ms\"\nevery = \"15s\"\n\
         [fetch]\ntimeout = \"5s\"\n\
         [hg]\nclone_timeout = \"20s\"\npull_timeout = \"10s\"\n[git]\nclone_timeout = \"20s\"\nfetch_timeout = \"10s\"\n\
         [log]\nfilter = \"info,elmo=debug\"\n\
         [taskcluster]\ndeployments = [{{ root = \"{}\" }}]\nprivate_hosts = [\"127.0.0.1\"]\n",
        LEASE.as_secs(),
        outside.root()
    )
}

/// The program that this process is.
///
/// # Errors
/// When the system does not say.
pub fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program does not find itself")
}
