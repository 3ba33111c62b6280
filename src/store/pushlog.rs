//! The pushlog as a query: a filter in, the pushes that fit out, newest first. Each question is driven by an index, and one that
//! only reading decides looks at a bounded number of pushes and says how far it came.

use super::database::{RowsSql, Store, StoreError};
use super::pushes::PushRow;
use super::rows::{Cell, Rows};
use super::touched::{LIKE_ALL, like};
use crate::domain::RepositoryId;
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

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
    pub place: Place,
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
pub enum Place {
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
            place: Place::Start(0),
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

/// The push that stands `$6` after the first one between two keys.
macro_rules! edge_sql {
    ($choice:expr, $direction:literal) => {
        concat!(
            "select push.date, push.id from push
             where ",
            $choice,
            " and (push.date, push.id) > ($2, $3) and (push.date, push.id) < ($4, $5)
             order by push.date ",
            $direction,
            ", push.id ",
            $direction,
            " limit 1 offset $6"
        )
    };
}

macro_rules! in_list {
    ($open:literal, $close:literal) => {
        concat!("($1 = '[]' or push.repository in (select cast(value->>0 as bigint) from ", $open, "$1", $close, "))")
    };
}

/// One question for each choice of repositories, in both directions.
struct Question {
    of_one: Directed<&'static str>,
    of_list: Directed<RowsSql>,
}

struct Directed<T> {
    older: T,
    newer: T,
}

macro_rules! question {
    ($sql:ident) => {
        Question {
            of_one: Directed { older: $sql!("push.repository = $1", "desc"), newer: $sql!("push.repository = $1", "asc") },
            of_list: Directed {
                older: RowsSql {
                    sqlite: $sql!(in_list!("json_each(", ") as r"), "desc"),
                    postgres: $sql!(in_list!("jsonb_array_elements(", "::jsonb) as r(value)"), "desc"),
                },
                newer: RowsSql {
                    sqlite: $sql!(in_list!("json_each(", ") as r"), "asc"),
                    postgres: $sql!(in_list!("jsonb_array_elements(", "::jsonb) as r(value)"), "asc"),
                },
            },
        }
    };
}

static FITTING: Question = question!(fitting_sql);
static EDGE: Question = question!(edge_sql);
static TOUCHED: Directed<RowsSql> = Directed {
    older: RowsSql {
        sqlite: touched_sql!("json_each(", ") as r", "desc"),
        postgres: touched_sql!("jsonb_array_elements(", "::jsonb) as r(value)", "desc"),
    },
    newer: RowsSql {
        sqlite: touched_sql!("json_each(", ") as r", "asc"),
        postgres: touched_sql!("jsonb_array_elements(", "::jsonb) as r(value)", "asc"),
    },
};

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
        let (mut stretch, mut edge) = (filter.stretch(), None);
        let rows = match self.touched(&filter.changeset.paths).await? {
            Some(changesets) => self.of_changesets(filter, stretch, &changesets).await?,
            None => {
                edge = self.edge(filter, stretch).await?;
                stretch = edge.map_or(stretch, |edge| stretch.cut(edge, filter.direction()));
                self.fitting(filter, stretch).await?
            }
        };
        self.list(filter, rows, edge).await
    }

    /// The newest pushes of all repositories, each with a few of its changesets.
    pub async fn newest_pushes(&self, length: usize, changesets_each: usize) -> Result<Vec<PushRow>, StoreError> {
        Ok(self.pushes(&PushFilter { length, changesets_each, ..PushFilter::default() }).await?.pushes)
    }

    /// The push up to which is looked where only reading tells which ones fit, and there are more.
    async fn edge(&self, filter: &PushFilter, stretch: Stretch) -> Result<Option<PushKey>, StoreError> {
        let limit = match (filter.changeset.is_empty(), filter.user.is_empty()) {
            (false, _) => LOOKED_INTO,
            (true, false) => LOOKED_AT,
            (true, true) => return Ok(None),
        };
        let query = stretch.bind_to(self.ask(&EDGE, filter)).bind(limit);
        query.fetch_optional(self.readers()).await?.map(|row| key_of(&row)).transpose()
    }

    async fn fitting(&self, filter: &PushFilter, stretch: Stretch) -> Result<Vec<AnyRow>, StoreError> {
        let changeset = &filter.changeset;
        let mut query = stretch
            .bind_to(self.ask(&FITTING, filter))
            .bind(pattern(&filter.user))
            .bind(i64::from(!changeset.is_empty()))
            .bind(like(&changeset.author))
            .bind(like(&changeset.description))
            .bind(changeset.branch.clone())
            .bind(i64::from(!changeset.paths.is_empty()));
        for part in 0..MOST_PATHS {
            query = query.bind(changeset.paths.get(part).map_or(LIKE_ALL.to_owned(), |path| like(path)));
        }
        let query = query.bind(filter.one_more()).bind(filter.skipped());
        Ok(query.fetch_all(self.readers()).await?)
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

    /// A question about the repositories of a filter; they are bound.
    fn ask<'q>(&self, question: &'static Question, filter: &PushFilter) -> Query<'q, Any, AnyArguments> {
        let direction = filter.direction();
        match filter.repositories.as_deref() {
            Some([one]) => sqlx::query(*question.of_one.towards(direction)).bind(one.0),
            _ => sqlx::query(self.text(question.of_list.towards(direction))).bind(filter.list()),
        }
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
    place: Place,
    (first, last): (Option<PushKey>, Option<PushKey>),
    are_more: bool,
    edge: Option<PushKey>,
) -> (Option<PushKey>, Option<PushKey>) {
    let onwards = |end: Option<PushKey>| if are_more { end } else { None };
    match place {
        Place::Start(0) => (None, onwards(last).or(edge.map(PushKey::above))),
        Place::Start(_) => (first, onwards(last).or(edge.map(PushKey::above))),
        Place::Before(key) => (first.or(Some(key.beneath())), onwards(last).or(edge.map(PushKey::above))),
        Place::After(key) => (onwards(first).or(edge.map(PushKey::beneath)), last.or(Some(key.above()))),
    }
}

