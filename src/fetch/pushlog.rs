//! The pushlog: which pushes a repository has had, from the host's own record (`json-pushes?version=2`).
//!
//! `startID` is exclusive, `endID` inclusive; ids are the keys, as strings and in the order of strings; gaps are normal;
//! `lastpushid` may be smaller than the true one while mirrors lag (captured, see `docs/messages.md`).

use super::{FetchError, Http};
use crate::domain::{ErrorClass, Kept, MAX_PUSH_ID, Push, RepositoryUrl, Revision, Twins};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How many pushes one request asks for.
pub const PAGE: u64 = 500;

/// A stretch of a pushlog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The highest id that the host has given out, as it shows it now.
    pub last: u64,
    /// Rising ids.
    pub pushes: Vec<Push>,
}

#[derive(Deserialize)]
struct Answer {
    lastpushid: u64,
    pushes: BTreeMap<String, SentPush>,
}

#[derive(Deserialize)]
struct SentPush {
    changesets: Vec<Revision>,
    #[serde(default)]
    obsoletechangesets: Vec<Revision>,
    /// As many as changesets, but none at all beside obsolete ones.
    #[serde(default)]
    git_changesets: Vec<Option<Revision>>,
    date: i64,
    user: Kept,
}

/// The pushes with ids above `after`, at most [`PAGE`] of them.
pub async fn page_after(http: &Http, url: &RepositoryUrl, after: u64) -> Result<Page, FetchError> {
    let page = window(http, url, after, after.saturating_add(PAGE)).await?;
    if page.pushes.is_empty() && page.last > after.saturating_add(PAGE) {
        // A gap wider than a page: without an end the host gives all that there is, which the size limit bounds.
        return asked(http, url, after, u64::MAX, &format!("{url}/json-pushes?version=2&startID={after}")).await;
    }
    Ok(page)
}

/// The pushes with ids above `after` up to `upto`.
pub async fn window(http: &Http, url: &RepositoryUrl, after: u64, upto: u64) -> Result<Page, FetchError> {
    asked(http, url, after, upto, &format!("{url}/json-pushes?version=2&startID={after}&endID={upto}")).await
}

async fn asked(http: &Http, url: &RepositoryUrl, after: u64, upto: u64, request: &str) -> Result<Page, FetchError> {
    let body = http.get(request).await?;
    parse_page(&body, after, upto)
        .map_err(|why| FetchError::new(ErrorClass::Network, format!("the pushlog of {url} is not one: {why}")))
}

/// Reads an answer; it is taken whole or not at all.
///
/// # Errors
/// With what is wrong, in words.
pub fn parse_page(body: &[u8], after: u64, upto: u64) -> Result<Page, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if answer.lastpushid > MAX_PUSH_ID {
        return Err(format!("lastpushid {} is beyond 2^53", answer.lastpushid));
    }
    let mut pushes = Vec::with_capacity(answer.pushes.len());
    for (key, sent) in answer.pushes {
        pushes.push(push(&key, sent)?);
    }
    pushes.sort_by_key(|push| push.id);
    if let Some(push) = pushes.iter().find(|push| push.id <= after || push.id > upto.min(answer.lastpushid)) {
        return Err(format!("push {} was not asked for, or is beyond lastpushid {}", push.id, answer.lastpushid));
    }
    Ok(Page { last: answer.lastpushid, pushes })
}

fn push(key: &str, sent: SentPush) -> Result<Push, String> {
    let id = key.parse::<u64>().ok().filter(|id| id.to_string() == key);
    Ok(Push {
        id: id.ok_or_else(|| format!("{key:?} is not a push id"))?,
        twins: twins(&sent.changesets, &sent.git_changesets),
        user: sent.user,
        date: sent.date,
        changesets: sent.changesets,
        obsolete: sent.obsoletechangesets,
    })
}

