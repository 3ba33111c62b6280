//! The pushlog as a query: a filter in, the pushes that fit out, newest first. Each question is driven by an index, and one that
//! only reading decides looks at a bounded number of pushes and says how far it came.

mod keys;
mod of_locale;
pub(super) mod sql;

pub use keys::{Begin, PushKey};
pub use of_locale::OfLocale;

use super::database::{Store, StoreError};
use super::pushes::PushRow;
use super::rows::{Cell, Rows};
use super::touched::{LIKE_ALL, TouchingChangeset, like};
use crate::domain::RepositoryId;
use keys::{Direction, Stretch, ways_on};
use sql::{EDGE, EDGE_OF_ONE, FIRST, FITTING, FITTING_OF_EACH, NUMBERED, TOUCHED};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row};
use std::collections::{HashMap, HashSet};

/// Which pushes are asked for. Texts that are empty ask for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushFilter {
    /// Of these repositories; of all where there is none.
    pub repositories: Option<Vec<RepositoryId>>,
    /// Of these it is the list of a locale, and has what touches the locale's files elsewhere too.
    pub of_locale: Option<OfLocale>,
    /// The pusher contains it.
    pub user: String,
    /// What one changeset of the push has to be.
    pub changeset: ChangesetFilter,
    /// Seconds since 1970, both inclusive.
    pub from: i64,
    pub until: i64,
    pub place: Begin,
    /// How many pushes at most.
    pub length: usize,
    /// How many changesets at most, each push's newest first: of one push, and of all together.
    pub changesets_each: usize,
    pub changesets_together: usize,
}

/// What a changeset has to be: all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangesetFilter {
    pub author: String,
    pub description: String,
    /// The whole name.
    pub branch: String,
    /// Contained in one path that it touches, all of them; no more than [`MOST_PATHS`].
    pub paths: Vec<String>,
}

/// How many parts of a path can be asked for.
pub const MOST_PATHS: usize = 4;

/// The pushes that fit, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushList {
    pub pushes: Vec<PushRow>,
    /// Where the list goes on, in either direction.
    pub older: Option<PushKey>,
    pub newer: Option<PushKey>,
    /// Pushes beyond this time, in seconds since 1970, were not looked at: it would take too long at once.
    pub looked_until: Option<i64>,
}

impl Default for PushFilter {
    /// All pushes, with all their changesets.
    fn default() -> PushFilter {
        PushFilter {
            repositories: None,
            of_locale: None,
            user: String::new(),
            changeset: ChangesetFilter::default(),
            from: i64::MIN,
            until: i64::MAX,
            place: Begin::Start(0),
            length: 50,
            changesets_each: usize::MAX,
            changesets_together: usize::MAX,
        }
    }
}

impl ChangesetFilter {
    pub(super) fn is_empty(&self) -> bool {
        *self == ChangesetFilter::default()
    }

    fn asks_for_words(&self) -> bool {
        !(self.author.is_empty() && self.description.is_empty() && self.branch.is_empty())
    }

    /// Binds whether anything is said that is asked for, and all of it, as `said_sql!` numbers it.
    pub(super) fn bind_said_to<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        self.bind_words_to(query.bind(i64::from(self.asks_for_words())))
    }

    /// The same, and what it touches, as `wanted_sql!` numbers it.
    pub(super) fn bind_to<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        let query = self.bind_said_to(query).bind(i64::from(!self.paths.is_empty()));
        let patterns = (0..MOST_PATHS).map(|part| self.paths.get(part).map_or(LIKE_ALL.to_owned(), |path| like(path)));
        patterns.fold(query, Query::bind)
    }

    fn bind_words_to<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        query.bind(like(&self.author)).bind(like(&self.description)).bind(self.branch.clone())
    }
}

/// How many pushes are looked at for what only their changesets tell: about 20 ms on PostgreSQL.
const LOOKED_INTO: i64 = 750;
/// The same for what they tell themselves.
const LOOKED_AT: i64 = 20_000;
/// So many repositories are asked one by one: pushes of all, read in their order, would hold few of theirs.
const FEW_REPOSITORIES: usize = 8;

