//! Takes over what the database of an old Elmo knows: what is followed, pushes, runs. Old rows come in, checked one by one; what
//! is sound is written by the same ways as everything else, what is not is counted with the reason.
//!
//! The outside's own record stays the truth: a changeset is taken by its name only, until a clone fills it in, and of a
//! repository that is still followed no push is taken that comes after a gap, so that those are read from its host. Everything
//! may be done twice, and goes on where it was interrupted.

use crate::domain::{
    ArtifactName, Compared, Comparison, Counts, Kept, LocaleCode, MAX_PUSH_ID, MOST_COUNTED, NewForest, NewRepository, Published,
    Push, Repository, RepositoryName, RepositoryUrl, Revision, RootUrl, TaskResult, TaskRun, UrlRules, is_tree_code, tree_code,
};
use crate::store::{
    Added, Legacy, LegacyForest, LegacyPush, LegacyRepository, LegacyRun, LegacyTree, Recording, Store, StoreError, Taken,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

/// Where runs of an old Elmo are said to come from; nobody answers there, and nobody ever will.
pub const LEGACY_ROOT: &str = "https://legacy.invalid";
const ARTIFACT: &str = "not-kept";
/// Pushes in one transaction, and runs that are read at once.
const STRETCH: usize = 500;

const NO_DATE: &str = "its date cannot be read";
const NO_ID: &str = "it has no id, or another push has the same";
const HALF_KNOWN: &str = "its changesets are not all there";
const AFTER_A_GAP: &str = "it comes after one that is wrong or missing; read from the host";
const NO_REPOSITORY: &str = "its repository was left out";
const MADE_ANEW: &str = "its repository was made anew since";

/// What became of the rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub taken: u64,
    /// It was there already, and nothing changed.
    pub already: u64,
    /// Why, and how many.
    pub left_out: BTreeMap<String, u64>,
}

/// Takes over one database.
pub struct Import<'i> {
    pub legacy: &'i Legacy,
    pub store: &'i Store,
    pub rules: UrlRules,
    pub now: Timestamp,
}

impl Tally {
    fn leave_out(&mut self, why: impl Into<String>, how_many: u64) {
        if how_many > 0 {
            *self.left_out.entry(why.into()).or_default() += how_many;
        }
    }

    /// Counts a row that the store took, or why it did not; only what is wrong with the database itself is an error.
    fn note(&mut self, done: Result<Added, Refusal>) -> Result<(), StoreError> {
        match done {
            Ok(Added::New) => self.taken += 1,
            Ok(Added::Already) => self.already += 1,
            Err(Refusal::Of(why)) => self.leave_out(why, 1),
            Err(Refusal::Store(StoreError::Conflict(why))) => self.leave_out(why, 1),
            Err(Refusal::Store(error)) => return Err(error),
        }
        Ok(())
    }
}

/// Why a row is not taken.
enum Refusal {
    Of(String),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Store(error)
    }
}

