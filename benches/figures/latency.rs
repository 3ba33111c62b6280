//! From publishing a message to the committed push, beside the least that this can take: the pushlog and a warm pull.

use crate::report::{Limit, Report, median, ms};
use crate::setting::{FOREST, On, PATIENCE, Place, Setting, scaled};
use elmo::domain::RepositoryName;
use elmo::fetch::{Http, HttpSettings, PrivateHosts, page_after};
use elmo_hg::{Hg, Servers};
use elmo_testbed::Publisher;
use elmo_upstream::{Bulk, Commit, Message};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PUSHES: usize = 200;
const CHANGESETS: usize = 200;
/// The database is asked so often.
const LOOK: Duration = Duration::from_millis(2);

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    for on in On::BOTH {
        let name = format!("{FOREST}/x-{}", on.name());
        setting.upstream.create(&name).await?;
        let bulk = Bulk { changesets: CHANGESETS, ..Bulk::default() };
        let imported = setting.upstream.import(&name, bulk).await?;
        measure(report, &setting, on, &name, imported.pushes as u64, scaled(PUSHES, scale)).await?;
    }
    Ok(())
}

async fn measure(report: &mut Report, setting: &Setting, on: On, name: &str, last: u64, pushes: usize) -> anyhow::Result<()> {
    let place = setting.place(on).await?;
    let worker = setting.worker_that_took(&place, &[setting.upstream.message_newrepo(name)?], "warn").await?;
    let least = Least::new(setting, name).await?;
    let publisher = Publisher::connect(&setting.rabbit, &place.vhost).await?;
    let repository: RepositoryName = name.parse()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..pushes {
        let commit = Commit::new(format!("Update {number}")).file("browser/menu.ftl", format!("item = {number}\n"));
        let push = setting.upstream.push(name, "localizer@example.com", [commit]).await?;
        let message = setting.upstream.message_for_push(name, &push)?;
        // By turns first: whoever comes second finds the host's caches warm.
        if number % 2 == 0 {
            theirs.push(least.time(last + number as u64).await?);
        }
        ours.push(announced(&publisher, &place, &repository, &message, push.id).await?);
        if number % 2 == 1 {
            theirs.push(least.time(last + number as u64).await?);
        }
    }
    publisher.close().await?;
    worker.stop()?;
    let (ours, theirs) = (median(ours), median(theirs));
    report.figure(format!("{}: published to committed, median ms", on.name()), ours);
    report.figure(format!("{}: json-pushes and warm pull, median ms", on.name()), theirs);
    report.limited(format!("{}: ratio", on.name()), ours / theirs, Limit::AtMost(1.5));
    Ok(())
}

async fn announced(
    publisher: &Publisher,
    place: &Place,
    name: &RepositoryName,
    message: &Message,
    push: u64,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    publisher.publish(message.exchange, &message.routing_key, &message.body).await?;
    while place.last_push(name).await? < push {
        anyhow::ensure!(began.elapsed() < PATIENCE, "push {push} does not come");
        tokio::time::sleep(LOOK).await;
    }
    Ok(ms(began.elapsed()))
}

/// A clone of the bench's own, pulled by a command server that is warm.
struct Least {
    http: Http,
    url: elmo::domain::RepositoryUrl,
    clone: PathBuf,
    servers: Servers,
}

impl Least {
    async fn new(setting: &Setting, name: &str) -> anyhow::Result<Least> {
        let hg = Hg::new("hg");
        let clone: &Path = &setting.folder.path().join(name.replace('/', "-"));
        hg.clone_repository(&setting.upstream.url_of(name), clone, PATIENCE, |_| {}).await?;
        let private_hosts = PrivateHosts::new(vec!["127.0.0.1".to_owned()]);
        let http = Http::new(HttpSettings { private_hosts, ..HttpSettings::default() })?;
        let servers = Servers::new(hg, 1, Duration::from_secs(600));
        servers.pull(clone, &setting.upstream.url_of(name), PATIENCE).await?;
        Ok(Least { http, url: setting.url(name)?, clone: clone.to_owned(), servers })
    }

    async fn time(&self, after: u64) -> anyhow::Result<f64> {
        let began = Instant::now();
        let page = page_after(&self.http, &self.url, after).await?;
        anyhow::ensure!(page.pushes.len() == 1, "{} pushes after {after}", page.pushes.len());
        self.servers.pull(&self.clone, self.url.as_str(), PATIENCE).await?;
        Ok(ms(began.elapsed()))
    }
}
