//! Every file of the corpus gives the keys, values, attributes, comments, words and junk that compare-locales gives.

use serde_json::Value;

use crate::corpus::{bytes, found, golden, names};

fn check(kind: &str) {
    for name in names(kind) {
        let (found, golden) = (found(&name, &bytes(&name)), golden(&name));

        for part in ["entities", "junk"] {
            let none = Vec::new();
            let list = |from: &Value| from[part].as_array().unwrap_or(&none).clone();
            let (found, golden) = (list(&found), list(&golden));
            for (found, golden) in found.iter().zip(&golden) {
                assert_eq!(found, golden, "{name}");
            }
            assert_eq!(found.len(), golden.len(), "{part} of {name}: {found:?} and {golden:?}");
        }
    }
}

#[test]
fn defines_are_read_as_compare_locales_reads_them() {
    check("inc");
}

#[test]
fn dtds_are_read_as_compare_locales_reads_them() {
    check("dtd");
}

#[test]
fn fluent_is_read_as_compare_locales_reads_it() {
    check("ftl");
}

#[test]
fn gettext_is_read_as_compare_locales_reads_it() {
    check("po");
}

#[test]
fn inis_are_read_as_compare_locales_reads_them() {
    check("ini");
}

#[test]
fn properties_are_read_as_compare_locales_reads_them() {
    check("properties");
}

/// compare-locales knows no places in XML, and writes what is junk anew: only its number can be compared.
#[test]
fn android_strings_are_read_as_compare_locales_reads_them() {
    for name in names("android") {
        let (found, golden) = (found(&name, &bytes(&name)), golden(&name));

        let number = |from: &Value| from["junk"].as_array().unwrap().len();
        assert_eq!(found["entities"], golden["entities"], "{name}");
        assert_eq!(number(&found), number(&golden), "{name}: {}", found["junk"]);
    }
}
