//! An hour of ordinary days: messages and visitors that keep coming, a worker and a web server that must not grow.

use crate::process::{children, descriptors, memory, processor_time};
use crate::report::{Limit, Report, median, ms};
use crate::results::{elmo_json, results};
use crate::setting::{FOREST, On, PATIENCE, Place, Server, Setting, Worker};
use crate::skip::unfollowed;
use crate::visitors::Visitor;
use anyhow::ensure;
use elmo::domain::RepositoryName;
use elmo_queue::{Artifact, Queue, Task};
use elmo_testbed::Publisher;
use elmo_upstream::{Commit, Message};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::{interval, sleep};

const HOUR: f64 = 3600.0;
const REPOSITORIES: usize = 50;
const MESSAGES_A_SECOND: f64 = 20.0;
const PAGES_A_SECOND: f64 = 20.0;
/// Of so many messages two are of new pushes, four come a second time, and the others are of repositories that nobody follows.
const ROUND: usize = 20;
/// Of so many messages one is of a task with 400 comparisons: one a minute.
const ROUND_OF_TASKS: usize = 1200;
/// Part of the time that memory has to become flat in, and that it is judged over: ten minutes of an hour.
const WINDOW: f64 = 1.0 / 6.0;
const SAMPLES: f64 = 360.0;
/// An hg process without work is ended after a minute.
const REST: Duration = Duration::from_secs(75);
const PAGES: [&str; 8] = [
    "/",
    "/source/pushes/",
    "/source/pushes/l10n-central",
    "/source/pushes/l10n-central/x-1",
    "/source/pushes/?path=menu.ftl",
    "/dashboard/",
    "/teams/",
    "/status",
];

/// Everything that runs for the hour.
struct Soak {
    setting: Setting,
    place: Place,
    queue: Queue,
    worker: Worker,
    server: Server,
    _folder: TempDir,
    /// Pushes whose message is out and that are not committed yet.
    pending: Mutex<Vec<Pending>>,
}

struct Pending {
    name: RepositoryName,
    push: u64,
    published: Instant,
}

/// What a process needs, looked at now and then.
#[derive(Default)]
struct Course {
    memory: Vec<f64>,
    /// Without what it shares with the file of the program, which the system takes away and gives back as it likes.
    own: Vec<f64>,
    descriptors: Vec<f64>,
}

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let soak = Soak::begin().await?;
    let how_long = Duration::from_secs_f64(HOUR * scale);
    let before = soak.processor_times()?;
    let (published, pages, lags, courses) = tokio::try_join!(
        soak.publish(how_long),
        soak.visit(how_long),
        soak.watch(how_long),
        soak.sample(how_long, how_long.div_f64(SAMPLES)),
    )?;
    let after = soak.processor_times()?;
    report.figure("minutes", how_long.as_secs_f64() / 60.0);
    report.figure("messages", published as f64);
    report.figure("messages: processor for one, worker with hg, ms", ms(after.0.saturating_sub(before.0)) / published as f64);
    tell_times(report, "published to committed", lags);
    report.figure("pages: processor for one, web server, ms", ms(after.1.saturating_sub(before.1)) / pages.len() as f64);
    tell_times(report, "pages", pages.into_iter().map(ms).collect());
    courses.0.tell(report, "worker");
    courses.1.tell(report, "web server");
    soak.end(report, published).await
}