impl PushFilter {
    fn direction(&self) -> Direction {
        match self.place {
            Place::Start(_) | Place::Before(_) => Direction::Older,
            Place::After(_) => Direction::Newer,
        }
    }

    fn stretch(&self) -> Stretch {
        let above = PushKey { date: self.from, id: 0 };
        let below = PushKey { date: self.until, id: i64::MAX };
        match self.place {
            Place::Start(_) => Stretch { above, below },
            Place::Before(key) => Stretch { above, below: below.min(key) },
            Place::After(key) => Stretch { above: above.max(key), below },
        }
    }

    fn one_more(&self) -> i64 {
        i64::try_from(self.length).unwrap_or(i64::MAX).saturating_add(1)
    }

    fn skipped(&self) -> i64 {
        match self.place {
            Place::Start(start) => i64::from(start),
            Place::Before(_) | Place::After(_) => 0,
        }
    }

    /// The numbers of its repositories as rows; no rows stand for all, so that no repository is one that there is not.
    fn list(&self) -> String {
        let ids = self.repositories.as_deref();
        let ids = ids.map(|ids| if ids.is_empty() { &[RepositoryId(0)] } else { ids });
        Rows::of(ids.unwrap_or_default().iter().map(|id| Cell::Number(id.0)))
    }
}

impl Stretch {
    /// As far as `edge`, which is left out.
    fn cut(self, edge: PushKey, direction: Direction) -> Stretch {
        match direction {
            Direction::Older => Stretch { above: edge, ..self },
            Direction::Newer => Stretch { below: edge, ..self },
        }
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
    use sqlx::Row;
    Ok(PushKey { date: row.try_get("date")?, id: row.try_get("id")? })
}

#[cfg(test)]
mod tests {
    use super::{Place, PushFilter, PushKey, Stretch, ways_on};

    fn key(date: i64, id: i64) -> PushKey {
        PushKey { date, id }
    }

    #[test]
    fn a_key_and_times_bound_what_is_read() {
        let filter = |place| PushFilter { from: 10, until: 20, place, ..PushFilter::default() };
        let check = |place, above, below| assert_eq!(filter(place).stretch(), Stretch { above, below });
        check(Place::Start(0), key(10, 0), key(20, i64::MAX));
        check(Place::Before(key(15, 3)), key(10, 0), key(15, 3));
        check(Place::Before(key(30, 3)), key(10, 0), key(20, i64::MAX));
        check(Place::After(key(15, 3)), key(15, 3), key(20, i64::MAX));
        check(Place::After(key(5, 3)), key(10, 0), key(20, i64::MAX));
    }

    #[test]
    fn a_list_says_where_it_goes_on() {
        let ends = (Some(key(9, 9)), Some(key(7, 7)));
        let check = |place, are_more, edge, newer, older| assert_eq!(ways_on(place, ends, are_more, edge), (newer, older));
        check(Place::Start(0), false, None, None, None);
        check(Place::Start(0), true, None, None, Some(key(7, 7)));
        check(Place::Start(0), false, Some(key(3, 3)), None, Some(key(3, 4)));
        check(Place::Start(50), false, None, Some(key(9, 9)), None);
        check(Place::Before(key(10, 1)), true, None, Some(key(9, 9)), Some(key(7, 7)));
        check(Place::After(key(6, 6)), false, None, None, Some(key(7, 7)));
        check(Place::After(key(6, 6)), true, None, Some(key(9, 9)), Some(key(7, 7)));
        let none = |place| ways_on(place, (None, None), false, None);
        assert_eq!(none(Place::Before(key(5, 5))), (Some(key(5, 4)), None));
        assert_eq!(none(Place::After(key(5, 5))), (None, Some(key(5, 6))));
    }
}
