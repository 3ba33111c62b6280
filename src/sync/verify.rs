//! Holds the database against the clones and the pushlogs: both sides as plain data, a pure difference, then mending.

use super::SyncError;
use super::bringer::Bringer;
use crate::domain::{Changeset, ErrorClass, Kept, Push, Repository, RepositoryName, Revision, Twins, Vcs, in_full};
use crate::fetch::{History, page_after};
use crate::store::{KeptChangeset, KeptPush};
use std::collections::{BTreeMap, BTreeSet};

/// One thing in which the database and the outside differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The host or the clone has it, the database does not.
    MissingChangeset(Revision),
    /// The database has it, the clone does not, and no push says why.
    ExtraChangeset(Revision),
    /// A push brought it, and the clone does not have it: it was stripped, or its branch dropped it, before the clone was made.
    Stripped(Revision),
    WrongParents(Revision),
    WrongFiles(Revision),
    MissingPush(u64),
    /// The database has it; the pushlog lists no such push, which is normal after a strip.
    ExtraPush(u64),
    WrongPush(u64),
    /// The last push of this branch of git does not lead to where the clone has it.
    WrongBranch(Kept),
    /// The pushlog says which commit of git the changeset is, the database does not.
    MissingTwin(Twins),
    /// What the database is to be held against cannot be read, for this reason.
    DamagedClone(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Difference::MissingChangeset(revision) => write!(f, "changeset {revision} is missing from the database"),
            Difference::ExtraChangeset(revision) => write!(f, "changeset {revision} is in the database, not in the clone"),
            Difference::Stripped(revision) => {
                write!(f, "changeset {revision} came with a push, and is not in the clone (stripped or dropped upstream?)")
            }
            Difference::WrongParents(revision) => write!(f, "changeset {revision} has other parents in the clone"),
            Difference::WrongFiles(revision) => write!(f, "changeset {revision} has other files in the clone"),
            Difference::MissingPush(id) => write!(f, "push {id} is missing from the database"),
            Difference::ExtraPush(id) => write!(f, "push {id} is in the database, not in the pushlog (stripped there?)"),
            Difference::WrongPush(id) => write!(f, "push {id} is another one in the pushlog"),
            Difference::MissingTwin(Twins { changeset, commit }) => {
                write!(f, "changeset {changeset} is commit {commit} of git by the pushlog, which the database does not say")
            }
            Difference::DamagedClone(reason) => write!(f, "the clone is damaged, --fix sets it aside and makes another: {reason}"),
            Difference::WrongBranch(branch) => write!(f, "the pushes of branch {branch} do not lead to where the clone has it"),
        }
    }
}

impl Difference {
    /// Says whether this is what was once upstream and is there no more, which stays recorded on purpose.
    pub fn is_history(&self) -> bool {
        matches!(self, Difference::ExtraPush(_) | Difference::Stripped(_))
    }
}

/// Compares, and mends.
pub struct Verifier {
    pub bringer: Bringer,
}

/// Changesets compared at a time.
const STEP: usize = 2000;

impl Verifier {
    /// What differs for one repository.
    ///
    /// # Errors
    /// When its host or the database does not answer, or the disk does not do as asked.
    pub async fn differences(&self, repository: &Repository, clone: &RepositoryName) -> Result<Vec<Difference>, SyncError> {
        let found = match repository.vcs {
            Vcs::Mercurial => self.pushlog_differences(repository, clone).await,
            Vcs::Git => self.branch_differences(repository, clone).await,
        };
        match found {
            // A clone that nobody had to read since may be damaged for long.
            Err(SyncError::Fetch(error)) if error.class == ErrorClass::Corrupt => {
                Ok(vec![Difference::DamagedClone(in_full(&error))])
            }
            found => found,
        }
    }

