//! A RabbitMQ node with the users, rights and exchanges of Pulse in each of its vhosts.

use std::{
    env, fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use elmo_upstream::ports::loopback;
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    free_port,
    own_server::{Crash, OwnServer},
};

/// The exchanges that each vhost has, all durable and of type topic.
pub const EXCHANGES: [&str; 4] = [
    "exchange/hgpushes/v2",
    "exchange/taskcluster-queue/v1/task-completed",
    "exchange/taskcluster-github/v1/push",
    "exchange/github-webhooks/v1",
];

/// Each has its name as password.
const USERS: [User; 3] = [
    User { name: "admin", tags: "administrator", configure: ".*", write: ".*", read: ".*" },
    User {
        name: "elmo",
        tags: "",
        configure: "^(queue/elmo/.*|exchange/elmo/.*)",
        write: "^(queue/elmo/.*|exchange/elmo/.*)",
        read: "^(queue/elmo/.*|exchange/.*)",
    },
    User { name: "hgmo", tags: "", configure: "^exchange/.*", write: "^exchange/.*", read: "^exchange/.*" },
];

/// Debian's program in /usr/sbin changes the user and the folders; this is the one it calls.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const VARIABLE: &str = "ELMO_TEST_RABBITMQ";
const VHOSTS: usize = 8;
const VHOSTS_OF_A_RUN: usize = 32;
const LONGEST_START: Duration = Duration::from_secs(120);
/// An administrator is answered within so long, or asks again.
const LONGEST_ACT: Duration = Duration::from_secs(10);

/// A node on loopback: its own, which ends with this value, or the one of the whole run, which does not.
pub struct RabbitMq {
    port: u16,
    vhosts: usize,
    folder: PathBuf,
    own: Option<OwnNode>,
}

struct OwnNode {
    server: OwnServer,
    distribution_port: u16,
}

struct User {
    name: &'static str,
    tags: &'static str,
    configure: &'static str,
    write: &'static str,
    read: &'static str,
}

impl RabbitMq {
    /// Starts a node with the vhosts `v0` to `v7`.
    pub async fn start() -> Result<Self> {
        Self::start_with_vhosts(VHOSTS).await
    }

    /// Starts a node with the vhosts `v0` to `v{vhosts - 1}`.
    pub async fn start_with_vhosts(vhosts: usize) -> Result<Self> {
        ensure!(vhosts > 0, "a node needs a vhost");
        let folder = tempfile::Builder::new().prefix("elmo-rabbitmq-").tempdir()?;
        let rabbit = Self {
            port: free_port(),
            vhosts,
            folder: folder.path().to_owned(),
            own: Some(OwnNode { server: OwnServer::in_folder(folder, Crash::Kill)?, distribution_port: free_port() }),
        };
        rabbit.write_configuration()?;
        rabbit.link_program()?;
        rabbit.run().await?;
        Ok(rabbit)
    }

    /// Attaches to the node that the program `testbed` has started, or else to one that this process's tests share.
    pub async fn of_this_run() -> Result<Self> {
        static SHARED: OnceCell<RabbitMq> = OnceCell::const_new();
        if let Ok(description) = env::var(VARIABLE) {
            return Self::described_by(&description).with_context(|| format!("{VARIABLE}={description}"));
        }
        let shared = SHARED.get_or_try_init(|| Self::start_with_vhosts(VHOSTS_OF_A_RUN)).await?;
        Ok(Self { port: shared.port, vhosts: shared.vhosts, folder: shared.folder.clone(), own: None })
    }

    /// The environment variable by which [`RabbitMq::of_this_run`] finds this node from another process.
    pub fn variable(&self) -> (&'static str, String) {
        let description = json!({"port": self.port, "vhosts": self.vhosts, "folder": self.folder});
        (VARIABLE, description.to_string())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn addr(&self) -> SocketAddr {
        loopback(self.port)
    }

    /// The process of a node of its own, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref()?.server.pid()
    }

    /// The address of a vhost for one of the users `elmo`, `hgmo` and `admin`.
    pub fn url(&self, vhost: &str, user: &str) -> String {
        self.url_via(self.addr(), vhost, user)
    }

    /// The address of a vhost by way of a [`Cable`](crate::Cable).
    pub fn url_via(&self, addr: SocketAddr, vhost: &str, user: &str) -> String {
        let (user, vhost) = (percent_encoded(user), percent_encoded(vhost));
        format!("amqp://{user}:{user}@{addr}/{vhost}")
    }

