//! A worker at rest with many repositories.

use crate::process;
use crate::report::{Limit, Report};
use crate::setting::{FOREST, On, Setting, Worker, scaled};
use elmo_upstream::Commit;
use std::time::Duration;

const REPOSITORIES: usize = 500;
/// After so long without work it is at rest.
const REST: Duration = Duration::from_secs(20);

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    let place = setting.place(On::Sqlite).await?;
    let repositories = scaled(REPOSITORIES, scale);
    eprintln!("making {repositories} repositories");
    let mut messages = Vec::new();
    for number in 0..repositories {
        let name = format!("{FOREST}/x-{number}");
        setting.upstream.create(&name).await?;
        let commit = Commit::new("Add strings").file("browser/menu.ftl", format!("item = {number}\n"));
        setting.upstream.push(&name, "localizer@example.com", [commit]).await?;
        messages.push(setting.upstream.message_newrepo(&name)?);
    }
    let worker = setting.worker_that_took(&place, &messages, "warn").await?;
    tokio::time::sleep(REST).await;
    at_rest(report, &worker, "after taking them")?;
    worker.stop()?;
    let worker = Worker::start(&place, "warn")?;
    tokio::time::sleep(REST).await;
    place.until_complete(repositories).await?;
    tokio::time::sleep(REST).await;
    at_rest(report, &worker, "after a start and a look at all")?;
    worker.stop()
}

fn at_rest(report: &mut Report, worker: &Worker, when: &str) -> anyhow::Result<()> {
    report.limited(format!("{when}: resident, MiB"), worker.memory("VmRSS")?, Limit::AtMost(50.0));
    report.figure(format!("{when}: peak, MiB"), worker.memory("VmHWM")?);
    let children = process::children(worker.pid())?;
    report.limited(format!("{when}: hg processes"), children.len() as f64, Limit::AtMost(2.0));
    let resident: f64 = children.iter().filter_map(|pid| process::memory(*pid, "VmRSS").ok()).fold(0.0, |sum, each| sum + each);
    report.figure(format!("{when}: hg processes resident, MiB"), resident);
    Ok(())
}
