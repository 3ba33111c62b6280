//! Records what a clone holds: finds what the repository does not hold yet, reads it parents first, writes it in
//! transactions of bounded size. Reading goes on while the database writes.

use super::SyncError;
use super::batch::Batch;
use super::bringer::{Progress, Watcher};
use crate::domain::{Changeset, Point, Push, RepositoryId, RepositoryName, Revision};
use crate::fetch::{FetchError, History};
use crate::store::{Recording, Standing, Store};
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use tokio::sync::mpsc;

pub(super) struct Recorder<'a> {
    pub(super) store: &'a Store,
    pub(super) watcher: &'a Watcher,
    pub(super) name: RepositoryName,
    pub(super) repository: RepositoryId,
    pub(super) generation: i64,
}

/// Pushes in one transaction: a page of the pushlog.
const BATCH_PUSHES: usize = 500;
/// The walk asks for so many changesets at first: one push seldom has more.
const FIRST_STEP: usize = 16;
const LONGEST_STEP: usize = 4096;

/// No more changesets than this are remembered to be recorded; about 50 bytes each.
pub(super) const REMEMBERED: usize = 200_000;

/// The next stretch of a repository's changesets.
#[derive(Default)]
struct Stretch {
    changesets: Vec<Changeset>,
    held: Vec<Revision>,
}

impl Recorder<'_> {
    /// Records the targets with all their ancestors, then the pushes. Gives what the repository holds since, unless that is a
    /// lot.
    pub(super) async fn record(
        &self,
        history: History,
        targets: &[Revision],
        pushes: &[Push],
    ) -> Result<HashSet<Revision>, SyncError> {
        let from: Vec<u32> = history.revs(targets).into_values().collect();
        let missing = self.not_held(&history, from).await?;
        let remembered = if missing.len() <= REMEMBERED { &missing[..] } else { &[] };
        let recorded = remembered.iter().map(|(rev, _)| history.revision(*rev)).collect();
        self.record_missing(history, missing, pushes).await?;
        Ok(recorded)
    }

    async fn record_missing(&self, history: History, missing: Vec<(u32, Standing)>, pushes: &[Push]) -> Result<(), SyncError> {
        let of = missing.len() as u64;
        let mut stretches = read_in_background(history, missing);
        let mut done = 0;
        let mut next = stretches.recv().await.transpose()?;
        while let Some(stretch) = next {
            next = stretches.recv().await.transpose()?;
            // A push of a few changesets and these changesets are one transaction.
            let with_pushes = next.is_none() && pushes.len() <= BATCH_PUSHES;
            done += (stretch.changesets.len() + stretch.held.len()) as u64;
            let pushes = if with_pushes { pushes.to_vec() } else { Vec::new() };
            let recording = self.recording(stretch, pushes);
            self.store.record(&recording).await?;
            Point::StretchRecorded.pass();
            if with_pushes {
                return Ok(());
            }
            (self.watcher)(&self.name, Progress::Recording { done, of });
        }
        self.record_pushes(pushes).await
    }

    /// Records pushes whose changesets are recorded, in their order.
    pub(super) async fn record_pushes(&self, pushes: &[Push]) -> Result<(), SyncError> {
        for pushes in pushes.chunks(BATCH_PUSHES) {
            self.store.record(&self.recording(Stretch::default(), pushes.to_vec())).await?;
        }
        Ok(())
    }

    fn recording(&self, stretch: Stretch, pushes: Vec<Push>) -> Recording {
        Recording {
            repository: self.repository,
            generation: self.generation,
            changesets: stretch.changesets,
            held: stretch.held,
            pushes,
            locale_rules: None,
        }
    }

    /// The ancestors of `from` that the repository does not hold, rising. Whatever it holds, it holds with all ancestors,
    /// so the walk ends there.
    async fn not_held(&self, history: &History, from: Vec<u32>) -> Result<Vec<(u32, Standing)>, SyncError> {
        if !self.store.holds_any(self.repository, self.generation).await? {
            return Ok(ancestors(history, from).into_iter().map(|rev| (rev, Standing::Unknown)).collect());
        }
        let mut missing = BTreeMap::new();
        let mut asked: HashSet<u32> = HashSet::new();
        let mut front: HashSet<u32> = from.into_iter().collect();
        let mut step = FIRST_STEP;
        while !front.is_empty() {
            let revs = take_step(history, &mut front, &asked, step);
            let revisions: Vec<Revision> = revs.iter().map(|rev| history.revision(*rev)).collect();
            let standing = self.store.standing(self.repository, self.generation, &revisions).await?;
            asked.extend(&revs);
            for (rev, standing) in revs.into_iter().zip(standing) {
                if standing != Standing::Held {
                    missing.insert(rev, standing);
                    front.extend(history.parents(rev).filter(|parent| !asked.contains(parent)));
                }
            }
            front.retain(|rev| !asked.contains(rev));
            step = (step * 4).min(LONGEST_STEP);
        }
        Ok(missing.into_iter().collect())
    }
}

/// Takes the front, highest first and up to [`LONGEST_STEP`] of it, and, on a guess that they are missing too, ancestors up
/// to `step` in all.
fn take_step(history: &History, front: &mut HashSet<u32>, asked: &HashSet<u32>, step: usize) -> Vec<u32> {
    let mut seen = front.clone();
    let mut taken: Vec<u32> = front.drain().collect();
    taken.sort_unstable_by(|one, other| other.cmp(one));
    front.extend(taken.drain(taken.len().min(LONGEST_STEP)..));
    let mut heap = BinaryHeap::new();
    let mut looked_at = 0;
    while taken.len() < step {
        for rev in &taken[looked_at..] {
            heap.extend(history.parents(*rev).filter(|parent| !asked.contains(parent) && seen.insert(*parent)));
        }
        looked_at = taken.len();
        let Some(rev) = heap.pop() else { break };
        taken.push(rev);
    }
    taken
}

/// All ancestors of `from`, these included, rising.
pub(super) fn ancestors(history: &History, from: Vec<u32>) -> Vec<u32> {
    let mut reached = vec![false; history.len() as usize];
    from.into_iter().for_each(|rev| reached[rev as usize] = true);
    // Parents have lower numbers than their children, so one pass down reaches everything.
    for rev in (0..history.len()).rev() {
        if reached[rev as usize] {
            history.parents(rev).for_each(|parent| reached[parent as usize] = true);
        }
    }
    (0..history.len()).filter(|rev| reached[*rev as usize]).collect()
}

fn read_in_background(mut history: History, missing: Vec<(u32, Standing)>) -> mpsc::Receiver<Result<Stretch, FetchError>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        let mut missing = missing.into_iter().peekable();
        while missing.peek().is_some() {
            let stretch = read_stretch(&mut history, &mut missing);
            let failed = stretch.is_err();
            if sender.blocking_send(stretch).is_err() || failed {
                return;
            }
        }
    });
    receiver
}

fn read_stretch(history: &mut History, missing: &mut impl Iterator<Item = (u32, Standing)>) -> Result<Stretch, FetchError> {
    let (mut stretch, mut batch) = (Stretch::default(), Batch::default());
    while batch.has_room() {
        match missing.next() {
            Some((rev, Standing::Unknown)) => {
                let changeset = history.read(rev)?;
                batch.add(&changeset);
                stretch.changesets.push(changeset);
            }
            Some((rev, _)) => {
                batch.add_named();
                stretch.held.push(history.revision(rev));
            }
            None => break,
        }
    }
    Ok(stretch)
}
