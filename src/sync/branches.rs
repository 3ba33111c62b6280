//! Brings one repository of git up to date: its host's branches, fetch, commits, and the moves that brought the branches there.
//!
//! Everything is done from what the clone holds after the fetch, so that it does not matter what the host does meanwhile: that is
//! found the next time. Each run of git takes a few milliseconds, so what is known already is not asked again.

use super::SyncError;
use super::batch::Batch;
use super::bringer::{Bringer, Progress};
use super::moves::told_apart;
use crate::domain::{
    BranchMove, Changeset, DAY, ErrorClass, Kept, LocaleRules, Notice, Repository, RepositoryUrl, Revision, milliseconds,
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
        let mut recorded = self.store.branches(claim.repository).await?;
        let told_of = told_of(claim, &recorded).filter(|_| self.git.exists(&claim.clone));
        let (host, followed) = match told_of {
            Some(followed) => (None, followed),
            None => {
                let host = self.ask(claim, &recorded).await?;
                let followed = followed(&claim.branches, &claim.url, &host)?;
                (Some(host), followed)
            }
        };
        for _ in 0..TURNS {
            let here = self.obtain_branches(claim, host.as_ref(), &followed).await?;
            let sight = Sight::of(self, claim, &followed, here, recorded).await?;
            let read = sight.record_commits().await?;
            if sight.record_moves(&read).await? == MovesRecorded::Done {
                return sight.wait_for_announced();
            }
            recorded = self.store.branches(claim.repository).await?;
        }
        Err(SyncError::NoEnd(format!("{TURNS} other workers were quicker")))
    }

    /// Asks the host for its branches, and notes what has become of the repository there.
    async fn ask(&self, claim: &Claim, recorded: &Branches) -> Result<HostBranches, SyncError> {
        let host = self.git.ask(&claim.url).await?;
        self.note_moved(claim, host.moved_to.as_deref()).await?;
        self.note_default_branch(claim, &host, recorded).await?;
        Ok(host)
    }

    async fn note_moved(&self, claim: &Claim, to: Option<&str>) -> Result<(), SyncError> {
        if let Some(url) = to {
            self.store.note_moved(claim.repository, url, self.clock.now()).await?;
        }
        Ok(())
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

    /// Fetches, unless the host was asked and the clone has what it shows. Gives where the followed branches are.
    async fn obtain_branches(
        &self,
        claim: &Claim,
        host: Option<&HostBranches>,
        followed: &[Kept],
    ) -> Result<BTreeMap<Kept, Revision>, SyncError> {
        let wanted = |branches: &BTreeMap<Kept, Revision>| -> BTreeMap<Kept, Revision> {
            branches.iter().filter(|(branch, _)| followed.contains(branch)).map(|(branch, head)| (branch.clone(), *head)).collect()
        };
        if let Some(host) = host {
            if !self.git.exists(&claim.clone) {
                self.make_clone(claim, host, followed).await?;
            }
            let here = wanted(&self.git.branches(&claim.clone).await?);
            if here == wanted(&host.branches) {
                return Ok(here);
            }
        }
        let moved_to = self.git.fetch(&claim.clone, &claim.url, followed).await?;
        self.note_moved(claim, moved_to.as_deref()).await?;
        Ok(wanted(&self.git.branches(&claim.clone).await?))
    }

    async fn make_clone(&self, claim: &Claim, host: &HostBranches, followed: &[Kept]) -> Result<(), SyncError> {
        let started = Instant::now();
        let progress = |bytes| (self.watcher)(&claim.name, Progress::Cloning { bytes });
        self.git.make(&claim.clone, &claim.url, host, followed, progress).await?;
        tracing::info!(repository.name = %claim.name, duration_ms = milliseconds(started.elapsed()), "cloned");
        Ok(())
    }
}

/// What is known of a repository's branches in one go.
struct Sight<'a> {
    bringer: &'a Bringer,
    claim: &'a Claim,
    followed: &'a [Kept],
    /// Where the followed branches are.
    here: BTreeMap<Kept, Revision>,
    /// Where they were recorded to be, and what is said of them.
    recorded: Branches,
    /// Which of all these commits, and of those that are spoken of, the clone has.
    in_clone: HashSet<Revision>,
    locale_rules: Option<LocaleRules>,
}

/// What was read of the commits of a branch that has moved.
struct ReadCommits<'s> {
    branch: &'s Kept,
    /// Neither these nor what they descend from was read.
    known: BTreeSet<Revision>,
    /// Parents before children.
    commits: Vec<Revision>,
    /// One of them is a child of where the branch was.
    goes_on: bool,
}

