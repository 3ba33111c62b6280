//! Rules and a path: the first line is the path, the rest a configuration, which may include itself, and a pattern.

#![no_main]

use elmo_l10n::paths::{Files, Reading, Rules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (path, rest) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    if let Some(rules) = rules(rest) {
        holds_its_promises(&rules, path);
    }
    if let Ok(rules) = Rules::of_pattern(&String::from_utf8_lossy(rest)) {
        holds_its_promises(&rules, path);
    }
    if let Ok(rules) = Rules::from_text(&String::from_utf8_lossy(rest)) {
        holds_its_promises(&rules, path);
    }
});

/// Every file that is wanted is the configuration again.
fn rules(config: &[u8]) -> Option<Rules> {
    let mut files = Files::new();
    loop {
        match Rules::of_toml("l10n.toml", &files).ok()? {
            Reading::Done(rules, _) => return Some(rules),
            Reading::Wants(paths) => {
                assert!(paths.iter().all(|path| !files.contains_key(path)));
                files.extend(paths.into_iter().map(|path| (path, Some(config.to_vec()))));
            }
        }
    }
}

fn holds_its_promises(rules: &Rules, path: &[u8]) {
    let kept = Rules::from_text(&rules.to_text());
    assert_eq!(kept.as_ref(), Ok(rules));
    assert_eq!(
        kept.ok().and_then(|kept| kept.locale_of(path).map(|code| code.into_owned())).as_deref(),
        rules.locale_of(path).as_deref()
    );
}
