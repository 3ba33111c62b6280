//! The pages in a real browser: a site with ordinary and with hostile content in, and what `tests/browser/` makes of it out.
//!
//! `bin/install-browser` brings what is needed. The stories are told there, in the words of those who look at pages.

use crate::support::{Commit, Deployment, Fault, PATIENCE, Pages, World, comparison, elmo_json, in_world, queue_settings, text};
use elmo::domain::Clock;
use elmo::fetch::{Artifacts, Queue};
use elmo::ingest::Outcome;
use elmo_queue::{Artifact, Task};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FR: &str = "l10n-central/fr";
const DE: &str = "l10n-central/de";
/// The repository in which nothing is as it should be.
const EVIL: &str = "l10n-central/x-evil";
const BROWSER: &str = "_configs/browser.toml";
const TOOLKIT: &str = "_configs/toolkit.toml";
/// A name that makes an address of a tree hard to write.
const EVIL_CONFIG: &str = "_configs/\"><img src=x onerror=alert(1)>?a=1#b%41&c;'.toml";
const MARKUP: &str =
    "\"'></title></div><script>alert(1)</script><img src=https://example.org/x onerror=alert(2)>\u{202e}drow \u{2066}\0";
const DETAILS: &str = include_str!("../taskcluster/small/compares/browser.fr.json");

/// Repositories with pushes, one of which fails, and comparisons of their locales.
struct Site {
    world: World,
    deployment: Deployment,
}

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_answers_in_a_browser_and_every_page_is_for_everybody() {
    let site = Site::new().await;
    let pages = site.pages().await;
    let plan = site.world.folder().join("site.json");
    std::fs::write(&plan, site.plan(&pages.address("")).await.to_string()).unwrap();

    let stories = in_world(&site.world, "node").arg("--test-reporter=spec").arg(in_browser("stories.js")).arg(&plan).output();

    let told = tokio::time::timeout(PATIENCE, stories).await.expect("the stories end");
    let told = told.expect("Node.js is missing: bin/install-browser installs it");
    println!("{}", text(&told));
    assert!(told.status.success(), "what they met is said above");
}

/// A file of `tests/browser`, whose packages are there.
fn in_browser(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(folder.join("node_modules").exists(), "the browser's driver is missing: bin/install-browser installs it");
    folder.join(file)
}

impl Site {
    async fn new() -> Site {
        let world = World::with_forest().await;
        let deployment = Deployment::new(&world).await;
        let site = Site { world, deployment };
        site.localizers_push().await;
        site.somebody_hostile_pushes().await;
        site.tasks_compare().await;
        site.something_fails().await;
        site
    }

    /// Pages that show for ever how things stand now.
    async fn pages(&self) -> Pages {
        let now = self.now();
        let clock = Clock::that_says(move || now);
        let queue = Queue::new(self.deployment.root(), None, queue_settings(), clock.clone()).unwrap();
        let cache = self.world.folder().join("artifacts").display().to_string();
        let artifacts = Artifacts::open(&cache, 1 << 30, vec![queue], clock.clone()).unwrap();
        Pages::with(&self.world, clock, artifacts).await
    }

    fn now(&self) -> Timestamp {
        self.world.bringer.clock.now()
    }

    async fn localizers_push(&self) {
        let menu = |title: &str, text: &str| Commit::new(title).author("Théo <theo@example.org>").file("browser/menu.ftl", text);
        let release = menu("Bug 1 - Strings of the release", "open = Ouvrir le fichier\ngone = Parti\n");
        let next = menu("Bug 2 - Open one file", "open = Ouvrir un fichier\nfresh = Nouveau\n");
        self.push(FR, "theo@example.org", 72, [release]).await;
        self.push(FR, "theo@example.org", 2, [next]).await;
        let lines = Commit::new("A readme").author("Jürgen <juergen@example.org>").file("README", "Hallo\n");
        self.push(DE, "juergen@example.org", 50, [lines]).await;
        let hebrew = Commit::new("תרגום חדש").author("נועה <noa@example.org>").file("browser/menu.ftl", "open = פתיחה\n");
        self.push("l10n-central/he", "noa@example.org", 49, [hebrew]).await;
    }

    async fn somebody_hostile_pushes(&self) {
        let long = "x".repeat(10_000);
        let strings =
            format!("{}={}\nlong={long}\n{long}=short\n", MARKUP.replace([' ', '=', ':', '\0'], ""), MARKUP.replace('\0', ""));
        let markup = Commit::new(MARKUP)
            .author(MARKUP.replace('\0', ""))
            .branch("<b>\u{202e}\"evil")
            .file("<b>\"\u{202e}.properties", strings);
        let endless = Commit::new(&long).author(&long).file(format!("{}.txt", "x/".repeat(100) + &"y".repeat(200)), &long);
        let raw = Commit::new(b"caf\xe9\0 \x1b[31m").author(b"\xff\xfe").file(b"caf\xe9\x01.ftl", "broken = { $x\n");
        self.push(EVIL, MARKUP.trim_end_matches('\0'), 30, [markup, raw]).await;
        self.push(EVIL, &long, 29, [endless]).await;
    }

