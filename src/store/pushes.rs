//! Pushes as pages show them, with their changesets.

use super::database::{RowsSql, Store, StoreError, parsed, parsed_option, rows_sql};
use super::elsewhere::PushElsewhere;
use super::pushlog::sql::{fits_sql, path_fits_sql, said_sql, wanted_sql};
use super::pushlog::{ChangesetFilter, PushFilter};
use super::rows::{Cell, Rows};
use super::touched::TouchingChangeset;
use crate::domain::{Kept, RepositoryId, RepositoryName, Revision, Vcs};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::{HashMap, HashSet};

/// One push with its changesets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRow {
    pub repository: RepositoryName,
    pub url: String,
    /// Which making of the repository it belongs to; older ones are history.
    pub generation: i64,
    /// The repository has not been made anew since.
    pub current: bool,
    pub push_id: u64,
    pub user: Kept,
    /// Seconds since 1970.
    pub date: i64,
    /// Those that fit, the newest first, as many as were asked for.
    pub changesets: Vec<PushedChangeset>,
    /// How many fit, and how many there are.
    pub fitting: u64,
    pub in_all: u64,
    /// None where the push has no changesets.
    pub ends: Option<PushEnds>,
    pub vcs: Vcs,
    /// What it did to a branch of git.
    pub moved: Option<PushMove>,
    /// Where else what is shown of it came, as far as that was asked for.
    pub elsewhere: Vec<PushElsewhere>,
}

/// How a push moved a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushMove {
    pub branch: Kept,
    /// The null changeset where the branch was made.
    pub before: Revision,
    /// The null changeset where the branch was deleted.
    pub after: Revision,
    /// Nobody has said who pushed it; its date is when it was seen.
    pub seen: bool,
    /// How many changesets it took from the branch.
    pub dropped: u64,
}

/// Where a push begins and ends, whether or not its changesets fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushEnds {
    pub tip: Revision,
    /// The beginning of the tip's description.
    pub description: Kept,
    /// The first parent of the first changeset; none while the changesets are not seen.
    pub base: Option<Revision>,
}

/// One changeset of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedChangeset {
    pub revision: Revision,
    pub known: bool,
    pub obsolete: bool,
    pub author: Kept,
    /// The beginning of it.
    pub description: Kept,
    pub branch: Kept,
}

const ONE: &str = "
    select push.id, push.generation, push.push_id, push.pusher, push.date, repository.name, repository.url,
           repository.generation as now_in, repository.vcs, push.branch
    from push join repository on repository.id = push.repository
    where push.repository = $1 and push.push_id = $2 and push.generation = coalesce($3, repository.generation)";
