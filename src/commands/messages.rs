//! `elmo replay` and `elmo record`: messages from and to a file, one JSON object a line.
//!
//! A line is either a message with its envelope, `{"exchange", "routing_key", "body"}` (`body_base64` where it is not text),
//! as `record` writes it, or a bare body that names its exchange in `_meta`, as Mozilla's notifier writes it.

use super::consume::stop_on_signals;
use super::out::{Out, many};
use super::parts::Parts;
use super::progress;
use super::sync::sentence;
use crate::config::Config;
use crate::domain::{HGPUSHES, Message, Repository, RootUrl, State, milliseconds};
use crate::ingest::{Outcome, Tasks};
use crate::pulse::{Arrival, QueueType, Subscription, Verdict, consume};
use crate::store::Totals;
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Feed recorded messages through the same path as Pulse
///
/// A line is what `elmo record` writes, or the body of a message alone.
#[derive(Args)]
pub(super) struct Replay {
    /// The file, - for standard input
    file: PathBuf,
    /// Only note what the messages want; a running worker fetches it
    #[arg(long)]
    no_sync: bool,
}

/// Write messages from Pulse to a file
///
/// One JSON object a line, from now until interrupted, by a queue of its own: a worker beside it misses nothing.
#[derive(Args)]
pub(super) struct Record {
    /// The file; lines are added to its end
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    exchange: String,
    routing_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// The Taskcluster deployment it came from, where it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<RootUrl>,
}

#[derive(Deserialize)]
struct Bare {
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    exchange: Option<String>,
    routing_key: Option<String>,
}

const BATCH: usize = 500;

impl Replay {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<super::Outcome> {
        let messages = read_file(&self.file)?;
        let parts = Parts::open(config, progress::shown()).await?;
        let ingest = parts.ingest();
        let count = messages.len();
        let (of_tasks, of_pushes): (Vec<Message>, Vec<Message>) = messages.into_iter().partition(Tasks::are_told_by);
        for batch in of_pushes.chunks(BATCH) {
            ingest.take(batch).await?;
        }
        take_results(&parts.tasks()?, &of_tasks).await?;
        out.line(format_args!("{} taken", many(count, "message", "messages")))?;
        if self.no_sync {
            return Ok(super::Outcome::Done);
        }
        parts.lanes().work_off().await?;
        let repositories = parts.store.repositories().await?;
        let incomplete = |repository: &&Repository| !matches!(repository.state(), State::Complete | State::Archived);
        let incomplete: Vec<&Repository> = repositories.iter().filter(incomplete).collect();
        for repository in &incomplete {
            out.line(format_args!("{}", sentence(repository)))?;
        }
        out.line(format_args!("{}", in_words(&parts.store.totals().await?)))?;
        parts.close().await;
        Ok(if incomplete.is_empty() { super::Outcome::Done } else { super::Outcome::Found })
    }
}

/// Takes the results that messages tell of, one after the other; one that has to wait is waited for.
pub(super) async fn take_results(tasks: &Tasks, messages: &[Message]) -> anyhow::Result<()> {
    for message in messages {
        let began = std::time::Instant::now();
        while let Outcome::Wait { wait, reason } = tasks.take(message, began.elapsed()).await? {
            tracing::info!(reason, wait_ms = milliseconds(wait), "result of a task has to wait");
            tokio::time::sleep(wait).await;
        }
    }
    Ok(())
}

fn in_words(totals: &Totals) -> String {
    [
        many(totals.repositories, "repository", "repositories"),
        many(totals.pushes, "push", "pushes"),
        many(totals.changesets, "changeset", "changesets"),
        many(totals.parked, "message parked", "messages parked"),
    ]
    .join(", ")
}

/// Reads all messages of a file; - is standard input.
pub(super) fn read_file(file: &Path) -> anyhow::Result<Vec<Message>> {
    let name = file.display();
    let lines: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).with_context(|| format!("could not open {name}"))?))
    };
    let mut messages = Vec::new();
    for (number, line) in (1..).zip(lines.split(b'\n')) {
        let line = line.with_context(|| format!("could not read {name}"))?;
        if !line.trim_ascii().is_empty() {
            messages.push(message(line).with_context(|| format!("{name}: line {number}"))?);
        }
    }
    Ok(messages)
}

