//! `elmo sync`: repositories up to date now.

use super::Outcome;
use super::follow::NOTHING_FOLLOWED;
use super::out::Out;
use super::parts::Parts;
use super::progress;
use crate::config::Config;
use crate::domain::{Repository, RepositoryName, State, Vcs, in_full};
use crate::fetch::{Page, page_after};
use anyhow::bail;
use clap::Args;
use serde_json::json;

/// Bring repositories up to date now, from their hosts' own records
#[derive(Args)]
pub(super) struct Sync {
    /// The repositories
    #[arg(required_unless_present = "all")]
    names: Vec<RepositoryName>,
    /// All that are followed and not archived
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Only say what would be fetched
    #[arg(long)]
    dry_run: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let parts = Parts::open(config, progress::shown()).await?;
        let names = self.selected(&parts).await?;
        if names.is_empty() && !self.json {
            out.line(format_args!("{NOTHING_FOLLOWED}"))?;
        }
        let outcome = if self.dry_run { self.say(&parts, &names, out).await? } else { self.bring(&parts, &names, out).await? };
        parts.close().await;
        Ok(outcome)
    }

    async fn selected(&self, parts: &Parts) -> anyhow::Result<Vec<RepositoryName>> {
        let followed = parts.store.repositories().await?;
        if self.all {
            return Ok(followed.into_iter().filter(|repository| !repository.archived).map(|repository| repository.name).collect());
        }
        for name in &self.names {
            match followed.iter().find(|repository| repository.name == *name) {
                None => bail!("there is no repository {name}; `elmo repository list` names them"),
                Some(repository) if repository.archived => {
                    bail!("{name} is archived; `elmo repository archive --undo {name}` takes it up again")
                }
                Some(_) => {}
            }
        }
        Ok(self.names.clone())
    }

    async fn bring(&self, parts: &Parts, names: &[RepositoryName], out: &mut Out) -> anyhow::Result<Outcome> {
        for name in names {
            parts.store.want(name, parts.clock.now()).await?;
        }
        parts.lanes().work_off().await?;
        let mut complete = true;
        for repository in parts.store.repositories().await?.into_iter().filter(|repository| names.contains(&repository.name)) {
            complete &= repository.state() == State::Complete;
            if self.json {
                out.json(&crate::web::repository_json(&repository, parts.clock.now())?)?;
            } else {
                out.line(format_args!("{}", sentence(&repository)))?;
            }
        }
        Ok(if complete { Outcome::Done } else { Outcome::Found })
    }

    async fn say(&self, parts: &Parts, names: &[RepositoryName], out: &mut Out) -> anyhow::Result<Outcome> {
        for repository in parts.store.repositories().await?.into_iter().filter(|repository| names.contains(&repository.name)) {
            if repository.vcs == Vcs::Git {
                self.say_of_git(parts, &repository, out).await?;
                continue;
            }
            match page_after(&parts.bringer.http, &repository.url, repository.last_push).await {
                Ok(page) if self.json => {
                    out.json(&json!({"name": repository.name, "last_push": repository.last_push, "upstream": page.last}))?;
                }
                Ok(page) => out.line(format_args!("{}: {}", repository.name, difference(&repository, &page)))?,
                Err(error) => out.line(format_args!("{}: {}", repository.name, in_full(&error)))?,
            }
        }
        Ok(Outcome::Done)
    }

    /// Branches have no numbers: which of them are not where they were recorded.
    async fn say_of_git(&self, parts: &Parts, repository: &Repository, out: &mut Out) -> anyhow::Result<()> {
        let moved = match parts.bringer.moved(repository).await {
            Ok(moved) => moved,
            Err(error) => return Ok(out.line(format_args!("{}: {}", repository.name, in_full(&error)))?),
        };
        let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
        if self.json {
            let (name, last) = (&repository.name, repository.last_push);
            return Ok(out.json(&json!({"name": name, "last_push": last, "moved": moved}))?);
        }
        match moved.as_slice() {
            [] => out.line(format_args!("{}: nothing to fetch, at push {}", repository.name, repository.last_push))?,
            _ => out.line(format_args!("{}: would fetch {}", repository.name, moved.join(", ")))?,
        }
        Ok(())
    }
}

/// How a repository is, and why.
pub(super) fn sentence(repository: &Repository) -> String {
    let reason = repository.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
    format!("{}: {}{reason}", repository.name, repository.in_words())
}

fn difference(repository: &Repository, page: &Page) -> String {
    match page.last {
        last if last < repository.last_push => {
            format!("the pushlog ends at push {last}, push {} is recorded", repository.last_push)
        }
        last if last == repository.last_push => format!("nothing to fetch, at push {last}"),
        last => format!("would fetch pushes {} to {last}", repository.last_push + 1),
    }
}
