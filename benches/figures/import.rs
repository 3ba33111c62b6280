//! A new repository with much history: the clone, and everything but the clone.

use crate::report::{Limit, Report, median, ms};
use crate::setting::{FOREST, On, PATIENCE, Place, Setting, scaled};
use elmo_hg::{Changelog, Hg};
use elmo_upstream::Bulk;
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [1_000, 10_000, 50_000];
/// How many repositories of one changeset are taken.
const BY_THEMSELVES: usize = 3;
/// In the order in which they refer to each other.
const SMALL_TABLES: [&str; 3] = ["locale", "forest", "repository"];
const TABLES: [&str; 8] =
    ["branch", "file", "changeset", "changeset_parent", "changeset_file", "repository_changeset", "push", "push_changeset"];
/// What Elmo reads of a changeset.
const TEMPLATE: &str =
    "{node}\\0{p1node}\\0{p2node}\\0{author}\\0{date|hgdate}\\0{branch}\\0{extras}\\0{desc}\\0{join(files, '\\0')}\\0\\0";

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    let mut per_changeset: Vec<(On, f64)> = Vec::new();
    let of_itself = [of_itself(report, &setting, On::Sqlite).await?, of_itself(report, &setting, On::Postgres).await?];
    for size in SIZES.map(|size| scaled(size, scale)) {
        let name = format!("{FOREST}/x-{size}");
        setting.upstream.create(&name).await?;
        eprintln!("making {size} changesets");
        setting.upstream.import(&name, Bulk { changesets: size, ..Bulk::default() }).await?;
        let clone_ms = compare_reading(report, &setting, &name, size).await?;
        for (on, of_itself) in On::BOTH.into_iter().zip(of_itself) {
            let rest_ms = import(report, &setting, &name, size, on).await?;
            report.limited(format!("{size} {}: rest / hg clone", on.name()), rest_ms / clone_ms, Limit::AtMost(0.3));
            per_changeset.push((on, (rest_ms - of_itself) / size as f64));
        }
    }
    for on in On::BOTH {
        let of: Vec<f64> = per_changeset.iter().filter(|(which, _)| *which == on).map(|(_, each)| *each).collect();
        report.limited(
            format!("{}: time per changeset, largest / smallest", on.name()),
            of[of.len() - 1] / of[0],
            Limit::Within(0.75, 1.25),
        );
    }
    Ok(())
}

/// What a repository costs by itself: everything but the clone of one with a single changeset, the median of a few; in
/// milliseconds. Counted among the changesets, it would hide how the time of each grows.
async fn of_itself(report: &mut Report, setting: &Setting, on: On) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for number in 0..BY_THEMSELVES {
        let name = format!("{FOREST}/x-{}-{number}", on.name().to_lowercase());
        setting.upstream.create(&name).await?;
        setting.upstream.import(&name, Bulk { changesets: 1, ..Bulk::default() }).await?;
        let place = setting.place(on).await?;
        let worker = setting.worker_that_took(&place, &[setting.upstream.message_newrepo(&name)?], "warn,elmo=debug").await?;
        times.push(worker.clone_and_rest()?.1);
        worker.stop()?;
    }
    let median_ms = median(times);
    report.figure(format!("1 {}: rest, ms", on.name()), median_ms);
    Ok(median_ms)
}

/// Clones without a stream, then reads the changesets with `hg log` and natively; gives the clone's milliseconds.
async fn compare_reading(report: &mut Report, setting: &Setting, name: &str, size: usize) -> anyhow::Result<f64> {
    let hg = Hg::new("hg");
    let clone = setting.folder.path().join(format!("clone-{size}"));
    let began = Instant::now();
    hg.clone_repository(&setting.upstream.url_of(name), &clone, PATIENCE, |_| {}).await?;
    let clone_ms = ms(began.elapsed());
    report.figure(format!("{size}: hg clone without stream, ms"), clone_ms);
    let began = Instant::now();
    let mut log = hg.command();
    log.args(["log", "-T", TEMPLATE]).current_dir(&clone).stdout(Stdio::piped());
    let printed = log.output().await?;
    anyhow::ensure!(printed.status.success(), "hg log: {}", String::from_utf8_lossy(&printed.stderr));
    let by_hg_ms = ms(began.elapsed());
    let began = Instant::now();
    anyhow::ensure!(read(&clone)? == size, "not all changesets were read");
    let native_ms = ms(began.elapsed());
    report.figure(format!("{size}: hg log, ms"), by_hg_ms);
    report.figure(format!("{size}: native reader, ms"), native_ms);
    report.limited(format!("{size}: hg log / native reader"), by_hg_ms / native_ms, Limit::AtLeast(10.0));
    Ok(clone_ms)
}

fn read(clone: &Path) -> anyhow::Result<usize> {
    let mut changelog = Changelog::open(clone)?;
    for rev in 0..changelog.len() {
        std::hint::black_box(changelog.read(rev)?);
    }
    Ok(changelog.len() as usize)
}

/// A worker hears of the repository by newrepo and takes it; gives the milliseconds of everything but the clone.
async fn import(report: &mut Report, setting: &Setting, name: &str, size: usize, on: On) -> anyhow::Result<f64> {
    let place = setting.place(on).await?;
    let messages = [setting.upstream.message_newrepo(name)?];
    let worker = setting.worker_that_took(&place, &messages, "warn,elmo=debug").await?;
    let (cloned, rest_ms) = worker.clone_and_rest()?;
    let label = format!("{size} {}", on.name());
    report.figure(format!("{label}: clone, ms"), cloned);
    report.figure(format!("{label}: rest, ms"), rest_ms);
    report.limited(format!("{label}: peak memory, MiB"), worker.memory("VmHWM")?, Limit::AtMost(200.0));
    let changesets = place.store.totals().await?.changesets;
    anyhow::ensure!(changesets == i64::try_from(size)?, "{changesets} changesets were recorded");
    worker.stop()?;
    if on == On::Postgres {
        let copy_ms = copy(setting, &place).await?;
        report.figure(format!("{label}: COPY of the same rows, ms"), copy_ms);
        report.limited(format!("{label}: rest / COPY"), rest_ms / copy_ms, Limit::AtMost(1.8));
    }
    Ok(rest_ms)
}

/// The same rows into the same tables of an empty database, by COPY from files on the server; in milliseconds.
async fn copy(setting: &Setting, place: &Place) -> anyhow::Result<f64> {
    let target = setting.postgres.create_database(None).await?;
    elmo::store::Store::open(&target).await?.close().await;
    let (mut from, mut to) = (PgConnection::connect(&place.database).await?, PgConnection::connect(&target).await?);
    let folder: String = sqlx::query_scalar("show data_directory").fetch_one(&mut from).await?;
    let tables = SMALL_TABLES.iter().chain(&TABLES);
    let file = |table: &str| format!("{folder}/bench-{table}.copy");
    for table in tables.clone() {
        run_on(&mut from, &format!("copy {table} to '{}'", file(table))).await?;
        run_on(&mut to, &format!("truncate {table} cascade")).await?;
    }
    let mut copied = Duration::ZERO;
    for table in tables {
        let began = Instant::now();
        run_on(&mut to, &format!("copy {table} from '{}'", file(table))).await?;
        if TABLES.contains(table) {
            copied += began.elapsed();
        }
    }
    Ok(ms(copied))
}

async fn run_on(connection: &mut PgConnection, sql: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(connection).await?;
    Ok(())
}