/// Reads a line. A bare body may be anything, as on the bus; only a broken envelope is refused.
fn message(line: Vec<u8>) -> anyhow::Result<Message> {
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(&line) {
        let body = match (envelope.body, envelope.body_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).context("body_base64 is not base64")?,
            _ => bail!("a message has either body or body_base64"),
        };
        return Ok(Message { exchange: envelope.exchange, routing_key: envelope.routing_key, body, root: envelope.root });
    }
    let meta = serde_json::from_slice::<Bare>(&line).ok().and_then(|bare| bare.meta);
    let (exchange, routing_key) = meta.map_or((None, None), |meta| (meta.exchange, meta.routing_key));
    Ok(Message {
        exchange: exchange.unwrap_or_else(|| HGPUSHES.to_owned()),
        routing_key: routing_key.unwrap_or_default(),
        body: line,
        root: None,
    })
}

fn line(message: &Message) -> anyhow::Result<String> {
    let text = String::from_utf8(message.body.clone());
    let encoded = text.is_err().then(|| STANDARD.encode(&message.body));
    let envelope = Envelope {
        exchange: message.exchange.clone(),
        routing_key: message.routing_key.clone(),
        body: text.ok(),
        body_base64: encoded,
        root: message.root.clone(),
    };
    Ok(serde_json::to_string(&envelope)?)
}

impl Record {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<super::Outcome> {
        let subscription = Subscription {
            queue: format!("record-{:08x}", fastrand::u32(..)),
            expires: Some(Duration::from_secs(300)),
            queue_type: QueueType::Classic,
            ..config.hg_pushes()?
        };
        let file = File::options().append(true).create(true).open(&self.file);
        let file = RefCell::new(file.with_context(|| format!("could not open {}", self.file.display()))?);
        let written = RefCell::new(0);
        let take = async |arrival: Arrival<'_>| match arrival {
            Arrival::Gap | Arrival::Waiting(_) | Arrival::Unbound(_) => Verdict::Done,
            Arrival::Messages(messages) => match write(&mut file.borrow_mut(), messages) {
                Ok(()) => {
                    *written.borrow_mut() += messages.len();
                    tracing::info!(messages = messages.len(), so_far = *written.borrow(), "written");
                    Verdict::Done
                }
                Err(error) => {
                    tracing::error!(error = %format_args!("{error:#}"), "could not write messages");
                    Verdict::RetryAfter(Duration::from_secs(5))
                }
            },
        };
        let stop = stop_on_signals()?;
        out.line(format_args!("writing what comes to {}; Ctrl-C ends it", self.file.display()))?;
        consume(&subscription, stop, take).await;
        let written = many(*written.borrow(), "message", "messages");
        out.line(format_args!("{written} written to {}", self.file.display()))?;
        Ok(super::Outcome::Done)
    }
}

fn write(file: &mut File, messages: &[Message]) -> anyhow::Result<()> {
    let lines = messages.iter().map(|message| Ok(line(message)? + "\n")).collect::<anyhow::Result<String>>()?;
    file.write_all(lines.as_bytes())?;
    Ok(file.sync_data()?)
}

#[cfg(test)]
mod tests {
    use super::{line, message};
    use crate::domain::Message;

    #[test]
    fn what_is_recorded_is_replayed_to_the_byte() {
        for body in [&b"{}"[..], b"\xff\x00", b"two\nlines"] {
            let recorded = Message { exchange: "e".to_owned(), routing_key: "k".to_owned(), body: body.to_vec(), root: None };
            assert_eq!(message(line(&recorded).unwrap().into_bytes()).unwrap(), recorded);
        }
    }

    #[test]
    fn a_bare_body_says_itself_where_it_was_published() {
        let bare = br#"{"payload": {}, "_meta": {"exchange": "exchange/x", "routing_key": "a/b"}}"#;
        let read = message(bare.to_vec()).unwrap();
        assert_eq!((read.exchange.as_str(), read.routing_key.as_str(), read.body), ("exchange/x", "a/b", bare.to_vec()));
        assert_eq!(message(b"nonsense".to_vec()).unwrap().exchange, "exchange/hgpushes/v2");
    }
}
