//! `elmo parked`: messages that could not be taken, and why.

use super::Outcome;
use super::out::{Out, many};
use super::parts::Parts;
use crate::config::Config;
use crate::domain::Kept;
use crate::ingest::Tasks;
use crate::store::{ParkedRow, Store};
use crate::sync::quiet;
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(super) enum Parked {
    /// List them with their reasons
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print one whole, body and all
    Show {
        /// Its number, as `parked list` shows it
        id: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try again; what works now is taken and leaves the list
    Retry(Which),
    /// Forget
    Drop(Which),
}

#[derive(Args)]
pub(super) struct Which {
    /// Their numbers, as `parked list` shows them
    #[arg(required_unless_present = "all")]
    ids: Vec<i64>,
    /// All that are parked
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

const PAGE: i64 = 200;

impl Parked {
    pub(super) async fn run(self, config: Config, out: &mut Out) -> anyhow::Result<Outcome> {
        let parts = Parts::open(config, quiet()).await?;
        match self {
            Parked::List { json } => list(&parts.store, json, out).await,
            Parked::Show { id, json } => show(&one(&parts.store, id).await?, json, out),
            Parked::Retry(which) => retry(&parts, which, out).await,
            Parked::Drop(which) => {
                let rows = which.rows(&parts.store).await?;
                for row in &rows {
                    parts.store.drop_parked(row.id).await?;
                }
                out.line(format_args!("{} forgotten", rows.len()))?;
                Ok(Outcome::Done)
            }
        }
    }
}

impl Which {
    async fn rows(&self, store: &Store) -> anyhow::Result<Vec<ParkedRow>> {
        if self.all {
            return all(store).await;
        }
        let mut rows = Vec::new();
        for id in &self.ids {
            rows.push(one(store, *id).await?);
        }
        Ok(rows)
    }
}

async fn one(store: &Store, id: i64) -> anyhow::Result<ParkedRow> {
    match store.parked_one(id).await? {
        Some(row) => Ok(row),
        None => bail!("there is no parked message {id}; `elmo parked list` lists them"),
    }
}

async fn all(store: &Store) -> anyhow::Result<Vec<ParkedRow>> {
    let mut rows: Vec<ParkedRow> = Vec::new();
    loop {
        let page = store.parked(rows.last().map_or(0, |row| row.id), PAGE).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

async fn list(store: &Store, json: bool, out: &mut Out) -> anyhow::Result<Outcome> {
    let rows = all(store).await?;
    if json {
        out.json(&rows.iter().map(as_json).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        out.line(format_args!("nothing is parked"))?;
    } else {
        let row = |row: &ParkedRow| {
            let key = Kept::from_kept(row.message.routing_key.clone()).shown().into_owned();
            vec![row.id.to_string(), row.times.to_string(), format!("{:.0}", row.last_at), key, row.reason.clone()]
        };
        out.table(&["id", "times", "last", "routing key", "reason"], &rows.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(Outcome::Done)
}

fn show(row: &ParkedRow, json: bool, out: &mut Out) -> anyhow::Result<Outcome> {
    if json {
        out.json(&as_json(row))?;
        return Ok(Outcome::Done);
    }
    out.line(format_args!("exchange:    {}", row.message.exchange))?;
    out.line(format_args!("routing key: {}", Kept::from_kept(row.message.routing_key.clone())))?;
    out.line(format_args!("reason:      {}", row.reason))?;
    let times = many(row.times, "time", "times");
    out.line(format_args!("came:        {times}, from {:.0} to {:.0}", row.first_at, row.last_at))?;
    if let Some(root) = &row.message.root {
        out.line(format_args!("deployment:  {root}"))?;
    }
    if let Some(next_try) = row.next_try {
        out.line(format_args!("next try:    {next_try:.0}, after {} so far", row.tries))?;
    }
    out.line(format_args!("\n{}", Kept::from_bytes(&row.message.body)))?;
    Ok(Outcome::Done)
}

/// Takes each message again through the whole path. One that is parked again stays, with the new reason.
async fn retry(parts: &Parts, which: Which, out: &mut Out) -> anyhow::Result<Outcome> {
    let (ingest, tasks) = (parts.ingest(), parts.tasks()?);
    let mut stayed = 0;
    for row in which.rows(&parts.store).await? {
        if Tasks::are_told_by(&row.message) {
            stayed += usize::from(!tasks.retry(&row).await?);
            continue;
        }
        ingest.take(std::slice::from_ref(&row.message)).await?;
        match parts.store.parked_one(row.id).await? {
            Some(again) if again.times > row.times => stayed += 1,
            _ => drop(parts.store.drop_parked(row.id).await?),
        }
    }
    out.line(format_args!("{stayed} still parked; what was taken is fetched by a running worker, or by elmo sync --all"))?;
    Ok(if stayed == 0 { Outcome::Done } else { Outcome::Found })
}

fn as_json(row: &ParkedRow) -> Value {
    json!({
        "id": row.id, "exchange": row.message.exchange, "routing_key": row.message.routing_key, "reason": row.reason,
        "times": row.times, "first_at": row.first_at.to_string(), "last_at": row.last_at.to_string(),
        "deployment": row.message.root, "next_try": row.next_try.map(|at| at.to_string()), "tries": row.tries,
        "body": Kept::from_bytes(&row.message.body).shown(),
    })
}
