//! Brings one repository of git up to date: its host's branches, fetch, commits, and the moves that brought the branches there.
//!
//! Everything is done from what the clone holds after the fetch, so that it does not matter what the host does meanwhile: that is
//! found the next time.

use super::SyncError;
use super::bringer::{Bringer, Progress};
use super::moves::told_apart;
use crate::domain::{BranchMove, Changeset, ErrorClass, Kept, Notice, Repository, RepositoryUrl, Revision, milliseconds};
use crate::fetch::{CommitReader, FetchError, HostBranches};
use crate::store::{Branches, Claim, MoveRecording, MovesRecorded, MovesRecording, Noticed, Recording, SeenPush};
use jiff::SignedDuration;
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// What one transaction takes at most: commits, paths, bytes of text.
const BATCH: usize = 1000;
const BATCH_FILES: usize = 20_000;
const BATCH_BYTES: usize = 4 << 20;
/// How often another worker may be quicker within one go.
const TURNS: u32 = 4;
/// A commit that was announced and that the host has not shown for so long never will be.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

impl Bringer {
    /// Brings the branches of a claimed repository up to date.
    pub(super) async fn bring_branches(&self, claim: &Claim) -> Result<(), SyncError> {
        let host = self.git.ask(&claim.url).await?;
        if let Some(url) = &host.moved_to {
            self.store.note_moved(claim.repository, url, self.clock.now()).await?;
        }
        let followed = followed(&claim.branches, &claim.url, &host)?;
        for _ in 0..TURNS {
            let recorded = self.store.branches(claim.repository).await?;
            let here = self.obtain_branches(claim, &host, &followed, &recorded).await?;
            self.record_commits(claim, &here, &recorded).await?;
            if self.record_moves(claim, &followed, &here, &recorded).await? == MovesRecorded::Done {
                return self.wait_for_announced(claim, &followed, &here, &recorded).await;
            }
        }
        Err(SyncError::NoEnd(format!("{TURNS} other workers were quicker")))
    }

    /// The branches that are followed and not where they were recorded.
    ///
    /// # Errors
    /// When the host or the database does not answer.
    pub async fn moved(&self, repository: &Repository) -> Result<Vec<Kept>, SyncError> {
        let host = self.git.ask(&repository.url).await?;
        let recorded = self.store.branches(repository.id).await?;
        let followed = followed(&repository.branches, &repository.url, &host)?;
        let shown = |branch: &Kept| host.branches.get(branch).copied().unwrap_or(Revision::NULL);
        let was = |branch: &Kept| recorded.heads.get(branch).copied().unwrap_or(Revision::NULL);
        Ok(followed.into_iter().filter(|branch| shown(branch) != was(branch)).collect())
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
        let keep: Vec<Revision> =
            recorded.heads.values().chain(here.values()).copied().filter(|head| *head != Revision::NULL).collect();
        let fetched = self.git.fetch(&claim.clone, &claim.url, followed, &self.here(claim, keep).await?).await?;
        Ok(wanted(&fetched))
    }

    async fn make_clone(&self, claim: &Claim, host: &HostBranches, followed: &[Kept]) -> Result<(), SyncError> {
        let started = Instant::now();
        let progress = |bytes| (self.watcher)(&claim.name, Progress::Cloning { bytes });
        self.git.make(&claim.clone, &claim.url, host, followed, progress).await?;
        tracing::info!(repository.name = %claim.name, duration_ms = milliseconds(started.elapsed()), "cloned");
        Ok(())
    }

    /// Those of these commits that are in the clone: one that was made anew does not have what was dropped before.
    async fn here(&self, claim: &Claim, revisions: impl IntoIterator<Item = Revision>) -> Result<Vec<Revision>, FetchError> {
        let mut here = Vec::new();
        for revision in revisions.into_iter().collect::<HashSet<_>>() {
            if self.git.has(&claim.clone, &revision).await? {
                here.push(revision);
            }
        }
        Ok(here)
    }

    /// Records what the branches have and nothing recorded descends from.
    async fn record_commits(&self, claim: &Claim, here: &BTreeMap<Kept, Revision>, recorded: &Branches) -> Result<(), SyncError> {
        let mut known = self.here(claim, heads(recorded)).await?;
        let mut done = 0;
        for (branch, head) in here.iter().filter(|(branch, head)| recorded.heads.get(*branch) != Some(head)) {
            let mut commits = self.git.commits(&claim.clone, &[*head], &known, branch)?;
            while let Some(changesets) = next_batch(&mut commits).await? {
                done += changesets.len() as u64;
                self.store.record(&recording(claim, changesets)).await?;
                (self.watcher)(&claim.name, Progress::Recording { done, of: done });
            }
            known.push(*head);
        }
        Ok(())
    }

    /// Records the moves of the branches: those that were only seen, as far as somebody has told of them since, and new ones.
    async fn record_moves(
        &self,
        claim: &Claim,
        followed: &[Kept],
        here: &BTreeMap<Kept, Revision>,
        recorded: &Branches,
    ) -> Result<MovesRecorded, SyncError> {
        let notices = self.usable(claim, followed, recorded).await?;
        for seen in &recorded.seen {
            let moves = told_apart(&seen.branch, seen.before, seen.after, &notices, |_| true);
            if !is_still_seen(seen, &moves)
                && self.record_as(claim, here, Some(seen.clone()), moves).await? == MovesRecorded::Overtaken
            {
                return Ok(MovesRecorded::Overtaken);
            }
        }
        let moved = |branch: &Kept| {
            let from = recorded.heads.get(branch).copied().unwrap_or(Revision::NULL);
            let to = here.get(branch).copied().unwrap_or(Revision::NULL);
            (from != to).then(|| told_apart(branch, from, to, &notices, |_| true))
        };
        // Branches that are made come before those that are deleted: what only changed its name is not dropped.
        let mut branches: Vec<&Kept> = followed.iter().chain(recorded.heads.keys()).collect::<HashSet<_>>().into_iter().collect();
        branches.sort_by_key(|branch| (!here.contains_key(*branch), *branch));
        let moves: Vec<BranchMove> = branches.into_iter().filter_map(moved).flatten().collect();
        if moves.is_empty() { Ok(MovesRecorded::Done) } else { self.record_as(claim, here, None, moves).await }
    }

