//! Pushes as GitHub tells of them: its webhook's body, as it is, inside Taskcluster's message (`exchange/taskcluster-github/v1/push`) or inside
//! the one that Elmo's documentation names (`exchange/github-webhooks/v1`). A recorded sample is in
//! `tests/messages/taskcluster-github-push.jsonl`; the forms are in docs/messages.md.
//!
//! The list of commits is never read: GitHub cuts it, and the repository has them right.

use super::{Event, Malformed, read, repository_url, text, unknown};
use crate::domain::{GITHUB_PUSHES, GITHUB_WEBHOOKS, Kept, Notice, RepositoryUrl, Revision, UrlRules, without_git};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Taskcluster's message; it publishes tags here too.
#[derive(Deserialize)]
struct FromTaskcluster<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Republished<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// The body of GitHub's webhook, as much of it as says what moved.
#[derive(Deserialize)]
struct Pushed<'a> {
    #[serde(borrow, rename = "ref")]
    reference: Cow<'a, str>,
    before: Revision,
    after: Revision,
    #[serde(borrow)]
    repository: Sender<'a>,
    pusher: Option<Pusher>,
}

#[derive(Deserialize)]
struct Sender<'a> {
    id: Option<i64>,
    #[serde(borrow)]
    html_url: Cow<'a, str>,
    pushed_at: Option<Moment>,
}

#[derive(Deserialize)]
struct Pusher {
    name: Option<Kept>,
}

/// Seconds since 1970 in a push, a text elsewhere.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(i64),
    Text(String),
}

/// A repository of GitHub's that was given another name or owner.
#[derive(Deserialize)]
struct Changed<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    repository: Sender<'a>,
}

/// By which key messages about a repository come on an exchange; none for a URL that is no `<org>/<repository>`, or another exchange.
/// Taskcluster writes a dot in a name as `%` (its `services/github/src/api.js`, `sanitizeGitHubField`).
pub fn routing_key(exchange: &str, url: &RepositoryUrl) -> Option<String> {
    let (organization, name) = without_git(url.path()).split_once('/').filter(|(_, name)| !name.contains('/'))?;
    match exchange {
        GITHUB_PUSHES => Some(format!("primary.{}.{}", organization.replace('.', "%"), name.replace('.', "%"))),
        GITHUB_WEBHOOKS => Some(format!("{organization}/{name}/push")),
        _ => None,
    }
}

const BRANCHES: &str = "refs/heads/";
/// What GitHub calls longest: 255 bytes; git itself knows no end.
const LONGEST_BRANCH: usize = 1000;

pub(super) fn from_taskcluster(body: &[u8], rules: UrlRules) -> Result<Event, Malformed> {
    let sent: FromTaskcluster = read(text(body)?, "the body")?;
    pushed(sent.body.get(), rules)
}

pub(super) fn republished(body: &[u8], rules: UrlRules) -> Result<Event, Malformed> {
    let sent: Republished = read(text(body)?, "the body")?;
    hook(&sent.event, sent.payload.get(), rules)
}

/// The body of a webhook; GitHub's header says which event it is.
///
/// # Errors
/// With a sentence for the operator that names what is wrong with the body.
pub(super) fn decode_hook(event: &str, body: &[u8], rules: UrlRules) -> Result<Event, Malformed> {
    hook(event, text(body)?, rules)
}

fn hook(event: &str, payload: &str, rules: UrlRules) -> Result<Event, Malformed> {
    match event {
        "push" => pushed(payload, rules),
        "repository" => changed(payload, rules),
        other => Ok(unknown(other)),
    }
}

fn pushed(payload: &str, rules: UrlRules) -> Result<Event, Malformed> {
    let sent: Pushed = read(payload, "the payload")?;
    let Some(branch) = sent.reference.strip_prefix(BRANCHES) else {
        return Ok(unknown("tag"));
    };
    if branch.is_empty() || branch.len() > LONGEST_BRANCH {
        return Err(Malformed(format!("ref: the name of a branch has 1 to {LONGEST_BRANCH} bytes")));
    }
    let notice = Notice {
        branch: Kept::from(branch),
        before: sent.before,
        after: sent.after,
        pusher: sent.pusher.and_then(|pusher| pusher.name).unwrap_or_default(),
        date: sent.repository.pushed_at.as_ref().and_then(Moment::second).unwrap_or_default(),
    };
    Ok(Event::BranchMoved { url: url(&sent.repository.html_url, rules)?, host_number: sent.repository.id, notice })
}

fn changed(payload: &str, rules: UrlRules) -> Result<Event, Malformed> {
    let sent: Changed = read(payload, "the payload")?;
    match (sent.action.as_ref(), sent.repository.id) {
        ("renamed" | "transferred", Some(host_number)) => {
            Ok(Event::Moved { url: url(&sent.repository.html_url, rules)?, host_number })
        }
        (action, _) => Ok(unknown(&format!("repository {action}"))),
    }
}

impl Moment {
    fn second(&self) -> Option<i64> {
        match self {
            Moment::Seconds(seconds) => Some(*seconds),
            Moment::Text(text) => text.parse().ok().map(jiff::Timestamp::as_second),
        }
    }
}

fn url(sent: &str, rules: UrlRules) -> Result<RepositoryUrl, Malformed> {
    repository_url(without_git(sent), "repository.html_url", rules)
}

