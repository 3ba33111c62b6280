//! The command line: wires the parts and runs them. Errors end here, as a sentence on standard error and an exit code.

mod check;
mod clean;
mod consume;
mod demo;
mod follow;
mod followed;
mod github;
mod legacy;
mod logging;
mod messages;
mod mozlog;
mod out;
mod parked;
mod parts;
mod progress;
mod publish;
mod serve;
mod supervisor;
mod sync;
mod tasks;
mod trees;
mod verify;

use crate::config::{Config, ConfigError};
use crate::domain::{Clock, in_full};
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, value_parser};
use out::Out;
use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of every command stand after its own.
const LAST: usize = 900;
/// The option of every command.
const SETTINGS: &str = "settings";

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something did not work; the reason is on standard error
  2  the arguments or the settings cannot be used
  3  done, and there is something to look at: a check that failed, differences,
     a message still parked, a repository that is not up to date";

/// Follows repositories in which software is translated: pushes in, pages out.
#[derive(Parser)]
#[command(name = "elmo", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The worker: pushes from Pulse in, clones and rows out
    ///
    /// Any number may run at once on one PostgreSQL.
    ConsumePulse,
    /// The web server
    Serve,
    /// Worker and web server in one process
    Run,
    /// The whole thing on data it makes itself, without a broker
    Demo(demo::Demo),
    /// Forests: folders of repositories, one for each locale
    #[command(subcommand)]
    Forest(follow::Forest),
    /// Repositories that are followed
    #[command(subcommand)]
    Repository(follow::Repository),
    /// What is followed, as a file
    #[command(subcommand)]
    Followed(followed::Followed),
    /// Bring repositories up to date now, from their hosts' own records
    Sync(sync::Sync),
    /// Take the result of one Taskcluster task by hand
    IngestTask(tasks::IngestTask),
    /// Check an elmo.json as a worker would
    Validate(tasks::Validate),
    /// Within a task: make elmo.json and the details beside it from what compare-locales wrote
    PublishComparison(publish::PublishComparison),
    /// Trees: what a product compares
    #[command(subcommand)]
    Tree(trees::Tree),
    /// Feed recorded messages through the same path as Pulse
    Replay(messages::Replay),
    /// Write messages from Pulse to a file
    Record(messages::Record),
    /// Messages that could not be taken
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Is everything reachable, allowed and configured? One line each
    Check(check::Check),
    /// Hold the database against clones and pushlogs
    Verify(verify::Verify),
    /// Forget what was kept long enough and nobody needs
    ///
    /// A worker does the same every hour. How long is set in the settings, in the section `retention`.
    Clean(clean::Clean),
    /// Take over what the database of an old Elmo knows
    ///
    /// Locales, forests, repositories, pushes and runs, out of the tables that Django made, on SQLite or PostgreSQL. Safe to do
    /// twice. For instance: `elmo import-legacy sqlite:old-elmo.sqlite`
    ImportLegacy(legacy::ImportLegacy),
    /// Bring the database's tables up to date
    Migrate,
    /// Print completions for a shell
    ///
    /// For instance: `elmo completions bash >~/.local/share/bash-completion/completions/elmo`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How a command ended, if it ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// Done, and there is something to look at.
    Found,
}

/// Reads the arguments and runs the command.
pub fn main() -> ExitCode {
    main_by(Clock::of_this_machine(), std::env::args_os())
}

