//! `elmo verify`: the database against clones and pushlogs.

use super::Outcome;
use super::follow::NOTHING_FOLLOWED;
use super::out::{Out, many};
use super::parts::{Parts, close, open_store};
use super::progress;
use crate::config::Config;
use crate::domain::{A_DAY, Repository, RepositoryName, in_full};
use crate::store::{Awaited, DumpError};
use crate::sync::{Difference, SyncError, Verifier};
use anyhow::bail;
use clap::Args;
use serde_json::json;
use std::time::Duration;

/// Hold the database against clones and pushlogs
#[derive(Args)]
pub(super) struct Verify {
    /// The repositories; all without this
    names: Vec<RepositoryName>,
    /// Mend what differs, and look again
    #[arg(long)]
    fix: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
    /// Print everything that the database holds instead, as lines in one order that does not depend on who came first
    ///
    /// Two databases hold the same if the dumps are the same.
    #[arg(long, conflicts_with_all = ["names", "fix", "json"])]
    dump: bool,
}

/// A revision that a result names may take so long to come.
const COMING: Duration = A_DAY;
/// So many differences of one repository are printed.
const PRINTED: usize = 50;

impl Verify {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        if self.dump {
            return dump(&config, out).await;
        }
        let parts = Parts::open(config, progress::shown()).await?;
        let verifier = Verifier { bringer: parts.bringer.clone() };
        let selected = self.selected(&parts).await?;
        if selected.is_empty() && !self.json {
            out.line(format_args!("{NOTHING_FOLLOWED}"))?;
        }
        let (mut clean, mut not_compared) = (true, 0);
        for repository in &selected {
            let compared = match find(&parts, &verifier, repository).await {
                Ok(differences) if self.fix && !differences.is_empty() => {
                    self.report(repository, &differences, out)?;
                    mended(&parts, &verifier, repository, &differences).await
                }
                compared => compared,
            };
            match compared {
                Ok(differences) => {
                    self.report(repository, &differences, out)?;
                    clean &= differences.iter().all(Difference::is_history);
                }
                Err(error) => {
                    self.report_error(repository, &in_full(&error), out)?;
                    not_compared += 1;
                }
            }
        }
        if self.names.is_empty() {
            clean &= self.report_awaited(&parts, out).await?;
        }
        parts.close().await;
        if not_compared > 0 {
            bail!("{not_compared} of {} could not be compared", many(selected.len(), "repository", "repositories"));
        }
        Ok(if clean { Outcome::Done } else { Outcome::Found })
    }

    fn report_error(&self, repository: &Repository, error: &str, out: &mut Out) -> anyhow::Result<()> {
        let name = &repository.name;
        if self.json {
            return Ok(out.json(&json!({"name": name, "error": error}))?);
        }
        Ok(out.line(format_args!("{name}: not compared: {error}"))?)
    }

    /// Lists revisions that results named a day ago or before and nobody has shown; true when none is of a repository that is
    /// followed.
    async fn report_awaited(&self, parts: &Parts, out: &mut Out) -> anyhow::Result<bool> {
        let now = parts.clock.now();
        let awaited = parts.store.awaited(now.saturating_sub(COMING).unwrap_or(now)).await?;
        for Awaited { repository, followed, revision, since } in &awaited {
            if self.json {
                out.json(&json!({"repository": repository, "followed": followed, "awaited": revision.to_string(), "since": since.to_string()}))?;
            } else {
                let note = if *followed { "" } else { ", which is archived or was never followed" };
                out.line(format_args!("{repository}{note}: a result named revision {revision} at {since}, and it has not come"))?;
            }
        }
        Ok(!awaited.iter().any(|awaited| awaited.followed))
    }

    async fn selected(&self, parts: &Parts) -> anyhow::Result<Vec<Repository>> {
        let followed = parts.store.repositories().await?;
        if let Some(name) = self.names.iter().find(|name| !followed.iter().any(|repository| repository.name == **name)) {
            bail!("there is no repository {name}; `elmo repository list` names them");
        }
        Ok(followed
            .into_iter()
            .filter(|repository| !repository.archived && (self.names.is_empty() || self.names.contains(&repository.name)))
            .collect())
    }

    fn report(&self, repository: &Repository, differences: &[Difference], out: &mut Out) -> anyhow::Result<()> {
        let name = &repository.name;
        if self.json {
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            return Ok(out.json(&json!({"name": name, "differences": texts}))?);
        }
        if differences.is_empty() {
            return Ok(out.line(format_args!("{name}: no differences"))?);
        }
        out.line(format_args!("{name}: {}", many(differences.len(), "difference", "differences")))?;
        for difference in differences.iter().take(PRINTED) {
            out.line(format_args!("  {difference}"))?;
        }
        if differences.len() > PRINTED {
            out.line(format_args!("  and {} more; --json prints all", differences.len() - PRINTED))?;
        }
        Ok(())
    }
}

async fn dump(config: &Config, out: &mut Out) -> anyhow::Result<Outcome> {
    let store = open_store(config).await?;
    let dumped = store.dump(|line| out.part_of_many(line)).await;
    out.flush()?;
    match dumped {
        Err(DumpError::Write(error)) => return Err(error.into()),
        done => done?,
    }
    close(&store).await;
    Ok(Outcome::Done)
}

async fn find(parts: &Parts, verifier: &Verifier, repository: &Repository) -> Result<Vec<Difference>, SyncError> {
    let clone = parts.store.clone_of(repository.id).await?;
    verifier.differences(repository, &clone).await
}

/// What still differs after mending.
async fn mended(
    parts: &Parts,
    verifier: &Verifier,
    repository: &Repository,
    differences: &[Difference],
) -> Result<Vec<Difference>, SyncError> {
    verifier.mend(repository, differences).await?;
    parts.lanes().work_off().await?;
    find(parts, verifier, repository).await
}