impl Import<'_> {
    /// Locales with their names.
    pub async fn locales(&self) -> Result<Tally, StoreError> {
        let (mut tally, known) = (Tally::default(), self.store.locales().await?);
        for locale in self.legacy.locales().await? {
            let code = match locale.code.parse::<LocaleCode>() {
                Ok(code) => code,
                Err(error) => {
                    tally.leave_out(error.to_string(), 1);
                    continue;
                }
            };
            self.store.name_locale(&code, locale.name.as_deref(), locale.native.as_deref()).await?;
            let was_there = known.iter().any(|(known, _)| known.code == code);
            tally.note(Ok(if was_there { Added::Already } else { Added::New }))?;
        }
        Ok(tally)
    }

    /// Forests; what is archived there is archived here.
    pub async fn forests(&self) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for forest in self.legacy.forests().await? {
            tally.note(self.forest(&forest).await)?;
        }
        Ok(tally)
    }

    async fn forest(&self, forest: &LegacyForest) -> Result<Added, Refusal> {
        let (name, fork_of) = (checked(&forest.name)?, forest.fork_of.as_deref().map(checked).transpose()?);
        let was_there = self.store.forest(&name).await?.is_some();
        self.store.add_forest(&NewForest { name: name.clone(), url: self.url(&forest.url)?, fork_of }).await?;
        if forest.archived {
            self.store.archive_forest(&name, true).await?;
        }
        Ok(if was_there { Added::Already } else { Added::New })
    }

    /// Repositories; what is archived there is archived here.
    pub async fn repositories(&self) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for repository in self.legacy.repositories().await? {
            tally.note(self.repository(&repository).await)?;
        }
        Ok(tally)
    }

    async fn repository(&self, repository: &LegacyRepository) -> Result<Added, Refusal> {
        let name: RepositoryName = checked(&repository.name)?;
        let new = NewRepository {
            forest: repository.forest.as_deref().map(checked).transpose()?,
            locale: repository.locale.as_deref().map(checked).transpose()?,
            fork_of: repository.fork_of.as_deref().map(checked).transpose()?,
            ..NewRepository::at(name.clone(), self.url(&repository.url)?)
        };
        let added = self.store.add_repository(&new, self.now).await?;
        if repository.archived {
            self.store.archive_repository(&name, true, self.now).await?;
        }
        Ok(added)
    }

    /// The pushes of the repositories that were taken.
    pub async fn pushes(&self) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for repository in self.legacy.repositories().await? {
            let pushes = self.legacy.pushes(repository.id).await?;
            let known = match repository.name.parse() {
                Ok(name) => self.store.repository(&name).await?,
                Err(_) => None,
            };
            match known {
                Some(known) => self.pushes_of(&known, &pushes, &mut tally).await?,
                None => tally.leave_out(NO_REPOSITORY, pushes.len() as u64),
            }
        }
        Ok(tally)
    }

    async fn pushes_of(&self, known: &Repository, pushes: &[LegacyPush], tally: &mut Tally) -> Result<(), StoreError> {
        if known.generation > 1 {
            tally.leave_out(MADE_ANEW, pushes.len() as u64);
            return Ok(());
        }
        let mut sound = sound(pushes, known.archived, tally);
        let all = sound.len();
        sound.retain(|push| push.id > known.last_push);
        tally.already += (all - sound.len()) as u64;
        for stretch in sound.chunks(STRETCH) {
            let recording =
                Recording { pushes: stretch.to_vec(), ..Recording::of_changesets(known.id, known.generation, Vec::new(), None) };
            tally.taken += self.store.record(&recording).await?.pushes;
        }
        Ok(())
    }

    /// Runs, each with its tree, which gets the code that it had.
    pub async fn runs(&self) -> Result<Tally, StoreError> {
        let trees: HashMap<String, LegacyTree> =
            self.legacy.trees().await?.into_iter().map(|tree| (tree.code.clone(), tree)).collect();
        let (mut tally, mut after) = (Tally::default(), 0);
        loop {
            let runs = self.legacy.runs_after(after, STRETCH as i64).await?;
            let Some(last) = runs.last() else { break };
            after = last.id;
            for run in &runs {
                tally.note(self.run(run, &trees).await)?;
            }
        }
        self.name_trees(&trees).await?;
        Ok(tally)
    }

    async fn run(&self, run: &LegacyRun, trees: &HashMap<String, LegacyTree>) -> Result<Added, Refusal> {
        let tree = trees.get(&run.tree).ok_or_else(|| Refusal::Of("its tree has no forest".to_owned()))?;
        let result = result_of(run, tree, self.rules).map_err(Refusal::Of)?;
        match self.store.record_result(&result, self.now).await? {
            Taken::Recorded { .. } => Ok(Added::New),
            Taken::Known => Ok(Added::Already),
        }
    }

    /// Trees are made by their first run, with a code after their forest. Those that nobody has renamed get their old one.
    async fn name_trees(&self, trees: &HashMap<String, LegacyTree>) -> Result<(), StoreError> {
        for known in self.store.trees().await? {
            let Some(code) = known.config.strip_prefix(CONFIGS).filter(|code| trees.contains_key(*code)) else {
                continue;
            };
            if known.code.starts_with(&tree_code(&known.repository, &known.config)) && is_tree_code(code) {
                self.store.rename_tree(&known.code, code).await?;
            }
        }
        Ok(())
    }

    fn url(&self, text: &str) -> Result<RepositoryUrl, Refusal> {
        RepositoryUrl::parse(text, self.rules).map_err(|error| Refusal::Of(error.to_string()))
    }
}