    async fn pushlog_differences(&self, repository: &Repository, clone: &RepositoryName) -> Result<Vec<Difference>, SyncError> {
        self.freshen(repository, clone).await?;
        let pushlog = self.whole_pushlog(repository).await?;
        let heads = crate::fetch::heads(&self.bringer.http, &repository.url).await?;
        let mut history = self.bringer.clones.open(clone).await?;
        let mut differences = self.compare_changesets(repository, &mut history, &pushlog, &heads).await?;
        let kept = self.bringer.store.kept_pushes(repository.id, repository.generation).await?;
        differences.extend(compare_pushes(&pushlog, &kept));
        differences.extend(self.missing_twins(&pushlog).await?);
        differences.sort();
        Ok(differences)
    }

    /// Another machine's worker may have done the work: what the database is held against has to be whole itself.
    async fn freshen(&self, repository: &Repository, clone: &RepositoryName) -> Result<(), SyncError> {
        let clones = &self.bringer.clones;
        if clones.exists(clone) {
            return Ok(clones.pull(clone, &repository.url).await?);
        }
        Ok(clones.make(clone, &repository.url, |_| {}).await?)
    }

    /// Mends what can be mended: changesets that differ are forgotten and recorded anew, the repository is looked at again.
    /// The caller lets the lanes work after that.
    pub async fn mend(&self, repository: &Repository, differences: &[Difference]) -> Result<(), SyncError> {
        let store = &self.bringer.store;
        let mut anew = Vec::new();
        let mut extra = Vec::new();
        for difference in differences {
            match difference {
                Difference::WrongFiles(revision) | Difference::WrongParents(revision) => anew.push(*revision),
                Difference::ExtraChangeset(revision) => extra.push(*revision),
                Difference::DamagedClone(reason) => {
                    self.bringer.clones.set_aside(&store.clone_of(repository.id).await?, reason)?;
                }
                _ => {}
            }
        }
        store.unknow(&anew).await?;
        store.let_go(repository.id, &extra).await?;
        let missing = |difference: &Difference| matches!(difference, Difference::MissingChangeset(_));
        if !anew.is_empty() || differences.iter().any(missing) {
            store.let_go_of_all(repository.id).await?;
            if repository.vcs == Vcs::Git {
                self.record_all(repository, &store.clone_of(repository.id).await?).await?;
            }
        }
        let twins = differences.iter().filter_map(|difference| match difference {
            Difference::MissingTwin(twins) => Some(*twins),
            _ => None,
        });
        store.record_twins(&twins.collect::<Vec<_>>()).await?;
        let pushes = differences.iter().filter_map(|difference| match difference {
            Difference::MissingPush(id) | Difference::WrongPush(id) => Some(*id),
            _ => None,
        });
        if let Some(first) = pushes.min().filter(|_| repository.vcs == Vcs::Mercurial) {
            store.read_pushes_again(repository.id, first).await?;
        }
        store.want(&repository.name, self.bringer.clock.now()).await?;
        Ok(())
    }

