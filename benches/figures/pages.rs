//! Every page over three years of data, asked for by fifty visitors at once.

use crate::report::{Limit, Report, ms};
use crate::setting::{On, Server};
use crate::three_years::{self, FORESTS, ThreeYears};
use crate::visitors::{Seen, visit};
use elmo::domain::Clock;
use elmo::store::{PlaceRow, Store, Totals};
use elmo_queue::Queue;
use elmo_testbed::Postgres;
use sqlx::{AnyConnection, Connection, Executor};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const VISITORS: usize = 50;
const WARMING: Duration = Duration::from_millis(500);
const HOW_LONG: Duration = Duration::from_secs(3);
/// A page takes so long for 99 of 100 visitors; one of pushes that touch a path so long.
const LIMIT: f64 = 100.0;
const LIMIT_BY_PATH: f64 = 250.0;
const LONGEST: f64 = 1e6;
const LEAST_OF_HOME: f64 = 1000.0;

/// A page, and the addresses at which it is asked for.
struct Page {
    name: &'static str,
    addresses: Vec<String>,
    limit: f64,
}

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let (queue, postgres, folder) = (Queue::start().await?, Postgres::start_durable().await?, tempfile::tempdir()?);
    let in_file = format!("sqlite:{}", folder.path().join("elmo.sqlite").display());
    let on_server = postgres.create_database(None).await?;
    // One waits for its database most of the time, so that both together take as long as that.
    let filled = tokio::try_join!(filled(&in_file, &queue, scale), filled(&on_server, &queue, scale))?;
    take_stock(&on_server).await?;
    for (on, database, filled) in [(On::Sqlite, &in_file, filled.0), (On::Postgres, &on_server, filled.1)] {
        tell_size(report, on, &filled);
        measure(report, &folder, database, &queue, on, &filled.pages).await?;
    }
    Ok(())
}

/// A database with three years in it.
struct Filled {
    pages: Vec<Page>,
    totals: Totals,
    took: Duration,
}

async fn filled(database: &str, queue: &Queue, scale: f64) -> anyhow::Result<Filled> {
    let (began, now) = (Instant::now(), Clock::of_this_machine().now());
    let store = Store::open(database).await?;
    let made = three_years::fill(&store, queue, now, scale).await?;
    let took = began.elapsed();
    let pages = pages(&made, &store.places(now.as_second()).await?);
    let totals = store.totals().await?;
    store.close().await;
    Ok(Filled { pages, totals, took })
}

fn tell_size(report: &mut Report, on: On, Filled { totals, took, .. }: &Filled) {
    report.figure(format!("{}: filling, s", on.name()), took.as_secs_f64());
    for (name, count) in [("changesets", totals.changesets), ("pushes", totals.pushes), ("runs", totals.runs)] {
        report.figure(format!("{}: {name}", on.name()), count as f64);
    }
}

/// Does now what PostgreSQL does by itself a minute or so after so much was written.
async fn take_stock(database: &str) -> anyhow::Result<()> {
    let mut connection = AnyConnection::connect(database).await?;
    connection.execute("vacuum analyze").await?;
    Ok(connection.close().await?)
}

async fn measure(
    report: &mut Report,
    folder: &TempDir,
    database: &str,
    queue: &Queue,
    on: On,
    pages: &[Page],
) -> anyhow::Result<()> {
    let settings = format!(
        "data = \"data\"\ndatabase = \"{database}\"\n[taskcluster]\ndeployments = [{{ root = \"{}\" }}]\nprivate_hosts = [\"127.0.0.1\"]\n[log]\nfilter = \"warn\"\n",
        queue.root()
    );
    std::fs::write(folder.path().join("elmo.toml"), settings)?;
    let server = Server::start(folder)?;
    let address = server.address().trim_start_matches("http://").to_owned();
    server.until_it_serves().await?;
    let mut longest = ("", 0);
    for page in pages {
        // Each address once by a single visitor, then by all for a moment: what comes first, on a connection to the database as well, is
        // not what is measured.
        for one in &page.addresses {
            visit(&address, std::slice::from_ref(one), 1, Duration::from_nanos(1)).await?;
        }
        visit(&address, &page.addresses, VISITORS, WARMING).await?;
        let seen = visit(&address, &page.addresses, VISITORS, HOW_LONG).await?;
        tell(report, on, page, &seen);
        longest = if seen.longest > longest.1 { (page.name, seen.longest) } else { longest };
    }
    report.limited(format!("{}: longest page, bytes ({})", on.name(), longest.0), longest.1 as f64, Limit::AtMost(LONGEST));
    report.figure(format!("{}: resident, MiB", on.name()), server.memory("VmRSS")?);
    server.stop()
}

fn tell(report: &mut Report, on: On, page: &Page, seen: &Seen) {
    let name = |what: &str| format!("{}: {}: {what}", on.name(), page.name);
    report.figure(name("median, ms"), ms(seen.percentile(50)));
    report.limited(name("p99, ms"), ms(seen.percentile(99)), Limit::AtMost(page.limit));
    match page.name {
        "/" => report.limited(name("a second"), seen.rate(), Limit::AtLeast(LEAST_OF_HOME)),
        _ => report.figure(name("a second"), seen.rate()),
    }
}

