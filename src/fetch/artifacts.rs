//! Details of comparisons, fetched when somebody looks: once for all who look at the same time, then kept compressed until the
//! budget is used up. A folder or an object storage, which several web servers may share.

use super::holding::{Holding, LastCount};
use super::{Queue, QueueError, Trouble};
use crate::domain::{A_DAY, ArtifactName, Clock, RootUrl, TaskRun, hex, in_full};
use crate::figures::{ARTIFACT_FETCHES, ARTIFACTS, outcome};
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What looking for an artifact came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// The document, which is JSON.
    Here(Bytes),
    /// It went away, as far as was noticed at that time.
    Gone { since: Timestamp },
    /// It could not be fetched; not before that time it is asked for again.
    Failing { next_try: Timestamp },
    /// It is being fetched, and that takes long.
    UnderWay,
}

impl Looked {
    fn name(&self) -> &'static str {
        match self {
            Looked::Here(_) => "here",
            Looked::Gone { .. } => "gone",
            Looked::Failing { .. } => "failing",
            Looked::UnderWay => "under way",
        }
    }
}

/// The artifact cache could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("could not make the folder of the artifact cache, {place}")]
    Folder { place: String, source: std::io::Error },
    #[error("could not open the artifact cache at {place}")]
    Open { place: String, source: object_store::Error },
    #[error("{place} can be used only by a build with the feature s3")]
    NotBuilt { place: String },
    #[error("could not clean the artifact cache")]
    Clean { source: object_store::Error },
}

/// Artifacts, by way of the cache.
#[derive(Clone)]
pub struct Artifacts {
    shared: Arc<Inner>,
}

struct Inner {
    cache: Box<dyn ObjectStore>,
    budget: u64,
    queues: Vec<Queue>,
    clock: Clock,
    state: Mutex<State>,
    counted: LastCount,
}

#[derive(Default)]
struct State {
    flights: HashMap<String, Shared<BoxFuture<'static, Looked>>>,
    failing: HashMap<String, Failing>,
    /// When each was looked at last, by this process.
    used: HashMap<String, Timestamp>,
    /// How many bytes the cache holds, once it was counted.
    bytes: Option<u64>,
}

#[derive(Clone, Copy)]
struct Failing {
    next_try: Timestamp,
    tries: u32,
}

/// Whoever looks waits so long for a fetch that goes on without him.
const PATIENCE: Duration = Duration::from_secs(7);
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1800);
/// What was gone is asked for again after so long: somebody may have been wrong.
const GONE_FOR: Duration = A_DAY;
const LEVEL: i32 = 3;
/// The longest document where no deployment is configured, in bytes.
const LONGEST: usize = 16 << 20;
/// More than this is not remembered of what fails and what was used.
const REMEMBERED: usize = 20_000;

impl Artifacts {
    /// Keeps artifacts of these deployments at `place`, a folder or `s3://…`, as long as they fit into `budget` bytes.
    ///
    /// # Errors
    /// When the place cannot be used.
    pub fn open(place: &str, budget: u64, queues: Vec<Queue>, clock: Clock) -> Result<Artifacts, CacheError> {
        let cache = open(place)?;
        let shared = Inner { cache, budget, queues, clock, state: Mutex::default(), counted: LastCount::default() };
        Ok(Artifacts { shared: Arc::new(shared) })
    }

    /// Looks for an artifact: in the cache, or else where it was published.
    pub async fn look(&self, of: &TaskRun, name: &ArtifactName) -> Looked {
        let flight = self.flight(of, name);
        let looked = tokio::time::timeout(PATIENCE, flight).await.unwrap_or(Looked::UnderWay);
        ARTIFACTS.note([looked.name()]);
        looked
    }

    /// How much the cache holds, as it was within the last minute; nothing where that cannot be told.
    pub async fn holding(&self) -> Option<Holding> {
        self.shared.counted.of(&*self.shared.cache, self.shared.clock.now()).await
    }

    /// What was fetched before that time, and that this process has not been asked for since.
    ///
    /// # Errors
    /// When the cache cannot be listed.
    pub async fn outdated(&self, before: Timestamp) -> Result<Holding, CacheError> {
        Ok(holding_of(&self.shared.unused_since(before).await?))
    }

    /// Deletes that; gives what it was.
    ///
    /// # Errors
    /// When the cache cannot be listed or changed.
    pub async fn forget_outdated(&self, before: Timestamp) -> Result<Holding, CacheError> {
        let outdated = self.shared.unused_since(before).await?;
        for object in &outdated {
            self.shared.delete(&object.location).await.map_err(|source| CacheError::Clean { source })?;
        }
        // It is counted anew when something is written next.
        self.shared.state().bytes = None;
        Ok(holding_of(&outdated))
    }

    /// How many bytes the cache may hold.
    pub fn budget(&self) -> u64 {
        self.shared.budget
    }

