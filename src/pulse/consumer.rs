//! The loop that never ends: connect, declare, take batches, and when anything breaks, wait and begin again.

use super::keys::{Keys, keep_bound};
use super::session::Session;
use super::{Arrival, PulseError, Subscription, Verdict};
use crate::domain::{Message, Point, in_full, milliseconds};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::Consumer;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// A batch ends when its bodies come to more than this.
const BATCH_BYTES: usize = 8 << 20;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A connection that held so long was a good one: waits begin anew.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// Once told to stop, what is in hand may take so long; what is not done then goes back to the broker.
const FAREWELL: Duration = Duration::from_secs(5);

/// Who waits for messages shows so often that it does.
const ROUND: Duration = Duration::from_secs(1);
/// So often the broker is asked how many messages wait.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// Consumes until `stop`, through whatever happens to the broker. `take` decides on each arrival; what it calls done is
/// acknowledged, and nothing else.
pub async fn consume(subscription: &Subscription, stop: CancellationToken, take: impl AsyncFn(Arrival<'_>) -> Verdict) {
    let consuming = async |consumer: &mut Consumer, _: &Session| take_batches(subscription, consumer, &stop, &take).await;
    again_and_again(subscription, &stop, &take, consuming).await;
}

/// As [`consume`], with a queue that is bound as `keys` say, as they change. Nothing is declared before there are any.
pub async fn consume_bound(
    subscription: &Subscription,
    mut keys: watch::Receiver<Keys>,
    stop: CancellationToken,
    take: impl AsyncFn(Arrival<'_>) -> Verdict,
) {
    tokio::select! {
        some = keys.wait_for(|keys| !keys.is_empty()) => if some.is_err() { return },
        () = stop.cancelled() => return,
    }
    let consuming = async |consumer: &mut Consumer, session: &Session| {
        tokio::select! {
            done = take_batches(subscription, consumer, &stop, &take) => done,
            failed = keep_bound(session, subscription, keys.clone(), &take) => match failed? {},
        }
    };
    again_and_again(subscription, &stop, &take, consuming).await;
}

/// As [`consume`], but each message by itself: while one waits, others are taken and acknowledged. `take` is told for how long
/// the message has been here.
pub async fn consume_each(
    subscription: &Subscription,
    stop: CancellationToken,
    take: impl AsyncFn(Arrival<'_>, Duration) -> Verdict,
) {
    let consuming = async |consumer: &mut Consumer, _: &Session| take_each(subscription, consumer, &stop, &take).await;
    again_and_again(subscription, &stop, &async |arrival: Arrival<'_>| take(arrival, Duration::ZERO).await, consuming).await;
}

async fn again_and_again(
    subscription: &Subscription,
    stop: &CancellationToken,
    take: &impl AsyncFn(Arrival<'_>) -> Verdict,
    consuming: impl AsyncFn(&mut Consumer, &Session) -> Result<(), PulseError>,
) {
    let (mut wait, mut broke) = (FIRST_WAIT, false);
    while !stop.is_cancelled() {
        let began = tokio::time::Instant::now();
        subscription.goes_round();
        let done = connected(subscription, broke, stop, take, &consuming).await;
        subscription.is_cut_off();
        let Err(error) = done else {
            break;
        };
        broke = true;
        if began.elapsed() > GOOD_FOR {
            wait = FIRST_WAIT;
        }
        let spread = wait.mul_f64(0.75 + fastrand::f64() / 2.0);
        tracing::warn!(broker = ?subscription.broker, error = in_full(&error), wait_ms = milliseconds(spread), "not connected, trying again");
        pause(spread, stop).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    subscription.is_left();
}

/// From connecting to the first error, or to `stop`. A queue that is there after the last connection `broke` proves nothing: a
/// node that was killed comes back with the queue, but may have lost its binding (seen), and what was published meanwhile.
async fn connected(
    subscription: &Subscription,
    broke: bool,
    stop: &CancellationToken,
    take: &impl AsyncFn(Arrival<'_>) -> Verdict,
    consuming: &impl AsyncFn(&mut Consumer, &Session) -> Result<(), PulseError>,
) -> Result<(), PulseError> {
    let opened = tokio::select! { opened = set_up(subscription) => opened?, () = stop.cancelled() => return Ok(()) };
    let (session, mut consumer, is_new) = opened;
    subscription.is_heard();
    if is_new {
        tracing::warn!(queue = subscription.queue_name(), "the queue was not there: what was published until now is lost");
    }
    if is_new || broke {
        insist(Arrival::Gap, stop, take).await;
    }
    tracing::info!(broker = ?subscription.broker, queue = subscription.queue_name(), "consuming");
    let done = tokio::select! {
        done = consuming(&mut consumer, &session) => done,
        never = tell_waiting(&session, subscription, take) => match never {},
    };
    if done.is_ok() {
        session.close().await;
    }
    done
}

async fn set_up(subscription: &Subscription) -> Result<(Session, Consumer, bool), PulseError> {
    let mut session = Session::open(&subscription.broker).await?;
    session.see_exchange(&subscription.exchange).await?;
    let is_new = !session.has_queue(&subscription.queue_name()).await?;
    session.declare(subscription).await?;
    let consumer = session.consume(subscription).await?;
    Ok((session, consumer, is_new))
}

/// Tells how many messages wait for as long as the broker says it. A channel that broke is noticed where messages come from.
async fn tell_waiting(session: &Session, of: &Subscription, take: &impl AsyncFn(Arrival<'_>) -> Verdict) -> Infallible {
    let queue = of.queue_name();
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match session.waiting(&queue).await {
            Ok(messages) => {
                of.is_heard();
                take(Arrival::Waiting(messages)).await;
            }
            Err(error) => {
                tracing::debug!(error = in_full(&error), "the broker does not say how many messages wait");
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn take_batches(
    subscription: &Subscription,
    consumer: &mut Consumer,
    stop: &CancellationToken,
    take: &impl AsyncFn(Arrival<'_>) -> Verdict,
) -> Result<(), PulseError> {
    loop {
        subscription.goes_round();
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            next = consumer.next() => delivered(next)?,
            () = tokio::time::sleep(ROUND) => continue,
        };
        subscription.is_heard();
        let (messages, last) = gather(subscription, consumer, first)?;
        let take = async |arrival: Arrival<'_>| {
            subscription.goes_round();
            take(arrival).await
        };
        if !insist(Arrival::Messages(&messages), stop, &take).await {
            return Ok(());
        }
        Point::MessagesTaken.pass();
        let acknowledged = last.acker.ack(BasicAckOptions { multiple: true }).await;
        acknowledged.map_err(|source| PulseError::Amqp { what: "acknowledge messages", source })?;
        Point::MessagesAcknowledged.pass();
    }
}

/// Takes messages as they come, as many at once as the broker hands out.
async fn take_each(
    subscription: &Subscription,
    consumer: &mut Consumer,
    stop: &CancellationToken,
    take: &impl AsyncFn(Arrival<'_>, Duration) -> Verdict,
) -> Result<(), PulseError> {
    let mut in_hand = FuturesUnordered::new();
    loop {
        subscription.goes_round();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(done) = in_hand.next() => done?,
            next = consumer.next() => {
                let delivery = delivered(next)?;
                subscription.is_heard();
                in_hand.push(take_one(subscription, delivery, stop, take));
            }
            () = tokio::time::sleep(ROUND) => {}
        }
    }
    let rest = async {
        while let Some(done) = in_hand.next().await {
            done?;
        }
        Ok(())
    };
    tokio::time::timeout(FAREWELL, rest).await.unwrap_or(Ok(()))
}

async fn take_one(
    subscription: &Subscription,
    mut delivery: Delivery,
    stop: &CancellationToken,
    take: &impl AsyncFn(Arrival<'_>, Duration) -> Verdict,
) -> Result<(), PulseError> {
    let (came, message) = (tokio::time::Instant::now(), message(subscription, &mut delivery));
    let take = async |arrival: Arrival<'_>| take(arrival, came.elapsed()).await;
    if !insist(Arrival::Messages(std::slice::from_ref(&message)), stop, &take).await {
        return Ok(());
    }
    Point::MessagesTaken.pass();
    let acknowledged = delivery.acker.ack(BasicAckOptions::default()).await;
    Point::MessagesAcknowledged.pass();
    acknowledged.map(drop).map_err(|source| PulseError::Amqp { what: "acknowledge a message", source })
}

/// The first delivery and those that are here already.
fn gather(subscription: &Subscription, consumer: &mut Consumer, first: Delivery) -> Result<(Vec<Message>, Delivery), PulseError> {
    let mut last = first;
    let mut messages = vec![message(subscription, &mut last)];
    let mut bytes = messages[0].body.len();
    while messages.len() < subscription.batch && bytes < BATCH_BYTES {
        let Some(next) = consumer.next().now_or_never() else {
            break;
        };
        last = delivered(next)?;
        let next = message(subscription, &mut last);
        bytes += next.body.len();
        messages.push(next);
    }
    Ok((messages, last))
}

fn delivered(next: Option<Result<Delivery, lapin::Error>>) -> Result<Delivery, PulseError> {
    match next {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(source)) => Err(PulseError::Amqp { what: "receive messages", source }),
        None => Err(PulseError::Ended),
    }
}

fn message(subscription: &Subscription, delivery: &mut Delivery) -> Message {
    Message {
        exchange: delivery.exchange.to_string(),
        routing_key: delivery.routing_key.to_string(),
        body: std::mem::take(&mut delivery.data),
        root: subscription.root.clone(),
    }
}

/// Offers an arrival until it is taken; false when told to stop meanwhile.
async fn insist(arrival: Arrival<'_>, stop: &CancellationToken, take: &impl AsyncFn(Arrival<'_>) -> Verdict) -> bool {
    loop {
        match take(arrival).await {
            Verdict::Done => return true,
            Verdict::RetryAfter(_) if stop.is_cancelled() => return false,
            Verdict::RetryAfter(wait) => pause(wait, stop).await,
        }
    }
}

async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! { () = tokio::time::sleep(wait) => {}, () = stop.cancelled() => {} }
}
