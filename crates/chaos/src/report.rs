//! What was done, and whether it came out well.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Counts what is done, while it is done.
pub struct Report {
    began: Instant,
    /// What was done when, a line each.
    story: Mutex<File>,
    counts: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
}

/// So much of what is wrong is printed.
const PRINTED: usize = 40;

impl Report {
    /// An empty report, whose story goes to a file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(story: &Path) -> anyhow::Result<Report> {
        let story = Mutex::new(File::create(story)?);
        Ok(Report { began: Instant::now(), story, counts: Mutex::default(), wrong: Mutex::default() })
    }

    /// Tells what is done, for whoever looks into it.
    pub fn tell(&self, what: &str) {
        let mut story = self.story.lock().unwrap_or_else(PoisonError::into_inner);
        // A story that cannot be told does not change what happens.
        let _ = writeln!(story, "{:9.3} {what}", self.began.elapsed().as_secs_f64());
    }

    /// One more of these.
    pub fn count(&self, what: impl Into<String>) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what.into()).or_default() += 1;
    }

    /// Something is not as it should be.
    pub fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        self.tell(&format!("WRONG {what}"));
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Nothing was wrong so far.
    pub fn is_well(&self) -> bool {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Lines for a person and, last, the same for a program.
    pub fn lines(&self, seed: u64, seconds: u64) -> Vec<String> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<String> = counts.iter().map(|(what, count)| format!("{count:>8}  {what}")).collect();
        lines.extend(wrong.iter().take(PRINTED).map(|what| format!("   WRONG  {what}")));
        if wrong.len() > PRINTED {
            lines.push(format!("   WRONG  and {} more", wrong.len() - PRINTED));
        }
        let counts: Map<String, Value> = counts.iter().map(|(what, count)| (what.clone(), json!(count))).collect();
        lines.push(
            json!({"chaos": counts, "seed": seed, "seconds": seconds, "wrong": wrong.len(), "ok": wrong.is_empty()}).to_string(),
        );
        lines
    }
}

/// The lines of one dump that another has not, both ways.
pub fn differences(disturbed: &[String], calm: &[String]) -> Vec<String> {
    let missing = |of: &[String], from: &[String], sign: &str| -> Vec<String> {
        let there: std::collections::HashSet<&String> = from.iter().collect();
        of.iter().filter(|line| !there.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let mut differences = missing(calm, disturbed, "lost:");
    differences.extend(missing(disturbed, calm, "too much:"));
    if differences.is_empty() && disturbed != calm {
        differences.push("the same lines in another order".to_owned());
    }
    differences
}

/// Everything that a database holds.
pub async fn dump(store: &elmo::store::Store) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    store
        .dump(|line| {
            lines.push(line.to_owned());
            Ok(())
        })
        .await?;
    Ok(lines)
}
