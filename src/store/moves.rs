//! Pushes of git: moves of branches, numbered by the repository in their order. What was only seen is told apart, or filled in, once
//! somebody says who pushed; the numbers of later pushes then move on, so that the order is the branch's whenever the news came.

use super::database::{Change, Lock, RowsSql, Step, Store, StoreError, parsed, rows_sql};
use super::notices::has_push_sql;
use super::pushes::kept;
use super::recording::ADD_PUSH_CHANGESETS;
use super::rows::{Cell, Rows};
use super::version::{self, Of};
use super::{dictionary, localities, placeholders, settling};
use crate::domain::{BranchMove, Kept, Notice, RepositoryId, Revision};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is recorded of a repository's branches, and what is said of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branches {
    /// Where each was when it was recorded last; the null changeset where it is deleted.
    pub heads: BTreeMap<Kept, Revision>,
    /// What no push is recorded for yet.
    pub notices: Vec<Noticed>,
    /// Pushes that nobody has told of.
    pub seen: Vec<SeenPush>,
}

/// A notice, and when it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    pub notice: Notice,
    pub taken: Timestamp,
}

/// A push that was only seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPush {
    number: i64,
    pub branch: Kept,
    pub before: Revision,
    pub after: Revision,
}

/// A push of git as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRow {
    pub push_id: u64,
    pub branch: Kept,
    pub before: Revision,
    pub after: Revision,
}

/// Moves to record.
#[derive(Clone, Debug)]
pub struct MovesRecording {
    pub repository: RepositoryId,
    /// The push that these tell apart; none for those that come after all that are recorded.
    pub instead_of: Option<SeenPush>,
    /// In their order.
    pub moves: Vec<MoveRecording>,
    /// Now: when what is only seen was seen.
    pub now: Timestamp,
}

/// A move with what it brought and took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRecording {
    pub made: BranchMove,
    /// Parents before children, the tip last.
    pub brought: Vec<Revision>,
    pub dropped: Vec<Revision>,
}

/// What became of moves to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovesRecorded {
    Done,
    /// Another worker has recorded something meanwhile: look again.
    Overtaken,
}

/// So many moves that dropped something are asked for: each is a name in one command line.
const MOST_LEFT_BEHIND: i64 = 500;
const HEADS: &str = "
    select branch.name, changeset.revision
    from branch_head join branch on branch.id = branch_head.branch join changeset on changeset.id = branch_head.changeset
    where branch_head.repository = $1";
const NOTICES: &str = concat!(
    "select branch.name, notice.origin, notice.target, notice.pusher, notice.date, notice.taken_at
     from notice join branch on branch.id = notice.branch
     where notice.repository = $1 and not ",
    has_push_sql!(),
    " order by notice.date, notice.id"
);
/// Selects the pushes of a repository, in their order; `$which` of them.
macro_rules! pushes_sql {
    ($which:literal) => {
        concat!(
            "select push.id, push.push_id, branch.name, origin.revision as origin, target.revision as target
             from push
             join branch on branch.id = push.branch
             join changeset origin on origin.id = push.origin
             join changeset target on target.id = push.target
             where push.repository = $1 ",
            $which,
            " order by push.push_id"
        )
    };
}

const SEEN: &str = pushes_sql!("and push.seen = 1");
const MOVES: &str = pushes_sql!("");
const LEFT_BEHIND: &str = "
    select origin.revision
    from push join changeset origin on origin.id = push.origin
    where push.repository = $1 and push.generation = $2 and (select 1 from push_dropped where push_dropped.push = push.id limit 1) = 1
    order by push.date desc, push.id desc
    limit cast($3 as bigint)";
const WAS_AT: &str = "
    select 1 from push
    where repository = $1 and branch = (select id from branch where name = $2)
      and (select id from changeset where revision = $3) in (origin, target)
    limit 1";