    /// Somebody pushes so many hours ago, to a repository that is made if it is not there.
    async fn push(&self, name: &str, user: &str, hours_ago: i64, commits: impl IntoIterator<Item = Commit>) {
        let upstream = &self.world.upstream;
        if upstream.tip(name).is_none() {
            upstream.create(name).await.unwrap();
        }
        let at = self.now() - SignedDuration::from_hours(hours_ago);
        let push = upstream.push_at(name, user, at.as_second(), commits).await.unwrap();
        self.world.announce(name, &push).await;
        self.world.settle().await;
    }

    async fn tasks_compare(&self) {
        let evil = |missing| {
            let mut comparison = comparison("x-evil", EVIL_CONFIG, missing, &[]);
            comparison["artifact"] = json!("compares/evil.json");
            comparison
        };
        self.compared(1, 24 * 12, &[comparison("fr", BROWSER, 8, &[]), comparison("de", BROWSER, 1, &[]), evil(9)]).await;
        self.compared(2, 24 * 5, &[comparison("fr", BROWSER, 2, &[]), comparison("fr", TOOLKIT, 0, &[])]).await;
        let tip = |name: &str| (self.world.upstream.url_of(name), self.world.upstream.tip(name).unwrap().to_string());
        let (url, tip) = tip(FR);
        let mut newest = comparison("fr", BROWSER, 5, &[(&url, tip)]);
        newest["summary"]["errors"] = json!(2);
        self.compared(3, 1, &[newest, evil(4)]).await;
    }

    /// A task publishes comparisons with their details, so many hours ago.
    async fn compared(&self, number: u32, hours_ago: i64, comparisons: &[Value]) {
        let mut file = elmo_json("https://hg.example.org/l10n/gecko-strings", comparisons);
        file["compare-locales"] = json!("<b>9.0.5");
        let resolved = self.now() - SignedDuration::from_hours(hours_ago);
        let mut task = Task::new(number).resolved(resolved);
        for comparison in comparisons {
            let details = if comparison["locale"] == "x-evil" { evil_details() } else { DETAILS.to_owned() };
            task = task.artifact(&format!("public/{}", comparison["artifact"].as_str().unwrap()), Artifact::new(details));
        }
        let task = task.artifact("public/elmo.json", Artifact::new(file.to_string()));
        self.deployment.queue.add(task.clone());
        let outcome = self.deployment.announce(&task).await;
        assert!(matches!(outcome, Outcome::Taken(_)), "{outcome:?}");
    }