/// Runs what these arguments say, the program's name before them; workers and web servers go by this clock.
pub fn main_by(clock: Clock, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = command_line().get_matches_from(arguments);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let Command::Completions { shell } = cli.command {
        return exit_code(completions(shell, &mut Out::new()));
    }
    let config = match Config::load(settings_of(&matches).as_deref()) {
        Ok(config) => config,
        Err(error) => return unusable(&error),
    };
    crate::figures::begin();
    logging::start(&config.log);
    let exporting = match logging::trace(&config.traces) {
        Ok(exporting) => exporting,
        Err(error) => return unusable(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let outcome = runtime.block_on(run(cli.command, config, clock));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    drop(exporting);
    exit_code(outcome)
}

/// All commands with the options that each of them has.
fn command_line() -> clap::Command {
    with_settings(Cli::command())
}

/// Lets a command and those below it be told the settings. To those whose `--config` is another file, an l10n.toml, they are told before:
/// `elmo --config elmo.toml repository add …`. That is why the option is not one of clap's global ones.
fn with_settings(command: clap::Command) -> clap::Command {
    let command = command.mut_subcommands(with_settings);
    if command.get_arguments().any(|argument| argument.get_long() == Some("config")) {
        return command;
    }
    let settings = Arg::new(SETTINGS).long("config").value_name("FILE").value_parser(value_parser!(PathBuf)).display_order(LAST);
    command.arg(settings.help("Settings, in place of `ELMO_CONFIG` or ./elmo.toml"))
}

/// The settings that are named, by the last command that names some.
fn settings_of(matches: &ArgMatches) -> Option<PathBuf> {
    let below = matches.subcommand().and_then(|(_, matches)| settings_of(matches));
    below.or_else(|| matches.try_get_one::<PathBuf>(SETTINGS).ok().flatten().cloned())
}

fn exit_code(outcome: anyhow::Result<Outcome>) -> ExitCode {
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(3),
        Err(error) if error.is::<ConfigError>() => unusable(error.as_ref()),
        // Whoever read our output has gone: nothing is wrong.
        Err(error)
            if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => failed(error.as_ref()),
    }
}

async fn run(command: Command, config: Config, clock: Clock) -> anyhow::Result<Outcome> {
    let mut out = Out::new();
    match command {
        Command::ConsumePulse => consume::consume_pulse(config, clock).await,
        Command::Serve => serve::serve(config, clock).await,
        Command::Run => consume::run(config, clock).await,
        Command::Demo(demo) => demo.run(config, &mut out).await,
        Command::Forest(forest) => forest.run(config, &mut out).await,
        Command::Repository(repository) => repository.run(config, &mut out).await,
        Command::Followed(followed) => followed.run(config, &mut out).await,
        Command::Sync(sync) => sync.run(config, &mut out).await,
        Command::IngestTask(task) => task.run(config, &mut out).await,
        Command::Validate(validate) => validate.run(&config, &mut out).await,
        Command::PublishComparison(publish) => publish.run(&mut out),
        Command::Tree(tree) => tree.run(config, &mut out).await,
        Command::Replay(replay) => replay.run(config, &mut out).await,
        Command::Record(record) => record.run(config, &mut out).await,
        Command::Parked(parked) => parked.run(config, &mut out).await,
        Command::Check(check) => check.run(config, &mut out).await,
        Command::Verify(verify) => verify.run(config, &mut out).await,
        Command::Clean(clean) => clean.run(config, &mut out).await,
        Command::ImportLegacy(import) => import.run(config, &mut out).await,
        Command::Migrate => {
            let store = parts::open_store(&config).await?;
            out.line(format_args!("the tables are up to date ({:?})", store.kind()))?;
            Ok(Outcome::Done)
        }
        Command::Completions { shell } => completions(shell, &mut out),
    }
}

/// Made whole before it is printed: whoever reads it may leave in the middle.
fn completions(shell: clap_complete::Shell, out: &mut Out) -> anyhow::Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "elmo", &mut text);
    out.line(format_args!("{}", String::from_utf8_lossy(&text).trim_end()))?;
    Ok(Outcome::Done)
}

fn unusable(error: &dyn Error) -> ExitCode {
    out::complain(format_args!("elmo: {}", in_full(error)));
    ExitCode::from(2)
}

fn failed(error: &dyn Error) -> ExitCode {
    out::complain(format_args!("elmo: {}", in_full(error)));
    ExitCode::from(1)
}
