//! `metadata.source` of a task: the URL of the file that defined it, from which its repository and revision are read.

use crate::domain::{RepositoryUrl, Revision, UrlRules, without_git};
use url::Url;

/// The repository that a URL of a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub repository: RepositoryUrl,
    /// The changeset, where it is named by its full hash.
    pub revision: Option<Revision>,
}

/// Between the path of a repository of Mercurial and the revision.
const HG_PAGES: [&str; 4] = ["file", "raw-file", "rev", "annotate"];
/// Between the path of a repository on GitHub and the revision.
const GITHUB_PAGES: [&str; 6] = ["blob", "raw", "tree", "raw-file", "file", "commit"];

/// Reads the URL; none when it names no repository.
pub fn source(text: &str) -> Option<Source> {
    let url = Url::parse(&with_scheme(text)).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let origin = match url.port() {
        Some(port) => format!("{}://{}:{port}", url.scheme(), url.host_str()?),
        None => format!("{}://{}", url.scheme(), url.host_str()?),
    };
    let parts: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let (path, revision) = if url.host_str() == Some("github.com") { on_github(&parts)? } else { on_hg(&parts)? };
    let repository = RepositoryUrl::parse(&format!("{origin}/{path}"), UrlRules::OnlyHttp).ok()?;
    Some(Source { repository, revision: revision.and_then(|revision| revision.parse().ok()) })
}

/// GitHub's ways for git are written as its way for browsers.
fn with_scheme(text: &str) -> String {
    let path = ["git@github.com:", "ssh://git@github.com/"].iter().find_map(|way| text.strip_prefix(way));
    path.map_or_else(|| text.to_owned(), |path| format!("https://github.com/{path}"))
}

fn on_github<'a>(parts: &[&'a str]) -> Option<(String, Option<&'a str>)> {
    let [owner, name, rest @ ..] = parts else { return None };
    let name = without_git(name);
    let revision = match rest {
        [] => None,
        [page, revision, ..] if GITHUB_PAGES.contains(page) => Some(*revision),
        _ => return None,
    };
    Some((format!("{owner}/{name}"), revision))
}

fn on_hg<'a>(parts: &[&'a str]) -> Option<(String, Option<&'a str>)> {
    let page = parts.iter().position(|part| HG_PAGES.contains(part)).unwrap_or(parts.len());
    (page > 0).then(|| (parts[..page].join("/"), parts.get(page + 1).copied()))
}

#[cfg(test)]
mod tests {
    use super::source;

    const HASH: &str = "3b15a4ea80087c146ac83727ec872e1daa0d828e";

    fn check(text: &str, repository: &str, revision: Option<&str>) {
        let found = source(text).unwrap_or_else(|| panic!("{text} names no repository"));
        assert_eq!(found.repository.as_str(), repository, "{text}");
        assert_eq!(found.revision.map(|revision| revision.to_string()).as_deref(), revision, "{text}");
    }

    #[test]
    fn every_form_that_is_met_is_read() {
        let hg = "https://hg.mozilla.org/l10n/gecko-strings";
        check(&format!("{hg}/file/{HASH}/taskcluster/kinds/l10n"), hg, Some(HASH));
        check(&format!("{hg}/raw-file/{HASH}/.taskcluster.yml"), hg, Some(HASH));
        check(&format!("{hg}/raw-file/default/.taskcluster.yml"), hg, None);
        check(&format!("{hg}/"), hg, None);
        let git = "https://github.com/mozilla-l10n/firefox-l10n";
        check(&format!("{git}/blob/{HASH}/.taskcluster.yml"), git, Some(HASH));
        check(&format!("{git}/raw/{HASH}/.taskcluster.yml"), git, Some(HASH));
        check(&format!("{git}/tree/main"), git, None);
        check(&format!("{git}.git"), git, None);
        check(git, git, None);
        check("git@github.com:mozilla-l10n/firefox-l10n.git", git, None);
        check("http://127.0.0.1:8000/l10n/x/file/tip/a", "http://127.0.0.1:8000/l10n/x", None);
    }

    #[test]
    fn what_names_no_repository_is_refused() {
        for text in [
            "",
            "https://",
            "https://hg.mozilla.org",
            "https://hg.mozilla.org/",
            "https://github.com/mozilla-l10n",
            "https://github.com/a/b/wiki/c",
            "https://u:p@hg.mozilla.org/a",
            "ssh://hg.mozilla.org/a",
            "git@example.org:a/b",
            "https://hg.mozilla.org/a b/file/tip/x",
            "javascript:alert(1)",
        ] {
            assert_eq!(source(text), None, "{text}");
        }
    }
}
