//! What the kernel says of a process and of those that it has started.

use anyhow::Context;
use std::time::Duration;

/// Linux counts the time of a processor for programs in hundredths of a second.
const TICKS: u64 = 100;

/// A line of `/proc/PID/status` such as `VmHWM`, in MiB.
pub(crate) fn memory(pid: u32, line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok());
    let kibibytes: f64 = found.with_context(|| format!("no {line}"))?;
    Ok(kibibytes / 1024.0)
}

/// The processes that it has started and that are there now, those included that have ended and were not waited for.
pub(crate) fn children(pid: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        children.extend(text.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(children)
}

/// How many files, sockets and pipes it has open.
pub(crate) fn descriptors(pid: u32) -> anyhow::Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// How long processors have worked for it and for all below it, those included that have ended and were waited for.
pub(crate) fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name of the program")?;
    // utime, stime, cutime and cstime, which come after the name, the state and nine numbers.
    let ticks: u64 = fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    let own = Duration::from_millis(ticks * 1000 / TICKS);
    // Who ends in between is counted by its parent the next time.
    Ok(children(pid)?.into_iter().filter_map(|child| processor_time(child).ok()).fold(own, |sum, each| sum + each))
}
