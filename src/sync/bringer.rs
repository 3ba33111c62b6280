//! Brings one repository up to date: pushlog, pull, record, until the host shows nothing newer.

use super::judge::{self, Reading};
use super::recorder::{REMEMBERED, Recorder};
use super::{SyncError, judge::give_up_waiting};
use crate::domain::{
    Clock, ErrorClass, Point, Push, RepositoryId, RepositoryName, RepositoryUrl, Revision, Twins, Vcs, in_full, milliseconds,
};
use crate::fetch::{Clones, GitClones, History, Http, Page, heads, page_after, window};
use crate::store::{Claim, Store};
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

/// How far along the work on one repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A clone is being made; so many bytes of it are there.
    Cloning { bytes: u64 },
    /// So many of the changesets to record are recorded.
    Recording { done: u64, of: u64 },
    /// The work is over, whichever way.
    Over,
}

/// Is told how the work goes.
pub type Watcher = Arc<dyn Fn(&RepositoryName, Progress) + Send + Sync>;

/// Nobody watches.
pub fn quiet() -> Watcher {
    Arc::new(|_, _| {})
}

/// Knows how to bring a repository up to date.
#[derive(Clone)]
pub struct Bringer {
    pub store: Store,
    pub http: Http,
    pub clones: Clones,
    pub git: GitClones,
    pub clock: Clock,
    pub watcher: Watcher,
}

/// Where the work stands.
#[derive(Clone, Debug)]
struct At {
    repository: RepositoryId,
    name: RepositoryName,
    url: RepositoryUrl,
    clone: RepositoryName,
    generation: i64,
    announced: u64,
    last_push: u64,
    /// Look at all heads, not only at what the pushlog names.
    wanted: bool,
    attempts: u32,
    failing_since: Option<Timestamp>,
    clone_of_several: bool,
    /// Changesets that were recorded in this go: the repository holds them, nobody needs to be asked.
    held: HashSet<Revision>,
}

/// What became of one round.
enum Round {
    Complete,
    More,
}

/// What a repository's pushlog shows, as far as it is not recorded.
struct News {
    pushes: Vec<Push>,
    /// The pushlog goes on after these pushes.
    more: bool,
}

/// A clone that is open.
struct Obtained {
    history: History,
    /// Everything that the host has was pulled or cloned just now.
    whole: bool,
}

/// More rounds than this without an end are the host's doing: 500 pushes each.
const ROUNDS: u32 = 10_000;
/// How often a repository is taken up anew within one go: another clone, another generation.
const TURNS: u32 = 4;
/// After so many tries a changeset that the pushlog names and the host does not give is recorded as a name only.
const TRIES_FOR_MISSING: u32 = 3;
/// How many of the last pushes are looked at again with all heads, for what the host has come to know of them since.
const LOOKED_AT_AGAIN: u64 = 50;
/// How many of the last pushes are compared when a pushlog has become shorter.
const COMPARED: u64 = 50;

impl Bringer {
    /// Brings the claimed repository up to date.
    ///
    /// # Errors
    /// With the class of what stands in the way. What was recorded until then stays.
    pub async fn bring(&self, claim: &Claim) -> Result<(), SyncError> {
        let brought = match claim.vcs {
            Vcs::Mercurial => self.rounds(claim).await,
            Vcs::Git => self.bring_all_branches(claim).await,
        };
        (self.watcher)(&claim.name, Progress::Over);
        brought
    }

    async fn rounds(&self, claim: &Claim) -> Result<(), SyncError> {
        let mut at = At::of(claim);
        let mut turns = 0;
        for _ in 0..ROUNDS {
            match self.round(&mut at).await {
                Ok(Round::Complete) => return Ok(()),
                Ok(Round::More) => {}
                Err(error) if turns < TURNS && self.another_turn(&mut at, &error).await? => turns += 1,
                Err(error) => return Err(error),
            }
        }
        Err(SyncError::NoEnd(format!("{ROUNDS} pages of pushes")))
    }

