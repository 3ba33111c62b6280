//! The page of a comparison of 15,000 entries: the first visit, later ones, a hundred at once.

use crate::report::{Limit, Report, median, ms};
use crate::setting::{PATIENCE, Server, scaled};
use anyhow::Context;
use elmo_queue::{Artifact, Place, Queue, Task};
use futures_util::future::try_join_all;
use serde_json::{Map, Value, json};
use std::time::Instant;
use tempfile::TempDir;

const ENTRIES: usize = 15_000;
const PER_FILE: usize = 15;
const FILES_PER_FOLDER: usize = 25;
const LATER: usize = 50;
const AT_ONCE: usize = 100;

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let (folder, queue) = (tempfile::tempdir()?, Queue::start().await?);
    let pages = pages(&folder, &queue, scaled(ENTRIES, scale)).await?;
    let server = Server::start(&folder)?;
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    server.until_it_serves().await?;
    client.get(format!("{}/runs", server.address())).send().await.context("the server is there")?.error_for_status()?;
    let [first, crowded] = pages.map(|page| format!("{}{page}", server.address()));

    report.limited("first visit, ms", visit(&client, &first).await?, Limit::AtMost(300.0));
    let mut later = Vec::new();
    for _ in 0..LATER {
        later.push(visit(&client, &first).await?);
    }
    report.limited("later visits, median ms", median(later), Limit::AtMost(40.0));
    report.limited("requests upstream of these", fetched(&queue), Limit::Within(1.0, 1.0));

    let began = Instant::now();
    try_join_all((0..AT_ONCE).map(|_| visit(&client, &crowded))).await?;
    report.figure(format!("{AT_ONCE} visitors at once, all served, ms"), ms(began.elapsed()));
    report.limited(format!("requests upstream of {AT_ONCE} visitors"), fetched(&queue) - 1.0, Limit::Within(1.0, 1.0));
    report.figure("resident, MiB", server.memory("VmRSS")?);
    report.figure("peak, MiB", server.memory("VmHWM")?);
    server.stop()
}

/// Two comparisons of so many entries, recorded; gives the addresses of their pages.
async fn pages(folder: &TempDir, queue: &Queue, entries: usize) -> anyhow::Result<[String; 2]> {
    let text = format!(
        "data = \"data\"\n[taskcluster]\ndeployments = [{{ root = \"{}\" }}]\nprivate_hosts = [\"127.0.0.1\"]\n[log]\nfilter = \"warn\"\n",
        queue.root()
    );
    std::fs::write(folder.path().join("elmo.toml"), text)?;
    let details = details(entries);
    let summary = json!({
        "errors": 0, "warnings": 0, "missing": entries, "missing_w": 3 * entries, "report": 0, "obsolete": 0, "changed": 1,
        "changed_w": 1, "unchanged": 0, "unchanged_w": 0, "keys": 0,
    });
    let names = ["one", "other"];
    let comparison = |name: &&str| json!({"locale": "fr", "config": format!("{name}.toml"), "artifact": format!("public/compares/{name}.json"), "summary": summary});
    let file = json!({"version": "1.0", "compare-locales": "9.0.5", "repository": "https://hg.mozilla.org/l10n/gecko-strings",
                      "comparisons": names.iter().map(comparison).collect::<Vec<_>>()});
    let task = Task::new(1).artifact("public/elmo.json", Artifact::new(file.to_string()));
    let with = |task: Task, name: &str| task.artifact(&format!("public/compares/{name}.json"), Artifact::new(details.clone()));
    let task = names.into_iter().fold(task, with);
    queue.add(task.clone());
    Server::run_once(folder, &["ingest-task", &queue.root(), task.id()])?;
    Ok([1, 2].map(|run| format!("/dashboard/compare?run={run}")))
}

/// As compare-locales would write it, of files in folders of folders.
fn details(entries: usize) -> String {
    let mut folders: Map<String, Value> = Map::new();
    for number in 0..entries.div_ceil(PER_FILE) {
        let folder = number / FILES_PER_FOLDER;
        let (top, below) = (format!("area-{}", folder / 8), format!("browser/part-{}", folder % 8));
        let keys = (0..PER_FILE).map(|key| json!({"missingEntity": format!("some-message-of-file-{number}-{key}")}));
        let files = &mut folders.entry(top).or_insert_with(|| json!({}))[below];
        files[format!("file-{number}.ftl")] = keys.collect();
    }
    json!({"details": {"fr": folders}}).to_string()
}

async fn visit(client: &reqwest::Client, page: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    let body = client.get(page).send().await?.error_for_status()?.text().await?;
    let took = ms(began.elapsed());
    anyhow::ensure!(body.contains("some-message-of-file-0-0"), "{page} does not show the details");
    Ok(took)
}

fn fetched(queue: &Queue) -> f64 {
    queue.asked().iter().filter(|asked| asked.place == Place::Bytes && asked.path.contains("compares")).count() as f64
}