impl<'a> Sight<'a> {
    async fn of(
        bringer: &'a Bringer,
        claim: &'a Claim,
        followed: &'a [Kept],
        here: BTreeMap<Kept, Revision>,
        recorded: Branches,
    ) -> Result<Sight<'a>, SyncError> {
        let noticed = recorded.notices.iter().flat_map(|noticed| [noticed.notice.before, noticed.notice.after]);
        let seen = recorded.seen.iter().flat_map(|seen| [seen.before, seen.after]);
        let all = recorded.heads.values().chain(here.values()).copied().chain(noticed).chain(seen);
        let in_clone = bringer.git.those_in(&claim.clone, all).await?.into_iter().collect();
        let locale_rules = bringer.store.locale_rules(claim.repository).await?;
        Ok(Sight { bringer, claim, followed, here, recorded, in_clone, locale_rules })
    }

    /// Records what the branches have and nothing recorded descends from.
    async fn record_commits(&self) -> Result<Vec<ReadCommits<'_>>, SyncError> {
        let mut known = self.in_clone(self.recorded.heads.values().copied());
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
                let (recorded, read) = tokio::join!(self.bringer.store.record(&recording), next_batch(&mut commits));
                recorded?;
                next = read?;
                (self.bringer.watcher)(&self.claim.name, Progress::Recording { done, of: done });
            }
            known.push(*head);
            all.push(read);
        }
        Ok(all)
    }

    /// Records the moves of the branches: those that were only seen, as far as somebody has told of them since, and new ones.
    async fn record_moves(&self, read: &[ReadCommits<'_>]) -> Result<MovesRecorded, SyncError> {
        let notices: Vec<Notice> = self.noticed().map(|noticed| noticed.notice.clone()).collect();
        let is_here = |end: &Revision| self.in_clone.contains(end);
        for seen in &self.recorded.seen {
            let moves = told_apart(&seen.branch, seen.before, seen.after, &notices, is_here);
            if !is_still_seen(seen, &moves) && self.record(Some(seen.clone()), moves, &[]).await? == MovesRecorded::Overtaken {
                return Ok(MovesRecorded::Overtaken);
            }
        }
        let moved = |branch: &Kept| {
            let (from, to) = (at(&self.recorded.heads, branch), at(&self.here, branch));
            (from != to).then(|| told_apart(branch, from, to, &notices, is_here))
        };
        let moves: Vec<BranchMove> = self.branches().into_iter().filter_map(moved).flatten().collect();
        if moves.is_empty() { Ok(MovesRecorded::Done) } else { self.record(None, moves, read).await }
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
        self.bringer.git.keep(&self.claim.clone, &left_behind).await?;
        let (repository, now) = (self.claim.repository, self.bringer.clock.now());
        Ok(self.bringer.store.record_moves(&MovesRecording { repository, instead_of, moves: recordings, now }).await?)
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
        let had = self.in_clone(had);
        match read.filter(|read| read.known.iter().eq(&had.iter().copied().collect::<BTreeSet<_>>())) {
            Some(read) => Ok(read.commits.clone()),
            None => Ok(self.bringer.git.revisions(&self.claim.clone, &[made.after], &had).await?),
        }
    }

    /// What a move took: what no branch that is followed has any more.
    async fn dropped(&self, made: &BranchMove, read: Option<&ReadCommits<'_>>) -> Result<Vec<Revision>, SyncError> {
        let had = self.in_clone([made.before]);
        if had.is_empty() || read.is_some_and(|read| read.goes_on) {
            return Ok(Vec::new());
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
    fn wait_for_announced(&self) -> Result<(), SyncError> {
        let now = self.bringer.clock.now();
        for Noticed { notice, .. } in self.noticed().filter(|noticed| now.duration_since(noticed.taken) < PATIENCE) {
            let is_shown = match notice.after {
                Revision::NULL => self.here.get(&notice.branch) != Some(&notice.before),
                after => self.in_clone.contains(&after),
            };
            if !is_shown {
                let (branch, after, url) = (&notice.branch, notice.after.short(), &self.claim.url);
                return Err(SyncError::Lag(format!("{branch} was announced to be at {after}, which {url} does not show")));
            }
        }
        Ok(())
    }

    fn in_clone(&self, revisions: impl IntoIterator<Item = Revision>) -> Vec<Revision> {
        revisions.into_iter().filter(|revision| self.in_clone.contains(revision)).collect()
    }
}

/// The branches to fetch without asking the host for those it has, which takes as long as the fetch: where a push goes on from what is
/// recorded. Not at a second try, since then the host does not show what was told.
fn told_of(claim: &Claim, recorded: &Branches) -> Option<Vec<Kept>> {
    let mut alive = recorded.heads.iter().filter(|(_, head)| **head != Revision::NULL).map(|(branch, _)| branch);
    let followed = match (&claim.branches[..], alive.next(), alive.next()) {
        ([], Some(only), None) => vec![only.clone()],
        ([], ..) => return None,
        (named, ..) => named.to_vec(),
    };
    let goes_on = |Noticed { notice, .. }: &Noticed| {
        followed.contains(&notice.branch)
            && notice.after != Revision::NULL
            && recorded.heads.get(&notice.branch) == Some(&notice.before)
    };
    (claim.attempts == 0 && recorded.notices.iter().any(goes_on)).then_some(followed)
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
