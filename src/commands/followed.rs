//! `elmo followed`: what is followed as a file, one JSON object a line, so that it can be followed again after a database was lost.

use super::Outcome;
use super::follow::set_locale_rules;
use super::out::{Out, many};
use super::parts::open_store;
use crate::config::Config;
use crate::domain::{
    Clock, Forest, ForestName, Kept, LocaleCode, LocaleRules, NewForest, NewRepository, Repository, RepositoryName, RepositoryUrl,
};
use crate::store::{Added, Store};
use anyhow::Context;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Followed {
    /// Print forests and repositories, one JSON object a line
    Export,
    /// Follow what a file names that `elmo followed export` has written
    ///
    /// What is followed already stays as it is.
    Import {
        /// The file, - for standard input
        file: PathBuf,
    },
}

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Forest(ForestLine),
    Repository(RepositoryLine),
}

#[derive(Serialize, Deserialize)]
struct ForestLine {
    name: String,
    url: String,
    fork_of: Option<String>,
    archived: bool,
}

#[derive(Serialize, Deserialize)]
struct RepositoryLine {
    name: String,
    url: String,
    vcs: String,
    branches: Vec<String>,
    forest: Option<String>,
    locale: Option<String>,
    fork_of: Option<String>,
    /// By itself; that of its forest is the forest's.
    archived: bool,
    locale_rules: Option<String>,
}

impl Followed {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let store = open_store(&config).await?;
        match self {
            Followed::Export => export(&store, out).await?,
            Followed::Import { file } => import(&store, &config, &file, out).await?,
        }
        Ok(Outcome::Done)
    }
}

/// Whoever has a fork comes before it.
async fn export(store: &Store, out: &mut Out) -> anyhow::Result<()> {
    let (mut forests, mut repositories) = (store.forests().await?, store.repositories().await?);
    forests.sort_by_key(|forest| forest.fork_of.is_some());
    repositories.sort_by_key(|repository| repository.fork_of.is_some());
    let archived: BTreeSet<&ForestName> = forests.iter().filter(|forest| forest.archived).map(|forest| &forest.name).collect();
    for forest in &forests {
        out.json(&Line::Forest(forest_line(forest)))?;
    }
    for repository in &repositories {
        let by_its_forest = repository.forest.as_ref().is_some_and(|forest| archived.contains(forest));
        let rules = store.locale_rules(repository.id).await?;
        out.json(&Line::Repository(repository_line(repository, by_its_forest, rules.as_ref())))?;
    }
    Ok(())
}

fn forest_line(forest: &Forest) -> ForestLine {
    let Forest { id: _, name, url, archived, fork_of } = forest;
    ForestLine {
        name: name.to_string(),
        url: url.to_string(),
        fork_of: fork_of.as_ref().map(ToString::to_string),
        archived: *archived,
    }
}

fn repository_line(repository: &Repository, by_its_forest: bool, rules: Option<&LocaleRules>) -> RepositoryLine {
    RepositoryLine {
        name: repository.name.to_string(),
        url: repository.url.to_string(),
        vcs: repository.vcs.name().to_owned(),
        branches: repository.branches.iter().map(|branch| branch.as_str().to_owned()).collect(),
        forest: repository.forest.as_ref().map(ToString::to_string),
        locale: repository.locale.as_ref().map(ToString::to_string),
        fork_of: repository.fork_of.as_ref().map(ToString::to_string),
        archived: repository.archived && !by_its_forest,
        locale_rules: rules.map(LocaleRules::to_text),
    }
}

async fn import(store: &Store, config: &Config, file: &Path, out: &mut Out) -> anyhow::Result<()> {
    let text = read(file).with_context(|| format!("could not read {}", file.display()))?;
    let (mut new, mut already) = (0_u64, 0_u64);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let added = follow(store, config, line).await;
        match added.with_context(|| format!("line {} of {}", number + 1, file.display()))? {
            Added::New => new += 1,
            Added::Already => already += 1,
        }
    }
    let followed = many(new, "forest or repository is", "forests and repositories are");
    out.line(format_args!("{followed} followed from now on, {already} were already"))?;
    Ok(out.line(format_args!("a running worker fetches them now; without one: elmo sync --all"))?)
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

async fn follow(store: &Store, config: &Config, line: &str) -> anyhow::Result<Added> {
    match serde_json::from_str(line)? {
        Line::Forest(forest) => follow_forest(store, config, forest).await,
        Line::Repository(repository) => follow_repository(store, config, repository).await,
    }
}

async fn follow_forest(store: &Store, config: &Config, line: ForestLine) -> anyhow::Result<Added> {
    let name: ForestName = line.name.parse()?;
    if store.forest(&name).await?.is_some() {
        return Ok(Added::Already);
    }
    let url = RepositoryUrl::parse(&line.url, config.url_rules())?;
    let fork_of = line.fork_of.map(|origin| origin.parse()).transpose()?;
    store.add_forest(&NewForest { name: name.clone(), url, fork_of }).await?;
    store.archive_forest(&name, line.archived).await?;
    Ok(Added::New)
}

async fn follow_repository(store: &Store, config: &Config, line: RepositoryLine) -> anyhow::Result<Added> {
    let (name, now): (RepositoryName, _) = (line.name.parse()?, Clock::of_this_machine().now());
    let new = NewRepository {
        forest: line.forest.map(|forest| forest.parse()).transpose()?,
        locale: line.locale.map(|locale| locale.parse::<LocaleCode>()).transpose()?,
        fork_of: line.fork_of.map(|origin| origin.parse()).transpose()?,
        vcs: line.vcs.parse().map_err(anyhow::Error::msg)?,
        branches: line.branches.into_iter().map(Kept::from_kept).collect(),
        ..NewRepository::at(name.clone(), RepositoryUrl::parse(&line.url, config.url_rules())?)
    };
    let rules = line.locale_rules.as_deref().map(LocaleRules::from_text).transpose()?;
    let added = store.add_repository(&new, now).await?;
    if added == Added::New {
        if let Some(rules) = rules {
            set_locale_rules(store, &name, &rules).await?;
        }
        if line.archived {
            store.archive_repository(&name, true, now).await?;
        }
    }
    Ok(added)
}
