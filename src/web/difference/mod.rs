//! What differs between two changesets, file by file: names of changesets in; entities, lines or sizes out. What two hashes
//! differ in never changes, so it is kept in memory, the most asked for first, within a budget.

mod content;

pub(super) use content::{Content, Difference, EntityChange, TextLine};

use crate::domain::{Kept, RepositoryName, Revision};
use crate::fetch::{ChangedFile, FetchError, Programs, Versions};
use moka::future::Cache;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore};

/// How much memory may be kept, in bytes as they are counted: of lists of files, and of what is in them.
const LISTS: u64 = 4 << 20;
const CONTENTS: u64 = 24 << 20;
/// How many may read clones at once.
const READERS: usize = 2;

/// Two changesets of a clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) clone: RepositoryName,
    pub(super) from: Revision,
    pub(super) to: Revision,
}

/// What differs, read when somebody asks and kept.
#[derive(Clone)]
pub(super) struct Differences {
    versions: Versions,
    lists: Cache<Pair, Arc<Vec<ChangedFile>>>,
    contents: Cache<(Pair, Kept), Arc<Difference>>,
    readers: Arc<Semaphore>,
    programs: Arc<OnceCell<Programs>>,
}

impl Differences {
    pub(super) fn new(versions: Versions) -> Differences {
        let list_weight =
            |_: &Pair, files: &Arc<Vec<ChangedFile>>| weight(files.iter().map(|file| 100 + file.path.as_str().len()).sum());
        let weight_of_content = |_: &(Pair, Kept), difference: &Arc<Difference>| weight(difference.size());
        Differences {
            versions,
            lists: Cache::builder().max_capacity(LISTS).weigher(list_weight).build(),
            contents: Cache::builder().max_capacity(CONTENTS).weigher(weight_of_content).build(),
            readers: Arc::new(Semaphore::new(READERS)),
            programs: Arc::default(),
        }
    }

    /// The files that differ, by path; asked of the clone once however many want it.
    pub(super) async fn files(&self, pair: &Pair) -> Result<Arc<Vec<ChangedFile>>, Arc<FetchError>> {
        let read = async {
            let _turn = self.readers.acquire().await;
            self.versions.changed(&pair.clone, pair.from, pair.to).await.map(Arc::new)
        };
        self.lists.try_get_with_by_ref(pair, read).await
    }

    /// What differs in these files, in their order: two questions to the clone for all that is not known yet.
    pub(super) async fn contents(&self, pair: &Pair, files: &[ChangedFile]) -> Result<Vec<Arc<Difference>>, FetchError> {
        let mut known = self.known(pair, files).await;
        if known.len() < files.len() {
            let _turn = self.readers.acquire().await;
            // Somebody may have read them meanwhile.
            known.extend(self.known(pair, files).await);
            let missing: Vec<&ChangedFile> = files.iter().filter(|file| !known.contains_key(&file.path)).collect();
            known.extend(self.read(pair, &missing).await?);
        }
        Ok(files.iter().filter_map(|file| known.get(&file.path).cloned()).collect())
    }

    /// The versions of the programs, which are asked once for as long as the server runs.
    pub(super) async fn programs(&self) -> &Programs {
        self.programs.get_or_init(|| self.versions.programs()).await
    }

    async fn known(&self, pair: &Pair, files: &[ChangedFile]) -> HashMap<Kept, Arc<Difference>> {
        let mut known = HashMap::new();
        for file in files {
            if let Some(difference) = self.contents.get(&(pair.clone(), file.path.clone())).await {
                known.insert(file.path.clone(), difference);
            }
        }
        known
    }

    async fn read(&self, pair: &Pair, files: &[&ChangedFile]) -> Result<Vec<(Kept, Arc<Difference>)>, FetchError> {
        let before: Vec<&Kept> = files.iter().filter_map(|file| file.before()).collect();
        let after: Vec<&Kept> = files.iter().filter_map(|file| file.after()).collect();
        let (old, new) = tokio::try_join!(
            self.versions.contents(&pair.clone, pair.from, &before),
            self.versions.contents(&pair.clone, pair.to, &after),
        )?;
        let wanted: Vec<ChangedFile> = files.iter().map(|file| (*file).clone()).collect();
        let computed = tokio::task::spawn_blocking(move || compared(wanted, &old, &new)).await;
        let read = computed.expect("comparing two texts does not panic");
        for (path, difference) in &read {
            self.contents.insert((pair.clone(), path.clone()), Arc::clone(difference)).await;
        }
        Ok(read)
    }
}

type Contents = HashMap<Kept, Vec<u8>>;

fn compared(files: Vec<ChangedFile>, old: &Contents, new: &Contents) -> Vec<(Kept, Arc<Difference>)> {
    let content = |contents: &Contents, path: Option<&Kept>| path.and_then(|path| contents.get(path)).cloned();
    let compare = |file: ChangedFile| {
        let (before, after) = (content(old, file.before()), content(new, file.after()));
        let path = file.path.clone();
        (path, Arc::new(Difference::of(file, before.as_deref(), after.as_deref())))
    };
    files.into_iter().map(compare).collect()
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
