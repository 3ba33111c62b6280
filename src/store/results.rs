//! Writes down what a task published: all comparisons of a result in one transaction, in a handful of statements.

use super::database::{Change, Lock, RowsSql, Step, Store, StoreError, rows_sql};
use super::dictionary::{locales_named, named};
use super::rows::{Cell, Rows};
use super::version::{self, Of};
use super::{placeholders, settling, trees};
use crate::domain::{Compared, Comparison, LocaleCode, RepositoryUrl, Revision, TaskResult, TaskRun};
use jiff::Timestamp;
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};

/// What recording a result did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many comparisons were written down.
    Recorded { comparisons: u64 },
    /// It was there already, and nothing changed.
    Known,
}

const HAS_RESULT: &str = "select id from task_result where root = $1 and task = $2 and task_run = $3";
const ADD_RESULT: &str = "
    insert into task_result (root, task, task_run, resolved_at, compare_locales, taken_at) values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing
    returning id";
const ADD_REPOSITORIES: RowsSql =
    rows_sql!("insert into compared_repository (url) select value->>0 from " ROWS " where true on conflict do nothing");
const REPOSITORY_IDS: RowsSql =
    rows_sql!("select value->>0 as name, (select id from compared_repository where url = value->>0) as id from " ROWS "");
const ADD_ARTIFACTS: RowsSql = rows_sql!(
    "insert into artifact (result, name, expires_at)
     select cast(value->>0 as bigint), value->>1, cast(value->>2 as bigint) from " ROWS " where true
     on conflict do nothing
     returning id, name");
const ADD_RUNS: RowsSql = rows_sql!(
    "insert into run (result, tree, locale, artifact, srctime, errors, warnings, missing, missing_w, report, obsolete, changed,
                      changed_w, unchanged, unchanged_w, keys, total, completion, total_w, completion_w)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint), cast(value->>3 as bigint),
            cast(value->>4 as bigint), cast(value->>5 as bigint), cast(value->>6 as bigint), cast(value->>7 as bigint),
            cast(value->>8 as bigint), cast(value->>9 as bigint), cast(value->>10 as bigint), cast(value->>11 as bigint),
            cast(value->>12 as bigint), cast(value->>13 as bigint), cast(value->>14 as bigint), cast(value->>15 as bigint),
            cast(value->>16 as bigint), cast(value->>17 as bigint), cast(value->>18 as bigint), cast(value->>19 as bigint)
     from " ROWS " where true
     returning id, tree, locale");
