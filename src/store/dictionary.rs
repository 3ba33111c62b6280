//! Words that many changesets share, each kept once: branches and paths. Their numbers, and those of changesets, never change
//! once committed, so they are remembered.

use super::database::{Change, RowsSql, Store, StoreError, rows_sql};
use super::rows::{Cell, Rows};
use crate::domain::{Changeset, Kept, Revision, hex};
use sha2::{Digest, Sha256};
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Beyond so many paths the memory of their numbers is begun anew; about 100 bytes each.
const REMEMBERED_FILES: usize = 100_000;
/// The same of changesets, about 50 bytes each: an import names each twice, and its pushes come last.
const REMEMBERED_CHANGESETS: usize = 100_000;

const ADD_BRANCHES: RowsSql =
    rows_sql!("insert into branch (name) select value->>0 from " ROWS " where true on conflict do nothing");
const BRANCH_IDS: RowsSql =
    rows_sql!("select value->>0 as name, (select id from branch where name = value->>0) as id from " ROWS "");
const ADD_LOCALES: RowsSql =
    rows_sql!("insert into locale (code) select value->>0 from " ROWS " where true on conflict do nothing");
const LOCALE_IDS: RowsSql =
    rows_sql!("select value->>0 as name, (select id from locale where code = value->>0) as id from " ROWS "");
const ADD_FILES: RowsSql = rows_sql!("insert into file (digest, path) select value->>0, value->>1 from " ROWS " where true on conflict do nothing returning id, digest");
const FILE_IDS: RowsSql =
    rows_sql!("select value->>0 as digest, (select id from file where digest = value->>0) as id from " ROWS "");

/// Numbers of words, and of changesets that were recorded here.
#[derive(Default)]
pub(super) struct Dictionary {
    pub(super) branches: HashMap<String, i64>,
    pub(super) files: HashMap<String, i64>,
    pub(super) changesets: HashMap<Revision, i64>,
}

/// The numbers of all words of a recording.
pub(super) struct Words<'a> {
    pub(super) branches: HashMap<&'a str, i64>,
    pub(super) files: HashMap<&'a str, i64>,
    /// Those that were not remembered.
    pub(super) learned: Dictionary,
}

impl Dictionary {
    /// The numbers of those of these changesets that are remembered.
    pub(super) fn numbers_of(&self, revisions: &BTreeSet<Revision>) -> HashMap<Revision, i64> {
        revisions.iter().filter_map(|revision| Some((*revision, *self.changesets.get(revision)?))).collect()
    }

    /// Takes in what a transaction learned, once it is committed.
    pub(super) fn learn(&mut self, learned: Dictionary) {
        if self.files.len() + learned.files.len() > REMEMBERED_FILES {
            self.files.clear();
        }
        if self.changesets.len() + learned.changesets.len() > REMEMBERED_CHANGESETS {
            self.changesets.clear();
        }
        self.changesets.extend(learned.changesets);
        self.files.extend(learned.files);
        self.branches.extend(learned.branches);
    }
}

/// Numbers the branches and paths of `changesets`, adding those that are new.
pub(super) async fn words_of<'a>(change: &mut Change, store: &Store, changesets: &'a [Changeset]) -> Result<Words<'a>, StoreError> {
    let branches: HashSet<&str> = changesets.iter().map(|changeset| changeset.branch.as_str()).collect();
    let files: HashSet<&str> = changesets.iter().flat_map(|changeset| changeset.files.iter().map(Kept::as_str)).collect();
    let (mut branches, new_branches) = store.remembered(|known| part(branches, &known.branches));
    let (mut files, new_files) = store.remembered(|known| part(files, &known.files));
    let learned = Dictionary {
        branches: add_branches(change, &new_branches, &mut branches).await?,
        files: add_files(change, new_files, &mut files).await?,
        changesets: HashMap::new(),
    };
    Ok(Words { branches, files, learned })
}

/// The remembered ones with their numbers, and the others in their order.
fn part<'a>(words: HashSet<&'a str>, known: &HashMap<String, i64>) -> (HashMap<&'a str, i64>, Vec<&'a str>) {
    let mut ids = HashMap::with_capacity(words.len());
    let mut new = Vec::new();
    for word in words {
        match known.get(word) {
            Some(id) => drop(ids.insert(word, *id)),
            None => new.push(word),
        }
    }
    new.sort_unstable();
    (ids, new)
}

async fn add_branches<'a>(
    change: &mut Change,
    new: &[&'a str],
    ids: &mut HashMap<&'a str, i64>,
) -> Result<HashMap<String, i64>, StoreError> {
    if new.is_empty() {
        return Ok(HashMap::new());
    }
    let learned = named(change, &ADD_BRANCHES, &BRANCH_IDS, new.iter().copied()).await?;
    ids.extend(new.iter().filter_map(|name| Some((*name, *learned.get(*name)?))));
    Ok(learned)
}

/// The numbers of `names`, adding those that are new. Names in their order, so that two workers never wait for each other in a
/// circle.
pub(super) async fn named<'a>(
    change: &mut Change,
    add: &RowsSql,
    ids: &RowsSql,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, i64>, StoreError> {
    let rows = Rows::of(names.into_iter().map(Cell::Text));
    change.run(add, rows.clone()).await?;
    let rows = change.fetch(ids, rows).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("id")?))).collect()
}

/// The numbers of locales of these codes.
pub(super) async fn locales_named<'a>(
    change: &mut Change,
    codes: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, i64>, StoreError> {
    named(change, &ADD_LOCALES, &LOCALE_IDS, codes).await
}

/// The numbers of branches of these names.
pub(super) async fn branches_named<'a>(
    change: &mut Change,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, i64>, StoreError> {
    named(change, &ADD_BRANCHES, &BRANCH_IDS, names).await
}

async fn add_files<'a>(
    change: &mut Change,
    new: Vec<&'a str>,
    ids: &mut HashMap<&'a str, i64>,
) -> Result<HashMap<String, i64>, StoreError> {
    // In the digests' order, so that two workers that add the same paths never wait for each other in a circle.
    let mut waiting: BTreeMap<String, &str> = new.into_iter().map(|path| (digest(path), path)).collect();
    let mut learned = HashMap::with_capacity(waiting.len());
    let mut rows = Rows::new();
    waiting.iter().for_each(|(digest, path)| rows.add([Cell::Plain(digest.clone()), Cell::Text(path)]));
    if rows.is_empty() {
        return Ok(learned);
    }
    let mut found = change.fetch(&ADD_FILES, rows.done()).await?;
    if found.len() < waiting.len() {
        found.extend(change.fetch(&FILE_IDS, Rows::of(waiting.keys().map(|digest| Cell::Text(digest)))).await?);
    }
    for row in found {
        if let Some(path) = waiting.remove(&row.try_get::<String, _>("digest")?) {
            let id = row.try_get("id")?;
            ids.insert(path, id);
            learned.insert(path.to_owned(), id);
        }
    }
    Ok(learned)
}

/// 160 bits of SHA-256 in hexadecimal.
fn digest(path: &str) -> String {
    hex(&Sha256::digest(path.as_bytes())[..20])
}
