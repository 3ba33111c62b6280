//! Where the crate is meant to differ from compare-locales, and why.

use serde_json::{Value, json};

use crate::corpus::{bytes, found, golden, names};

/// One difference, shown by a file.
struct Difference {
    file: &'static str,
    /// The rows that are found here: key, attribute and value; a row of junk is `junk`.
    rows: &'static str,
    reason: &'static str,
}

const DIFFERENCES: [Difference; 21] = [
    Difference { file: "meant/apostrophe.dtd", rows: "b=2; junk", reason: APOSTROPHE },
    Difference { file: "meant/attribute.ftl", rows: "a=1; d=2; junk", reason: ATTRIBUTE },
    Difference { file: "meant/bad_entry.po", rows: "b=c; junk", reason: ENDLESS },
    Difference { file: "meant/bad_first.po", rows: "b=c; junk", reason: FIRST },
    Difference { file: "meant/bom.ftl", rows: "a=1", reason: BYTE_ORDER_MARK },
    Difference { file: "meant/bom.inc", rows: "a=1", reason: BYTE_ORDER_MARK },
    Difference { file: "meant/bom.ini", rows: "a=1", reason: BYTE_ORDER_MARK },
    Difference { file: "meant/bom.po", rows: "a=b", reason: BYTE_ORDER_MARK },
    Difference { file: "meant/bom.properties", rows: "a=1", reason: BYTE_ORDER_MARK },
    Difference { file: "meant/columns.ftl", rows: "c={ \"x\" }; f=g; junk; junk; junk; junk", reason: COLUMNS },
    Difference { file: "meant/comment_at_end.po", rows: "a=b", reason: COMMENT_AT_END },
    Difference { file: "meant/deep.ftl", rows: "a=1; b=2; junk", reason: DEEP },
    Difference { file: "meant/doctype_strings.xml", rows: "a=About &brand;", reason: DOCTYPE },
    Difference { file: "meant/escapes.po", rows: "a=C:\\new \\\"x\\\"", reason: ESCAPES },
    Difference { file: "meant/lines.properties", rows: "a=1", reason: LINES },
    Difference {
        file: "meant/markup_strings.xml",
        rows: "a=Hello <b>you</b> &amp; <xliff:g id=\"x\" example='1'>%s</xliff:g>",
        reason: MARKUP,
    },
    Difference { file: "meant/plurals.po", rows: "%d file=%d Datei; %d file.msgstr[1]=%d Dateien", reason: ENDLESS },
    Difference {
        file: "meant/plurals_strings.xml",
        rows: "files.one=%d file; files.other=%d files; days.0=Monday; days.1=Tuesday",
        reason: PLURALS,
    },
    Difference { file: "meant/prefix_strings.xml", rows: "a=b", reason: PREFIX },
    Difference { file: "meant/tab.ftl", rows: "a=1", reason: TAB },
    Difference { file: "meant/unknown_escape.po", rows: "a=b\\a", reason: ENDLESS },
];

const APOSTROPHE: &str =
    "after an apostrophe that is not closed compare-locales takes text up to the last `>` it finds, and drops a character";
const ATTRIBUTE: &str = "a message stays readable when one of its attributes is not";
const BYTE_ORDER_MARK: &str =
    "a byte order mark says how a file is encoded; compare-locales takes it for junk or into the first key";
const COLUMNS: &str =
    "a placeable that goes on in the first column is junk: an entry is looked at by itself, so that its depth is known";
const COMMENT_AT_END: &str = "a comment is one without a line end too, as in the other formats";
const DEEP: &str = "what is deeper than 100 braces is junk, so that no file can use up the stack";
const DOCTYPE: &str = "nothing is taken from a DTD, so that no file can blow up; the reference shows in the value";
const ENDLESS: &str = "compare-locales never gets past such an entry; this crate goes on, and reads plurals";
const ESCAPES: &str = "an escaped backslash before an `n` is a backslash and an `n`; compare-locales resolves it twice";
const FIRST: &str = "an entry that cannot be read at the very beginning makes the whole file junk for compare-locales";
const LINES: &str = "only `\\n` ends a line of a comment; compare-locales drops a character after U+2028 and others";
const MARKUP: &str = "a value with markup is what stands between its tags; compare-locales gives the element, written anew";
const PLURALS: &str = "plurals and arrays are strings that are translated, not junk";
const PREFIX: &str = "prefixes are not resolved, so one that is not declared spoils nothing";
const TAB: &str = "white space alone is no junk that anybody could look at";

fn rows(found: &Value) -> String {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let row = |name: &str, value: &Value| value.as_str().map(|value| format!("{name}={value}"));
    let mut rows = Vec::new();
    for entity in list(&found["entities"]) {
        let key = entity["key"].as_str().unwrap();
        rows.extend(row(key, &entity["value"]));
        let attributes = list(&entity["attributes"]);
        rows.extend(attributes.iter().flat_map(|one| row(&format!("{key}.{}", one[0].as_str().unwrap()), &one[1])));
    }
    rows.extend(list(&found["junk"]).iter().map(|_| "junk".to_owned()));
    rows.join("; ")
}

#[test]
fn each_difference_from_compare_locales_is_meant() {
    for Difference { file, rows: expected, reason } in DIFFERENCES {
        let found = found(file, &bytes(file));

        assert_eq!(rows(&found), expected, "{file}: {reason}");
        assert_ne!(found, golden(file), "{file} is no difference: {reason}");
    }
}

#[test]
fn each_file_that_shows_a_difference_has_its_reason() {
    let listed = DIFFERENCES.map(|difference| difference.file.to_owned());

    assert_eq!(names("meant"), listed);
}

#[test]
fn a_file_that_is_not_well_formed_is_junk_with_the_place_of_the_error() {
    let cases = [
        ("<resources>\n  <string name=\"a\">b</strin>\n</resources>", (2, 21)),
        ("<resources>\n  <string name=\"a\">b &c;</string>\n</resources>", (2, 25)),
        ("<resources>\n  <string name=\"a\">\u{1}</string>\n</resources>", (2, 20)),
        ("\n<other/>", (2, 9)),
    ];
    for (xml, (line, column)) in cases {
        let found = found("strings.xml", xml.as_bytes());

        assert_eq!(found["entities"], json!([]));
        assert_eq!((&found["junk"][0]["line"], &found["junk"][0]["column"]), (&json!(line), &json!(column)), "{xml}");
    }
}