/// Pairs that belong together by their places; if there are not as many commits as changesets, nobody knows which belong together.
fn twins(changesets: &[Revision], commits: &[Option<Revision>]) -> Vec<Twins> {
    if commits.len() != changesets.len() {
        return Vec::new();
    }
    let named = |commit: &Option<Revision>| commit.filter(|commit| *commit != Revision::NULL);
    changesets
        .iter()
        .zip(commits)
        .filter_map(|(changeset, commit)| Some(Twins { changeset: *changeset, commit: named(commit)? }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse_page;

    const NODE: &str = "fa65138e568f0de27287fff013144e1fe353b6a3";

    #[test]
    fn ids_are_sorted_as_numbers_and_gaps_are_kept() {
        let push = format!(r#"{{"changesets": ["{NODE}"], "date": 5, "git_changesets": [null], "user": "a@b"}}"#);
        let body = format!(r#"{{"lastpushid": 12, "pushes": {{"10": {push}, "2": {push}}}}}"#);
        let page = parse_page(body.as_bytes(), 0, 500).unwrap();
        assert_eq!((page.last, page.pushes.iter().map(|push| push.id).collect::<Vec<_>>()), (12, vec![2, 10]));
    }

    #[test]
    fn obsolete_changesets_stand_apart() {
        let body = format!(
            r#"{{"lastpushid": 2, "pushes": {{"2": {{"changesets": [], "date": 5, "obsoletechangesets": ["{NODE}"], "user": "a"}}}}}}"#
        );
        let page = parse_page(body.as_bytes(), 0, 500).unwrap();
        assert_eq!((page.pushes[0].changesets.len(), page.pushes[0].obsolete.len()), (0, 1));
    }

    #[test]
    fn the_commits_of_git_belong_to_the_changesets_at_their_places() {
        let other = "0123456789012345678901234567890123456789";
        let check = |commits: &str, expected: &[(&str, &str)]| {
            let push = format!(r#"{{"changesets": ["{NODE}", "{other}"], "date": 5, {commits} "user": "a"}}"#);
            let page = parse_page(format!(r#"{{"lastpushid": 1, "pushes": {{"1": {push}}}}}"#).as_bytes(), 0, 500).unwrap();
            let twins = &page.pushes[0].twins;
            let twins: Vec<(String, String)> =
                twins.iter().map(|twins| (twins.changeset.to_string(), twins.commit.to_string())).collect();
            assert_eq!(twins, expected.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect::<Vec<_>>());
        };
        let commit = "a".repeat(40);
        check("", &[]);
        check(r#""git_changesets": [null, null],"#, &[]);
        check(&format!(r#""git_changesets": [null, "{commit}"],"#), &[(other, &commit)]);
        check(&format!(r#""git_changesets": ["{}", "{commit}"],"#, "0".repeat(40)), &[(other, &commit)]);
        check(&format!(r#""git_changesets": ["{commit}"],"#), &[]);
    }

    #[test]
    fn a_user_with_a_lone_surrogate_keeps_its_byte() {
        let body = r#"{"lastpushid": 1, "pushes": {"1": {"changesets": [], "date": 5, "user": "caf\udce9"}}}"#;
        assert_eq!(parse_page(body.as_bytes(), 0, 500).unwrap().pushes[0].user.to_bytes(), b"caf\xe9");
    }

    #[test]
    fn what_is_no_pushlog_is_refused_whole() {
        for body in [
            "",
            "<html>",
            r#"{"lastpushid": "1", "pushes": {}}"#,
            r#"{"lastpushid": -1, "pushes": {}}"#,
            r#"{"lastpushid": 9007199254740993, "pushes": {}}"#,
            r#"{"lastpushid": 1, "pushes": []}"#,
            r#"{"lastpushid": 1, "pushes": {"x": {"changesets": [], "date": 5, "user": "a"}}}"#,
            r#"{"lastpushid": 1, "pushes": {"01": {"changesets": [], "date": 5, "user": "a"}}}"#,
            r#"{"lastpushid": 1, "pushes": {"2": {"changesets": [], "date": 5, "user": "a"}}}"#,
            r#"{"lastpushid": 1, "pushes": {"1": {"changesets": ["tip"], "date": 5, "user": "a"}}}"#,
            r#"{"lastpushid": 1, "pushes": {"1": {"changesets": [], "date": 5, "git_changesets": ["main"], "user": "a"}}}"#,
            r#"{"lastpushid": 1, "pushes": {"1": {"changesets": [], "date": "5", "user": "a"}}}"#,
            r#"{"lastpushid": 1, "pushes": {"1": {"changesets": [], "date": 5, "user": "a"}"#,
        ] {
            assert!(parse_page(body.as_bytes(), 0, 500).is_err(), "{body}");
        }
        let not_asked_for = r#"{"lastpushid": 9, "pushes": {"3": {"changesets": [], "date": 5, "user": "a"}}}"#;
        assert!(parse_page(not_asked_for.as_bytes(), 3, 500).is_err());
    }
}
