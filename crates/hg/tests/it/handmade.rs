//! Changelogs as hg wrote them long ago, or writes them only in rare cases, made by hand: the forms of chunks, the chains of
//! deltas and the texts that today's hg can no longer be made to write.

use elmo_hg::{Changelog, ChangelogError, Node};

use crate::made::{Form, Made, Shape, text};
use crate::support::World;

#[tokio::test]
async fn ancient_texts_are_read_as_hg_reads_them() {
    let world = World::new();
    let repo = world.repo("ancient").await;
    let mut made = Made::new(Shape { inline: true, ..Shape::default() });
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
        made.add(&[manifest.as_bytes(), text].concat(), Form::Plain);
    }

    made.write_to(&repo);

    assert_eq!(repo.read_twice().await.len(), texts.len());
}

#[tokio::test]
async fn every_form_of_chunk_is_read_as_hg_reads_it() {
    let world = World::new();
    for inline in [true, false] {
        let repo = world.repo(if inline { "inline" } else { "split" }).await;
        let made = Made::in_every_form(Shape { inline, ..Shape::default() });

        made.write_to(&repo);

        assert_eq!(repo.read_twice().await.len(), 12);
    }
}

#[tokio::test]
async fn chains_of_deltas_of_both_kinds_are_read_in_any_order() {
    let world = World::new();
    for general_delta in [true, false] {
        let repo = world.repo(if general_delta { "general" } else { "linear" }).await;
        let mut made = Made::new(Shape { general_delta, ..Shape::default() });
        for number in 0..40 {
            let form = match number {
                0 | 20 => Form::Zlib,
                _ if general_delta => Form::Delta { against: number / 2, base: number / 2 },
                _ => Form::Delta { against: number - 1, base: number / 20 * 20 },
            };
            made.add(&text(number, b"the same in each"), form);
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
    let mut made = Made::new(Shape { inline: true, ..Shape::default() });
    made.add(&text(0, b""), Form::Plain);
    made.add(&text(1, b""), Form::Plain);
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
    let mut made = Made::new(Shape { inline: true, ..Shape::default() });
    made.add(&text(0, b"right"), Form::Plain);
    made.index[32] ^= 1;

    made.write_to(&repo);

    let mut changelog = Changelog::open(&repo.path).unwrap();
    assert_ne!(changelog.node(0), Node::NULL);
    assert!(matches!(changelog.read(0), Err(ChangelogError::Corrupt { rev: Some(0), .. })));
}
