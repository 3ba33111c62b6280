//! The pushlog as a query: a filter in, the pushes that fit out, newest first. Each question is driven by an index, and one that
//! only reading decides looks at a bounded number of pushes and says how far it came.

use super::database::{RowsSql, Store, StoreError};
use super::pushes::PushRow;
use super::rows::{Cell, Rows};
use super::touched::{LIKE_ALL, like};
use crate::domain::RepositoryId;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row};

/// Which pushes are asked for. Texts that are empty ask for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushFilter {
    /// Of these repositories; of all where there is none.
    pub repositories: Option<Vec<RepositoryId>>,
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

/// Where a push stands among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PushKey {
    pub date: i64,
    pub id: i64,
}

/// Where in the list to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// So many pushes from the newest.
    Start(u32),
    /// With the newest of those that are older.
    Before(PushKey),
    /// With the oldest of those that are newer.
    After(PushKey),
}

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
    fn is_empty(&self) -> bool {
        *self == ChangesetFilter::default()
    }
}

/// How many pushes are looked at for what only their changesets tell: about 50 ms on PostgreSQL.
const LOOKED_INTO: i64 = 5_000;
/// The same for what they tell themselves.
const LOOKED_AT: i64 = 20_000;
/// So many repositories are asked one by one: pushes of all, read in their order, would hold few of theirs.
const FEW_REPOSITORIES: usize = 8;

/// The pushes of `$choice` between two keys that fit.
macro_rules! fitting_sql {
    ($choice:expr, $direction:literal) => {
        concat!(
            "select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
                    repository.generation as now_in
             from push cross join repository
             where repository.id = push.repository and ",
            $choice,
            " and (push.date, push.id) > ($2, $3) and (push.date, push.id) < ($4, $5)
               and ($6 = '' or lower(push.pusher) like lower($6) escape '\\')
               and ($7 = 0 or (
                     select 1
                     from push_changeset join changeset on changeset.id = push_changeset.changeset
                     where push_changeset.push = push.id
                       and lower(changeset.author) like lower($8) escape '\\'
                       and lower(changeset.description) like lower($9) escape '\\'
                       and ($10 = '' or changeset.branch = (select branch.id from branch where branch.name = $10))
                       and ($11 = 0 or (
                             select 1
                             from changeset_file join file on file.id = changeset_file.file
                             where changeset_file.changeset = changeset.id
                               and lower(file.path) like lower($12) escape '\\' and lower(file.path) like lower($13) escape '\\'
                               and lower(file.path) like lower($14) escape '\\' and lower(file.path) like lower($15) escape '\\'
                             limit 1) = 1)
                     limit 1) = 1)
             order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit $16 offset $17"
        )
    };
}

/// The same among the pushes of known changesets, which are few. `$open` and `$close` go around a JSON parameter.
macro_rules! touched_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        concat!(
            "select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
                    repository.generation as now_in
             from (select distinct push_changeset.push
                   from ",
            $open,
            "$1",
            $close,
            "
                   cross join push_changeset
                   cross join changeset
                   where push_changeset.changeset = cast(value->>0 as bigint)
                     and changeset.id = push_changeset.changeset
                     and lower(changeset.author) like lower($8) escape '\\'
                     and lower(changeset.description) like lower($9) escape '\\'
                     and ($10 = '' or changeset.branch = (select branch.id from branch where branch.name = $10))) as touched
             cross join push
             cross join repository
             where push.id = touched.push and repository.id = push.repository
               and ($7 = '[]' or push.repository in (select cast(value->>0 as bigint) from ",
            $open,
            "$7",
            $close,
            "))
               and (push.date, push.id) > ($2, $3) and (push.date, push.id) < ($4, $5)
               and ($6 = '' or lower(push.pusher) like lower($6) escape '\\')
             order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit $11 offset $12"
        )
    };
}

/// The push that stands `$5` after the first one between two keys.
macro_rules! edge_sql {
    ($choice:literal, $direction:literal) => {
        concat!(
            "select push.date, push.id
             from push
             where (push.date, push.id) > ($1, $2) and (push.date, push.id) < ($3, $4)",
            $choice,
            " order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit 1 offset $5"
        )
    };
}

