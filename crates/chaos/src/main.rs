//! `chaos [--minutes N] [--seed N|random] [--workers N] [--database postgres|sqlite] [--small-disks] [--keep]`: one run, and what came of it.

#![expect(clippy::print_stdout, reason = "what came of it is what it is run for")]

use anyhow::{Context, bail};
use elmo_chaos::place::On;
use elmo_chaos::report::Report;
use elmo_chaos::run::{Wanted, run};
use elmo_chaos::struck;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: bin/chaos [--minutes N] [--seed N|random] [--workers N] [--database postgres|sqlite] [--keep]

Plays a script of pushes, results and mishaps on hosts of its own, while faults strike N workers, a broker and a
database, and holds what they have in the end against what an undisturbed worker has. The same seed gives the same
script. --keep leaves the folder with logs, databases and clones, --small-disks (which bin/chaos gives, in a mount
namespace of its own) mounts small disks that can be full.";
const SEED: u64 = 7;

fn main() -> anyhow::Result<ExitCode> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == struck::PROGRAM) {
        return Ok(struck::main(arguments));
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "-h" || argument == "--help") {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let (wanted, keep) = read(&arguments)?;
    tokio::runtime::Runtime::new()?.block_on(chaos(&wanted, keep))
}

fn read(arguments: &[String]) -> anyhow::Result<(Wanted, bool)> {
    let mut wanted = Wanted { time: Duration::from_secs(120), seed: SEED, workers: 3, on: On::Postgres, small_disks: false };
    let mut keep = false;
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{name} needs a value\n{USAGE}"));
        match name.as_str() {
            "--minutes" => {
                wanted.time = Duration::from_secs_f64(60.0 * value()?.parse::<f64>().context("--minutes takes a number")?);
            }
            "--seed" => {
                wanted.seed = match value()?.as_str() {
                    "random" => fastrand::u64(..1_000_000),
                    number => number.parse().context("--seed takes a number, or random")?,
                }
            }
            "--workers" => {
                wanted.workers = value()?.parse().ok().filter(|workers| *workers > 0).context("--workers takes a number")?;
            }
            "--database" => {
                wanted.on = match value()?.as_str() {
                    "postgres" => On::Postgres,
                    "sqlite" => On::Sqlite,
                    other => bail!("there is no database {other}\n{USAGE}"),
                }
            }
            "--keep" => keep = true,
            "--small-disks" => wanted.small_disks = true,
            other => bail!("there is no {other}\n{USAGE}"),
        }
    }
    if wanted.on == On::Sqlite {
        wanted.workers = 1;
    }
    Ok((wanted, keep))
}

async fn chaos(wanted: &Wanted, keep: bool) -> anyhow::Result<ExitCode> {
    eprintln!("seed {}, {} workers on {:?}, {:?}", wanted.seed, wanted.workers, wanted.on, wanted.time);
    let mut folder = tempfile::Builder::new().prefix("elmo-chaos-").tempdir()?;
    folder.disable_cleanup(keep);
    let (report, began) = (Report::new(&folder.path().join("story"))?, Instant::now());
    if let Err(error) = run(wanted, folder.path(), &report).await {
        report.wrong(format!("the run did not come to its end: {error:#}"));
    }
    if keep {
        eprintln!("kept in {}", folder.path().display());
    }
    for line in report.lines(wanted.seed, began.elapsed().as_secs()) {
        println!("{line}");
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
