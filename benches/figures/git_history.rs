//! A repository of git with much history, made like thunderbird-l10n: a folder for each locale, files of all kinds, small commits
//! mostly, a merge now and then.

use anyhow::{Context, bail};
use elmo_upstream::git::Host;
use fastrand::Rng;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// How much there is.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) commits: usize,
    pub(crate) files: usize,
    pub(crate) locales: usize,
}

const INCOMING: &str = "refs/incoming/made";
const FIRST_DATE: usize = 1_200_000_000;
const BETWEEN_COMMITS: usize = 7_000;
/// Two lines of work are merged once in so many commits.
const COMMITS_PER_MERGE: usize = 40;
/// Once in so many commits half of a locale's files are written anew.
const COMMITS_PER_MIGRATION: usize = 2_000;
/// Once in so many a dozen are.
const COMMITS_PER_DOZEN: usize = 100;
/// Of 25 files: 10 `.ftl`, 8 `.dtd`, 6 `.properties`, one `.ini`.
const KINDS: [(usize, &str); 4] = [(10, "ftl"), (18, "dtd"), (24, "properties"), (25, "ini")];
const MODULES: [&str; 5] = ["browser/branding", "calendar/chrome/calendar", "chat", "mail/messenger/preferences", "toolkit/global"];

/// Makes the repository at the host, on its branch `main`.
pub(crate) async fn make(host: &Host, name: &str, shape: Shape) -> anyhow::Result<()> {
    host.create(name).await?;
    let path = host.path_of(name)?;
    tokio::task::block_in_place(|| import(&path, shape))?;
    let tip = git(&path, &["rev-parse", INCOMING])?;
    host.move_branch(name, "main", "localizer", tip.trim()).await?;
    Ok(())
}

/// Runs git on a bare repository, with no settings of anybody; gives what it printed.
pub(crate) fn git(repository: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = command(repository).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs git likewise, and lets nobody read what it prints.
pub(crate) fn git_unread(repository: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = command(repository).args(arguments).stdout(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "git {}: {status}", arguments.join(" "));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench runs git beside the program that does")]
fn command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::null());
    command.arg("--git-dir").arg(repository);
    command
}

fn import(repository: &Path, shape: Shape) -> anyhow::Result<()> {
    let mut importing = command(repository).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let stdin = importing.stdin.take().context("git fast-import reads nothing")?;
    let mut stream = Stream { out: BufWriter::new(stdin), rng: Rng::with_seed(5), shape, marks: 0 };
    stream.write()?;
    drop(stream);
    let status = importing.wait()?;
    anyhow::ensure!(status.success(), "git fast-import: {status}");
    Ok(())
}

/// What git fast-import reads.
struct Stream<W: Write> {
    out: W,
    rng: Rng,
    shape: Shape,
    /// How many commits there are so far; each is called by its number.
    marks: usize,
}

impl<W: Write> Stream<W> {
    /// First each locale comes with all of its files, then they are worked on.
    fn write(&mut self) -> anyhow::Result<()> {
        let Shape { commits, files, locales } = self.shape;
        let per_locale = files.div_ceil(locales);
        for locale in 0..locales.min(commits) {
            let files: Vec<usize> = (0..per_locale.min(files - (locale * per_locale).min(files))).collect();
            self.commit(locale, &files, None)?;
        }
        while self.marks < commits {
            if self.marks.is_multiple_of(COMMITS_PER_MERGE) && self.marks + 3 <= commits {
                self.two_lines(per_locale)?;
            } else {
                self.some_work(per_locale, None)?;
            }
        }
        Ok(self.out.flush()?)
    }

    /// Two commits on the same one, and the merge of both.
    fn two_lines(&mut self, per_locale: usize) -> anyhow::Result<()> {
        let base = self.marks;
        self.some_work(per_locale, None)?;
        let one = self.marks;
        self.some_work(per_locale, Some(base))?;
        let other = self.marks;
        self.begin("Merge the work of another localizer", Some(one))?;
        writeln!(self.out, "merge :{other}")?;
        Ok(())
    }

    fn some_work(&mut self, per_locale: usize, onto: Option<usize>) -> anyhow::Result<()> {
        let locale = self.rng.usize(..self.shape.locales);
        let count = match self.marks {
            number if number % COMMITS_PER_MIGRATION == 1 => per_locale / 2,
            number if number % COMMITS_PER_DOZEN == 1 => 12,
            _ => 1,
        };
        let files: Vec<usize> = (0..count.min(per_locale)).map(|_| self.rng.usize(..per_locale)).collect();
        self.commit(locale, &files, onto)
    }

    fn commit(&mut self, locale: usize, files: &[usize], onto: Option<usize>) -> anyhow::Result<()> {
        self.begin(&format!("Pontoon: Update {} localization of Thunderbird", code(locale)), onto)?;
        for file in files {
            let text = self.contents();
            writeln!(self.out, "M 100644 inline {}\ndata {}\n{text}", path(locale, *file), text.len())?;
        }
        Ok(())
    }

    fn begin(&mut self, message: &str, onto: Option<usize>) -> anyhow::Result<()> {
        self.marks += 1;
        let (mark, person) = (self.marks, self.rng.usize(..200));
        let date = FIRST_DATE + mark * BETWEEN_COMMITS;
        writeln!(self.out, "commit {INCOMING}\nmark :{mark}")?;
        writeln!(self.out, "author Localizer {person} <localizer{person}@example.org> {date} +0000")?;
        writeln!(self.out, "committer Pontoon <pontoon@example.org> {date} +0000\ndata {}\n{message}", message.len())?;
        if let Some(onto) = onto {
            writeln!(self.out, "from :{onto}")?;
        }
        Ok(())
    }

    /// A few strings, of which one is new.
    fn contents(&mut self) -> String {
        let number = self.rng.u32(..);
        (0..12)
            .fold(format!("title = {number:08x}\n"), |text, item| text + &format!("menu-item-{item} = The item of number {item}\n"))
    }
}

/// Two letters for each locale.
fn code(locale: usize) -> String {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap_or_default());
    format!("{}{}", letter(locale / 26), letter(locale))
}

fn path(locale: usize, file: usize) -> String {
    let kind = KINDS.iter().find(|(end, _)| file % 25 < *end).map_or("txt", |(_, kind)| kind);
    format!("{}/{}/file{file}.{kind}", code(locale), MODULES[file % MODULES.len()])
}
