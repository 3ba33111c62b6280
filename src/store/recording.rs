//! Writes what was read from a clone and a pushlog: changesets with their parents, files and branch, which repository holds
//! them, pushes in order. All of a recording or nothing, safe to do twice: parents, files and a push's changesets are written
//! by the transaction that adds (or fills in) what they hang on, and by no other.

use super::database::{Change, Lock, RowsSql, Step, Store, StoreError, parsed, rows_sql};
use super::dictionary::{Dictionary, Words, words_of};
use super::localities;
use super::placeholders;
use super::rows::{Cell, Rows};
use super::settling;
use super::twins;
use super::version::{self, Of};
use crate::domain::{Changeset, LocaleRules, Push, RepositoryId, Revision};
use sqlx::Row;
use std::collections::{BTreeSet, HashMap, HashSet};

/// One transaction's worth.
#[derive(Clone, Debug)]
pub struct Recording {
    pub repository: RepositoryId,
    pub generation: i64,
    /// Parents before children; parents that are not here are in the store.
    pub changesets: Vec<Changeset>,
    /// Further changesets, known to the store, that the repository holds.
    pub held: Vec<Revision>,
    /// In push order. Changesets that nobody has seen become placeholders.
    pub pushes: Vec<Push>,
    /// By which files belong to locales, where the repository has many.
    pub locale_rules: Option<LocaleRules>,
}

impl Recording {
    /// Changesets as a clone has them, without pushes.
    pub fn of_changesets(
        repository: RepositoryId,
        generation: i64,
        changesets: Vec<Changeset>,
        locale_rules: Option<LocaleRules>,
    ) -> Recording {
        Recording { repository, generation, changesets, held: Vec::new(), pushes: Vec::new(), locale_rules }
    }
}

/// What a recording brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Changesets that the store did not have.
    pub changesets: u64,
    pub pushes: u64,
}

