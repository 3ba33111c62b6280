//! `elmo import-legacy`: what an old Elmo knows, taken over.

use super::Outcome;
use super::out::Out;
use super::parts::open_store;
use crate::config::Config;
use crate::domain::Clock;
use crate::ingest::{Import, Tally};
use crate::store::Legacy;
use anyhow::Context;
use clap::Args;

#[derive(Args)]
pub(super) struct ImportLegacy {
    /// The database: `sqlite:PATH` or `postgres://user@host/database`; it is only read
    url: String,
}

impl ImportLegacy {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let store = &open_store(&config).await?;
        let legacy = &Legacy::open(&self.url).await.context("could not open the old database")?;
        let import = Import { legacy, store, rules: config.url_rules(), now: Clock::of_this_machine().now() };
        let not_an_elmo = "could not read the old database as Django's applications life and l10nstats leave it";
        tell("locales", &import.locales().await.context(not_an_elmo)?, out)?;
        tell("forests", &import.forests().await.context(not_an_elmo)?, out)?;
        tell("repositories", &import.repositories().await.context(not_an_elmo)?, out)?;
        tell("pushes", &import.pushes().await.context(not_an_elmo)?, out)?;
        tell("runs", &import.runs().await.context(not_an_elmo)?, out)?;
        out.line(format_args!(
            "changesets are known by name so far: a running worker reads them from their hosts; without one: elmo sync --all"
        ))?;
        out.line(format_args!("then elmo verify holds what is not archived against clones and pushlogs"))?;
        Ok(Outcome::Done)
    }
}

fn tell(what: &str, tally: &Tally, out: &mut Out) -> std::io::Result<()> {
    let left_out: u64 = tally.left_out.values().sum();
    out.line(format_args!("{what}: {} taken, {} there already, {left_out} left out", tally.taken, tally.already))?;
    tally.left_out.iter().try_for_each(|(why, count)| out.line(format_args!("  {count} left out: {why}")))
}
