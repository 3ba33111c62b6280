//! A changelog made by hand, one changeset upon the other, in forms that today's hg does not write.

use std::fs;
use std::io::Write;

use sha1::{Digest, Sha1};

use crate::support::Repo;

const VERSION: u8 = 1;
const INLINE: u8 = 1;
const GENERAL_DELTA: u8 = 2;

/// What the header of an index says.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shape {
    pub(crate) inline: bool,
    pub(crate) general_delta: bool,
}

/// A changelog in the making.
#[derive(Default)]
pub(crate) struct Made {
    shape: Shape,
    /// The bytes of `00changelog.i`.
    pub(crate) index: Vec<u8>,
    data: Vec<u8>,
    texts: Vec<Vec<u8>>,
    tip: [u8; 20],
}

/// How a text is stored.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Plain,
    Zlib,
    /// As a stream, which does not tell the length of the text; that is how hg compresses long ones.
    Zstd,
    /// As the difference to another text; `base` is what the index says about it.
    Delta {
        against: usize,
        base: usize,
    },
}

impl Made {
    pub(crate) fn new(shape: Shape) -> Made {
        Made { shape, ..Made::default() }
    }

    /// Texts of all sizes, in all forms but a chain.
    pub(crate) fn in_every_form(shape: Shape) -> Made {
        let mut made = Made::new(shape);
        for number in 0..12 {
            let form = [Form::Plain, Form::Zlib, Form::Zstd][number % 3];
            made.add(&text(number, &b"words ".repeat(1 << number)), form);
        }
        made
    }

    pub(crate) fn add(&mut self, text: &[u8], form: Form) {
        let rev = self.texts.len();
        let base = if let Form::Delta { base, .. } = form { base } else { rev };
        let chunk = self.chunk(text, form);
        let parents = Sha1::new().chain_update([0; 20]).chain_update(self.tip);
        self.tip = parents.chain_update(text).finalize().into();

        let mut entry = (self.data.len() as u64).to_be_bytes()[2..].to_vec();
        entry.extend([0, 0]);
        for number in [chunk.len(), text.len(), base, rev] {
            entry.extend(u32::try_from(number).unwrap().to_be_bytes());
        }
        entry.extend((i32::try_from(rev).unwrap() - 1).to_be_bytes());
        entry.extend((-1_i32).to_be_bytes());
        entry.extend(self.tip);
        entry.resize(64, 0);
        if rev == 0 {
            entry[..4].copy_from_slice(&self.header());
        }

        self.index.extend(entry);
        if self.shape.inline {
            self.index.extend(&chunk);
        }
        self.data.extend(&chunk);
        self.texts.push(text.to_vec());
    }

    pub(crate) fn write_to(&self, repo: &Repo) {
        fs::write(repo.store("00changelog.i"), &self.index).unwrap();
        if !self.shape.inline {
            fs::write(repo.store("00changelog.d"), &self.data).unwrap();
        }
    }

    fn header(&self) -> [u8; 4] {
        let inline = if self.shape.inline { INLINE } else { 0 };
        let general_delta = if self.shape.general_delta { GENERAL_DELTA } else { 0 };
        [0, inline | general_delta, 0, VERSION]
    }

    fn chunk(&self, text: &[u8], form: Form) -> Vec<u8> {
        match form {
            Form::Plain => [b"u", text].concat(),
            Form::Zlib => zlib(text),
            Form::Zstd => zstd::stream::encode_all(text, 3).unwrap(),
            Form::Delta { against, .. } => difference(&self.texts[against], text),
        }
    }
}

/// The text of a changeset.
pub(crate) fn text(number: usize, description: &[u8]) -> Vec<u8> {
    let header = format!("{}\nuser {number}\n{number} 0\nfile{number}\n\n", "0".repeat(40));
    [header.as_bytes(), description].concat()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// One replacement, of what stands between what both texts begin and end with.
fn difference(from: &[u8], to: &[u8]) -> Vec<u8> {
    let start = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let ends = from[start..].iter().rev().zip(to[start..].iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    let new = &to[start..to.len() - end];
    let numbers = [start, from.len() - end, new.len()].map(|number| u32::try_from(number).unwrap().to_be_bytes());
    [&numbers.concat(), new].concat()
}