    async fn record_as(
        &self,
        claim: &Claim,
        here: &BTreeMap<Kept, Revision>,
        instead_of: Option<SeenPush>,
        moves: Vec<BranchMove>,
    ) -> Result<MovesRecorded, SyncError> {
        let mut recordings = Vec::with_capacity(moves.len());
        for made in moves {
            recordings.push(self.with_commits(claim, here, made).await?);
        }
        let recording = MovesRecording { repository: claim.repository, instead_of, moves: recordings, now: self.clock.now() };
        Ok(self.store.record_moves(&recording).await?)
    }

    /// What a move brought: what its branch did not have. What it took: what no branch that is followed has any more.
    async fn with_commits(
        &self,
        claim: &Claim,
        here: &BTreeMap<Kept, Revision>,
        made: BranchMove,
    ) -> Result<MoveRecording, SyncError> {
        let others: Vec<Revision> = here.iter().filter(|(branch, _)| **branch != made.branch).map(|(_, head)| *head).collect();
        let before = if made.before == Revision::NULL { others.clone() } else { self.here(claim, [made.before]).await? };
        let brought = match made.after {
            Revision::NULL => Vec::new(),
            after => self.git.revisions(&claim.clone, &[after], &before).await?,
        };
        let left: Vec<Revision> = others.into_iter().chain([made.after]).filter(|head| *head != Revision::NULL).collect();
        let gone = if made.before == Revision::NULL { Vec::new() } else { self.here(claim, [made.before]).await? };
        let dropped = if gone.is_empty() { gone } else { self.git.revisions(&claim.clone, &gone, &left).await? };
        Ok(MoveRecording { made, brought, dropped })
    }

    /// Notices of followed branches whose commits are here.
    async fn usable(&self, claim: &Claim, followed: &[Kept], recorded: &Branches) -> Result<Vec<Notice>, SyncError> {
        let of_followed = recorded.notices.iter().filter(|noticed| followed.contains(&noticed.notice.branch));
        let notices: Vec<&Notice> = of_followed.map(|noticed| &noticed.notice).collect();
        let ends = notices.iter().flat_map(|notice| [notice.before, notice.after]).filter(|end| *end != Revision::NULL);
        let here: HashSet<Revision> = self.here(claim, ends).await?.into_iter().chain([Revision::NULL]).collect();
        let are_here = |notice: &&&Notice| here.contains(&notice.before) && here.contains(&notice.after);
        Ok(notices.iter().filter(are_here).map(|notice| (*notice).clone()).collect())
    }

    /// A message may be ahead of what the host shows: ask again, until that has become unlikely.
    async fn wait_for_announced(
        &self,
        claim: &Claim,
        followed: &[Kept],
        here: &BTreeMap<Kept, Revision>,
        recorded: &Branches,
    ) -> Result<(), SyncError> {
        let now = self.clock.now();
        let is_fresh = |noticed: &&Noticed| now.duration_since(noticed.taken) < PATIENCE;
        let of_followed = recorded.notices.iter().filter(|noticed| followed.contains(&noticed.notice.branch));
        for Noticed { notice, .. } in of_followed.filter(is_fresh) {
            let is_shown = match notice.after {
                Revision::NULL => here.get(&notice.branch) != Some(&notice.before),
                after => self.git.has(&claim.clone, &after).await?,
            };
            if !is_shown {
                let (branch, after, url) = (&notice.branch, notice.after.short(), &claim.url);
                return Err(SyncError::Lag(format!("{branch} was announced to be at {after}, which {url} does not show")));
            }
        }
        Ok(())
    }
}

/// The branches that are followed: those that are named, or the one that the host calls its HEAD.
fn followed(named: &[Kept], url: &RepositoryUrl, host: &HostBranches) -> Result<Vec<Kept>, SyncError> {
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

fn heads(recorded: &Branches) -> Vec<Revision> {
    recorded.heads.values().copied().filter(|head| *head != Revision::NULL).collect()
}

fn is_still_seen(seen: &SeenPush, moves: &[BranchMove]) -> bool {
    matches!(moves, [one] if one.pushed.is_none() && one.before == seen.before && one.after == seen.after)
}

fn recording(claim: &Claim, changesets: Vec<Changeset>) -> Recording {
    let (repository, generation) = (claim.repository, claim.generation);
    Recording { repository, generation, changesets, held: Vec::new(), pushes: Vec::new() }
}

/// As many commits as one transaction takes; none at the end.
async fn next_batch(commits: &mut CommitReader) -> Result<Option<Vec<Changeset>>, FetchError> {
    let (mut batch, mut files, mut bytes) = (Vec::new(), 0, 0);
    while batch.len() < BATCH && files < BATCH_FILES && bytes < BATCH_BYTES {
        let Some(changeset) = commits.next().await? else {
            break;
        };
        files += changeset.files.len();
        bytes += changeset.description.as_str().len() + changeset.author.as_str().len();
        batch.push(changeset);
    }
    Ok((!batch.is_empty()).then_some(batch))
}
