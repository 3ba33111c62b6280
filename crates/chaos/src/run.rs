//! One run: the script is played, faults strike, the calm worker follows; then quiet, and the comparison.

use crate::calm::Calm;
use crate::faults::Striker;
use crate::outside::{GIT, News, Outside};
use crate::place::{On, PATIENCE, Place, Servers, this_program};
use crate::readers::{self, Shown};
use crate::report::{Report, differences, dump};
use crate::script::{Script, Step};
use elmo::domain::{RepositoryName, State, Vcs};
use elmo::store::{Branches, Store};
use elmo::sync::Difference;
use fastrand::Rng;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub time: Duration,
    pub seed: u64,
    pub workers: usize,
    pub on: On,
    /// The data of workers is on disks that can be full.
    pub small_disks: bool,
}

/// News comes so many steps late at most.
const LATEST: u64 = 6;
/// A broker that takes longer to take a message is asked again.
const SENDING: Duration = Duration::from_secs(10);
/// What is published so long before a queue is lost may be lost with it.
const AT_RISK: Duration = Duration::from_secs(120);

/// Runs it all; what was done and what is wrong goes to the report.
///
/// # Errors
/// When the setting fails, not the program.
pub async fn run(wanted: &Wanted, folder: &Path, report: &Report) -> anyhow::Result<()> {
    let outside = Outside::new().await?;
    let calm = Calm::new(&folder.join("calm"), &outside).await?;
    let servers = Servers::of_their_own(wanted.on).await?;
    let mut place = Place::new(&folder.join("place"), &this_program()?, &outside, servers, wanted.workers).await?;
    if wanted.small_disks {
        place.mount_small_disks()?;
    }
    place.start().await?;
    let is_over = AtomicBool::new(false);
    let striker = Striker::new(wanted.seed, &place, report, &is_over);
    let mut play = Play::new(wanted, &outside, &calm, &place, report, &striker);
    let story = async {
        let played = play.until(Instant::now() + wanted.time).await;
        is_over.store(true, Ordering::SeqCst);
        played
    };
    let (played, struck, shown) = tokio::join!(story, striker.strike(), readers::read(&place, report, &is_over));
    played?;
    struck?;
    play.settle().await?;
    judge(&calm, &place, &play.script, &shown, report).await
}

/// The script while it is played.
struct Play<'a> {
    random: Rng,
    script: Script,
    outside: &'a Outside,
    calm: &'a Calm,
    place: &'a Place,
    report: &'a Report,
    striker: &'a Striker<'a>,
    /// What has not been said to the disturbed workers yet, and at which step it is.
    late: Vec<(u64, News)>,
    /// What was said lately and nobody could make up for.
    sent: VecDeque<(Instant, News)>,
    step: u64,
}

