//! Brings one repository of git up to date: its host's branches, fetch, commits, and the moves that brought the branches there.
//!
//! Everything is done from what the clone holds after the fetch, so that it does not matter what the host does meanwhile: that is
//! found the next time. Each run of git takes a few milliseconds, so what is known already is not asked again.

use super::SyncError;
use super::batch::Batch;
use super::bringer::{Bringer, Progress};
use super::sight::Sight;
use crate::domain::{Changeset, ErrorClass, Kept, Point, Repository, RepositoryUrl, Revision, in_full, milliseconds};
use crate::fetch::{CommitReader, FetchError, HostBranches};
use crate::store::{Branches, Claim, MovesRecorded, Noticed};
use std::collections::BTreeMap;
use std::time::Instant;

/// How often another worker may be quicker within one go.
const TURNS: u32 = 4;

impl Bringer {
    /// Brings the branches of a claimed repository up to date; a clone that turns out to be damaged is replaced.
    pub(super) async fn bring_all_branches(&self, claim: &Claim) -> Result<(), SyncError> {
        match self.bring_branches(claim).await {
            Err(SyncError::Fetch(error)) if error.class == ErrorClass::Corrupt && self.git.exists(&claim.clone) => {
                self.clones.set_aside(&claim.clone, &in_full(&error))?;
                Point::CloneSetAside.pass();
                self.bring_branches(claim).await
            }
            brought => brought,
        }
    }

    async fn bring_branches(&self, claim: &Claim) -> Result<(), SyncError> {
        let mut recorded = self.store.branches(claim.repository).await?;
        let told_of = told_of(claim, &recorded).filter(|_| self.git.exists(&claim.clone));
        let (host, followed) = match told_of {
            Some(followed) => (None, followed),
            None => {
                let host = self.ask(claim, &recorded).await?;
                Point::BranchesAsked.pass();
                let followed = followed(&claim.branches, &claim.url, &host)?;
                (Some(host), followed)
            }
        };
        for _ in 0..TURNS {
            let here = self.obtain_branches(claim, host.as_ref(), &followed).await?;
            let sight = Sight::of(self, claim, &followed, here, recorded).await?;
            let read = sight.record_commits().await?;
            Point::CommitsRecorded.pass();
            let doubtful = sight.doubtful().await?;
            if sight.record_moves(&read, &doubtful).await? == MovesRecorded::Done {
                sight.wait_for_announced()?;
                return sight.wait_for(&doubtful);
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
        Point::BranchesFetched.pass();
        self.note_moved(claim, moved_to.as_deref()).await?;
        Ok(wanted(&self.git.branches(&claim.clone).await?))
    }

    async fn make_clone(&self, claim: &Claim, host: &HostBranches, followed: &[Kept]) -> Result<(), SyncError> {
        let started = Instant::now();
        let progress = |bytes| (self.watcher)(&claim.name, Progress::Cloning { bytes });
        let left_behind = self.store.left_behind(claim.repository, claim.generation).await?;
        self.git.make(&claim.clone, &claim.url, (host, followed), &left_behind, progress).await?;
        tracing::info!(repository.name = %claim.name, duration_ms = milliseconds(started.elapsed()), "cloned");
        Ok(())
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