    /// The fetch that is under way for this artifact, or a new one. It goes on when those who wait for it go away.
    fn flight(&self, of: &TaskRun, name: &ArtifactName) -> Shared<BoxFuture<'static, Looked>> {
        let key = key(of, name);
        let mut state = self.shared.state();
        // One that has landed is there only if its task broke down before it could leave the list.
        if let Some(flight) = state.flights.get(&key).filter(|flight| flight.peek().is_none()) {
            return flight.clone();
        }
        let (inner, at, of, name) = (Arc::clone(&self.shared), key.clone(), of.clone(), name.clone());
        let landing = tokio::spawn(async move {
            let looked = inner.look(&at, &of, &name).await;
            inner.state().flights.remove(&at);
            looked
        });
        let now = self.shared.clock.now();
        let flight = landing.map(move |landed| landed.unwrap_or(Looked::Failing { next_try: now })).boxed().shared();
        state.flights.insert(key, flight.clone());
        flight
    }
}

impl Inner {
    async fn look(&self, key: &str, of: &TaskRun, name: &ArtifactName) -> Looked {
        if let Some(document) = self.kept(key).await {
            return Looked::Here(document);
        }
        let now = self.clock.now();
        if let Some(failing) = self.state().failing.get(key).filter(|failing| failing.next_try > now) {
            return Looked::Failing { next_try: failing.next_try };
        }
        let gone = self.gone(key).await;
        if let Some((since, asked)) = gone
            && now < later(asked, GONE_FOR)
        {
            return Looked::Gone { since };
        }
        let began = std::time::Instant::now();
        let fetched = self.fetch(&of.root, of, name).await;
        ARTIFACT_FETCHES.note([outcome(&fetched)], began.elapsed());
        match fetched {
            Ok(document) => self.keep(key, document).await,
            Err(error) if is_gone(error.trouble) => self.bury(key, gone.map_or(now, |(since, _)| since), now).await,
            Err(error) => {
                tracing::warn!(task = %of, artifact = %name, error = in_full(&error), "could not get an artifact");
                self.fail(key, now)
            }
        }
    }

    async fn fetch(&self, root: &RootUrl, of: &TaskRun, name: &ArtifactName) -> Result<Vec<u8>, QueueError> {
        let unknown = || QueueError::new(Trouble::Ours, format!("{root} is not among the deployments that are configured"));
        let queue = self.queues.iter().find(|queue| queue.root() == root).ok_or_else(unknown)?;
        let document = queue.artifact(of, name).await?;
        let checked = serde_json::from_slice::<serde::de::IgnoredAny>(&document);
        checked.map_err(|error| QueueError::because(Trouble::Unusable, format!("artifact {name} of {of} is not JSON"), error))?;
        Ok(document)
    }

    async fn kept(&self, key: &str) -> Option<Bytes> {
        let compressed = self.cache.get(&place(key, "zst")).await.ok()?.bytes().await.ok()?;
        let document = decompressed(&compressed, self.longest())?;
        let mut state = self.state();
        if state.used.len() >= REMEMBERED {
            state.used.clear();
        }
        state.used.insert(key.to_owned(), self.clock.now());
        Some(document.into())
    }

    /// No document is longer that was fetched with these settings.
    fn longest(&self) -> usize {
        self.queues.iter().map(Queue::longest).max().unwrap_or(LONGEST)
    }

    /// Keeps a document. A cache that cannot be written is told of, and changes nothing for who looks.
    async fn keep(&self, key: &str, document: Vec<u8>) -> Looked {
        self.state().failing.remove(key);
        match zstd::encode_all(&document[..], LEVEL) {
            Ok(compressed) => self.write(&place(key, "zst"), compressed).await,
            Err(error) => tracing::warn!(%error, "could not compress an artifact"),
        }
        Looked::Here(document.into())
    }

    async fn write(&self, at: &Path, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        if let Err(error) = self.cache.put(at, bytes.into()).await {
            tracing::error!(error = in_full(&error), "could not write to the artifact cache");
            return;
        }
        if let Err(error) = self.evict(at, size).await {
            tracing::warn!(error = in_full(&error), "could not make room in the artifact cache");
        }
    }

    /// Deletes what nobody has looked at for longest until nine tenths of the budget are kept; never what was written just now.
    async fn evict(&self, newest: &Path, added: u64) -> Result<(), object_store::Error> {
        let counted = self.state().bytes.map(|bytes| bytes + added);
        if counted.is_some_and(|bytes| bytes <= self.budget) {
            self.state().bytes = counted;
            return Ok(());
        }
        let mut all: Vec<ObjectMeta> = self.cache.list(None).try_collect().await?;
        let mut bytes: u64 = all.iter().map(|object| object.size).sum();
        if bytes > self.budget {
            all.sort_by_cached_key(|object| self.last_used(object));
            for object in all.iter().filter(|object| object.location != *newest) {
                if bytes <= self.budget / 10 * 9 {
                    break;
                }
                self.delete(&object.location).await?;
                bytes -= object.size;
            }
        }
        self.state().bytes = Some(bytes);
        Ok(())
    }

