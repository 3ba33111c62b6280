//! Which pushes brought changesets that touch a path that contains some texts, as long as these changesets are few. Files are only
//! ever added, so which of them fit is remembered until there are more. The pushes are remembered until something is recorded: the
//! version is read **before** the rows, so that what was kept under it is never older than it.

use super::database::{RowsSql, Store, StoreError, rows_sql};
use super::pushlog::sql::{fits_sql, path_fits_sql};
use super::pushlog::{MOST_PATHS, PushKey};
use super::rows::{Cell, Rows};
use crate::domain::RepositoryId;
use sqlx::Row;
use std::sync::{Arc, PoisonError};

/// From so many on, pushes are read, newest first, until enough fit. Below, they are found once, in some 100 ms, and remembered; reading
/// takes 30 to 60 ms each time.
const FEW: usize = 20_000;
/// How many filters are remembered, each with as many files at most.
const REMEMBERED: usize = 64;
/// So many changesets are remembered of all filters together, those asked for last; of 32 bytes each.
const REMEMBERED_CHANGESETS: usize = 400_000;
/// The pattern that any text fits.
pub(super) const LIKE_ALL: &str = "%";

const FILE_COUNT: &str = "select count(*) as files from file";
const FILES: &str = concat!("select file.id from file where ", path_fits_sql!("$1", "$2", "$3", "$4"), " limit cast($5 as bigint)");
/// Two texts: PostgreSQL, which expects many changesets of every file, would read the whole table for SQLite's join (140 ms of two
/// million rows); with a limit for each file it looks them up (under 1 ms).
const CHANGESETS: RowsSql = RowsSql {
    sqlite: "select changeset_file.changeset
             from json_each($1) as r cross join changeset_file
             where changeset_file.file = cast(value->>0 as bigint)
             limit cast($2 as bigint)",
    postgres: "select touching.changeset
               from jsonb_array_elements($1::jsonb) as r(value)
               cross join lateral (select changeset_file.changeset from changeset_file
                                   where changeset_file.file = cast(value->>0 as bigint) limit cast($2 as bigint)) as touching
               limit cast($2 as bigint)",
};

const PUSHES: RowsSql = rows_sql!(
    "select push.date, push.id, push.repository, push_changeset.changeset
     from " ROWS "
     cross join push_changeset
     cross join push
     where push_changeset.changeset = cast(value->>0 as bigint) and push.id = push_changeset.push
     order by push.date desc, push.id desc, push_changeset.position desc");

/// A changeset that fits, and a push that brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TouchingChangeset {
    pub(super) push: PushKey,
    pub(super) repository: RepositoryId,
    pub(super) changeset: i64,
}

/// All of them, newest first, those of one push one after the other.
pub(super) type Touching = Arc<[TouchingChangeset]>;

/// What fits which filter, the one asked for last at the end.
#[derive(Default)]
pub(super) struct KnownPaths(Vec<Fitting>);

struct Fitting {
    paths: Vec<String>,
    /// How many files there were.
    among: i64,
    /// None where they, or the changesets that touch them, are not few.
    files: Option<Arc<[i64]>>,
    /// The pushes as long as this version of recordings holds.
    pushes: Option<(i64, Touching)>,
}

impl Store {
    /// The pushes with changesets that touch one path with all of `paths` in it; none where these are many, or nothing is asked for.
    pub(super) async fn touching(&self, paths: &[String]) -> Result<Option<Touching>, StoreError> {
        if paths.is_empty() || self.known_paths(|known| known.are_many(paths)) {
            return Ok(None);
        }
        let version = self.recordings_version().await?;
        if let Some(pushes) = self.known_paths(|known| known.recall_pushes(paths, version)) {
            return Ok(Some(pushes));
        }
        let Some(changesets) = self.touching_changesets(paths).await? else {
            return Ok(None);
        };
        let pushes = self.pushes_with(&changesets).await?;
        self.known_paths(|known| known.learn_pushes(paths, version, &pushes));
        Ok(Some(pushes))
    }

    /// Each once, by their numbers.
    async fn touching_changesets(&self, paths: &[String]) -> Result<Option<Vec<i64>>, StoreError> {
        let Some(files) = self.files_with(paths).await? else {
            return Ok(None);
        };
        let rows = Rows::of(files.iter().map(|id| Cell::Number(*id)));
        let query = sqlx::query(self.text(&CHANGESETS)).bind(rows).bind(one_more_than_few());
        let mut touching: Vec<i64> = self.each_row(query, |row| Ok(row.try_get("changeset")?)).await?;
        if touching.len() > FEW {
            self.known_paths(|known| known.learn(Fitting { paths: paths.to_vec(), among: 0, files: None, pushes: None }));
            return Ok(None);
        }
        touching.sort_unstable();
        touching.dedup();
        Ok(Some(touching))
    }

    async fn pushes_with(&self, changesets: &[i64]) -> Result<Touching, StoreError> {
        let rows = Rows::of(changesets.iter().map(|id| Cell::Number(*id)));
        let touching = self.each_row(sqlx::query(self.text(&PUSHES)).bind(rows), |row| {
            Ok(TouchingChangeset {
                push: PushKey::of(row)?,
                repository: RepositoryId(row.try_get("repository")?),
                changeset: row.try_get("changeset")?,
            })
        });
        Ok(touching.await?.into())
    }