    async fn whole_pushlog(&self, repository: &Repository) -> Result<BTreeMap<u64, Push>, SyncError> {
        let mut pushes = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = page_after(&self.bringer.http, &repository.url, after).await?;
            let Some(last) = page.pushes.last().map(|push| push.id) else {
                return Ok(pushes);
            };
            pushes.extend(page.pushes.into_iter().map(|push| (push.id, push)));
            after = last;
        }
    }

    async fn missing_twins(&self, pushlog: &BTreeMap<u64, Push>) -> Result<Vec<Difference>, SyncError> {
        let twins: Vec<Twins> = pushlog.values().flat_map(|push| &push.twins).copied().collect();
        let mut missing = Vec::new();
        for twins in twins.chunks(STEP) {
            missing.extend(self.bringer.store.unknown_twins(twins).await?.into_iter().map(Difference::MissingTwin));
        }
        Ok(missing)
    }

    async fn compare_changesets(
        &self,
        repository: &Repository,
        history: &mut History,
        pushlog: &BTreeMap<u64, Push>,
        heads: &[Revision],
    ) -> Result<Vec<Difference>, SyncError> {
        let named: Vec<Revision> =
            pushlog.values().flat_map(|push| push.changesets.iter().copied()).chain(heads.iter().copied()).collect();
        let found = history.revs(&named);
        let mut differences: Vec<Difference> = named
            .iter()
            .filter(|revision| !found.contains_key(revision))
            .map(|revision| Difference::MissingChangeset(*revision))
            .collect();
        let expected = super::recorder::ancestors(history, found.into_values().collect());
        let mut held = self.bringer.store.held_by(repository.id, repository.generation).await?;
        for revs in expected.chunks(STEP) {
            let revisions: Vec<Revision> = revs.iter().map(|rev| history.revision(*rev)).collect();
            let kept = self.bringer.store.kept_changesets(&revisions).await?;
            for rev in revs {
                let is_held = held.remove(&history.revision(*rev));
                differences.extend(compare_changeset(history, *rev, is_held, &kept)?);
            }
        }
        let in_clone = history.revs(&held.iter().copied().collect::<Vec<_>>());
        held.retain(|revision| !in_clone.contains_key(revision));
        differences.extend(self.not_in_clone(repository, held).await?);
        Ok(differences)
    }

    /// What it means that a repository holds changesets which its clone does not have.
    pub(super) async fn not_in_clone(
        &self,
        repository: &Repository,
        held: BTreeSet<Revision>,
    ) -> Result<Vec<Difference>, SyncError> {
        let held: Vec<Revision> = held.into_iter().collect();
        let mut differences = Vec::new();
        for held in held.chunks(STEP) {
            let pushed = self.bringer.store.those_pushed(repository.id, held).await?;
            let meant = |revision: &Revision| match pushed.contains(revision) {
                true => Difference::Stripped(*revision),
                false => Difference::ExtraChangeset(*revision),
            };
            differences.extend(held.iter().map(meant));
        }
        Ok(differences)
    }
}

fn compare_changeset(
    history: &mut History,
    rev: u32,
    is_held: bool,
    kept: &BTreeMap<Revision, KeptChangeset>,
) -> Result<Option<Difference>, SyncError> {
    Ok(compare(&history.read(rev)?, is_held, kept))
}

/// How a changeset differs from what is kept of it.
pub(super) fn compare(changeset: &Changeset, is_held: bool, kept: &BTreeMap<Revision, KeptChangeset>) -> Option<Difference> {
    let revision = changeset.revision;
    let Some(kept) = kept.get(&revision).filter(|_| is_held) else {
        return Some(Difference::MissingChangeset(revision));
    };
    if kept.parents != changeset.parents {
        return Some(Difference::WrongParents(revision));
    }
    let files: BTreeSet<&Kept> = changeset.files.iter().collect();
    (kept.files.iter().collect::<BTreeSet<_>>() != files).then_some(Difference::WrongFiles(revision))
}

fn compare_pushes(pushlog: &BTreeMap<u64, Push>, kept: &BTreeMap<u64, KeptPush>) -> Vec<Difference> {
    let missing = pushlog.keys().filter(|id| !kept.contains_key(id)).map(|id| Difference::MissingPush(*id));
    let extra = kept.keys().filter(|id| !pushlog.contains_key(id)).map(|id| Difference::ExtraPush(*id));
    let wrong = pushlog.values().filter(|push| kept.get(&push.id).is_some_and(|kept| !is_same(push, kept)));
    missing.chain(extra).chain(wrong.map(|push| Difference::WrongPush(push.id))).collect()
}

/// What the pushlog lists is recorded, in its order; more may be, of what became obsolete or was stripped since.
fn is_same(push: &Push, kept: &KeptPush) -> bool {
    let mut recorded = kept.changesets.iter();
    push.user == kept.user
        && push.date == kept.date
        && push.changesets.iter().all(|listed| recorded.any(|revision| revision == listed))
}
