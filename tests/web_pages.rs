//! The pages over a store in a file, asked for over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use elmo::domain::{
    Changeset, Clock, ErrorClass, ForestName, HgDate, Kept, Marker, NewForest, NewRepository, Push, RepositoryId, RepositoryUrl,
    Revision, UrlRules,
};
use elmo::store::{Batch, Ending, Marking, Recording, Store};
use elmo::web::Limits;
use jiff::Timestamp;
use reqwest::{Client, Method, Response, StatusCode};
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

const NOW: &str = "2026-11-24T06:15:00Z";
const FR: &str = "l10n-central/fr";

/// A store, and a server that shows it.
struct Site {
    store: Store,
    address: String,
    client: Client,
    _stop: DropGuard,
    _folder: TempDir,
}

impl Site {
    async fn empty() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("elmo.sqlite").display())).await.unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let clock = Clock::that_says(now);
        let cache = folder.path().join("artifacts").display().to_string();
        let artifacts = elmo::fetch::Artifacts::open(&cache, 1 << 20, Vec::new(), clock.clone()).unwrap();
        let router = elmo::web::router(
            store.clone(),
            clock,
            artifacts,
            elmo::fetch::Versions::new(folder.path(), "hg".as_ref(), "git".as_ref()),
            None,
        );
        tokio::spawn(elmo::web::serve(listener, router, Limits::default(), stop.clone()));
        Site { store, address, client: client(), _stop: stop.drop_guard(), _folder: folder }
    }

    async fn follow(&self, name: &str) -> RepositoryId {
        let forest = name.split('/').next().unwrap();
        let url = |path: &str| RepositoryUrl::parse(&format!("https://hg.example.org/{path}"), UrlRules::OnlyHttp).unwrap();
        let forest_name: ForestName = forest.parse().unwrap();
        if self.store.forest(&forest_name).await.unwrap().is_none() {
            self.store.add_forest(&NewForest { name: forest_name.clone(), url: url(forest), fork_of: None }).await.unwrap();
        }
        let locale = name.split('/').nth(1).unwrap().parse().unwrap();
        let standing_alone = NewRepository::at(name.parse().unwrap(), url(name));
        let repository = NewRepository { forest: Some(forest_name), locale: Some(locale), ..standing_alone };
        self.store.add_repository(&repository, now()).await.unwrap();
        self.store.repository(&repository.name).await.unwrap().unwrap().id
    }

    async fn record(&self, repository: RepositoryId, changesets: Vec<Changeset>, pushes: Vec<Push>) {
        self.record_in(1, repository, changesets, pushes).await;
    }

    async fn record_in(&self, generation: i64, repository: RepositoryId, changesets: Vec<Changeset>, pushes: Vec<Push>) {
        self.store
            .record(&Recording { repository, generation, changesets, held: Vec::new(), pushes, locale_rules: None })
            .await
            .unwrap();
    }

    async fn mark(&self, repository: RepositoryId, markers: Vec<Marker>) {
        let batch = Batch { markings: vec![Marking { repository, markers }], ..Batch::default() };
        self.store.note(&batch, now()).await.unwrap();
    }

    async fn ask(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.address)).send().await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.ask(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        answer.text().await.unwrap()
    }

    async fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.ask(path).await;
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn status(&self, path: &str) -> u16 {
        self.ask(path).await.status().as_u16()
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

fn revision(number: u8) -> Revision {
    Revision::from_bytes([number; 20])
}

fn changeset(number: u8, description: &str) -> Changeset {
    Changeset {
        revision: revision(number),
        parents: Vec::new(),
        author: Kept::from("Flod <flod@example.org>"),
        description: Kept::from(description),
        branch: Kept::from("default"),
        closes_branch: false,
        date: HgDate { seconds: now().as_second() - 3600, offset: -3600 },
        files: vec![Kept::from("browser/browser.ftl")],
    }
}

fn push(id: u64, changesets: &[u8]) -> Push {
    let changesets = changesets.iter().copied().map(revision).collect();
    Push {
        id,
        user: Kept::from("pusher@example.org"),
        date: now().as_second() - 180,
        changesets,
        obsolete: Vec::new(),
        twins: Vec::new(),
    }
}

fn assert_holds(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part:?} is not in:\n{page}");
    }
}

#[tokio::test]
async fn an_empty_store_tells_what_to_type() {
    let site = Site::empty().await;

    let page = site.page("/").await;

    assert_holds(&page, &["elmo forest add l10n-central https://hg.mozilla.org/l10n-central --discover"]);
    assert_holds(&site.page("/source/pushes/").await, &["No push is recorded yet"]);
    assert_eq!(site.json("/?format=json").await["repositories"], serde_json::json!([]));
}

