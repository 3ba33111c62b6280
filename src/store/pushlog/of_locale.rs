//! The list of a locale: pushes to its own repositories, and those that touch its files in repositories with many locales. What came
//! to git and to Mercurial is in it once.

use super::super::database::{Store, StoreError};
use super::keys::{PushKey, Stretch};
use super::sql::{EDGE_IN_LOCALE, FITTING_OF_EACH, IN_LOCALE, ONCE_OF_EACH};
use super::{PushFilter, nearest, rows_of};
use crate::domain::{LocaleCode, RepositoryId, Revision};
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

/// Whose list it is, beside the repositories that are the locale's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfLocale {
    pub locale: LocaleCode,
    /// Repositories with many locales.
    pub among: Vec<RepositoryId>,
}

impl OfLocale {
    /// Binds the locale and where it is one among many, or that there is none.
    pub(super) fn bind_to<'q>(list: Option<&OfLocale>, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        match list {
            Some(OfLocale { locale, among }) => query.bind(locale.to_string()).bind(rows_of(among)),
            None => query.bind(String::new()).bind(rows_of(&[])),
        }
    }
}

impl Store {
    /// The push up to which is looked, as for the repositories alone.
    pub(super) async fn edge_of_locale(
        &self,
        filter: &PushFilter,
        list: &OfLocale,
        stretch: Stretch,
    ) -> Result<Option<PushKey>, StoreError> {
        let Some(limit) = filter.looked_at() else {
            return Ok(None);
        };
        let own = self.edge_of_few(filter, filter.own(), stretch).await?;
        if list.among.is_empty() {
            return Ok(own);
        }
        let sql = self.text(EDGE_IN_LOCALE.towards(filter.direction()));
        let query = stretch.bind_to(sqlx::query(sql)).bind(limit).bind(rows_of(&list.among)).bind(list.locale.to_string());
        let among = query.fetch_optional(self.readers()).await?.map(|row| PushKey::of(&row)).transpose()?;
        Ok(nearest(own.into_iter().chain(among).collect(), filter.direction()))
    }

    /// As many pushes of each repository, and of the locale among others, as there may be of all, and the first of these.
    pub(super) async fn of_locale(
        &self,
        filter: &PushFilter,
        list: &OfLocale,
        stretch: Stretch,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let part = filter.part_of(filter.own().len() + 1);
        let mut found = Vec::new();
        if !filter.own().is_empty() {
            let each = if filter.is_once() { &ONCE_OF_EACH } else { &FITTING_OF_EACH };
            let query = sqlx::query(self.text(each.towards(filter.direction()))).bind(rows_of(filter.own()));
            let query = filter.bind_to(query, stretch).bind(part.limit).bind(part.skipped);
            let query = if filter.is_once() { bind_once(query, filter, list) } else { query };
            found.extend(query.fetch_all(self.readers()).await?);
        }
        if !list.among.is_empty() {
            let query = sqlx::query(self.text(IN_LOCALE.towards(filter.direction()))).bind(rows_of(&list.among));
            let query = filter.bind_to(query, stretch).bind(part.limit).bind(part.skipped).bind(list.locale.to_string());
            found.extend(query.fetch_all(self.readers()).await?);
        }
        filter.merged(found, part)
    }
}

impl PushFilter {
    fn own(&self) -> &[RepositoryId] {
        self.repositories.as_deref().unwrap_or_default()
    }

    /// What came in several ways is listed once, unless something is asked for by which the ways may differ: one of them may be all that
    /// fits.
    fn is_once(&self) -> bool {
        self.user.is_empty() && self.changeset.is_empty()
    }
}

fn bind_once<'q>(query: Query<'q, Any, AnyArguments>, filter: &PushFilter, list: &OfLocale) -> Query<'q, Any, AnyArguments> {
    let query = query.bind(list.locale.to_string()).bind(rows_of(filter.own())).bind(rows_of(&list.among));
    query.bind(filter.from).bind(filter.until).bind(Revision::NULL.to_string())
}