/// For each of some repositories its first push between two keys.
macro_rules! first_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        concat!(
            "select (select push.date from push
                     where push.repository = cast(value->>0 as bigint)
                       and (push.date, push.id) > ($2, $3) and (push.date, push.id) < ($4, $5)
                     order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit 1) as date
             from ",
            $open,
            "$1",
            $close
        )
    };
}

struct Directed<T> {
    older: T,
    newer: T,
}

/// A text in both directions and for both databases, which begin and end a list in JSON in their own ways.
macro_rules! of_list {
    ($sql:ident) => {
        Directed {
            older: RowsSql {
                sqlite: $sql!("json_each(", ") as r", "desc"),
                postgres: $sql!("jsonb_array_elements(", "::jsonb) as r(value)", "desc"),
            },
            newer: RowsSql {
                sqlite: $sql!("json_each(", ") as r", "asc"),
                postgres: $sql!("jsonb_array_elements(", "::jsonb) as r(value)", "asc"),
            },
        }
    };
}

macro_rules! fitting_of_list_sql {
    ($open:literal, $close:literal, $direction:literal) => {
        fitting_sql!(
            concat!("($1 = '[]' or push.repository in (select cast(value->>0 as bigint) from ", $open, "$1", $close, "))"),
            $direction
        )
    };
}

static FITTING_OF_ONE: Directed<&str> =
    Directed { older: fitting_sql!("push.repository = $1", "desc"), newer: fitting_sql!("push.repository = $1", "asc") };
static FITTING: Directed<RowsSql> = of_list!(fitting_of_list_sql);
static TOUCHED: Directed<RowsSql> = of_list!(touched_sql);
static FIRST: Directed<RowsSql> = of_list!(first_sql);
static EDGE_OF_ONE: Directed<&str> =
    Directed { older: edge_sql!(" and push.repository = $6", "desc"), newer: edge_sql!(" and push.repository = $6", "asc") };
static EDGE: Directed<&str> = Directed { older: edge_sql!("", "desc"), newer: edge_sql!("", "asc") };

/// What lies between two pushes, neither included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    above: PushKey,
    below: PushKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Older,
    Newer,
}

impl Store {
    /// The pushes that fit a filter.
    pub async fn pushes(&self, filter: &PushFilter) -> Result<PushList, StoreError> {
        if filter.repositories.as_ref().is_some_and(Vec::is_empty) {
            return Ok(PushList::default());
        }
        let (stretch, mut edge) = (filter.stretch(), None);
        let rows = match (self.touched(&filter.changeset.paths).await?, filter.few_repositories()) {
            (Some(changesets), _) => self.of_changesets(filter, stretch, &changesets).await?,
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
        self.list(filter, rows, edge).await
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
        query.fetch_optional(self.readers()).await?.map(|row| key_of(&row)).transpose()
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
            edges.extend(query.fetch_optional(self.readers()).await?.map(|row| key_of(&row)).transpose()?);
        }
        Ok(match filter.direction() {
            Direction::Older => edges.into_iter().max(),
            Direction::Newer => edges.into_iter().min(),
        })
    }

    async fn of_list(&self, filter: &PushFilter, stretch: Stretch) -> Result<Vec<AnyRow>, StoreError> {
        let query = sqlx::query(self.text(FITTING.towards(filter.direction()))).bind(filter.list());
        let query = filter.bind_to(stretch.bind_to(query)).bind(filter.one_more()).bind(filter.skipped());
        Ok(query.fetch_all(self.readers()).await?)
    }

