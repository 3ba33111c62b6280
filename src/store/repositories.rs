//! Repositories: which are followed, and how each is.

use super::database::{Change, RowsSql, Step, Store, StoreError, parsed, parsed_option, rows_sql};
use super::pushlog::sql::fits_sql;
use super::rows::{Cell, Rows};
use super::touched::like;
use crate::domain::{
    ErrorClass, Kept, KnownRepository, LocaleCode, NewRepository, Repository, RepositoryId, RepositoryName, RepositoryUrl, Revision,
};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

/// As much of a repository as choosing among them takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryRow {
    pub id: RepositoryId,
    pub name: RepositoryName,
    pub locale: Option<LocaleCode>,
    /// It has files of many locales, told apart by rules.
    pub many_locales: bool,
}

/// What adding a repository did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    New,
    Already,
}

const ADD_LOCALE: &str = "insert into locale (code) values ($1) on conflict do nothing";
const ADD: &str = "
    insert into repository (name, url, host, vcs, branches, forest, locale, fork_of, clone, created_at, wishes, due_at)
    values ($1, $2, $3, $8, $9, (select id from forest where name = $4), (select id from locale where code = $5),
            (select id from repository where name = $6), coalesce((select clone from repository where name = $6), $1), $7, 1, $7)
    on conflict do nothing";
const URL_OF: &str = "select url from repository where name = $1";
const NAME_OF: &str = "select name from repository where url = $1";
const HOLD_NULL: &str = "
    insert into repository_changeset (repository, changeset, generation)
    select repository.id, changeset.id, 0 from repository, changeset
    where repository.name = $1 and changeset.revision = $2
    on conflict do nothing";
const ARCHIVE: &str = "update repository set archived = $1, due_at = case when $1 = 1 then null else $2 end where name = $3";
/// The number by which the old host knew it says nothing at another one.
const MOVE: &str = "
    update repository
    set url = $1, host = $2, wishes = wishes + 1, due_at = $3, priority = 0,
        host_number = case when host = $2 then host_number else null end
    where name = $4";
/// Selects repositories with all that is known of each; `$rest` says which.
macro_rules! repositories_sql {
    ($rest:literal) => {
        repositories_sql!([$rest])
    };
    ([$($rest:expr),+]) => {
        concat!(
            "select repository.id, repository.name, repository.url, repository.vcs, repository.branches, repository.archived,
                    repository.generation, repository.announced_push, repository.last_push, repository.checked_at,
                    repository.failing_since, repository.error_class, repository.error, repository.due_at, repository.wishes,
                    repository.wishes_met, forest.name as forest_name, forest.archived as forest_archived,
                    locale.code as locale_code, origin.name as origin_name
             from repository
             left join forest on forest.id = repository.forest
             left join locale on locale.id = repository.locale
             left join repository origin on origin.id = repository.fork_of ",
            $($rest),+
        )
    };
}

const ALL: &str = repositories_sql!("order by repository.name");
const NAMED: &str = repositories_sql!(["where ", fits_sql!("repository.name", "$1"), " order by repository.name"]);
const ONE: &str = repositories_sql!("where repository.name = $1");
const OF_LOCALE: &str = repositories_sql!(
    "where repository.locale = (select id from locale where code = $1)
        or (repository.locale_rules is not null
            and exists (select 1 from file_locale
                        where file_locale.repository = repository.id
                          and file_locale.locale = (select id from locale where code = $1)))
     order by repository.name"
);
const NAMES: &str = "
    select repository.id, repository.name, locale.code as locale_code, case when repository.locale_rules is null then 0 else 1 end as many
    from repository left join locale on locale.id = repository.locale
    order by repository.name";
