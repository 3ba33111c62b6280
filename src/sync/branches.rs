//! Brings one repository of git up to date: its host's branches, fetch, commits, and the moves that brought the branches there.
//!
//! Everything is done from what the clone holds after the fetch, so that it does not matter what the host does meanwhile: that is
//! found the next time.

use super::SyncError;
use super::batch::Batch;
use super::bringer::{Bringer, Progress};
use super::moves::told_apart;
use crate::domain::{
    BranchMove, Changeset, DAY, ErrorClass, Kept, LocaleRules, Notice, Point, Repository, RepositoryUrl, Revision, milliseconds,
};
use crate::fetch::{CommitReader, FetchError, HostBranches};
use crate::store::{Branches, Claim, MoveRecording, MovesRecorded, MovesRecording, Noticed, Recording, SeenPush};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

/// How often another worker may be quicker within one go.
const TURNS: u32 = 4;
/// A commit that was announced and that the host has not shown for so long never will be.
const PATIENCE: SignedDuration = SignedDuration::from_secs(DAY);

impl Bringer {
    /// Brings the branches of a claimed repository up to date.
    pub(super) async fn bring_branches(&self, claim: &Claim) -> Result<(), SyncError> {
        let host = self.git.ask(&claim.url).await?;
        if let Some(url) = &host.moved_to {
            self.store.note_moved(claim.repository, url, self.clock.now()).await?;
        }
        Point::BranchesAsked.pass();
        let followed = followed(&claim.branches, &claim.url, &host)?;
        let mut recorded = self.store.branches(claim.repository).await?;
        self.note_default_branch(claim, &host, &recorded).await?;
        for _ in 0..TURNS {
            let here = self.obtain_branches(claim, &host, &followed, &recorded).await?;
            let locale_rules = self.store.locale_rules(claim.repository).await?;
            let sight = Sight { bringer: self, claim, followed: &followed, here, recorded, locale_rules };
            sight.record_commits().await?;
            Point::CommitsRecorded.pass();
            let doubtful = sight.doubtful().await?;
            if sight.record_moves(&doubtful).await? == MovesRecorded::Done {
                sight.wait_for_announced().await?;
                return sight.wait_for(&doubtful);
            }
            recorded = self.store.branches(claim.repository).await?;
        }
        Err(SyncError::NoEnd(format!("{TURNS} other workers were quicker")))
    }

    /// Where the host's HEAD is followed, another branch under it is worth a note.
    async fn note_default_branch(&self, claim: &Claim, host: &HostBranches, recorded: &Branches) -> Result<(), SyncError> {
        let Some(head) = host.head.as_ref().filter(|_| claim.branches.is_empty()) else {
            return Ok(());
        };
        if !recorded.heads.is_empty() && !recorded.heads.contains_key(head) {
            self.store.note_default_branch(claim.repository, head, self.clock.now()).await?;
        }
        Ok(())
    }

    /// The branches that are followed and not where they were recorded.
    ///
    /// # Errors
    /// When the host or the database does not answer.
    pub async fn moved(&self, repository: &Repository) -> Result<Vec<Kept>, SyncError> {
        let host = self.git.ask(&repository.url).await?;
        let recorded = self.store.branches(repository.id).await?;
        let followed = followed(&repository.branches, &repository.url, &host)?;
        let has_moved = |branch: &Kept| at(&host.branches, branch) != at(&recorded.heads, branch);
        Ok(followed.into_iter().filter(has_moved).collect())
    }

    /// Fetches unless the clone has what the host shows. Gives where the followed branches are.
    async fn obtain_branches(
        &self,
        claim: &Claim,
        host: &HostBranches,
        followed: &[Kept],
        recorded: &Branches,
    ) -> Result<BTreeMap<Kept, Revision>, SyncError> {
        let wanted = |branches: &BTreeMap<Kept, Revision>| -> BTreeMap<Kept, Revision> {
            branches.iter().filter(|(branch, _)| followed.contains(branch)).map(|(branch, head)| (branch.clone(), *head)).collect()
        };
        if !self.git.exists(&claim.clone) {
            self.make_clone(claim, host, followed).await?;
        }
        let here = wanted(&self.git.branches(&claim.clone).await?);
        if here == wanted(&host.branches) {
            return Ok(here);
        }
        let keep = self.git.those_in(&claim.clone, recorded.heads.values().chain(here.values()).copied()).await?;
        let fetched = self.git.fetch(&claim.clone, &claim.url, followed, &keep).await?;
        Point::BranchesFetched.pass();
        Ok(wanted(&fetched))
    }

