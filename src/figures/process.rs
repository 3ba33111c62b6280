//! What the kernel says of this process, by the names that Prometheus' own clients use.

use super::text::{Kind, Text};
use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::sync::LazyLock;
use std::time::Instant;

/// A moment in the life of this process, so that its start can be told by any clock.
static FIRST_LOOK: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The process begins.
pub fn begin() {
    LazyLock::force(&FIRST_LOOK);
}

/// Writes down what can be found out; where the kernel does not show it, a figure is left out.
pub(super) fn write(text: &mut Text) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    text.family("process_cpu_seconds_total", "Processor time of this process, without the programs it runs.", Kind::Counter);
    text.sample(
        "process_cpu_seconds_total",
        &[],
        std::time::Duration::new(cpu.tv_sec.unsigned_abs(), nanoseconds(cpu.tv_nsec)).as_secs_f64(),
    );
    if let Some(bytes) = resident() {
        text.gauge("process_resident_memory_bytes", "Memory of this process.", bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Open files and connections.", open.count());
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        text.gauge("process_max_fds", "How many may be open.", most);
    }
    let started = Timestamp::now().saturating_sub(FIRST_LOOK.elapsed()).map_or(0, Timestamp::as_second);
    text.gauge("process_start_time_seconds", "When this process began, in seconds since 1970.", started);
}

fn nanoseconds(of_a_second: i64) -> u32 {
    u32::try_from(of_a_second).unwrap_or(0)
}

fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()? * 1024)
}