impl Soak {
    async fn begin() -> anyhow::Result<Soak> {
        let (setting, queue) = (Setting::new().await?, Queue::start().await?);
        let (place, folder) = (setting.place(On::Postgres).await?, tempfile::tempdir()?);
        let tasks = format!("[taskcluster]\ndeployments = [{{ root = \"{}\" }}]\nprivate_hosts = [\"127.0.0.1\"]\n", queue.root());
        let worker = setting.worker_of_tasks(&place, "warn", &tasks).await?;
        let mut messages = Vec::new();
        for name in (0..REPOSITORIES).map(name_of) {
            setting.upstream.create(&name).await?;
            setting.upstream.push(&name, "localizer@example.com", [commit(0)]).await?;
            messages.push(setting.upstream.message_newrepo(&name)?);
        }
        setting.publish(&place, &messages).await?;
        place.until_complete(REPOSITORIES).await?;
        let of_server =
            format!("data = \"{}\"\ndatabase = \"{}\"\n{tasks}[log]\nfilter = \"warn\"\n", place.data.display(), place.database);
        std::fs::write(folder.path().join("elmo.toml"), of_server)?;
        let server = Server::start(&folder)?;
        server.until_it_serves().await?;
        Ok(Soak { setting, place, queue, worker, server, _folder: folder, pending: Mutex::default() })
    }

    fn processor_times(&self) -> anyhow::Result<(Duration, Duration)> {
        Ok((processor_time(self.worker.pid())?, processor_time(self.server.pid())?))
    }

    /// Publishes at an even pace; how many messages it came to.
    async fn publish(&self, how_long: Duration) -> anyhow::Result<usize> {
        let publisher = Publisher::connect(&self.setting.rabbit, &self.place.vhost).await?;
        let strangers = unfollowed(&self.setting, ROUND).await?;
        let mut newest = strangers[0].clone();
        let (mut pace, began) = (interval(Duration::from_secs_f64(1.0 / MESSAGES_A_SECOND)), Instant::now());
        let mut published = 0;
        while began.elapsed() < how_long {
            pace.tick().await;
            match published % ROUND {
                _ if published % ROUND_OF_TASKS == ROUND_OF_TASKS / 2 => self.end_task(&publisher, published).await?,
                0 | 10 => newest = self.push(&publisher, published).await?,
                4 | 8 | 14 | 18 => send(&publisher, &newest).await?,
                other => send(&publisher, &strangers[other]).await?,
            }
            published += 1;
        }
        publisher.close().await?;
        Ok(published)
    }

    /// A push to one of the repositories, and its message.
    async fn push(&self, publisher: &Publisher, number: usize) -> anyhow::Result<Message> {
        let name = name_of(number / (ROUND / 2) % REPOSITORIES);
        let push = self.setting.upstream.push(&name, "localizer@example.com", [commit(number)]).await?;
        let message = self.setting.upstream.message_for_push(&name, &push)?;
        self.pending().push(Pending { name: name.parse()?, push: push.id, published: Instant::now() });
        send(publisher, &message).await?;
        Ok(message)
    }

    async fn end_task(&self, publisher: &Publisher, number: usize) -> anyhow::Result<()> {
        let task = Task::new(u32::try_from(number)?).artifact("public/elmo.json", Artifact::new(elmo_json(number).to_string()));
        self.queue.add(task.clone());
        let sent = self.queue.message(&task);
        publisher.publish_copied(sent.exchange, &sent.routing_key, &sent.copies, &sent.body).await
    }

    /// Reads pages at an even pace; how long each took.
    async fn visit(&self, how_long: Duration) -> anyhow::Result<Vec<Duration>> {
        let mut visitor = Visitor::at(self.server.address().trim_start_matches("http://")).await?;
        let (mut pace, began) = (interval(Duration::from_secs_f64(1.0 / PAGES_A_SECOND)), Instant::now());
        for page in PAGES.iter().cycle() {
            pace.tick().await;
            if began.elapsed() >= how_long {
                break;
            }
            visitor.ask(page).await?;
        }
        Ok(visitor.times)
    }

