//! Figures for Prometheus: those of the database, which every process shows alike, and then those of this process.

use super::error::PageError;
use super::health::{COMMIT, Health};
use crate::figures::{self, CONTENT_TYPE, Kind, Text};
use crate::store::{DeploymentCount, MessageCount, QueueDepth, Totals};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;

pub(super) async fn show(State(health): State<Health>) -> Result<impl IntoResponse, PageError> {
    let (store, now) = (&health.store, health.clock.now());
    let mut text = Text::default();
    totals(&store.totals().await?, now, &mut text);
    text.gauge("elmo_repositories_in_hand", "Repositories that any worker has in hand.", store.in_hand(now).await?.len());
    text.gauge("elmo_database_bytes", "What the database takes on its disk.", store.size().await?);
    queues(&store.queue_depths().await?, &mut text);
    deployments(&store.deployment_counts().await?, &mut text);
    messages(&store.message_counts().await?, &mut text);
    if let Some(artifacts) = &health.artifacts {
        text.gauge("elmo_artifact_cache_budget_bytes", "How much the artifact cache may hold.", artifacts.budget());
        if let Some(holding) = artifacts.holding().await {
            text.gauge("elmo_artifact_cache_bytes", "What the artifact cache holds, counted at most once a minute.", holding.bytes);
        }
    }
    build(&mut text);
    figures::write(&mut text);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text.done()))
}

fn totals(totals: &Totals, now: Timestamp, text: &mut Text) {
    let figures = [
        ("elmo_repositories", "Repositories that are followed or archived.", totals.repositories),
        ("elmo_repositories_behind", "Repositories with announced pushes that are not recorded.", totals.behind),
        ("elmo_repositories_failing", "Repositories whose last try failed.", totals.failing),
        ("elmo_repositories_waiting", "Repositories whose host does not show yet what was announced.", totals.waiting),
        ("elmo_parked", "Messages set aside.", totals.parked),
        ("elmo_pushes", "Recorded pushes.", totals.pushes),
        ("elmo_changesets", "Recorded changesets.", totals.changesets),
        ("elmo_changesets_awaited", "Changesets that are named and that no push has brought.", totals.awaited),
        ("elmo_runs", "Comparisons of a locale that are recorded.", totals.runs),
    ];
    for (name, help, value) in figures {
        text.gauge(name, help, value);
    }
    let oldest = totals.oldest_wish.map_or(0.0, |wished| now.duration_since(wished).as_secs_f64().max(0.0));
    text.gauge(
        "elmo_wish_oldest_seconds",
        "How long news waits, of the repository where it waits longest and that does not fail.",
        oldest,
    );
}

fn queues(depths: &[QueueDepth], text: &mut Text) {
    type OfQueue = (&'static str, &'static str, fn(&QueueDepth) -> i64);
    let figures: [OfQueue; 2] = [
        ("elmo_queue_messages", "Messages that wait at the broker, as a worker was told last.", |depth| depth.messages),
        ("elmo_queue_asked_seconds", "When that was, in seconds since 1970.", |depth| depth.asked.as_second()),
    ];
    for (name, help, value) in figures {
        text.family(name, help, Kind::Gauge);
        for depth in depths {
            text.sample(name, &[("vhost", &depth.vhost), ("queue", &depth.name)], value(depth));
        }
    }
}

fn deployments(deployments: &[DeploymentCount], text: &mut Text) {
    type OfDeployment = (&'static str, &'static str, fn(&DeploymentCount) -> i64);
    let figures: [OfDeployment; 3] = [
        ("elmo_task_results", "Runs of tasks whose results are recorded.", |deployment| deployment.results),
        ("elmo_task_results_newest_seconds", "When the newest of them ended, in seconds since 1970.", |deployment| {
            deployment.newest.map_or(0, Timestamp::as_second)
        }),
        ("elmo_task_results_parked", "Messages of the deployment that are set aside.", |deployment| deployment.parked),
    ];
    for (name, help, value) in figures {
        text.family(name, help, Kind::Gauge);
        for deployment in deployments {
            text.sample(name, &[("root", deployment.root.as_str())], value(deployment));
        }
    }
}

fn messages(counts: &[MessageCount], text: &mut Text) {
    text.family("elmo_messages_total", "Messages by what became of them.", Kind::Counter);
    for MessageCount { exchange, kind, outcome, count, last: _ } in counts {
        text.sample("elmo_messages_total", &[("exchange", exchange), ("kind", kind), ("outcome", outcome)], count);
    }
}

fn build(text: &mut Text) {
    text.family("elmo_build_info", "Which program this is.", Kind::Gauge);
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("commit", COMMIT.unwrap_or_default())];
    text.sample("elmo_build_info", &labels, 1);
}

#[cfg(test)]
mod tests {
    use super::{Text, deployments, totals};
    use crate::store::{DeploymentCount, Totals};
    use jiff::Timestamp;

    fn assert_holds(text: Text, lines: &[&str]) {
        let text = text.done();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn news_waits_since_it_was_wished_for() {
        let (now, mut text) = (Timestamp::from_second(1000).unwrap(), Text::default());
        let wished = Timestamp::from_second(940).ok();

        totals(&Totals { pushes: 7, oldest_wish: wished, ..Totals::default() }, now, &mut text);

        assert_holds(text, &["elmo_pushes 7", "elmo_wish_oldest_seconds 60"]);
    }

    #[test]
    fn each_deployment_has_its_figures() {
        let root = "https://tc.example.org".parse().unwrap();
        let newest = Some("2026-11-24T01:57:00.251Z".parse().unwrap());
        let (deployment, mut text) = (DeploymentCount { root, results: 3, newest, parked: 1 }, Text::default());

        deployments(&[deployment], &mut text);

        let lines = [
            "elmo_task_results{root=\"https://tc.example.org\"} 3",
            "elmo_task_results_newest_seconds{root=\"https://tc.example.org\"} 1795485420",
            "elmo_task_results_parked{root=\"https://tc.example.org\"} 1",
        ];
        assert_holds(text, &lines);
    }
}
