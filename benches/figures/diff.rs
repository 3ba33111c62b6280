//! The page of what differs between two revisions, 300 localization files of all kinds, in a real clone: as a server shows it
//! that was just started, and again.

use crate::localized::{name, text};
use crate::report::{Limit, Report, median, ms};
use crate::setting::{FOREST, On, PATIENCE, Place, Server, Setting, scaled};
use elmo_upstream::{Commit, Node};
use std::time::Instant;
use tempfile::TempDir;

const FILES: usize = 400;
/// So many of a hundred files are others in the second revision.
const CHANGED: usize = 75;
/// Each is measured so often, with a server that was just started.
const TURNS: usize = 9;
const AGAIN: usize = 20;
const FIRST: f64 = 500.0;
const LATER: f64 = 20.0;

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    let place = setting.place(On::Sqlite).await?;
    let files = scaled(FILES, scale).max(4);
    let [from, to] = taken(&setting, &place, files).await?;
    let folder = folder_of_server(&place)?;
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let address = format!("/source/diff/?repo={FOREST}/fr&from={from}&to={to}");
    let (mut firsts, mut wholes, mut agains, mut again_wholes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut parts = 0;
    for _ in 0..TURNS {
        let server = Server::start(&folder)?;
        server.until_it_serves().await?;
        let visitor = Visitor { client: &client, server: &server };
        let first = visitor.all_parts(&address, files * CHANGED / 100).await?;
        parts = first.len();
        firsts.push(first[0]);
        wholes.push(first.iter().sum());
        for _ in 0..AGAIN {
            let again = visitor.all_parts(&address, files * CHANGED / 100).await?;
            agains.push(again[0]);
            again_wholes.push(again.iter().sum());
        }
        server.stop()?;
    }
    report.figure("files that differ", (files * CHANGED / 100) as f64);
    report.figure("parts of the page", parts as f64);
    report.limited("first visit, first part, median ms", median(firsts), Limit::AtMost(FIRST));
    report.limited("first visit, all parts one after the other, median ms", median(wholes), Limit::AtMost(FIRST));
    report.limited("again, first part, median ms", median(agains), Limit::AtMost(LATER));
    report.limited("again, all parts, median ms", median(again_wholes), Limit::AtMost(LATER));
    Ok(())
}

/// A repository of two revisions, taken by a worker that has ended.
async fn taken(setting: &Setting, place: &Place, files: usize) -> anyhow::Result<[Node; 2]> {
    let repository = format!("{FOREST}/fr");
    setting.upstream.create(&repository).await?;
    let old = (0..files).fold(Commit::new("Import"), |commit, number| with_file(commit, number, 0));
    let new = (0..files).filter(|number| number % 100 % 4 != 3);
    let new = new.fold(Commit::new("Update all strings"), |commit, number| with_file(commit, number, 1));
    let push = setting.upstream.push(&repository, "localizer@example.com", [old, new]).await?;
    let worker = setting.worker_that_took(place, &[setting.upstream.message_newrepo(&repository)?], "warn").await?;
    worker.stop()?;
    Ok([push.nodes[0], push.nodes[1]])
}

fn with_file(commit: Commit, number: usize, edition: usize) -> Commit {
    let (kind, name) = name(number);
    commit.file(name, text(kind, number, edition))
}

/// Where a server finds the worker's database and clones.
fn folder_of_server(place: &Place) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let settings = format!("data = \"{}\"\ndatabase = \"{}\"\n[log]\nfilter = \"warn\"\n", place.data.display(), place.database);
    std::fs::write(folder.path().join("elmo.toml"), settings)?;
    Ok(folder)
}

struct Visitor<'a> {
    client: &'a reqwest::Client,
    server: &'a Server,
}

impl Visitor<'_> {
    /// How long each part of the page took, in milliseconds.
    async fn all_parts(&self, address: &str, files: usize) -> anyhow::Result<Vec<f64>> {
        let (mut times, mut next) = (Vec::new(), Some(address.to_owned()));
        while let Some(part) = next {
            let began = Instant::now();
            let body = self.client.get(format!("{}{part}", self.server.address())).send().await?.error_for_status()?.text().await?;
            times.push(ms(began.elapsed()));
            anyhow::ensure!(body.contains(&format!("{files} file")), "{part} does not show what differs");
            next = address_of_next(&body);
        }
        Ok(times)
    }
}

fn address_of_next(body: &str) -> Option<String> {
    let (_, link) = body.split_once("rel=\"next\" href=\"")?;
    Some(link.split_once('"')?.0.replace("&#38;", "&").replace("&amp;", "&"))
}