    async fn make_clone(&self, claim: &Claim, host: &HostBranches, followed: &[Kept]) -> Result<(), SyncError> {
        let started = Instant::now();
        let progress = |bytes| (self.watcher)(&claim.name, Progress::Cloning { bytes });
        self.git.make(&claim.clone, &claim.url, host, followed, progress).await?;
        tracing::info!(repository.name = %claim.name, duration_ms = milliseconds(started.elapsed()), "cloned");
        Ok(())
    }
}

/// A host that shows a branch where it was before, and of which nobody tells, is not believed for so long: mirrors lag.
const DOUBT: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a repository's branches in one go.
struct Sight<'a> {
    bringer: &'a Bringer,
    claim: &'a Claim,
    followed: &'a [Kept],
    /// Where the followed branches are.
    here: BTreeMap<Kept, Revision>,
    /// Where they were recorded to be, and what is said of them.
    recorded: Branches,
    locale_rules: Option<LocaleRules>,
}

impl Sight<'_> {
    /// Records what the branches have and nothing recorded descends from.
    async fn record_commits(&self) -> Result<(), SyncError> {
        let mut known = self.in_clone(self.recorded.heads.values().copied()).await?;
        let mut done = 0;
        for (branch, head) in self.here.iter().filter(|(branch, head)| self.recorded.heads.get(*branch) != Some(head)) {
            let mut commits = self.bringer.git.commits(&self.claim.clone, &[*head], &known, branch)?;
            while let Some(changesets) = next_batch(&mut commits).await? {
                done += changesets.len() as u64;
                let (repository, generation) = (self.claim.repository, self.claim.generation);
                let recording = Recording::of_changesets(repository, generation, changesets, self.locale_rules.clone());
                self.bringer.store.record(&recording).await?;
                (self.bringer.watcher)(&self.claim.name, Progress::Recording { done, of: done });
            }
            known.push(*head);
        }
        Ok(())
    }

    /// Records the moves of the branches: those that were only seen, as far as somebody has told of them since, and new ones.
    async fn record_moves(&self, doubtful: &BTreeSet<Kept>) -> Result<MovesRecorded, SyncError> {
        let notices: Vec<Notice> = self.noticed().map(|noticed| noticed.notice.clone()).collect();
        let ends = notices.iter().flat_map(|notice| [notice.before, notice.after]);
        let here: HashSet<Revision> = self.in_clone(ends).await?.into_iter().collect();
        let is_here = |end: &Revision| here.contains(end);
        for seen in &self.recorded.seen {
            let moves = told_apart(&seen.branch, seen.before, seen.after, &notices, is_here);
            if !is_still_seen(seen, &moves) && self.record(Some(seen.clone()), moves).await? == MovesRecorded::Overtaken {
                return Ok(MovesRecorded::Overtaken);
            }
        }
        let moved = |branch: &Kept| {
            let (from, to) = (at(&self.recorded.heads, branch), at(&self.here, branch));
            (from != to && !doubtful.contains(branch)).then(|| told_apart(branch, from, to, &notices, is_here))
        };
        let moves: Vec<BranchMove> = self.branches().into_iter().filter_map(moved).flatten().collect();
        if moves.is_empty() { Ok(MovesRecorded::Done) } else { self.record(None, moves).await }
    }

    /// Branches that are shown where they were before, without a word from anybody: as by a mirror that lags.
    async fn doubtful(&self) -> Result<BTreeSet<Kept>, SyncError> {
        let now = self.bringer.clock.now();
        let mut doubtful = BTreeSet::new();
        if self.claim.failing_since.is_some_and(|since| now.duration_since(since) > DOUBT) {
            return Ok(doubtful);
        }
        for branch in self.branches() {
            let (from, to) = (at(&self.recorded.heads, branch), at(&self.here, branch));
            let is_told = self.noticed().any(|Noticed { notice, .. }| notice.branch == *branch && notice.after == to);
            let is_followed = self.followed.contains(branch);
            if from != to && is_followed && !is_told && self.bringer.store.was_at(self.claim.repository, branch, to).await? {
                doubtful.insert(branch.clone());
            }
        }
        Ok(doubtful)
    }

    /// Asks again later whether these really went back.
    fn wait_for(&self, doubtful: &BTreeSet<Kept>) -> Result<(), SyncError> {
        let Some(branch) = doubtful.first() else { return Ok(()) };
        let (shown, url) = (at(&self.here, branch).short(), &self.claim.url);
        Err(SyncError::Lag(format!("{url} shows {branch} at {shown}, where it was before; nobody tells of that, so it may lag")))
    }

    /// All that are or were followed. Those that are made come before those that are deleted: what only has another name now is
    /// not dropped.
    fn branches(&self) -> Vec<&Kept> {
        let all: HashSet<&Kept> = self.followed.iter().chain(self.recorded.heads.keys()).collect();
        let mut branches: Vec<&Kept> = all.into_iter().collect();
        branches.sort_by_key(|branch| (!self.here.contains_key(*branch), *branch));
        branches
    }

    async fn record(&self, instead_of: Option<SeenPush>, moves: Vec<BranchMove>) -> Result<MovesRecorded, SyncError> {
        let mut recordings = Vec::with_capacity(moves.len());
        for made in moves {
            let (brought, dropped) = (self.brought(&made).await?, self.dropped(&made).await?);
            recordings.push(MoveRecording { made, brought, dropped });
        }
        let (repository, now) = (self.claim.repository, self.bringer.clock.now());
        let recorded = self.bringer.store.record_moves(&MovesRecording { repository, instead_of, moves: recordings, now }).await?;
        Point::MovesRecorded.pass();
        Ok(recorded)
    }

    /// What a move brought: what its branch did not have; of a branch that was made, what no other had.
    async fn brought(&self, made: &BranchMove) -> Result<Vec<Revision>, SyncError> {
        if made.after == Revision::NULL {
            return Ok(Vec::new());
        }
        let others = || self.recorded.heads.iter().chain(&self.here).filter(|(branch, _)| **branch != made.branch);
        let had: Vec<Revision> = match made.before {
            Revision::NULL => others().map(|(_, head)| *head).collect(),
            before => vec![before],
        };
        let had = self.in_clone(had).await?;
        Ok(self.bringer.git.revisions(&self.claim.clone, &[made.after], &had).await?)
    }

    /// What a move took: what no branch that is followed has any more.
    async fn dropped(&self, made: &BranchMove) -> Result<Vec<Revision>, SyncError> {
        let had = self.in_clone([made.before]).await?;
        if had.is_empty() {
            return Ok(had);
        }
        let others = self.here.iter().filter(|(branch, _)| **branch != made.branch).map(|(_, head)| *head);
        let left: Vec<Revision> = others.chain([made.after]).collect();
        Ok(self.bringer.git.revisions(&self.claim.clone, &had, &left).await?)
    }

    /// What is said of followed branches.
    fn noticed(&self) -> impl Iterator<Item = &Noticed> {
        self.recorded.notices.iter().filter(|noticed| self.followed.contains(&noticed.notice.branch))
    }

    /// A message may be ahead of what the host shows: ask again, until that has become unlikely.
    async fn wait_for_announced(&self) -> Result<(), SyncError> {
        let now = self.bringer.clock.now();
        for Noticed { notice, .. } in self.noticed().filter(|noticed| now.duration_since(noticed.taken) < PATIENCE) {
            let is_shown = match notice.after {
                Revision::NULL => self.here.get(&notice.branch) != Some(&notice.before),
                after => !self.in_clone([after]).await?.is_empty(),
            };
            if !is_shown {
                let (branch, after, url) = (&notice.branch, notice.after.short(), &self.claim.url);
                return Err(SyncError::Lag(format!("{branch} was announced to be at {after}, which {url} does not show")));
            }
        }
        Ok(())
    }

    async fn in_clone(&self, revisions: impl IntoIterator<Item = Revision>) -> Result<Vec<Revision>, SyncError> {
        Ok(self.bringer.git.those_in(&self.claim.clone, revisions).await?)
    }
}

