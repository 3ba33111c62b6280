//! Which queues are consumed, and where.

use super::sections::Deployment;
use super::{Config, ConfigError};
use crate::domain::{GITHUB_PUSHES, GITHUB_WEBHOOKS, HGPUSHES, TASK_COMPLETED};
use crate::pulse::{Broker, Subscription};

/// A queue of pushes to GitHub, which is bound by what is followed.
#[derive(Clone, Debug)]
pub struct GithubQueue {
    pub subscription: Subscription,
    /// The hosts whose repositories are told of there.
    pub hosts: Vec<String>,
}

impl Config {
    /// The queue of pushes.
    ///
    /// # Errors
    /// When there is no account.
    pub fn hg_pushes(&self) -> Result<Subscription, ConfigError> {
        if self.pulse.user.is_empty() {
            return Err(ConfigError::Missing("PULSE_USER"));
        }
        if self.password.is_empty() {
            return Err(ConfigError::Missing("PULSE_PASSWORD"));
        }
        Ok(Subscription {
            broker: Broker {
                host: self.pulse.host.clone(),
                vhost: self.pulse.vhost.clone(),
                user: self.pulse.user.clone(),
                password: self.password.clone(),
            },
            exchange: HGPUSHES.to_owned(),
            queue: "hgmo".to_owned(),
            bindings: vec!["#".to_owned()],
            expires: self.pulse.ttl,
            queue_type: self.pulse.queue_type,
            prefetch: self.pulse.prefetch.max(1),
            batch: self.pulse.batch.clamp(1, usize::from(self.pulse.prefetch.max(1))),
            root: None,
        })
    }

    /// The queue of tasks of each deployment, on connections of their own.
    ///
    /// # Errors
    /// When there is no account.
    pub fn tasks(&self) -> Result<Vec<Subscription>, ConfigError> {
        let pushes = self.hg_pushes()?;
        let of_deployment = |deployment: &Deployment| Subscription {
            broker: self.broker_at(&deployment.vhost, &pushes),
            exchange: TASK_COMPLETED.to_owned(),
            queue: "taskcluster".to_owned(),
            bindings: deployment.routes.iter().map(|route| format!("route.{route}")).collect(),
            prefetch: self.taskcluster.prefetch.clamp(1, 1000),
            batch: 1,
            root: Some(deployment.root.clone()),
            expires: pushes.expires,
            queue_type: pushes.queue_type,
        };
        Ok(self.taskcluster.deployments.iter().map(of_deployment).collect())
    }

    /// The queues of pushes to GitHub: what Taskcluster tells, and webhooks that somebody republishes.
    ///
    /// # Errors
    /// When there is no account.
    pub fn github_pushes(&self) -> Result<Vec<GithubQueue>, ConfigError> {
        let pushes = self.hg_pushes()?;
        let queue = |vhost: &String, exchange: &str, name: &str| GithubQueue {
            subscription: Subscription {
                broker: self.broker_at(vhost, &pushes),
                exchange: exchange.to_owned(),
                queue: name.to_owned(),
                bindings: Vec::new(),
                ..pushes.clone()
            },
            hosts: self.github.hosts.clone(),
        };
        let taskcluster = self.github.taskcluster.iter().map(|vhost| queue(vhost, GITHUB_PUSHES, "github"));
        let webhooks = self.github.webhooks.iter().map(|vhost| queue(vhost, GITHUB_WEBHOOKS, "github-webhooks"));
        Ok(taskcluster.chain(webhooks).collect())
    }

    /// The broker on another vhost, if one is named.
    fn broker_at(&self, vhost: &str, pushes: &Subscription) -> Broker {
        let vhost = if vhost.is_empty() { &self.pulse.vhost } else { vhost };
        Broker { vhost: vhost.to_owned(), ..pushes.broker.clone() }
    }
}
