//! Locales that are folders: which locale the files of a repository belong to, and which locales its pushes touch.
//!
//! Both are functions of the repository's rules and its files: written as commits and pushes come, and all anew with other rules.

use super::database::{Change, RowsSql, Step, Store, StoreError, rows_sql};
use super::dictionary;
use super::pushes::kept;
use super::recording::Recording;
use super::rows::{Cell, Rows};
use crate::domain::{Kept, LocaleCode, LocaleRules, RepositoryId};
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};

/// Only while the rules are those by which the files were placed: whoever changes them places all files anew.
const PLACE: RowsSql = rows_sql!(
    "insert into file_locale (repository, file, locale)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS "
     where exists (select 1 from repository where id = $2 and locale_rules = $3)
     on conflict do nothing");
/// Each file is looked up by itself: joined, all files of the repository were gone through for each commit.
const TOUCHED: RowsSql = rows_sql!(
    "insert into push_locale (push, locale)
     select distinct touched.push, touched.locale
     from (select changed.push,
                  (select file_locale.locale from file_locale
                   where file_locale.repository = changed.repository and file_locale.file = changed.file) as locale
           from (select distinct push.id as push, push.repository, changeset_file.file
                 from " ROWS "
                 cross join push
                 cross join push_changeset
                 cross join changeset_file
                 where push.id = cast(value->>0 as bigint) and push_changeset.push = push.id
                   and changeset_file.changeset = push_changeset.changeset) as changed) as touched
     where touched.locale is not null
     on conflict do nothing");
const FORGET_TOUCHED: RowsSql = rows_sql!("delete from push_locale where push in (select cast(value->>0 as bigint) from " ROWS ")");
const RULES: &str = "select locale_rules from repository where id = $1";
const SET_RULES: &str = "update repository set locale_rules = $1 where id = $2";
const FILES: &str = "
    select distinct file.id, file.path
    from repository_changeset
    join changeset_file on changeset_file.changeset = repository_changeset.changeset
    join file on file.id = changeset_file.file
    where repository_changeset.repository = $1";
const FORGET_FILES: &str = "delete from file_locale where repository = $1";
const PUSHES: &str = "select id from push where repository = $1";
/// So many rows are written by one statement.
const STEP: usize = 5000;

/// Which locale each file of a repository belongs to, by their numbers.
type Placed = Vec<(i64, LocaleCode)>;

impl Store {
    /// The rules by which a repository's files are placed; none where it is for one locale or for none.
    pub async fn locale_rules(&self, repository: RepositoryId) -> Result<Option<LocaleRules>, StoreError> {
        let row = sqlx::query(RULES).bind(repository.0).fetch_one(self.readers()).await?;
        let text: Option<String> = row.try_get("locale_rules")?;
        text.map(|text| LocaleRules::from_text(&text).map_err(|error| StoreError::Content(error.to_string()))).transpose()
    }

    /// Sets the rules, and places all files and pushes of the repository anew by them. Gives the locales.
    pub async fn set_locale_rules(
        &self,
        repository: RepositoryId,
        rules: &LocaleRules,
    ) -> Result<BTreeSet<LocaleCode>, StoreError> {
        let input = (repository, rules);
        self.write(&input, |change, (repository, rules)| -> Step<'_, BTreeSet<LocaleCode>> {
            Box::pin(place_anew(change, *repository, rules))
        })
        .await
    }
}

/// Places the files of changesets that are recorded, given the numbers of their paths.
pub(super) async fn place(change: &mut Change, recording: &Recording, files: &HashMap<&str, i64>) -> Result<(), StoreError> {
    let Some(rules) = &recording.locale_rules else {
        return Ok(());
    };
    let locale = |(path, file): (&&str, &i64)| Some((*file, rules.locale_of(&Kept::from_kept((*path).to_owned()))?));
    let mut placed: Placed = files.iter().filter_map(locale).collect();
    placed.sort();
    insert(change, recording.repository, rules, &placed).await
}

/// Writes down which locales these pushes touch.
pub(super) async fn touch(change: &mut Change, pushes: &[i64]) -> Result<(), StoreError> {
    change.run(&TOUCHED, rows_of(pushes)).await.map(drop)
}

/// The same of pushes of which something else was written down before.
pub(super) async fn touch_anew(change: &mut Change, pushes: &[i64]) -> Result<(), StoreError> {
    change.run(&FORGET_TOUCHED, rows_of(pushes)).await?;
    touch(change, pushes).await
}

fn rows_of(pushes: &[i64]) -> String {
    Rows::of(pushes.iter().map(|push| Cell::Number(*push)))
}

async fn place_anew(
    change: &mut Change,
    repository: RepositoryId,
    rules: &LocaleRules,
) -> Result<BTreeSet<LocaleCode>, StoreError> {
    sqlx::query(SET_RULES).bind(rules.to_text()).bind(repository.0).execute(&mut *change.tx).await?;
    sqlx::query(FORGET_FILES).bind(repository.0).execute(&mut *change.tx).await?;
    let mut placed: Placed = Vec::new();
    for row in sqlx::query(FILES).bind(repository.0).fetch_all(&mut *change.tx).await? {
        if let Some(locale) = rules.locale_of(&kept(&row, "path")?) {
            placed.push((row.try_get("id")?, locale));
        }
    }
    insert(change, repository, rules, &placed).await?;
    let pushes = sqlx::query(PUSHES).bind(repository.0).fetch_all(&mut *change.tx).await?;
    let pushes: Vec<i64> = pushes.iter().map(|row| Ok(row.try_get("id")?)).collect::<Result<_, StoreError>>()?;
    for pushes in pushes.chunks(STEP) {
        touch_anew(change, pushes).await?;
    }
    Ok(placed.into_iter().map(|(_, locale)| locale).collect())
}

async fn insert(
    change: &mut Change,
    repository: RepositoryId,
    rules: &LocaleRules,
    placed: &[(i64, LocaleCode)],
) -> Result<(), StoreError> {
    if placed.is_empty() {
        return Ok(());
    }
    let codes: BTreeSet<&str> = placed.iter().map(|(_, locale)| locale.as_str()).collect();
    let ids = dictionary::locales_named(change, codes).await?;
    let rules = rules.to_text();
    for placed in placed.chunks(STEP) {
        let mut rows = Rows::new();
        placed.iter().for_each(|(file, locale)| rows.add([repository.0, *file, ids[locale.as_str()]].map(Cell::Number)));
        let query = sqlx::query(change.text(&PLACE)).bind(rows.done()).bind(repository.0).bind(rules.as_str());
        query.execute(&mut *change.tx).await?;
    }
    Ok(())
}
