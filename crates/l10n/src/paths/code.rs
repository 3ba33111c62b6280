//! Codes of locales: which text has the shape of one, and how Android writes it.

/// What RFC 5646 takes for the longest tag that is of use.
const LONGEST: usize = 35;

/// Languages with the code that Android has kept for them.
const LEGACY: [(&str, &str); 3] = [("he", "iw"), ("id", "in"), ("yi", "ji")];

/// Says whether a text is a language of two or three letters, or `x`, with parts of 1 to 8 letters and digits after `-`.
pub(super) fn is_code(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let private = language.eq_ignore_ascii_case("x") && text.len() > 2;
    text.len() <= LONGEST
        && (private || (matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_alphabetic())))
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Writes a code as Android's folders do: `pt-BR` as `pt-rBR`, `sr-Latn` as `b+sr+Latn`, `he` as `iw`.
pub(super) fn to_android(code: &str) -> String {
    let (language, rest) = code.split_once('-').map_or((code, None), |(language, rest)| (language, Some(rest)));
    let known = LEGACY.iter().find(|(current, _)| *current == language);
    let language = known.map_or(language, |(_, legacy)| legacy);
    match rest {
        None => language.to_owned(),
        Some(region) if is_language(language) && is_region(region) => format!("{language}-r{region}"),
        Some(rest) => format!("b+{language}+{}", rest.replace('-', "+")),
    }
}

/// Reads a code as Android writes it, and in no other way: `iw` is `he`, while `he` and `b+pt+BR` are none.
pub(super) fn of_android(text: &str) -> Option<String> {
    let (language, rest) = match text.strip_prefix("b+") {
        Some(parts) => parts.split_once('+').map(|(language, rest)| (language, Some(rest.replace('+', "-"))))?,
        None => match text.split_once("-r") {
            Some((language, region)) => (language, Some(region.to_owned())),
            None => (text, None),
        },
    };
    let known = LEGACY.iter().find(|(_, legacy)| *legacy == language);
    let language = known.map_or(language, |(current, _)| current);
    let code = rest.map_or_else(|| language.to_owned(), |rest| format!("{language}-{rest}"));
    (is_code(&code) && to_android(&code) == text).then_some(code)
}

fn is_language(text: &str) -> bool {
    matches!(text.len(), 2 | 3) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_region(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::{is_code, of_android, to_android};

    #[test]
    fn codes_have_the_shape_of_bcp_47() {
        for code in ["de", "ast", "ja-JP-mac", "x-testing", "es-419", "sr-Latn", "ca-valencia", "de-1996"] {
            assert!(is_code(code), "{code}");
        }
        let long = format!("de{}", "-abcdefgh".repeat(4));
        for code in
            ["", "x", "x-", "d", "1a", "d1", "de-", "-de", "de--at", "de_DE", "_configs", "README.md", "de-abcdefghi", &long]
        {
            assert!(!is_code(code), "{code}");
        }
    }

    #[test]
    fn android_writes_codes_in_its_own_way_and_in_no_other() {
        let cases = [
            ("de", "de"),
            ("ast", "ast"),
            ("pt-BR", "pt-rBR"),
            ("sr-Latn", "b+sr+Latn"),
            ("zh-Hant-TW", "b+zh+Hant+TW"),
            ("es-419", "b+es+419"),
            ("ca-valencia", "b+ca+valencia"),
            ("ja-JP-mac", "b+ja+JP+mac"),
            ("he", "iw"),
            ("id", "in"),
            ("yi", "ji"),
            ("he-IL", "iw-rIL"),
            ("x-testing", "b+x+testing"),
        ];
        for (code, android) in cases {
            assert_eq!(to_android(code), android);
            assert_eq!(of_android(android).as_deref(), Some(code));
        }
        for none in
            ["", "he", "id", "b+de", "b+", "b", "b+pt+BR", "pt-BR", "pt-rbr", "pt-r", "night", "v21", "b+sr++Latn", "de-rAT-rCH"]
        {
            assert_eq!(of_android(none), None, "{none}");
        }
    }
}
