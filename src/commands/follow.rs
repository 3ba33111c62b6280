//! `elmo forest` and `elmo repository`: what is followed.

use super::Outcome;
use super::out::{Out, many};
use super::parts::{Parts, open_store};
use crate::config::Config;
use crate::domain::{
    Clock, ConfigFiles, Configured, Forest as KnownForest, ForestName, Kept, LocaleCode, LocaleRules, NewForest, NewRepository,
    Repository as KnownRepository, RepositoryName, RepositoryUrl, Vcs,
};
use crate::fetch::list;
use crate::plan::member;
use crate::store::{Added, Store};
use crate::sync::quiet;
use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Said where there is nothing to show or to do.
pub(super) const NOTHING_FOLLOWED: &str = "no repository yet; elmo repository add NAME URL, or elmo forest add NAME URL --discover";

#[derive(Subcommand)]
pub(super) enum Forest {
    /// Follow a forest
    ///
    /// For instance: `elmo forest add l10n-central https://hg.mozilla.org/l10n-central --discover`
    Add {
        /// What it is called here, and what the names of its repositories begin with
        name: ForestName,
        /// Its folder at the host
        url: String,
        /// The forest whose repositories those of this one are forks of; clones are shared
        #[arg(long, value_name = "FOREST")]
        fork_of: Option<ForestName>,
        /// Read the host's index and follow every repository it lists
        #[arg(long)]
        discover: bool,
    },
    /// List the forests
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Leave a forest and its repositories alone from now on; nothing is deleted
    Archive {
        /// The forest
        name: ForestName,
        /// Take it up again
        #[arg(long)]
        undo: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum Repository {
    /// Follow a repository
    ///
    /// For instance: `elmo repository add mozilla-l10n/firefox-l10n https://github.com/mozilla-l10n/firefox-l10n`
    Add {
        /// What it is called here
        name: RepositoryName,
        /// Its address at the host; one on GitHub, or that ends with .git, is of git
        url: String,
        /// What keeps its history, where the address does not tell
        #[arg(long, value_name = "hg|git")]
        vcs: Option<Vcs>,
        /// A branch of git to follow, may be given again; the one that the host calls its HEAD without this
        #[arg(long = "branch", value_name = "BRANCH")]
        branches: Vec<String>,
        /// Which locale a path belongs to, where the repository has many: a pattern as '{locale}/**'
        #[arg(long, value_name = "PATTERN", conflicts_with_all = ["locale", "l10n"])]
        locales: Option<String>,
        /// The same as an l10n.toml on this machine says it, with what it includes
        #[arg(id = "l10n", long = "config", value_name = "FILE", conflicts_with = "locale")]
        config: Option<PathBuf>,
        /// The repository it is a fork of, whose clone it shares
        #[arg(long, value_name = "REPOSITORY")]
        fork_of: Option<RepositoryName>,
        /// The locale it is for
        #[arg(long)]
        locale: Option<LocaleCode>,
    },
    /// List the repositories and how they are
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say anew which locale a path of a repository belongs to; all that is recorded is placed by it
    Locales {
        /// The repository
        name: RepositoryName,
        /// A pattern as '{locale}/**'
        #[arg(required_unless_present = "l10n")]
        pattern: Option<String>,
        /// An l10n.toml on this machine, with what it includes
        #[arg(id = "l10n", long = "config", value_name = "FILE", conflicts_with = "pattern")]
        config: Option<PathBuf>,
    },
    /// Follow a repository at another address from now on, since its host has renamed or moved it
    Move {
        /// The repository
        name: RepositoryName,
        /// Where it is now
        url: String,
    },
    /// Leave a repository alone from now on; nothing is deleted
    Archive {
        /// The repository
        name: RepositoryName,
        /// Take it up again
        #[arg(long)]
        undo: bool,
    },
}

impl Forest {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        match self {
            Forest::Add { name, url, fork_of, discover } => {
                let parts = Parts::open(config, quiet()).await?;
                let url = RepositoryUrl::parse(&url, parts.config.url_rules())?;
                parts.store.add_forest(&NewForest { name: name.clone(), url, fork_of }).await?;
                out.line(format_args!("following forest {name}"))?;
                if discover {
                    discover_in(&parts, &name, out).await?;
                }
            }
            Forest::List { json } => list_forests(&open_store(&config).await?, json, out).await?,
            Forest::Archive { name, undo } => {
                if !open_store(&config).await?.archive_forest(&name, !undo).await? {
                    bail!("there is no forest {name}; `elmo forest list` names them");
                }
                out.line(format_args!("forest {name} is {}", if undo { "followed again" } else { "archived" }))?;
            }
        }
        Ok(Outcome::Done)
    }
}

async fn discover_in(parts: &Parts, name: &ForestName, out: &mut Out) -> anyhow::Result<()> {
    let forest: KnownForest = parts.store.forest(name).await?.context("the forest was just added")?;
    let listed = list(&parts.bringer.http, &forest.url).await?;
    let mut added = 0;
    for locale in &listed.locales {
        let repository = member(&forest, locale.clone(), forest.url.join(locale));
        if parts.store.add_repository(&repository, parts.clock.now()).await? == Added::New {
            added += 1;
        }
    }
    let locales = many(listed.locales.len(), "locale", "locales");
    out.line(format_args!("{} lists {locales}, {added} of them new", forest.url))?;
    if !listed.others.is_empty() {
        out.line(format_args!("not locales, left out: {}", listed.others.join(", ")))?;
    }
    out.line(format_args!("a running worker fetches them now; without one: elmo sync --all"))?;
    Ok(())
}

async fn list_forests(store: &Store, json: bool, out: &mut Out) -> anyhow::Result<()> {
    let forests = store.forests().await?;
    if json {
        let row = |forest: &KnownForest| json!({"name": forest.name, "url": forest.url, "archived": forest.archived, "fork_of": forest.fork_of});
        return Ok(out.json(&forests.iter().map(row).collect::<Vec<_>>())?);
    }
    if forests.is_empty() {
        return Ok(
            out.line(format_args!("no forest yet; elmo forest add l10n-central https://hg.mozilla.org/l10n-central --discover"))?
        );
    }
    let row = |forest: &KnownForest| {
        let remark = match (&forest.fork_of, forest.archived) {
            (_, true) => "archived".to_owned(),
            (Some(origin), false) => format!("fork of {origin}"),
            (None, false) => String::new(),
        };
        vec![forest.name.to_string(), forest.url.to_string(), remark]
    };
    Ok(out.table(&["forest", "url", ""], &forests.iter().map(row).collect::<Vec<_>>())?)
}

impl Repository {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let store = open_store(&config).await?;
        let now = Clock::of_this_machine().now();
        match self {
            Repository::Add { name, url, vcs, branches, locales, config: rules, fork_of, locale } => {
                let rules = locale_rules(locales.as_deref(), rules.as_deref(), out)?;
                let url = RepositoryUrl::parse(&url, config.url_rules())?;
                let vcs = vcs.unwrap_or_else(|| kept_by(&url));
                if vcs == Vcs::Mercurial && (!branches.is_empty() || rules.is_some()) {
                    bail!("--branch, --locales and --config are for repositories of git; in Mercurial a locale has a repository");
                }
                if let Some(origin) = &fork_of
                    && store.repository(origin).await?.is_none()
                {
                    bail!("there is no repository {origin} that {name} could be a fork of");
                }
                let branches = branches.iter().map(|branch| Kept::from(branch.as_str())).collect();
                let new = NewRepository { locale, fork_of, vcs, branches, ..NewRepository::at(name.clone(), plain(url)) };
                let added = store.add_repository(&new, now).await?;
                if let (Added::New, Some(rules)) = (added, rules) {
                    set_locale_rules(&store, &name, &rules).await?;
                }
                match added {
                    Added::New => {
                        out.line(format_args!("following {name}; a running worker fetches it now; without one: elmo sync {name}"))?;
                    }
                    Added::Already => out.line(format_args!("{name} is followed already"))?,
                }
            }
            Repository::List { json } => list_repositories(&store, now, json, out).await?,
            Repository::Locales { name, pattern, config } => {
                if let Some(rules) = locale_rules(pattern.as_deref(), config.as_deref(), out)? {
                    let locales = set_locale_rules(&store, &name, &rules).await?;
                    out.line(format_args!("{name} has files of {} now", many(locales, "locale", "locales")))?;
                }
            }
            Repository::Move { name, url } => {
                let url = plain(RepositoryUrl::parse(&url, config.url_rules())?);
                if !store.move_repository(&name, &url, now).await? {
                    bail!("there is no repository {name}; `elmo repository list` names them");
                }
                out.line(format_args!("{name} is followed at {url} now; a running worker looks at it"))?;
            }
            Repository::Archive { name, undo } => {
                if !store.archive_repository(&name, !undo, now).await? {
                    bail!("there is no repository {name}; `elmo repository list` names them");
                }
                out.line(format_args!("{name} is {}", if undo { "followed again" } else { "archived" }))?;
            }
        }
        Ok(Outcome::Done)
    }
}