fn checked<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: T::Err| Refusal::Of(error.to_string()))
}

/// The pushes that are what they should be, of all that are ordered by their ids. Of a repository whose host is still asked, only
/// those up to the first gap: whatever comes after the last one that is recorded is read from there.
fn sound(pushes: &[LegacyPush], archived: bool, tally: &mut Tally) -> Vec<Push> {
    let mut sound: Vec<Push> = Vec::new();
    for (place, push) in pushes.iter().enumerate() {
        let neighbours = [place.checked_sub(1), Some(place + 1)];
        let is_double =
            neighbours.into_iter().flatten().filter_map(|other| pushes.get(other)).any(|other| other.push_id == push.push_id);
        let follows = |id: u64| archived || id == sound.last().map_or(0, |last| last.id) + 1;
        match checked_push(push) {
            _ if is_double => tally.leave_out(NO_ID, 1),
            Err(why) => tally.leave_out(why, 1),
            Ok(push) if !follows(push.id) => tally.leave_out(AFTER_A_GAP, 1),
            Ok(push) => sound.push(push),
        }
    }
    sound
}

fn checked_push(push: &LegacyPush) -> Result<Push, &'static str> {
    let id = u64::try_from(push.push_id).ok().filter(|id| (1..=MAX_PUSH_ID).contains(id)).ok_or(NO_ID)?;
    let revision = |text: &Option<String>| text.as_deref()?.parse::<Revision>().ok().filter(|revision| *revision != Revision::NULL);
    let changesets: Vec<Revision> = push.changesets.iter().map(revision).collect::<Option<_>>().ok_or(HALF_KNOWN)?;
    if changesets.is_empty() {
        return Err(HALF_KNOWN);
    }
    let date = push.date.ok_or(NO_DATE)?.as_second();
    Ok(Push { id, user: Kept::from(push.user.as_str()), date, changesets, obsolete: Vec::new(), twins: Vec::new() })
}

/// Where the configurations of trees would be that have none: an old tree is known by its code only.
const CONFIGS: &str = "legacy/";

/// A run as the result of a task that never was: it has a number of its own, so that it is taken once.
fn result_of(run: &LegacyRun, tree: &LegacyTree, rules: UrlRules) -> Result<TaskResult, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let resolved = run.srctime.ok_or("it has no time")?;
    if run.counts.iter().any(|count| !(0..=MOST_COUNTED).contains(count)) {
        return Err("a count of it is none".to_owned());
    }
    let [errors, warnings, missing, report, obsolete, changed, unchanged, keys] = run.counts;
    let counts = Counts { errors, warnings, missing, report, obsolete, changed, unchanged, keys, ..Counts::default() };
    let artifact: ArtifactName = ARTIFACT.parse().map_err(|error| said(&error))?;
    let comparison = Comparison {
        locale: run.locale.parse().map_err(|error| said(&error))?,
        config: format!("{CONFIGS}{}", tree.code),
        artifact: artifact.clone(),
        revisions: compared(run, rules),
        counts,
    };
    let repository = RepositoryUrl::parse(&tree.forest_url, rules).map_err(|error| said(&error))?;
    let root = RootUrl::from_kept(LEGACY_ROOT.to_owned());
    // A name of the shape that tasks' names have.
    let task = format!("legacyRuQ0C{:010}A", run.id).parse().map_err(|error| said(&error))?;
    Ok(TaskResult {
        of: TaskRun { root, task, run: 0 },
        resolved,
        published: Published { compare_locales: String::new(), repository, comparisons: vec![comparison] },
        // Details were files beside the old database.
        artifacts: vec![(artifact, Some(resolved))],
    })
}