    /// The files that fit, as long as they are few; every file is touched by a changeset.
    async fn files_with(&self, paths: &[String]) -> Result<Option<Arc<[i64]>>, StoreError> {
        let among: i64 = sqlx::query(FILE_COUNT).fetch_one(self.readers()).await?.try_get("files")?;
        if let Some(known) = self.known_paths(|known| known.recall(paths, among)) {
            return Ok(known);
        }
        let mut query = sqlx::query(FILES);
        for part in 0..MOST_PATHS {
            query = query.bind(paths.get(part).map_or(LIKE_ALL.to_owned(), |path| like(path)));
        }
        let rows = query.bind(one_more_than_few()).fetch_all(self.readers()).await?;
        let ids = rows.iter().map(|row| Ok(row.try_get("id")?)).collect::<Result<Vec<i64>, StoreError>>()?;
        let files = (ids.len() <= FEW).then(|| Arc::from(ids));
        self.known_paths(|known| known.learn(Fitting { paths: paths.to_vec(), among, files: files.clone(), pushes: None }));
        Ok(files)
    }

    fn known_paths<T>(&self, ask: impl FnOnce(&mut KnownPaths) -> T) -> T {
        ask(&mut self.paths().lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KnownPaths {
    /// What fits is known to be many; what once was many is so for ever.
    fn are_many(&mut self, paths: &[String]) -> bool {
        let Some(place) = self.0.iter().position(|fitting| fitting.paths == paths && fitting.files.is_none()) else {
            return false;
        };
        self.0[place..].rotate_left(1);
        true
    }

    /// What fits, if that was found out among as many files.
    fn recall(&mut self, paths: &[String], among: i64) -> Option<Option<Arc<[i64]>>> {
        let place = self.0.iter().position(|fitting| fitting.paths == paths)?;
        let fitting = self.0.remove(place);
        let holds = fitting.files.is_none() || fitting.among == among;
        let files = fitting.files.clone();
        if holds {
            self.0.push(fitting);
        }
        holds.then_some(files)
    }

    /// The pushes, if they were found out under the same version; others are let go of, before they are read anew.
    fn recall_pushes(&mut self, paths: &[String], version: i64) -> Option<Touching> {
        let place = self.0.iter().position(|fitting| fitting.paths == paths)?;
        self.0[place].pushes.take_if(|(at, _)| *at != version);
        let pushes = self.0[place].pushes.as_ref().map(|(_, pushes)| Arc::clone(pushes))?;
        self.0[place..].rotate_left(1);
        Some(pushes)
    }

    fn learn_pushes(&mut self, paths: &[String], version: i64, pushes: &Touching) {
        if let Some(fitting) = self.0.iter_mut().find(|fitting| fitting.paths == paths) {
            fitting.pushes = Some((version, Arc::clone(pushes)));
        }
        let mut kept = 0;
        for fitting in self.0.iter_mut().rev() {
            kept += fitting.pushes.as_ref().map_or(0, |(_, pushes)| pushes.len());
            if kept > REMEMBERED_CHANGESETS {
                fitting.pushes = None;
            }
        }
    }

    fn learn(&mut self, fitting: Fitting) {
        self.0.retain(|known| known.paths != fitting.paths);
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(fitting);
    }
}

/// A pattern that asks for what contains `text`, as `like … escape '\'` takes it.
pub(super) fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    if !text.is_empty() {
        pattern.push('%');
    }
    pattern
}

fn one_more_than_few() -> i64 {
    i64::try_from(FEW).unwrap_or(i64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::{Fitting, KnownPaths, REMEMBERED, Touching, TouchingChangeset, like};
    use crate::domain::RepositoryId;
    use crate::store::PushKey;
    use std::sync::Arc;

    #[test]
    fn a_pattern_asks_for_the_text_itself() {
        for (text, pattern) in [("", "%"), ("a.ftl", "%a.ftl%"), ("100%_\\", "%100\\%\\_\\\\%")] {
            assert_eq!(like(text), pattern);
        }
    }

    #[test]
    fn what_fits_is_remembered_until_there_are_more_files() {
        let mut known = KnownPaths::default();
        let paths = |text: &str| vec![text.to_owned()];
        let few: Arc<[i64]> = Arc::from([1, 2]);
        known.learn(Fitting { paths: paths("few"), among: 10, files: Some(few.clone()), pushes: None });
        known.learn(Fitting { paths: paths("many"), among: 10, files: None, pushes: None });

        assert_eq!(known.recall(&paths("few"), 10), Some(Some(few)));
        assert_eq!(known.recall(&paths("many"), 11), Some(None));
        assert_eq!(known.recall(&paths("few"), 11), None);
        for number in 0..=REMEMBERED {
            known.learn(Fitting { paths: paths(&number.to_string()), among: 10, files: None, pushes: None });
        }
        assert_eq!(known.0.len(), REMEMBERED);
        assert_eq!(known.recall(&paths("0"), 10), None, "what was asked for longest ago is forgotten");
    }

    #[test]
    fn pushes_are_remembered_until_something_is_recorded() {
        let (mut known, paths) = (KnownPaths::default(), vec!["few".to_owned()]);
        let touching = TouchingChangeset { push: PushKey { date: 1, id: 2 }, repository: RepositoryId(3), changeset: 4 };
        let pushes: Touching = [touching].into();
        known.learn_pushes(&paths, 7, &pushes);
        assert_eq!(known.recall_pushes(&paths, 7), None, "only of what is known at all");

        known.learn(Fitting { paths: paths.clone(), among: 10, files: Some([1].into()), pushes: None });
        known.learn_pushes(&paths, 7, &pushes);

        assert_eq!(known.recall_pushes(&paths, 7), Some(pushes));
        assert_eq!(known.recall_pushes(&paths, 8), None);
    }
}
