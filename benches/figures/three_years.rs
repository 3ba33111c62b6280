//! A database as three years leave it: repositories, pushes, changesets with their files, runs. It is written through the
//! store, as everything is, and made by numbers: the same each time but for the day on which it ends.

use crate::setting::scaled;
use elmo::domain::{
    Changeset, Compared, Comparison, Counts, ErrorClass, HgDate, LocaleCode, NewForest, Published, Push, Repository, RepositoryUrl,
    Revision, TaskResult, TaskRun, UrlRules,
};
use elmo::domain::{ForestName, NewRepository};
use elmo::store::{Ending, Recording, Store};
use elmo_queue::{Artifact, Queue, Task};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

const PUSHES: usize = 200_000;
const RUNS: usize = 500_000;
const LOCALES: usize = 150;
const TREES: usize = 12;
/// The forests, and which part of the pushes goes to each.
pub(crate) const FORESTS: [(&str, f64); 4] =
    [("l10n-central", 0.55), ("releases/l10n/mozilla-aurora", 0.2), ("releases/l10n/mozilla-beta", 0.15), ("projects/l10n", 0.1)];
/// What all locales are compared with.
const SOURCE: &str = "l10n/gecko-strings";
const HOST: &str = "https://hg.mozilla.org";
const YEARS: i64 = 3 * 365 * 86_400;
/// So many changesets are written by one transaction, or one push.
const TOGETHER: usize = 1000;
/// The newest results of each tree have details of so many entries for so many locales.
const ENTRIES: usize = 300;
pub(crate) const WITH_DETAILS: usize = 20;
/// One repository in so many fails.
const FAILING: usize = 97;

const LANGUAGES: &str = "ach af an ar as ast az be bg bn br bs ca cak cs cy da de dsb el en eo es et eu fa ff fi fr fur fy ga gd gl \
                         gn gu he hi hr hsb hu hy ia id is it ja ka kab kk km kn ko lij lo lt ltg lv mai mk ml mr ms my nb ne nl nn \
                         oc or pa pl pt rm ro ru";
const FOLDERS: &str = "browser/browser browser/browser/preferences browser/browser/newtab browser/installer browser/pdfviewer \
                       browser/chrome/browser devtools/client devtools/shared dom/chrome netwerk security/manager toolkit/toolkit/about \
                       toolkit/toolkit/global toolkit/toolkit/printing toolkit/chrome/global toolkit/chrome/mozapps mobile/android \
                       mobile/overrides mail/messenger mail/messenger/preferences mail/chrome/messenger calendar/calendar \
                       suite/chrome/common chat services/sync";
const STEMS: &str = "menubar aboutLogins preferences tabs panels sidebar search sync addons places history downloads printing \
                     certificates permissions containers languages fonts colors notifications screenshots protections policies \
                     crashreporter updates profile accounts firefoxview contextmenu toolbar";
const KINDS: [&str; 4] = ["ftl", "properties", "dtd", "ini"];

/// What there is to ask for.
pub(crate) struct ThreeYears {
    pub(crate) locales: Vec<LocaleCode>,
    /// Some changesets from all over.
    pub(crate) revisions: Vec<Revision>,
    pub(crate) paths: Vec<String>,
}

/// When something was pushed, in seconds since 1970, and its tip.
type Tips = Vec<(i64, Revision)>;

/// Writes everything into an empty database.
pub(crate) async fn fill(store: &Store, queue: &Queue, now: Timestamp, scale: f64) -> anyhow::Result<ThreeYears> {
    let locales = locales()?;
    follow(store, &locales, now).await?;
    let mut history = History { store, now, paths: paths(), revisions: Vec::new(), tips: HashMap::new() };
    for (number, repository) in store.repositories().await?.iter().enumerate() {
        let pushes = PUSHES as f64 * scale * share_of(repository, &locales);
        history.write(repository, number, (pushes.round() as usize).max(1)).await?;
    }
    let History { paths, revisions, tips, .. } = history;
    let results = Results { store, queue, locales: &locales, tips: &tips, now };
    results.write(scaled(RUNS, scale) / LOCALES).await?;
    look_at_all(store, now).await?;
    Ok(ThreeYears { locales, revisions, paths })
}

fn locales() -> anyhow::Result<Vec<LocaleCode>> {
    let languages: Vec<&str> = LANGUAGES.split_whitespace().collect();
    let plain = languages.iter().map(|&language| language.to_owned());
    let regional = languages.iter().map(|language| format!("{language}-{}", language[..2].to_uppercase()));
    Ok(plain.chain(regional).take(LOCALES).map(|code| code.parse()).collect::<Result<_, _>>()?)
}

fn paths() -> Vec<String> {
    let stems = || STEMS.split_whitespace().flat_map(|stem| KINDS.map(|kind| format!("{stem}.{kind}")));
    FOLDERS.split_whitespace().flat_map(|folder| stems().map(move |name| format!("{folder}/{name}"))).collect()
}

fn url(name: &str) -> anyhow::Result<RepositoryUrl> {
    Ok(RepositoryUrl::parse(&format!("{HOST}/{name}"), UrlRules::OnlyHttp)?)
}

