//! Hostile input: whatever the bytes are, nothing panics, nothing takes long, and what is promised holds. One function for each thing
//! that comes from outside; `tests/it/hostile.rs` calls them, and so does fuzzing (`docs/security.md`).

use crate::config::Config;
use crate::domain::{
    ArtifactName, ForestName, GITHUB_HOOK, GITHUB_PUSHES, GITHUB_WEBHOOKS, HGPUSHES, Kept, LocaleCode, Message, RepositoryName,
    RepositoryUrl, Revision, RootUrl, TaskId, UrlRules,
};
use crate::event::{decode, decode_status, decode_task, read_elmo_json, routing_key, source};
use crate::fetch::hostile as answers;
use crate::web::hostile as asked;
use std::collections::HashSet;
use std::path::{Component, Path};

/// A name, and what holds for any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 24] = [
    ("message", message),
    ("task", task),
    ("elmo_json", elmo_json),
    ("source", task_source),
    ("names", names),
    ("kept", kept),
    ("settings", settings),
    ("pushlog", answers::pushlog),
    ("redirect", answers::redirect),
    ("artifact", answers::artifact),
    ("query", asked::query),
    ("details", asked::details),
    ("signature", asked::signature),
    ("l10n_files", asked::l10n::files),
    ("l10n_paths", asked::l10n::paths),
    ("git_log", answers::git::log),
    ("git_listed", answers::git::listed),
    ("git_objects", answers::git::objects),
    ("git_tree", answers::git::tree),
    ("git_remote", answers::git::remote),
    ("hg_frames", answers::hg::frames),
    ("hg_printed", answers::hg::printed),
    ("hg_changelog", answers::hg::changelog),
    ("hg_changeset", answers::hg::changeset),
];

const EXCHANGES: [&str; 4] = [HGPUSHES, GITHUB_PUSHES, GITHUB_WEBHOOKS, GITHUB_HOOK];

/// The body of a message or a webhook: the first byte chooses where it comes from, and for a webhook which event it is.
fn message(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let exchange = EXCHANGES[usize::from(first) % EXCHANGES.len()];
    let routing_key = if first & 0x80 == 0 { "push" } else { "repository" }.to_owned();
    let message = Message { exchange: exchange.to_owned(), routing_key, body: body.to_vec(), root: None };
    for rules in [UrlRules::OnlyHttp, UrlRules::FilesToo] {
        let Ok(event) = decode(&message, rules) else { continue };
        assert!(event.kind().chars().count() <= 100, "{event:?}");
        if let Some(url) = event.url() {
            assert!(!url.path().is_empty());
            routing_key_fits(exchange, url);
        }
    }
}

fn routing_key_fits(exchange: &str, url: &RepositoryUrl) {
    let key = routing_key(exchange, url);
    assert!(key.is_none_or(|key| key.is_ascii() && !key.contains(['*', '#'])), "{url}");
}

/// What Taskcluster says of a task, in a message and when it is asked.
fn task(bytes: &[u8]) {
    for told in [decode_task(bytes), decode_status(bytes, None), decode_status(bytes, Some(3))].into_iter().flatten() {
        assert_eq!(told.task.as_str().len(), 22);
    }
}

/// What a task publishes: one comparison of a locale by a configuration.
fn elmo_json(bytes: &[u8]) {
    let known = source("https://hg.example.org/a/file/tip/b");
    for source in [None, known.as_ref()] {
        let Ok(published) = read_elmo_json(bytes, source) else { continue };
        let places: HashSet<_> = published.comparisons.iter().map(|one| (&one.locale, &one.config)).collect();
        assert!(places.len() == published.comparisons.len() && !places.is_empty());
    }
}

/// Where a task says that it comes from.
fn task_source(bytes: &[u8]) {
    if let Some(found) = source(&String::from_utf8_lossy(bytes)) {
        assert!(!found.repository.path().is_empty());
        as_others_read_it(&found.repository);
    }
}

/// Names become paths, arguments and parts of addresses.
fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = text.parse::<RepositoryName>() {
        stays_below(name.as_str());
    }
    if let Ok(name) = text.parse::<ForestName>() {
        stays_below(name.as_str());
    }
    if let Ok(code) = text.parse::<LocaleCode>() {
        stays_below(code.as_str());
    }
    for rules in [UrlRules::OnlyHttp, UrlRules::FilesToo] {
        if let Ok(url) = RepositoryUrl::parse(text, rules) {
            as_others_read_it(&url);
        }
    }
    let _ = (text.parse::<RootUrl>(), text.parse::<ArtifactName>());
    assert!(text.parse::<TaskId>().is_err() || (text.len() == 22 && !text.contains('/')));
    assert!(text.parse::<Revision>().is_err() || [40, 64].contains(&text.len()));
}

/// It is no option, and as a path it leads down only.
fn stays_below(name: &str) {
    assert!(!name.starts_with('-') && name.is_ascii() && !name.contains(|c: char| c.is_control() || c == '%'), "{name:?}");
    assert!(Path::new(name).components().all(|part| matches!(part, Component::Normal(part) if !part.is_empty())), "{name:?}");
    assert!(!name.split('/').any(|part| part.starts_with('.')), "{name:?}");
}

/// Other readers of the URL come to the same host and path, so that what is checked is what is asked.
fn as_others_read_it(url: &RepositoryUrl) {
    assert!(!url.as_str().starts_with('-') && url.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
    let read = url::Url::parse(url.as_str()).ok().filter(|read| read.scheme() != "file");
    if let Some(read) = read {
        assert!(read.username().is_empty() && read.password().is_none() && read.query().is_none() && read.fragment().is_none());
        assert_eq!(read.path().trim_matches('/'), url.path(), "{url}");
    }
    assert_eq!(RepositoryUrl::parse(url.as_str(), UrlRules::FilesToo).as_ref(), Ok(url));
}

/// Any bytes are kept to the letter, in a form that every database takes, and shown without what could deceive.
fn kept(bytes: &[u8]) {
    let kept = Kept::from_bytes(bytes);
    assert_eq!(kept.to_bytes(), bytes);
    assert!(!kept.as_str().contains('\0'));
    assert!(!kept.shown().contains(|c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}'));
    if let Ok(kept) = serde_json::from_slice::<Kept>(bytes) {
        assert_eq!(Kept::from_bytes(&kept.to_bytes()), kept);
    }
}

/// Settings in a file that somebody wrote in a hurry.
fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(config) = Config::from_text(&text, "elmo.toml", |_| None) {
        assert!(config.lanes().lanes >= 1 && config.web_limits().connections >= 1);
    }
}
