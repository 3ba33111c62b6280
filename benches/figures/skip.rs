//! Messages of repositories that nobody follows, beside a consumer that only acknowledges.

use crate::report::{Limit, Report};
use crate::setting::{FOREST, On, PATIENCE, Place, Setting, Worker, scaled};
use anyhow::Context;
use elmo::domain::NewRepository;
use elmo::pulse::Subscription;
use elmo_upstream::{Commit, Message};
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use std::time::{Duration, Instant};

const MESSAGES: usize = 100_000;
const UNFOLLOWED: usize = 20;
/// So many other repositories are known.
const KNOWN: usize = 500;
const ONLY_ACKS: &str = "queue/elmo/only-acks";

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    let messages = unfollowed(&setting, scaled(MESSAGES, scale)).await?;
    for on in On::BOTH {
        let place = setting.place(on).await?;
        know_others(&setting, &place).await?;
        setting.bound_worker(&place, "warn").await?.stop()?;
        let connection = Connection::connect(&setting.rabbit.url(&place.vhost, "elmo"), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        declare(&channel).await?;
        eprintln!("publishing {} messages to two queues", messages.len());
        setting.publish(&place, &messages).await?;

        let only_acks = acknowledge(&channel, &setting.defaults.hg_pushes()?, messages.len()).await?;
        let ours = worked(&place, messages.len()).await?;
        connection.close(200, "done".into()).await?;
        report.figure(format!("{}: only acknowledging, messages/s", on.name()), only_acks);
        report.figure(format!("{}: worker, messages/s", on.name()), ours);
        report.limited(format!("{}: worker / only acknowledging", on.name()), ours / only_acks, Limit::AtLeast(0.8));
        let left = setting.depth(&place).await?;
        anyhow::ensure!(left == Some(0), "{left:?} messages are left");
    }
    Ok(())
}

pub(crate) async fn unfollowed(setting: &Setting, count: usize) -> anyhow::Result<Vec<Message>> {
    let mut kinds = Vec::new();
    for number in 0..UNFOLLOWED {
        let name = format!("integration/tree{number}");
        setting.upstream.create(&name).await?;
        let push = setting.upstream.push(&name, "dev@example.com", [Commit::new("Work").file("a", "b")]).await?;
        kinds.push(setting.upstream.message_for_push(&name, &push)?);
    }
    Ok(kinds.iter().cycle().take(count).cloned().collect())
}

/// Repositories that are known, looked up like any other, and archived, so that nothing is to be done for them.
async fn know_others(setting: &Setting, place: &Place) -> anyhow::Result<()> {
    let now = elmo::domain::Clock::of_this_machine().now();
    for number in 0..KNOWN {
        let name = format!("{FOREST}/x-{number}");
        let repository = NewRepository::at(name.parse()?, setting.url(&name)?);
        place.store.add_repository(&repository, now).await?;
        place.store.archive_repository(&repository.name, true, now).await?;
    }
    Ok(())
}

async fn declare(channel: &Channel) -> anyhow::Result<()> {
    channel.queue_declare(ONLY_ACKS.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let (queue, exchange) = (ONLY_ACKS.into(), elmo_upstream::EXCHANGE.into());
    channel.queue_bind(queue, exchange, "#".into(), QueueBindOptions::default(), FieldTable::default()).await?;
    Ok(())
}

/// Takes what is there in batches as the worker does, and acknowledges each; in messages per second.
async fn acknowledge(channel: &Channel, like: &Subscription, count: usize) -> anyhow::Result<f64> {
    channel.basic_qos(like.prefetch, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(ONLY_ACKS.into(), "".into(), options, FieldTable::default()).await?;
    let mut taken = 0;
    let mut began = None;
    while taken < count {
        let mut last = consumer.next().await.context("the consumer ended")??;
        began.get_or_insert_with(Instant::now);
        let mut batch = 1;
        while batch < like.batch
            && let Some(next) = consumer.next().now_or_never()
        {
            last = next.context("the consumer ended")??;
            batch += 1;
        }
        last.acker.ack(BasicAckOptions { multiple: true }).await?;
        taken += batch;
    }
    Ok(count as f64 / began.context("no message came")?.elapsed().as_secs_f64())
}

/// A worker takes the same messages; in messages per second, from the first batch that is written down to the last.
async fn worked(place: &Place, count: usize) -> anyhow::Result<f64> {
    let worker = Worker::start(place, "warn")?;
    let launched = Instant::now();
    let mut first: Option<(Instant, usize)> = None;
    loop {
        let taken = place.taken().await?;
        if first.is_none() && taken > 0 {
            first = Some((Instant::now(), taken));
        }
        if let Some((began, at_first)) = first
            && taken >= count
        {
            let rate = (taken - at_first) as f64 / began.elapsed().as_secs_f64();
            worker.stop()?;
            return Ok(rate);
        }
        anyhow::ensure!(launched.elapsed() < PATIENCE, "{taken} of {count} messages were taken");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
