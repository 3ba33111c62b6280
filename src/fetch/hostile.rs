//! What holds for any bytes in place of what hosts answer: each function reads them as one thing and panics where a promise is broken.

use super::taskcluster::{encoded, location, quoted};
use super::{PrivateHosts, parse_page};
use crate::domain::ArtifactName;
pub use elmo_git::hostile as git;
pub use elmo_hg::hostile as hg;
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};
use std::net::IpAddr;

/// A pushlog: pushes rise, and none is beyond what was asked for or what the host says it has.
pub fn pushlog(bytes: &[u8]) {
    for (after, upto) in [(0, 500), (3, u64::MAX)] {
        let Ok(page) = parse_page(bytes, after, upto) else { continue };
        assert!(page.pushes.windows(2).all(|two| two[0].id < two[1].id));
        assert!(page.pushes.iter().all(|push| push.id > after && push.id <= upto.min(page.last)));
        assert!(page.pushes.iter().all(|push| push.twins.len() <= push.changesets.len()));
    }
}

/// Where a deployment redirects: what is followed is http or https, shows nobody's password, and its address is none of this machine.
pub fn redirect(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(LOCATION, value)]);
    let at = "https://tc.example.org/api/queue/v1/task/a".parse().expect("a URL");
    let Ok(url) = location(&at, &headers) else { return };
    assert!(matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none());
    if PrivateHosts::default().check(&url).is_ok() {
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        assert!(!literal.is_some_and(|address| address.is_loopback() || address.is_unspecified()), "{url}");
    }
}

/// The name of an artifact stays one part of a path, and what a queue says on errors one line of the log.
pub fn artifact(bytes: &[u8]) {
    let said = quoted(bytes);
    assert!(!said.contains(char::is_control) && said.chars().count() <= 200);
    let Some(name) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<ArtifactName>().ok()) else { return };
    let path = format!("/a/{}", encoded(name.as_str()));
    let url = url::Url::parse(&format!("https://h{path}?x")).expect("a URL");
    assert_eq!((url.path(), url.query(), url.fragment()), (path.as_str(), Some("x"), None));
}