impl<'a> Play<'a> {
    fn new(
        wanted: &Wanted,
        outside: &'a Outside,
        calm: &'a Calm,
        place: &'a Place,
        report: &'a Report,
        striker: &'a Striker<'a>,
    ) -> Play<'a> {
        let (random, script) = (Rng::with_seed(wanted.seed ^ 1), Script::new(wanted.seed));
        Play { random, script, outside, calm, place, report, striker, late: Vec::new(), sent: VecDeque::new(), step: 0 }
    }

    async fn until(&mut self, end: Instant) -> anyhow::Result<()> {
        let outside = self.outside;
        while Instant::now() < end && self.report.is_well() {
            self.step += 1;
            let step = self.script.next(outside);
            self.report.tell(&format!("{step:?}"));
            self.before(&step).await?;
            let news = self.script.play(&step, outside).await?;
            self.report.count(step.kind());
            for one in &news {
                self.calm.take(&one.message()).await?;
            }
            news.into_iter().for_each(|one| self.plan(one));
            self.say().await?;
            self.striker.trouble_outside(outside).await?;
        }
        Ok(())
    }

    /// The calm worker meets no trouble, and nothing is destroyed that the disturbed workers have not seen.
    async fn before(&mut self, step: &Step) -> anyhow::Result<()> {
        self.striker.calm_outside(self.outside).await?;
        let Some(name) = step.destroys_in() else { return Ok(()) };
        self.say_all().await?;
        let began = Instant::now();
        while !has_seen(&self.place.store, &self.calm.store, name).await.unwrap_or(false) {
            if began.elapsed() > PATIENCE {
                self.report.wrong(format!("{name} is not up to date after {PATIENCE:?}: {}", state(&self.place.store, name).await));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            // What is waited for may have been lost with its queue.
            self.say().await?;
        }
        Ok(())
    }

    /// Early, late, twice, or, where the pushlog tells the same, never.
    fn plan(&mut self, news: News) {
        let is_push = matches!(news, News::Push(_));
        match self.random.u32(..10) {
            0 if is_push => self.report.count("messages lost"),
            1 => {
                self.report.count("messages sent twice");
                self.late.push((self.step, news.clone()));
                self.late.push((self.step + self.random.u64(..LATEST), news));
            }
            2..5 => self.late.push((self.step + self.random.u64(..LATEST), news)),
            _ => self.late.push((self.step, news)),
        }
    }

    async fn say(&mut self) -> anyhow::Result<()> {
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= self.step);
        self.late = late;
        let mut due: Vec<(u64, News)> = due;
        self.random.shuffle(&mut due);
        for (_, news) in due {
            self.send(&news).await?;
            if !matches!(news, News::Push(_)) {
                self.sent.push_back((Instant::now(), news));
            }
        }
        if let Some((from, to)) = self.striker.lost_queue() {
            self.say_again(from, to).await?;
        }
        Ok(())
    }

    async fn say_all(&mut self) -> anyhow::Result<()> {
        self.late.iter_mut().for_each(|(at, _)| *at = 0);
        self.say().await
    }

    /// A queue was lost with all that was in it. Pushes are found by the pushlog; the rest is sent again, as an operator would.
    async fn say_again(&mut self, from: Instant, to: Instant) -> anyhow::Result<()> {
        let from = from.checked_sub(AT_RISK).unwrap_or(from);
        let lost: Vec<News> = self.sent.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, news)| news.clone()).collect();
        for news in lost {
            self.report.count("messages sent again, their queue was lost");
            self.send(&news).await?;
        }
        Ok(())
    }

    /// Sends until it has arrived.
    async fn send(&self, news: &News) -> anyhow::Result<()> {
        let (began, mut is_first) = (Instant::now(), true);
        loop {
            match tokio::time::timeout(SENDING, self.place.send(news)).await {
                Ok(Ok(())) => {
                    self.report.count(news.kind());
                    return Ok(());
                }
                Ok(Err(error)) if began.elapsed() > PATIENCE => return Err(error),
                Err(late) if began.elapsed() > PATIENCE => return Err(late.into()),
                Ok(Err(error)) if is_first => self.report.tell(&format!("not sent, again and again: {error}")),
                Ok(Err(_)) => {}
                Err(_) => self.report.tell("not sent: the broker takes nothing"),
            }
            is_first = false;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Faults are over: everything is said, and workers go on until all is quiet.
    async fn settle(&mut self) -> anyhow::Result<()> {
        self.report.tell("quiet");
        self.striker.calm_outside(self.outside).await?;
        self.say_all().await?;
        let began = Instant::now();
        loop {
            let is_quiet = self.place.waiting().await == Some(0) && is_idle(&self.place.store).await.unwrap_or(false);
            let is_same = is_quiet && differences(&dump(&self.place.store).await?, &dump(&self.calm.store).await?).is_empty();
            if is_same {
                self.report.count("seconds until all was quiet".to_owned() + &format!(": {}", began.elapsed().as_secs()));
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// What the disturbed workers know of a repository is what the calm one knows.
async fn has_seen(disturbed: &Store, calm: &Store, name: &str) -> anyhow::Result<bool> {
    let name: RepositoryName = name.parse()?;
    let (Some(one), Some(two)) = (disturbed.repository(&name).await?, calm.repository(&name).await?) else {
        return Ok(false);
    };
    if one.vcs == Vcs::Git {
        let (one, two) = (disturbed.branches(one.id).await?, calm.branches(two.id).await?);
        let unsaid = |branches: &Branches| {
            let seen = branches.seen.iter().map(|seen| (seen.branch.clone(), seen.before, seen.after)).collect::<BTreeSet<_>>();
            (branches.heads.clone(), seen, branches.notices.len())
        };
        return Ok(unsaid(&one) == unsaid(&two));
    }
    Ok(one.state() == State::Complete && (one.generation, one.last_push) == (two.generation, two.last_push))
}

async fn state(store: &Store, name: &str) -> String {
    match (name.parse(), name == GIT) {
        (Ok(name), _) => format!("{:?}", store.repository(&name).await),
        _ => "no name".to_owned(),
    }
}

async fn is_idle(store: &Store) -> anyhow::Result<bool> {
    Ok(store.repositories().await?.iter().all(|repository| repository.state() == State::Complete))
}

/// What holds at the end.
async fn judge(calm: &Calm, place: &Place, script: &Script, shown: &Shown, report: &Report) -> anyhow::Result<()> {
    for line in differences(&dump(&place.store).await?, &dump(&calm.store).await?) {
        report.wrong(line);
    }
    if place.waiting().await != Some(0) {
        report.wrong(format!("messages wait: {:?}", place.waiting().await));
    }
    for parked in place.store.parked(0, 10).await? {
        report.wrong(format!("parked: {}", parked.reason));
    }
    for server in &place.servers {
        if server.has_ended().await {
            report.wrong("a web server has ended");
        }
    }
    readers::compare(shown, &script.made, report);
    place.stop().await?.into_iter().for_each(|wrong| report.wrong(wrong));
    verify(place, report).await
}

/// Lets the database be held against clones and hosts. A clone that was damaged after all work was done is found by nobody else.
async fn verify(place: &Place, report: &Report) -> anyhow::Result<()> {
    let mut verified = place.run(&["verify", "--json"]).await?;
    let (found, damage) = (findings(&verified)?, Difference::DamagedClone(String::new()).to_string());
    let damaged = found.iter().filter(|(_, found)| found.starts_with(damage.trim_end()));
    let damaged: Vec<&str> = damaged.map(|(name, _)| name.as_str()).collect();
    if !damaged.is_empty() {
        damaged.iter().for_each(|_| report.count("clones found damaged by verify"));
        place.run(&[&["verify", "--fix"], &damaged[..]].concat()).await?;
        verified = place.run(&["verify", "--json"]).await?;
    }
    if !verified.status.success() {
        report.wrong(format!("verify ended with {}: {}", verified.status, String::from_utf8_lossy(&verified.stderr)));
    }
    for (name, found) in findings(&verified)? {
        // Only what was stripped outside leaves it content.
        if verified.status.success() {
            report.count("kept, although stripped outside");
        } else {
            report.wrong(format!("verify: {name}: {found}"));
        }
    }
    Ok(())
}

/// Names of repositories, each with one thing that was found.
fn findings(verified: &Output) -> anyhow::Result<Vec<(String, String)>> {
    let mut findings = Vec::new();
    for line in String::from_utf8_lossy(&verified.stdout).lines() {
        let found: Value = serde_json::from_str(line)?;
        let told = found["differences"].as_array().into_iter().flatten().chain(found.get("error"));
        let name = found["name"].as_str().unwrap_or_default();
        findings.extend(told.filter_map(Value::as_str).map(|told| (name.to_owned(), told.to_owned())));
    }
    Ok(findings)
}
