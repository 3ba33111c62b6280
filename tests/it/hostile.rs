//! Hostile input: what was seen once, changed as nobody would write it. `bin/fuzz` does the same a million times each.

use elmo::hostile::{TARGETS, Target};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use proptest::test_runner::{Config, TestRunner};
use std::path::{Path, PathBuf};

/// What parsers trip over.
const PIECES: [&[u8]; 24] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\udce9",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"]",
    b"%00",
    b"%2e%2e/",
    b"../",
    b"-",
    b"--",
    b"&",
    b"=",
    b"\xff\xfe",
    b"\xed\xb3\xa9",
    "\u{202e}".as_bytes(),
    b"99999999999999999999",
    b"-1",
];

/// One thing that is done to bytes, at a place in them.
#[derive(Clone, Debug)]
enum Change {
    Put(&'static [u8]),
    Set(u8),
    Cut(Index),
    Double(Index),
    End,
}

impl Change {
    fn done(&self, at: Index, bytes: &mut Vec<u8>) {
        let at = at.index(bytes.len() + 1);
        let until = |end: &Index| at + end.index(bytes.len() - at + 1);
        match self {
            Change::Put(piece) => drop(bytes.splice(at..at, piece.iter().copied())),
            Change::Set(byte) => bytes.iter_mut().skip(at).take(1).for_each(|old| *old = *byte),
            Change::Cut(end) => drop(bytes.drain(at..until(end))),
            Change::Double(end) => bytes.extend_from_within(at..until(end)),
            Change::End => bytes.truncate(at),
        }
    }
}

fn changed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = Union::new([
        select(&PIECES[..]).prop_map(Change::Put).boxed(),
        any::<u8>().prop_map(Change::Set).boxed(),
        any::<Index>().prop_map(Change::Cut).boxed(),
        any::<Index>().prop_map(Change::Double).boxed(),
        Just(Change::End).boxed(),
    ]);
    (select(seeds), vec((change, any::<Index>()), 0..6)).prop_map(|(mut bytes, changes)| {
        for (change, at) in changes {
            change.done(at, &mut bytes);
        }
        bytes
    })
}

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(corpora().join(name)).unwrap_or_else(|_| panic!("{name} has no corpus"));
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

/// The runner that nextest starts has a test's time; each target has a little of it.
fn try_out((name, target): Target) {
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&changed(seeds(name)), |bytes| {
        target(&bytes);
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn nothing_that_comes_in_breaks_a_promise() {
    for target in TARGETS {
        for seed in seeds(target.0) {
            target.1(&seed);
        }
        try_out(target);
    }
}

#[test]
fn every_target_has_a_small_corpus() {
    let mut folders: Vec<String> =
        std::fs::read_dir(corpora()).unwrap().map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    let mut names = TARGETS.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(folders, names);
    for (name, seeds) in names.map(|name| (name, seeds(name))) {
        assert!((1..=20).contains(&seeds.len()), "{name} has {} files", seeds.len());
        assert!(seeds.iter().all(|seed| seed.len() <= 1024), "{name} has a file of more than 1 KiB");
    }
}
