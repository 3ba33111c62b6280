//! Folders that programs work in: where they are, and how large they grow.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How often a growing folder is measured, at most.
const MEASURE_EVERY: Duration = Duration::from_millis(500);

/// Makes a path independent of the folder that a program is run in.
pub fn rooted_at_work(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Measures a growing folder until it is dropped, the more rarely the longer it takes; `told` is given its bytes.
pub async fn measure(folder: &Path, told: &mut impl FnMut(u64)) -> Infallible {
    let mut pause = MEASURE_EVERY;
    loop {
        sleep(pause).await;
        let (folder, started) = (folder.to_owned(), Instant::now());
        if let Ok(bytes) = tokio::task::spawn_blocking(move || size_of(folder.as_os_str())).await {
            told(bytes);
        }
        pause = MEASURE_EVERY.max(started.elapsed() * 10);
    }
}

fn size_of(folder: &OsStr) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(entry.path().as_os_str()),
            _ => entry.metadata().map_or(0, |found| found.len()),
        })
        .sum()
}
