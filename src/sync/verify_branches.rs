//! Holds what is recorded of a repository of git against its clone: its commits, and that its pushes lead each branch to where it is.

use super::SyncError;
use super::branches::{at, followed, next_batch};
use super::verify::{Difference, Verifier, compare};
use crate::domain::{Changeset, Kept, Repository, RepositoryName, Revision};
use crate::store::{MoveRow, Recording};
use std::collections::{BTreeMap, BTreeSet};

impl Verifier {
    /// What differs for one repository of git.
    pub(super) async fn branch_differences(
        &self,
        repository: &Repository,
        clone: &RepositoryName,
    ) -> Result<Vec<Difference>, SyncError> {
        let git = &self.bringer.git;
        self.freshen_branches(repository, clone).await?;
        git.check(clone).await?;
        let moves = self.bringer.store.moves(repository.id).await?;
        let heads = git.branches(clone).await?;
        let mut differences = lead_astray(&moves, &heads);
        let mut held = self.bringer.store.held_by(repository.id, repository.generation).await?;
        let tips: Vec<Revision> = heads.values().copied().collect();
        let mut commits = git.commits(clone, &tips, &[], &Kept::default())?;
        while let Some(step) = next_batch(&mut commits).await? {
            differences.extend(self.compare_step(&step, &mut held).await?);
        }
        // What is left was dropped by its branches, and stays in the clone by our own references.
        let dropped: BTreeSet<Revision> = git.those_in(clone, held.iter().copied()).await?.into_iter().collect();
        differences.extend(self.not_in_clone(repository, held.difference(&dropped).copied().collect()).await?);
        differences.sort();
        Ok(differences)
    }

    /// Another machine's worker may have brought the last pushes, and what they dropped, so that this clone is behind.
    async fn freshen_branches(&self, repository: &Repository, clone: &RepositoryName) -> Result<(), SyncError> {
        let git = &self.bringer.git;
        let host = git.ask(&repository.url).await?;
        let followed = followed(&repository.branches, &repository.url, &host)?;
        let left_behind = self.bringer.store.left_behind(repository.id, repository.generation).await?;
        if git.exists(clone) {
            git.fetch(clone, &repository.url, &followed).await?;
            return Ok(git.bring_back(clone, &repository.url, &left_behind).await.map(drop)?);
        }
        Ok(git.make(clone, &repository.url, (&host, &followed), &left_behind, |_| {}).await?)
    }

    async fn compare_step(&self, commits: &[Changeset], held: &mut BTreeSet<Revision>) -> Result<Vec<Difference>, SyncError> {
        let revisions: Vec<Revision> = commits.iter().map(|commit| commit.revision).collect();
        let kept = self.bringer.store.kept_changesets(&revisions).await?;
        let difference = |commit: &Changeset| compare(commit, held.remove(&commit.revision), &kept);
        Ok(commits.iter().filter_map(difference).collect())
    }

    /// Records everything that the clone has anew; what is there already stays as it is.
    pub(super) async fn record_all(&self, repository: &Repository, clone: &RepositoryName) -> Result<(), SyncError> {
        let (git, store) = (&self.bringer.git, &self.bringer.store);
        let locale_rules = store.locale_rules(repository.id).await?;
        for (branch, head) in git.branches(clone).await? {
            let mut commits = git.commits(clone, &[head], &[], &branch)?;
            while let Some(changesets) = next_batch(&mut commits).await? {
                let (id, generation) = (repository.id, repository.generation);
                store.record(&Recording::of_changesets(id, generation, changesets, locale_rules.clone())).await?;
            }
        }
        Ok(())
    }
}

/// Pushes that do not begin where the one before them on their branch ended, and branches that are not where the last one brought
/// them.
fn lead_astray(moves: &[MoveRow], heads: &BTreeMap<Kept, Revision>) -> Vec<Difference> {
    let mut led: BTreeMap<&Kept, Revision> = BTreeMap::new();
    let mut differences = Vec::new();
    for one in moves {
        if led.insert(&one.branch, one.after).unwrap_or(Revision::NULL) != one.before {
            differences.push(Difference::WrongPush(one.push_id));
        }
    }
    let is_elsewhere = |(branch, after): &(&&Kept, &Revision)| at(heads, branch) != **after;
    differences.extend(led.iter().filter(is_elsewhere).map(|(branch, _)| Difference::WrongBranch((*branch).clone())));
    differences
}

#[cfg(test)]
mod tests {
    use super::lead_astray;
    use crate::domain::{Kept, Revision};
    use crate::store::MoveRow;
    use crate::sync::Difference;
    use std::collections::BTreeMap;

    fn commit(number: u8) -> Revision {
        if number == 0 { Revision::NULL } else { Revision::from_bytes([number; 20]) }
    }

    fn push(push_id: u64, branch: &str, before: u8, after: u8) -> MoveRow {
        MoveRow { push_id, branch: Kept::from(branch), before: commit(before), after: commit(after) }
    }

    #[test]
    fn pushes_lead_each_branch_to_where_it_is() {
        let main = |head| BTreeMap::from([(Kept::from("main"), commit(head))]);
        let straight = [push(1, "main", 0, 1), push(2, "beta", 0, 1), push(3, "main", 1, 2), push(4, "beta", 1, 0)];
        assert_eq!(lead_astray(&straight, &main(2)), []);
        assert_eq!(lead_astray(&straight, &main(1)), [Difference::WrongBranch(Kept::from("main"))]);
        assert_eq!(lead_astray(&[push(1, "main", 0, 1), push(2, "main", 3, 2)], &main(2)), [Difference::WrongPush(2)]);
    }
}
