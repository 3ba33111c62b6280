//! How the server is, for machines: Dockerflow's three addresses and figures for Prometheus. Never shows an error's text.

use super::Web;
use super::error::PageError;
use crate::domain::in_full;
use crate::store::{DeploymentCount, MessageCount, Totals};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the database may take to say that it is there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Which program this is. Where nobody said it when the program was built, null.
pub(super) async fn version() -> Json<Value> {
    Json(json!({
        "source": said(env!("CARGO_PKG_REPOSITORY")),
        "version": env!("CARGO_PKG_VERSION"),
        "commit": option_env!("ELMO_COMMIT").and_then(said),
    }))
}

fn said(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

/// Whether what the server needs is there.
pub(super) async fn heartbeat(State(web): State<Web>) -> (StatusCode, Json<Value>) {
    let (status, word) = match tokio::time::timeout(HEARTBEAT, web.store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok"),
        Ok(Err(error)) => {
            tracing::error!(error = in_full(&error), "the database does not answer the heartbeat");
            (StatusCode::SERVICE_UNAVAILABLE, "error")
        }
        Err(_) => {
            tracing::error!("the database is too slow for the heartbeat");
            (StatusCode::SERVICE_UNAVAILABLE, "error")
        }
    };
    (status, Json(json!({ "status": word, "checks": { "database": word } })))
}

/// Whether the server is there at all.
pub(super) async fn load_balancer_heartbeat() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Figures in the text form of Prometheus.
pub(super) async fn metrics(State(web): State<Web>) -> Result<impl IntoResponse, PageError> {
    let store = &web.store;
    let text = exposition(&store.totals().await?, &store.deployment_counts().await?, &store.message_counts().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn exposition(totals: &Totals, deployments: &[DeploymentCount], messages: &[MessageCount]) -> String {
    let figures = [
        ("elmo_repositories", "Repositories that are followed or archived.", totals.repositories),
        ("elmo_repositories_behind", "Repositories with announced pushes that are not recorded.", totals.behind),
        ("elmo_repositories_failing", "Repositories whose last try failed.", totals.failing),
        ("elmo_parked", "Messages set aside.", totals.parked),
        ("elmo_pushes", "Recorded pushes.", totals.pushes),
        ("elmo_changesets", "Recorded changesets.", totals.changesets),
        ("elmo_changesets_awaited", "Changesets that are named and that no push has brought.", totals.awaited),
        ("elmo_runs", "Comparisons of a locale that are recorded.", totals.runs),
    ];
    let mut text = String::new();
    for (name, help, value) in figures {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"));
    }
    for (name, help, value) in OF_DEPLOYMENTS {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for deployment in deployments {
            text.push_str(&format!("{name}{{root=\"{}\"}} {}\n", label(deployment.root.as_str()), value(deployment)));
        }
    }
    text.push_str("# HELP elmo_messages_total Messages by what became of them.\n# TYPE elmo_messages_total counter\n");
    for message in messages {
        text.push_str(&message_line(message));
    }
    text
}

type OfDeployment = (&'static str, &'static str, fn(&DeploymentCount) -> i64);

const OF_DEPLOYMENTS: [OfDeployment; 3] = [
    ("elmo_task_results", "Runs of tasks whose results are recorded.", |deployment| deployment.results),
    ("elmo_task_results_newest_seconds", "When the newest of them ended, in seconds since 1970.", |deployment| {
        deployment.newest.map_or(0, jiff::Timestamp::as_second)
    }),
    ("elmo_task_results_parked", "Messages of the deployment that are set aside.", |deployment| deployment.parked),
];

fn message_line(MessageCount { exchange, kind, outcome, count, last: _ }: &MessageCount) -> String {
    let (exchange, kind, outcome) = (label(exchange), label(kind), label(outcome));
    format!("elmo_messages_total{{exchange=\"{exchange}\",kind=\"{kind}\",outcome=\"{outcome}\"}} {count}\n")
}

fn label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => label.push_str("\\\\"),
            '"' => label.push_str("\\\""),
            '\n' => label.push_str("\\n"),
            other => label.push(other),
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::{exposition, said};
    use crate::store::{DeploymentCount, MessageCount, Totals};

    #[test]
    fn what_nobody_said_is_null_and_not_empty() {
        assert_eq!((said(""), said("abc")), (None, Some("abc")));
    }

    #[test]
    fn labels_cannot_end_their_line() {
        let message = MessageCount {
            exchange: "exchange/hgpushes/v2".to_owned(),
            kind: "a\"b\\c\nd".to_owned(),
            outcome: "parked".to_owned(),
            count: 3,
            last: None,
        };

        let text = exposition(&Totals { pushes: 7, ..Totals::default() }, &[], &[message]);

        assert!(text.contains("\nelmo_pushes 7\n"), "{text}");
        let line = r#"elmo_messages_total{exchange="exchange/hgpushes/v2",kind="a\"b\\c\nd",outcome="parked"} 3"#;
        assert_eq!(text.lines().last(), Some(line));
    }

    #[test]
    fn each_deployment_has_its_figures() {
        let root = "https://tc.example.org".parse().unwrap();
        let newest = Some("2026-11-24T01:57:00.251Z".parse().unwrap());
        let deployment = DeploymentCount { root, results: 3, newest, parked: 1 };

        let text = exposition(&Totals::default(), &[deployment], &[]);

        for line in [
            "elmo_task_results{root=\"https://tc.example.org\"} 3",
            "elmo_task_results_newest_seconds{root=\"https://tc.example.org\"} 1795485420",
            "elmo_task_results_parked{root=\"https://tc.example.org\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
        }
    }
}
