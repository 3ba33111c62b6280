//! One node goes through its whole life.

use std::{collections::HashSet, fs, path::PathBuf, time::Duration};

use elmo_testbed::{Cable, EXCHANGES, Publisher, RabbitMq, until};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};

use crate::processes::{processes_of, until_nothing_is_left_of};

const QUEUE: &str = "queue/elmo/hgmo";

#[tokio::test]
async fn a_node_has_the_rights_of_pulse_keeps_its_queues_and_leaves_nothing_behind() {
    let rabbit = RabbitMq::start_with_vhosts(2).await.unwrap();
    let folder = folder_of(&rabbit);
    let vhost = rabbit.take_vhost().unwrap();

    the_rights_are_those_of_pulse(&rabbit, &vhost).await;
    messages_look_like_those_of_hgmo(&rabbit, &vhost).await;
    a_queue_outlives_a_crash_and_a_stop(&rabbit, &vhost).await;
    an_alarm_blocks_publishers(&rabbit, &vhost).await;
    queues_can_be_looked_at_and_deleted(&rabbit, &vhost).await;
    vhosts_are_given_once(&rabbit, vhost);

    assert_ne!(processes_of(&folder), Vec::<String>::new());
    drop(rabbit);
    until_nothing_is_left_of(&folder).await;
}

async fn the_rights_are_those_of_pulse(rabbit: &RabbitMq, vhost: &str) {
    let elmo = connect(&rabbit.url(vhost, "elmo")).await;
    assert_eq!(declare_queue(&elmo, QUEUE).await, None);
    assert_eq!(bind(&elmo, QUEUE, EXCHANGES[0]).await, None);
    assert_eq!(bind(&elmo, QUEUE, EXCHANGES[1]).await, None);
    assert_eq!(bind(&elmo, QUEUE, "exchange/not/there").await, Some(404));
    assert_eq!(declare_queue(&elmo, "queue/other/x").await, Some(403));
    assert_eq!(declare_queue(&elmo, "").await, Some(403));
    assert_eq!(declare_exchange(&elmo, EXCHANGES[0], passive()).await, None);
    assert_eq!(declare_exchange(&elmo, EXCHANGES[0], durable()).await, Some(403));
    assert_eq!(declare_exchange(&elmo, "exchange/elmo/x", durable()).await, None);
    assert_eq!(publish(&elmo, EXCHANGES[0]).await, Some(403));
    elmo.close(200, "done".into()).await.unwrap();
}

async fn messages_look_like_those_of_hgmo(rabbit: &RabbitMq, vhost: &str) {
    let cable = Cable::to(rabbit.addr()).await.unwrap();
    let publisher = Publisher::connect_to(&rabbit.url_via(cable.addr(), vhost, "hgmo")).await.unwrap();
    publisher.publish(EXCHANGES[0], "l10n-central/de", b"{}").await.unwrap();
    publisher.close().await.unwrap();
    assert_eq!(rabbit.queue_depth(vhost, QUEUE).await.unwrap(), Some(1));

    let elmo = connect(&rabbit.url(vhost, "elmo")).await;
    let channel = elmo.create_channel().await.unwrap();
    let message = channel.basic_get(QUEUE.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    message.ack(BasicAckOptions::default()).await.unwrap();

    assert_eq!(message.data, b"{}");
    assert_eq!(message.routing_key.as_str(), "l10n-central/de");
    let expected = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_delivery_mode(2)
        .with_priority(0)
        .with_headers(FieldTable::default());
    assert_eq!(message.properties, expected);
    elmo.close(200, "done".into()).await.unwrap();
}

async fn a_queue_outlives_a_crash_and_a_stop(rabbit: &RabbitMq, vhost: &str) {
    let port = rabbit.port();
    publish_three(rabbit, vhost).await;

    rabbit.kill().await.unwrap();
    assert!(rabbit.queue_depth(vhost, QUEUE).await.is_err());
    rabbit.restart().await.unwrap();
    assert_eq!(rabbit.queue_depth(vhost, QUEUE).await.unwrap(), Some(3));

    publish_three(rabbit, vhost).await;
    rabbit.stop().await.unwrap();
    rabbit.restart().await.unwrap();
    assert_eq!(rabbit.queue_depth(vhost, QUEUE).await.unwrap(), Some(6));
    assert_eq!(rabbit.port(), port);
}

async fn an_alarm_blocks_publishers(rabbit: &RabbitMq, vhost: &str) {
    let publisher = Publisher::connect(rabbit, vhost).await.unwrap();
    rabbit.raise_memory_alarm().await.unwrap();
    let publish = publisher.publish(EXCHANGES[0], "x", b"blocked");
    tokio::pin!(publish);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut publish).await.is_err());

    rabbit.clear_memory_alarm().await.unwrap();

    publish.await.unwrap();
    assert_eq!(rabbit.queue_depth(vhost, QUEUE).await.unwrap(), Some(7));
}

