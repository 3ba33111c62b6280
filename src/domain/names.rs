//! Names and URLs, each checked once, where text comes in.

use std::str::FromStr;

/// The text cannot be taken as the name or URL it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} cannot be used: {why}")]
pub struct NotAName {
    what: &'static str,
    text: String,
    why: &'static str,
}

impl NotAName {
    pub(super) fn new(what: &'static str, text: &str, why: &'static str) -> NotAName {
        NotAName { what, text: cut(text), why }
    }
}

/// Which URLs are taken besides http and https.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UrlRules {
    #[default]
    OnlyHttp,
    /// `file:///…` too, where the operator says so.
    FilesToo,
}

/// How long a name may be; hg.mozilla.org's longest are under 100.
const LONGEST_NAME: usize = 250;
const LONGEST_URL: usize = 1000;

/// The name of a repository: parts of letters, digits, `.`, `_` and `-`, joined by `/`, as `l10n-central/de`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

/// The name of a forest, as `l10n-central` or `releases/l10n/mozilla-beta`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForestName(String);

/// The code of a locale, as `de`, `ja-JP-mac` or `x-testing` (BCP 47's shape: a language of two or three letters, or `x`, then parts of 1 to 8 letters and digits).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocaleCode(String);

/// The URL of a repository or forest, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryUrl(String);

/// What every checked text has: it can be shown, and written as JSON.
macro_rules! a_name {
    ($type:ident) => {
        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

pub(super) use a_name;

a_name!(RepositoryName);
a_name!(ForestName);
a_name!(LocaleCode);
a_name!(RepositoryUrl);

impl FromStr for RepositoryName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<RepositoryName, NotAName> {
        check_parts("repository name", text, text).map(|()| RepositoryName(text.to_owned()))
    }
}

impl FromStr for ForestName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<ForestName, NotAName> {
        check_parts("forest name", text, text).map(|()| ForestName(text.to_owned()))
    }
}

impl ForestName {
    /// The name of the forest's repository for a locale.
    pub fn repository(&self, locale: &LocaleCode) -> RepositoryName {
        RepositoryName(format!("{self}/{locale}"))
    }
}

impl FromStr for LocaleCode {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<LocaleCode, NotAName> {
        let why = "a locale code is a language of two or three letters, or x, and parts of 1 to 8 letters and digits after '-'";
        let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let first = text.split('-').next().unwrap_or_default();
        let fits = text.len() <= 35 && text.split('-').all(part) && first.bytes().all(|b| b.is_ascii_alphabetic());
        let known_shape = matches!(first.len(), 2 | 3) || (first.eq_ignore_ascii_case("x") && text.len() > 2);
        if fits && known_shape {
            Ok(LocaleCode(text.to_owned()))
        } else {
            Err(NotAName { what: "locale code", text: cut(text), why })
        }
    }
}

impl RepositoryUrl {
    /// Reads an absolute URL of a repository.
    ///
    /// # Errors
    /// When it is not http or https (or file, where allowed), names a user, has a query, or its path is more than plain parts.
    pub fn parse(text: &str, rules: UrlRules) -> Result<RepositoryUrl, NotAName> {
        let refuse = |why| Err(NotAName { what: "URL", text: cut(text), why });
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        if trimmed.len() > LONGEST_URL {
            return refuse("it is longer than 1000 characters");
        }
        if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("only printable ASCII characters may stand in it");
        }
        let Some((scheme, rest)) = trimmed.split_once("://") else {
            return refuse("it is not an absolute http or https URL");
        };
        match (scheme, rules) {
            ("http" | "https", _) => {}
            ("file", UrlRules::FilesToo) => return check_file(trimmed, rest),
            _ => return refuse("only http and https are allowed"),
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_authority(authority) {
            return refuse("its host is not a plain host name with or without a port");
        }
        if !path.is_empty() {
            check_parts("URL", text, path)?;
        }
        Ok(RepositoryUrl(format!("{scheme}://{}{}{path}", authority.to_ascii_lowercase(), if path.is_empty() { "" } else { "/" })))
    }

    /// Takes a URL that was checked before, as the store reads it back.
    pub fn from_kept(url: String) -> RepositoryUrl {
        RepositoryUrl(url)
    }

