//! Progress bars on a terminal, with log lines above them; a line now and then elsewhere.

use crate::domain::RepositoryName;
use crate::sync::{Progress, Watcher};
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// All bars. There is one terminal, which they share with the log.
static TERMINAL: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Standard error, where what is written comes above the bars.
pub(super) struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        TERMINAL.suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Shows clones and imports while they go on.
pub(super) fn shown() -> Watcher {
    if std::io::stderr().is_terminal() { bars() } else { lines() }
}

fn bars() -> Watcher {
    let bars: Mutex<HashMap<RepositoryName, ProgressBar>> = Mutex::default();
    let new = |name: &RepositoryName| TERMINAL.add(ProgressBar::no_length().with_prefix(name.to_string()));
    Arc::new(move |name, progress| {
        let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Cloning { bytes } => {
                let bar = bars.entry(name.clone()).or_insert_with(|| new(name));
                bar.set_style(style("{prefix:30} cloning    {msg}"));
                bar.set_message(HumanBytes(bytes).to_string());
            }
            Progress::Recording { done, of } => {
                let bar = bars.entry(name.clone()).or_insert_with(|| new(name));
                bar.set_style(style("{prefix:30} recording  {bar:30} {pos}/{len} changesets, {eta} to go"));
                bar.set_length(of);
                bar.set_position(done);
            }
            Progress::Over => {
                if let Some(bar) = bars.remove(name) {
                    bar.finish_and_clear();
                    TERMINAL.remove(&bar);
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
