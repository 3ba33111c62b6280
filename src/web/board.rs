//! The board: where all trees and locales stand at one moment, kept in memory until that changes.
//!
//! The pages of statistics are looked at far more often than a result comes, and each would read a run, and the one of a week
//! before, for every tree and locale. So these are read once, and every page filters and sorts them as plain rows. What is kept
//! is right because the store counts changes: the transaction that records a result, settles runs or renames a tree raises the
//! number of the results' version as well. The number is read **before** the rows. If it is still the same when a page asks,
//! then nothing was committed since, and the rows are what the database would say; if something was committed between the two
//! readings, then the rows may be newer than the number they are kept under, and are only read once more than was needed.
//! That holds for any number of workers and web servers on one database, since all of them count in the same row.
//!
//! The rows also depend on the time, through what counted a week before: they are read anew when that is an hour off.

use super::shares::{Shares, counted};
use crate::domain::{HOUR, WEEK};
use crate::store::{Course, Place, PlaceRow, Store, StoreError};
use jiff::Timestamp;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::OnceCell;

/// How far the course of a place goes back.
pub(super) const COURSE: i64 = 4 * WEEK;
/// How long what counted a week before may be that of another moment.
const OFF: i64 = HOUR;
/// So many trees are kept counted at most; of three years and 150 locales each is about a megabyte.
const MOST_COUNTED: usize = 16;

/// The boards of a web server: the one that is kept, and the making of the next.
#[derive(Clone)]
pub(super) struct Boards {
    store: Store,
    kept: Arc<RwLock<Option<Arc<Board>>>>,
    making: Arc<tokio::sync::Mutex<()>>,
}

/// All places at one moment.
pub(super) struct Board {
    version: i64,
    made_at: i64,
    /// By locale, then tree.
    pub(super) rows: Vec<PlaceRow>,
    store: Store,
    courses: Mutex<HashMap<Place, Arc<Course>>>,
    counted: Mutex<HashMap<Count, Counting>>,
}

/// What is counted: the locales of a tree in a range of time, good with at most so many strings missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Count {
    pub(super) tree: i64,
    /// Seconds since 1970.
    pub(super) range: Range<i64>,
    pub(super) bound: i64,
}

type Counting = Arc<OnceCell<Arc<Counted>>>;

/// The locales of a tree over time.
pub(super) struct Counted {
    /// When the tree was compared first, in seconds since 1970.
    pub(super) first: i64,
    pub(super) shares: Vec<Shares>,
    /// How many strings each locale misses in the end.
    pub(super) missing: HashMap<i64, i64>,
}

impl Boards {
    pub(super) fn new(store: Store) -> Boards {
        Boards { store, kept: Arc::default(), making: Arc::default() }
    }

    /// The board as it is now. Many who ask at once while it has to be made wait for one who makes it.
    pub(super) async fn now(&self, now: Timestamp) -> Result<Arc<Board>, StoreError> {
        let (version, now) = (self.store.results_version().await?, now.as_second());
        if let Some(board) = self.kept_since(version, now) {
            return Ok(board);
        }
        let _turn = self.making.lock().await;
        if let Some(board) = self.kept_since(version, now) {
            return Ok(board);
        }
        let board = Arc::new(Board::read(&self.store, now).await?);
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&board));
        Ok(board)
    }

    fn kept_since(&self, version: i64, now: i64) -> Option<Arc<Board>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner).clone();
        kept.filter(|board| board.version >= version && (now - board.made_at).abs() <= OFF)
    }
}

impl Board {
    async fn read(store: &Store, now: i64) -> Result<Board, StoreError> {
        let version = store.results_version().await?;
        let rows = store.places(now - WEEK).await?;
        Ok(Board { version, made_at: now, rows, store: store.clone(), courses: Mutex::default(), counted: Mutex::default() })
    }

    /// The number of a tree.
    pub(super) fn tree(&self, code: &str) -> Option<i64> {
        self.rows.iter().find(|row| row.tree == code).map(|row| row.place.tree)
    }

    /// The seconds since 1970 that courses show.
    pub(super) fn course_range(&self) -> Range<i64> {
        self.made_at - COURSE..self.made_at
    }

    /// How these places came along in the last four weeks. Those that nobody has asked for yet are read, all by one statement.
    pub(super) async fn courses(&self, rows: &[&PlaceRow]) -> Result<Vec<Arc<Course>>, StoreError> {
        let unread: Vec<&PlaceRow> = {
            let known = self.courses.lock().unwrap_or_else(PoisonError::into_inner);
            rows.iter().copied().filter(|row| !known.contains_key(&row.place)).collect()
        };
        let range = self.course_range();
        let mut read = self.store.courses(unread.iter().map(|row| row.place), range.start, range.end).await?;
        let mut known = self.courses.lock().unwrap_or_else(PoisonError::into_inner);
        for row in unread {
            let course = read.remove(&row.place).unwrap_or_else(|| Course::level(row.srctime, row.counts.untranslated()));
            known.insert(row.place, Arc::new(course));
        }
        Ok(rows.iter().filter_map(|row| known.get(&row.place).cloned()).collect())
    }

    /// How many locales of a tree are good over time. Many who ask at once wait for one who counts.
    pub(super) async fn counted(&self, count: Count) -> Result<Arc<Counted>, StoreError> {
        let counting = {
            let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MOST_COUNTED && !kept.contains_key(&count) {
                kept.clear();
            }
            Arc::clone(kept.entry(count.clone()).or_default())
        };
        counting.get_or_try_init(async || self.count(&count).await.map(Arc::new)).await.cloned()
    }

    async fn count(&self, count: &Count) -> Result<Counted, StoreError> {
        let history = self.store.tree_history(count.tree, count.range.clone()).await?;
        let (shares, missing) = counted(&history.points, count.bound, count.range.start);
        Ok(Counted { first: history.first, shares, missing })
    }
}
