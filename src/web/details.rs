//! The details of a comparison: compare-locales' JSON in, files with what is wrong in them out. Pure; everything in it is a
//! localizer's or a task's text, of any length, and comes out as a reader may see it.

use super::tree::{folder_and_name, in_order};
use crate::domain::Kept;
use serde::Deserialize;
use serde_json::Value;

/// What is wrong with an entry of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    Error,
    Warning,
    Missing,
    Obsolete,
}

impl Class {
    pub(super) const ALL: [Class; 4] = [Class::Error, Class::Warning, Class::Missing, Class::Obsolete];

    /// The name in addresses and style sheets.
    pub(super) fn name(self) -> &'static str {
        match self {
            Class::Error => "error",
            Class::Warning => "warning",
            Class::Missing => "missing",
            Class::Obsolete => "obsolete",
        }
    }
}

/// One entry of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) class: Class,
    pub(super) text: String,
    /// Counts errors and warnings through the whole comparison, from 1; 0 for others.
    pub(super) issue: usize,
}

/// A file of the locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Its folder, without the locale's own, and its name.
    pub(super) folder: String,
    pub(super) name: String,
    /// The whole file is missing or obsolete.
    pub(super) whole: Option<Class>,
    pub(super) entries: Vec<Entry>,
}

/// Reads a document: a list of one, `{details, summary}` or `{details}`. A folder's own files come before its folders.
pub(super) fn read(document: &[u8]) -> Option<Vec<File>> {
    let mut document: Value = serde_json::from_slice(document).ok()?;
    if let Value::Array(list) = document {
        document = list.into_iter().next()?;
    }
    let details = document.get("details")?.as_object()?;
    let mut files = Vec::new();
    for (fragment, node) in details {
        walk(fragment, node, &mut files);
    }
    files.sort_by(|a, b| in_order((&a.folder, &a.name), (&b.folder, &b.name)));
    let entries = files.iter_mut().flat_map(|file| &mut file.entries);
    let issues = entries.filter(|entry| matches!(entry.class, Class::Error | Class::Warning));
    issues.zip(1..).for_each(|(entry, number)| entry.issue = number);
    Some(files)
}

/// A path is split wherever files part ways; a node is a folder or a file.
fn walk(path: &str, node: &Value, files: &mut Vec<File>) {
    match node {
        Value::Object(children) => children.iter().for_each(|(fragment, node)| walk(&format!("{path}/{fragment}"), node, files)),
        Value::Array(items) => files.push(file(path, items)),
        _ => {}
    }
}

fn file(path: &str, items: &[Value]) -> File {
    // The first part is the locale, which the page says already.
    let path = path.split_once('/').map_or(path, |(_, rest)| rest);
    let path = Kept::from(path).to_string();
    let (folder, name) = folder_and_name(&path);
    let pairs = || items.iter().filter_map(|item| item.as_object()?.iter().next());
    let whole = pairs().find_map(|(kind, _)| match kind.as_str() {
        "missingFile" => Some(Class::Missing),
        "obsoleteFile" => Some(Class::Obsolete),
        _ => None,
    });
    let entries = pairs()
        .filter_map(|(kind, value)| {
            Some(Entry { class: class(kind)?, text: Kept::from(text(value).as_str()).to_string(), issue: 0 })
        })
        .collect();
    File { folder: folder.to_owned(), name: name.to_owned(), whole, entries }
}

fn class(kind: &str) -> Option<Class> {
    match kind {
        "error" => Some(Class::Error),
        "warning" => Some(Class::Warning),
        "missingEntity" => Some(Class::Missing),
        "obsoleteEntity" => Some(Class::Obsolete),
        _ => None,
    }
}

/// A key is a text; of `.po` files a list of the message and its context, if it has one.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => match parts.iter().filter_map(Value::as_str).collect::<Vec<_>>()[..] {
            [""] | [] => "(header)".to_owned(),
            [message] => message.to_owned(),
            [message, context, ..] => format!("{message} ({context})"),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, read};
    use serde_json::{Value, json};

    const FR: &str = include_str!("../../tests/taskcluster/small/compares/browser.fr.json");
    const AB: &str = include_str!("../../tests/taskcluster/small/compares/browser.ab-CD.json");
    const ONE_FILE: &str = include_str!("../../tests/taskcluster/small/compares/toolkit.de.json");

    #[test]
    fn all_three_shapes_are_the_same() {
        let plain: Value = serde_json::from_str(FR).unwrap();
        let files = read(FR.as_bytes()).unwrap();
        assert_eq!(read(json!([plain]).to_string().as_bytes()).unwrap(), files);
        assert_eq!(read(json!({"details": plain["details"]}).to_string().as_bytes()).unwrap(), files);
    }

    #[test]
    fn files_stand_in_order_with_their_folders_and_issues_are_numbered() {
        let files = read(FR.as_bytes()).unwrap();
        let names: Vec<(&str, &str)> = files.iter().map(|file| (file.folder.as_str(), file.name.as_str())).collect();
        assert_eq!(names[..3], [("browser", "defs.inc"), ("browser", "report.properties"), ("browser", "warnfile.ftl")]);
        assert_eq!(files[0].whole, Some(Class::Missing));
        let issues: Vec<usize> = files.iter().flat_map(|file| &file.entries).map(|entry| entry.issue).filter(|n| *n > 0).collect();
        assert_eq!(issues, (1..=14).collect::<Vec<_>>());
    }

    #[test]
    fn one_file_alone_and_keys_of_po_files_are_read() {
        let files = read(ONE_FILE.as_bytes()).unwrap();
        assert_eq!((files[0].folder.as_str(), files[0].name.as_str()), ("toolkit", "about.ftl"));
        let files = read(AB.as_bytes()).unwrap();
        let po = files.iter().find(|file| file.name == "messages.po").unwrap();
        let keys: Vec<&str> = po.entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(keys, ["Gone", "(header)", "Hello", "Open (menu)", "Key"]);
    }

    #[test]
    fn anything_else_is_none_or_empty() {
        for text in ["", "[]", "3", "{}", r#"{"details": []}"#] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(br#"{"details": {}}"#), Some(Vec::new()));
        assert_eq!(read(br#"{"details": {"de/a.ftl": [3, {}, {"new": 1}, "x"], "de": 5}}"#).unwrap()[0].entries, []);
    }
}
