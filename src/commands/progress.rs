//! Progress bars on a terminal; a line now and then elsewhere.

use crate::domain::RepositoryName;
use crate::sync::{Progress, Watcher};
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

/// Shows clones and imports while they go on.
pub(super) fn shown() -> Watcher {
    if std::io::stderr().is_terminal() { bars() } else { lines() }
}

fn bars() -> Watcher {
    let all = MultiProgress::new();
    let bars: Mutex<HashMap<RepositoryName, ProgressBar>> = Mutex::default();
    Arc::new(move |name, progress| {
        let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(name.clone()).or_insert_with(|| all.add(ProgressBar::no_length().with_prefix(name.to_string())));
        match progress {
            Progress::Cloning { bytes } => {
                bar.set_style(style("{prefix:30} cloning    {msg}"));
                bar.set_message(HumanBytes(bytes).to_string());
            }
            Progress::Recording { done, of } => {
                bar.set_style(style("{prefix:30} recording  {bar:30} {pos}/{len} changesets, {eta} to go"));
                bar.set_length(of);
                bar.set_position(done);
                if done == of {
                    bar.finish_and_clear();
                    bars.remove(name);
                }
            }
        }
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Whoever reads a log wants to see the long ones only.
const WORTH_A_LINE: u64 = 10_000;

fn lines() -> Watcher {
    Arc::new(|name, progress| {
        if let Progress::Recording { done, of } = progress
            && of >= WORTH_A_LINE
            && done % WORTH_A_LINE < 1000
        {
            tracing::info!(repository.name = %name, done, of, "recording changesets");
        }
    })
}