    async fn something_fails(&self) {
        self.world.deliver_body("no json").await;
        self.world
            .deliver_body(format!(r#"{{"payload": {{"type": "<script>alert(1)</script>{}", "data": {{}}}}}}"#, "x".repeat(3000)))
            .await;
        self.world.upstream.faults(DE).set(Fault::status(503));
        self.world.upstream.faults(EVIL).set(Fault::status(503));
        self.world.look_at_everything().await;
        // The clock stands still from here on, at whatever time this machine comes to it: the next try is still to come.
        self.world.execute("update repository set due_at = due_at + 600000000 where due_at is not null").await;
        let error = format!("\"><script>alert(1)</script>\u{202e}{}", "x".repeat(10_000));
        self.world.execute(format!("update repository set error = '{error}' where name = '{EVIL}'").leak()).await;
    }

    /// What the browser is told: where the site is, and what its pages are.
    async fn plan(&self, address: &str) -> Value {
        let day = self.now() - SignedDuration::from_hours(24);
        let pinned = self.world.upstream.pushes(FR)[0].tip().to_string()[..12].to_owned();
        let yesterday = day.strftime("%Y-%m-%d").to_string();
        json!({"address": address, "yesterday": yesterday, "pinned": pinned, "pages": self.list_of_pages().await})
    }

    /// Every kind of page, with what it must say; a new one needs only its line here.
    async fn list_of_pages(&self) -> Vec<Value> {
        let tip = |name: &str| self.world.upstream.tip(name).unwrap().to_string();
        let of_fr = "/dashboard/history?tree=gecko-strings/browser&locale=fr".to_owned();
        let (run, evil_run) = (self.newest_run("fr").await, self.newest_run("x-evil").await);
        let evil_tree = encoded(&self.world.store.run(evil_run).await.unwrap().unwrap().tree);
        let (first, second, third) = self.evil_changesets();
        let pages = [
            ("home", "/".to_owned(), 200, "Bug 2 - Open one file"),
            ("home, filtered", "/?q=%22%3E%3Cscript%3E%E2%80%AE&state=failing".to_owned(), 200, "No repository fits"),
            ("pushes", "/source/pushes/".to_owned(), 200, "Bug 1 - Strings of the release"),
            ("pushes of a repository", format!("/source/pushes/{FR}"), 200, "up to push 2"),
            ("pushes, filtered", "/source/pushes/?path=menu.ftl&locale=fr&desc=file".to_owned(), 200, "Only:"),
            ("pushes, filtered in vain", "/source/pushes/?desc=%22%3E%3Cscript%3E%E2%80%AE".to_owned(), 200, "No push fits"),
            ("a push", format!("/source/pushes/{FR}?push=1.2"), 200, "One push"),
            ("hostile pushes", format!("/source/pushes/{EVIL}"), 200, "<script>alert(1)</script>"),
            ("a difference", diff(FR, "null", &tip(FR)), 200, "Nouveau"),
            ("a difference of lines", diff(DE, "null", &tip(DE)), 200, "Hallo"),
            ("a hostile difference", diff(EVIL, &first, &tip(EVIL)) + "&title=%3Cb%3E%E2%80%AE", 200, "\\u{202e}"),
            ("hostile strings", diff(EVIL, "null", &first), 200, "short"),
            ("a changeset", format!("/source/changeset/{}", tip(FR)), 200, "browser/menu.ftl"),
            ("a hostile changeset", format!("/source/changeset/{first}"), 200, "\\u{202e}drow"),
            ("a changeset of bytes", format!("/source/changeset/{second}"), 200, "caf\\xe9"),
            ("an endless changeset", format!("/source/changeset/{third}"), 200, "y.txt"),
            ("the null changeset", format!("/source/changeset/{}", "0".repeat(40)), 200, "before every first changeset"),
            ("dashboard", "/dashboard/".to_owned(), 200, "2 errors, 5 missing"),
            ("dashboard, filtered", "/dashboard/?state=success&locale=fr&sort=-missing".to_owned(), 200, "nothing missing"),
            ("history", of_fr.clone(), 200, "a run; leads to its comparison"),
            ("history, highlighted", of_fr + "&of=words&hl-a-s=2026-01-01&hl-a-e=2036-01-01&hl-a-c=good", 200, "good"),
            ("a hostile history", format!("/dashboard/history?tree={evil_tree}&locale=x-evil"), 200, "x-evil"),
            ("locales over time", "/dashboard/tree-status/gecko-strings/browser".to_owned(), 200, "The best"),
            ("a hostile tree's locales over time", format!("/dashboard/tree-status/{evil_tree}"), 200, "x-evil"),
            ("a comparison", format!("/dashboard/compare?run={run}"), 200, "dialog.long"),
            ("a comparison, filtered", format!("/dashboard/compare?run={run}&show=error"), 200, "of these fit"),
            ("a hostile comparison", format!("/dashboard/compare?run={evil_run}"), 200, "<script>alert(1)</script>"),
            ("comparisons", "/runs".to_owned(), 200, "Newest runs"),
            ("locales", "/teams/".to_owned(), 200, "x-evil"),
            ("a locale", "/teams/fr".to_owned(), 200, "Bug 2 - Open one file"),
            ("a hostile locale", "/teams/x-evil".to_owned(), 200, "failing"),
            ("a tree", "/trees/gecko-strings/browser".to_owned(), 200, "Active runs"),
            ("a hostile tree", format!("/trees/{evil_tree}"), 200, "Active runs"),
            ("status", "/status".to_owned(), 200, "503"),
            ("for programs", "/api/v1/".to_owned(), 200, "OpenAPI"),
            ("nothing there", "/nowhere/%22%3E%3Cscript%3E%E2%80%AE".to_owned(), 404, "What is followed here"),
            ("no such locale", "/teams/xx".to_owned(), 404, "There is no locale of that code"),
            ("a wrong question", "/source/pushes/?from=%22%3E%3Cscript%3E%E2%80%AE".to_owned(), 400, "from"),
        ];
        pages.map(|(name, path, status, says)| json!({"name": name, "path": path, "status": status, "says": [says]})).into()
    }

    async fn newest_run(&self, locale: &str) -> i64 {
        let runs = self.world.store.newest_runs(i64::MAX, 100).await.unwrap();
        runs.iter().find(|run| run.locale.as_str() == locale).unwrap().id
    }

    /// The hostile changesets: of markup, of bytes that are no text, of ten thousand letters.
    fn evil_changesets(&self) -> (String, String, String) {
        let pushes = self.world.upstream.pushes(EVIL);
        (pushes[0].nodes[0].to_string(), pushes[0].nodes[1].to_string(), pushes[1].tip().to_string())
    }
}

fn diff(name: &str, from: &str, to: &str) -> String {
    format!("/source/diff/?repo={name}&from={from}&to={to}")
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._".contains(byte);
    path.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The details of a comparison of files and strings with names that nobody would give them.
fn evil_details() -> String {
    let markup = MARKUP.replace('\0', "");
    let entries =
        json!([{"error": &markup}, {"warning": "x".repeat(10_000)}, {"missingEntity": &markup}, {"obsoleteEntity": "a\u{0}b"}]);
    json!({"details": {"x-evil": {format!("{markup}/{}.ftl", "x".repeat(300)): entries}}}).to_string()
}