    async fn round(&self, at: &mut At) -> Result<Round, SyncError> {
        let Some(news) = self.news(at).await? else {
            return Ok(Round::More);
        };
        let mut targets = self.targets(at, &news).await?;
        let mut clone = self.obtain_unless_empty(at, &targets).await?;
        if at.wanted {
            let heads = self.heads(at, clone.as_ref()).await?;
            targets.extend(heads.into_iter().filter(|head| !at.held.contains(head)));
            clone = match clone {
                Some(whole) if whole.whole => Some(whole),
                _ => self.obtain_unless_empty(at, &targets).await?,
            };
        }
        if let Some(Obtained { history, .. }) = clone {
            Point::CloneOpened.pass();
            self.check_missing(at, &history, &news)?;
            let recorded = self.recorder(at).record(history, &targets, &news.pushes).await?;
            at.remember(recorded);
        } else if !news.pushes.is_empty() {
            self.recorder(at).record_pushes(&news.pushes).await?;
        }
        at.last_push = news.pushes.last().map_or(at.last_push, |push| push.id);
        at.wanted = false;
        if news.more { Ok(Round::More) } else { self.finish(at).await }
    }

    /// What the host shows; none when the repository turned out to be another one, and has been begun anew.
    async fn news(&self, at: &mut At) -> Result<Option<News>, SyncError> {
        let again = if at.wanted { LOOKED_AT_AGAIN } else { 1 };
        let page = page_after(&self.http, &at.url, at.last_push.saturating_sub(again)).await?;
        Point::PushlogRead.pass();
        let known = self.kept_push(at, at.last_push).await?;
        let pushes = match judge::read(at.last_push, known.as_ref(), &page) {
            Reading::News(pushes) => pushes,
            Reading::MadeAnew => return self.begin_anew(at, "its pushes are others now").await.map(|()| None),
            Reading::Shorter => return self.judge_shorter(at, &page).await.map(|()| None),
        };
        let upto = pushes.last().map_or(at.last_push, |push| push.id);
        self.learn_twins(at, &page).await?;
        // An empty page is the end, whatever `lastpushid` says: stripped pushes count in it.
        let more = !pushes.is_empty() && upto < page.last;
        self.believe_the_pushlog(at, upto, &page, more).await?;
        Ok(Some(News { pushes, more }))
    }

    /// A host may name the commits of git later than the pushes.
    async fn learn_twins(&self, at: &At, page: &Page) -> Result<(), SyncError> {
        let recorded = page.pushes.iter().filter(|push| push.id <= at.last_push);
        let twins: Vec<Twins> = recorded.flat_map(|push| &push.twins).copied().collect();
        if !twins.is_empty() && !self.store.unknown_twins(&twins).await?.is_empty() {
            self.store.record_twins(&twins).await?;
        }
        Ok(())
    }

    /// A push that was announced, and that the pushlog covers without showing it, was stripped.
    async fn believe_the_pushlog(&self, at: &mut At, upto: u64, page: &Page, more: bool) -> Result<(), SyncError> {
        let covered = !more && upto < at.announced && page.last >= at.announced;
        let hopeless = !more && upto < at.announced && give_up_waiting(at.failing_since, self.clock.now());
        if covered || hopeless {
            tracing::info!(repository.name = %at.name, announced = at.announced, shown = upto, "the pushlog has no such push");
            self.store.lower_announced(at.repository, upto).await?;
            at.announced = upto;
        }
        Ok(())
    }

    async fn judge_shorter(&self, at: &mut At, page: &Page) -> Result<(), SyncError> {
        let shown = window(&self.http, &at.url, page.last.saturating_sub(COMPARED), page.last).await?;
        let kept = self.store.kept_pushes(at.repository, at.generation).await?;
        if judge::is_another(&shown.pushes, |id| kept.get(&id).cloned()) {
            return self.begin_anew(at, "its push ids went backwards").await;
        }
        if page.last == 0 && heads(&self.http, &at.url).await?.is_empty() {
            return self.begin_anew(at, "it is empty now").await;
        }
        Err(SyncError::Lag(format!(
            "the pushlog of {} ends at push {}, but push {} was there before",
            at.url, page.last, at.last_push
        )))
    }

