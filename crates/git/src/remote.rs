//! Where a repository is: a URL and perhaps a token come in, and what git has to be told goes out. A URL never holds a
//! password, and a token is never shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The user that GitHub wants beside a token; other hosts take any.
const TOKEN_USER: &str = "x-access-token";
/// The longest URL or token that is taken.
const LONGEST: usize = 4096;

/// A repository on another host, or on this one if the caller allows that.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    url: String,
    token: Option<Token>,
}

#[derive(Clone, PartialEq, Eq)]
struct Token {
    bare: String,
    /// With its user, as it goes into the header.
    encoded: String,
}

/// Why a repository cannot be reached in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARemote {
    /// It is not one of those that are known here, or has odd characters in it.
    #[error("not a URL of a git repository: https://, http://, file:// or an absolute path")]
    Url,
    /// The URL would show the password.
    #[error("a URL of a git repository may not hold a user or a password")]
    Password,
    /// It cannot stand in a header.
    #[error("not a token")]
    Token,
    /// Everybody on the way could read the token.
    #[error("a token is sent over https:// only")]
    Plain,
}

impl Remote {
    /// Takes `https://…`, `http://…`, `file:///…` or an absolute path.
    pub fn new(url: &str) -> Result<Remote, NotARemote> {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '#' || c == '?';
        if url.len() > LONGEST || url.contains(is_odd) {
            return Err(NotARemote::Url);
        }
        let Some((_, rest)) = of_a_host(url) else {
            let is_local = url.starts_with("file:///") || url.starts_with('/');
            return if is_local { Ok(Remote::plain(url)) } else { Err(NotARemote::Url) };
        };
        let host = rest.split('/').next().unwrap_or_default();
        match host {
            "" => Err(NotARemote::Url),
            host if host.contains('@') => Err(NotARemote::Password),
            _ => Ok(Remote::plain(url)),
        }
    }

    fn plain(url: &str) -> Remote {
        Remote { url: url.to_owned(), token: None }
    }

    /// Shows this token to the host, and to no other: redirections are not followed then.
    ///
    /// Over plain HTTP only this machine is sent one.
    pub fn with_token(mut self, token: &str) -> Result<Remote, NotARemote> {
        if token.is_empty() || token.len() > LONGEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotARemote::Token);
        }
        if !self.is_private() {
            return Err(NotARemote::Plain);
        }
        let encoded = STANDARD.encode(format!("{TOKEN_USER}:{token}"));
        self.token = Some(Token { bare: token.to_owned(), encoded });
        Ok(self)
    }

    /// Gives the URL, which holds no secret.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says whether a token is shown.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Gives the setting that sends the token to this host alone.
    pub(crate) fn header(&self) -> Option<(String, String)> {
        let token = self.token.as_ref()?;
        let (scheme, rest) = of_a_host(&self.url)?;
        let host = rest.split('/').next()?;
        Some((format!("http.{scheme}{host}/.extraHeader"), format!("Authorization: Basic {}", token.encoded)))
    }

    /// Takes the token out of what a program has said.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        match &self.token {
            Some(token) => text.replace(&token.encoded, "***").replace(&token.bare, "***"),
            None => text.to_owned(),
        }
    }

    fn is_private(&self) -> bool {
        let Some(("http://", rest)) = of_a_host(&self.url) else {
            return self.url.starts_with("https://");
        };
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            let after = rest.strip_prefix(host);
            after.is_some_and(|after| after.is_empty() || after.starts_with(['/', ':']))
        })
    }
}

/// Splits a URL of another host behind its scheme.
fn of_a_host(url: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| Some((scheme, url.strip_prefix(scheme)?)))
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.url).field("has_token", &self.has_token()).finish()
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_folders_are_taken_and_nothing_that_runs_a_program() {
        for url in
            ["https://github.com/mozilla-l10n/firefox-l10n", "http://127.0.0.1:8000/a.git", "file:///srv/a.git", "/srv/a.git"]
        {
            assert_eq!(Remote::new(url).unwrap().url(), url);
        }
        for url in [
            "",
            "-u",
            "--upload-pack=x",
            "ext::sh -c x",
            "ssh://h/a",
            "git@h:a",
            "a.git",
            "https://",
            "file://h/a",
            "https://h/a b",
        ] {
            assert_eq!(Remote::new(url), Err(NotARemote::Url), "{url}");
        }
        for url in ["https://h/a?b", "https://h/a#b", "https://h/a\nb", "https://h/a\0b"] {
            assert_eq!(Remote::new(url), Err(NotARemote::Url), "{url:?}");
        }
        assert_eq!(Remote::new("https://me:secret@h/a"), Err(NotARemote::Password));
    }

    #[test]
    fn a_token_goes_to_its_host_and_is_never_shown() {
        let remote = Remote::new("https://h:8443/a/b").unwrap().with_token("ghs_secret").unwrap();

        let (setting, header) = remote.header().unwrap();
        assert_eq!(setting, "http.https://h:8443/.extraHeader");
        assert_eq!(header, "Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hzX3NlY3JldA==");
        assert_eq!(remote.scrubbed(&format!("x ghs_secret y {header}")), "x *** y Authorization: Basic ***");
        assert!(!format!("{remote:?}{remote}").contains("secret"));
    }

    #[test]
    fn a_token_that_others_could_read_is_not_taken() {
        let with = |url: &str, token: &str| Remote::new(url).unwrap().with_token(token).map(drop);

        assert_eq!(with("http://example.org/a", "t"), Err(NotARemote::Plain));
        assert_eq!(with("http://localhost.example.org/a", "t"), Err(NotARemote::Plain));
        assert_eq!(with("/srv/a", "t"), Err(NotARemote::Plain));
        assert_eq!(with("http://127.0.0.1:80/a", "t"), Ok(()));
        for token in ["", "a b", "a\r\nX: y", "é"] {
            assert_eq!(with("https://example.org/a", token), Err(NotARemote::Token), "{token:?}");
        }
    }
}
