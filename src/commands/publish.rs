//! `elmo publish-comparison`: within a task, compare-locales' own `--json` in, `elmo.json` and the details beside it out.

use super::Outcome;
use super::out::Out;
use super::tasks::counted;
use crate::domain::{LocaleCode, config_stem};
use crate::event::read_elmo_json;
use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Within a task: make elmo.json and the details beside it from what compare-locales wrote
#[derive(Args)]
pub(super) struct PublishComparison {
    /// What `compare-locales --json FILE CONFIG… BASE LOCALE…` wrote
    file: PathBuf,
    /// The configurations in the order in which compare-locales was given them, as paths in their repository
    #[arg(long, required = true, value_name = "PATH")]
    configuration: Vec<String>,
    /// The URL of the repository that holds them
    #[arg(long, value_name = "URL")]
    repository: String,
    /// The version of compare-locales
    #[arg(long, value_name = "VERSION")]
    compare_locales: String,
    /// A revision that all locales were compared with or from, as /l10n/gecko-strings/=HASH; {locale} stands for the locale's code
    #[arg(long, value_name = "URL=HASH")]
    revision: Vec<String>,
    /// A file with the revisions of each locale: {"de": {"/l10n-central/de/": "HASH"}, …}
    #[arg(long, value_name = "FILE")]
    revisions: Option<PathBuf>,
    /// The folder that becomes the artifacts under this name
    #[arg(long, default_value = "public", value_name = "FOLDER")]
    output: PathBuf,
}

/// What compare-locales wrote for one configuration.
#[derive(Deserialize)]
struct Compared {
    details: Map<String, Value>,
    summary: BTreeMap<String, Value>,
}

type Revisions = BTreeMap<String, String>;

/// A file to be written: its name below the output folder, and what stands in it.
type Details = (String, Value);

impl PublishComparison {
    pub(super) fn run(self, out: &mut Out) -> anyhow::Result<Outcome> {
        let written: Vec<Compared> = read(&self.file)?;
        let (given, found) = (self.configuration.len(), written.len());
        ensure!(given == found, "{} compares {found} configurations, --configuration names {given}", self.file.display());
        let (comparisons, details) = self.comparisons(&written)?;
        let file = json!({
            "version": "1.0", "compare-locales": self.compare_locales, "repository": self.repository, "comparisons": comparisons,
        });
        // A worker reads it the same way; better told here than parked there.
        read_elmo_json(file.to_string().as_bytes(), None)?;
        for (name, document) in &details {
            write(&self.output.join(name), document)?;
        }
        let target = self.output.join("elmo.json");
        write(&target, &file)?;
        out.line(format_args!("{}: {}", target.display(), counted(comparisons.len())))?;
        Ok(Outcome::Done)
    }

    /// What stands in `elmo.json` for each configuration and locale, and their details.
    fn comparisons(&self, written: &[Compared]) -> anyhow::Result<(Vec<Value>, Vec<Details>)> {
        let of_locales = self.revisions.as_deref().map(read::<BTreeMap<String, Revisions>>).transpose()?.unwrap_or_default();
        let of_all = self.revisions_of_all()?;
        let (mut comparisons, mut files) = (Vec::new(), Vec::new());
        for ((config, stem), compared) in self.configuration.iter().zip(stems(&self.configuration)).zip(written) {
            for (locale, summary) in &compared.summary {
                locale.parse::<LocaleCode>()?;
                let name = format!("compares/{stem}.{locale}.json");
                let mut revisions: Revisions =
                    of_all.iter().map(|(url, hash)| (url.replace("{locale}", locale), hash.clone())).collect();
                revisions.extend(of_locales.get(locale).cloned().unwrap_or_default());
                comparisons.push(json!({
                    "locale": locale, "config": config, "artifact": format!("public/{name}"), "revisions": revisions,
                    "summary": summary,
                }));
                files.push((name, json!({"details": details_of(compared, locale), "summary": {locale: summary}})));
            }
        }
        Ok((comparisons, files))
    }

    fn revisions_of_all(&self) -> anyhow::Result<Vec<(String, String)>> {
        let pair = |text: &String| {
            let pair = text.rsplit_once('=').map(|(url, hash)| (url.to_owned(), hash.to_owned()));
            pair.with_context(|| format!("--revision {text} is not URL=HASH"))
        };
        self.revision.iter().map(pair).collect()
    }
}

/// What compare-locales found in one locale: the first part of each path is its code.
fn details_of(compared: &Compared, locale: &str) -> Map<String, Value> {
    let is_of = |path: &String| path.split('/').next() == Some(locale);
    compared.details.iter().filter(|(path, _)| is_of(path)).map(|(path, node)| (path.clone(), node.clone())).collect()
}

/// Short names of configurations for names of artifacts: their stems, with a number where two have the same.
fn stems(configs: &[String]) -> Vec<String> {
    let short: Vec<&str> = configs.iter().map(|config| config_stem(config)).collect();
    let is_alone = |stem: &str| short.iter().filter(|other| **other == stem).count() == 1;
    let numbered = |(stem, number): (&&str, usize)| if is_alone(stem) { (*stem).to_owned() } else { format!("{number}-{stem}") };
    short.iter().zip(1..).map(numbered).collect()
}

fn read<T: for<'a> Deserialize<'a>>(file: &Path) -> anyhow::Result<T> {
    let text = std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not what it should be", file.display()))
}

fn write(file: &Path, value: &Value) -> anyhow::Result<()> {
    let Some(folder) = file.parent() else { bail!("{} is in no folder", file.display()) };
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    std::fs::write(file, value.to_string()).with_context(|| format!("could not write {}", file.display()))
}
