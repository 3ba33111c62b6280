//! The demo's own Taskcluster: tasks that compared the demo's locales, and published how far each one is.

use super::upstream::{DemoUpstream, Standing, Translated};
use crate::domain::{Message, RootUrl};
use anyhow::Context;
use elmo_queue::{Artifact, Queue, Task};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What is compared: menus by the one, dialogs and windows by the other.
const CONFIGS: [&str; 2] = ["_configs/browser.toml", "_configs/toolkit.toml"];

/// The running queue, and how many tasks it had.
pub(super) struct DemoDeployment {
    queue: Queue,
    tasks: u32,
}

impl DemoDeployment {
    pub(super) async fn start() -> anyhow::Result<DemoDeployment> {
        let queue = Queue::start().await.context("could not start the demo's Taskcluster")?;
        Ok(DemoDeployment { queue, tasks: 0 })
    }

    pub(super) fn root(&self) -> anyhow::Result<RootUrl> {
        Ok(self.queue.root().parse()?)
    }

    /// A task compares all locales with the source strings, as the host has both now; gives the queue's message about it.
    pub(super) fn compare(&mut self, upstream: &DemoUpstream) -> anyhow::Result<Message> {
        self.tasks += 1;
        self.published(upstream, Task::new(self.tasks), &upstream.standing()?)
    }

    /// The same as a task did it when everything stood like that, which ended at that time.
    pub(super) fn compare_as_it_was(
        &mut self,
        upstream: &DemoUpstream,
        ended: Timestamp,
        standing: &Standing,
    ) -> anyhow::Result<Message> {
        self.tasks += 1;
        self.published(upstream, Task::new(self.tasks).resolved(ended), standing)
    }

    fn published(&self, upstream: &DemoUpstream, task: Task, standing: &Standing) -> anyhow::Result<Message> {
        let source = upstream.source();
        let mut task = task.source(&format!("{source}/file/{}/taskcluster/kinds/l10n", standing.source));
        let mut comparisons = Vec::new();
        for translated in &standing.locales {
            for (config, (summary, details)) in CONFIGS.iter().zip([menus(translated, standing.items), dialogs(translated)]) {
                let stem = config.trim_start_matches("_configs/").trim_end_matches(".toml");
                let (locale, name) = (translated.locale, format!("public/compares/{stem}.{}.json", translated.locale));
                comparisons.push(json!({
                    "locale": locale, "config": config, "artifact": name, "summary": summary,
                    "revisions": {translated.url.as_str(): translated.tip},
                }));
                let document = json!({"details": {locale: details}, "summary": {locale: summary}});
                task = task.artifact(&name, Artifact::new(document.to_string()));
            }
        }
        let file = json!({"version": "1.0", "compare-locales": "9.0.5", "repository": source, "comparisons": comparisons});
        let task = task.artifact("public/elmo.json", Artifact::new(file.to_string()));
        let sent = self.queue.message(&task);
        self.queue.add(task);
        Ok(Message { exchange: sent.exchange.to_owned(), routing_key: sent.routing_key, body: sent.body, root: Some(self.root()?) })
    }
}

/// The counts of a locale's menus, and what is wrong with them.
fn menus(translated: &Translated, want: usize) -> (Value, Value) {
    let have = translated.items;
    let missing = (have..want).map(|number| json!({"missingEntity": format!("menu-item-{number}")}));
    let obsolete = (want..have).map(|number| json!({"obsoleteEntity": format!("menu-item-{number}")}));
    let mut entries: Vec<Value> = missing.chain(obsolete).collect();
    let is_careless = translated.locale.len() % 2 == 1;
    if is_careless {
        entries.push(json!({"error": "Missing attribute: title at line 12, column 1 for menu-item-4"}));
        entries.push(json!({"warning": "Duplicated attribute: title at line 9, column 5 for menu-item-2"}));
    }
    let summary = summary(have.min(want), want.saturating_sub(have), have.saturating_sub(want), usize::from(is_careless));
    (summary, json!({"browser/browser/menubar.ftl": entries}))
}

/// The counts of its dialogs and windows.
fn dialogs(translated: &Translated) -> (Value, Value) {
    let is_old = translated.locale.contains('-');
    let (have, want) = (translated.buttons, DemoUpstream::BUTTONS);
    let missing: Vec<Value> = (have..want).map(|number| json!({"missingEntity": format!("dialog.button{number}")})).collect();
    let mut details = json!({});
    if is_old {
        details["toolkit/chrome/global/old.dtd"] = json!([{"obsoleteFile": "error"}]);
    }
    if !missing.is_empty() {
        details["browser/chrome/browser/browser.properties"] = json!(missing);
    }
    (summary(have, want - have, usize::from(is_old), 0), details)
}

/// Every eighth string says in the language what it says in English.
fn summary(translated: usize, missing: usize, obsolete: usize, issues: usize) -> Value {
    let unchanged = translated / 8;
    let changed = translated - unchanged;
    json!({
        "errors": issues, "warnings": issues, "missing": missing, "missing_w": 2 * missing, "report": 0, "obsolete": obsolete,
        "changed": changed, "changed_w": 2 * changed, "unchanged": unchanged, "unchanged_w": unchanged, "keys": 0,
    })
}
