//! Locales, and what belongs to each.

use super::database::{Store, StoreError, parsed};
use crate::domain::LocaleCode;
use sqlx::Row;
use sqlx::any::AnyRow;

/// A locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocaleRow {
    pub code: LocaleCode,
    pub name: Option<String>,
}

const ALL: &str = "
    select locale.code, locale.name,
           (select count(*) from repository
            where repository.locale = locale.id
               or (repository.locale_rules is not null
                   and exists (select 1 from file_locale
                               where file_locale.locale = locale.id and file_locale.repository = repository.id))) as repositories
    from locale
    order by locale.code";
const ONE: &str = "select locale.code, locale.name from locale where locale.code = $1";
const NAME: &str = "
    insert into locale (code, name, native) values ($1, $2, $3)
    on conflict (code) do update
       set name = coalesce(locale.name, excluded.name), native = coalesce(locale.native, excluded.native)";

impl Store {
    /// All locales by their codes, each with how many repositories have files of it.
    pub async fn locales(&self) -> Result<Vec<(LocaleRow, i64)>, StoreError> {
        let counted = |row: &AnyRow| Ok((locale_from(row)?, row.try_get("repositories")?));
        sqlx::query(ALL).fetch_all(self.readers()).await?.iter().map(counted).collect()
    }

    /// The locale of that code.
    pub async fn locale(&self, code: &LocaleCode) -> Result<Option<LocaleRow>, StoreError> {
        let row = sqlx::query(ONE).bind(code.to_string()).fetch_optional(self.readers()).await?;
        row.map(|row| locale_from(&row)).transpose()
    }

    /// Says what a locale is called, in English and by those who speak it; names that are there stay.
    pub async fn name_locale(&self, code: &LocaleCode, name: Option<&str>, native: Option<&str>) -> Result<(), StoreError> {
        let query = sqlx::query(NAME).bind(code.to_string()).bind(name.map(str::to_owned)).bind(native.map(str::to_owned));
        query.execute(self.writers()).await?;
        Ok(())
    }
}

fn locale_from(row: &AnyRow) -> Result<LocaleRow, StoreError> {
    Ok(LocaleRow { code: parsed(row, "code")?, name: row.try_get("name")? })
}