#[tokio::test]
async fn a_push_is_on_every_page_that_should_show_it() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    site.record(fr, vec![changeset(1, "Bug 1 - First\n\nMore"), changeset(2, "Bug 2 - Tip")], vec![push(7, &[1, 2])]).await;

    let pushes = site.page("/source/pushes/l10n-central/fr").await;

    assert_holds(&pushes, &["pusher@example.org", "2026-11-24 06:12 UTC", "3 minutes ago", "Bug 1 - First", "Flod"]);
    assert_holds(&pushes, &["https://hg.example.org/l10n-central/fr/pushloghtml?startID=6&#38;endID=7"]);
    assert_holds(&pushes, &[&format!("https://hg.example.org/l10n-central/fr/rev/{}", revision(2))]);
    assert!(pushes.find("Bug 2").unwrap() < pushes.find("Bug 1").unwrap(), "the tip comes first");
    assert_holds(&site.page("/").await, &["Bug 2 - Tip", "new</span>"]);
    assert_holds(&site.page("/source/pushes/").await, &["Bug 2 - Tip"]);
    assert_holds(&site.page("/source/pushes/l10n-central").await, &["href=\"/source/pushes/l10n-central/fr\""]);
    let page = site.page("/source/changeset/020202").await;
    assert_holds(&page, &["Flod &#60;flod@example.org&#62;", "UTC+01:00", "browser/browser.ftl", "#push-1-7", "default"]);
}

#[tokio::test]
async fn json_says_the_same_as_the_pages() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    site.record(fr, vec![changeset(1, "First")], vec![push(7, &[1])]).await;

    let pushes = site.json("/source/pushes/l10n-central/fr?format=json").await;
    let changeset = site.json("/source/changeset/01?format=json").await;
    let home = site.json("/?format=json&q=FR").await;

    let push = &pushes["pushes"][0];
    assert_eq!(push["push_id"], 7);
    assert_eq!(push["date"], now().as_second() - 180);
    assert_eq!(push["time"], "2026-11-24T06:12:00Z");
    assert_eq!(push["changesets"][0]["revision"], revision(1).to_string());
    assert_eq!(changeset["files"], serde_json::json!(["browser/browser.ftl"]));
    assert_eq!(changeset["offset"], -3600);
    assert_eq!(home["repositories"][0]["state"], "new");
    assert_eq!(home["totals"]["pushes"], 1);
    assert_eq!(site.json("/source/pushes/?format=json").await["pushes"][0]["push_id"], 7);
    assert_eq!(site.json("/source/pushes/l10n-central?format=json").await["repositories"][0]["name"], FR);
}

#[tokio::test]
async fn hostile_texts_stay_texts() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    let hostile = Changeset {
        author: Kept::from("<script>alert('author')</script>"),
        description: Kept::from("<img src=x onerror=alert(1)> \u{202e}gnp.exe\nsecond </div> line"),
        branch: Kept::from("<b>branch</b>"),
        files: vec![Kept::from_bytes(b"caf\xe9.ftl"), Kept::from("\"><script>file</script>")],
        ..changeset(1, "")
    };
    let by_hostile = Push { user: Kept::from("<script>pusher</script>"), ..push(1, &[1]) };
    site.record(fr, vec![hostile], vec![by_hostile]).await;

    for path in ["/", "/source/pushes/", "/source/pushes/l10n-central/fr", "/source/changeset/0101"] {
        let page = site.page(path).await;
        assert!(
            !page.contains("<script>") && !page.contains("<img") && !page.contains("<b>") && !page.contains('\u{202e}'),
            "{page}"
        );
        assert_holds(&page, &["&#60;img src=x", "\\u{202e}gnp.exe", "&#60;script&#62;pusher"]);
    }

    let page = site.page("/source/changeset/0101").await;
    assert_holds(&page, &["caf\\xe9.ftl", "second &#60;/div&#62; line"]);
    assert_eq!(site.json("/source/changeset/0101?format=json").await["files"].as_array().unwrap().len(), 2);
    let filtered = site.page("/?q=%22%3E%3Cscript%3E").await;
    assert!(!filtered.contains("\"><script>"), "{filtered}");
}

