//! What a clone has of a repository's branches and the database does not, and how it is written down: commits first, then the moves that
//! brought them.

use super::SyncError;
use super::branches::{at, next_batch};
use super::bringer::{Bringer, Progress};
use super::moves::told_apart;
use super::reach::Reach;
use crate::domain::{BranchMove, DAY, Kept, LocaleRules, Notice, Point, Revision};
use crate::store::{Branches, Claim, MoveRecording, MovesRecorded, MovesRecording, Noticed, Recording, SeenPush};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A commit that was announced and that the host has not shown for so long never will be.
const PATIENCE: SignedDuration = SignedDuration::from_secs(DAY);

/// A host that shows a branch where it was before, and of which nobody tells, is not believed for so long: mirrors lag.
const DOUBT: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a repository's branches in one go.
pub(super) struct Sight<'a> {
    bringer: &'a Bringer,
    claim: &'a Claim,
    followed: &'a [Kept],
    /// Where the followed branches are.
    here: BTreeMap<Kept, Revision>,
    /// Where they were recorded to be, and what is said of them.
    recorded: Branches,
    /// What there is of all these commits, and of those that are spoken of.
    reach: Reach<'a>,
    locale_rules: Option<LocaleRules>,
}

/// What was read of the commits of a branch that has moved.
pub(super) struct ReadCommits<'s> {
    branch: &'s Kept,
    /// Neither these nor what they descend from was read.
    known: BTreeSet<Revision>,
    /// Parents before children.
    commits: Vec<Revision>,
    /// One of them is a child of where the branch was.
    goes_on: bool,
}

