//! Two versions of a file: the first byte chooses the format, the rest is cut in half.

#![no_main]

use elmo_l10n::{File, Kind, Text, What, difference, is_binary, lines, mark, parse};
use libfuzzer_sys::fuzz_target;

const KINDS: [Kind; 7] = [Kind::Android, Kind::Defines, Kind::Dtd, Kind::Fluent, Kind::Ini, Kind::Po, Kind::Properties];

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let kind = KINDS[usize::from(first) % KINDS.len()];
    let (old, new) = rest.split_at(rest.len() / 2);
    let (old_text, new_text) = (Text::decode(old), Text::decode(new));
    let (old_file, new_file) = (parse(kind, &old_text), parse(kind, &new_text));
    holds_its_promises(&old_file, &old_text);
    holds_its_promises(&new_file, &new_text);
    for change in difference(&old_file, &new_file) {
        if let What::Changed { old, new } = change.what {
            let (olds, news) = mark(old, new);
            assert_eq!(olds.iter().map(|piece| piece.text).collect::<String>(), old);
            assert_eq!(news.iter().map(|piece| piece.text).collect::<String>(), new);
        }
    }
    is_binary(old);
    assert_eq!(lines(old, new).is_empty(), old == new);
});

fn holds_its_promises(file: &File<'_>, text: &str) {
    for span in file.entities.iter().map(|entity| &entity.span).chain(file.junk.iter().map(|junk| &junk.span)) {
        assert!(text.get(span.clone()).is_some());
    }
    assert_eq!(difference(file, file), []);
}