    /// Another web server may have deleted it at the same moment.
    async fn delete(&self, location: &Path) -> Result<(), object_store::Error> {
        match self.cache.delete(location).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => done,
        }
    }

    async fn unused_since(&self, before: Timestamp) -> Result<Vec<ObjectMeta>, CacheError> {
        let listed: Result<Vec<ObjectMeta>, _> = self.cache.list(None).try_collect().await;
        let mut objects = listed.map_err(|source| CacheError::Clean { source })?;
        objects.retain(|object| self.last_used(object) < before);
        Ok(objects)
    }

    fn last_used(&self, object: &ObjectMeta) -> Timestamp {
        let used = self.state().used.get(&key_at(&object.location)).copied();
        let written = Timestamp::from_second(object.last_modified.timestamp()).unwrap_or_default();
        used.map_or(written, |used| used.max(written))
    }

    /// Since when it is gone, and when that was asked last.
    async fn gone(&self, key: &str) -> Option<(Timestamp, Timestamp)> {
        let bytes = self.cache.get(&place(key, "gone")).await.ok()?.bytes().await.ok()?;
        let (since, asked) = std::str::from_utf8(&bytes).ok()?.split_once(' ')?;
        Some((since.parse().ok()?, asked.parse().ok()?))
    }

    async fn bury(&self, key: &str, since: Timestamp, now: Timestamp) -> Looked {
        self.write(&place(key, "gone"), format!("{since} {now}").into_bytes()).await;
        Looked::Gone { since }
    }

    fn fail(&self, key: &str, now: Timestamp) -> Looked {
        let mut state = self.state();
        if state.failing.len() >= REMEMBERED {
            state.failing.clear();
        }
        let tries = state.failing.get(key).map_or(0, |failing| failing.tries);
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(tries.min(16))).min(LONGEST_WAIT);
        let next_try = later(now, wait);
        state.failing.insert(key.to_owned(), Failing { next_try, tries: tries + 1 });
        Looked::Failing { next_try }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in the cache is as good as whoever can write there: none where it is damaged or longer than a document can be.
fn decompressed(compressed: &[u8], longest: usize) -> Option<Vec<u8>> {
    let mut document = Vec::new();
    let most = u64::try_from(longest).ok()?;
    let read = zstd::stream::read::Decoder::new(compressed).ok()?.take(most.saturating_add(1)).read_to_end(&mut document).ok()?;
    (read <= longest).then_some(document)
}

fn open(place: &str) -> Result<Box<dyn ObjectStore>, CacheError> {
    if place.contains("://") {
        return open_url(place);
    }
    std::fs::create_dir_all(place).map_err(|source| CacheError::Folder { place: place.to_owned(), source })?;
    let folder = object_store::local::LocalFileSystem::new_with_prefix(place);
    folder
        .map(|folder| Box::new(folder) as Box<dyn ObjectStore>)
        .map_err(|source| CacheError::Open { place: place.to_owned(), source })
}

/// An object storage; what else it takes, as keys and regions, comes from the environment names that its makers use.
#[cfg(feature = "s3")]
fn open_url(place: &str) -> Result<Box<dyn ObjectStore>, CacheError> {
    let failed = |source| CacheError::Open { place: place.to_owned(), source };
    let (_, prefix) = place.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap_or(("", ""));
    let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(place).build().map_err(failed)?;
    Ok(Box::new(object_store::prefix::PrefixStore::new(bucket, prefix)))
}

#[cfg(not(feature = "s3"))]
fn open_url(place: &str) -> Result<Box<dyn ObjectStore>, CacheError> {
    Err(CacheError::NotBuilt { place: place.to_owned() })
}

fn holding_of(objects: &[ObjectMeta]) -> Holding {
    Holding { files: objects.len() as u64, bytes: objects.iter().map(|object| object.size).sum(), is_all: true }
}

fn is_gone(trouble: Trouble) -> bool {
    matches!(trouble, Trouble::NotThere | Trouble::Expired)
}

/// Names of artifacts may be anything; a digest can be a path everywhere.
fn key(of: &TaskRun, name: &ArtifactName) -> String {
    hex(&Sha256::digest(format!("{}\n{}\n{}\n{name}", of.root, of.task, of.run))[..20])
}

fn place(key: &str, kind: &str) -> Path {
    Path::from(format!("{}/{}.{kind}", &key[..2], &key[2..]))
}

fn key_at(place: &Path) -> String {
    place.as_ref().replace('/', "").split('.').next().unwrap_or_default().to_owned()
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::decompressed;

    #[test]
    fn a_document_in_the_cache_that_swells_beyond_what_was_ever_fetched_is_none() {
        let compressed = |length: usize| zstd::encode_all(&vec![b' '; length][..], 3).unwrap();
        assert_eq!(decompressed(&compressed(1000), 1000).map(|document| document.len()), Some(1000));
        assert_eq!(decompressed(&compressed(1001), 1000), None);
        assert_eq!(decompressed(&compressed(256 << 20), 1000), None);
        assert_eq!(decompressed(b"no zstd", 1000), None);
    }
}