/// The rules that the command line names; what of a configuration is not in them is said.
fn locale_rules(pattern: Option<&str>, config: Option<&Path>, out: &mut Out) -> anyhow::Result<Option<LocaleRules>> {
    let (Some(config), None) = (config, pattern) else {
        return Ok(pattern.map(LocaleRules::of_pattern).transpose()?);
    };
    let folder = config.parent().unwrap_or(Path::new(""));
    let first = config.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut files, mut wanted) = (ConfigFiles::new(), vec![first.clone()]);
    loop {
        for path in wanted {
            let content = std::fs::read(folder.join(&path)).ok();
            files.insert(path, content);
        }
        match LocaleRules::of_config(&first, &files).with_context(|| format!("could not use {}", config.display()))? {
            Configured::Wants(more) => wanted = more,
            Configured::Done(rules, notes) => {
                notes.iter().try_for_each(|note| out.line(format_args!("{note}")))?;
                return Ok(Some(rules));
            }
        }
    }
}

/// Places what is recorded of a repository; gives the number of locales.
pub(super) async fn set_locale_rules(store: &Store, name: &RepositoryName, rules: &LocaleRules) -> anyhow::Result<usize> {
    let Some(repository) = store.repository(name).await? else {
        bail!("there is no repository {name}; `elmo repository list` names them");
    };
    Ok(store.set_locale_rules(repository.id, rules).await?.len())
}

