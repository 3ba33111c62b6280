//! The files in `corpus/`, and what `golden.py` has written about them.

use std::fs;
use std::path::{Path, PathBuf};

use elmo_l10n::{File, Kind, Text, parse};
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Names the files of a folder of the corpus, as `ftl/browser.ftl`.
pub(crate) fn names(of: &str) -> Vec<String> {
    let files = fs::read_dir(folder("corpus").join(of)).unwrap();
    let mut names: Vec<_> = files.map(|file| format!("{of}/{}", file.unwrap().file_name().to_str().unwrap())).collect();
    names.sort();
    names
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    fs::read(folder("corpus").join(name)).unwrap()
}

/// Gives what compare-locales found in a file.
pub(crate) fn golden(name: &str) -> Value {
    let text = fs::read_to_string(folder("golden").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Gives what is found here, in the form of [`golden`].
pub(crate) fn found(name: &str, bytes: &[u8]) -> Value {
    let text = Text::decode(bytes);
    let file = parse(Kind::of(name).unwrap(), &text);
    json!({"entities": entities(&file), "junk": junk(&file, &text)})
}

fn entities(file: &File<'_>) -> Value {
    let entities = file.entities.iter().map(|entity| {
        let attributes = entity.attributes.iter().map(|attribute| json!([attribute.name, attribute.value]));
        json!({
            "key": entity.key,
            "value": entity.value,
            "attributes": attributes.collect::<Value>(),
            "comment": entity.comment,
            "words": entity.words,
        })
    });
    entities.collect()
}

fn junk(file: &File<'_>, text: &str) -> Value {
    let junk = file.junk.iter();
    junk.map(|junk| json!({"line": junk.place.line, "column": junk.place.column, "text": text[junk.span.clone()]})).collect()
}