async fn queues_can_be_looked_at_and_deleted(rabbit: &RabbitMq, vhost: &str) {
    rabbit.delete_queue(vhost, QUEUE).await.unwrap();
    rabbit.delete_queue(vhost, QUEUE).await.unwrap();
    until("the queue is gone", Duration::from_secs(5), async || rabbit.queue_depth(vhost, QUEUE).await.unwrap().is_none()).await;
}

fn vhosts_are_given_once(rabbit: &RabbitMq, first: String) {
    let given = HashSet::from([first, rabbit.take_vhost().unwrap()]);
    assert_eq!(given, HashSet::from(["v0".to_owned(), "v1".to_owned()]));
    let error = rabbit.take_vhost().unwrap_err().to_string();
    assert!(error.contains("all 2 vhosts"), "{error}");
}

async fn publish_three(rabbit: &RabbitMq, vhost: &str) {
    let publisher = Publisher::connect(rabbit, vhost).await.unwrap();
    let messages = [("a", "1"), ("b", "2"), ("c", "3")];
    publisher.publish_many(EXCHANGES[0], messages).await.unwrap();
}

async fn connect(url: &str) -> Connection {
    Connection::connect(url, ConnectionProperties::default()).await.unwrap()
}

async fn channel(connection: &Connection) -> Channel {
    connection.create_channel().await.unwrap()
}

async fn declare_queue(connection: &Connection, name: &str) -> Option<u16> {
    let channel = channel(connection).await;
    let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default());
    refusal(declared.await)
}

async fn bind(connection: &Connection, queue: &str, exchange: &str) -> Option<u16> {
    let channel = channel(connection).await;
    let bound = channel.queue_bind(queue.into(), exchange.into(), "#".into(), QueueBindOptions::default(), FieldTable::default());
    refusal(bound.await)
}

async fn declare_exchange(connection: &Connection, name: &str, options: ExchangeDeclareOptions) -> Option<u16> {
    let channel = channel(connection).await;
    let declared = channel.exchange_declare(name.into(), ExchangeKind::Topic, options, FieldTable::default());
    refusal(declared.await)
}

async fn publish(connection: &Connection, exchange: &str) -> Option<u16> {
    let channel = channel(connection).await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let published =
        channel.basic_publish(exchange.into(), "x".into(), BasicPublishOptions::default(), b"", BasicProperties::default());
    match published.await {
        Ok(confirm) => refusal(confirm.await),
        Err(error) => refusal(Err::<(), _>(error)),
    }
}

fn passive() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() }
}

fn durable() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() }
}

/// The code with which the broker refused.
fn refusal<T>(result: lapin::Result<T>) -> Option<u16> {
    let error = result.err()?;
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => panic!("{error}"),
    }
}

/// The working directory of the node's process.
fn folder_of(rabbit: &RabbitMq) -> String {
    let process = PathBuf::from(format!("/proc/{}/cwd", rabbit.pid().unwrap()));
    fs::read_link(process).unwrap().to_str().unwrap().to_owned()
}