const ADD_REVISIONS: RowsSql = rows_sql!(
    "insert into run_revision (run, changeset, repository)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS " where true
     on conflict do nothing");

impl Store {
    /// The result is recorded already.
    pub async fn has_result(&self, of: &TaskRun) -> Result<bool, StoreError> {
        let query = sqlx::query(HAS_RESULT).bind(of.root.to_string()).bind(of.task.to_string()).bind(i64::from(of.run));
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    /// Records a result, all of it or nothing; one that is there stays as it is.
    pub async fn record_result(&self, result: &TaskResult, now: Timestamp) -> Result<Taken, StoreError> {
        self.write(&(result, now), |change, (result, now)| -> Step<'_, Taken> { Box::pin(write_down(change, result, *now)) }).await
    }
}

async fn write_down(change: &mut Change, result: &TaskResult, now: Timestamp) -> Result<Taken, StoreError> {
    // Whoever records pushes at the same moment is waited for, so that one of the two sees what the other wrote.
    change.lock(Lock::Results).await?;
    let Some(id) = add_result(change, result, now).await? else {
        return Ok(Taken::Known);
    };
    let comparisons = &result.published.comparisons;
    let names = Names::write(change, result).await?;
    let trees = trees::ids(change, &result.published, &names.repositories).await?;
    let artifacts = add_artifacts(change, id, result).await?;
    let runs = add_runs(change, id, result, &names, &trees, &artifacts).await?;
    add_revisions(change, comparisons, &names, &trees, &runs).await?;
    let (ids, places): (Vec<i64>, BTreeSet<(i64, i64)>) = runs.into_iter().map(|(place, run)| (run, place)).unzip();
    settling::settle(change, &ids).await?;
    settling::activate(change, &places).await?;
    version::raise(change, Of::Results).await?;
    Ok(Taken::Recorded { comparisons: comparisons.len() as u64 })
}

async fn add_result(change: &mut Change, result: &TaskResult, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query(ADD_RESULT)
        .bind(result.of.root.to_string())
        .bind(result.of.task.to_string())
        .bind(i64::from(result.of.run))
        .bind(result.resolved.as_microsecond())
        .bind(result.published.compare_locales.clone())
        .bind(now.as_microsecond())
        .fetch_optional(&mut *change.tx)
        .await?;
    Ok(row.map(|row| row.try_get("id")).transpose()?)
}

/// The numbers of all locales, repositories and changesets that a result names.
struct Names {
    locales: HashMap<String, i64>,
    repositories: HashMap<String, i64>,
    changesets: HashMap<Revision, i64>,
}

impl Names {
    /// Adds those that are new. In the order of their names, so that two workers never wait for each other in a circle.
    async fn write(change: &mut Change, result: &TaskResult) -> Result<Names, StoreError> {
        let comparisons = &result.published.comparisons;
        let locales: BTreeSet<&str> = comparisons.iter().map(|comparison| comparison.locale.as_str()).collect();
        let compared = || comparisons.iter().flat_map(|comparison| &comparison.revisions);
        let mut repositories: BTreeSet<&str> = compared().map(|compared| compared.repository.as_str()).collect();
        repositories.insert(result.published.repository.as_str());
        let revisions: BTreeSet<Revision> = compared().map(|compared| compared.revision).collect();
        let mut changesets = HashMap::with_capacity(revisions.len());
        placeholders::add(change, &revisions).await?;
        placeholders::find(change, &revisions, &mut changesets).await?;
        Ok(Names {
            locales: locales_named(change, locales).await?,
            repositories: named(change, &ADD_REPOSITORIES, &REPOSITORY_IDS, repositories).await?,
            changesets,
        })
    }

    fn locale(&self, locale: &LocaleCode) -> i64 {
        self.locales[locale.as_str()]
    }

    fn repository(&self, url: &RepositoryUrl) -> i64 {
        self.repositories[url.as_str()]
    }
}

async fn add_artifacts(change: &mut Change, id: i64, result: &TaskResult) -> Result<HashMap<String, i64>, StoreError> {
    let mut rows = Rows::new();
    for (name, expires) in &result.artifacts {
        let expires = expires.map_or(Cell::Nothing, |at| Cell::Number(at.as_microsecond()));
        rows.add([Cell::Number(id), Cell::Text(name.as_str()), expires]);
    }
    let rows = change.fetch(&ADD_ARTIFACTS, rows.done()).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("id")?))).collect()
}

/// Runs by their tree and locale.
type Runs = HashMap<(i64, i64), i64>;

async fn add_runs(
    change: &mut Change,
    id: i64,
    result: &TaskResult,
    names: &Names,
    trees: &HashMap<String, i64>,
    artifacts: &HashMap<String, i64>,
) -> Result<Runs, StoreError> {
    let mut rows = Rows::new();
    for (comparison, (artifact, _)) in result.published.comparisons.iter().zip(&result.artifacts) {
        let counts = &comparison.counts;
        let place = [trees[&comparison.config], names.locale(&comparison.locale), artifacts[artifact.as_str()]];
        let sums = [counts.total(), counts.completion(), counts.total_w(), counts.completion_w()];
        let numbers = [id].into_iter().chain(place).chain([result.resolved.as_second()]).chain(counts.values()).chain(sums);
        rows.add(numbers.map(Cell::Number));
    }
    let rows = change.fetch(&ADD_RUNS, rows.done()).await?;
    rows.iter().map(|row| Ok(((row.try_get("tree")?, row.try_get("locale")?), row.try_get("id")?))).collect()
}

async fn add_revisions(
    change: &mut Change,
    comparisons: &[Comparison],
    names: &Names,
    trees: &HashMap<String, i64>,
    runs: &Runs,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for comparison in comparisons {
        let run = runs[&(trees[&comparison.config], names.locale(&comparison.locale))];
        for Compared { repository, revision } in &comparison.revisions {
            let numbers = [run, names.changesets[revision], names.repository(repository)];
            rows.add(numbers.map(Cell::Number));
        }
    }
    change.run_unless_empty(&ADD_REVISIONS, rows).await
}
