//! `exchange/hgpushes/v2`: what hg.mozilla.org's notifier sends. The shapes were captured from its own code; recorded
//! samples are in `tests/messages/hgpushes-v2.jsonl`.
//!
//! Texts of a message (`user`, `desc`) are UTF-8 read as Latin-1 by the sender, so none of them is ever kept: the pushlog and
//! the clone have them right. The one exception is a marker's user, which nobody else has.

use super::{Event, Malformed, read, repository_url, text, unknown};
use crate::domain::{Kept, MAX_PUSH_ID, Marker, RepositoryUrl, Revision, UrlRules};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    repo_url: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Changegroup<'a> {
    #[serde(borrow)]
    repo_url: Cow<'a, str>,
    heads: Vec<Revision>,
    pushlog_pushes: Vec<AnnouncedPush>,
}

#[derive(Deserialize)]
struct AnnouncedPush {
    pushid: i64,
}

#[derive(Deserialize)]
struct NewRepo<'a> {
    #[serde(borrow)]
    repo_url: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Obsolete<'a> {
    #[serde(borrow)]
    repo_url: Cow<'a, str>,
    markers: Vec<SentMarker>,
}

#[derive(Deserialize)]
struct SentMarker {
    precursor: SentNode,
    successors: Vec<SentNode>,
    user: Option<Kept>,
    time: f64,
}

#[derive(Deserialize)]
struct SentNode {
    node: Revision,
}

const BODY: &str = "the body";

pub(super) fn decode(body: &[u8], rules: UrlRules) -> Result<Event, Malformed> {
    let Envelope { payload } = read(text(body)?, BODY)?;
    let Some(kind) = payload.kind else {
        return without_a_type(payload.repo_url.is_some());
    };
    match (kind.as_ref(), payload.data) {
        ("changegroup.1", Some(data)) => changegroup(data.get(), rules),
        ("newrepo.1", Some(data)) => new_repository(data.get(), rules),
        ("obsolete.1", Some(data)) => obsolete(data.get(), rules),
        ("changegroup.1" | "newrepo.1" | "obsolete.1", None) => Err(Malformed(format!("payload.data is missing from a {kind}"))),
        _ => Ok(unknown(&kind)),
    }
}

/// The exchange's first version had no types: the payload is what is `data` now.
fn without_a_type(has_repo_url: bool) -> Result<Event, Malformed> {
    if has_repo_url { Ok(unknown("v1")) } else { Err(Malformed("payload.type is missing".to_owned())) }
}

fn changegroup(data: &str, rules: UrlRules) -> Result<Event, Malformed> {
    let sent: Changegroup = read(data, BODY)?;
    let ids = sent.pushlog_pushes.iter().map(|push| push_id(push.pushid)).collect::<Result<Vec<u64>, Malformed>>()?;
    Ok(Event::Pushed { url: url(&sent.repo_url, rules)?, upto: ids.into_iter().max(), heads: sent.heads })
}

fn new_repository(data: &str, rules: UrlRules) -> Result<Event, Malformed> {
    let sent: NewRepo = read(data, BODY)?;
    Ok(Event::NewRepository { url: url(&sent.repo_url, rules)? })
}

fn obsolete(data: &str, rules: UrlRules) -> Result<Event, Malformed> {
    let sent: Obsolete = read(data, BODY)?;
    let url = url(&sent.repo_url, rules)?;
    let markers = sent.markers.into_iter().map(marker).collect::<Result<Vec<Marker>, Malformed>>()?;
    Ok(Event::Obsoleted { url, markers })
}