    /// Waits for each push that was published; how long each took, in milliseconds.
    async fn watch(&self, how_long: Duration) -> anyhow::Result<Vec<f64>> {
        let (mut lags, began) = (Vec::new(), Instant::now());
        loop {
            let waiting = std::mem::take(&mut *self.pending());
            if waiting.is_empty() && began.elapsed() >= how_long {
                return Ok(lags);
            }
            for pending in waiting {
                if self.place.last_push(&pending.name).await? >= pending.push {
                    lags.push(ms(pending.published.elapsed()));
                    continue;
                }
                ensure!(pending.published.elapsed() < PATIENCE, "push {} of {} does not come", pending.push, pending.name);
                self.pending().push(pending);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn sample(&self, how_long: Duration, every: Duration) -> anyhow::Result<(Course, Course)> {
        let (mut worker, mut server) = (Course::default(), Course::default());
        let (mut pace, began) = (interval(every), Instant::now());
        while began.elapsed() < how_long {
            pace.tick().await;
            worker.note(self.worker.pid())?;
            server.note(self.server.pid())?;
            if worker.memory.len().is_multiple_of(30) {
                let seconds = began.elapsed().as_secs();
                eprintln!("soak: {seconds} s: worker {:?} MiB, web server {:?} MiB", worker.memory.last(), server.memory.last());
            }
        }
        Ok((worker, server))
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was published is taken; then nothing may be left behind.
    async fn end(self, report: &mut Report, published: usize) -> anyhow::Result<()> {
        let tasks = (published + ROUND_OF_TASKS / 2 - 1) / ROUND_OF_TASKS;
        let began = Instant::now();
        while results(&self.place).await? < i64::try_from(tasks)? || self.setting.depth(&self.place).await? != Some(0) {
            ensure!(began.elapsed() < PATIENCE, "not everything is taken");
            sleep(Duration::from_millis(100)).await;
        }
        report.figure("results, of 400 comparisons each", tasks as f64);
        sleep(REST).await;
        report.limited("at rest: processes below the worker", children(self.worker.pid())?.len() as f64, Limit::AtMost(0.0));
        report.limited("at rest: processes below the web server", children(self.server.pid())?.len() as f64, Limit::AtMost(0.0));
        report.figure("at rest: descriptors, worker", descriptors(self.worker.pid())? as f64);
        report.figure("at rest: descriptors, web server", descriptors(self.server.pid())? as f64);
        self.worker.stop()?;
        self.server.stop()
    }
}

impl Course {
    fn note(&mut self, pid: u32) -> anyhow::Result<()> {
        self.memory.push(memory(pid, "VmRSS")?);
        self.own.push(memory(pid, "RssAnon")?);
        self.descriptors.push(descriptors(pid)? as f64);
        Ok(())
    }

    /// The last sixth of the time beside the second one.
    fn tell(&self, report: &mut Report, who: &str) {
        let window = ((self.memory.len() as f64 * WINDOW) as usize).max(1);
        let of = |values: &[f64]| {
            let settled = &values[window.min(values.len() - 1)..];
            let length = window.min(settled.len());
            (median(settled[..length].to_vec()), median(settled[settled.len() - length..].to_vec()))
        };
        let (settled, last) = of(&self.memory);
        report.figure(format!("{who}: resident after a sixth of the time, MiB"), settled);
        report.figure(format!("{who}: resident at the end, MiB"), last);
        report.limited(format!("{who}: at the end / after a sixth"), last / settled, Limit::Within(0.95, 1.05));
        let (settled, last) = of(&self.own);
        report.figure(format!("{who}: of that its own after a sixth of the time, MiB"), settled);
        report.figure(format!("{who}: of that its own at the end, MiB"), last);
        let (settled, last) = of(&self.descriptors);
        report.limited(format!("{who}: descriptors more at the end"), last - settled, Limit::AtMost(2.0));
    }
}

fn tell_times(report: &mut Report, what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    report.figure(format!("{what}: how many"), times.len() as f64);
    for percent in [50, 99] {
        report.figure(format!("{what}: p{percent}, ms"), times.get(times.len() * percent / 100).copied().unwrap_or(f64::NAN));
    }
}

async fn send(publisher: &Publisher, message: &Message) -> anyhow::Result<()> {
    publisher.publish(message.exchange, &message.routing_key, &message.body).await
}

fn name_of(number: usize) -> String {
    format!("{FOREST}/x-{number}")
}

fn commit(number: usize) -> Commit {
    Commit::new(format!("Update {number}")).file("browser/menu.ftl", format!("item = {number}\n"))
}
