//! Which queues are consumed, and where.

use super::sections::Deployment;
use super::{Config, ConfigError};
use crate::domain::{HGPUSHES, TASK_COMPLETED};
use crate::pulse::{Broker, Subscription};

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
        let of_deployment = |deployment: &Deployment| {
            let vhost = if deployment.vhost.is_empty() { &self.pulse.vhost } else { &deployment.vhost };
            Subscription {
                broker: Broker { vhost: vhost.clone(), ..pushes.broker.clone() },
                exchange: TASK_COMPLETED.to_owned(),
                queue: "taskcluster".to_owned(),
                bindings: deployment.routes.iter().map(|route| format!("route.{route}")).collect(),
                prefetch: self.taskcluster.prefetch.clamp(1, 1000),
                batch: 1,
                root: Some(deployment.root.clone()),
                expires: pushes.expires,
                queue_type: pushes.queue_type,
            }
        };
        Ok(self.taskcluster.deployments.iter().map(of_deployment).collect())
    }
}
