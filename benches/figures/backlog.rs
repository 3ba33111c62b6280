//! A worker comes back to a long queue: many messages for many repositories.

use crate::report::{Limit, Report};
use crate::setting::{FOREST, On, PATIENCE, Place, Setting, Worker, copy_folder, scaled};
use elmo_hg::{Hg, Servers};
use elmo_upstream::{Bulk, Message};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::path::Path;
use std::time::{Duration, Instant};

const REPOSITORIES: usize = 200;
const PUSHES: usize = 50;

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    for on in On::BOTH {
        measure(report, &setting, on, scaled(REPOSITORIES, scale)).await?;
    }
    Ok(())
}

async fn measure(report: &mut Report, setting: &Setting, on: On, repositories: usize) -> anyhow::Result<()> {
    let place = setting.place(on).await?;
    let names: Vec<String> = (0..repositories).map(|number| format!("{FOREST}/x-{}-{number}", on.name())).collect();
    follow_empty(setting, &place, &names).await?;
    let beside = place.data.join("beside");
    copy_folder(&place.data.join("clones"), &beside)?;
    let messages = push_all(setting, &names, PUSHES).await?;
    setting.publish(&place, &messages).await?;

    let lanes = setting.defaults.lanes().lanes;
    let pulls = pull_all(setting, &beside, &names, lanes).await?;
    let began = Instant::now();
    let worker = Worker::start(&place, "warn")?;
    let (mut acknowledged, mut first) = (None, None);
    while acknowledged.is_none() {
        let taken = place.taken().await? - repositories;
        if first.is_none() && taken > 0 {
            first = Some(began.elapsed());
        }
        if taken >= messages.len() && setting.depth(&place).await? == Some(0) {
            acknowledged = Some(began.elapsed());
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "the queue is not taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Whatever is acknowledged was announced, so complete means up to the last push.
    place.until_complete(repositories).await?;
    let complete = began.elapsed();
    worker.stop()?;
    let label = on.name();
    report.figure(format!("{label}: start to first batch, s"), first.unwrap_or_default().as_secs_f64());
    report.limited(
        format!("{label}: start to all acknowledged, s"),
        acknowledged.unwrap_or_default().as_secs_f64(),
        Limit::AtMost(5.0),
    );
    report.figure(format!("{label}: as many pulls on {lanes} lanes, s"), pulls.as_secs_f64());
    report.figure(format!("{label}: start to all complete, s"), complete.as_secs_f64());
    report.limited(format!("{label}: complete / pulls"), complete.as_secs_f64() / pulls.as_secs_f64(), Limit::AtMost(1.3));
    Ok(())
}

/// Repositories that the worker knows and has cloned while they were empty.
pub(crate) async fn follow_empty(setting: &Setting, place: &Place, names: &[String]) -> anyhow::Result<()> {
    eprintln!("making {} repositories", names.len());
    let mut messages = Vec::new();
    for name in names {
        setting.upstream.create(name).await?;
        messages.push(setting.upstream.message_newrepo(name)?);
    }
    setting.worker_that_took(place, &messages, "warn").await?.stop()
}

/// So many pushes to each, and the messages as they would come: one repository after the other by turns.
pub(crate) async fn push_all(setting: &Setting, names: &[String], pushes: usize) -> anyhow::Result<Vec<Message>> {
    eprintln!("pushing {pushes} times to each");
    let imports = names.iter().map(|name| {
        let bulk = Bulk { changesets: pushes, push_size: 1, distinct_paths: 500, manifest_window: 200, ..Bulk::default() };
        setting.upstream.import(name, bulk)
    });
    stream::iter(imports).buffer_unordered(2).try_collect::<Vec<_>>().await?;
    let mut messages = Vec::new();
    for number in 0..pushes {
        for name in names {
            let push = setting.upstream.pushes(name)[number].clone();
            messages.push(setting.upstream.message_for_push(name, &push)?);
        }
    }
    Ok(messages)
}

/// The same pulls into other clones, by as many warm command servers as the worker has lanes.
async fn pull_all(setting: &Setting, clones: &Path, names: &[String], lanes: usize) -> anyhow::Result<Duration> {
    let servers = Servers::new(Hg::new("hg"), lanes, Duration::from_secs(600));
    let began = Instant::now();
    let pulls = names.iter().map(|name| {
        let (servers, clone, url) = (&servers, clones.join(name), setting.upstream.url_of(name));
        async move { servers.pull(&clone, &url, PATIENCE).await }
    });
    stream::iter(pulls).buffer_unordered(lanes).try_collect::<Vec<_>>().await?;
    let took = began.elapsed();
    servers.shut_down().await;
    Ok(took)
}