    /// As many pushes of each repository as there may be of all, and the first of these.
    async fn of_few(&self, filter: &PushFilter, few: &[RepositoryId], stretch: Stretch) -> Result<Vec<AnyRow>, StoreError> {
        let is_one = few.len() == 1;
        let (limit, skipped) = (filter.one_more(), filter.skipped());
        let (limit_each, skipped_each) = if is_one { (limit, skipped) } else { (limit.saturating_add(skipped), 0) };
        let mut found = Vec::new();
        for repository in few {
            let query = sqlx::query(*FITTING_OF_ONE.towards(filter.direction())).bind(repository.0);
            let query = filter.bind_to(stretch.bind_to(query)).bind(limit_each).bind(skipped_each);
            for row in query.fetch_all(self.readers()).await? {
                found.push((key_of(&row)?, row));
            }
        }
        found.sort_by_key(|(key, _)| *key);
        if filter.direction() == Direction::Older {
            found.reverse();
        }
        let skipped = usize::try_from(skipped - skipped_each).unwrap_or_default();
        let rows = found.into_iter().map(|(_, row)| row).skip(skipped);
        Ok(rows.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn of_changesets(&self, filter: &PushFilter, stretch: Stretch, changesets: &[i64]) -> Result<Vec<AnyRow>, StoreError> {
        let sql = self.text(TOUCHED.towards(filter.direction()));
        let query = sqlx::query(sql).bind(Rows::of(changesets.iter().map(|id| Cell::Number(*id))));
        let query = stretch
            .bind_to(query)
            .bind(pattern(&filter.user))
            .bind(filter.list())
            .bind(like(&filter.changeset.author))
            .bind(like(&filter.changeset.description))
            .bind(filter.changeset.branch.clone())
            .bind(filter.one_more())
            .bind(filter.skipped());
        Ok(query.fetch_all(self.readers()).await?)
    }

    /// The rows as a list that says where it goes on; there is one row more than asked for where there are more pushes.
    async fn list(&self, filter: &PushFilter, mut rows: Vec<AnyRow>, edge: Option<PushKey>) -> Result<PushList, StoreError> {
        let are_more = rows.len() > filter.length;
        rows.truncate(filter.length);
        if filter.direction() == Direction::Newer {
            rows.reverse();
        }
        let ends = (rows.first().map(key_of).transpose()?, rows.last().map(key_of).transpose()?);
        let edge = edge.filter(|_| !are_more);
        let (newer, older) = ways_on(filter.place, ends, are_more, edge);
        let pushes = self.with_changesets(filter, &rows).await?;
        Ok(PushList { pushes, older, newer, looked_until: edge.map(|edge| edge.date) })
    }
}

/// Where newer and older pushes are asked for, given the first and the last push shown, whether there are more in the direction
/// asked for, and how far was looked.
fn ways_on(
    place: Begin,
    (first, last): (Option<PushKey>, Option<PushKey>),
    are_more: bool,
    edge: Option<PushKey>,
) -> (Option<PushKey>, Option<PushKey>) {
    let onwards = |end: Option<PushKey>| if are_more { end } else { None };
    match place {
        Begin::Start(0) => (None, onwards(last).or(edge.map(PushKey::above))),
        Begin::Start(_) => (first, onwards(last).or(edge.map(PushKey::above))),
        Begin::Before(key) => (first.or(Some(key.beneath())), onwards(last).or(edge.map(PushKey::above))),
        Begin::After(key) => (onwards(first).or(edge.map(PushKey::beneath)), last.or(Some(key.above()))),
    }
}

impl PushFilter {
    fn direction(&self) -> Direction {
        match self.place {
            Begin::Start(_) | Begin::Before(_) => Direction::Older,
            Begin::After(_) => Direction::Newer,
        }
    }

    fn stretch(&self) -> Stretch {
        let above = PushKey { date: self.from, id: 0 };
        let below = PushKey { date: self.until, id: i64::MAX };
        match self.place {
            Begin::Start(_) => Stretch { above, below },
            Begin::Before(key) => Stretch { above, below: below.min(key) },
            Begin::After(key) => Stretch { above: above.max(key), below },
        }
    }

    /// How many pushes are looked at for what no index tells; none where an index tells everything.
    fn looked_at(&self) -> Option<i64> {
        match (self.changeset.is_empty(), self.user.is_empty()) {
            (false, _) => Some(LOOKED_INTO),
            (true, false) => Some(LOOKED_AT),
            (true, true) => None,
        }
    }

    fn few_repositories(&self) -> Option<&[RepositoryId]> {
        self.repositories.as_deref().filter(|repositories| repositories.len() <= FEW_REPOSITORIES)
    }

    /// Binds what a push and its changesets have to be.
    fn bind_to<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        let changeset = &self.changeset;
        let query = query
            .bind(pattern(&self.user))
            .bind(i64::from(!changeset.is_empty()))
            .bind(like(&changeset.author))
            .bind(like(&changeset.description))
            .bind(changeset.branch.clone())
            .bind(i64::from(!changeset.paths.is_empty()));
        let patterns = (0..MOST_PATHS).map(|part| changeset.paths.get(part).map_or(LIKE_ALL.to_owned(), |path| like(path)));
        patterns.fold(query, Query::bind)
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

    /// The numbers of its repositories as rows; no rows stand for all.
    fn list(&self) -> String {
        Rows::of(self.repositories.as_deref().unwrap_or_default().iter().map(|id| Cell::Number(id.0)))
    }
}

impl Stretch {
    /// As far as `edge`, if there is one, which is left out.
    fn cut(self, edge: Option<PushKey>, direction: Direction) -> Stretch {
        match (edge, direction) {
            (None, _) => self,
            (Some(edge), Direction::Older) => Stretch { above: edge, ..self },
            (Some(edge), Direction::Newer) => Stretch { below: edge, ..self },
        }
    }

    /// Nothing that is newer than `date`, in seconds; nothing at all where there is no date.
    fn until(self, date: Option<i64>) -> Stretch {
        let last = date.map_or(self.above, |date| PushKey { date, id: i64::MAX });
        Stretch { below: self.below.min(last), ..self }
    }

    /// Nothing that is older.
    fn since(self, date: Option<i64>) -> Stretch {
        let first = date.map_or(self.below, |date| PushKey { date, id: 0 });
        Stretch { above: self.above.max(first), ..self }
    }

    fn bind_to<'q>(self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        query.bind(self.above.date).bind(self.above.id).bind(self.below.date).bind(self.below.id)
    }
}

impl<T> Directed<T> {
    fn towards(&self, direction: Direction) -> &T {
        match direction {
            Direction::Older => &self.older,
            Direction::Newer => &self.newer,
        }
    }
}

impl PushKey {
    /// The place right after this push, seen from newer ones: what is before it includes the push.
    fn above(self) -> PushKey {
        PushKey { id: self.id.saturating_add(1), ..self }
    }