fn marker(sent: SentMarker) -> Result<Marker, Malformed> {
    // Times are floats of whole seconds; beyond 2⁵³ a float no longer counts them.
    let within = sent.time.abs() < 9_007_199_254_740_992.0;
    if !within {
        return Err(Malformed(format!("markers: time {} is not a number of seconds", sent.time)));
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above to be within what both types hold")]
    let date = sent.time as i64;
    Ok(Marker {
        precursor: sent.precursor.node,
        successors: sent.successors.into_iter().map(|successor| successor.node).collect(),
        user: sent.user,
        date,
    })
}

fn push_id(sent: i64) -> Result<u64, Malformed> {
    u64::try_from(sent)
        .ok()
        .filter(|id| (1..=MAX_PUSH_ID).contains(id))
        .ok_or_else(|| Malformed(format!("pushlog_pushes: pushid {sent} is not between 1 and 2^53")))
}

fn url(sent: &str, rules: UrlRules) -> Result<RepositoryUrl, Malformed> {
    repository_url(sent, "repo_url", rules)
}

#[cfg(test)]
mod tests {
    use super::{Event, decode};
    use crate::domain::UrlRules;

    fn decoded(body: &str) -> Result<Event, String> {
        decode(body.as_bytes(), UrlRules::OnlyHttp).map_err(|malformed| malformed.to_string())
    }

    fn body(kind: &str, data: &str) -> String {
        format!(r#"{{"payload": {{"type": "{kind}", "data": {data}}}, "_meta": {{}}}}"#)
    }

    #[test]
    fn every_recorded_message_is_an_event_we_know() {
        let recorded = include_str!("../../tests/messages/hgpushes-v2.jsonl");
        let kinds: Vec<String> = recorded.lines().map(|line| decoded(line).unwrap().kind().to_owned()).collect();
        assert_eq!(kinds.len(), 18);
        assert!(kinds.iter().all(|kind| ["changegroup.1", "newrepo.1", "obsolete.1"].contains(&kind.as_str())));
    }

    #[test]
    fn a_changegroup_tells_the_highest_push_and_the_heads() {
        let recorded = include_str!("../../tests/messages/hgpushes-v2.jsonl").lines().nth(6).unwrap();
        let Event::Pushed { url, upto, heads } = decoded(recorded).unwrap() else { panic!("not a push") };
        assert_eq!((url.path(), upto, heads.len()), ("l10n-central/de", Some(4), 2));
    }

    #[test]
    fn a_changegroup_may_name_no_push() {
        let message =
            body("changegroup.1", r#"{"repo_url": "https://h/a/de", "heads": [], "source": "pull", "pushlog_pushes": []}"#);
        assert!(matches!(decoded(&message), Ok(Event::Pushed { upto: None, .. })));
    }

    #[test]
    fn unknown_types_and_the_first_version_are_known_to_be_unknown() {
        assert_eq!(decoded(&body("pushed.9", "{}")), Ok(Event::Unknown { kind: "pushed.9".to_owned() }));
        let first_version = r#"{"payload": {"repo_url": "https://h/a", "heads": [], "pushlog_pushes": []}}"#;
        assert_eq!(decoded(first_version), Ok(Event::Unknown { kind: "v1".to_owned() }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let push = |id: &str| {
            body("changegroup.1", &format!(r#"{{"repo_url": "https://h/a", "heads": [], "pushlog_pushes": [{{"pushid": {id}}}]}}"#))
        };
        for (body, named) in [
            ("", "EOF"),
            ("nonsense", "expected"),
            ("[]", "invalid"),
            ("{}", "missing field `payload`"),
            (r#"{"payload": {}}"#, "payload.type is missing"),
            (r#"{"payload": {"type": "newrepo.1"}}"#, "payload.data is missing"),
            (r#"{"payload": {"type": 5, "data": {}}}"#, "invalid type"),
            (&push("-1"), "pushid -1"),
            (&push("9007199254740993"), "2^53"),
            (&push("99999999999999999999"), "invalid"),
            (&push("\"4\""), "invalid type"),
            (&body("newrepo.1", r#"{"repo_url": "ssh://h/a"}"#), "only http and https"),
            (&body("newrepo.1", r#"{"repo_url": "https://h/a/../b"}"#), "repo_url"),
            (&body("newrepo.1", r#"{"repo_url": "https://h"}"#), "names a host"),
            (&body("newrepo.1", r#"{"repo_url": ["https://h/a"]}"#), "invalid"),
            (&body("changegroup.1", r#"{"repo_url": "https://h/a", "heads": ["tip"], "pushlog_pushes": []}"#), "40 hexadecimal"),
            (&body("obsolete.1", r#"{"repo_url": "https://h/a", "markers": [{}]}"#), "precursor"),
        ] {
            let error = decoded(body).expect_err(body);
            assert!(error.contains(named), "{body}: {error}");
        }
        assert!(decode(b"\xff{}", UrlRules::OnlyHttp).unwrap_err().to_string().contains("not UTF-8"));
    }
}
