//! Writes what was read from a clone and a pushlog: changesets with their parents, files and branch, which repository holds
//! them, pushes in order. All of a recording or nothing, safe to do twice.

use super::database::{Change, RowsSql, Step, Store, StoreError, rows_sql};
use super::rows::{Cell, Rows};
use crate::domain::{Changeset, Kept, Push, RepositoryId, Revision};
use sha2::{Digest, Sha256};
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
}

/// What a recording brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Changesets that the store did not have.
    pub changesets: u64,
    pub pushes: u64,
}

/// How the store stands to a changeset, seen from one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not there, or as a placeholder.
    Unknown,
    /// There with all that belongs to it, through another repository.
    Known,
    /// This repository holds it, and so all its ancestors.
    Held,
}

/// Beyond so many paths the memory of their numbers is begun anew; about 100 bytes each.
const REMEMBERED_FILES: usize = 100_000;

const ADD_BRANCHES: RowsSql =
    rows_sql!("insert into branch (name) select value->>0 from " ROWS " where true on conflict do nothing");
const BRANCH_IDS: RowsSql =
    rows_sql!("select value->>0 as name, (select id from branch where name = value->>0) as id from " ROWS "");
const ADD_FILES: RowsSql = rows_sql!("insert into file (digest, path) select value->>0, value->>1 from " ROWS " where true on conflict do nothing returning id, digest");
const FILE_IDS: RowsSql =
    rows_sql!("select value->>0 as digest, (select id from file where digest = value->>0) as id from " ROWS "");
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
const ADD_PLACEHOLDERS: RowsSql =
    rows_sql!("insert into changeset (revision) select value->>0 from " ROWS " where true on conflict do nothing");
const CHANGESET_IDS: RowsSql =
    rows_sql!("select value->>0 as revision, (select id from changeset where revision = value->>0) as id from " ROWS "");
