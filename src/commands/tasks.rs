//! `elmo ingest-task` and `elmo validate`: results of Taskcluster's tasks, by hand.

use super::Outcome;
use super::out::{Out, many};
use super::parts::Parts;
use crate::config::Config;
use crate::domain::{RootUrl, TaskId};
use crate::event::{read_elmo_json, source};
use crate::fetch::Http;
use crate::store::Taken;
use crate::sync::quiet;
use anyhow::Context;
use clap::Args;
use std::fmt::Display;

/// Take the result of one Taskcluster task by hand
#[derive(Args)]
pub(super) struct IngestTask {
    /// The root URL of the deployment, which has to be configured
    root: RootUrl,
    task: TaskId,
    /// The run, from 0; without this, the last that ended well
    run: Option<u32>,
}

/// Check an elmo.json as a worker would
#[derive(Args)]
pub(super) struct Validate {
    /// The file, or an http or https URL
    file: String,
    /// The task's metadata.source, for what the file leaves out
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

impl IngestTask {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let parts = Parts::open(config, quiet()).await?;
        let (of, taken) = parts.tasks()?.take_by_hand(&self.root, &self.task, self.run).await?;
        match taken {
            Taken::Recorded { comparisons } => out.line(format_args!("{of}: {} recorded", counted(comparisons)))?,
            Taken::Known => out.line(format_args!("{of}: recorded before, nothing changed"))?,
        }
        parts.close().await;
        Ok(Outcome::Done)
    }
}

impl Validate {
    pub(super) async fn run(self, config: &Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let is_url = self.file.starts_with("http://") || self.file.starts_with("https://");
        let bytes = if is_url {
            Http::new(config.http())?.get(&self.file).await?
        } else {
            std::fs::read(&self.file).with_context(|| format!("could not read {}", self.file))?
        };
        let source = self.source.as_deref().map(|text| source(text).with_context(|| format!("{text} names no repository")));
        match read_elmo_json(&bytes, source.transpose()?.as_ref()) {
            Ok(published) => {
                out.line(format_args!("ok: {} for {}", counted(published.comparisons.len()), published.repository))?;
                Ok(Outcome::Done)
            }
            Err(error) => {
                out.line(format_args!("{error}"))?;
                Ok(Outcome::Found)
            }
        }
    }
}

/// So many comparisons.
pub(super) fn counted<N: Copy + Display + PartialEq + From<u8>>(comparisons: N) -> String {
    many(comparisons, "comparison", "comparisons")
}