/// What keeps the history of a repository, as far as its address tells.
fn kept_by(url: &RepositoryUrl) -> Vcs {
    let is_of_git = url.host() == GITHUB || url.as_str().ends_with(".git");
    if is_of_git { Vcs::Git } else { Vcs::Mercurial }
}

/// GitHub's repositories are followed by the address that others name them by.
fn plain(url: RepositoryUrl) -> RepositoryUrl {
    if url.host() == GITHUB { url.without_git() } else { url }
}

const GITHUB: &str = "github.com";

async fn list_repositories(store: &Store, now: jiff::Timestamp, json: bool, out: &mut Out) -> anyhow::Result<()> {
    let repositories = store.repositories().await?;
    if json {
        let rows = repositories.iter().map(|repository| crate::web::repository_json(repository, now));
        return Ok(out.json(&rows.collect::<Result<Vec<_>, _>>()?)?);
    }
    if repositories.is_empty() {
        return Ok(out.line(format_args!("{NOTHING_FOLLOWED}"))?);
    }
    let row = |repository: &KnownRepository| {
        let error = repository.error.clone().unwrap_or_default();
        vec![repository.name.to_string(), repository.state().name().to_owned(), repository.rest_of_words(), error]
    };
    Ok(out.table(&["repository", "state", "", ""], &repositories.iter().map(row).collect::<Vec<_>>())?)
}