    /// The host made the repository anew: its clone is set aside, its old pushes stay under the old generation.
    async fn begin_anew(&self, at: &mut At, why: &str) -> Result<(), SyncError> {
        tracing::warn!(repository.name = %at.name, generation = at.generation, why, "the repository was made anew upstream");
        if !at.shares_clone() {
            self.clones.set_aside(&at.clone, &format!("the repository was made anew upstream: {why}"))?;
        }
        Point::CloneSetAside.pass();
        self.store.begin_generation(at.repository, at.generation).await?;
        Point::GenerationBegun.pass();
        at.generation += 1;
        at.held.clear();
        at.last_push = 0;
        at.announced = 0;
        at.wanted = true;
        // Not before: with a clone of its own, nothing might tell any more that it was made anew.
        if at.shares_clone() { self.part_from_origin(at).await } else { Ok(()) }
    }

    /// From now on the repository has a clone of its own.
    async fn part_from_origin(&self, at: &mut At) -> Result<(), SyncError> {
        self.store.own_clone(at.repository).await?;
        at.clone = at.name.clone();
        at.clone_of_several = false;
        Ok(())
    }

    /// Whether a repository that nobody pushed to is another one now, so that no pushlog tells. It is, if its history is not that of its
    /// clone; where that is its origin's, this may be what is another one, and a clone of its own tells: it has nothing of what is held.
    async fn was_made_anew_without_pushes(&self, at: &At) -> Result<bool, SyncError> {
        if at.last_push > 0 || !self.store.holds_any(at.repository, at.generation).await? {
            return Ok(false);
        }
        if !at.shares_clone() {
            return Ok(true);
        }
        if !self.clones.exists(&at.name) {
            self.clone_anew(at, &at.name).await?;
        }
        let held: Vec<Revision> = self.store.held_by(at.repository, at.generation).await?.into_iter().collect();
        Ok(self.clones.open(&at.name).await?.revs(&held).is_empty())
    }

    /// Everything that has to be in the clone before it can be recorded, as far as it is not recorded yet.
    async fn targets(&self, at: &At, news: &News) -> Result<Vec<Revision>, SyncError> {
        let pushed = news.pushes.iter().flat_map(|push| &push.changesets);
        let mut targets: Vec<Revision> = pushed.filter(|target| !at.held.contains(target)).copied().collect();
        if at.wanted {
            targets.extend(self.store.promised(at.repository, at.generation).await?);
        }
        Ok(targets)
    }

    /// All heads of the host. A pull has just brought them where there was one, and the host need not be asked; a clone of several
    /// repositories holds those of the others too.
    async fn heads(&self, at: &At, clone: Option<&Obtained>) -> Result<Vec<Revision>, SyncError> {
        match clone {
            Some(Obtained { history, whole: true }) if !at.clone_of_several => {
                Ok(history.heads().into_iter().map(|rev| history.revision(rev)).collect())
            }
            _ => Ok(heads(&self.http, &at.url).await?),
        }
    }

    async fn obtain_unless_empty(&self, at: &At, targets: &[Revision]) -> Result<Option<Obtained>, SyncError> {
        if targets.is_empty() && self.clones.exists(&at.clone) {
            return Ok(None);
        }
        self.obtain(at, targets).await.map(Some)
    }

    /// Opens the clone, pulled or made if it does not hold all targets.
    async fn obtain(&self, at: &At, targets: &[Revision]) -> Result<Obtained, SyncError> {
        if self.clones.exists(&at.clone) {
            let history = self.clones.open(&at.clone).await?;
            if history.revs(targets).len() == distinct(targets) {
                return Ok(Obtained { history, whole: false });
            }
            self.clones.pull(&at.clone, &at.url).await?;
        } else {
            self.clone_anew(at, &at.clone).await?;
        }
        let history = self.clones.open(&at.clone).await?;
        if history.revs(targets).len() == distinct(targets) || !at.shares_clone() {
            return Ok(Obtained { history, whole: true });
        }
        // Another worker's new clone may have come from the origin's host, which has less.
        self.clones.pull(&at.clone, &at.url).await?;
        Ok(Obtained { history: self.clones.open(&at.clone).await?, whole: true })
    }

