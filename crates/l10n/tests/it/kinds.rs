//! Which files have a format, and what their text is.

use elmo_l10n::{Kind, Place, Places, Text};

#[test]
fn the_name_of_a_file_tells_its_format() {
    let cases = [
        ("browser/browser.ftl", Some(Kind::Fluent)),
        ("toolkit/global.properties", Some(Kind::Properties)),
        ("brand.dtd", Some(Kind::Dtd)),
        ("updater.ini", Some(Kind::Ini)),
        ("defines.inc", Some(Kind::Defines)),
        ("de.po", Some(Kind::Po)),
        ("messages.pot", Some(Kind::Po)),
        ("values-de/strings.xml", Some(Kind::Android)),
        ("values/strings_sync.xml", Some(Kind::Android)),
        ("strings/other.xml", Some(Kind::Android)),
        ("strings.xml.dtd", Some(Kind::Dtd)),
        (".ftl", Some(Kind::Fluent)),
        ("values/colors.xml", None),
        ("a.FTL", None),
        ("a.ftl.orig", None),
        ("ftl", None),
        ("", None),
    ];
    for (path, expected) in cases {
        assert_eq!(Kind::of(path), expected, "{path}");
    }
    assert_eq!(Kind::of(b"caf\xe9.ini"), Some(Kind::Ini));
}

#[test]
fn all_line_ends_become_one_kind_and_the_mark_at_the_beginning_goes() {
    let text = Text::decode(b"\xef\xbb\xbfa\r\nb\rc\n\r\r\n\xff\xef\xbb\xbf\r");

    assert_eq!(&*text, "a\nb\nc\n\n\n\u{fffd}\u{feff}\n");
}

#[test]
fn a_place_is_a_line_and_a_column_of_characters() {
    let mut places = Places::of("aé\n\n日本x");

    let found = [0, 1, 3, 4, 5, 8, 11, 12, 99, 3].map(|offset| places.at(offset));

    let expected = [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2), (3, 3), (3, 4), (3, 4), (1, 3)];
    assert_eq!(found, expected.map(|(line, column)| Place { line, column }));
}
