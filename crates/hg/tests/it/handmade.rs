//! Changelogs as hg wrote them long ago, or writes them only in rare cases, made by hand: the forms of chunks, the chains of
//! deltas and the texts that today's hg can no longer be made to write.

use std::fs;
use std::io::Write;

use elmo_hg::{Changelog, ChangelogError, Node};
use sha1::{Digest, Sha1};

use crate::support::{Repo, World};

const HEADER: [u8; 2] = [0, 1];
const INLINE: u8 = 1;
const GENERAL_DELTA: u8 = 2;

/// A changelog in the making, one changeset upon the other.
#[derive(Default)]
struct Made {
    index: Vec<u8>,
    data: Vec<u8>,
    tip: Node0,
    texts: Vec<Vec<u8>>,
    flags: u8,
    general_delta: bool,
    inline: bool,
}

type Node0 = [u8; 20];

/// How a text is to be stored.
enum Form {
    Plain,
    Zlib,
    Zstd,
    /// As the difference to another revision, or for an old chain to the one before; the chain starts at the second.
    Delta {
        against: usize,
        base: i32,
    },
}

impl Made {
    fn add(&mut self, text: &[u8], form: &Form) {
        let rev = i32::try_from(self.texts.len()).unwrap();
        let base = if let Form::Delta { base, .. } = form { *base } else { rev };
        let chunk = self.chunk(text, form);
        let node: Node0 = Sha1::new().chain_update([0; 20]).chain_update(self.tip).chain_update(text).finalize().into();
        let mut entry = Vec::new();
        entry.extend(&(self.data.len() as u64).to_be_bytes()[2..]);
        entry.extend([0, self.flags]);
        for number in [chunk.len() as i32, text.len() as i32, base, rev, rev - 1, -1] {
            entry.extend(number.to_be_bytes());
        }
        entry.extend(node);
        entry.resize(64, 0);
        if rev == 0 {
            let flags = if self.inline { INLINE } else { 0 } | if self.general_delta { GENERAL_DELTA } else { 0 };
            entry[..4].copy_from_slice(&[0, flags, HEADER[0], HEADER[1]]);
        }
        self.index.extend(entry);
        if self.inline {
            self.index.extend(&chunk);
        }
        self.data.extend(&chunk);
        self.texts.push(text.to_vec());
        self.tip = node;
    }

    fn chunk(&self, text: &[u8], form: &Form) -> Vec<u8> {
        match form {
            Form::Plain => [b"u", text].concat(),
            Form::Zlib => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            // As a stream, without the length of the text, which is how hg compresses long ones.
            Form::Zstd => zstd::stream::encode_all(text, 3).unwrap(),
            Form::Delta { against, .. } => difference(&self.texts[*against], text),
        }
    }

    fn write_to(&self, repo: &Repo) {
        fs::write(repo.store("00changelog.i"), &self.index).unwrap();
        if !self.inline {
            fs::write(repo.store("00changelog.d"), &self.data).unwrap();
        }
    }
}

/// One replacement, of what stands between what both texts begin and end with.
fn difference(from: &[u8], to: &[u8]) -> Vec<u8> {
    let start = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let rest = from[start..].iter().rev().zip(to[start..].iter().rev());
    let end = rest.take_while(|(one, other)| one == other).count();
    let new = &to[start..to.len() - end];
    let numbers = [start, from.len() - end, new.len()].map(|number| (number as u32).to_be_bytes());
    [&numbers.concat(), new].concat()
}

fn text(number: usize, rest: &[u8]) -> Vec<u8> {
    let header = format!("{}\nuser {number}\n{number} 0\nfile{number}\n\n", "0".repeat(40));
    [header.as_bytes(), rest].concat()
}