    /// The settings by which the program finds a vhost as the user `elmo`, at a port: the node's own or a
    /// [`Cable`](crate::Cable)'s.
    pub fn pulse_settings(port: u16, vhost: &str) -> [(&'static str, String); 4] {
        let (host, user) = (format!("amqp://{}", loopback(port)), "elmo".to_owned());
        [("PULSE_HOST", host), ("PULSE_VHOST", vhost.to_owned()), ("PULSE_PASSWORD", user.clone()), ("PULSE_USER", user)]
    }

    /// The address of a vhost for its administrator.
    pub fn admin_url(&self, vhost: &str) -> String {
        self.url(vhost, "admin")
    }

    /// Claims a vhost that no other test of this run uses, in whatever process.
    ///
    /// # Errors
    /// If all are taken.
    pub fn take_vhost(&self) -> Result<String> {
        let claims = self.folder.join("claims");
        for vhost in (0..self.vhosts).map(vhost) {
            match fs::File::create_new(claims.join(&vhost)) {
                Ok(_) => return Ok(vhost),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("could not claim a vhost"),
            }
        }
        bail!("all {} vhosts of the RabbitMQ node are taken: start it with more (testbed --vhosts N)", self.vhosts)
    }

    /// Kills the node, without a word to its clients; messages that it confirmed are safe.
    pub async fn kill(&self) -> Result<()> {
        self.own()?.server.crash().await
    }

    /// Stops the node in order: it closes its clients' connections (320, `CONNECTION_FORCED`).
    pub async fn stop(&self) -> Result<()> {
        self.own()?.server.stop().await
    }

    /// Starts the node again with the same port and data, after it was killed or stopped.
    pub async fn restart(&self) -> Result<()> {
        self.run().await
    }

    /// Lets the node block all connections that publish, as it does when its memory is used up.
    pub async fn raise_memory_alarm(&self) -> Result<()> {
        self.control(&["set_vm_memory_high_watermark", "0"]).await
    }

    /// Ends what [`RabbitMq::raise_memory_alarm`] began.
    pub async fn clear_memory_alarm(&self) -> Result<()> {
        self.control(&["set_vm_memory_high_watermark", "0.4"]).await
    }

    /// How many messages of a queue wait to be delivered; nothing if there is no such queue.
    pub async fn queue_depth(&self, vhost: &str, queue: &str) -> Result<Option<u32>> {
        Ok(self.look_at(vhost, queue).await?.map(|queue| queue.message_count()))
    }

    /// How many consumers a queue has; nothing if there is no such queue.
    pub async fn consumers(&self, vhost: &str, queue: &str) -> Result<Option<u32>> {
        Ok(self.look_at(vhost, queue).await?.map(|queue| queue.consumer_count()))
    }

    async fn look_at(&self, vhost: &str, queue: &str) -> Result<Option<lapin::Queue>> {
        self.as_admin(vhost, async |channel| {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            match channel.queue_declare(queue.into(), passive, FieldTable::default()).await {
                Ok(queue) => Ok(Some(queue)),
                Err(error) if is_not_found(&error) => Ok(None),
                Err(error) => Err(error).with_context(|| format!("could not look at {queue}")),
            }
        })
        .await
    }

    /// Deletes a queue with all its messages, as Pulse does with one that grows too long; it need not exist.
    pub async fn delete_queue(&self, vhost: &str, queue: &str) -> Result<()> {
        self.as_admin(vhost, async |channel| {
            let deleted = channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
            deleted.map(drop).with_context(|| format!("could not delete {queue}"))
        })
        .await
    }

    /// Deletes an exchange with its bindings; it need not exist.
    pub async fn delete_exchange(&self, vhost: &str, exchange: &str) -> Result<()> {
        self.as_admin(vhost, async |channel| {
            let deleted = channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await;
            deleted.with_context(|| format!("could not delete {exchange}"))
        })
        .await
    }

    async fn as_admin<T>(&self, vhost: &str, act: impl AsyncFnOnce(&Channel) -> Result<T>) -> Result<T> {
        let acted = async {
            let (connection, channel) = self.admin(vhost).await?;
            let done = act(&channel).await?;
            connection.close(200, "done".into()).await?;
            Ok(done)
        };
        // A node that starts or ends just now may leave a connection without any answer.
        tokio::time::timeout(LONGEST_ACT, acted).await.with_context(|| format!("{vhost} does not answer its administrator"))?
    }

    fn described_by(description: &str) -> Result<Self> {
        let description: Value = serde_json::from_str(description)?;
        let folder = description["folder"].as_str().context("no folder")?;
        Ok(Self {
            port: description["port"].as_u64().context("no port")?.try_into()?,
            vhosts: description["vhosts"].as_u64().context("no vhosts")?.try_into()?,
            folder: folder.into(),
            own: None,
        })
    }

    fn own(&self) -> Result<&OwnNode> {
        self.own.as_ref().context("the node is shared by the whole run: a test that disturbs it starts one of its own")
    }

    async fn admin(&self, vhost: &str) -> Result<(Connection, Channel)> {
        let connection = Connection::connect(&self.admin_url(vhost), ConnectionProperties::default())
            .await
            .with_context(|| format!("could not connect to {vhost} as admin"))?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    }

    fn write_configuration(&self) -> Result<()> {
        let folder = self.folder.display();
        let configuration = format!(
            "listeners.tcp.1 = {}\n\
             load_definitions = {folder}/definitions.json\n\
             disk_free_limit.absolute = 1MB\n",
            self.addr()
        );
        fs::create_dir(self.folder.join("claims"))?;
        fs::write(self.folder.join("rabbit.conf"), configuration)?;
        fs::write(self.folder.join("plugins"), "[].\n")?;
        fs::write(self.folder.join("definitions.json"), definitions(self.vhosts).to_string())?;
        Ok(())
    }

    /// Makes a RabbitMQ without plugins, of links into the one that is installed: Erlang looks for each of a thousand modules in
    /// one folder after the other, and a start takes half as long when most of them are not there.
    fn link_program(&self) -> Result<()> {
        let server = fs::canonicalize(SERVER)
            .with_context(|| format!("there is no {SERVER}: install the Debian package rabbitmq-server"))?;
        let installed = server.ancestors().nth(2).context("rabbitmq-server stands in no folder")?;
        let linked = self.program();
        fs::create_dir_all(linked.join("plugins"))?;
        symlink(installed.join("sbin"), linked.join("sbin"))?;
        symlink(installed.join("escript"), linked.join("escript"))?;
        for library in fs::read_dir(installed.join("plugins"))? {
            let library = library?;
            if !is_plugin(&library.file_name().to_string_lossy()) {
                symlink(library.path(), linked.join("plugins").join(library.file_name()))?;
            }
        }
        Ok(())
    }

    fn program(&self) -> PathBuf {
        self.folder.join("program")
    }

    async fn run(&self) -> Result<()> {
        let node = self.own()?;
        let mut command = self.script("rabbitmq-server", node);
        // The script then becomes the Erlang machine, instead of waiting for it.
        command.env("RUNNING_UNDER_SYSTEMD", "1");
        node.server.run(&mut command)?;
        self.until_ready(&node.server).await
    }

    /// The listener opens after the definitions are loaded.
    async fn until_ready(&self, server: &OwnServer) -> Result<()> {
        let start = Instant::now();
        loop {
            server.check_it_runs()?;
            match self.as_admin(&vhost(0), async |_| Ok(())).await {
                Ok(()) => return Ok(()),
                Err(error) if start.elapsed() > LONGEST_START => {
                    return Err(error.context("RabbitMQ did not start in time"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.script("rabbitmqctl", self.own()?);
        command.arg("-q").args(arguments);
        let output = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "rabbitmqctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn script(&self, name: &str, node: &OwnNode) -> Command {
        let mut command = Command::new(self.program().join("sbin").join(name));
        command
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_CONFIG_FILE", self.folder.join("rabbit"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_DIST_PORT", node.distribution_port.to_string())
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.folder.join("plugins"))
            .env("RABBITMQ_LOG_BASE", self.folder.join("log"))
            .env("RABBITMQ_MNESIA_BASE", self.folder.join("mnesia"))
            .env("RABBITMQ_NODENAME", format!("elmo-{}@localhost", self.port))
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_PID_FILE", self.folder.join("pid"))
            .env("RABBITMQ_SCRIPTS_DIR", self.program().join("sbin"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            .env("RABBITMQ_USE_LONGNAME", "false");
        command
    }
}

fn definitions(vhosts: usize) -> Value {
    let vhosts: Vec<_> = (0..vhosts).map(vhost).collect();
    let users = USERS.map(|user| json!({"name": user.name, "password": user.name, "tags": user.tags}));
    let permissions: Vec<_> = vhosts.iter().flat_map(|vhost| USERS.map(|user| permission(&user, vhost))).collect();
    let exchanges: Vec<_> = vhosts.iter().flat_map(|vhost| EXCHANGES.map(|name| exchange(name, vhost))).collect();
    json!({
        "users": users,
        "vhosts": vhosts.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "permissions": permissions,
        "exchanges": exchanges,
    })
}

fn permission(user: &User, vhost: &str) -> Value {
    json!({
        "user": user.name, "vhost": vhost,
        "configure": user.configure, "write": user.write, "read": user.read,
    })
}

fn exchange(name: &str, vhost: &str) -> Value {
    json!({
        "name": name, "vhost": vhost, "type": "topic",
        "durable": true, "auto_delete": false, "internal": false, "arguments": {},
    })
}

/// The other libraries are the server's own.
fn is_plugin(library: &str) -> bool {
    library.starts_with("rabbitmq_") && !library.starts_with("rabbitmq_prelaunch-")
}

fn vhost(number: usize) -> String {
    format!("v{number}")
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), lapin::ErrorKind::ProtocolError(error) if error.get_id() == 404)
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
