//! A publisher like hg.mozilla.org's on Pulse: bodies go in as bytes, and come out as persistent messages.

use anyhow::{Context, Result, ensure};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable},
};

use crate::RabbitMq;

/// A connection of the user `hgmo` that waits for the broker's confirms.
pub struct Publisher {
    connection: Connection,
    channel: Channel,
}

impl Publisher {
    /// Connects to a vhost of a node.
    pub async fn connect(rabbit: &RabbitMq, vhost: &str) -> Result<Self> {
        Self::connect_to(&rabbit.url(vhost, "hgmo")).await
    }

    /// Connects to an address, for instance one with a cable in between.
    pub async fn connect_to(url: &str) -> Result<Self> {
        let connection =
            Connection::connect(url, ConnectionProperties::default()).await.context("could not connect a publisher")?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { connection, channel })
    }

    /// Publishes one message, which the broker has safe when this returns.
    pub async fn publish(&self, exchange: &str, routing_key: &str, body: &[u8]) -> Result<()> {
        let confirm = self.send(exchange, routing_key, body).await?;
        check(confirm).await
    }

    /// Publishes one message as Taskcluster's queue does: to its own key and, by the header `CC`, to these.
    pub async fn publish_copied(&self, exchange: &str, routing_key: &str, copies: &[String], body: &[u8]) -> Result<()> {
        let keys: Vec<AMQPValue> = copies.iter().map(|key| AMQPValue::LongString(key.as_str().into())).collect();
        let mut headers = FieldTable::default();
        headers.insert("CC".into(), AMQPValue::FieldArray(keys.into()));
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_content_encoding("utf-8".into())
            .with_delivery_mode(2)
            .with_headers(headers);
        let published =
            self.channel.basic_publish(exchange.into(), routing_key.into(), BasicPublishOptions::default(), body, properties);
        check(published.await.with_context(|| format!("could not publish to {exchange}"))?).await
    }

    /// Publishes messages in their order and waits for the confirms at the end.
    pub async fn publish_many<Key: AsRef<str>, Body: AsRef<[u8]>>(
        &self,
        exchange: &str,
        messages: impl IntoIterator<Item = (Key, Body)>,
    ) -> Result<()> {
        let mut confirms = Vec::new();
        for (routing_key, body) in messages {
            confirms.push(self.send(exchange, routing_key.as_ref(), body.as_ref()).await?);
        }
        for confirm in confirms {
            check(confirm).await?;
        }
        Ok(())
    }

    /// Closes the connection in order.
    pub async fn close(self) -> Result<()> {
        self.connection.close(200, "done".into()).await?;
        Ok(())
    }

    async fn send(&self, exchange: &str, routing_key: &str, body: &[u8]) -> Result<PublisherConfirm> {
        self.channel
            .basic_publish(exchange.into(), routing_key.into(), BasicPublishOptions::default(), body, properties())
            .await
            .with_context(|| format!("could not publish to {exchange}"))
    }
}

async fn check(confirm: PublisherConfirm) -> Result<()> {
    let confirmation = confirm.await.context("no confirm came")?;
    ensure!(confirmation.is_ack(), "the broker did not take the message");
    Ok(())
}

/// Exactly those that the notifier of hg.mozilla.org sets.
fn properties() -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_delivery_mode(2)
        .with_priority(0)
        .with_headers(FieldTable::default())
}
