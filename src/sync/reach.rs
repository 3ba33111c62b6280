//! Which commits lead to which, where the clone has only some of them. A worker whose clones are its own may see a branch after its host
//! dropped what other workers had recorded: such commits are in the database and come into this clone no more.

use super::SyncError;
use super::bringer::Bringer;
use crate::domain::{RepositoryName, Revision};
use crate::store::{Claim, Standing};
use std::collections::{BTreeSet, HashMap, HashSet};

/// So many ancestors are read first, and more the next time.
const ANCESTORS: usize = 256;
const TIMES_MORE: usize = 16;

/// What clone and database together know of some commits.
pub(super) struct Reach<'a> {
    bringer: &'a Bringer,
    clone: &'a RepositoryName,
    in_clone: HashSet<Revision>,
    /// Those that are recorded and not in the clone.
    beyond: HashMap<Revision, Beyond>,
}

/// A commit beyond the clone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Beyond {
    /// The commit and those of its ancestors that are beyond the clone too, parents first.
    missing: Vec<Revision>,
    /// Their parents that are in the clone.
    edge: BTreeSet<Revision>,
}

impl<'a> Reach<'a> {
    pub(super) async fn of(
        bringer: &'a Bringer,
        claim: &'a Claim,
        revisions: impl IntoIterator<Item = Revision>,
    ) -> Result<Reach<'a>, SyncError> {
        let clone = &claim.clone;
        let revisions: BTreeSet<Revision> = revisions.into_iter().filter(|revision| *revision != Revision::NULL).collect();
        let in_clone: HashSet<Revision> = bringer.git.those_in(clone, revisions.iter().copied()).await?.into_iter().collect();
        let elsewhere: Vec<Revision> = revisions.into_iter().filter(|revision| !in_clone.contains(revision)).collect();
        let mut reach = Reach { bringer, clone, in_clone, beyond: HashMap::new() };
        if elsewhere.is_empty() {
            return Ok(reach);
        }
        // Most are of pushes that the host does not show yet.
        let standing = bringer.store.standing(claim.repository, claim.generation, &elsewhere).await?;
        for (revision, _) in elsewhere.into_iter().zip(standing).filter(|(_, standing)| *standing != Standing::Unknown) {
            if let Some(beyond) = beyond(bringer, clone, revision).await? {
                reach.beyond.insert(revision, beyond);
            }
        }
        Ok(reach)
    }

    /// The commit is in the clone, or was recorded by somebody who had it.
    pub(super) fn has(&self, revision: &Revision) -> bool {
        self.in_clone.contains(revision) || self.beyond.contains_key(revision)
    }

    /// These as far as they are in the clone, and where those beyond it lead into it.
    pub(super) fn within(&self, revisions: impl IntoIterator<Item = Revision>) -> BTreeSet<Revision> {
        let within = |revision: Revision| match self.beyond.get(&revision) {
            Some(beyond) => beyond.edge.clone(),
            None => self.in_clone.get(&revision).copied().into_iter().collect(),
        };
        revisions.into_iter().flat_map(within).collect()
    }

    /// Names the commits that `tips` descend from and `known` do not, parents first.
    pub(super) async fn between(&self, tips: &[Revision], known: &[Revision]) -> Result<Vec<Revision>, SyncError> {
        let inside = |revisions: &[Revision]| self.within(revisions.iter().copied()).into_iter().collect::<Vec<_>>();
        let mut between = self.bringer.git.revisions(self.clone, &inside(tips), &inside(known)).await?;
        let mut passed: HashSet<Revision> = self.missing(known).collect();
        between.extend(self.missing(tips).filter(|revision| passed.insert(*revision)));
        Ok(between)
    }

    fn missing(&self, revisions: &[Revision]) -> impl Iterator<Item = Revision> {
        revisions.iter().filter_map(|revision| self.beyond.get(revision)).flat_map(|beyond| beyond.missing.iter().copied())
    }
}

/// Where a commit that is not in the clone hangs on to it; none where nobody has recorded it.
async fn beyond(bringer: &Bringer, clone: &RepositoryName, revision: Revision) -> Result<Option<Beyond>, SyncError> {
    let (mut most, mut read) = (ANCESTORS, 0);
    loop {
        let parents = bringer.store.ancestry(revision, most).await?;
        let in_clone = bringer.git.those_in(clone, parents.values().flatten().copied()).await?.into_iter().collect();
        match walk(revision, &parents, &in_clone) {
            None if parents.len() > read => (most, read) = (most * TIMES_MORE, parents.len()),
            found => return Ok(found),
        }
    }
}

/// Goes from a commit to its ancestors until the clone has them; none where the way leads to one that is not recorded.
fn walk(from: Revision, parents: &HashMap<Revision, Vec<Revision>>, in_clone: &HashSet<Revision>) -> Option<Beyond> {
    let mut beyond = Beyond::default();
    let (mut seen, mut way) = (HashSet::new(), vec![(from, false)]);
    while let Some((at, are_parents_done)) = way.pop() {
        if are_parents_done {
            beyond.missing.push(at);
        } else if in_clone.contains(&at) {
            beyond.edge.insert(at);
        } else if seen.insert(at) {
            way.push((at, true));
            way.extend(parents.get(&at)?.iter().map(|parent| (*parent, false)));
        }
    }
    Some(beyond)
}

#[cfg(test)]
mod tests {
    use super::{Beyond, walk};
    use crate::domain::Revision;
    use std::collections::{HashMap, HashSet};

    fn commit(name: char) -> Revision {
        Revision::from_bytes([u8::try_from(name).unwrap(); 20])
    }

    /// Commits as `child:parents`; those in the clone in capitals. Gives what is missing, and the edge.
    fn check(history: &str, expected: Option<(&str, &str)>) {
        let mut parents = HashMap::new();
        let mut in_clone = HashSet::new();
        for one in history.split(' ') {
            let (child, of) = one.split_once(':').unwrap();
            in_clone.extend(one.chars().filter(char::is_ascii_uppercase).map(commit));
            parents.insert(commit(child.chars().next().unwrap()), of.chars().map(commit).collect());
        }
        let beyond = |(missing, edge): (&str, &str)| Beyond {
            missing: missing.chars().map(commit).collect(),
            edge: edge.chars().map(commit).collect(),
        };
        assert_eq!(walk(commit('z'), &parents, &in_clone), expected.map(beyond), "{history}");
    }

    #[test]
    fn a_commit_beyond_the_clone_hangs_on_to_it() {
        check("z:A", Some(("z", "A")));
        check("z:y y:x x:A", Some(("xyz", "A")));
        check("z:Ay y:B", Some(("yz", "AB")));
        check("z:", Some(("z", "")));
    }

    #[test]
    fn ways_that_part_and_meet_are_walked_once_parents_first() {
        check("z:xy y:x x:w w:A", Some(("wxyz", "A")));
        check("z:xy y:w x:w w:A", Some(("wyxz", "A")));
    }

    #[test]
    fn what_leads_to_a_commit_that_nobody_has_recorded_is_not_known() {
        check("z:y", None);
        check("a:b", None);
    }
}
