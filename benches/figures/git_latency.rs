//! From a webhook to the committed push of git, beside a `git fetch` of the same.

use crate::git_history::{Shape, git_unread, make};
use crate::git_import::follow;
use crate::report::{Limit, Report, median, ms};
use crate::setting::{On, PATIENCE, Place, Setting, Worker, scaled};
use elmo::domain::RepositoryName;
use elmo_upstream::git::{Commit, Host, Push};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PUSHES: usize = 200;
const BEFORE: Shape = Shape { commits: 200, files: 720, locales: 72 };
const SECRET: &str = "a-secret-of-the-bench";
/// The database is asked so often.
const LOOK: Duration = Duration::from_millis(2);

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    let host = Host::start().await?;
    for on in On::BOTH {
        let name = format!("mozilla-l10n/{}", on.name());
        make(&host, &name, BEFORE).await?;
        measure(report, &setting, &host, on, &name, scaled(PUSHES, scale)).await?;
    }
    Ok(())
}

async fn measure(report: &mut Report, setting: &Setting, host: &Host, on: On, name: &str, pushes: usize) -> anyhow::Result<()> {
    let place = setting.place(on).await?;
    follow(&place, host, name).await?;
    let (worker, address) = Worker::with_pages(&place, "warn", SECRET)?;
    place.until_complete(1).await?;
    let least = Least::new(setting, host, name)?;
    let hook =
        Hook { http: reqwest::Client::builder().build()?, address: format!("{address}/hooks/github"), url: host.url_of(name) };
    let repository: RepositoryName = name.parse()?;
    let first = place.last_push(&repository).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=pushes {
        let commit = Commit::new(format!("Update {number}")).file("aa/browser/menu.ftl", format!("item = {number}\n"));
        let push = host.push(name, "main", "localizer", [commit]).await?;
        // By turns first: whoever comes second finds the host's caches warm.
        if number % 2 == 0 {
            theirs.push(least.time()?);
        }
        ours.push(hook.told(&place, &repository, &push, first + number as u64).await?);
        if number % 2 == 1 {
            theirs.push(least.time()?);
        }
    }
    worker.stop()?;
    let (ours, theirs) = (median(ours), median(theirs));
    report.figure(format!("{}: webhook to committed, median ms", on.name()), ours);
    report.figure(format!("{}: git fetch, median ms", on.name()), theirs);
    report.limited(format!("{}: ratio", on.name()), ours / theirs, Limit::AtMost(1.5));
    Ok(())
}

/// GitHub's webhook.
struct Hook {
    http: reqwest::Client,
    address: String,
    url: String,
}

impl Hook {
    /// Tells of a push; gives how long it took until it was committed.
    async fn told(&self, place: &Place, name: &RepositoryName, push: &Push, number: u64) -> anyhow::Result<f64> {
        let body = json!({
            "ref": "refs/heads/main", "before": push.before, "after": push.after, "pusher": {"name": push.user},
            "repository": {"id": 7, "html_url": self.url, "pushed_at": push.date},
        })
        .to_string();
        let signature = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?.chain_update(&body).finalize().into_bytes();
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self.http.post(&self.address).header("content-type", "application/json").header("x-github-event", "push");
        let request = request.header("x-hub-signature-256", format!("sha256={signature}")).body(body);
        let began = Instant::now();
        request.send().await?.error_for_status()?;
        while place.last_push(name).await? < number {
            anyhow::ensure!(began.elapsed() < PATIENCE, "push {number} does not come");
            tokio::time::sleep(LOOK).await;
        }
        Ok(ms(began.elapsed()))
    }
}

/// A clone of the bench's own.
struct Least {
    clone: PathBuf,
    url: String,
}

impl Least {
    fn new(setting: &Setting, host: &Host, name: &str) -> anyhow::Result<Least> {
        let (clone, url) = (setting.folder.path().join(name.replace('/', "-")), host.url_of(name));
        git_unread(&clone, &["clone", "--quiet", "--bare", "--", &url, &clone.to_string_lossy()])?;
        Ok(Least { clone, url })
    }

    fn time(&self) -> anyhow::Result<f64> {
        let began = Instant::now();
        git_unread(&self.clone, &["fetch", "--quiet", "--no-tags", &self.url, "+refs/heads/main:refs/heads/main"])?;
        Ok(ms(began.elapsed()))
    }
}