    async fn clone_anew(&self, at: &At, clone: &RepositoryName) -> Result<(), SyncError> {
        let started = Instant::now();
        let progress = |bytes| (self.watcher)(&at.name, Progress::Cloning { bytes });
        self.clones.make(clone, &at.url, progress).await?;
        tracing::info!(repository.name = %at.name, duration_ms = milliseconds(started.elapsed()), "cloned");
        Ok(())
    }

    /// The pushlog may be ahead of what can be pulled: ask again, a few times, before believing that it was stripped.
    fn check_missing(&self, at: &At, history: &History, news: &News) -> Result<(), SyncError> {
        let named: Vec<Revision> = news.pushes.iter().flat_map(|push| push.changesets.iter().copied()).collect();
        let found = history.revs(&named);
        match named.iter().find(|revision| !found.contains_key(revision)) {
            Some(missing) if at.attempts < TRIES_FOR_MISSING => Err(SyncError::Lag(format!(
                "the pushlog of {} names changeset {}, which cannot be pulled",
                at.url,
                missing.short()
            ))),
            Some(missing) => {
                tracing::warn!(repository.name = %at.name, revision = %missing, "recorded by name only, the host does not give it");
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn finish(&self, at: &At) -> Result<Round, SyncError> {
        if at.announced > at.last_push {
            let (announced, last, url) = (at.announced, at.last_push, &at.url);
            return Err(SyncError::Lag(format!("push {announced} was announced, the pushlog of {url} ends at push {last}")));
        }
        Ok(Round::Complete)
    }

    /// Whether an error is mended by taking the repository up anew, and if so, prepares that.
    async fn another_turn(&self, at: &mut At, error: &SyncError) -> Result<bool, SyncError> {
        let SyncError::Fetch(error) = error else {
            return Ok(false);
        };
        match error.class {
            ErrorClass::Unrelated if self.was_made_anew_without_pushes(at).await? => {
                self.begin_anew(at, "its history is another one").await?;
                Ok(true)
            }
            ErrorClass::Unrelated if at.shares_clone() => {
                tracing::warn!(repository.name = %at.name, origin = %at.clone, "no fork of its origin: gets a clone of its own");
                self.part_from_origin(at).await?;
                Ok(true)
            }
            // The pushlog is the known one, so the clone is what does not belong here.
            ErrorClass::Unrelated | ErrorClass::Corrupt if self.clones.exists(&at.clone) => {
                self.clones.set_aside(&at.clone, &in_full(error))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn kept_push(&self, at: &At, id: u64) -> Result<Option<crate::store::KeptPush>, SyncError> {
        Ok(self.store.kept_push(at.repository, at.generation, id).await?)
    }

    fn recorder(&self, at: &At) -> Recorder<'_> {
        Recorder {
            store: &self.store,
            watcher: &self.watcher,
            name: at.name.clone(),
            repository: at.repository,
            generation: at.generation,
        }
    }
}

impl At {
    fn of(claim: &Claim) -> At {
        At {
            repository: claim.repository,
            name: claim.name.clone(),
            url: claim.url.clone(),
            clone: claim.clone.clone(),
            generation: claim.generation,
            announced: claim.announced_push,
            last_push: claim.last_push,
            wanted: claim.wanted || claim.first,
            attempts: claim.attempts,
            failing_since: claim.failing_since,
            clone_of_several: claim.clone_of_several,
            held: HashSet::new(),
        }
    }

    /// What was recorded before goes where both together would be a lot.
    fn remember(&mut self, recorded: HashSet<Revision>) {
        if self.held.len() + recorded.len() > REMEMBERED {
            self.held.clear();
        }
        self.held.extend(recorded);
    }

    fn shares_clone(&self) -> bool {
        self.clone != self.name
    }
}

fn distinct(revisions: &[Revision]) -> usize {
    revisions.iter().collect::<HashSet<_>>().len()
}

impl From<tokio::task::JoinError> for SyncError {
    fn from(error: tokio::task::JoinError) -> SyncError {
        SyncError::Fetch(error.into())
    }
}