/// Whoever has this row is the only one that numbers pushes.
const HOLD: &str = "update repository set last_push = last_push where id = $1 returning last_push, generation";
const HEAD_IDS: &str = "select branch, changeset from branch_head where repository = $1";
const STILL_SEEN: &str = "select push_id, date from push where id = $1 and seen = 1";
const MOVE_ON: &str = "update push set push_id = -(push_id + $1) where repository = $2 and generation = $3 and push_id > $4";
const MOVED_ON: &str = "update push set push_id = -push_id where repository = $1 and generation = $2 and push_id < 0";
const FORGET_CHANGESETS: &str = "delete from push_changeset where push = $1";
const FORGET_DROPPED: &str = "delete from push_dropped where push = $1";
const RETELL: &str = "
    update push set pusher = $1, date = $2, branch = $3, origin = $4, target = $5, seen = $6 where id = $7 returning id";
const ADD: &str = "
    insert into push (pusher, date, branch, origin, target, seen, repository, generation, push_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    returning id";
const ADD_DROPPED: RowsSql = rows_sql!(
    "insert into push_dropped (push, changeset, position)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS "");
const SET_HEADS: RowsSql = rows_sql!(
    "insert into branch_head (repository, branch, changeset)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS " where true
     on conflict (repository, branch) do update set changeset = excluded.changeset");
const ADVANCE: &str = "update repository set last_push = $1 where id = $2 and last_push < $1";

impl Store {
    /// What is recorded and said of a repository's branches.
    pub async fn branches(&self, repository: RepositoryId) -> Result<Branches, StoreError> {
        let of = |sql: &'static str| sqlx::query(sql).bind(repository.0).fetch_all(self.readers());
        let head = |row: &AnyRow| -> Result<(Kept, Revision), StoreError> { Ok((kept(row, "name")?, parsed(row, "revision")?)) };
        let (heads, notices, seen) = tokio::try_join!(of(HEADS), of(NOTICES), of(SEEN))?;
        Ok(Branches {
            heads: heads.iter().map(head).collect::<Result<_, _>>()?,
            notices: notices.iter().map(noticed_from).collect::<Result<_, _>>()?,
            seen: seen.iter().map(seen_from).collect::<Result<_, _>>()?,
        })
    }

    /// A push is recorded that brought the branch there, or from there.
    pub async fn was_at(&self, repository: RepositoryId, branch: &Kept, revision: Revision) -> Result<bool, StoreError> {
        let query = sqlx::query(WAS_AT).bind(repository.0).bind(branch.as_str().to_owned()).bind(revision.to_string());
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    /// Where branches were that were moved away from there and took something with them, the last of these moves first.
    pub async fn left_behind(&self, repository: RepositoryId, generation: i64) -> Result<Vec<Revision>, StoreError> {
        let query = sqlx::query(LEFT_BEHIND).bind(repository.0).bind(generation).bind(MOST_LEFT_BEHIND);
        query.fetch_all(self.readers()).await?.iter().map(|row| parsed(row, "revision")).collect()
    }

    /// All moves of a repository's branches, in their order.
    pub async fn moves(&self, repository: RepositoryId) -> Result<Vec<MoveRow>, StoreError> {
        let rows = sqlx::query(MOVES).bind(repository.0).fetch_all(self.readers()).await?;
        let one = |row: &AnyRow| -> Result<MoveRow, StoreError> {
            let push_id = row.try_get::<i64, _>("push_id")?.cast_unsigned();
            Ok(MoveRow { push_id, branch: kept(row, "name")?, before: parsed(row, "origin")?, after: parsed(row, "target")? })
        };
        rows.iter().map(one).collect()
    }

    /// Records moves whose changesets are recorded, all or none.
    pub async fn record_moves(&self, recording: &MovesRecording) -> Result<MovesRecorded, StoreError> {
        self.write(&(self, recording), |change, input| -> Step<'_, MovesRecorded> { Box::pin(write_down(change, input)) }).await
    }
}

fn noticed_from(row: &AnyRow) -> Result<Noticed, StoreError> {
    let notice = Notice {
        branch: kept(row, "name")?,
        before: parsed(row, "origin")?,
        after: parsed(row, "target")?,
        pusher: kept(row, "pusher")?,
        date: row.try_get("date")?,
    };
    let taken: i64 = row.try_get("taken_at")?;
    Ok(Noticed { notice, taken: Timestamp::from_microsecond(taken).unwrap_or_default() })
}

fn seen_from(row: &AnyRow) -> Result<SeenPush, StoreError> {
    let (before, after) = (parsed(row, "origin")?, parsed(row, "target")?);
    Ok(SeenPush { number: row.try_get("id")?, branch: kept(row, "name")?, before, after })
}

/// The numbers of everything that moves name.
struct Numbers {
    branches: HashMap<String, i64>,
    changesets: HashMap<Revision, i64>,
}

/// Where moves go among the pushes of their repository.
struct Place {
    generation: i64,
    /// The row that the first of them takes, if it is there.
    row: Option<i64>,
    push_id: i64,
    /// When the push was seen that they tell apart.
    seen: Option<i64>,
}

async fn write_down(change: &mut Change, (store, recording): &(&Store, &MovesRecording)) -> Result<MovesRecorded, StoreError> {
    change.lock(Lock::Pushes).await?;
    let repository = sqlx::query(HOLD).bind(recording.repository.0).fetch_one(&mut *change.tx).await?;
    let (last, generation) = (repository.try_get("last_push")?, repository.try_get("generation")?);
    let numbers = numbers(change, store, recording).await?;
    let place = match &recording.instead_of {
        None if follow_on(change, recording, &numbers).await? => Place { generation, row: None, push_id: last + 1, seen: None },
        None => return Ok(MovesRecorded::Overtaken),
        Some(seen) => match make_room(change, recording, seen, generation).await? {
            Some(place) => place,
            None => return Ok(MovesRecorded::Overtaken),
        },
    };
    let rows = add_pushes(change, recording, &numbers, &place).await?;
    add_changesets(change, recording, &numbers, &rows).await?;
    match recording.instead_of {
        Some(_) => localities::touch_anew(change, &rows).await?,
        None => localities::touch(change, &rows).await?,
    }
    if recording.instead_of.is_none() {
        set_heads(change, recording, &numbers).await?;
    }
    finish(change, recording, &numbers, last).await?;
    Ok(MovesRecorded::Done)
}

async fn numbers(change: &mut Change, store: &Store, recording: &MovesRecording) -> Result<Numbers, StoreError> {
    let names: BTreeSet<&str> = recording.moves.iter().map(|one| one.made.branch.as_str()).collect();
    let ends = recording.moves.iter().flat_map(|one| [one.made.before, one.made.after]);
    let hanging = recording.moves.iter().flat_map(|one| one.brought.iter().chain(&one.dropped)).copied();
    let revisions: BTreeSet<Revision> = ends.chain(hanging).collect();
    let branches = dictionary::branches_named(change, names).await?;
    let mut changesets = store.remembered(|known| known.numbers_of(&revisions));
    placeholders::find_missing(change, &revisions, &mut changesets).await?;
    placeholders::add_missing(change, &revisions, &mut changesets).await?;
    Ok(Numbers { branches, changesets })
}

/// Whether each move begins where its branch is recorded to be.
async fn follow_on(change: &mut Change, recording: &MovesRecording, numbers: &Numbers) -> Result<bool, StoreError> {
    let mut heads: HashMap<i64, i64> = HashMap::new();
    for row in sqlx::query(HEAD_IDS).bind(recording.repository.0).fetch_all(&mut *change.tx).await? {
        heads.insert(row.try_get("branch")?, row.try_get("changeset")?);
    }
    let nowhere = numbers.changesets.get(&Revision::NULL).copied();
    Ok(recording.moves.iter().all(|one| {
        let branch = numbers.branches[one.made.branch.as_str()];
        let after = numbers.changesets[&one.made.after];
        let before = Some(numbers.changesets[&one.made.before]);
        heads.insert(branch, after).or(nowhere) == before
    }))
}

/// Takes the push that is told apart to pieces, and moves later ones on; none where somebody has done so already.
async fn make_room(
    change: &mut Change,
    recording: &MovesRecording,
    seen: &SeenPush,
    generation: i64,
) -> Result<Option<Place>, StoreError> {
    let Some(row) = sqlx::query(STILL_SEEN).bind(seen.number).fetch_optional(&mut *change.tx).await? else {
        return Ok(None);
    };
    let (push_id, date): (i64, i64) = (row.try_get("push_id")?, row.try_get("date")?);
    let more = i64::try_from(recording.moves.len()).unwrap_or(i64::MAX) - 1;
    let repository = recording.repository.0;
    if more > 0 {
        // By way of negative numbers: in between, two pushes would have one number.
        sqlx::query(MOVE_ON).bind(more).bind(repository).bind(generation).bind(push_id).execute(&mut *change.tx).await?;
        sqlx::query(MOVED_ON).bind(repository).bind(generation).execute(&mut *change.tx).await?;
    }
    for sql in [FORGET_CHANGESETS, FORGET_DROPPED] {
        sqlx::query(sql).bind(seen.number).execute(&mut *change.tx).await?;
    }
    Ok(Some(Place { generation, row: Some(seen.number), push_id, seen: Some(date) }))
}

/// Writes the pushes; gives their rows.
async fn add_pushes(
    change: &mut Change,
    recording: &MovesRecording,
    numbers: &Numbers,
    place: &Place,
) -> Result<Vec<i64>, StoreError> {
    let mut rows = Vec::with_capacity(recording.moves.len());
    for (push_id, one) in (place.push_id..).zip(&recording.moves) {
        let row = place.row.filter(|_| push_id == place.push_id);
        let now = recording.now.as_second();
        let (pusher, date) = match &one.made.pushed {
            Some((pusher, 0)) => (pusher.as_str(), now),
            Some((pusher, date)) => (pusher.as_str(), *date),
            None => ("", place.seen.unwrap_or(now)),
        };
        let query = sqlx::query(if row.is_some() { RETELL } else { ADD })
            .bind(pusher.to_owned())
            .bind(date)
            .bind(numbers.branches[one.made.branch.as_str()])
            .bind(numbers.changesets[&one.made.before])
            .bind(numbers.changesets[&one.made.after])
            .bind(i64::from(one.made.pushed.is_none()));
        let query = match row {
            Some(row) => query.bind(row),
            None => query.bind(recording.repository.0).bind(place.generation).bind(push_id),
        };
        rows.push(query.fetch_one(&mut *change.tx).await?.try_get("id")?);
    }
    Ok(rows)
}

async fn add_changesets(
    change: &mut Change,
    recording: &MovesRecording,
    numbers: &Numbers,
    pushes: &[i64],
) -> Result<(), StoreError> {
    let (mut brought, mut dropped) = (Rows::new(), Rows::new());
    for (push, one) in pushes.iter().zip(&recording.moves) {
        for (rows, revisions) in [(&mut brought, &one.brought), (&mut dropped, &one.dropped)] {
            for (position, revision) in (0..).zip(revisions) {
                rows.add([*push, numbers.changesets[revision], position].map(Cell::Number));
            }
        }
    }
    for (sql, rows) in [(&ADD_PUSH_CHANGESETS, brought), (&ADD_DROPPED, dropped)] {
        change.run_unless_empty(sql, rows).await?;
    }
    Ok(())
}

/// Each branch is where its last move brought it.
async fn set_heads(change: &mut Change, recording: &MovesRecording, numbers: &Numbers) -> Result<(), StoreError> {
    let mut heads: HashMap<i64, i64> = HashMap::new();
    for one in &recording.moves {
        heads.insert(numbers.branches[one.made.branch.as_str()], numbers.changesets[&one.made.after]);
    }
    let mut rows = Rows::new();
    heads.iter().for_each(|(branch, changeset)| rows.add([recording.repository.0, *branch, *changeset].map(Cell::Number)));
    change.run(&SET_HEADS, rows.done()).await.map(drop)
}

/// Everything that follows from pushes that are written.
async fn finish(change: &mut Change, recording: &MovesRecording, numbers: &Numbers, last: i64) -> Result<(), StoreError> {
    let new = i64::try_from(recording.moves.len()).unwrap_or_default() - i64::from(recording.instead_of.is_some());
    sqlx::query(ADVANCE).bind(last + new).bind(recording.repository.0).execute(&mut *change.tx).await?;
    let pushed = recording.moves.iter().flat_map(|one| &one.brought).map(|revision| numbers.changesets[revision]);
    settling::settle_hanging_on(change, pushed).await?;
    version::raise(change, Of::Recordings).await
}
