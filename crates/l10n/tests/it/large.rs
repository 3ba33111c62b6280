//! Files of five million characters, made as `golden.py` makes them.

use std::iter;

use elmo_l10n::{Entity, Kind, Text, parse};
use serde_json::json;

use crate::corpus::{bytes, golden};

const LARGE: usize = 5_000_000;

/// Makes a large file: its head, its block with a number for each `@` again and again, its tail.
fn large(name: &str) -> String {
    let template = String::from_utf8(bytes(name)).unwrap();
    let [head, block, tail] = template.split("@@\n").collect::<Vec<_>>().try_into().unwrap();
    let mut whole = head.to_owned();
    let mut characters = 0;
    for number in 0.. {
        let part = block.replace('@', &number.to_string());
        characters += part.chars().count();
        whole += &part;
        if characters >= LARGE {
            break;
        }
    }
    whole + tail
}

fn check(name: &str) {
    let bytes = large(name);
    let text = Text::decode(bytes.as_bytes());

    let file = parse(Kind::of(name).unwrap(), &text);

    let texts: Vec<_> = file.entities.iter().flat_map(texts_of).collect();
    let found = json!({
        "entities": file.entities.len(),
        "junk": file.junk.len(),
        "words": file.entities.iter().map(|entity| entity.words).sum::<usize>(),
        "digest": digest(&texts.join("\0")),
    });
    assert_eq!(found, golden(name));
}

fn texts_of<'a>(entity: &'a Entity<'_>) -> impl Iterator<Item = &'a str> {
    let attributes = entity.attributes.iter().flat_map(|attribute| [&*attribute.name, &*attribute.value]);
    let own = [&*entity.key, entity.value.as_deref().unwrap_or_default()];
    own.into_iter().chain(attributes).chain(iter::once(entity.comment.as_deref().unwrap_or_default()))
}

/// FNV-1a of 64 bits.
fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[test]
fn large_android_strings_are_read_as_compare_locales_reads_them() {
    check("large/large_strings.xml");
}

#[test]
fn large_defines_are_read_as_compare_locales_reads_them() {
    check("large/large.inc");
}

#[test]
fn large_dtds_are_read_as_compare_locales_reads_them() {
    check("large/large.dtd");
}

#[test]
fn large_fluent_is_read_as_compare_locales_reads_it() {
    check("large/large.ftl");
}

#[test]
fn large_gettext_is_read_as_compare_locales_reads_it() {
    check("large/large.po");
}

#[test]
fn large_inis_are_read_as_compare_locales_reads_them() {
    check("large/large.ini");
}

#[test]
fn large_properties_are_read_as_compare_locales_reads_them() {
    check("large/large.properties");
}
