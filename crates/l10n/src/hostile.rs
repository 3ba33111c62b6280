//! What holds for any bytes in place of files and rules: each function reads them as one thing and panics where a promise is broken.
//! Tests and fuzzing call the same ones.

use crate::paths::{Files, Reading, Rules};
use crate::{File, Kind, Text, What, difference, is_binary, lines, mark, parse};

const KINDS: [Kind; 7] = [Kind::Android, Kind::Defines, Kind::Dtd, Kind::Fluent, Kind::Ini, Kind::Po, Kind::Properties];

/// Two versions of a file: the first byte chooses the format, the rest is cut in half.
pub fn files(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let kind = KINDS[usize::from(first) % KINDS.len()];
    let (old, new) = rest.split_at(rest.len() / 2);
    let (old_text, new_text) = (Text::decode(old), Text::decode(new));
    let (old_file, new_file) = (parse(kind, &old_text), parse(kind, &new_text));
    lies_within(&old_file, &old_text);
    lies_within(&new_file, &new_text);
    for change in difference(&old_file, &new_file) {
        if let What::Changed { old, new } = change.what {
            let (olds, news) = mark(old, new);
            assert_eq!(olds.iter().map(|piece| piece.text).collect::<String>(), old);
            assert_eq!(news.iter().map(|piece| piece.text).collect::<String>(), new);
        }
    }
    is_binary(old);
    assert_eq!(lines(old, new).is_empty(), old == new);
}

fn lies_within(file: &File<'_>, text: &str) {
    for span in file.entities.iter().map(|entity| &entity.span).chain(file.junk.iter().map(|junk| &junk.span)) {
        assert!(text.get(span.clone()).is_some(), "{span:?}");
    }
    assert_eq!(difference(file, file), []);
}

/// Rules and a path: the first line is the path, the rest a configuration, which may include itself, and a pattern.
pub fn paths(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (path, rest) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let text = String::from_utf8_lossy(rest);
    let found = [rules(rest), Rules::of_pattern(&text).ok(), Rules::from_text(&text).ok()];
    for rules in found.iter().flatten() {
        let kept = Rules::from_text(&rules.to_text());
        assert_eq!(kept.as_ref(), Ok(rules));
        let code = kept.as_ref().ok().and_then(|kept| kept.locale_of(path));
        assert_eq!(code.as_deref(), rules.locale_of(path).as_deref());
    }
}

/// Every file that is wanted is the configuration again.
fn rules(config: &[u8]) -> Option<Rules> {
    let mut files = Files::new();
    loop {
        match Rules::of_toml("l10n.toml", &files).ok()? {
            Reading::Done(rules, _) => return Some(rules),
            Reading::Wants(paths) => {
                assert!(paths.iter().all(|path| !files.contains_key(path)), "it wants again what it has");
                files.extend(paths.into_iter().map(|path| (path, Some(config.to_vec()))));
            }
        }
    }
}