/// What was compared, as far as the repository that it is of is known.
fn compared(run: &LegacyRun, rules: UrlRules) -> Vec<Compared> {
    let compared = |(revision, url): &(String, Option<String>)| {
        let repository = RepositoryUrl::parse(url.as_deref()?, rules).ok()?;
        Some(Compared { repository, revision: revision.parse().ok()? })
    };
    let mut compared: Vec<Compared> = run.revisions.iter().filter_map(compared).collect();
    compared.sort_unstable();
    compared.dedup_by(|one, other| one.repository == other.repository);
    compared
}

#[cfg(test)]
mod tests {
    use super::{AFTER_A_GAP, HALF_KNOWN, NO_DATE, NO_ID, Tally, result_of, sound};
    use crate::domain::UrlRules;
    use crate::store::{LegacyPush, LegacyRun, LegacyTree};
    use jiff::Timestamp;

    fn push(push_id: i64) -> LegacyPush {
        let changesets = vec![Some("a".repeat(40))];
        LegacyPush { push_id, user: "a@b".to_owned(), date: Some(Timestamp::UNIX_EPOCH), changesets }
    }

    fn check(pushes: &[LegacyPush], archived: bool, taken: &[u64], left_out: &[(&str, u64)]) {
        let mut tally = Tally::default();
        let ids: Vec<u64> = sound(pushes, archived, &mut tally).iter().map(|push| push.id).collect();
        assert_eq!(ids, taken);
        let left_out = left_out.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect();
        assert_eq!(tally.left_out, left_out);
    }

    #[test]
    fn pushes_are_taken_up_to_the_first_gap_unless_nobody_will_ask_the_host() {
        check(&[push(1), push(2), push(4), push(5)], false, &[1, 2], &[(AFTER_A_GAP, 2)]);
        check(&[push(1), push(2), push(4), push(5)], true, &[1, 2, 4, 5], &[]);
        check(&[], false, &[], &[]);
    }

    #[test]
    fn what_is_there_twice_or_half_known_is_left_out() {
        check(&[push(1), push(2), push(2), push(3)], true, &[1, 3], &[(NO_ID, 2)]);
        check(&[push(0), push(1)], false, &[1], &[(NO_ID, 1)]);
        let half_known = LegacyPush { changesets: vec![Some("a".repeat(40)), None], ..push(2) };
        let empty = LegacyPush { changesets: Vec::new(), ..push(3) };
        check(&[push(1), half_known, empty, push(4)], false, &[1], &[(AFTER_A_GAP, 1), (HALF_KNOWN, 2)]);
        check(&[LegacyPush { date: None, ..push(1) }], true, &[], &[(NO_DATE, 1)]);
    }

    #[test]
    fn a_run_without_a_time_or_with_counts_below_nothing_is_left_out() {
        let tree = LegacyTree { code: "fx".to_owned(), forest_url: "https://hg.example.org/l10n".to_owned() };
        let run = LegacyRun {
            id: 7,
            tree: "fx".to_owned(),
            locale: "de".to_owned(),
            srctime: Some(Timestamp::UNIX_EPOCH),
            counts: [0; 8],
            revisions: vec![("a".repeat(40), None)],
        };
        let result = result_of(&run, &tree, UrlRules::OnlyHttp).unwrap();
        assert_eq!(result.of.task.as_str(), "legacyRuQ0C0000000007A");
        assert!(result.published.comparisons[0].revisions.is_empty());
        assert!(result_of(&LegacyRun { srctime: None, ..run.clone() }, &tree, UrlRules::OnlyHttp).is_err());
        assert!(result_of(&LegacyRun { counts: [-1; 8], ..run }, &tree, UrlRules::OnlyHttp).is_err());
    }
}
