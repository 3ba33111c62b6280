//! What a difference of two versions lists.

use elmo_l10n::{Kind, Text, What, difference, parse};

fn check(kind: Kind, old: &str, new: &str, expected: &[&str]) {
    let (old, new) = (Text::decode(old.as_bytes()), Text::decode(new.as_bytes()));
    let (old, new) = (parse(kind, &old), parse(kind, &new));

    let rows: Vec<_> = difference(&old, &new).iter().map(|change| format!("{} {}", change.name(), told(&change.what))).collect();

    assert_eq!(rows, expected);
}

fn told(what: &What<'_>) -> String {
    match what {
        What::Added(new) => format!("+{new}"),
        What::Removed(old) => format!("-{old}"),
        What::Changed { old, new } => format!("{old} → {new}"),
        What::Comment { old, new } => format!("# {} → {}", old.unwrap_or("none"), new.unwrap_or("none")),
    }
}

fn properties(old: &str, new: &str, expected: &[&str]) {
    check(Kind::Properties, old, new, expected);
}

#[test]
fn changes_come_in_the_order_of_the_new_file() {
    properties("a=1\nb=2\nc=3\n", "c=33\nd=4\na=11\nb=2\n", &["c 3 → 33", "d +4", "a 1 → 11"]);
}

#[test]
fn what_was_removed_comes_where_it_was() {
    properties("x=0\na=1\nb=2\nc=3\nd=4\n", "a=1\nd=44\n", &["x -0", "b -2", "c -3", "d 4 → 44"]);
}

#[test]
fn a_file_that_is_new_has_everything_added() {
    properties("", "a=1\nb=2\n", &["a +1", "b +2"]);
    properties("a=1\nb=2\n", "", &["a -1", "b -2"]);
}

#[test]
fn an_entity_that_only_moves_has_not_changed() {
    properties("a=1\nb=2\n", "b=2\na=1\n", &[]);
}

#[test]
fn an_empty_value_counts_as_absent() {
    properties("a=\nb=2\n", "a=1\nb=\n", &["a +1", "b -2"]);
    properties("", "a=\n", &[]);
    properties("a=\n", "", &[]);
}

#[test]
fn a_change_of_the_comment_alone_is_told_apart() {
    properties("#x\na=1\n#y\nb=2\nc=3", "#z\na=1\n#z\nb=3\n#w\nc=3", &["a # x → z", "b 2 → 3", "c # none → w"]);
}

#[test]
fn the_last_of_several_entities_with_one_key_counts() {
    properties("a=1\nb=2\na=3\n", "a=3\nb=2\n", &[]);
    properties("a=1\na=2\n", "a=2\na=1\n", &["a 2 → 1"]);
}

#[test]
fn attributes_of_fluent_have_rows_of_their_own() {
    let old = "a = 1\n    .label = L\n    .key = K\nb =\n    .x = 1\n-t = 1\n";
    let new = "a = 1\n    .label = M\n    .title = T\nb = 2\n    .x = 1\n-t = 1\n    .y = 2\n";

    check(Kind::Fluent, old, new, &["a.label L → M", "a.key -K", "a.title +T", "b +2", "-t.y +2"]);
}

#[test]
fn a_message_that_goes_takes_its_attributes_with_it() {
    check(Kind::Fluent, "a =\n    .label = L\n    .key = K\n", "", &["a.label -L", "a.key -K"]);
}

#[test]
fn line_ends_alone_are_no_difference() {
    properties("a=1\\\n 2\nb=3\n", "a=1\\\r\n 2\r\nb=3\r\n", &[]);
}

#[test]
fn a_gettext_key_is_told_by_its_context() {
    let old = "msgctxt \"menu\"\nmsgid \"Open\"\nmsgstr \"Öffnen\"\n\nmsgid \"Open\"\nmsgstr \"Offen\"\n";
    let new = "msgctxt \"menu\"\nmsgid \"Open\"\nmsgstr \"Auf\"\n\nmsgid \"Open\"\nmsgstr \"Offen\"\n";

    check(Kind::Po, old, new, &["menu\u{4}Open Öffnen → Auf"]);
}
