//! The same backlog for one, two and four workers that share a database, a broker and a folder of clones, from a host that is
//! far away: every answer of it takes a while, and a worker waits for it one repository at a time.

use crate::backlog::{follow_empty, push_all};
use crate::process::processor_time;
use crate::report::{Limit, Report};
use crate::setting::{FOREST, On, Setting, Worker, scaled};
use anyhow::Context;
use elmo_upstream::Fault;
use std::time::{Duration, Instant};

const REPOSITORIES: usize = 200;
const PUSHES: usize = 10;
const LATENCY: Duration = Duration::from_millis(50);
/// So many workers, and how many times as fast as one they must be.
const WORKERS: [(usize, Option<f64>); 3] = [(1, None), (2, Some(1.8)), (4, Some(3.0))];
/// With several, a machine of few cores would be busy with one worker already.
const ONE_LANE: &str = "[sync]\nlanes = 1\n";

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let (repositories, mut alone) = (scaled(REPOSITORIES, scale), None);
    for (workers, least) in WORKERS {
        // Each with a host of its own: one that has the repositories of those before as well would be slower.
        let took = measure(report, &Setting::new().await?, workers, repositories).await?.as_secs_f64();
        let times = *alone.get_or_insert(took) / took;
        if let Some(least) = least {
            report.limited(format!("{workers} workers: times as fast as one"), times, Limit::AtLeast(least));
        }
    }
    Ok(())
}

/// From the start of the workers until everything is complete.
async fn measure(report: &mut Report, setting: &Setting, workers: usize, repositories: usize) -> anyhow::Result<Duration> {
    let place = setting.place(On::Postgres).await?;
    let names: Vec<String> = (0..repositories).map(|number| format!("{FOREST}/x-{workers}-{number}")).collect();
    follow_empty(setting, &place, &names).await?;
    setting.upstream.has_all_repositories()?;
    let messages = push_all(setting, &names, PUSHES).await?;
    setting.publish(&place, &messages).await?;

    let far_away = setting.upstream.faults_everywhere();
    far_away.set(Fault::Delay(LATENCY));
    let database = setting.postgres.pid().context("PostgreSQL has ended")?;
    let (before, began) = (processor_time(database)?, Instant::now());
    let started = (0..workers).map(|_| Worker::start_with(&place, "warn", ONE_LANE)).collect::<anyhow::Result<Vec<_>>>()?;
    while place.taken().await? < repositories + messages.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    place.until_complete(repositories).await?;
    let took = began.elapsed();
    let of_database = processor_time(database)?.saturating_sub(before);
    let of_workers = started.iter().map(|worker| processor_time(worker.pid())).sum::<anyhow::Result<Duration>>()?;
    started.into_iter().try_for_each(Worker::stop)?;
    far_away.clear();

    report.figure(format!("{workers} workers: start to all complete, s"), took.as_secs_f64());
    report.figure(format!("{workers} workers: pushes/s"), messages.len() as f64 / took.as_secs_f64());
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / repositories as f64;
    report.figure(format!("{workers} workers: processor for a pull, workers with hg, ms"), each(of_workers));
    report.figure(format!("{workers} workers: processor for a pull, PostgreSQL, ms"), each(of_database));
    Ok(took)
}
