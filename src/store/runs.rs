//! Runs as pages show them, and revisions that never came.

use super::database::{Store, StoreError, parsed};
use super::repositories::time;
use crate::domain::{ArtifactName, Counts, LocaleCode, RepositoryName, RepositoryUrl, Revision, RootUrl, TaskRun};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

/// One run: a locale compared by a tree's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    pub id: i64,
    pub tree: String,
    pub locale: LocaleCode,
    pub of: TaskRun,
    pub resolved: Timestamp,
    /// Seconds since 1970.
    pub srctime: i64,
    pub counts: Counts,
    pub total: i64,
    pub completion: i64,
    pub compare_locales: String,
    pub artifact: ArtifactName,
    pub expires: Option<Timestamp>,
    pub active: bool,
}

/// Which runs are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// The code of a tree.
    pub tree: Option<String>,
    /// The code of a locale.
    pub locale: Option<String>,
    /// Only the one that counts for each tree and locale.
    pub only_active: bool,
}

/// A changeset that was compared in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRevision {
    pub repository: RepositoryUrl,
    /// Its name, where it is followed.
    pub followed: Option<RepositoryName>,
    pub revision: Revision,
    /// False for a placeholder.
    pub known: bool,
}

/// A changeset that results name and nobody has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    pub repository: RepositoryUrl,
    pub followed: bool,
    pub revision: Revision,
    /// When the first result that names it was taken.
    pub since: Timestamp,
}

macro_rules! runs_sql {
    ($rest:literal) => {
        concat!(
            "select run.id, run.srctime, run.errors, run.warnings, run.missing, run.missing_w, run.report, run.obsolete, run.changed,
                    run.changed_w, run.unchanged, run.unchanged_w, run.keys, run.total, run.completion, tree.code as tree_code,
                    locale.code as locale_code, task_result.root, task_result.task, task_result.task_run, task_result.resolved_at, task_result.compare_locales, artifact.name as artifact_name,
                    artifact.expires_at, case when active.run is null then 0 else 1 end as is_active
             from run
             join tree on tree.id = run.tree
             join locale on locale.id = run.locale
             join task_result on task_result.id = run.result
             join artifact on artifact.id = run.artifact
             left join active on active.tree = run.tree and active.locale = run.locale and active.run = run.id ",
            $rest
        )
    };
}

const ONE: &str = runs_sql!("where run.id = $1");
const NEWEST: &str = runs_sql!("where run.id < $1 order by run.id desc limit cast($2 as bigint)");
/// By itself: where the tree may be any, SQLite goes through the runs of all.
const NEWEST_OF_TREE: &str = runs_sql!(
    "where run.tree = (select tree.id from tree where tree.code = $3) and run.id < $1 order by run.id desc limit cast($2 as bigint)"
);
/// Of few places: these first, then their runs.
const NEWEST_OF_PLACES: &str = runs_sql!(
    "where run.id in (
         select placed.id
         from active place
         join run placed on placed.tree = place.tree and placed.locale = place.locale
         where ($3 = '' or place.tree = (select tree.id from tree where tree.code = $3))
           and ($4 = '' or place.locale = (select locale.id from locale where locale.code = $4))
           and ($5 = 0 or placed.id = place.run)
           and placed.id < $1
         order by placed.id desc
         limit cast($2 as bigint))
     order by run.id desc"
);
const BEFORE: &str = runs_sql!(
    "where run.tree = $1 and run.locale = $2 and run.srctime <= $3
       and (run.srctime < $3 or task_result.resolved_at < $4
            or (task_result.resolved_at = $4
                and (task_result.root > $5
                     or (task_result.root = $5
                         and (task_result.task > $6 or (task_result.task = $6 and task_result.task_run < $7))))))
     order by run.srctime desc, task_result.resolved_at desc, task_result.root, task_result.task, task_result.task_run desc
     limit 1"
);
const PLACE_OF: &str = "select tree, locale from run where id = $1";
const ACTIVE_OF: &str =
    runs_sql!("where run.id in (select placed.run from active placed where placed.tree = $1) order by locale.code");
const REVISIONS: &str = "
    select compared_repository.url, repository.name, changeset.revision, changeset.known
    from run_revision
    join compared_repository on compared_repository.id = run_revision.repository
    join changeset on changeset.id = run_revision.changeset
    left join repository on repository.url = compared_repository.url
    where run_revision.run = $1
    order by compared_repository.url";
const AWAITED: &str = "
    select compared_repository.url, changeset.revision, min(task_result.taken_at) as since,
           case when exists (select 1
                             from repository left join forest on forest.id = repository.forest
                             where repository.url = compared_repository.url
                               and repository.archived = 0 and coalesce(forest.archived, 0) = 0) then 1 else 0 end as followed
    from changeset
    join run_revision on run_revision.changeset = changeset.id
    join run on run.id = run_revision.run
    join task_result on task_result.id = run.result
    join compared_repository on compared_repository.id = run_revision.repository
    where changeset.known = 0
    group by compared_repository.url, changeset.revision
    having min(task_result.taken_at) < $1
    order by compared_repository.url, since";

