//! One connection to the broker with what is declared on it.

use super::{Broker, PulseError, QueueType, Subscription};
use lapin::options::{BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};
use std::time::Duration;

/// A connection that does not come about in this time is given up.
const CONNECTING: Duration = Duration::from_secs(30);
/// Both sides notice a dead line within twice this.
const HEARTBEAT_SECONDS: u16 = 30;
/// Reply codes of AMQP 0.9.1.
const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;

pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) channel: Channel,
}

impl Session {
    /// Connects.
    pub(super) async fn open(broker: &Broker) -> Result<Session, PulseError> {
        let uri = uri(broker)?;
        let properties = ConnectionProperties::default().with_connection_name(format!("elmo {}", env!("CARGO_PKG_VERSION")).into());
        let connecting = Connection::connect_uri(uri, properties);
        let connection = tokio::time::timeout(CONNECTING, connecting)
            .await
            .map_err(|_| PulseError::Silent(CONNECTING))?
            .map_err(|source| PulseError::Amqp { what: "connect to the broker", source })?;
        let channel = open_channel(&connection).await?;
        Ok(Session { connection, channel })
    }

    /// The exchange is there; it is somebody else's, so no more than this is asked.
    pub(super) async fn see_exchange(&self, exchange: &str) -> Result<(), PulseError> {
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let seen = self.channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, FieldTable::default()).await;
        seen.map_err(|source| PulseError::Amqp { what: "find the exchange (it is declared passively only)", source })
    }

    /// The queue is there. When it is not, the broker closes the channel, and a new one is opened.
    pub(super) async fn has_queue(&mut self, queue: &str) -> Result<bool, PulseError> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match self.channel.queue_declare(queue.into(), options, FieldTable::default()).await {
            Ok(_) => Ok(true),
            Err(error) if reply_code(&error) == Some(NOT_FOUND) => {
                self.channel = open_channel(&self.connection).await?;
                Ok(false)
            }
            Err(source) => Err(PulseError::Amqp { what: "look for our queue", source }),
        }
    }

    /// How many messages wait in a queue that is there and that nobody has in hand.
    pub(super) async fn waiting(&self, queue: &str) -> Result<u32, PulseError> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let seen = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await;
        let seen = seen.map_err(|source| PulseError::Amqp { what: "ask how long our queue is", source })?;
        Ok(seen.message_count())
    }

    /// Declares our queue and binds it.
    pub(super) async fn declare(&self, subscription: &Subscription) -> Result<(), PulseError> {
        let queue = subscription.queue_name();
        let arguments = arguments(subscription);
        let declared = self.channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), arguments).await;
        declared.map_err(|source| PulseError::Amqp {
            what: match reply_code(&source) {
                Some(PRECONDITION_FAILED) => "declare our queue (was it declared with another expiry or kind before?)",
                _ => "declare our queue",
            },
            source,
        })?;
        for key in &subscription.bindings {
            self.bind(subscription, key).await?;
        }
        Ok(())
    }

    /// Binds our queue by a key; doing so again changes nothing.
    pub(super) async fn bind(&self, subscription: &Subscription, key: &str) -> Result<(), PulseError> {
        let (queue, exchange) = (subscription.queue_name(), subscription.exchange.as_str().into());
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        let bound = self.channel.queue_bind(queue.as_str().into(), exchange, key.into(), options, arguments).await;
        bound.map_err(|source| PulseError::Amqp { what: "bind our queue to the exchange", source })
    }

    /// Lets go of a key, whether our queue was bound by it or not.
    pub(super) async fn unbind(&self, subscription: &Subscription, key: &str) -> Result<(), PulseError> {
        let (queue, exchange) = (subscription.queue_name(), subscription.exchange.as_str().into());
        let unbound = self.channel.queue_unbind(queue.as_str().into(), exchange, key.into(), FieldTable::default()).await;
        unbound.map_err(|source| PulseError::Amqp { what: "unbind our queue from the exchange", source })
    }

    /// Lets messages come.
    pub(super) async fn consume(&self, subscription: &Subscription) -> Result<Consumer, PulseError> {
        let qos = self.channel.basic_qos(subscription.prefetch, BasicQosOptions::default()).await;
        qos.map_err(|source| PulseError::Amqp { what: "bound the number of unacknowledged messages", source })?;
        let (queue, options) = (subscription.queue_name(), BasicConsumeOptions::default());
        let consumer = self.channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await;
        consumer.map_err(|source| PulseError::Amqp { what: "consume our queue", source })
    }

    /// Says good-bye; acknowledgements that are under way arrive before.
    pub(super) async fn close(self) {
        let closing = self.connection.close(200, "done".into());
        if !matches!(tokio::time::timeout(Duration::from_secs(3), closing).await, Ok(Ok(()))) {
            tracing::debug!("the connection was cut rather than closed");
        }
    }
}

async fn open_channel(connection: &Connection) -> Result<Channel, PulseError> {
    connection.create_channel().await.map_err(|source| PulseError::Amqp { what: "open a channel", source })
}

fn uri(broker: &Broker) -> Result<AMQPUri, PulseError> {
    let bad = || PulseError::Address(broker.host.clone());
    let with_scheme = if broker.host.contains("://") { broker.host.clone() } else { format!("amqps://{}", broker.host) };
    let mut uri: AMQPUri = with_scheme.parse().map_err(|_| bad())?;
    uri.authority.userinfo.username.clone_from(&broker.user);
    uri.authority.userinfo.password.clone_from(&broker.password);
    uri.vhost.clone_from(&broker.vhost);
    uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
    Ok(uri)
}

fn arguments(subscription: &Subscription) -> FieldTable {
    let mut arguments = FieldTable::default();
    // A classic queue is declared without naming its kind, as it was before there was another.
    if subscription.queue_type == QueueType::Quorum {
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    }
    if let Some(expires) = subscription.expires {
        let milliseconds = i32::try_from(expires.as_millis()).unwrap_or(i32::MAX);
        arguments.insert("x-expires".into(), AMQPValue::LongInt(milliseconds));
    }
    arguments
}

/// The broker's reply code, when it closed the channel or the connection.
fn reply_code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
