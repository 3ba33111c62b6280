//! What `docs/benchmarks.md` reports: `bin/bench NAME` runs one of these against the built program, a real RabbitMQ, real
//! Mercurial and both databases. Prints a table, and as its last line the same figures as JSON.

mod artifact;
mod backlog;
mod diff;
mod git_history;
mod git_import;
mod git_latency;
mod import;
mod l10n;
mod latency;
mod localized;
mod memory;
mod pages;
mod process;
mod report;
mod results;
mod scale;
mod setting;
mod skip;
mod soak;
mod three_years;
mod visitors;

use anyhow::bail;
use report::Report;
use std::process::ExitCode;

const USAGE: &str =
    "usage: bin/bench import|latency|backlog|skip|memory|results|artifact|pages|diff|l10n|git-import|git-latency|scale|soak [SCALE]

SCALE, 1 by default, makes the work so many times larger or smaller (0.02) for a first look; the limits are meant for
the whole.";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(name) = arguments.first() else { bail!(USAGE) };
    let scale: f64 = arguments.get(1).map_or(Ok(1.0), |scale| scale.parse())?;
    let mut report = Report::new(name);
    match name.as_str() {
        "import" => import::run(&mut report, scale).await?,
        "latency" => latency::run(&mut report, scale).await?,
        "backlog" => backlog::run(&mut report, scale).await?,
        "skip" => skip::run(&mut report, scale).await?,
        "memory" => memory::run(&mut report, scale).await?,
        "results" => results::run(&mut report, scale).await?,
        "artifact" => artifact::run(&mut report, scale).await?,
        "pages" => pages::run(&mut report, scale).await?,
        "diff" => diff::run(&mut report, scale).await?,
        "git-import" => git_import::run(&mut report, scale).await?,
        "git-latency" => git_latency::run(&mut report, scale).await?,
        "l10n" => l10n::run(&mut report, scale)?,
        "scale" => scale::run(&mut report, scale).await?,
        "soak" => soak::run(&mut report, scale).await?,
        _ => bail!(USAGE),
    }
    Ok(if report.print() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
