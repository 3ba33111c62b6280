//! The pages of comparisons, whose details are fetched when somebody looks.

use crate::support::{Deployment, Pages, World, comparison, elmo_json, queue_settings};
use elmo::domain::Clock;
use elmo::fetch::{Artifacts, Queue};
use elmo_queue::{Artifact, Fault, Place, Task};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const FR: &str = include_str!("../taskcluster/small/compares/browser.fr.json");
const BROWSER: &str = "_configs/browser.toml";

/// A web server over the world's database.
struct Site {
    pages: Pages,
    ahead: Arc<AtomicI64>,
}

impl Site {
    /// One that keeps artifacts in this folder within a budget of so many bytes.
    async fn new(world: &World, deployment: &Deployment, cache: &str, budget: u64) -> Site {
        let ahead = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&ahead);
        let clock = Clock::that_says(move || Timestamp::now() + SignedDuration::from_secs(seconds.load(Ordering::SeqCst)));
        let queue = Queue::new(deployment.root(), None, queue_settings(), clock.clone()).unwrap();
        let place = world.folder().join(cache).display().to_string();
        let artifacts = Artifacts::open(&place, budget, vec![queue], clock.clone()).unwrap();
        let pages = Pages::with(world, clock, artifacts).await;
        Site { pages, ahead }
    }

    async fn ask(&self, path: &str) -> (u16, String) {
        let page = self.pages.get(path).await;
        (page.status.as_u16(), page.body)
    }

    async fn page(&self, path: &str) -> String {
        self.pages.shown(path).await
    }

    fn later(&self, by: Duration) {
        self.ahead.fetch_add(i64::try_from(by.as_secs()).unwrap(), Ordering::SeqCst);
    }
}

/// A recorded comparison of `fr` with these details; gives the address of its page.
async fn recorded(world: &World, deployment: &Deployment, number: u32, details: Artifact) -> String {
    let revisions = [("/l10n-central/fr/", "2".repeat(40))];
    let file = elmo_json("https://hg.example.org/l10n/gecko-strings", &[comparison("fr", BROWSER, 15, &revisions)]);
    let task = Task::new(number)
        .artifact("public/elmo.json", Artifact::new(file.to_string()))
        .artifact("public/compares/browser.fr.json", details);
    deployment.queue.add(task.clone());
    deployment.announce(&task).await;
    let run = world.store.newest_runs(i64::MAX, 1).await.unwrap()[0].id;
    format!("/dashboard/compare?run={run}")
}

async fn with_details(details: &str) -> (World, Deployment, Site, String) {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    let page = recorded(&world, &deployment, 1, Artifact::new(details)).await;
    let site = Site::new(&world, &deployment, "artifacts", 1 << 30).await;
    (world, deployment, site, page)
}

/// How often bytes were asked for; `elmo.json` of each result not counted.
fn fetched(deployment: &Deployment) -> usize {
    deployment.queue.asked().iter().filter(|asked| asked.place == Place::Bytes && asked.path.contains("compares")).count()
}

#[tokio::test]
async fn a_comparison_shows_counts_revisions_and_what_is_wrong() {
    let (_world, deployment, site, page) = with_details(FR).await;

    let text = site.page(&page).await;

    for part in [
        "Comparison for <a href=\"/trees/gecko-strings/browser\">gecko-strings/browser</a>-fr",
        "<strong>54 %</strong> changed",
        &format!("href=\"{}/tasks/{}/runs/0\"", deployment.queue.root(), elmo_queue::task_id(1)),
        "https://hg.example.org/l10n-central/fr",
        "not seen yet",
        "<a href=\"#issue1\">jump to the first</a>",
        "id=\"issue1\"",
        "href=\"#issue2\" aria-label=\"next\"",
        "dialog.long",
        "missing file",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("<script>alert"), "a localizer's text is text");
    assert!(!text.contains("style="), "the server's own policy forbids it");
}