#[tokio::test]
async fn odd_pushes_are_shown_as_they_are() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    let numbers: Vec<u8> = (10..40).collect();
    let many = numbers.iter().map(|number| changeset(*number, &format!("Number {number}"))).collect();
    let on_branch = Changeset { branch: Kept::from("beta"), ..changeset(1, "On a branch") };
    let obsolete = Push { obsolete: vec![revision(1)], ..push(2, &[1]) };
    let unseen = push(3, &[99]);
    site.record(fr, vec![on_branch], vec![push(1, &[]), obsolete, unseen]).await;
    site.record(fr, many, vec![push(4, &numbers)]).await;

    let page = site.page("/source/pushes/l10n-central/fr").await;

    assert_holds(
        &page,
        &["no changesets: they are obsolete or were stripped", "class=\"obsolete\"", "beta</span>", "not seen yet"],
    );
    assert_holds(&page, &["and 10 more: <a href=\"/source/pushes/l10n-central/fr?push=1.4\">"]);
    assert_holds(&site.page(&format!("/source/changeset/{}", revision(99))).await, &["not seen yet"]);
    assert!(site.json("/source/changeset/63636363?format=json").await["time"].is_null());
}

#[tokio::test]
async fn paging_by_key_leads_through_all_pushes_and_generations() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    site.record(fr, Vec::new(), (1..=5).map(|id| push(id, &[])).collect()).await;
    assert!(site.store.begin_generation(fr, 1).await.unwrap());
    site.record_in(2, fr, Vec::new(), (1..=2).map(|id| push(id, &[])).collect()).await;

    let mut path = Some("/source/pushes/l10n-central/fr?length=3&format=json".to_owned());
    let mut seen = Vec::new();
    while let Some(asked) = path {
        let page = site.json(&asked).await;
        let pushes = page["pushes"].as_array().unwrap();
        seen.extend(pushes.iter().map(|push| (push["generation"].as_i64().unwrap(), push["push_id"].as_i64().unwrap())));
        path = page["older"].as_str().map(|older| format!("{older}&format=json"));
    }

    assert_eq!(seen, [(2, 2), (2, 1), (1, 5), (1, 4), (1, 3), (1, 2), (1, 1)]);
    let page = site.page("/source/pushes/l10n-central/fr?length=3").await;
    assert_holds(&page, &["before the repository was made anew (generation 1)", "length=3&#38;before="]);
    assert_holds(&site.page("/source/pushes/l10n-central/fr?before=1.1").await, &["There is nothing older", "newest"]);
}

#[tokio::test]
async fn no_date_breaks_a_page() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    for (number, seconds) in [(1, i64::MAX), (2, i64::MIN), (3, -1), (4, 253_375_000_000)] {
        let odd = Changeset { date: HgDate { seconds, offset: i32::MIN }, ..changeset(number, "Odd") };
        site.record(fr, vec![odd], vec![Push { date: seconds, ..push(u64::from(number), &[number]) }]).await;
    }

    let page = site.page("/source/pushes/l10n-central/fr").await;

    assert_holds(&page, &["9223372036854775807 seconds since 1970", "1969-12-31 23:59 UTC", "9999-02-19 00:26 UTC"]);
    for number in 1..=4 {
        site.page(&format!("/source/changeset/{}", revision(number))).await;
        site.json(&format!("/source/changeset/{}?format=json", revision(number))).await;
    }
    site.page("/").await;
}

#[tokio::test]
async fn obsolescence_is_told_from_both_ends() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    site.record(fr, vec![changeset(1, "Old"), changeset(2, "New"), changeset(3, "Gone")], Vec::new()).await;
    let user = Some(Kept::from("amender@example.org"));
    let replaced = Marker { precursor: revision(1), successors: vec![revision(2)], user, date: 0 };
    let pruned = Marker { precursor: revision(3), successors: Vec::new(), user: None, date: 0 };
    site.mark(fr, vec![replaced, pruned]).await;

    let (old, new, gone) =
        (site.page("/source/changeset/01").await, site.page("/source/changeset/02").await, site.page("/source/changeset/03").await);

    assert_holds(&old, &["Replaced by", &revision(2).to_string(), "amender@example.org", "1970-01-01 00:00 UTC"]);
    assert_holds(&new, &["Replaces", &revision(1).to_string()]);
    assert_holds(&gone, &["nothing: it was pruned"]);
}

#[tokio::test]
async fn a_prefix_may_name_several_changesets_and_the_null_one_has_a_page() {
    let site = Site::empty().await;
    let fr = site.follow(FR).await;
    site.record(fr, vec![changeset(0xa1, "One"), changeset(0xa2, "Two")], Vec::new()).await;

    let several = site.ask("/source/changeset/A").await;

    assert_eq!(several.status(), StatusCode::MULTIPLE_CHOICES);
    assert_holds(&several.text().await.unwrap(), &[&revision(0xa1).to_string(), &revision(0xa2).to_string()]);
    assert_eq!(site.json("/source/changeset/a?format=json").await["candidates"].as_array().unwrap().len(), 2);
    assert_holds(&site.page("/source/changeset/A1A1").await, &["One"]);
    assert_holds(&site.page("/source/changeset/0000000").await, &["The null changeset", FR]);
}

