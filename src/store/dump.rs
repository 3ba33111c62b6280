//! Everything that the database holds, as lines of text in one order: two databases hold the same if their dumps are the same.
//!
//! A line is a noun of the glossary and what is known of it, as JSON. Numbers of rows, times of arrival, leases, waits and counts are
//! left out, and so is what depends on who came first: docs/reliability.md names all of it. Rows go out as the database gives them:
//! the memory that it takes does not grow with what there is.

use super::database::{Kind, Store, StoreError};
use super::rows::{Cell, write_cell};
use futures_util::TryStreamExt;
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AssertSqlSafe, Column, Row, ValueRef};
use std::fmt::Write;
use std::io;

/// A dump did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("could not read the whole database")]
    Store(#[from] StoreError),
    #[error("could not write the dump")]
    Write(#[from] io::Error),
}

/// Each noun, and its lines in their order. `{bytes}` is the order of bytes, which PostgreSQL keeps only when asked. SQLite takes the
/// tables of a cross join as they stand, and finds the lines by its indexes in almost their order: it sorts those of one
/// repository or one changeset at a time.
const NOUNS: &[(&str, &str)] = &[
    (
        "forest",
        "select forest.name, forest.url, forest.archived, origin.name as fork_of
         from forest left join forest origin on origin.id = forest.fork_of
         order by forest.name {bytes}",
    ),
    ("locale", "select code, name, native from locale order by code {bytes}"),
    (
        "repository",
        "select repository.name, repository.url, repository.vcs, forest.name as forest, locale.code as locale,
                origin.name as fork_of, repository.archived, repository.generation,
                case when repository.vcs = 'hg' then repository.last_push end as last_push, repository.host_number,
                repository.branches, repository.locale_rules
         from repository
         left join forest on forest.id = repository.forest
         left join locale on locale.id = repository.locale
         left join repository origin on origin.id = repository.fork_of
         order by repository.name {bytes}",
    ),
    (
        "event",
        "select repository.name as repository, repository_event.kind, repository_event.words
         from repository cross join repository_event
         where repository_event.repository = repository.id
         order by repository.name {bytes}, repository_event.kind {bytes}, repository_event.words {bytes}",
    ),
    (
        "changeset",
        "select changeset.revision, changeset.known, changeset.author, changeset.description,
                case when not exists (
                    select 1 from repository_changeset held join repository on repository.id = held.repository
                    where held.changeset = changeset.id and repository.vcs = 'git') then branch.name end as branch,
                changeset.closes_branch, changeset.date, changeset.date_offset, changeset.obsolete
         from changeset left join branch on branch.id = changeset.branch
         order by changeset.revision {bytes}",
    ),
    (
        "parent",
        "select changeset.revision as changeset, changeset_parent.position, parent.revision as parent
         from changeset cross join changeset_parent cross join changeset parent
         where changeset_parent.changeset = changeset.id and parent.id = changeset_parent.parent
         order by changeset.revision {bytes}, changeset_parent.position",
    ),
    (
        "file",
        "select changeset.revision as changeset, file.path
         from changeset cross join changeset_file cross join file
         where changeset_file.changeset = changeset.id and file.id = changeset_file.file
         order by changeset.revision {bytes}, file.path {bytes}",
    ),
    (
        "twin",
        "select changeset.revision as changeset, twin.revision as commit_of_git
         from changeset cross join twin
         where twin.changeset = changeset.id
         order by changeset.revision {bytes}, twin.revision {bytes}",
    ),
    (
        "holds",
        "select repository.name as repository, held.generation, changeset.revision as changeset
         from repository cross join repository_changeset held cross join changeset
         where held.repository = repository.id and changeset.id = held.changeset
         order by repository.name {bytes}, changeset.revision {bytes}",
    ),
    (
        "push",
        "select repository.name as repository, push.generation, case when push.branch is null then push.push_id end as number,
                branch.name as branch, origin.revision as origin, target.revision as target, push.pusher, push.seen,
                case when push.seen = 0 then push.date end as date
         from repository
         cross join push
         left join branch on branch.id = push.branch
         left join changeset origin on origin.id = push.origin
         left join changeset target on target.id = push.target
         where push.repository = repository.id
         order by repository.name {bytes}, push.generation, coalesce(branch.name, '') {bytes}, push.push_id",
    ),
    (
        "pushed",
        "select repository.name as repository, push.generation, case when push.branch is null then push.push_id end as number,
                branch.name as branch, pushed.position, changeset.revision as changeset
         from repository
         cross join push
         cross join push_changeset pushed
         cross join changeset
         left join branch on branch.id = push.branch
         where push.repository = repository.id and pushed.push = push.id and changeset.id = pushed.changeset
         order by repository.name {bytes}, push.generation, coalesce(branch.name, '') {bytes}, push.push_id, pushed.position",
    ),
    (
        "dropped",
        "select repository.name as repository, push.generation, branch.name as branch, dropped.position,
                changeset.revision as changeset
         from repository
         cross join push
         cross join push_dropped dropped
         cross join changeset
         left join branch on branch.id = push.branch
         where push.repository = repository.id and dropped.push = push.id and changeset.id = dropped.changeset
         order by repository.name {bytes}, push.generation, coalesce(branch.name, '') {bytes}, push.push_id, dropped.position",
    ),
    (
        "touched",
        "select repository.name as repository, push.generation, branch.name as branch, locale.code as locale
         from repository
         cross join push
         cross join push_locale
         cross join locale
         left join branch on branch.id = push.branch
         where push.repository = repository.id and push_locale.push = push.id and locale.id = push_locale.locale
         order by repository.name {bytes}, push.generation, coalesce(branch.name, '') {bytes}, push.push_id, locale.code {bytes}",
    ),
    (
        "head",
        "select repository.name as repository, branch.name as branch, changeset.revision as changeset
         from repository cross join branch_head cross join branch cross join changeset
         where branch_head.repository = repository.id and branch.id = branch_head.branch and changeset.id = branch_head.changeset
         order by repository.name {bytes}, branch.name {bytes}",
    ),
    (
        "notice",
        "select repository.name as repository, branch.name as branch, notice.origin, notice.target, notice.pusher, notice.date
         from repository cross join notice cross join branch
         where notice.repository = repository.id and branch.id = notice.branch
         order by repository.name {bytes}, branch.name {bytes}, notice.date, notice.origin {bytes}, notice.target {bytes}",
    ),
    (
        "locale of file",
        "select repository.name as repository, file.path, locale.code as locale
         from repository cross join file_locale cross join file cross join locale
         where file_locale.repository = repository.id and file.id = file_locale.file and locale.id = file_locale.locale
         order by repository.name {bytes}, file.path {bytes}",
    ),
    (
        "marker",
        "select precursor.revision as precursor, successor.revision as successor, obsolescence.marker_user as user_of_marker,
                obsolescence.date
         from changeset precursor cross join obsolescence cross join changeset successor
         where obsolescence.precursor = precursor.id and successor.id = obsolescence.successor
         order by precursor.revision {bytes}, successor.revision {bytes}",
    ),
    (
        "tree",
        "select tree.code, compared_repository.url as repository, tree.config
         from tree join compared_repository on compared_repository.id = tree.repository
         order by tree.code {bytes}",
    ),
    (
        "result",
        "select root, task, task_run as run, resolved_at, compare_locales from task_result
         order by root {bytes}, task {bytes}, task_run",
    ),
    (
        "artifact",
        "select task_result.root, task_result.task, task_result.task_run as run, artifact.name, artifact.expires_at
         from task_result cross join artifact
         where artifact.result = task_result.id
         order by task_result.root {bytes}, task_result.task {bytes}, task_result.task_run, artifact.name {bytes}",
    ),
    (
        "run",
        "select task_result.root, task_result.task, task_result.task_run as run, tree.code as tree, locale.code as locale,
                artifact.name as artifact, run.srctime, run.errors, run.warnings, run.missing, run.missing_w, run.report,
                run.obsolete, run.changed, run.changed_w, run.unchanged, run.unchanged_w, run.keys, run.total, run.completion,
                run.total_w, run.completion_w
         from task_result cross join run cross join tree cross join locale cross join artifact
         where run.result = task_result.id and tree.id = run.tree and locale.id = run.locale and artifact.id = run.artifact
         order by task_result.root {bytes}, task_result.task {bytes}, task_result.task_run, tree.code {bytes}, locale.code {bytes}",
    ),
    (
        "compared",
        "select task_result.root, task_result.task, task_result.task_run as run, tree.code as tree, locale.code as locale,
                compared_repository.url as repository, changeset.revision as changeset
         from task_result
         cross join run
         cross join tree
         cross join locale
         cross join run_revision
         cross join compared_repository
         cross join changeset
         where run.result = task_result.id and tree.id = run.tree and locale.id = run.locale and run_revision.run = run.id
           and compared_repository.id = run_revision.repository and changeset.id = run_revision.changeset
         order by task_result.root {bytes}, task_result.task {bytes}, task_result.task_run, tree.code {bytes}, locale.code {bytes},
                  compared_repository.url {bytes}",
    ),
    (
        "active",
        "select tree.code as tree, locale.code as locale, task_result.root, task_result.task, task_result.task_run as run
         from tree cross join active cross join locale cross join run cross join task_result
         where active.tree = tree.id and locale.id = active.locale and run.id = active.run and task_result.id = run.result
         order by tree.code {bytes}, locale.code {bytes}",
    ),
    ("parked", "select exchange, routing_key, root, body, reason from parked order by digest {bytes}"),
];

impl Store {
    /// Gives everything that the database holds at one moment to `line`, a line at a time.
    ///
    /// # Errors
    /// When the database does not answer, or `line` fails.
    pub async fn dump(&self, mut line: impl FnMut(&str) -> io::Result<()>) -> Result<(), DumpError> {
        let (begin, bytes) = match self.kind() {
            Kind::Sqlite => ("begin", ""),
            Kind::Postgres => ("begin isolation level repeatable read read only", "collate \"C\""),
        };
        let mut tx = self.readers().begin_with(begin).await.map_err(StoreError::from)?;
        let mut text = String::new();
        for (noun, sql) in NOUNS {
            let mut rows = sqlx::query(AssertSqlSafe(sql.replace("{bytes}", bytes))).fetch(&mut *tx);
            while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
                text.clear();
                write_row(&mut text, noun, &row)?;
                line(&text)?;
            }
        }
        Ok(())
    }
}

fn write_row(text: &mut String, noun: &str, row: &AnyRow) -> Result<(), StoreError> {
    text.push_str(noun);
    for column in row.columns() {
        let separator = if column.ordinal() == 0 { " {" } else { "," };
        let _ = write!(text, "{separator}\"{}\":", column.name());
        match row.try_get_raw(column.ordinal())?.type_info().kind() {
            AnyTypeInfoKind::Null => write_cell(text, &Cell::Nothing),
            AnyTypeInfoKind::Text => write_cell(text, &Cell::Text(row.try_get(column.ordinal())?)),
            _ => write_cell(text, &Cell::Number(row.try_get(column.ordinal())?)),
        }
    }
    text.push('}');
    Ok(())
}