#[tokio::test]
async fn ancient_texts_are_read_as_hg_reads_them() {
    let world = World::new();
    let repo = world.repo("ancient").await;
    let mut made = Made { inline: true, ..Made::default() };
    let manifest = "0".repeat(40);
    let texts: [&[u8]; 7] = [
        b"\nZo\xe9\n12.75 -7200\nb\na\n\nna\xefve \xa0",
        b"\n\n-12.75 0 branch:caf\xe9\0close:1\n\n\x0b\n  both ends \t\n\x0c",
        b"\nme\n0 0 branch:a\\\\b\\nc\\0d\0amend_source:x:y\nf\n\n",
        b"\nme\n0 0 close:\0\0branch:\xc3\xa9\nf\n\n",
        b"\nme\n-2147483648 50400 \nname: with\ttab \n\n",
        b"\nme\n253402300799 -50400\n\n\n\n",
        b"\nme \n0 0 source:branch:no\nf\n\nd\n\nlast line\n\n",
    ];
    for text in texts {
        made.add(&[manifest.as_bytes(), text].concat(), &Form::Plain);
    }

    made.write_to(&repo);

    assert_eq!(repo.read_twice().await.len(), texts.len());
}

#[tokio::test]
async fn every_form_of_chunk_is_read_as_hg_reads_it() {
    let world = World::new();
    for inline in [true, false] {
        let repo = world.repo(if inline { "inline" } else { "split" }).await;
        let mut made = Made { inline, ..Made::default() };
        for number in 0..12 {
            let form = [Form::Plain, Form::Zlib, Form::Zstd][number % 3].clone_form();
            made.add(&text(number, &b"many words ".repeat(1 << number)), &form);
        }

        made.write_to(&repo);

        assert_eq!(repo.read_twice().await.len(), 12);
    }
}

impl Form {
    fn clone_form(&self) -> Form {
        match *self {
            Form::Plain => Form::Plain,
            Form::Zlib => Form::Zlib,
            Form::Zstd => Form::Zstd,
            Form::Delta { against, base } => Form::Delta { against, base },
        }
    }
}

#[tokio::test]
async fn chains_of_deltas_of_both_kinds_are_read_in_any_order() {
    let world = World::new();
    for general_delta in [true, false] {
        let repo = world.repo(if general_delta { "general" } else { "linear" }).await;
        let mut made = Made { general_delta, ..Made::default() };
        made.add(&text(0, b"start"), &Form::Zlib);
        for number in 1..40 {
            let against = if general_delta { number / 2 } else { number - 1 };
            let base = if general_delta { i32::try_from(against).unwrap() } else { 0 };
            let form = if number == 20 { Form::Plain } else { Form::Delta { against, base } };
            let form = match form {
                Form::Delta { against, .. } if !general_delta && number > 20 => Form::Delta { against, base: 20 },
                other => other,
            };
            made.add(&text(number, b"start"), &form);
        }

        made.write_to(&repo);

        let all = repo.read_twice().await;
        let mut changelog = Changelog::open(&repo.path).unwrap();
        for rev in (0..40).rev().chain((0..40).map(|step| step * 7 % 40)) {
            assert_eq!(changelog.read(rev).unwrap(), all[rev as usize]);
        }
    }
}

#[tokio::test]
async fn a_text_that_is_not_here_is_an_error() {
    let world = World::new();
    let repo = world.repo("censored").await;
    let mut made = Made { inline: true, ..Made::default() };
    made.add(&text(0, b""), &Form::Plain);
    made.flags = 0;
    made.add(&text(1, b""), &Form::Plain);
    // The flag of a censored text.
    made.index[6] = 0x80;

    made.write_to(&repo);

    let mut changelog = Changelog::open(&repo.path).unwrap();
    assert!(matches!(changelog.read(0), Err(ChangelogError::Corrupt { rev: Some(0), .. })));
    assert!(changelog.read(1).is_ok());
}

#[tokio::test]
async fn a_text_with_another_hash_is_never_given_out() {
    let world = World::new();
    let repo = world.repo("wrong").await;
    let mut made = Made { inline: true, ..Made::default() };
    made.add(&text(0, b"right"), &Form::Plain);
    made.index[32] ^= 1;

    made.write_to(&repo);

    let mut changelog = Changelog::open(&repo.path).unwrap();
    assert_ne!(changelog.node(0), Node::NULL);
    assert!(matches!(changelog.read(0), Err(ChangelogError::Corrupt { rev: Some(0), .. })));
}