    fn beneath(self) -> PushKey {
        PushKey { id: self.id.saturating_sub(1), ..self }
    }
}

/// A pattern that asks for what contains `text`, or nothing where anything will do.
fn pattern(text: &str) -> String {
    if text.is_empty() { String::new() } else { like(text) }
}

fn key_of(row: &AnyRow) -> Result<PushKey, StoreError> {
    Ok(PushKey { date: row.try_get("date")?, id: row.try_get("id")? })
}

#[cfg(test)]
mod tests {
    use super::{Begin, PushFilter, PushKey, Stretch, ways_on};

    fn key(date: i64, id: i64) -> PushKey {
        PushKey { date, id }
    }

    #[test]
    fn a_key_and_times_bound_what_is_read() {
        let filter = |place| PushFilter { from: 10, until: 20, place, ..PushFilter::default() };
        let check = |place, above, below| assert_eq!(filter(place).stretch(), Stretch { above, below });
        check(Begin::Start(0), key(10, 0), key(20, i64::MAX));
        check(Begin::Before(key(15, 3)), key(10, 0), key(15, 3));
        check(Begin::Before(key(30, 3)), key(10, 0), key(20, i64::MAX));
        check(Begin::After(key(15, 3)), key(15, 3), key(20, i64::MAX));
        check(Begin::After(key(5, 3)), key(10, 0), key(20, i64::MAX));
    }

    #[test]
    fn a_list_says_where_it_goes_on() {
        let ends = (Some(key(9, 9)), Some(key(7, 7)));
        let check = |place, are_more, edge, newer, older| assert_eq!(ways_on(place, ends, are_more, edge), (newer, older));
        check(Begin::Start(0), false, None, None, None);
        check(Begin::Start(0), true, None, None, Some(key(7, 7)));
        check(Begin::Start(0), false, Some(key(3, 3)), None, Some(key(3, 4)));
        check(Begin::Start(50), false, None, Some(key(9, 9)), None);
        check(Begin::Before(key(10, 1)), true, None, Some(key(9, 9)), Some(key(7, 7)));
        check(Begin::After(key(6, 6)), false, None, None, Some(key(7, 7)));
        check(Begin::After(key(6, 6)), true, None, Some(key(9, 9)), Some(key(7, 7)));
        let none = |place| ways_on(place, (None, None), false, None);
        assert_eq!(none(Begin::Before(key(5, 5))), (Some(key(5, 4)), None));
        assert_eq!(none(Begin::After(key(5, 5))), (None, Some(key(5, 6))));
    }
}
