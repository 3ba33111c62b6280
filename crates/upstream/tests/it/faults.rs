//! Each fault does what it says, and only that.

use std::time::{Duration, Instant};

use bytes::Bytes;
use elmo_upstream::{Commit, Fault, Scope, Upstream};
use tempfile::tempdir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Answer, REPO, USER, begin, get, hg, json_pushes, try_hg, upstream};

async fn two_pushes() -> Upstream {
    let upstream = upstream().await;
    for number in ["One", "Two"] {
        upstream.push(REPO, USER, [Commit::new(number).file("a", number)]).await.unwrap();
    }
    upstream
}

async fn ask(upstream: &Upstream) -> Answer {
    get(upstream, &format!("/{REPO}/json-pushes?version=2&startID=0")).await
}

async fn clone_code(upstream: &Upstream) -> i32 {
    let folder = tempdir().unwrap();
    try_hg(folder.path(), &["clone", "-U", &upstream.url_of(REPO), "clone"]).await.code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lag_hides_the_newest_pushes() {
    let upstream = two_pushes().await;

    upstream.faults(REPO).set(Fault::Lag(1));

    let pushes = json_pushes(&upstream, "version=2&startID=0").await;
    assert_eq!(pushes["lastpushid"], 1);
    assert_eq!(pushes["pushes"].as_object().unwrap().len(), 1);
    upstream.faults(REPO).set(Fault::Lag(5));
    assert_eq!(json_pushes(&upstream, "version=2").await["lastpushid"], 0);
    upstream.faults(REPO).clear();
    assert_eq!(json_pushes(&upstream, "version=2").await["lastpushid"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_replaced_and_clones_go_on() {
    let upstream = two_pushes().await;
    let faults = upstream.faults(REPO);

    faults.set(Fault::status(503));
    assert_eq!(ask(&upstream).await.status, 503);
    assert_eq!(clone_code(&upstream).await, 0);
    faults.set(Fault::Html200);
    let html = ask(&upstream).await;
    assert!(html.status == 200 && html.headers.contains("text/html"));
    faults.set(Fault::json(&serde_json::json!({"lastpushid": "2"})));
    assert_eq!(ask(&upstream).await.text(), r#"{"lastpushid":"2"}"#);
    faults.set(Fault::Raw(Bytes::from_static(br#"["\udce9"]"#)));
    assert_eq!(ask(&upstream).await.text(), r#"["\udce9"]"#);
    faults.set(Fault::Huge(5_000_000));
    let huge = ask(&upstream).await;
    assert_eq!((huge.body.len(), &huge.json()["lastpushid"]), (5_000_000, &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_cut_short() {
    let upstream = two_pushes().await;
    let whole = ask(&upstream).await.body;
    upstream.faults(REPO).set(Fault::CutShort);

    let cut = ask(&upstream).await;

    assert!(cut.headers.contains(&format!("content-length: {}", whole.len())), "{}", cut.headers);
    assert_eq!(cut.body, whole[..whole.len() / 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_hangs_until_the_fault_is_lifted() {
    let upstream = two_pushes().await;
    upstream.faults(REPO).set(Fault::Hang.times(1));
    let mut hanging = begin(&upstream, &format!("/{REPO}/json-pushes?version=2"), "").await;
    upstream.requested(REPO, |counts| counts.pushlog == 1).await;

    let mut first = [0; 9];
    assert!(timeout(Duration::from_millis(300), hanging.read_exact(&mut first)).await.is_err());
    assert_eq!(ask(&upstream).await.status, 200);
    upstream.faults(REPO).clear();

    timeout(Duration::from_secs(20), hanging.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_trickles() {
    let upstream = two_pushes().await;
    upstream.faults(REPO).set(Fault::Trickle);

    let mut stream = begin(&upstream, &format!("/{REPO}/json-pushes?version=2"), "").await;
    let mut all = Vec::new();
    let ended = timeout(Duration::from_millis(2500), stream.read_to_end(&mut all)).await;

    assert!(ended.is_err());
    let text = String::from_utf8(all).unwrap();
    let body = text.split_once("\r\n\r\n").unwrap().1;
    assert!(body.starts_with("1\r\n{\r\n1\r\n \r\n") && body.len() < 40, "{body:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_are_refused_while_the_pushlog_is_well() {
    let upstream = two_pushes().await;
    upstream.faults(REPO).set(Fault::RefuseClone(503));

    assert_ne!(clone_code(&upstream).await, 0);
    assert_eq!(ask(&upstream).await.status, 200);
    upstream.faults(REPO).clear();
    assert_eq!(clone_code(&upstream).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_not_served_yet() {
    let upstream = upstream().await;
    upstream.faults("new/one").set(Fault::NotServed);
    upstream.create("new/one").await.unwrap();

    assert_eq!(get(&upstream, "/new/one/json-pushes?version=2").await.status, 404);
    assert_eq!(get(&upstream, "/new/one?cmd=capabilities").await.status, 404);
    upstream.faults("new/one").clear();
    assert_eq!(get(&upstream, "/new/one/json-pushes?version=2").await.status, 200);
    assert_eq!(get(&upstream, "/new/one?cmd=capabilities").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_heals_after_some_requests() {
    let upstream = two_pushes().await;
    upstream.faults(REPO).set(Fault::status(502).times(2));

    let statuses = [ask(&upstream).await.status, ask(&upstream).await.status, ask(&upstream).await.status];

    assert_eq!(statuses, [502, 502, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_comes_before_everything() {
    let upstream = two_pushes().await;
    upstream.faults_everywhere().set(Fault::Delay(Duration::from_millis(300)));
    upstream.faults(REPO).set(Fault::status(500).on(Scope::Everything));

    let started = Instant::now();
    let statuses = (ask(&upstream).await.status, get(&upstream, &format!("/{REPO}?cmd=heads")).await.status);

    assert_eq!(statuses, (500, 500));
    assert!(started.elapsed() >= Duration::from_millis(600));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_goes_away_and_comes_back() {
    let upstream = two_pushes().await;
    let host = upstream.url().trim_start_matches("http://").to_owned();
    let mut kept = TcpStream::connect(&host).await.unwrap();

    upstream.stop_listening().await.unwrap();

    let refused = TcpStream::connect(&host).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let cut = timeout(Duration::from_secs(10), kept.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(cut, Ok(0) | Err(_)));
    upstream.stop_listening().await.unwrap();
    upstream.resume().await.unwrap();
    upstream.resume().await.unwrap();
    assert_eq!(ask(&upstream).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_noted() {
    let upstream = two_pushes().await;
    let folder = tempdir().unwrap();
    assert_eq!(upstream.counts(REPO).all, 0);

    hg(folder.path(), &["clone", "-q", "-U", &upstream.url_of(REPO), "clone"]).await;
    assert_eq!((upstream.pulls(REPO), upstream.counts(REPO).bundles), (1, 1));
    hg(folder.path(), &["pull", "-q", "-R", "clone"]).await;
    assert_eq!((upstream.pulls(REPO), upstream.counts(REPO).bundles), (2, 2));
    upstream.push(REPO, USER, [Commit::new("Three").file("a", "3")]).await.unwrap();
    hg(folder.path(), &["pull", "-q", "-R", "clone", "-r", "tip"]).await;
    assert_eq!((upstream.pulls(REPO), upstream.counts(REPO).bundles), (3, 3));
    ask(&upstream).await;

    assert_eq!(upstream.pushlog_requests(REPO), 1);
    let requests = upstream.requests(REPO);
    assert_eq!(requests.len() as u64, upstream.counts(REPO).all);
    let commands: Vec<&str> = requests.iter().filter_map(|request| request.command.as_deref()).collect();
    assert!(commands.contains(&"getbundle") && commands.contains(&"batch"), "{commands:?}");
    let last = requests.last().unwrap();
    assert_eq!((last.path.as_str(), last.query.as_str()), ("/l10n-central/fr/json-pushes", "version=2&startID=0"));
    upstream.forget_requests();
    assert_eq!(upstream.all_counts().all, 0);
}