const ADD_PARENTS: RowsSql = rows_sql!(
    "insert into changeset_parent (changeset, position, parent)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS " where true
     on conflict do nothing");
const ADD_CHANGESET_FILES: RowsSql = rows_sql!(
    "insert into changeset_file (changeset, file) select cast(value->>0 as bigint), cast(value->>1 as bigint) from " ROWS " where true
     on conflict do nothing");
const HOLD: RowsSql = rows_sql!(
    "insert into repository_changeset (repository, changeset, generation)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint) from " ROWS " where true
     on conflict (repository, changeset) do update set generation = excluded.generation
        where repository_changeset.generation < excluded.generation");
const ADD_PUSHES: RowsSql = rows_sql!(
    "insert into push (repository, generation, push_id, pusher, date)
     select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint), value->>3, cast(value->>4 as bigint)
     from " ROWS " where true
     on conflict do nothing");
const ADD_PUSH_CHANGESETS: RowsSql = rows_sql!(
    "insert into push_changeset (push, changeset, position)
     select (select id from push where repository = cast(value->>0 as bigint) and generation = cast(value->>1 as bigint)
                                   and push_id = cast(value->>2 as bigint)),
            cast(value->>3 as bigint), cast(value->>4 as bigint)
     from " ROWS " where true
     on conflict do nothing");
const MARK_OBSOLETE: RowsSql =
    rows_sql!("update changeset set obsolete = 1 where revision in (select value->>0 from " ROWS ") and obsolete = 0");
const STANDING: RowsSql = rows_sql!(
    "select value->>0 as revision,
            (select known from changeset where revision = value->>0) as known,
            (select generation from repository_changeset
             where repository = $2 and changeset = (select id from changeset where revision = value->>0)) as generation
     from " ROWS "");
const PROMISED: &str = "
    select distinct changeset.revision
    from changeset
    join push_changeset on push_changeset.changeset = changeset.id
    join push on push.id = push_changeset.push
    where changeset.known = 0 and push.repository = $1 and push.generation = $2";

/// What a transaction learned that is worth remembering once it is committed.
type Learned = (Recorded, HashMap<String, i64>, HashMap<String, i64>);

impl Store {
    /// Records changesets and pushes, all or none; what is there already stays as it is, a placeholder is filled in.
    pub async fn record(&self, recording: &Recording) -> Result<Recorded, StoreError> {
        let input = (self, recording);
        let (recorded, branches, files) =
            self.write(&input, |change, input| -> Step<'_, Learned> { Box::pin(write_down(change, input)) }).await?;
        self.remembered(|ids| {
            if ids.files.len() + files.len() > REMEMBERED_FILES {
                ids.files.clear();
            }
            ids.files.extend(files);
            ids.branches.extend(branches);
        });
        Ok(recorded)
    }

    /// How the store stands to each of `revisions`, in their order.
    pub async fn standing(
        &self,
        repository: RepositoryId,
        generation: i64,
        revisions: &[Revision],
    ) -> Result<Vec<Standing>, StoreError> {
        let rows = Rows::of(revisions.iter().map(|revision| Cell::Plain(revision.to_string())));
        let query = sqlx::query(self.text(&STANDING)).bind(rows).bind(repository.0);
        let mut standing = HashMap::with_capacity(revisions.len());
        for row in query.fetch_all(self.readers()).await? {
            let held: Option<i64> = row.try_get("generation")?;
            let known: Option<i64> = row.try_get("known")?;
            let revision: String = row.try_get("revision")?;
            standing.insert(revision, standing_of(known, held, generation));
        }
        Ok(revisions.iter().map(|revision| standing.get(&revision.to_string()).copied().unwrap_or(Standing::Unknown)).collect())
    }

    /// Changesets that a push of the repository names and nobody has seen yet.
    pub async fn promised(&self, repository: RepositoryId, generation: i64) -> Result<Vec<Revision>, StoreError> {
        let rows = sqlx::query(PROMISED).bind(repository.0).bind(generation).fetch_all(self.readers()).await?;
        rows.iter().map(|row| super::database::parsed(row, "revision")).collect()
    }
}

fn standing_of(known: Option<i64>, held: Option<i64>, generation: i64) -> Standing {
    match (known, held) {
        (Some(1), Some(held)) if held >= generation => Standing::Held,
        (Some(1), _) => Standing::Known,
        _ => Standing::Unknown,
    }
}

async fn write_down(change: &mut Change, (store, recording): &(&Store, &Recording)) -> Result<Learned, StoreError> {
    let branches = branch_ids(change, store, &recording.changesets).await?;
    let files = file_ids(change, store, &recording.changesets).await?;
    let new = add_changesets(change, &recording.changesets, &branches).await?;
    add_placeholders(change, recording, &new).await?;
    let ids = changeset_ids(change, recording, &new).await?;
    add_parents(change, &recording.changesets, &new, &ids).await?;
    add_files(change, &recording.changesets, &new, &files).await?;
    hold(change, recording, &ids).await?;
    let pushes = add_pushes(change, recording, &ids).await?;
    Ok((
        Recorded { changesets: new.len() as u64, pushes },
        branches,
        files.into_iter().map(|(path, id)| (path.to_owned(), id)).collect(),
    ))
}

async fn branch_ids(change: &mut Change, store: &Store, changesets: &[Changeset]) -> Result<HashMap<String, i64>, StoreError> {
    let names: BTreeSet<&str> = changesets.iter().map(|changeset| changeset.branch.as_str()).collect();
    let mut ids: HashMap<String, i64> =
        store.remembered(|known| names.iter().filter_map(|name| Some(((*name).to_owned(), *known.branches.get(*name)?))).collect());
    let new = || names.iter().filter(|name| !ids.contains_key(**name)).map(|name| Cell::Text(name));
    if new().next().is_none() {
        return Ok(ids);
    }
    let rows = Rows::of(new());
    change.run(&ADD_BRANCHES, rows.clone()).await?;
    for row in change.fetch(&BRANCH_IDS, rows).await? {
        ids.insert(row.try_get("name")?, row.try_get("id")?);
    }
    Ok(ids)
}

async fn file_ids<'a>(
    change: &mut Change,
    store: &Store,
    changesets: &'a [Changeset],
) -> Result<HashMap<&'a str, i64>, StoreError> {
    let paths: BTreeSet<&str> = changesets.iter().flat_map(|changeset| changeset.files.iter().map(Kept::as_str)).collect();
    let mut ids: HashMap<&str, i64> =
        store.remembered(|known| paths.iter().filter_map(|path| Some((*path, *known.files.get(*path)?))).collect());
    // In the digests' order, so that two workers that add the same paths never wait for each other in a circle.
    let mut new: BTreeMap<String, &str> =
        paths.into_iter().filter(|path| !ids.contains_key(path)).map(|path| (digest(path), path)).collect();
    let mut rows = Rows::new();
    new.iter().for_each(|(digest, path)| rows.add([Cell::Plain(digest.clone()), Cell::Text(path)]));
    if rows.is_empty() {
        return Ok(ids);
    }
    for row in change.fetch(&ADD_FILES, rows.done()).await? {
        let digest: String = row.try_get("digest")?;
        if let Some(path) = new.remove(&digest) {
            ids.insert(path, row.try_get("id")?);
        }
    }
    if new.is_empty() {
        return Ok(ids);
    }
    for row in change.fetch(&FILE_IDS, Rows::of(new.keys().map(|digest| Cell::Text(digest)))).await? {
        let digest: String = row.try_get("digest")?;
        if let Some(path) = new.get(&digest) {
            ids.insert(path, row.try_get("id")?);
        }
    }
    Ok(ids)
}

/// 160 bits of SHA-256 in hexadecimal.
fn digest(path: &str) -> String {
    Sha256::digest(path.as_bytes())[..20].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds what is not known; gives the numbers of those that were added or filled in.
async fn add_changesets(
    change: &mut Change,
    changesets: &[Changeset],
    branches: &HashMap<String, i64>,
) -> Result<HashMap<String, i64>, StoreError> {
    let mut rows = Rows::new();
    for changeset in changesets {
        rows.add([
            Cell::Plain(changeset.revision.to_string()),
            Cell::Text(changeset.author.as_str()),
            Cell::Text(changeset.description.as_str()),
            branches.get(changeset.branch.as_str()).map_or(Cell::Nothing, |id| Cell::Number(*id)),
            Cell::Number(i64::from(changeset.closes_branch)),
            Cell::Number(changeset.date.seconds),
            Cell::Number(i64::from(changeset.date.offset)),
        ]);
    }
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let mut new = HashMap::with_capacity(changesets.len());
    for row in change.fetch(&ADD_CHANGESETS, rows.done()).await? {
        new.insert(row.try_get("revision")?, row.try_get("id")?);
    }
    Ok(new)
}

async fn add_placeholders(change: &mut Change, recording: &Recording, new: &HashMap<String, i64>) -> Result<(), StoreError> {
    let named: BTreeSet<String> =
        recording.pushes.iter().flat_map(pushed).map(Revision::to_string).filter(|named| !new.contains_key(named)).collect();
    if !named.is_empty() {
        change.run(&ADD_PLACEHOLDERS, Rows::of(named.iter().map(|revision| Cell::Text(revision)))).await?;
    }
    let obsolete: BTreeSet<String> = recording.pushes.iter().flat_map(|push| &push.obsolete).map(Revision::to_string).collect();
    if !obsolete.is_empty() {
        change.run(&MARK_OBSOLETE, Rows::of(obsolete.iter().map(|revision| Cell::Text(revision)))).await?;
    }
    Ok(())
}

/// A push's changesets in order, the obsolete ones first: the tip stays last.
fn pushed(push: &Push) -> impl Iterator<Item = &Revision> {
    push.obsolete.iter().chain(&push.changesets)
}

/// The numbers of all changesets that the recording names.
async fn changeset_ids(
    change: &mut Change,
    recording: &Recording,
    new: &HashMap<String, i64>,
) -> Result<HashMap<Revision, i64>, StoreError> {
    let parents = recording.changesets.iter().flat_map(|changeset| &changeset.parents);
    let own = recording.changesets.iter().map(|changeset| &changeset.revision);
    let named: BTreeSet<&Revision> = own
        .chain(parents)
        .chain(&recording.held)
        .chain(recording.pushes.iter().flat_map(pushed))
        .chain([&Revision::NULL])
        .collect();
    let mut ids = HashMap::with_capacity(named.len());
    let mut rows = Rows::new();
    for revision in named {
        let text = revision.to_string();
        match new.get(&text) {
            Some(id) => drop(ids.insert(*revision, *id)),
            None => rows.add([Cell::Plain(text)]),
        }
    }
    if rows.is_empty() {
        return Ok(ids);
    }
    for row in change.fetch(&CHANGESET_IDS, rows.done()).await? {
        let id: Option<i64> = row.try_get("id")?;
        let revision: Revision = super::database::parsed(&row, "revision")?;
        let missing = || StoreError::Content(format!("changeset {revision} was to be recorded before what hangs on it"));
        ids.insert(revision, id.ok_or_else(missing)?);
    }
    Ok(ids)
}

async fn add_parents(
    change: &mut Change,
    changesets: &[Changeset],
    new: &HashMap<String, i64>,
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
    run_unless_empty(change, &ADD_PARENTS, rows).await
}

async fn add_files(
    change: &mut Change,
    changesets: &[Changeset],
    new: &HashMap<String, i64>,
    files: &HashMap<&str, i64>,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    for (changeset, id) in only_new(changesets, new) {
        for path in &changeset.files {
            rows.add([Cell::Number(id), Cell::Number(files[path.as_str()])]);
        }
    }
    run_unless_empty(change, &ADD_CHANGESET_FILES, rows).await
}

fn only_new<'a>(changesets: &'a [Changeset], new: &'a HashMap<String, i64>) -> impl Iterator<Item = (&'a Changeset, i64)> {
    changesets.iter().filter_map(|changeset| Some((changeset, *new.get(&changeset.revision.to_string())?)))
}

async fn hold(change: &mut Change, recording: &Recording, ids: &HashMap<Revision, i64>) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    let own = recording.changesets.iter().map(|changeset| &changeset.revision);
    for revision in own.chain(&recording.held) {
        rows.add([Cell::Number(recording.repository.0), Cell::Number(ids[revision]), Cell::Number(recording.generation)]);
    }
    run_unless_empty(change, &HOLD, rows).await
}

async fn add_pushes(change: &mut Change, recording: &Recording, ids: &HashMap<Revision, i64>) -> Result<u64, StoreError> {
    let Some(last) = recording.pushes.iter().map(|push| push.id).max() else {
        return Ok(0);
    };
    let (repository, generation) = (recording.repository.0, recording.generation);
    let mut pushes = Rows::new();
    let mut changesets = Rows::new();
    for push in &recording.pushes {
        pushes.add([
            Cell::Number(repository),
            Cell::Number(generation),
            number(push.id),
            Cell::Text(push.user.as_str()),
            Cell::Number(push.date),
        ]);
        for (position, revision) in (0..).zip(pushed(push)) {
            let at = [Cell::Number(repository), Cell::Number(generation), number(push.id)];
            changesets.add(at.into_iter().chain([Cell::Number(ids[revision]), Cell::Number(position)]));
        }
    }
    let added = change.run(&ADD_PUSHES, pushes.done()).await?;
    run_unless_empty(change, &ADD_PUSH_CHANGESETS, changesets).await?;
    advance(change, recording, last).await?;
    Ok(added)
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

fn number(id: u64) -> Cell<'static> {
    Cell::Number(id.cast_signed())
}

async fn run_unless_empty(change: &mut Change, sql: &RowsSql, rows: Rows) -> Result<(), StoreError> {
    if !rows.is_empty() {
        change.run(sql, rows.done()).await?;
    }
    Ok(())
}