// Each push is looked up by itself: PostgreSQL takes pushes for much longer than they are, and would read whole tables for a join.
const ENDS: RowsSql = rows_sql!(
    "select one.push, one.in_all, tip.revision as tip, tip.known as tip_known, substr(tip.description, 1, 1000) as description,
            start.known as start_known, base.revision as base
     from (select cast(value->>0 as bigint) as push,
                  (select count(*) from push_changeset where push = cast(value->>0 as bigint)) as in_all,
                  (select changeset from push_changeset where push = cast(value->>0 as bigint) order by position limit 1) as first,
                  (select changeset from push_changeset where push = cast(value->>0 as bigint) order by position desc limit 1) as last
           from " ROWS ") as one
     join changeset tip on tip.id = one.last
     join changeset start on start.id = one.first
     left join changeset_parent on changeset_parent.changeset = start.id and changeset_parent.position = 0
     left join changeset base on base.id = changeset_parent.parent");
const CHANGESETS: RowsSql = rows_sql!(
    ["select placed.push, placed.fitting, changeset.revision, changeset.known, changeset.obsolete, changeset.author,
            substr(changeset.description, 1, 1000) as description, branch.name as branch_name
     from (select push_changeset.push, push_changeset.changeset, count(*) over (partition by push_changeset.push) as fitting,
                  row_number() over (partition by push_changeset.push order by push_changeset.position desc) as place
           from "] ROWS ["
           cross join push_changeset
           where push_changeset.push = cast(value->>0 as bigint) and ",
            wanted_sql!(),
            ") as placed
     join changeset on changeset.id = placed.changeset
     left join branch on branch.id = changeset.branch
     where placed.place <= $11
     order by placed.push, placed.place"]
);

/// All changesets, the newest ones of each push and its first: together they tell its ends as well.
const ALL_CHANGESETS: RowsSql = rows_sql!(
    "select placed.push, placed.fitting, placed.place, changeset.revision, changeset.known, changeset.obsolete, changeset.author,
            substr(changeset.description, 1, 1000) as description, branch.name as branch_name,
            case when placed.place = placed.fitting then (
                select base.revision
                from changeset_parent join changeset base on base.id = changeset_parent.parent
                where changeset_parent.changeset = placed.changeset and changeset_parent.position = 0) end as base
     from (select push_changeset.push, push_changeset.changeset, count(*) over (partition by push_changeset.push) as fitting,
                  row_number() over (partition by push_changeset.push order by push_changeset.position desc) as place
           from " ROWS "
           cross join push_changeset
           where push_changeset.push = cast(value->>0 as bigint)) as placed
     join changeset on changeset.id = placed.changeset
     left join branch on branch.id = changeset.branch
     where placed.place <= $2 or placed.place = placed.fitting
     order by placed.push, placed.place"
);

/// The same where it is known which changesets touch what is asked for: a row has a push, a changeset, and its place among these.
const TOUCHING_CHANGESETS: RowsSql = rows_sql!(
    ["select placed.push, placed.fitting, changeset.revision, changeset.known, changeset.obsolete, changeset.author,
            substr(changeset.description, 1, 1000) as description, branch.name as branch_name
     from (select touching.push, touching.changeset, count(*) over (partition by touching.push) as fitting,
                  row_number() over (partition by touching.push order by touching.place) as place
           from (select cast(value->>0 as bigint) as push, cast(value->>1 as bigint) as changeset,
                        cast(value->>2 as bigint) as place
                 from "] ROWS [") as touching
           where $2 = 0 or exists (
               select 1 from changeset where changeset.id = touching.changeset and ",
            said_sql!(),
            ")) as placed
     join changeset on changeset.id = placed.changeset
     left join branch on branch.id = changeset.branch
     where placed.place <= $6
     order by placed.push, placed.place"]
);

const MOVES: RowsSql = rows_sql!(
    "select push.id, push.seen, branch.name, origin.revision as origin, target.revision as target,
            (select count(*) from push_dropped where push_dropped.push = push.id) as dropped
     from " ROWS "
     join push on push.id = cast(value->>0 as bigint)
     join branch on branch.id = push.branch
     join changeset origin on origin.id = push.origin
     join changeset target on target.id = push.target");

/// So many changesets of each push are read at first: nearly all pushes have fewer.
const AT_FIRST: usize = 20;

/// The changesets of a push, as far as they are shown.
#[derive(Default)]
struct Shown {
    fitting: i64,
    changesets: Vec<PushedChangeset>,
}

/// How many changesets a push has, and its ends.
struct Span {
    in_all: i64,
    ends: PushEnds,
}

/// What is known of pushes besides their own rows, by their numbers.
#[derive(Default)]
struct Contents {
    spans: HashMap<i64, Span>,
    shown: HashMap<i64, Shown>,
}

impl Store {
    /// A push by its number, of the repository as it is now unless a generation is named, with this many of its changesets.
    pub async fn push(
        &self,
        repository: RepositoryId,
        (generation, push_id): (Option<i64>, u64),
        changesets: usize,
    ) -> Result<Option<PushRow>, StoreError> {
        let query = sqlx::query(ONE).bind(repository.0).bind(push_id.cast_signed()).bind(generation);
        let rows = query.fetch_all(self.readers()).await?;
        let all = PushFilter { changesets_each: changesets, ..PushFilter::default() };
        let mut pushes = self.with_changesets(&all, &rows, None).await?;
        self.find_elsewhere(&mut pushes).await?;
        Ok(pushes.pop())
    }

    /// The pushes with their changesets, as many as the filter asks for; `touching` are all that touch the paths in it, where they
    /// are known.
    pub(super) async fn with_changesets(
        &self,
        filter: &PushFilter,
        pushes: &[AnyRow],
        touching: Option<&[TouchingChangeset]>,
    ) -> Result<Vec<PushRow>, StoreError> {
        let ids = pushes.iter().map(|row| Ok(row.try_get("id")?)).collect::<Result<Vec<i64>, StoreError>>()?;
        let mut contents = match touching {
            None if filter.changeset.is_empty() => self.all_contents(filter, &ids).await?,
            _ => self.fitting_contents(filter, &ids, touching).await?,
        };
        let mut moves = self.moves_of(pushes).await?;
        let push = |(row, id): (&AnyRow, &i64)| -> Result<PushRow, StoreError> {
            let (span, shown) = (contents.spans.remove(id), contents.shown.remove(id).unwrap_or_default());
            Ok(PushRow { moved: moves.remove(id), ..push_from(row, span, shown)? })
        };
        pushes.iter().zip(&ids).map(push).collect()
    }

    /// All changesets, as many as the filter asks for: by one statement, unless a push has very many.
    async fn all_contents(&self, filter: &PushFilter, ids: &[i64]) -> Result<Contents, StoreError> {
        let mut most = AT_FIRST.min(filter.changesets_each);
        loop {
            let query = sqlx::query(self.text(&ALL_CHANGESETS)).bind(numbers(ids)).bind(i64::try_from(most).unwrap_or(i64::MAX));
            let rows = query.fetch_all(self.readers()).await?;
            let counted = rows.iter().map(|row| Ok((row.try_get("push")?, row.try_get("fitting")?)));
            let counts: Vec<i64> = counted.collect::<Result<HashMap<i64, i64>, StoreError>>()?.into_values().collect();
            let each = each_of(&counts, filter.changesets_together).min(filter.changesets_each);
            let longest = counts.iter().copied().max().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
            if each.min(longest) <= most {
                return contents_from(&rows, each);
            }
            most = each;
        }
    }

    /// The changesets that fit, as many as the filter asks for.
    async fn fitting_contents(
        &self,
        filter: &PushFilter,
        ids: &[i64],
        touching: Option<&[TouchingChangeset]>,
    ) -> Result<Contents, StoreError> {
        let mut spans = HashMap::new();
        for row in self.rows_for(&ENDS, numbers(ids)).await? {
            spans.insert(row.try_get("push")?, span_from(&row)?);
        }
        let counts: Vec<i64> = spans.values().map(|span| span.in_all).collect();
        let each = each_of(&counts, filter.changesets_together).min(filter.changesets_each);
        let shown = match touching {
            Some(touching) => self.shown_touching(&filter.changeset, placed_rows(touching, ids), each).await?,
            None => self.shown(&filter.changeset, numbers(ids), each).await?,
        };
        Ok(Contents { spans, shown })
    }

    /// What those of these pushes did that are of git.
    async fn moves_of(&self, pushes: &[AnyRow]) -> Result<HashMap<i64, PushMove>, StoreError> {
        let mut of_git = Rows::new();
        for row in pushes {
            if row.try_get::<Option<i64>, _>("branch")?.is_some() {
                of_git.add([Cell::Number(row.try_get("id")?)]);
            }
        }
        if of_git.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.rows_for(&MOVES, of_git.done()).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, move_from(row)?))).collect()
    }

    async fn shown(&self, filter: &ChangesetFilter, pushes: String, each: usize) -> Result<HashMap<i64, Shown>, StoreError> {
        let query = filter.bind_to(sqlx::query(self.text(&CHANGESETS)).bind(pushes));
        let query = query.bind(i64::try_from(each).unwrap_or(i64::MAX));
        shown_from(&query.fetch_all(self.readers()).await?)
    }

    async fn shown_touching(&self, filter: &ChangesetFilter, rows: String, each: usize) -> Result<HashMap<i64, Shown>, StoreError> {
        let query = filter.bind_said_to(sqlx::query(self.text(&TOUCHING_CHANGESETS)).bind(rows));
        let query = query.bind(i64::try_from(each).unwrap_or(i64::MAX));
        shown_from(&query.fetch_all(self.readers()).await?)
    }
}

fn numbers(ids: &[i64]) -> String {
    Rows::of(ids.iter().map(|id| Cell::Number(*id)))
}

/// What rows of all changesets tell; of each push so many are shown.
fn contents_from(rows: &[AnyRow], each: usize) -> Result<Contents, StoreError> {
    let mut contents = Contents::default();
    for of_push in rows.chunk_by(|row, next| row.get::<i64, _>("push") == next.get::<i64, _>("push")) {
        let (tip, start) = (&of_push[0], &of_push[of_push.len() - 1]);
        let (push, in_all) = (tip.try_get("push")?, tip.try_get("fitting")?);
        let changesets = of_push.iter().map(changeset_from).collect::<Result<Vec<_>, _>>()?;
        let are_known = changesets[0].known && changesets[changesets.len() - 1].known;
        let base = parsed_option(start, "base")?.unwrap_or(Revision::NULL);
        let ends = PushEnds {
            tip: changesets[0].revision,
            description: changesets[0].description.clone(),
            base: are_known.then_some(base),
        };
        contents.spans.insert(push, Span { in_all, ends });
        // The first one comes beside those that are shown where these do not reach it.
        let shown = changesets.into_iter().take(each).collect();
        contents.shown.insert(push, Shown { fitting: in_all, changesets: shown });
    }
    Ok(contents)
}

fn shown_from(rows: &[AnyRow]) -> Result<HashMap<i64, Shown>, StoreError> {
    let mut shown: HashMap<i64, Shown> = HashMap::new();
    for row in rows {
        let of_push = shown.entry(row.try_get("push")?).or_default();
        of_push.fitting = row.try_get("fitting")?;
        of_push.changesets.push(changeset_from(row)?);
    }
    Ok(shown)
}

/// Rows of a push, a changeset and its place, of the pushes of these numbers.
fn placed_rows(touching: &[TouchingChangeset], numbers: &[i64]) -> String {
    let (mut rows, wanted) = (Rows::new(), numbers.iter().collect::<HashSet<_>>());
    // Newest first, so that the place among all is one among those of the push as well.
    for (place, one) in (0_i64..).zip(touching).filter(|(_, one)| wanted.contains(&one.push.id)) {
        rows.add([one.push.id, one.changeset, place].map(Cell::Number));
    }
    rows.done()
}

/// The most of each that makes no more than `together` of all; one of each at least.
fn each_of(counts: &[i64], together: usize) -> usize {
    let counts: Vec<usize> = counts.iter().map(|count| usize::try_from(*count).unwrap_or_default()).collect();
    let most = counts.iter().copied().max().unwrap_or_default();
    if counts.iter().sum::<usize>() <= together {
        return usize::MAX;
    }
    let makes = |each: usize| counts.iter().map(|count| *count.min(&each)).sum::<usize>();
    (1..=most.min(together)).take_while(|each| makes(*each) <= together).last().unwrap_or(1)
}

fn push_from(row: &AnyRow, span: Option<Span>, shown: Shown) -> Result<PushRow, StoreError> {
    let generation: i64 = row.try_get("generation")?;
    let (in_all, ends) = span.map_or((0, None), |span| (span.in_all, Some(span.ends)));
    Ok(PushRow {
        repository: parsed(row, "name")?,
        url: row.try_get("url")?,
        generation,
        current: generation == row.try_get::<i64, _>("now_in")?,
        push_id: row.try_get::<i64, _>("push_id")?.cast_unsigned(),
        user: kept(row, "pusher")?,
        date: row.try_get("date")?,
        changesets: shown.changesets,
        fitting: shown.fitting.cast_unsigned(),
        in_all: in_all.cast_unsigned(),
        ends,
        vcs: parsed(row, "vcs")?,
        moved: None,
        elsewhere: Vec::new(),
    })
}

fn move_from(row: &AnyRow) -> Result<PushMove, StoreError> {
    Ok(PushMove {
        branch: kept(row, "name")?,
        before: parsed(row, "origin")?,
        after: parsed(row, "target")?,
        seen: row.try_get::<i64, _>("seen")? == 1,
        dropped: row.try_get::<i64, _>("dropped")?.cast_unsigned(),
    })
}

fn span_from(row: &AnyRow) -> Result<Span, StoreError> {
    let are_known = row.try_get::<i64, _>("tip_known")? == 1 && row.try_get::<i64, _>("start_known")? == 1;
    let base = parsed_option(row, "base")?.unwrap_or(Revision::NULL);
    let ends = PushEnds { tip: parsed(row, "tip")?, description: kept(row, "description")?, base: are_known.then_some(base) };
    Ok(Span { in_all: row.try_get("in_all")?, ends })
}

pub(super) fn changeset_from(row: &AnyRow) -> Result<PushedChangeset, StoreError> {
    Ok(PushedChangeset {
        revision: parsed(row, "revision")?,
        known: row.try_get::<i64, _>("known")? == 1,
        obsolete: row.try_get::<i64, _>("obsolete")? == 1,
        author: kept(row, "author")?,
        description: kept(row, "description")?,
        branch: kept(row, "branch_name")?,
    })
}

/// Kept text from a column; nothing where the changeset is a placeholder.
pub(super) fn kept(row: &AnyRow, column: &str) -> Result<Kept, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    Ok(Kept::from_kept(text.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::each_of;

    #[test]
    fn a_page_shares_its_changesets_out_among_its_pushes() {
        let check = |counts: &[i64], together, each| assert_eq!(each_of(counts, together), each, "{counts:?}");
        check(&[], 10, usize::MAX);
        check(&[3, 4], 10, usize::MAX);
        check(&[1, 1, 100], 10, 8);
        check(&[5, 5, 5], 10, 3);
        check(&[5; 20], 10, 1);
        check(&[i64::MAX], 10, 10);
    }
}
