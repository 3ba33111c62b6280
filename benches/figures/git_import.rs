//! A new repository of git with much history: everything but the clone, beside a clone from disk and `git log`.

use crate::git_history::{Shape, git_unread, make};
use crate::report::{Limit, Report, ms};
use crate::setting::{On, Place, Setting, scaled};
use elmo::domain::{LocaleRules, NewRepository, RepositoryUrl, UrlRules, Vcs};
use elmo_upstream::git::Host;
use std::time::Instant;

const NAME: &str = "mozilla-l10n/thunderbird-l10n";
const AT_ONCE: &str = "mozilla-l10n/at-once";
const WHOLE: Shape = Shape { commits: 75_000, files: 25_000, locales: 72 };

pub(crate) async fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let setting = Setting::new().await?;
    let host = Host::start().await?;
    let shape = Shape {
        commits: scaled(WHOLE.commits, scale),
        files: scaled(WHOLE.files, scale).max(WHOLE.locales),
        locales: WHOLE.locales,
    };
    eprintln!("making {} commits with {} files", shape.commits, shape.files);
    make(&host, NAME, shape).await?;
    make(&host, AT_ONCE, Shape { commits: 1, locales: 1, ..shape }).await?;
    for on in On::BOTH {
        let least_ms = least(report, &setting, &host, on)?;
        let rest_ms = import(report, &setting, &host, (NAME, shape.commits), on).await?;
        report.limited(format!("{}: rest / clone and log", on.name()), rest_ms / least_ms, Limit::AtMost(1.0));
        import(report, &setting, &host, (AT_ONCE, 1), on).await?;
    }
    Ok(())
}

/// A clone from disk and its log, in milliseconds. Without `--no-local` git would only link the files, as no host does.
fn least(report: &mut Report, setting: &Setting, host: &Host, on: On) -> anyhow::Result<f64> {
    let (origin, clone) = (host.path_of(NAME)?, setting.folder.path().join(format!("least-{}", on.name())));
    let (from, to) = (origin.to_string_lossy(), clone.to_string_lossy());
    let began = Instant::now();
    git_unread(&origin, &["clone", "--quiet", "--bare", "--no-local", "--", &from, &to])?;
    let cloned = ms(began.elapsed());
    let began = Instant::now();
    git_unread(&clone, &["log", "--raw"])?;
    let logged = ms(began.elapsed());
    report.figure(format!("{}: git clone --bare, ms", on.name()), cloned);
    report.figure(format!("{}: git log --raw, ms", on.name()), logged);
    Ok(cloned + logged)
}

/// A worker takes the repository; gives the milliseconds of everything but the clone.
async fn import(
    report: &mut Report,
    setting: &Setting,
    host: &Host,
    (name, commits): (&str, usize),
    on: On,
) -> anyhow::Result<f64> {
    let place = setting.place(on).await?;
    follow(&place, host, name).await?;
    let worker = setting.bound_worker(&place, "warn,elmo=debug").await?;
    place.until_complete(1).await?;
    let (cloned, rest_ms) = worker.clone_and_rest()?;
    let label = format!("{commits} {}", on.name());
    report.figure(format!("{label}: clone, ms"), cloned);
    report.figure(format!("{label}: rest, ms"), rest_ms);
    report.limited(format!("{label}: peak memory, MiB"), worker.memory("VmHWM")?, Limit::AtMost(250.0));
    let changesets = place.store.totals().await?.changesets;
    anyhow::ensure!(changesets == i64::try_from(commits)?, "{changesets} changesets were recorded");
    worker.stop()?;
    Ok(rest_ms)
}

/// Follows the repository, whose locales are folders.
pub(crate) async fn follow(place: &Place, host: &Host, name: &str) -> anyhow::Result<()> {
    let url = RepositoryUrl::parse(&host.url_of(name), UrlRules::OnlyHttp)?;
    let new = NewRepository { vcs: Vcs::Git, ..NewRepository::at(name.parse()?, url) };
    place.store.add_repository(&new, jiff::Timestamp::now()).await?;
    let repository = place.store.repository(&name.parse()?).await?.expect("it was just added");
    place.store.set_locale_rules(repository.id, &LocaleRules::of_pattern("{locale}/**")?).await?;
    Ok(())
}