#[tokio::test]
async fn filters_leave_what_fits() {
    let (_world, _deployment, site, page) = with_details(FR).await;

    let errors = site.page(&format!("{page}&show=error")).await;
    let text = site.page(&format!("{page}&q=MISSING-REF")).await;
    let file = site.page(&format!("{page}&q=dialog.dtd&show=missing")).await;

    assert!(errors.contains("9 of these fit") && !errors.contains("dialog.long"), "{errors}");
    assert!(text.contains("1 of these fits") && text.contains("missing-ref"), "{text}");
    assert!(file.contains("1 of these fits") && file.contains("dialog.long"), "{file}");
    assert_eq!(site.ask(&format!("{page}&show=everything")).await.0, 400);
    let table = site.page(&format!("{page}&q=dialog.dtd&show=missing&format=csv")).await;
    assert_eq!(table, "file,class,entry\r\nbrowser/browser/dialog.dtd,missing,dialog.long\r\n");
    assert_eq!(site.ask("/dashboard/compare").await.0, 400);
    assert_eq!(site.ask("/dashboard/compare?run=99").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_visitors_at_once_make_one_request_and_later_ones_none() {
    let (_world, deployment, site, page) = with_details(FR).await;
    deployment.queue.break_at(Place::Bytes, Fault::Slow(Duration::from_millis(300)), None);
    let site = Arc::new(site);
    let visits: Vec<_> = (0..100)
        .map(|_| {
            let (site, page) = (Arc::clone(&site), page.clone());
            tokio::spawn(async move { site.page(&page).await })
        })
        .collect();
    for visit in visits {
        assert!(visit.await.unwrap().contains("dialog.long"));
    }
    assert_eq!(fetched(&deployment), 1);

    site.page(&page).await;

    assert_eq!(fetched(&deployment), 1);
    let (status, document) = site.ask(&format!("{page}&format=json")).await;
    let (document, published): (Value, Value) = (serde_json::from_str(&document).unwrap(), serde_json::from_str(FR).unwrap());
    assert_eq!((status, document), (200, published));
}

#[tokio::test]
async fn two_web_servers_share_a_cache() {
    let (world, deployment, site, page) = with_details(FR).await;
    let other = Site::new(&world, &deployment, "artifacts", 1 << 30).await;

    let (one, two) = (site.page(&page).await, other.page(&page).await);

    assert!(one.contains("dialog.long") && two.contains("dialog.long"));
    assert_eq!(fetched(&deployment), 1);
}

#[tokio::test]
async fn an_expired_artifact_is_said_to_be_gone_and_the_counts_stay() {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    let site = Site::new(&world, &deployment, "artifacts", 1 << 30).await;
    let expired = Artifact::new(FR).expires(Timestamp::now() - SignedDuration::from_hours(1));
    let (expired, forgotten) =
        (recorded(&world, &deployment, 1, expired).await, recorded(&world, &deployment, 2, Artifact::new(FR)).await);
    let refused = recorded(&world, &deployment, 3, Artifact::new(FR)).await;
    deployment.queue.forget(&elmo_queue::task_id(2));

    for page in [expired.as_str(), &forgotten] {
        let text = site.page(page).await;
        assert!(text.contains("no longer available, since") && text.contains("54 %"), "{text}");
    }
    deployment.queue.break_at(Place::Bytes, Fault::Status(403), None);
    assert!(site.page(&refused).await.contains("no longer available, since"));
    assert_eq!(site.ask(&format!("{expired}&format=json")).await.0, 410);
    let asked = deployment.queue.asked().len();
    site.page(&expired).await;
    assert_eq!(deployment.queue.asked().len(), asked, "what is gone is not asked for again and again");
    deployment.queue.heal();
    site.later(Duration::from_secs(25 * 3600));
    assert!(site.page(&refused).await.contains("dialog.long"), "after a day it is");
}

#[tokio::test]
async fn a_failing_queue_is_said_with_the_next_try() {
    let (_world, deployment, site, page) = with_details(FR).await;
    deployment.queue.break_at(Place::Artifact, Fault::Status(503), None);

    let text = site.page(&page).await;

    assert!(text.contains("could not be fetched. The next try is") && text.contains("54 %"), "{text}");
    let asked = deployment.queue.asked().len();
    site.page(&page).await;
    assert_eq!(deployment.queue.asked().len(), asked, "not before its time");
    deployment.queue.heal();
    site.later(Duration::from_secs(11));
    assert!(site.page(&page).await.contains("dialog.long"));
}

#[tokio::test]
async fn what_is_no_json_is_not_kept() {
    let (_world, _deployment, site, page) = with_details("<html>").await;
    assert!(site.page(&page).await.contains("could not be fetched"));
}

#[tokio::test]
async fn what_was_evicted_is_fetched_again() {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    let site = Site::new(&world, &deployment, "artifacts", 1500).await;
    let first = recorded(&world, &deployment, 1, Artifact::new(FR)).await;
    site.page(&first).await;
    site.page(&first).await;
    assert_eq!(fetched(&deployment), 1);

    for number in 2..=4 {
        let page = recorded(&world, &deployment, number, Artifact::new(FR)).await;
        site.later(Duration::from_secs(60));
        site.page(&page).await;
    }

    assert_eq!(fetched(&deployment), 4);
    assert!(site.page(&first).await.contains("dialog.long"));
    assert_eq!(fetched(&deployment), 5);
}

#[tokio::test]
async fn a_large_comparison_opens() {
    let entries: Vec<Value> = (0..15).map(|number| json!({"missingEntity": format!("key-{number}")})).collect();
    let files: serde_json::Map<String, Value> =
        (0..1000).map(|number| (format!("{}/file-{number}.ftl", number % 40), json!(entries))).collect();
    let document = json!({"details": {"fr": files}}).to_string();
    let (_world, _deployment, site, page) = with_details(&document).await;

    let text = site.page(&page).await;

    assert_eq!(text.matches("class=\"missing\"").count(), 15_000 + 1, "one of them is the bar");
}

#[tokio::test]
async fn runs_and_trees_are_listed_with_the_active_ones() {
    let (_world, _deployment, site, _page) = with_details(FR).await;

    let (runs, tree) = (site.page("/runs").await, site.page("/trees/gecko-strings/browser").await);

    for text in [&runs, &tree] {
        assert!(text.contains("gecko-strings/browser fr</a> <span class=\"mark\">active</span>"), "{text}");
    }
    let json: Value = serde_json::from_str(&site.page("/trees/gecko-strings/browser?format=json").await).unwrap();
    assert_eq!(json["active"][0]["completion"], 54);
    for page in ["/runs", "/trees/gecko-strings/browser"] {
        let table = site.page(&format!("{page}?format=csv")).await;
        let rows: Vec<&str> = table.lines().collect();
        assert!(rows[0].starts_with("id,tree,locale,active,completion,errors,"), "{table}");
        assert!(rows[1].contains(",gecko-strings/browser,fr,true,54,") && rows.len() == 2, "{table}");
    }
    assert_eq!(site.ask("/trees/nowhere").await.0, 404);
    let schema: Value = serde_json::from_str(&site.page("/schema/elmo-1.json").await).unwrap();
    assert_eq!(schema["title"], "elmo.json, version 1");
    let used: Value = serde_json::from_str(&site.page("/api/v1/compare-locales").await).unwrap();
    assert_eq!(used["version"], "9.0.5");
}
