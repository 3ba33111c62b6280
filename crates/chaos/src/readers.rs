//! Who reads while all this happens: every page answers, and no push is ever shown in part.

use crate::place::Place;
use crate::report::Report;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PAGES: &[&str] = &[
    "/",
    "/source/pushes",
    "/dashboard",
    "/runs",
    "/status",
    "/teams",
    "/api/v1/pushes?limit=100",
    "/api/v1/runs",
    "/api/v1/repositories",
];

/// The changesets of each push to Mercurial, as some page showed it at some moment.
pub type Shown = HashSet<BTreeSet<String>>;

/// Reads from both servers until it is over.
pub async fn read(place: &Place, report: &Report, is_over: &AtomicBool) -> Shown {
    until_it_serves(place).await;
    let reader = async |server: usize| {
        let mut shown = Shown::new();
        for path in PAGES.iter().cycle() {
            if is_over.load(Ordering::SeqCst) {
                break;
            }
            match place.ask(server, path).await {
                Ok((200, body)) => {
                    report.count("pages read");
                    shown.extend(pushes_in(&body));
                }
                Ok((503, body)) if !body.trim().is_empty() => report.count("pages that said: not yet"),
                Ok((status, body)) => {
                    report.wrong(format!("{path} answered {status}: {}", body.chars().take(200).collect::<String>()));
                }
                Err(error) => report.wrong(format!("{path} did not answer: {error:#}")),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        shown
    };
    let (mut one, two) = tokio::join!(reader(0), reader(1));
    one.extend(two);
    one
}

/// What was shown and never made was a push in part.
pub fn compare(shown: &Shown, made: &Shown, report: &Report) {
    for push in shown.difference(made) {
        report.wrong(format!("a push was shown with {} changesets that was never made: {push:?}", push.len()));
    }
}

/// The changesets of pushes to Mercurial, where this is a list of pushes.
fn pushes_in(body: &str) -> Vec<BTreeSet<String>> {
    let Ok(Value::Object(list)) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let items = list.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_mercurial = |push: &&Value| push.get("branch").is_some_and(Value::is_null);
    let revisions = |push: &Value| -> Option<BTreeSet<String>> {
        push.get("changesets")?.as_array()?.iter().map(|one| Some(one.get("revision")?.as_str()?.to_owned())).collect()
    };
    items.iter().filter(is_mercurial).filter_map(revisions).collect()
}

async fn until_it_serves(place: &Place) {
    for server in 0..place.servers.len() {
        let serves = async || place.ask(server, "/").await.is_ok();
        elmo_testbed::until("the web servers serve", crate::place::PATIENCE, serves).await;
    }
}