const ADD_CHANGESETS: RowsSql = rows_sql!(
    "insert into changeset (revision, known, author, description, branch, closes_branch, date, date_offset)
     select value->>0, 1, value->>1, value->>2, cast(value->>3 as bigint), cast(value->>4 as bigint),
            cast(value->>5 as bigint), cast(value->>6 as bigint)
     from " ROWS " where true
     on conflict (revision) do update
        set known = 1, author = excluded.author, description = excluded.description, branch = excluded.branch,
            closes_branch = excluded.closes_branch, date = excluded.date, date_offset = excluded.date_offset
        where changeset.known = 0
     returning id, revision");
const ADD_PARENTS: RowsSql = rows_sql!(
    "insert into changeset_parent (changeset, position, parent)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS "");
const ADD_CHANGESET_FILES: RowsSql = rows_sql!(
    "insert into changeset_file (changeset, file) select cast(value->>0 as bigint), cast(value->>1 as bigint) from " ROWS "");
const HOLD: RowsSql = rows_sql!(
    "insert into repository_changeset (repository, changeset, generation)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS " where true
     on conflict (repository, changeset) do update set generation = excluded.generation
        where repository_changeset.generation < excluded.generation");
// What is new to the store was held by nobody.
const HOLD_NEW: RowsSql = rows_sql!(
    "insert into repository_changeset (repository, changeset, generation)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS "");
const ADD_PUSHES: RowsSql = rows_sql!(
    "insert into push (repository, generation, push_id, pusher, date)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint), value->>3, cast(value->>4 as bigint)
     from " ROWS " where true
     on conflict do nothing
     returning id, push_id");
pub(super) const ADD_PUSH_CHANGESETS: RowsSql = rows_sql!(
    "insert into push_changeset (push, changeset, position)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS "");

impl Store {
    /// Records changesets and pushes, all or none; what is there already stays as it is, a placeholder is filled in.
    pub async fn record(&self, recording: &Recording) -> Result<Recorded, StoreError> {
        let input = (self, recording);
        let (recorded, learned) =
            self.write(&input, |change, input| -> Step<'_, (Recorded, Dictionary)> { Box::pin(write_down(change, input)) }).await?;
        self.remembered(|dictionary| dictionary.learn(learned));
        Ok(recorded)
    }
}

async fn write_down(change: &mut Change, (store, recording): &(&Store, &Recording)) -> Result<(Recorded, Dictionary), StoreError> {
    if !recording.pushes.is_empty() {
        change.lock(Lock::Pushes).await?;
    }
    let mut words = words_of(change, store, &recording.changesets).await?;
    let new = add_changesets(change, &recording.changesets, &words).await?;
    let ids = changeset_ids(change, store, recording, &new).await?;
    mark_obsolete(change, recording).await?;
    add_parents(change, &recording.changesets, &new, &ids).await?;
    add_files(change, &recording.changesets, &new, &words.files).await?;
    hold(change, recording, &new, &ids).await?;
    localities::place(change, recording, &words.files).await?;
    let pushes = add_pushes(change, recording, &ids).await?;
    twins::add(change, recording.pushes.iter().flat_map(|push| &push.twins), &ids).await?;
    if pushes > 0 {
        let pushed = recording.pushes.iter().flat_map(pushed).map(|revision| ids[revision]);
        settling::settle_hanging_on(change, pushed).await?;
    }
    if pushes > 0 || !new.is_empty() {
        version::raise(change, Of::Recordings).await?;
    }
    let recorded = Recorded { changesets: new.len() as u64, pushes };
    words.learned.changesets = new;
    Ok((recorded, words.learned))
}

/// Adds what is not known; gives the numbers of those that were added or filled in.
async fn add_changesets(
    change: &mut Change,
    changesets: &[Changeset],
    words: &Words<'_>,
) -> Result<HashMap<Revision, i64>, StoreError> {
    let mut rows = Rows::new();
    for changeset in changesets {
        rows.add([
            Cell::Plain(changeset.revision.to_string()),
            Cell::Text(changeset.author.as_str()),
            Cell::Text(changeset.description.as_str()),
            words.branches.get(changeset.branch.as_str()).map_or(Cell::Nothing, |id| Cell::Number(*id)),
            Cell::Number(i64::from(changeset.closes_branch)),
            Cell::Number(changeset.date.seconds),
            Cell::Number(i64::from(changeset.date.offset)),
        ]);
    }
    let mut new = HashMap::with_capacity(changesets.len());
    if !rows.is_empty() {
        for row in change.fetch(&ADD_CHANGESETS, rows.done()).await? {
            new.insert(parsed(&row, "revision")?, row.try_get("id")?);
        }
    }
    Ok(new)
}

/// The numbers of all changesets that the recording names. Those that only a push names become placeholders.
async fn changeset_ids(
    change: &mut Change,
    store: &Store,
    recording: &Recording,
    new: &HashMap<Revision, i64>,
) -> Result<HashMap<Revision, i64>, StoreError> {
    let parents = recording.changesets.iter().flat_map(|changeset| &changeset.parents);
    let own = recording.changesets.iter().map(|changeset| &changeset.revision);
    let hanging = own.chain(parents).chain(&recording.held).chain([&Revision::NULL]);
    let named: BTreeSet<Revision> = hanging.chain(recording.pushes.iter().flat_map(pushed)).copied().collect();
    let mut ids = new.clone();
    ids.extend(store.remembered(|known| known.numbers_of(&named)));
    placeholders::find_missing(change, &named, &mut ids).await?;
    let pushed: BTreeSet<Revision> = recording.pushes.iter().flat_map(pushed).copied().collect();
    placeholders::add_missing(change, &pushed, &mut ids).await?;
    match placeholders::without(&named, &ids).first() {
        Some(revision) => Err(StoreError::Content(format!("changeset {revision} was to be recorded before what hangs on it"))),
        None => Ok(ids),
    }
}

async fn mark_obsolete(change: &mut Change, recording: &Recording) -> Result<(), StoreError> {
    let obsolete = recording.pushes.iter().flat_map(|push| &push.obsolete).copied().collect();
    placeholders::mark_obsolete(change, &obsolete).await
}

/// A push's changesets in order and once each, the obsolete ones first: the tip stays last.
fn pushed(push: &Push) -> impl Iterator<Item = &Revision> {
    let mut seen = HashSet::new();
    push.obsolete.iter().chain(&push.changesets).filter(move |revision| seen.insert(*revision))
}

async fn add_parents(
    change: &mut Change,
    changesets: &[Changeset],
    new: &HashMap<Revision, i64>,
    ids: &HashMap<Revision, i64>,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for (changeset, id) in only_new(changesets, new) {
        let root = [Revision::NULL];
        let parents = if changeset.parents.is_empty() { &root[..] } else { &changeset.parents };
        for (position, parent) in (0..).zip(parents) {
            rows.add([Cell::Number(id), Cell::Number(position), Cell::Number(ids[parent])]);
        }
    }
    change.run_unless_empty(&ADD_PARENTS, rows).await
}

async fn add_files(
    change: &mut Change,
    changesets: &[Changeset],
    new: &HashMap<Revision, i64>,
    files: &HashMap<&str, i64>,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for (changeset, id) in only_new(changesets, new) {
        let files: BTreeSet<i64> = changeset.files.iter().map(|path| files[path.as_str()]).collect();
        files.into_iter().for_each(|file| rows.add([Cell::Number(id), Cell::Number(file)]));
    }
    change.run_unless_empty(&ADD_CHANGESET_FILES, rows).await
}

fn only_new<'a>(changesets: &'a [Changeset], new: &'a HashMap<Revision, i64>) -> impl Iterator<Item = (&'a Changeset, i64)> {
    changesets.iter().filter_map(|changeset| Some((changeset, *new.get(&changeset.revision)?)))
}

async fn hold(
    change: &mut Change,
    recording: &Recording,
    new: &HashMap<Revision, i64>,
    ids: &HashMap<Revision, i64>,
) -> Result<(), StoreError> {
    let (mut of_new, mut of_known) = (Rows::new(), Rows::new());
    let own = recording.changesets.iter().map(|changeset| &changeset.revision);
    for revision in own.chain(&recording.held) {
        let rows = if new.contains_key(revision) { &mut of_new } else { &mut of_known };
        rows.add([Cell::Number(recording.repository.0), Cell::Number(ids[revision]), Cell::Number(recording.generation)]);
    }
    change.run_unless_empty(&HOLD_NEW, of_new).await?;
    change.run_unless_empty(&HOLD, of_known).await
}

async fn add_pushes(change: &mut Change, recording: &Recording, ids: &HashMap<Revision, i64>) -> Result<u64, StoreError> {
    let Some(last) = recording.pushes.iter().map(|push| push.id).max() else {
        return Ok(0);
    };
    let mut rows = Rows::new();
    for push in &recording.pushes {
        rows.add([
            Cell::Number(recording.repository.0),
            Cell::Number(recording.generation),
            Cell::Number(push.id.cast_signed()),
            Cell::Text(push.user.as_str()),
            Cell::Number(push.date),
        ]);
    }
    let mut new: HashMap<i64, i64> = HashMap::with_capacity(recording.pushes.len());
    for row in change.fetch(&ADD_PUSHES, rows.done()).await? {
        new.insert(row.try_get("push_id")?, row.try_get("id")?);
    }
    let mut rows = Rows::new();
    for push in &recording.pushes {
        let Some(id) = new.get(&push.id.cast_signed()) else { continue };
        for (position, revision) in (0..).zip(pushed(push)) {
            rows.add([Cell::Number(*id), Cell::Number(ids[revision]), Cell::Number(position)]);
        }
    }
    change.run_unless_empty(&ADD_PUSH_CHANGESETS, rows).await?;
    advance(change, recording, last).await?;
    Ok(new.len() as u64)
}

/// The last push only grows, and only within its generation: a worker that slept cannot set it back.
async fn advance(change: &mut Change, recording: &Recording, last: u64) -> Result<(), StoreError> {
    sqlx::query("update repository set last_push = $1 where id = $2 and generation = $3 and last_push < $1")
        .bind(last.cast_signed())
        .bind(recording.repository.0)
        .bind(recording.generation)
        .execute(&mut *change.tx)
        .await?;
    Ok(())
}