/// Where a branch is; the null changeset where it is not.
pub(super) fn at(branches: &BTreeMap<Kept, Revision>, branch: &Kept) -> Revision {
    branches.get(branch).copied().unwrap_or(Revision::NULL)
}

/// The branches that are followed: those that are named, or the one that the host calls its HEAD.
pub(super) fn followed(named: &[Kept], url: &RepositoryUrl, host: &HostBranches) -> Result<Vec<Kept>, SyncError> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    match (&host.head, host.branches.len()) {
        (Some(head), _) => Ok(vec![head.clone()]),
        (None, 0) => Ok(Vec::new()),
        (None, _) => {
            let which = host.branches.keys().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let what = format!("{} does not say which of its branches is its HEAD; name those to follow: {which}", url);
            Err(FetchError::new(ErrorClass::Ours, what).into())
        }
    }
}

fn is_still_seen(seen: &SeenPush, moves: &[BranchMove]) -> bool {
    matches!(moves, [one] if one.pushed.is_none() && one.before == seen.before && one.after == seen.after)
}

/// As many commits as one transaction takes; none at the end.
pub(super) async fn next_batch(commits: &mut CommitReader) -> Result<Option<Vec<Changeset>>, FetchError> {
    let (mut changesets, mut batch) = (Vec::new(), Batch::default());
    while batch.has_room() {
        let Some(changeset) = commits.next().await? else {
            break;
        };
        batch.add(&changeset);
        changesets.push(changeset);
    }
    Ok((!changesets.is_empty()).then_some(changesets))
}
