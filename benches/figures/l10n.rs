//! Reading localization files: how many megabytes a second, beside fluent-syntax and beside compare-locales.

use crate::localized::{MIX, name, text};
use crate::report::{Limit, Report, median};
use anyhow::Context;
use elmo_l10n::{Kind, Text, parse};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

const BYTES: f64 = 100e6;
/// Each kind is read so often, and as often by fluent-syntax, by turns; medians count.
const TURNS: usize = 5;
/// compare-locales is given so much of each kind: it is slow.
const FOR_PYTHON: usize = 1_000_000;
const LEAST: f64 = 100.0;
const BESIDE_FLUENT: f64 = 1.2;

struct File {
    name: String,
    text: String,
}

pub(crate) fn run(report: &mut Report, scale: f64) -> anyhow::Result<()> {
    let files = files((BYTES * scale) as usize);
    let mut rates = HashMap::new();
    for (kind, _, _) in MIX {
        let of_kind = &files[&kind];
        let rate = if kind == Kind::Fluent { beside_fluent(report, of_kind) } else { rate(kind, of_kind, || ()).0 };
        let what = format!("{}, MB/s", ending(kind));
        match kind {
            Kind::Properties | Kind::Dtd | Kind::Ini => report.limited(what, rate, Limit::AtLeast(LEAST)),
            _ => report.figure(what, rate),
        }
        rates.insert(kind, rate);
    }
    let bytes: usize = files.values().flatten().map(|file| file.text.len()).sum();
    report.figure("files", files.values().map(Vec::len).sum::<usize>() as f64);
    report.figure("all of them, MB", bytes as f64 / 1e6);
    beside_compare_locales(report, &files, &rates)
}

fn ending(kind: Kind) -> &'static str {
    let name = MIX.iter().find(|(known, ..)| *known == kind).map_or("", |(_, name, _)| name);
    name.rfind('.').map_or(name, |dot| &name[dot..])
}

/// Files of all kinds, so many bytes together.
fn files(bytes: usize) -> HashMap<Kind, Vec<File>> {
    let mut files: HashMap<Kind, Vec<File>> = MIX.iter().map(|(kind, ..)| (*kind, Vec::new())).collect();
    let mut made = 0;
    for number in 0.. {
        let (kind, name) = name(number);
        let text = text(kind, number, 0);
        made += text.len();
        files.entry(kind).or_default().push(File { name, text });
        if made >= bytes && number >= 100 {
            break;
        }
    }
    files
}

/// Megabytes a second, and how long something beside it took, by turns: seconds, medians of both.
fn rate(kind: Kind, files: &[File], beside: impl Fn()) -> (f64, f64, f64) {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let began = Instant::now();
        beside();
        let their = began.elapsed().as_secs_f64();
        let began = Instant::now();
        read(kind, files);
        let our = began.elapsed().as_secs_f64();
        theirs.push(their);
        ratios.push(our / their);
        ours.push(our);
    }
    let rate = |seconds: Vec<f64>| bytes as f64 / 1e6 / median(seconds);
    (rate(ours), rate(theirs), median(ratios))
}

fn read(kind: Kind, files: &[File]) {
    for file in files {
        let text = Text::decode(file.text.as_bytes());
        black_box(parse(kind, &text));
    }
}

/// The same bytes with fluent-syntax, which takes text.
fn read_alone(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let _ = black_box(fluent_syntax::parser::parse(text));
}

fn beside_fluent(report: &mut Report, files: &[File]) -> f64 {
    let alone = || files.iter().for_each(|file| read_alone(file.text.as_bytes()));
    let (ours, theirs, ratio) = rate(Kind::Fluent, files, alone);
    report.figure("fluent-syntax alone, MB/s", theirs);
    report.limited(".ftl: time / fluent-syntax alone", ratio, Limit::AtMost(BESIDE_FLUENT));
    ours
}

/// What compare-locales makes of the first files of each kind, and how much longer it takes.
fn beside_compare_locales(report: &mut Report, files: &HashMap<Kind, Vec<File>>, rates: &HashMap<Kind, f64>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(python) = with_compare_locales(folder.path()) else { return Ok(()) };
    let script = folder.path().join("time.py");
    std::fs::write(&script, include_str!("compare_locales.py"))?;
    for (kind, _, _) in MIX {
        let place = folder.path().join(ending(kind));
        write_some(&files[&kind], &place)?;
        let output = run_program(program(&python).arg(&script).arg(&place))?;
        let theirs: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        report.figure(format!("{}: compare-locales, MB/s", ending(kind)), theirs);
        report.figure(format!("{}: times as fast as compare-locales", ending(kind)), rates[&kind] / theirs);
    }
    Ok(())
}

/// Writes the first files into a folder.
fn write_some(files: &[File], folder: &Path) -> anyhow::Result<()> {
    let mut bytes = 0;
    for file in files {
        let path = folder.join(&file.name);
        std::fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        std::fs::write(&path, &file.text)?;
        bytes += file.text.len();
        if bytes >= FOR_PYTHON {
            break;
        }
    }
    Ok(())
}

/// A Python of its own with compare-locales, if there can be one.
fn with_compare_locales(folder: &Path) -> Option<PathBuf> {
    let (venv, python) = (folder.join("venv"), folder.join("venv/bin/python"));
    let made = run_program(program("python3").args(["-m", "venv"]).arg(&venv));
    let installed =
        made.and_then(|_| run_program(program(&python).args(["-m", "pip", "install", "--quiet", "compare-locales==9.0.5"])));
    if let Err(error) = &installed {
        eprintln!("compare-locales 9.0.5 cannot be installed here, its ratio is left out: {error:#}");
    }
    installed.ok().map(|_| python)
}

#[expect(clippy::disallowed_methods, reason = "a bench runs programs as a person does")]
fn program(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}

fn run_program(program: &mut Command) -> anyhow::Result<Output> {
    let output = program.output().with_context(|| format!("{program:?}"))?;
    anyhow::ensure!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}
