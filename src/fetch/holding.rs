//! How much the artifact cache holds: counted within bounds, at most once a minute, however many ask and however slow it is.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use object_store::ObjectStore;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

/// What the cache holds, as far as it was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub files: u64,
    pub bytes: u64,
    /// False where counting took too long and was given up.
    pub is_all: bool,
}

/// What was counted last, and when; nothing where the cache could not be read.
#[derive(Default)]
pub(super) struct LastCount(Mutex<Option<(Timestamp, Option<Holding>)>>);

/// A count is good for so long.
const GOOD_FOR: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_FILES: u64 = 100_000;

impl LastCount {
    /// What the cache holds; who asks while somebody counts waits for his count.
    pub(super) async fn of(&self, cache: &dyn ObjectStore, now: Timestamp) -> Option<Holding> {
        let mut last = self.0.lock().await;
        if let Some((at, holding)) = *last
            && now.duration_since(at).unsigned_abs() < GOOD_FOR
        {
            return holding;
        }
        let holding = count(cache).await;
        *last = Some((now, holding));
        holding
    }
}

async fn count(cache: &dyn ObjectStore) -> Option<Holding> {
    let (mut files, until) = (cache.list(None), Instant::now() + PATIENCE);
    let mut holding = Holding::default();
    while holding.files < MOST_FILES {
        match timeout_at(until, files.try_next()).await {
            Ok(Ok(Some(file))) => {
                holding.files += 1;
                holding.bytes += file.size;
            }
            Ok(Ok(None)) => return Some(Holding { is_all: true, ..holding }),
            Ok(Err(error)) => {
                tracing::warn!(%error, "could not count what is in the artifact cache");
                return None;
            }
            Err(_) => break,
        }
    }
    Some(holding)
}