async fn follow(store: &Store, locales: &[LocaleCode], now: Timestamp) -> anyhow::Result<()> {
    let source = NewRepository::at(SOURCE.parse()?, url(SOURCE)?);
    store.add_repository(&source, now).await?;
    for (name, _) in FORESTS {
        let forest: ForestName = name.parse()?;
        store.add_forest(&NewForest { name: forest.clone(), url: url(name)?, fork_of: None }).await?;
        for locale in locales {
            let name = forest.repository(locale);
            let (url, forest) = (url(name.as_str())?, Some(forest.clone()));
            let repository = NewRepository { forest, locale: Some(locale.clone()), ..NewRepository::at(name, url) };
            store.add_repository(&repository, now).await?;
        }
    }
    Ok(())
}

/// Which part of all pushes are a repository's: a few locales are busy, most are not.
fn share_of(repository: &Repository, locales: &[LocaleCode]) -> f64 {
    let weight = |rank: usize| 1.0 / (rank as f64 + 10.0);
    let rank = locales.iter().position(|locale| Some(locale) == repository.locale.as_ref());
    let forest = FORESTS.iter().find(|(name, _)| repository.forest.as_ref().is_some_and(|forest| forest.as_str() == *name));
    match (rank, forest) {
        (Some(rank), Some((_, part))) => part * weight(rank) / (0..locales.len()).map(weight).sum::<f64>(),
        _ => 0.005,
    }
}

/// Pushes and changesets, repository by repository.
struct History<'a> {
    store: &'a Store,
    now: Timestamp,
    paths: Vec<String>,
    revisions: Vec<Revision>,
    tips: HashMap<String, Tips>,
}

impl History<'_> {
    async fn write(&mut self, repository: &Repository, number: usize, pushes: usize) -> anyhow::Result<()> {
        let mut rng = Rng::with_seed(number as u64);
        let mut recording = empty_recording(repository);
        let mut tips: Tips = Vec::with_capacity(pushes);
        let mut parent = None;
        let first = self.now.as_second() - YEARS;
        for id in 1..=pushes {
            let date = first + YEARS * id as i64 / (pushes as i64 + 1) - rng.i64(0..600);
            let changesets: Vec<Changeset> =
                (0..size_of_push(&mut rng)).map(|_| self.changeset(&mut rng, &mut parent, date)).collect();
            let revisions: Vec<Revision> = changesets.iter().map(|changeset| changeset.revision).collect();
            tips.extend(parent.map(|tip| (date, tip)));
            let user = format!("{}@example.org", PEOPLE[rng.usize(..PEOPLE.len())].0);
            recording.pushes.push(Push {
                id: id as u64,
                user: user.as_str().into(),
                date,
                changesets: revisions,
                obsolete: Vec::new(),
                twins: Vec::new(),
            });
            recording.changesets.extend(changesets);
            if recording.changesets.len() >= TOGETHER {
                self.store.record(&recording).await?;
                recording = empty_recording(repository);
            }
        }
        self.store.record(&recording).await?;
        self.revisions.extend(tips.iter().step_by(200).map(|(_, tip)| *tip));
        self.tips.insert(repository.name.to_string(), tips);
        Ok(())
    }

    fn changeset(&self, rng: &mut Rng, parent: &mut Option<Revision>, date: i64) -> Changeset {
        let mut bytes = [0; 20];
        rng.fill(&mut bytes);
        let revision = Revision::from_bytes(bytes);
        let path = |rng: &mut Rng| self.paths[(rng.f64() * rng.f64() * self.paths.len() as f64) as usize].as_str();
        let (one, other) = (path(rng), path(rng));
        let (name, surname) = PEOPLE[rng.usize(..PEOPLE.len())];
        let author = format!("{name} {surname} <{name}@example.org>");
        let changeset = Changeset {
            revision,
            parents: parent.iter().copied().collect(),
            author: author.as_str().into(),
            description: description(rng, one).as_str().into(),
            branch: "default".into(),
            closes_branch: false,
            date: HgDate { seconds: date - rng.i64(60..86_400), offset: -3600 },
            files: if one == other { vec![one.into()] } else { vec![one.into(), other.into()] },
        };
        *parent = Some(revision);
        changeset
    }
}

const PEOPLE: [(&str, &str); 8] = [
    ("amina", "Diallo"),
    ("bjarne", "Holm"),
    ("chiara", "Ferri"),
    ("dmitri", "Sokolov"),
    ("elena", "Ruiz"),
    ("farid", "Karimi"),
    ("greta", "Lindqvist"),
    ("hiroshi", "Tanaka"),
];

fn description(rng: &mut Rng, path: &str) -> String {
    let bug = rng.u32(1_000_000..1_999_999);
    let line = format!("Bug {bug} - Update the strings of {path}, r=reviewer");
    match rng.u32(..10) {
        0 => format!(
            "{line}\n\nThe wording follows the style guide of the team, and terms are those of the glossary.\nTwo accesskeys\nwere the same and are not any more; a string that English has dropped is gone here as well."
        ),
        _ => line,
    }
}

