//! Locales, and what belongs to each.

use super::database::{Store, StoreError, parsed};
use super::pushes::PushRow;
use crate::domain::{LocaleCode, RepositoryId};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A locale, and how many repositories it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleRow {
    pub code: LocaleCode,
    pub name: Option<String>,
    pub repositories: i64,
}

const ALL: &str = "
    select locale.code, locale.name, (select count(*) from repository where repository.locale = locale.id) as repositories
    from locale
    order by locale.code";
const ONE: &str = "
    select locale.code, locale.name, (select count(*) from repository where repository.locale = locale.id) as repositories
    from locale
    where locale.code = $1";
const NEWEST: &str = "
    select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
           repository.generation as now_in
    from push join repository on repository.id = push.repository
    where push.repository = $1
    order by push.date desc, push.id desc
    limit $2";

impl Store {
    /// All locales by their codes.
    pub async fn locales(&self) -> Result<Vec<LocaleRow>, StoreError> {
        sqlx::query(ALL).fetch_all(self.readers()).await?.iter().map(locale_from).collect()
    }

    /// The locale of that code.
    pub async fn locale(&self, code: &LocaleCode) -> Result<Option<LocaleRow>, StoreError> {
        let row = sqlx::query(ONE).bind(code.to_string()).fetch_optional(self.readers()).await?;
        row.map(|row| locale_from(&row)).transpose()
    }

    /// The newest pushes of these repositories by date. Asked for each: one statement for all would read every push of the
    /// database when the repositories are quiet.
    pub async fn newest_pushes_of(&self, repositories: &[RepositoryId], limit: usize) -> Result<Vec<PushRow>, StoreError> {
        let mut newest: Vec<((i64, i64), AnyRow)> = Vec::new();
        for repository in repositories {
            let query = sqlx::query(NEWEST).bind(repository.0).bind(i64::try_from(limit).unwrap_or(i64::MAX));
            for row in query.fetch_all(self.readers()).await? {
                newest.push(((row.try_get("date")?, row.try_get("id")?), row));
            }
        }
        newest.sort_by_key(|(when, _)| std::cmp::Reverse(*when));
        newest.truncate(limit);
        self.with_changesets(newest.into_iter().map(|(_, row)| row).collect()).await
    }
}

fn locale_from(row: &AnyRow) -> Result<LocaleRow, StoreError> {
    Ok(LocaleRow { code: parsed(row, "code")?, name: row.try_get("name")?, repositories: row.try_get("repositories")? })
}