impl Store {
    /// The pushes that fit a filter.
    pub async fn pushes(&self, filter: &PushFilter) -> Result<PushList, StoreError> {
        if filter.is_of_nobody() {
            return Ok(PushList::default());
        }
        let (stretch, mut edge) = (filter.stretch(), None);
        let touching = self.touching(&filter.changeset.paths).await?;
        let rows = match (&touching, filter.few_repositories()) {
            (Some(touching), _) if filter.asks_the_database() => self.of_changesets(filter, stretch, touching).await?,
            (Some(touching), _) => self.of_numbers(&filter.chosen(stretch, touching)).await?,
            (None, _) if let Some(of_locale) = &filter.of_locale => {
                edge = self.edge_of_locale(filter, of_locale, stretch).await?;
                self.of_locale(filter, of_locale, stretch.cut(edge, filter.direction())).await?
            }
            (None, Some(few)) => {
                edge = self.edge_of_few(filter, few, stretch).await?;
                self.of_few(filter, few, stretch.cut(edge, filter.direction())).await?
            }
            (None, None) => {
                let stretch = self.begun(filter, stretch).await?;
                edge = self.edge(filter, stretch).await?;
                self.of_list(filter, stretch.cut(edge, filter.direction())).await?
            }
        };
        self.list(filter, rows, edge, touching.as_deref()).await
    }

    /// The newest pushes of all repositories, each with a few of its changesets.
    pub async fn newest_pushes(&self, length: usize, changesets_each: usize) -> Result<Vec<PushRow>, StoreError> {
        Ok(self.pushes(&PushFilter { length, changesets_each, ..PushFilter::default() }).await?.pushes)
    }

    /// The stretch from where the repositories have pushes, so that what others pushed since theirs ended is not read.
    async fn begun(&self, filter: &PushFilter, stretch: Stretch) -> Result<Stretch, StoreError> {
        if filter.repositories.is_none() {
            return Ok(stretch);
        }
        let sql = self.text(FIRST.towards(filter.direction()));
        let rows = stretch.bind_to(sqlx::query(sql).bind(filter.list())).fetch_all(self.readers()).await?;
        let dates = rows.iter().map(|row| Ok(row.try_get("date")?)).collect::<Result<Vec<Option<i64>>, StoreError>>()?;
        let dates = dates.into_iter().flatten();
        Ok(match filter.direction() {
            Direction::Older => stretch.until(dates.max()),
            Direction::Newer => stretch.since(dates.min()),
        })
    }

    /// The push up to which is looked, where only reading tells which ones fit and there are more.
    async fn edge(&self, filter: &PushFilter, stretch: Stretch) -> Result<Option<PushKey>, StoreError> {
        let Some(limit) = filter.looked_at() else {
            return Ok(None);
        };
        let query = stretch.bind_to(sqlx::query(*EDGE.towards(filter.direction()))).bind(limit);
        query.fetch_optional(self.readers()).await?.map(|row| PushKey::of(&row)).transpose()
    }

    /// The same where each of a few repositories is asked by itself: the one whose pushes lie closest decides.
    async fn edge_of_few(
        &self,
        filter: &PushFilter,
        few: &[RepositoryId],
        stretch: Stretch,
    ) -> Result<Option<PushKey>, StoreError> {
        let Some(limit) = filter.looked_at() else {
            return Ok(None);
        };
        let each = limit / i64::try_from(few.len()).unwrap_or(1).max(1);
        let mut edges = Vec::new();
        for repository in few {
            let query = stretch.bind_to(sqlx::query(*EDGE_OF_ONE.towards(filter.direction()))).bind(each).bind(repository.0);
            edges.extend(query.fetch_optional(self.readers()).await?.map(|row| PushKey::of(&row)).transpose()?);
        }
        Ok(nearest(edges, filter.direction()))
    }