impl<'a> Sight<'a> {
    pub(super) async fn of(
        bringer: &'a Bringer,
        claim: &'a Claim,
        followed: &'a [Kept],
        here: BTreeMap<Kept, Revision>,
        recorded: Branches,
    ) -> Result<Sight<'a>, SyncError> {
        let noticed = of_followed(&recorded, followed).flat_map(|noticed| [noticed.notice.before, noticed.notice.after]);
        let seen = recorded.seen.iter().flat_map(|seen| [seen.before, seen.after]);
        let all = recorded.heads.values().chain(here.values()).copied().chain(noticed).chain(seen);
        let (reach, locale_rules) = tokio::join!(Reach::of(bringer, claim, all), bringer.store.locale_rules(claim.repository));
        let (reach, locale_rules) = (reach?, locale_rules?);
        Ok(Sight { bringer, claim, followed, here, recorded, reach, locale_rules })
    }

    /// Records what the branches have and nothing recorded descends from.
    pub(super) async fn record_commits(&self) -> Result<Vec<ReadCommits<'_>>, SyncError> {
        let mut known: Vec<Revision> = self.reach.within(self.recorded.heads.values().copied()).into_iter().collect();
        let (mut all, mut done) = (Vec::new(), 0);
        for (branch, head) in self.here.iter().filter(|(branch, head)| self.recorded.heads.get(*branch) != Some(head)) {
            let before = at(&self.recorded.heads, branch);
            let mut read = ReadCommits { branch, known: known.iter().copied().collect(), commits: Vec::new(), goes_on: false };
            let mut commits = self.bringer.git.commits(&self.claim.clone, &[*head], &known, branch)?;
            let mut next = next_batch(&mut commits).await?;
            while let Some(changesets) = next {
                done += changesets.len() as u64;
                read.commits.extend(changesets.iter().map(|changeset| changeset.revision));
                read.goes_on |= changesets.iter().any(|changeset| changeset.parents.contains(&before));
                let (repository, generation) = (self.claim.repository, self.claim.generation);
                let recording = Recording::of_changesets(repository, generation, changesets, self.locale_rules.clone());
                // git and the database work at the same time.
                let (recorded, following) = tokio::join!(self.bringer.store.record(&recording), next_batch(&mut commits));
                recorded?;
                next = following?;
                (self.bringer.watcher)(&self.claim.name, Progress::Recording { done, of: done });
            }
            known.push(*head);
            all.push(read);
        }
        Ok(all)
    }

    /// Records the moves of the branches: those that were only seen, as far as somebody has told of them since, and new ones.
    /// Of those in doubt nothing is believed.
    pub(super) async fn record_moves(
        &self,
        read: &[ReadCommits<'_>],
        doubtful: &BTreeSet<Kept>,
    ) -> Result<MovesRecorded, SyncError> {
        let notices: Vec<Notice> = self.noticed().map(|noticed| noticed.notice.clone()).collect();
        let is_here = |end: &Revision| self.reach.has(end);
        for seen in &self.recorded.seen {
            let moves = told_apart(&seen.branch, seen.before, seen.after, &notices, is_here);
            if !is_still_seen(seen, &moves) && self.record(Some(seen.clone()), moves, &[]).await? == MovesRecorded::Overtaken {
                return Ok(MovesRecorded::Overtaken);
            }
        }
        let moved = |branch: &Kept| {
            let (from, to) = (at(&self.recorded.heads, branch), at(&self.here, branch));
            (from != to && !doubtful.contains(branch)).then(|| told_apart(branch, from, to, &notices, is_here))
        };
        let moves: Vec<BranchMove> = self.branches().into_iter().filter_map(moved).flatten().collect();
        if moves.is_empty() { Ok(MovesRecorded::Done) } else { self.record(None, moves, read).await }
    }

    /// Branches that are shown where they were before, without a word from anybody: as by a mirror that lags.
    pub(super) async fn doubtful(&self) -> Result<BTreeSet<Kept>, SyncError> {
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
    pub(super) fn wait_for(&self, doubtful: &BTreeSet<Kept>) -> Result<(), SyncError> {
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

    async fn record(
        &self,
        instead_of: Option<SeenPush>,
        moves: Vec<BranchMove>,
        read: &[ReadCommits<'_>],
    ) -> Result<MovesRecorded, SyncError> {
        let (mut recordings, mut left_behind) = (Vec::with_capacity(moves.len()), Vec::new());
        for made in moves {
            let read = read.iter().find(|read| *read.branch == made.branch && self.is_whole(&made));
            let (brought, dropped) = (self.brought(&made, read).await?, self.dropped(&made, read).await?);
            left_behind.extend(Some(made.before).filter(|_| !dropped.is_empty()));
            recordings.push(MoveRecording { made, brought, dropped });
        }
        self.keep(left_behind).await?;
        let (repository, now) = (self.claim.repository, self.bringer.clock.now());
        let recorded = self.bringer.store.record_moves(&MovesRecording { repository, instead_of, moves: recordings, now }).await?;
        Point::MovesRecorded.pass();
        Ok(recorded)
    }

    /// Keeps what branches leave behind in the clone; of what is not to be had any more, what it hangs on.
    async fn keep(&self, mut left_behind: Vec<Revision>) -> Result<(), SyncError> {
        let git = &self.bringer.git;
        let lost = git.bring_back(&self.claim.clone, &self.claim.url, &left_behind).await?;
        left_behind.retain(|revision| !lost.contains(revision));
        left_behind.extend(self.reach.within(lost));
        Ok(git.keep(&self.claim.clone, &left_behind).await?)
    }

    /// Whether a move is all that its branch has done since it was recorded.
    fn is_whole(&self, made: &BranchMove) -> bool {
        made.before == at(&self.recorded.heads, &made.branch) && made.after == at(&self.here, &made.branch)
    }

    /// What a move brought: what its branch did not have; of a branch that was made, what no other had.
    async fn brought(&self, made: &BranchMove, read: Option<&ReadCommits<'_>>) -> Result<Vec<Revision>, SyncError> {
        if made.after == Revision::NULL {
            return Ok(Vec::new());
        }
        let others = || self.recorded.heads.iter().chain(&self.here).filter(|(branch, _)| **branch != made.branch);
        let had: Vec<Revision> = match made.before {
            Revision::NULL => others().map(|(_, head)| *head).collect(),
            before => vec![before],
        };
        match read.filter(|read| read.known == self.reach.within(had.iter().copied())) {
            Some(read) => Ok(read.commits.clone()),
            None => self.reach.between(&[made.after], &had).await,
        }
    }

    /// What a move took: what no branch that is followed has any more.
    async fn dropped(&self, made: &BranchMove, read: Option<&ReadCommits<'_>>) -> Result<Vec<Revision>, SyncError> {
        if !self.reach.has(&made.before) || read.is_some_and(|read| read.goes_on) {
            return Ok(Vec::new());
        }
        let others = self.here.iter().filter(|(branch, _)| **branch != made.branch).map(|(_, head)| *head);
        let left: Vec<Revision> = others.chain([made.after]).collect();
        self.reach.between(&[made.before], &left).await
    }

    /// What is said of followed branches.
    fn noticed(&self) -> impl Iterator<Item = &Noticed> {
        of_followed(&self.recorded, self.followed)
    }

    /// A message may be ahead of what the host shows: ask again, until that has become unlikely.
    pub(super) fn wait_for_announced(&self) -> Result<(), SyncError> {
        let now = self.bringer.clock.now();
        for Noticed { notice, .. } in self.noticed().filter(|noticed| now.duration_since(noticed.taken) < PATIENCE) {
            let is_shown = match notice.after {
                Revision::NULL => self.here.get(&notice.branch) != Some(&notice.before),
                after => self.reach.has(&after),
            };
            if !is_shown {
                let (branch, after, url) = (&notice.branch, notice.after.short(), &self.claim.url);
                return Err(SyncError::Lag(format!("{branch} was announced to be at {after}, which {url} does not show")));
            }
        }
        Ok(())
    }
}

/// Of a repository all branches are told of, most of which nobody may follow.
fn of_followed<'r>(recorded: &'r Branches, followed: &'r [Kept]) -> impl Iterator<Item = &'r Noticed> {
    recorded.notices.iter().filter(|noticed| followed.contains(&noticed.notice.branch))
}

fn is_still_seen(seen: &SeenPush, moves: &[BranchMove]) -> bool {
    matches!(moves, [one] if one.pushed.is_none() && one.before == seen.before && one.after == seen.after)
}