/// Most pushes are of one changeset, some of many, and a few bring a whole history.
fn size_of_push(rng: &mut Rng) -> usize {
    match rng.u32(..1000) {
        0..700 => 1,
        700..950 => rng.usize(2..=6),
        950..999 => rng.usize(7..=44),
        _ => rng.usize(1000..=3000),
    }
}

fn empty_recording(repository: &Repository) -> Recording {
    Recording::of_changesets(repository.id, repository.generation, Vec::new(), None)
}

/// Runs, tree by tree in turns.
struct Results<'a> {
    store: &'a Store,
    queue: &'a Queue,
    locales: &'a [LocaleCode],
    tips: &'a HashMap<String, Tips>,
    now: Timestamp,
}

impl Results<'_> {
    async fn write(&self, results: usize) -> anyhow::Result<()> {
        let mut rng = Rng::with_seed(7);
        for number in 0..results {
            let at = self.now.as_second() - YEARS + YEARS * (number as i64 + 1) / results as i64;
            let mut task = Task::new(u32::try_from(number)?);
            let result = self.result(&mut rng, number, at, task.id())?;
            if number + TREES >= results {
                for comparison in result.published.comparisons.iter().take(WITH_DETAILS) {
                    task = task.artifact(comparison.artifact.as_str(), Artifact::new(details(comparison.locale.as_str())));
                }
                self.queue.add(task);
            }
            self.store.record_result(&result, Timestamp::from_second(at)?).await?;
        }
        Ok(())
    }

    fn result(&self, rng: &mut Rng, number: usize, at: i64, task: &str) -> anyhow::Result<TaskResult> {
        let config = format!("_configs/product{:02}.toml", number % TREES);
        let compared = self.locales.iter().enumerate();
        let comparisons: Vec<Comparison> = compared
            .map(|(rank, locale)| {
                let artifact = format!("public/compares/product{:02}.{locale}.json", number % TREES).parse()?;
                let counts = counts(rng, rank, number % TREES);
                Ok(Comparison {
                    locale: locale.clone(),
                    config: config.clone(),
                    artifact,
                    revisions: self.revisions(locale, at)?,
                    counts,
                })
            })
            .collect::<anyhow::Result<_>>()?;
        let artifacts = comparisons.iter().map(|comparison| (comparison.artifact.clone(), None)).collect();
        let published = Published { compare_locales: "9.0.5".to_owned(), repository: url(SOURCE)?, comparisons };
        let of = TaskRun { root: self.queue.root().parse()?, task: task.parse()?, run: 0 };
        Ok(TaskResult { of, resolved: Timestamp::from_second(at)?, published, artifacts })
    }

    /// The newest at that time of the source and of the locale.
    fn revisions(&self, locale: &LocaleCode, at: i64) -> anyhow::Result<Vec<Compared>> {
        let newest = |name: &str| -> Option<Revision> {
            let tips = self.tips.get(name)?;
            tips[..tips.partition_point(|(date, _)| *date <= at)].last().map(|(_, tip)| *tip)
        };
        let names = [SOURCE.to_owned(), format!("{}/{locale}", FORESTS[0].0)];
        names
            .iter()
            .filter_map(|name| Some((name, newest(name)?)))
            .map(|(name, revision)| Ok(Compared { repository: url(name)?, revision }))
            .collect()
    }
}

fn counts(rng: &mut Rng, rank: usize, tree: usize) -> Counts {
    let total = 2_000 + 700 * tree as i64;
    let missing = (rank as i64 * total / 300 + rng.i64(-30..30)).max(0);
    let (unchanged, errors, warnings) = (total / 15, rng.i64(-3..=1).max(0), rng.i64(0..4));
    Counts {
        errors,
        warnings,
        missing,
        missing_w: 4 * missing,
        obsolete: rng.i64(0..20),
        changed: total - missing - unchanged,
        changed_w: 5 * (total - missing - unchanged),
        unchanged,
        unchanged_w: 2 * unchanged,
        keys: total / 10,
        ..Counts::default()
    }
}

fn details(locale: &str) -> String {
    let file = |number: usize| {
        let keys = (0..10).map(|key| json!({"missingEntity": format!("some-message-of-file-{number}-{key}")}));
        (format!("file-{number}.ftl"), keys.collect::<serde_json::Value>())
    };
    let files: serde_json::Map<_, _> = (0..ENTRIES / 10).map(file).collect();
    json!({"details": {locale: {"browser": files}}}).to_string()
}

/// As a worker leaves them: complete, but for a few.
async fn look_at_all(store: &Store, now: Timestamp) -> anyhow::Result<()> {
    let mut number = 0;
    while let Some(claim) = store.claim("bench", Duration::from_secs(3600), &[], now).await? {
        number += 1;
        let failed = || {
            let next_try = now.checked_add(Duration::from_secs(86_400)).unwrap_or(now);
            Ending::Failed { class: ErrorClass::Network, error: "could not read the pushlog: 503".to_owned(), next_try }
        };
        store.end(&claim, &if number % FAILING == 0 { failed() } else { Ending::Complete }, now).await?;
    }
    Ok(())
}