const KNOWN: RowsSql = rows_sql!(
    "select repository.id, repository.name, repository.url, repository.vcs, repository.host_number, repository.last_push,
            case when repository.archived = 1 or coalesce(forest.archived, 0) = 1 then 1 else 0 end as archived
     from " ROWS "
     join repository on repository.url = value->>0 or repository.url = value->>0 || '.git' or repository.name = value->>1
                        or (repository.host = value->>2 and repository.host_number = cast(value->>3 as bigint))
     left join forest on forest.id = repository.forest");
const HELD: RowsSql = rows_sql!(
    "select value->>0 as revision from " ROWS "
     where exists (select 1 from repository_changeset held join changeset on changeset.id = held.changeset
                   where changeset.revision = value->>0 and held.repository = cast(value->>1 as bigint))
        or exists (select 1 from changeset where changeset.revision = value->>0 and changeset.obsolete = 1)");

impl Store {
    /// Follows a repository and wants it looked at; doing so again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name or the URL is taken by another.
    pub async fn add_repository(&self, repository: &NewRepository, now: Timestamp) -> Result<Added, StoreError> {
        self.write(&(repository, now), |change, (repository, now)| -> Step<'_, Added> { Box::pin(add(change, repository, *now)) })
            .await
    }

    /// All repositories by name, archived ones too.
    pub async fn repositories(&self) -> Result<Vec<Repository>, StoreError> {
        sqlx::query(ALL).fetch_all(self.readers()).await?.iter().map(repository_from).collect()
    }

    /// Those with `part` in their names, by name, archived ones too.
    pub async fn repositories_named(&self, part: &str) -> Result<Vec<Repository>, StoreError> {
        let query = sqlx::query(NAMED).bind(like(part));
        query.fetch_all(self.readers()).await?.iter().map(repository_from).collect()
    }

    /// The repositories of a locale, and those with files of it among others, by name, archived ones too.
    pub async fn repositories_of(&self, locale: &LocaleCode) -> Result<Vec<Repository>, StoreError> {
        let query = sqlx::query(OF_LOCALE).bind(locale.to_string());
        query.fetch_all(self.readers()).await?.iter().map(repository_from).collect()
    }

    /// The names of all repositories, archived ones too.
    pub async fn repository_names(&self) -> Result<Vec<RepositoryRow>, StoreError> {
        let named = |row: &AnyRow| -> Result<RepositoryRow, StoreError> {
            Ok(RepositoryRow {
                id: RepositoryId(row.try_get("id")?),
                name: parsed(row, "name")?,
                locale: parsed_option(row, "locale_code")?,
                many_locales: row.try_get::<i64, _>("many")? == 1,
            })
        };
        sqlx::query(NAMES).fetch_all(self.readers()).await?.iter().map(named).collect()
    }

    /// The repository of that name.
    pub async fn repository(&self, name: &RepositoryName) -> Result<Option<Repository>, StoreError> {
        let row = sqlx::query(ONE).bind(name.to_string()).fetch_optional(self.readers()).await?;
        row.map(|row| repository_from(&row)).transpose()
    }

    /// Leaves a repository alone from now on, or takes it up again; false when there is none.
    pub async fn archive_repository(&self, name: &RepositoryName, archived: bool, now: Timestamp) -> Result<bool, StoreError> {
        let query = sqlx::query(ARCHIVE).bind(i64::from(archived)).bind(now.as_microsecond()).bind(name.to_string());
        Ok(query.execute(self.writers()).await?.rows_affected() == 1)
    }

    /// Follows a repository at another URL from now on, and wants it looked at; false when there is none of that name.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another repository is followed there.
    pub async fn move_repository(&self, name: &RepositoryName, url: &RepositoryUrl, now: Timestamp) -> Result<bool, StoreError> {
        let input = (name, url, now);
        self.write(&input, |change, (name, url, now)| -> Step<'_, bool> { Box::pin(move_to(change, name, url, *now)) }).await
    }

    /// The repositories at any of these URLs, with the names that the URLs' paths would give, or with these numbers of their hosts.
    pub async fn known(&self, named: &[(&RepositoryUrl, Option<i64>)]) -> Result<Vec<KnownRepository>, StoreError> {
        let mut rows = Rows::new();
        for (url, number) in named {
            let number = number.map_or(Cell::Nothing, Cell::Number);
            rows.add([Cell::Text(url.as_str()), Cell::Text(url.path()), Cell::Text(url.host()), number]);
        }
        let rows = self.rows_for(&KNOWN, rows.done()).await?;
        rows.iter().map(known_from).collect()
    }

    /// Which of these changesets their repository holds, or are known to be obsolete.
    pub async fn held(&self, heads: &[(Revision, RepositoryId)]) -> Result<Vec<Revision>, StoreError> {
        let mut rows = Rows::new();
        heads.iter().for_each(|(revision, repository)| rows.add([Cell::Plain(revision.to_string()), Cell::Number(repository.0)]));
        let rows = self.rows_for(&HELD, rows.done()).await?;
        rows.iter().map(|row| parsed(row, "revision")).collect()
    }
}

/// Adds one repository within a change.
pub(super) async fn add(change: &mut Change, repository: &NewRepository, now: Timestamp) -> Result<Added, StoreError> {
    if let Some(locale) = &repository.locale {
        sqlx::query(ADD_LOCALE).bind(locale.to_string()).execute(&mut *change.tx).await?;
    }
    let added = sqlx::query(ADD)
        .bind(repository.name.to_string())
        .bind(repository.url.to_string())
        .bind(repository.url.host().to_owned())
        .bind(repository.forest.as_ref().map(ToString::to_string))
        .bind(repository.locale.as_ref().map(ToString::to_string))
        .bind(repository.fork_of.as_ref().map(ToString::to_string))
        .bind(now.as_microsecond())
        .bind(repository.vcs.name())
        .bind(branches_text(&repository.branches))
        .execute(&mut *change.tx)
        .await?;
    if added.rows_affected() == 1 {
        sqlx::query(HOLD_NULL).bind(repository.name.to_string()).bind(Revision::NULL.to_string()).execute(&mut *change.tx).await?;
        return Ok(Added::New);
    }
    let row = sqlx::query(URL_OF).bind(repository.name.to_string()).fetch_optional(&mut *change.tx).await?;
    match row.map(|row| row.try_get::<String, _>("url")).transpose()? {
        Some(url) if url == repository.url.as_str() => Ok(Added::Already),
        Some(url) => Err(StoreError::Conflict(format!("{} is followed already, at {url}", repository.name))),
        None => Err(StoreError::Conflict(format!("{} is followed already under another name", repository.url))),
    }
}

async fn move_to(change: &mut Change, name: &RepositoryName, url: &RepositoryUrl, now: Timestamp) -> Result<bool, StoreError> {
    let there = sqlx::query(NAME_OF).bind(url.to_string()).fetch_optional(&mut *change.tx).await?;
    let there = there.map(|row| row.try_get::<String, _>("name")).transpose()?;
    if let Some(other) = there.filter(|other| other != name.as_str()) {
        return Err(StoreError::Conflict(format!("{url} is followed already, as {other}")));
    }
    let moved = sqlx::query(MOVE)
        .bind(url.to_string())
        .bind(url.host().to_owned())
        .bind(now.as_microsecond())
        .bind(name.to_string())
        .execute(&mut *change.tx)
        .await?;
    Ok(moved.rows_affected() == 1)
}

/// Branches as a column has them; none stands for the host's HEAD.
fn branches_text(branches: &[Kept]) -> Option<String> {
    (!branches.is_empty()).then(|| serde_json::json!(branches.iter().map(Kept::as_str).collect::<Vec<_>>()).to_string())
}

/// The branches in a column.
pub(super) fn branches_from(row: &AnyRow) -> Result<Vec<Kept>, StoreError> {
    let text: Option<String> = row.try_get("branches")?;
    let names: Vec<String> =
        serde_json::from_str(text.as_deref().unwrap_or("[]")).map_err(|error| StoreError::Content(format!("branches: {error}")))?;
    Ok(names.into_iter().map(Kept::from_kept).collect())
}

fn repository_from(row: &AnyRow) -> Result<Repository, StoreError> {
    let number = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get(column)?) };
    let due = time(row, "due_at")?;
    let class: Option<String> = row.try_get("error_class")?;
    let forest_archived: Option<i64> = row.try_get("forest_archived")?;
    Ok(Repository {
        id: RepositoryId(number("id")?),
        name: parsed(row, "name")?,
        url: RepositoryUrl::from_kept(row.try_get("url")?),
        forest: parsed_option(row, "forest_name")?,
        locale: parsed_option(row, "locale_code")?,
        fork_of: parsed_option(row, "origin_name")?,
        vcs: parsed(row, "vcs")?,
        branches: branches_from(row)?,
        archived: number("archived")? == 1 || forest_archived == Some(1),
        generation: number("generation")?,
        announced_push: number("announced_push")?.cast_unsigned(),
        last_push: number("last_push")?.cast_unsigned(),
        checked_at: time(row, "checked_at")?,
        failing_since: time(row, "failing_since")?,
        error_class: class.as_deref().and_then(ErrorClass::named),
        error: row.try_get("error")?,
        next_try: due,
        wanted: number("wishes")? > number("wishes_met")?,
    })
}

fn known_from(row: &AnyRow) -> Result<KnownRepository, StoreError> {
    Ok(KnownRepository {
        id: RepositoryId(row.try_get("id")?),
        name: parsed(row, "name")?,
        url: RepositoryUrl::from_kept(row.try_get("url")?),
        vcs: parsed(row, "vcs")?,
        host_number: row.try_get("host_number")?,
        archived: row.try_get::<i64, _>("archived")? == 1,
        last_push: row.try_get::<i64, _>("last_push")?.cast_unsigned(),
        has_heads: false,
    })
}

/// A time of ours, microseconds since 1970, from a column that may be empty.
pub(super) fn time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = row.try_get(column)?;
    Ok(at.and_then(|at| Timestamp::from_microsecond(at).ok()))
}