    async fn of_list(&self, filter: &PushFilter, stretch: Stretch) -> Result<Vec<AnyRow>, StoreError> {
        let query = sqlx::query(self.text(FITTING.towards(filter.direction()))).bind(filter.list());
        let query = filter.bind_to(query, stretch).bind(filter.one_more()).bind(filter.skipped());
        Ok(query.fetch_all(self.readers()).await?)
    }

    /// As many pushes of each repository as there may be of all, and the first of these.
    async fn of_few(&self, filter: &PushFilter, few: &[RepositoryId], stretch: Stretch) -> Result<Vec<AnyRow>, StoreError> {
        let part = filter.part_of(few.len());
        let query = sqlx::query(self.text(FITTING_OF_EACH.towards(filter.direction()))).bind(rows_of(few));
        let query = filter.bind_to(query, stretch).bind(part.limit).bind(part.skipped);
        filter.merged(query.fetch_all(self.readers()).await?, part)
    }

    /// Pushes by their numbers, in the same order.
    async fn of_numbers(&self, numbers: &[i64]) -> Result<Vec<AnyRow>, StoreError> {
        let mut rows: HashMap<i64, AnyRow> = HashMap::new();
        for row in self.rows_for(&NUMBERED, Rows::of(numbers.iter().map(|id| Cell::Number(*id)))).await? {
            rows.insert(row.try_get("id")?, row);
        }
        Ok(numbers.iter().filter_map(|id| rows.remove(id)).collect())
    }

    async fn of_changesets(
        &self,
        filter: &PushFilter,
        stretch: Stretch,
        touching: &[TouchingChangeset],
    ) -> Result<Vec<AnyRow>, StoreError> {
        let sql = self.text(TOUCHED.towards(filter.direction()));
        let changesets: HashSet<i64> = touching.iter().map(|one| one.changeset).collect();
        let query = sqlx::query(sql).bind(Rows::of(changesets.iter().map(|id| Cell::Number(*id))));
        let query = filter.changeset.bind_words_to(query.bind(filter.list()));
        let query = stretch.bind_to(query).bind(like(&filter.user)).bind(filter.one_more()).bind(filter.skipped());
        let query = OfLocale::bind_to(filter.of_locale.as_ref(), query);
        Ok(query.fetch_all(self.readers()).await?)
    }

    /// The rows as a list that says where it goes on; there is one row more than asked for where there are more pushes.
    async fn list(
        &self,
        filter: &PushFilter,
        mut rows: Vec<AnyRow>,
        edge: Option<PushKey>,
        touching: Option<&[TouchingChangeset]>,
    ) -> Result<PushList, StoreError> {
        let are_more = rows.len() > filter.length;
        rows.truncate(filter.length);
        if filter.direction() == Direction::Newer {
            rows.reverse();
        }
        let ends = (rows.first().map(PushKey::of).transpose()?, rows.last().map(PushKey::of).transpose()?);
        let edge = edge.filter(|_| !are_more);
        let (newer, older) = ways_on(filter.place, ends, are_more, edge);
        let mut pushes = self.with_changesets(filter, &rows, touching).await?;
        if filter.of_locale.is_some() {
            self.find_elsewhere(&mut pushes).await?;
        }
        Ok(PushList { pushes, older, newer, looked_until: edge.map(|edge| edge.date) })
    }
}

impl PushFilter {
    fn direction(&self) -> Direction {
        self.place.direction()
    }

    fn stretch(&self) -> Stretch {
        self.place.stretch(self.from, self.until)
    }

    /// How many pushes are looked at for what no index tells; none where an index tells everything.
    fn looked_at(&self) -> Option<i64> {
        match (self.changeset.is_empty(), self.user.is_empty()) {
            (false, _) => Some(LOOKED_INTO),
            (true, false) => Some(LOOKED_AT),
            (true, true) => None,
        }
    }

    /// Whether more is asked for than what pushes touch and whose they are: what they and their changesets say, or which locale.
    fn asks_the_database(&self) -> bool {
        !self.user.is_empty() || self.changeset.asks_for_words() || self.of_locale.is_some()
    }