#[cfg(test)]
mod tests {
    use super::{decode_hook, from_taskcluster, republished, routing_key};
    use crate::domain::{GITHUB_PUSHES, GITHUB_WEBHOOKS, Kept, RepositoryUrl, Revision, UrlRules};
    use crate::event::{Event, Malformed};

    const RECORDED: &str = include_str!("../../tests/messages/taskcluster-github-push.jsonl");
    const RULES: UrlRules = UrlRules::OnlyHttp;

    fn push(reference: &str, after: &str) -> String {
        format!(
            r#"{{"ref": "{reference}", "before": "{}", "after": "{after}", "pusher": {{"name": "flod"}},
                "repository": {{"id": 7, "html_url": "https://github.com/mozilla-l10n/firefox-l10n", "pushed_at": 1484248575}}}}"#,
            "b".repeat(40)
        )
    }

    #[test]
    fn the_same_push_is_the_same_whichever_way_it_comes() {
        let payload = push("refs/heads/main", &"c".repeat(40));
        let hook = decode_hook("push", payload.as_bytes(), RULES).unwrap();

        let wrapped = from_taskcluster(format!(r#"{{"eventId": "x", "body": {payload}}}"#).as_bytes(), RULES).unwrap();
        let again =
            republished(format!(r#"{{"event": "push", "request_id": "x", "payload": {payload}}}"#).as_bytes(), RULES).unwrap();

        assert_eq!([&wrapped, &again], [&hook, &hook]);
        let Event::BranchMoved { url, host_number, notice } = hook else { panic!("{hook:?}") };
        assert_eq!((url.path(), host_number), ("mozilla-l10n/firefox-l10n", Some(7)));
        assert_eq!((notice.branch.as_str(), notice.pusher, notice.date), ("main", Kept::from("flod"), 1_484_248_575));
    }

    #[test]
    fn messages_about_a_repository_come_by_a_key() {
        let check = |url: &str, exchange: &str, expected: Option<&str>| {
            let url = RepositoryUrl::parse(url, RULES).unwrap();
            assert_eq!(routing_key(exchange, &url).as_deref(), expected, "{url} on {exchange}");
        };
        let dotted = "https://github.com/mozilla-l10n/firefox.l10n-source.git";
        check(dotted, GITHUB_PUSHES, Some("primary.mozilla-l10n.firefox%l10n-source"));
        check(dotted, GITHUB_WEBHOOKS, Some("mozilla-l10n/firefox.l10n-source/push"));
        check("https://github.com/mozilla-l10n", GITHUB_PUSHES, None);
        check("https://github.com/a/b/c", GITHUB_PUSHES, None);
        check(dotted, "exchange/hgpushes/v2", None);
    }

    #[test]
    fn the_recorded_message_is_read() {
        let Event::BranchMoved { url, notice, .. } = from_taskcluster(RECORDED.trim().as_bytes(), RULES).unwrap() else {
            panic!("it tells of a branch")
        };
        assert_eq!(url.as_str(), "https://github.com/mozilla-l10n/firefox.l10n-source");
        assert_eq!((notice.branch.as_str(), notice.after.to_string()), ("main", "c".repeat(40)));
    }

    #[test]
    fn a_deleted_branch_goes_to_the_null_changeset_and_a_tag_is_none() {
        let deleted = push("refs/heads/old", &"0".repeat(40));
        let Ok(Event::BranchMoved { notice, .. }) = decode_hook("push", deleted.as_bytes(), RULES) else { panic!("{deleted}") };
        assert_eq!(notice.after, Revision::NULL);
        let tag = decode_hook("push", push("refs/tags/v1", &"c".repeat(40)).as_bytes(), RULES);
        assert_eq!(tag, Ok(Event::Unknown { kind: "tag".to_owned() }));
    }

    #[test]
    fn other_events_are_known_to_be_unknown_and_a_new_name_is_told() {
        assert_eq!(decode_hook("star", b"{}", RULES), Ok(Event::Unknown { kind: "star".to_owned() }));
        let renamed = r#"{"action": "renamed", "repository": {"id": 7, "html_url": "https://github.com/a/new"}}"#;
        let Ok(Event::Moved { url, host_number }) = decode_hook("repository", renamed.as_bytes(), RULES) else { panic!() };
        assert_eq!((url.path(), host_number), ("a/new", 7));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |body: &str| match decode_hook("push", body.as_bytes(), RULES) {
            Err(Malformed(why)) => why,
            Ok(event) => panic!("{event:?}"),
        };
        for (body, named) in [
            ("", "EOF"),
            ("{}", "missing field `ref`"),
            (&push("refs/heads/", &"c".repeat(40)), "the name of a branch has 1 to 1000 bytes"),
            (&push("refs/heads/main", "cafe"), "40 hexadecimal"),
            (&push("refs/heads/main", &"c".repeat(40)).replace("https://github.com", "file:///etc"), "repository.html_url"),
            (&push("refs/heads/main", &"c".repeat(40)).replace("/mozilla-l10n/firefox-l10n", ""), "names a host"),
        ] {
            assert!(refused(body).contains(named), "{body}: {}", refused(body));
        }
        assert!(from_taskcluster(b"{}", RULES).unwrap_err().0.contains("missing field `body`"));
        assert!(decode_hook("push", b"\xff", RULES).unwrap_err().0.contains("not UTF-8"));
    }
}
