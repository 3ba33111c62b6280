//! Results of tasks with 400 comparisons each: one alone, and fifty in a row.

use crate::report::{Limit, Report, median, ms};
use crate::setting::{On, PATIENCE, Place, Setting, scaled};
use elmo_queue::{Artifact, Queue, Task};
use elmo_testbed::Publisher;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LOCALES: usize = 100;
const CONFIGS: usize = 4;
const IN_A_ROW: usize = 50;
/// The database is asked so often.
const LOOK: Duration = Duration::from_millis(2);
/// Fifty times are held against each other in stretches of so many, of which the medians count.
const STRETCH: usize = 10;

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    for on in On::BOTH {
        measure(report, &setting, on, scaled(IN_A_ROW, scale)).await?;
    }
    Ok(())
}

async fn measure(report: &mut Report, setting: &Setting, on: On, in_a_row: usize) -> anyhow::Result<()> {
    let (place, queue) = (setting.place(on).await?, Queue::start().await?);
    let settings = format!("[taskcluster]\ndeployments = [{{ root = \"{}\" }}]\nprivate_hosts = [\"127.0.0.1\"]\n", queue.root());
    let worker = setting.worker_of_tasks(&place, "warn,elmo=debug", &settings).await?;
    let publisher = Publisher::connect(&setting.rabbit, &place.vhost).await?;
    let mut times = Vec::new();
    for number in 0..=in_a_row {
        let task = Task::new(u32::try_from(number)?).artifact("public/elmo.json", Artifact::new(elmo_json(number).to_string()));
        queue.add(task.clone());
        times.push(taken(&publisher, &place, &queue, &task, number).await?);
    }
    publisher.close().await?;
    let recorded = worker.logged("recorded a result")?;
    anyhow::ensure!(recorded.len() == times.len(), "{} of {} results were recorded", recorded.len(), times.len());
    worker.stop()?;
    let label = on.name();
    report.figure(format!("{label}: published to committed, first, ms"), times[0]);
    report.figure(format!("{label}: published to committed, median, ms"), median(times));
    report.limited(format!("{label}: last byte to committed, first, ms"), recorded[0], Limit::AtMost(150.0));
    let rest = &recorded[1..];
    report.limited(format!("{label}: last byte to committed, median, ms"), median(rest.to_vec()), Limit::AtMost(150.0));
    let stretch = STRETCH.min(rest.len());
    let (first, last) = (median(rest[..stretch].to_vec()), median(rest[rest.len() - stretch..].to_vec()));
    report.limited(format!("{label}: last {stretch} / first {stretch} of {}", rest.len()), last / first, Limit::Within(0.75, 1.25));
    Ok(())
}

/// Publishes the message about a task and waits until its result is there; in milliseconds.
async fn taken(publisher: &Publisher, place: &Place, queue: &Queue, task: &Task, before: usize) -> anyhow::Result<f64> {
    let (sent, want) = (queue.message(task), i64::try_from(before + 1)?);
    let began = Instant::now();
    publisher.publish_copied(sent.exchange, &sent.routing_key, &sent.copies, &sent.body).await?;
    while results(place).await? < want {
        anyhow::ensure!(began.elapsed() < PATIENCE, "the result of {} does not come", task.id());
        tokio::time::sleep(LOOK).await;
    }
    Ok(ms(began.elapsed()))
}

/// How many results are there; asked in a way that costs the same however many runs and changesets there are.
pub(crate) async fn results(place: &Place) -> anyhow::Result<i64> {
    Ok(place.store.deployment_counts().await?.iter().map(|count| count.results).sum())
}

/// Each locale compared by each configuration. Each comparison names two revisions that nobody else does: 800 are new.
pub(crate) fn elmo_json(task: usize) -> Value {
    let comparisons: Vec<Value> = (0..LOCALES * CONFIGS)
        .map(|number| {
            let (locale, config) = (locale(number / CONFIGS), format!("_configs/product{}.toml", number % CONFIGS));
            let artifact = format!("public/compares/product{}.{locale}.json", number % CONFIGS);
            let revision = |which: usize| format!("{:08x}{:08x}{which:024x}", task + 1, number + 1);
            let revisions = json!({"/l10n/gecko-strings/": revision(1), (format!("/l10n-central/{locale}/")): revision(2)});
            let summary = json!({
                "errors": 1, "warnings": 2, "missing": 30, "missing_w": 90, "report": 0, "obsolete": 4, "changed": 15000,
                "changed_w": 45000, "unchanged": 600, "unchanged_w": 900, "keys": 1200,
            });
            json!({"locale": locale, "config": config, "artifact": artifact, "revisions": revisions, "summary": summary})
        })
        .collect();
    let repository = "https://hg.mozilla.org/l10n/gecko-strings";
    json!({"version": "1.0", "compare-locales": "9.0.5", "repository": repository, "comparisons": comparisons})
}

fn locale(number: usize) -> String {
    let letter = |place: usize| char::from(b'a' + u8::try_from(place % 26).unwrap_or_default());
    format!("{}{}{}", letter(number / 26), letter(number), letter(number * 7))
}