    /// The numbers of the pushes that are read, and of one more, in the direction in which they are; what they say is not asked for.
    fn chosen(&self, stretch: Stretch, touching: &[TouchingChangeset]) -> Vec<i64> {
        let wanted: Option<HashSet<i64>> = self.repositories.as_ref().map(|ids| ids.iter().map(|id| id.0).collect());
        let is_wanted = |one: &&TouchingChangeset| wanted.as_ref().is_none_or(|wanted| wanted.contains(&one.repository.0));
        let pushes = touching.chunk_by(|one, next| one.push == next.push).filter_map(<[_]>::first);
        let fitting = pushes.filter(|one| stretch.has(one.push)).filter(is_wanted).map(|one| one.push.id);
        let skipped = usize::try_from(self.skipped()).unwrap_or_default();
        let most = usize::try_from(self.one_more()).unwrap_or(usize::MAX);
        match self.direction() {
            Direction::Older => fitting.skip(skipped).take(most).collect(),
            Direction::Newer => fitting.rev().skip(skipped).take(most).collect(),
        }
    }

    fn few_repositories(&self) -> Option<&[RepositoryId]> {
        self.repositories.as_deref().filter(|repositories| repositories.len() <= FEW_REPOSITORIES)
    }

    /// Binds what a push and its changesets have to be.
    fn bind_to<'q>(&self, query: Query<'q, Any, AnyArguments>, stretch: Stretch) -> Query<'q, Any, AnyArguments> {
        stretch.bind_to(self.changeset.bind_to(query)).bind(like(&self.user))
    }

    fn one_more(&self) -> i64 {
        i64::try_from(self.length).unwrap_or(i64::MAX).saturating_add(1)
    }

    fn skipped(&self) -> i64 {
        match self.place {
            Begin::Start(start) => i64::from(start),
            Begin::Before(_) | Begin::After(_) => 0,
        }
    }

    /// How much is read of each of several parts, so that what is asked for is in them together.
    fn part_of(&self, parts: usize) -> Part {
        let (limit, skipped) = (self.one_more(), self.skipped());
        if parts == 1 { Part { limit, skipped } } else { Part { limit: limit.saturating_add(skipped), skipped: 0 } }
    }

    /// What was read of each part as one list.
    fn merged(&self, rows: Vec<AnyRow>, part: Part) -> Result<Vec<AnyRow>, StoreError> {
        let mut found = rows.into_iter().map(|row| Ok((PushKey::of(&row)?, row))).collect::<Result<Vec<_>, StoreError>>()?;
        found.sort_by_key(|(key, _)| *key);
        if self.direction() == Direction::Older {
            found.reverse();
        }
        let skipped = usize::try_from(self.skipped() - part.skipped).unwrap_or_default();
        let rows = found.into_iter().map(|(_, row)| row).skip(skipped);
        Ok(rows.take(usize::try_from(self.one_more()).unwrap_or(usize::MAX)).collect())
    }

    /// No repository is chosen, and none in which a locale has files.
    fn is_of_nobody(&self) -> bool {
        self.repositories.as_ref().is_some_and(Vec::is_empty) && self.of_locale.as_ref().is_none_or(|list| list.among.is_empty())
    }

    /// The numbers of its repositories as rows; no rows stand for all.
    fn list(&self) -> String {
        match self.repositories.as_deref() {
            None => rows_of(&[]),
            Some([]) => rows_of(&[NOBODY]),
            Some(repositories) => rows_of(repositories),
        }
    }
}

/// A number that no repository has.
const NOBODY: RepositoryId = RepositoryId(0);

fn rows_of(repositories: &[RepositoryId]) -> String {
    Rows::of(repositories.iter().map(|id| Cell::Number(id.0)))
}

/// How much is read of one of several parts of a list.
#[derive(Clone, Copy)]
struct Part {
    limit: i64,
    skipped: i64,
}

/// The edge that is met first.
fn nearest(edges: Vec<PushKey>, direction: Direction) -> Option<PushKey> {
    match direction {
        Direction::Older => edges.into_iter().max(),
        Direction::Newer => edges.into_iter().min(),
    }
}
