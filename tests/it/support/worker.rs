//! The program itself as a worker, on a broker with Pulse's rights.

use super::program::{command, tell};
use super::{PATIENCE, World, until};
use elmo::domain::Message;
use elmo_testbed::{Publisher, RabbitMq};
use rustix::process::Signal;
use std::path::PathBuf;
use tokio::process::Child;

/// A virtual host of a RabbitMQ, and somebody who publishes there as hg.mozilla.org does.
pub(crate) struct Pulse {
    pub(crate) rabbit: RabbitMq,
    pub(crate) vhost: String,
}

const QUEUE: &str = "queue/elmo/hgmo";
const QUEUE_OF_RESULTS: &str = "queue/elmo/taskcluster";

impl Pulse {
    /// On the broker of this run.
    pub(crate) async fn new() -> Pulse {
        let rabbit = RabbitMq::of_this_run().await.expect("RabbitMQ starts");
        let vhost = rabbit.take_vhost().expect("a virtual host is free");
        Pulse { rabbit, vhost }
    }

    /// On a broker of its own, which can be stopped.
    pub(crate) async fn of_its_own() -> Pulse {
        let rabbit = RabbitMq::start_with_vhosts(1).await.expect("RabbitMQ starts");
        let vhost = rabbit.take_vhost().expect("a virtual host is free");
        Pulse { rabbit, vhost }
    }

    pub(crate) async fn publish(&self, messages: &[Message]) {
        let publisher = Publisher::connect(&self.rabbit, &self.vhost).await.expect("the publisher connects");
        for message in messages {
            publisher.publish(&message.exchange, &message.routing_key, &message.body).await.expect("the message is published");
        }
        publisher.close().await.expect("the publisher closes");
    }

    /// Publishes a message as Taskcluster's queue does.
    pub(crate) async fn publish_result(&self, message: &elmo_queue::Message) {
        let publisher = Publisher::connect(&self.rabbit, &self.vhost).await.expect("the publisher connects");
        let elmo_queue::Message { exchange, routing_key, copies, body } = message;
        publisher.publish_copied(exchange, routing_key, copies, body).await.expect("the message is published");
        publisher.close().await.expect("the publisher closes");
    }

    /// How many messages about tasks are there that no worker has in hand.
    pub(crate) async fn results(&self) -> Option<u32> {
        self.rabbit.queue_depth(&self.vhost, QUEUE_OF_RESULTS).await.ok().flatten()
    }

    pub(crate) async fn depth(&self) -> Option<u32> {
        self.rabbit.queue_depth(&self.vhost, QUEUE).await.ok().flatten()
    }

    /// Waits until a worker consumes, which it does after its queue is declared and bound.
    pub(crate) async fn until_consumed(&self) {
        until("a worker consumes", PATIENCE, async || self.consumers(QUEUE).await > 0).await;
    }

    /// Waits until a worker consumes messages about tasks.
    pub(crate) async fn until_results_are_consumed(&self) {
        until("a worker consumes results", PATIENCE, async || self.consumers(QUEUE_OF_RESULTS).await > 0).await;
    }

    /// Deletes the worker's queue, as `PulseGuardian` does with one that grows too long.
    pub(crate) async fn delete_queue(&self) {
        self.rabbit.delete_queue(&self.vhost, QUEUE).await.expect("the queue is deleted");
    }

    /// The same with its queue of messages about tasks.
    pub(crate) async fn delete_queue_of_results(&self) {
        self.rabbit.delete_queue(&self.vhost, QUEUE_OF_RESULTS).await.expect("the queue is deleted");
    }

    async fn consumers(&self, queue: &str) -> u32 {
        self.rabbit.consumers(&self.vhost, queue).await.ok().flatten().unwrap_or(0)
    }
}

/// `elmo consume-pulse`, ended when dropped.
pub(crate) struct Worker {
    child: Child,
}

impl Worker {
    /// Starts a worker on the world's database and data folder.
    pub(crate) fn start(world: &World, pulse: &Pulse) -> Worker {
        Worker::start_in(world, pulse, world.data(), pulse.rabbit.port())
    }

    /// A worker that consumes from a vhost of its own on the broker of this run.
    pub(crate) async fn consuming(world: &World) -> (Pulse, Worker) {
        Worker::consuming_with(world, "").await
    }

    /// The same with further settings, as elmo.toml has them.
    pub(crate) async fn consuming_with(world: &World, settings: &str) -> (Pulse, Worker) {
        let pulse = Pulse::new().await;
        let worker = Worker::start_configured(world, &pulse, world.data(), pulse.rabbit.port(), settings);
        pulse.until_consumed().await;
        (pulse, worker)
    }

    /// Starts a worker that reaches the broker by another port, through a cable.
    pub(crate) fn start_in(world: &World, pulse: &Pulse, data: PathBuf, port: u16) -> Worker {
        Worker::start_configured(world, pulse, data, port, "")
    }

    /// Starts a worker with further settings, as elmo.toml has them.
    pub(crate) fn start_with(world: &World, pulse: &Pulse, settings: &str) -> Worker {
        Worker::start_configured(world, pulse, world.data(), pulse.rabbit.port(), settings)
    }

    fn start_configured(world: &World, pulse: &Pulse, data: PathBuf, port: u16, settings: &str) -> Worker {
        let account = RabbitMq::pulse_settings(port, &pulse.vhost).into();
        let mut command = command(world, account, &["consume-pulse"]);
        command.env("ELMO_DATA", data).env("ELMO_CONFIG", config_of(world, settings));
        Worker { child: command.spawn().expect("the worker starts") }
    }

    /// SIGKILL, at whatever it is doing.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("the worker is killed");
    }

    /// SIGTERM; gives the exit code.
    pub(crate) async fn terminate(mut self) -> Option<i32> {
        tell(&self.child, Signal::TERM);
        let status = tokio::time::timeout(std::time::Duration::from_secs(10), self.child.wait()).await;
        status.expect("the worker stops within 10 s").expect("its status").code()
    }
}

/// Short leases and waits, so that stories are short.
pub(super) fn config_of(world: &World, more: &str) -> PathBuf {
    let path = world.folder().join("elmo.toml");
    let own = "[sync]\nlease = \"2s\"\nfirst_wait = \"200ms\"\n[log]\nfilter = \"warn,elmo=debug\"\n";
    let taskcluster = std::fs::read_to_string(world.folder().join("taskcluster.toml"));
    let taskcluster = taskcluster.unwrap_or_else(|_| "[taskcluster]\ndeployments = []\n".to_owned());
    std::fs::write(&path, format!("{own}{taskcluster}{more}")).expect("settings");
    path
}