    /// Host and port, for counting how many lanes are busy with it.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        rest.split_once('/').map_or(rest, |(host, _)| host)
    }

    /// The path below the host, without a slash in front: hg.mozilla.org's name for the repository.
    pub fn path(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split_once('/').map_or("", |(_, path)| path)
    }

    /// The same without `.git` at the end: git's hosts answer with it and without, and messages name it without.
    pub fn without_git(&self) -> RepositoryUrl {
        RepositoryUrl(without_git(&self.0).to_owned())
    }

    /// The path from `forest` down to here, if this lies under it.
    pub fn under(&self, forest: &RepositoryUrl) -> Option<&str> {
        self.0.strip_prefix(forest.as_str())?.strip_prefix('/')
    }

    /// The URL of a part below this one.
    pub fn join(&self, part: &LocaleCode) -> RepositoryUrl {
        RepositoryUrl(format!("{self}/{part}"))
    }
}

/// A repository's URL or name without `.git` at its end.
pub fn without_git(text: &str) -> &str {
    text.strip_suffix(".git").unwrap_or(text)
}

fn check_file(url: &str, path: &str) -> Result<RepositoryUrl, NotAName> {
    let plain =
        path.starts_with('/') && !path.contains("/../") && !path.contains("//") && !path.ends_with("/..") && !path.ends_with('/');
    if plain {
        Ok(RepositoryUrl(url.to_owned()))
    } else {
        Err(NotAName { what: "URL", text: cut(url), why: "a file URL is file:// and an absolute path without '..'" })
    }
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            host.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        }
    };
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn check_parts(what: &'static str, text: &str, path: &str) -> Result<(), NotAName> {
    let refuse = |why| Err(NotAName { what, text: cut(text), why });
    if path.is_empty() || path.len() > LONGEST_NAME {
        return refuse("it must have 1 to 250 characters");
    }
    let plain = |part: &str| {
        part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if path.split('/').all(plain) {
        Ok(())
    } else {
        refuse("each part between slashes must begin with a letter or digit and hold only letters, digits, '.', '_' and '-'")
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::{LocaleCode, RepositoryName, RepositoryUrl, UrlRules};

    #[test]
    fn names_of_hg_mozilla_org_are_names_and_tricks_are_not() {
        for name in ["mozilla-central", "l10n-central/de", "users/foo_example.com/repo", "gaia-l10n/v1_2/ar"] {
            assert!(name.parse::<RepositoryName>().is_ok(), "{name}");
        }
        for name in ["", "/etc", "-x", "a//b", "a/../b", "..", "a/.hg", "a b", "a\nb", "a\0", "é", "--config=x", "a/"] {
            assert!(name.parse::<RepositoryName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn locale_codes_have_the_shape_of_bcp_47() {
        for code in ["de", "ja-JP-mac", "ca-valencia", "x-testing", "es-419", "sr-Latn", "ast"] {
            assert!(code.parse::<LocaleCode>().is_ok(), "{code}");
        }
        for code in ["", "x", "d", "1a", "de-", "-de", "de_DE", "mozilla-central", "a.b", "de/fr"] {
            assert!(code.parse::<LocaleCode>().is_err(), "{code:?}");
        }
    }

    #[test]
    fn only_plain_http_urls_are_taken() {
        let parse = |text| RepositoryUrl::parse(text, UrlRules::OnlyHttp);
        assert_eq!(parse("https://HG.mozilla.org/l10n-central/de/").unwrap().as_str(), "https://hg.mozilla.org/l10n-central/de");
        assert_eq!(parse("http://[::1]:8000/a").unwrap().host(), "[::1]:8000");
        for url in [
            "ssh://hg.mozilla.org/a",
            "file:///etc",
            "--config=x",
            "/a",
            "https://u:p@h/a",
            "https://h/a?b",
            "https://h/a#b",
            "https://h/../a",
            "https://h//a",
            "https://h/%2e%2e/a",
            "https://h/a b",
            "https://h/a\n",
            "https:///a",
            "https://-h/a",
            "https://h:99999/a",
            "javascript:alert(1)",
            "https://h\\@evil/a",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn files_are_taken_only_where_allowed() {
        assert!(RepositoryUrl::parse("file:///srv/hg/de", UrlRules::FilesToo).is_ok());
        for url in ["file:///srv/../etc", "file:///srv/hg//", "file:///", "file:////srv"] {
            assert!(RepositoryUrl::parse(url, UrlRules::FilesToo).is_err(), "{url}");
        }
    }

    #[test]
    fn under_means_below_and_not_beside() {
        let parse = |text| RepositoryUrl::parse(text, UrlRules::OnlyHttp).unwrap();
        let forest = parse("https://h/l10n-central");
        assert_eq!(parse("https://h/l10n-central/de").under(&forest), Some("de"));
        assert_eq!(parse("https://h/l10n-central2/de").under(&forest), None);
        assert_eq!(parse("https://evil/l10n-central/de").under(&forest), None);
    }
}