/// Every page of the web server, with the filters that people have; but for differences, which `bin/bench diff` measures.
fn pages(made: &ThreeYears, places: &[PlaceRow]) -> Vec<Page> {
    let page = |name, addresses: Vec<String>| Page { name, addresses, limit: LIMIT };
    let one = |name| page(name, vec![String::from(name)]);
    let mut pages = vec![one("/"), page("/?q=", each(made, "/?q=/"))];
    pages.extend(pushlogs(made));
    pages.extend([
        page("/source/changeset/…", made.revisions.iter().map(|revision| format!("/source/changeset/{revision}")).collect()),
        one("/dashboard/"),
        one("/dashboard/?length=500"),
        one("/dashboard/?sort=-missing&state=failure"),
        page("/dashboard/?locale=", each(made, "/dashboard/?locale=")),
        page("/dashboard/?tree=", of_trees(places, |tree| format!("/dashboard/?tree={tree}&length=500"))),
        page("/dashboard/history", places.iter().map(|place| history(place, "")).collect()),
        page("/dashboard/history, all years", places.iter().map(|place| history(place, "&starttime=2020-01-01")).collect()),
        page("/dashboard/tree-status/…", of_trees(places, |tree| format!("/dashboard/tree-status/{tree}"))),
        page(
            "/dashboard/tree-status/…, all years",
            of_trees(places, |tree| format!("/dashboard/tree-status/{tree}?starttime=2020-01-01&bound=100")),
        ),
        page("/dashboard/compare", compared(made, places)),
        one("/teams/"),
        page("/teams/…", each(made, "/teams/")),
        one("/shipping/api/status"),
        page("/shipping/api/status?tree=", of_trees(places, |tree| format!("/shipping/api/status?tree={tree}"))),
        one("/status"),
        one("/runs"),
        page("/trees/…", of_trees(places, |tree| format!("/trees/{tree}"))),
    ]);
    pages
}

fn pushlogs(made: &ThreeYears) -> Vec<Page> {
    let page = |name, addresses: &[&str]| Page {
        name,
        addresses: addresses.iter().map(|address| format!("/source/pushes/{address}")).collect(),
        limit: LIMIT,
    };
    let forest = FORESTS[0].0;
    let of_paths = made.paths.iter().step_by(700).map(|path| format!("/source/pushes/?path={path}"));
    let parts = ["menubar", "aboutLogins.ftl", "browser&path=.dtd", "nothing-like-this", "mail/&path=tabs"];
    let of_parts = parts.iter().map(|part| format!("/source/pushes/?path={part}"));
    let of_forest =
        |address: &str| made.locales.iter().map(|locale| format!("/source/pushes/{forest}/{locale}{address}")).collect();
    vec![
        page("/source/pushes/", &[""]),
        page("/source/pushes/?length=500", &["?length=500"]),
        page("/source/pushes/?from=&until=", &["?from=2025-11-01&until=2025-11-07", "?from=2026-05-01&until=2026-05-03"]),
        page("/source/pushes/?user=", &["?user=amina", "?user=hiroshi@example", "?user=nobody"]),
        page("/source/pushes/?author=&desc=", &["?author=Lindqvist&desc=Bug+17", "?desc=glossary", "?author=nobody"]),
        page("/source/pushes/?repo=", &["?repo=/fr", "?repo=central&exclude=central/de", "?repo=beta"]),
        Page { name: "/source/pushes/?path=", addresses: of_paths.chain(of_parts).collect(), limit: LIMIT_BY_PATH },
        page("/source/pushes/l10n-central", &[forest]),
        Page { name: "/source/pushes/l10n-central/…", addresses: of_forest(""), limit: LIMIT },
        Page { name: "/source/pushes/l10n-central/…?path=", addresses: of_forest("?path=browser"), limit: LIMIT_BY_PATH },
        Page { name: "/source/pushes/l10n-central/…?push=", addresses: of_forest("?push=1"), limit: LIMIT },
    ]
}

fn each(made: &ThreeYears, before: &str) -> Vec<String> {
    made.locales.iter().map(|locale| format!("{before}{locale}")).collect()
}

fn of_trees(places: &[PlaceRow], address: impl Fn(&str) -> String) -> Vec<String> {
    let mut addresses: Vec<String> = places.iter().map(|place| address(&place.tree)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn history(place: &PlaceRow, more: &str) -> String {
    format!("/dashboard/history?tree={}&locale={}{more}", place.tree, place.locale)
}

/// The newest comparisons, of which there are details.
fn compared(made: &ThreeYears, places: &[PlaceRow]) -> Vec<String> {
    let has_details = |place: &&PlaceRow| made.locales[..three_years::WITH_DETAILS].contains(&place.locale);
    places.iter().filter(has_details).map(|place| format!("/dashboard/compare?run={}", place.run)).collect()
}
