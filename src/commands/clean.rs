//! `elmo clean`, and what a worker forgets by itself now and then: what was kept long enough and nobody needs.

use super::Outcome;
use super::out::{Out, many};
use super::parts::{Parts, artifacts};
use crate::config::Config;
use crate::domain::{Retention, in_full, kept_since};
use crate::fetch::{Artifacts, Holding, Leftover};
use crate::store::Outdated;
use crate::sync::quiet;
use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Forget what was kept for as long as the section \[retention\] of the settings says
#[derive(Args)]
pub(super) struct Clean {
    /// Say what would be forgotten, and forget nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How often a worker cleans.
const EVERY: Duration = Duration::from_secs(3600);

impl Clean {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let parts = Parts::open(config, quiet()).await?;
        let cleaning = Cleaning::of(&parts)?;
        let found = cleaning.found().await?;
        let forgotten = if self.dry_run { found } else { cleaning.forget(found).await? };
        if self.json {
            out.json(&forgotten.as_json(self.dry_run))?;
        } else {
            forgotten.say(self.dry_run, &cleaning.retention, out)?;
        }
        parts.close().await;
        Ok(Outcome::Done)
    }
}

/// Cleans every hour until `stop`. Several workers may: each row and file is forgotten once.
pub(super) async fn now_and_then(parts: &Parts, stop: CancellationToken) {
    loop {
        tokio::select! { () = tokio::time::sleep(EVERY) => {}, () = stop.cancelled() => return }
        match clean(parts).await {
            Ok(Forgotten { rows, aside, unfinished, artifacts }) => {
                let Outdated { parked, events, notices } = rows;
                let clones = aside.len() + unfinished.len();
                tracing::info!(parked, events, notices, clones, artifacts = artifacts.files, "forgot what was kept long enough");
            }
            Err(error) => tracing::warn!(error = in_full(&*error), "could not clean"),
        }
    }
}

async fn clean(parts: &Parts) -> anyhow::Result<Forgotten> {
    let cleaning = Cleaning::of(parts)?;
    cleaning.forget(cleaning.found().await?).await
}

struct Cleaning<'p> {
    parts: &'p Parts,
    retention: Retention,
    /// Where artifacts are not kept for ever.
    artifacts: Option<Artifacts>,
}

/// What is forgotten, or would be.
struct Forgotten {
    rows: Outdated,
    aside: Vec<Leftover>,
    unfinished: Vec<Leftover>,
    artifacts: Holding,
}

impl<'p> Cleaning<'p> {
    fn of(parts: &'p Parts) -> anyhow::Result<Cleaning<'p>> {
        let retention = parts.config.retention();
        let artifacts = retention.artifacts.map(|_| artifacts(&parts.config, &parts.clock)).transpose()?;
        Ok(Cleaning { parts, retention, artifacts })
    }

    async fn found(&self) -> anyhow::Result<Forgotten> {
        let (now, clones) = (self.parts.clock.now(), &self.parts.bringer.clones);
        let aside = kept_since(self.retention.set_aside, now).map(|since| clones.set_aside_before(since)).transpose()?;
        let artifacts = match (&self.artifacts, kept_since(self.retention.artifacts, now)) {
            (Some(cache), Some(since)) => cache.outdated(since).await?,
            _ => Holding::default(),
        };
        Ok(Forgotten {
            rows: self.parts.store.outdated(&self.retention, now).await?,
            aside: aside.unwrap_or_default(),
            unfinished: clones.unfinished(now)?,
            artifacts,
        })
    }

    async fn forget(&self, found: Forgotten) -> anyhow::Result<Forgotten> {
        let (now, clones) = (self.parts.clock.now(), &self.parts.bringer.clones);
        clones.remove(&found.aside)?;
        clones.remove(&found.unfinished)?;
        let artifacts = match (&self.artifacts, kept_since(self.retention.artifacts, now)) {
            (Some(cache), Some(since)) => cache.forget_outdated(since).await?,
            _ => Holding::default(),
        };
        Ok(Forgotten { rows: self.parts.store.forget_outdated(&self.retention, now).await?, artifacts, ..found })
    }
}

impl Forgotten {
    fn say(&self, is_dry: bool, retention: &Retention, out: &mut Out) -> std::io::Result<()> {
        let verb = if is_dry { "would be forgotten" } else { "forgotten" };
        let Outdated { parked, events, notices } = self.rows;
        let rows = [
            (many(parked, "message set aside", "messages set aside"), retention.parked),
            (many(events, "event of a repository", "events of repositories"), retention.events),
            (many(notices, "notice of a push", "notices of pushes"), retention.notices),
            (clones(&self.aside, "clone set aside", "clones set aside"), retention.set_aside),
            (artifacts_in_words(self.artifacts), retention.artifacts),
        ];
        for (what, kept) in rows {
            match kept {
                Some(kept) => out.line(format_args!("{what} {verb}, older than {}", in_days(kept)))?,
                None => out.line(format_args!("{what} {verb}: kept for ever"))?,
            }
        }
        out.line(format_args!("{} {verb}", clones(&self.unfinished, "unfinished clone", "unfinished clones")))
    }

    fn as_json(&self, is_dry: bool) -> serde_json::Value {
        let of_clones = |clones: &[Leftover]| json!({"number": clones.len(), "bytes": bytes(clones)});
        json!({
            "dry_run": is_dry, "parked": self.rows.parked, "events": self.rows.events, "notices": self.rows.notices,
            "set_aside": of_clones(&self.aside), "unfinished": of_clones(&self.unfinished),
            "artifacts": {"number": self.artifacts.files, "bytes": self.artifacts.bytes},
        })
    }
}

fn bytes(clones: &[Leftover]) -> u64 {
    clones.iter().map(|leftover| leftover.bytes).sum()
}

fn clones(leftovers: &[Leftover], one: &str, more: &str) -> String {
    format!("{} ({})", many(leftovers.len() as u64, one, more), HumanBytes(bytes(leftovers)))
}

fn artifacts_in_words(Holding { files, bytes, is_all: _ }: Holding) -> String {
    format!("{} ({})", many(files, "artifact", "artifacts"), HumanBytes(bytes))
}

fn in_days(kept: Duration) -> String {
    let (days, hours) = (kept.as_secs() / 86_400, kept.as_secs() / 3600);
    if days > 0 { many(days, "day", "days") } else { many(hours, "hour", "hours") }
}