#[tokio::test]
async fn a_failing_repository_says_why_and_since_when() {
    let site = Site::empty().await;
    site.follow(FR).await;
    site.follow("l10n-central/de").await;
    let claim = site.store.claim("worker", Duration::from_secs(60), &[], now()).await.unwrap().unwrap();
    let ending = Ending::Failed {
        class: ErrorClass::Network,
        error: "could not read <https://hg>".to_owned(),
        next_try: now() + Duration::from_secs(300),
    };
    site.store.end(&claim, &ending, now()).await.unwrap();

    let page = site.page("/?state=failing").await;

    assert_holds(&page, &["failing</span> the host does not answer", "could not read &#60;https://hg&#62;", "in 5 minutes"]);
    assert_eq!(site.json("/?state=failing&format=json").await["repositories"].as_array().unwrap().len(), 1);
    assert_eq!(site.json("/?q=L10N&format=json").await["repositories"].as_array().unwrap().len(), 2);
    assert_holds(&site.page("/?q=nothing").await, &["No repository fits"]);
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_in_words() {
    let site = Site::empty().await;
    site.follow(FR).await;

    for path in [
        "/nowhere",
        "/source/pushes/l10n-central/xx",
        "/source/pushes/a%00b",
        "/source/pushes/%ff",
        "/source/changeset/abc",
        "/source/pushes/../x",
    ] {
        assert_eq!(site.status(path).await, 404, "{path}");
    }
    for path in [
        "/?format=xml",
        "/?state=odd",
        "/?q=a&q=b",
        "/source/changeset/xyz",
        "/source/pushes/?before=1",
        "/source/pushes/l10n-central/fr?length=0",
        "/source/pushes/l10n-central/fr?length=501",
        "/source/pushes/l10n-central/fr?before=x",
        "/source/pushes/?length=-1",
    ] {
        assert_eq!(site.status(path).await, 400, "{path}");
    }
    for (method, path) in [(Method::POST, "/"), (Method::DELETE, "/nowhere"), (Method::PUT, "/metrics"), (Method::OPTIONS, "/")] {
        let answer = site.client.request(method, format!("{}{path}", site.address)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "GET, HEAD");
    }
    let told = site.json("/source/changeset/abc?format=json").await;
    assert_eq!(told, serde_json::json!({ "status": 404, "error": "No changeset that begins with abc is known here." }));
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_head_has_no_body() {
    let site = Site::empty().await;

    for path in ["/", "/nowhere", "/?format=json", "/static/elmo.css", "/metrics", "/__heartbeat__"] {
        let answer = site.ask(path).await;
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"), "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers()["x-frame-options"], "DENY", "{path}");
    }
    let head = site.client.head(format!("{}/", site.address)).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test]
async fn machines_are_told_how_it_is() {
    let site = Site::empty().await;
    site.follow(FR).await;
    let counts = [(("exchange/hgpushes/v2".to_owned(), "push".to_owned(), "done".to_owned()), 5)];
    site.store.note(&Batch { counts: counts.into(), ..Batch::default() }, now()).await.unwrap();

    let metrics = site.ask("/metrics").await.text().await.unwrap();

    assert_holds(&metrics, &["elmo_messages_total{exchange=\"exchange/hgpushes/v2\",kind=\"push\",outcome=\"done\"} 5\n"]);
    assert_holds(&metrics, &["\nelmo_repositories 1\n", "\nelmo_changesets 0\n"]);
    assert_eq!(site.json("/__heartbeat__").await["status"], "ok");
    assert_eq!(site.json("/__version__").await["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(site.status("/__lbheartbeat__").await, 200);
}

#[tokio::test]
async fn a_closed_database_is_told_without_its_error() {
    let site = Site::empty().await;
    site.store.close().await;

    let answer = site.ask("/").await;

    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "10");
    let page = answer.text().await.unwrap();
    assert!(page.contains("The database does not answer") && !page.contains("pool"), "{page}");
    assert_eq!(site.status("/__heartbeat__").await, 503);
}

#[tokio::test]
async fn the_style_sheet_is_kept_by_browsers() {
    let site = Site::empty().await;
    let home = site.page("/").await;
    let (_, rest) = home.split_once("href=\"/static/").unwrap();
    let path = format!("/static/{}", rest.split('"').next().unwrap());

    let sheet = site.ask(&path).await;

    let tag = sheet.headers()["etag"].clone();
    assert_eq!(sheet.headers()["cache-control"], "public, max-age=31536000, immutable");
    let again = site.client.get(format!("{}{path}", site.address)).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}