impl Store {
    /// The run of that number.
    pub async fn run(&self, id: i64) -> Result<Option<RunRow>, StoreError> {
        let row = sqlx::query(ONE).bind(id).fetch_optional(self.readers()).await?;
        row.map(|row| run_from(&row)).transpose()
    }

    /// The run that came before this one for its tree and locale: by source time, then by the end of its task, as it is decided
    /// which one is active.
    pub async fn run_before(&self, run: &RunRow) -> Result<Option<RunRow>, StoreError> {
        let Some(place) = sqlx::query(PLACE_OF).bind(run.id).fetch_optional(self.readers()).await? else {
            return Ok(None);
        };
        let query = sqlx::query(BEFORE)
            .bind(place.try_get::<i64, _>("tree")?)
            .bind(place.try_get::<i64, _>("locale")?)
            .bind(run.srctime)
            .bind(run.resolved.as_microsecond())
            .bind(run.of.root.to_string())
            .bind(run.of.task.to_string())
            .bind(i64::from(run.of.run));
        query.fetch_optional(self.readers()).await?.map(|row| run_from(&row)).transpose()
    }

    /// What was compared in a run.
    pub async fn run_revisions(&self, id: i64) -> Result<Vec<RunRevision>, StoreError> {
        let rows = sqlx::query(REVISIONS).bind(id).fetch_all(self.readers()).await?;
        let revision = |row: &AnyRow| -> Result<RunRevision, StoreError> {
            Ok(RunRevision {
                repository: RepositoryUrl::from_kept(row.try_get("url")?),
                followed: super::database::parsed_option(row, "name")?,
                revision: parsed(row, "revision")?,
                known: row.try_get::<i64, _>("known")? == 1,
            })
        };
        rows.iter().map(revision).collect()
    }

    /// The newest runs that fit with numbers below `before`, newest first.
    pub async fn runs(&self, filter: &RunFilter, before: i64, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let of_places = filter.locale.is_some() || filter.only_active;
        let sql = match (of_places, &filter.tree) {
            (true, _) => NEWEST_OF_PLACES,
            (false, Some(_)) => NEWEST_OF_TREE,
            (false, None) => NEWEST,
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = sqlx::query(sql).bind(before).bind(limit);
        if of_places || filter.tree.is_some() {
            query = query.bind(filter.tree.clone().unwrap_or_default());
        }
        if of_places {
            query = query.bind(filter.locale.clone().unwrap_or_default()).bind(i64::from(filter.only_active));
        }
        query.fetch_all(self.readers()).await?.iter().map(run_from).collect()
    }

    /// The newest runs of all trees with numbers below `before`, newest first.
    pub async fn newest_runs(&self, before: i64, limit: i64) -> Result<Vec<RunRow>, StoreError> {
        self.runs(&RunFilter::default(), before, usize::try_from(limit).unwrap_or_default()).await
    }

    /// The active run of each locale of a tree, by locale.
    pub async fn active_runs(&self, tree: i64) -> Result<Vec<RunRow>, StoreError> {
        let rows = sqlx::query(ACTIVE_OF).bind(tree).fetch_all(self.readers()).await?;
        rows.iter().map(run_from).collect()
    }

    /// Changesets that results taken before `before` name and that are placeholders still.
    pub async fn awaited(&self, before: Timestamp) -> Result<Vec<Awaited>, StoreError> {
        let rows = sqlx::query(AWAITED).bind(before.as_microsecond()).fetch_all(self.readers()).await?;
        let awaited = |row: &AnyRow| -> Result<Awaited, StoreError> {
            Ok(Awaited {
                repository: RepositoryUrl::from_kept(row.try_get("url")?),
                followed: row.try_get::<i64, _>("followed")? == 1,
                revision: parsed(row, "revision")?,
                since: time(row, "since")?.unwrap_or_default(),
            })
        };
        rows.iter().map(awaited).collect()
    }
}

/// The eleven counts of a row of runs.
pub(super) fn counts_from(row: &AnyRow) -> Result<Counts, StoreError> {
    let mut counts = [0; 11];
    for (count, name) in counts.iter_mut().zip(Counts::NAMES) {
        *count = row.try_get(name)?;
    }
    Ok(Counts::of(counts))
}

fn run_from(row: &AnyRow) -> Result<RunRow, StoreError> {
    let number = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get(column)?) };
    Ok(RunRow {
        id: number("id")?,
        tree: row.try_get("tree_code")?,
        locale: parsed(row, "locale_code")?,
        of: TaskRun {
            root: RootUrl::from_kept(row.try_get("root")?),
            task: parsed(row, "task")?,
            run: u32::try_from(number("task_run")?).unwrap_or(u32::MAX),
        },
        resolved: time(row, "resolved_at")?.unwrap_or_default(),
        srctime: number("srctime")?,
        counts: counts_from(row)?,
        total: number("total")?,
        completion: number("completion")?,
        compare_locales: row.try_get("compare_locales")?,
        artifact: parsed(row, "artifact_name")?,
        expires: time(row, "expires_at")?,
        active: number("is_active")? == 1,
    })
}
