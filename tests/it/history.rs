//! How trees and locales came along over time, as charts and tables show it.

use crate::support::{Deployment, Pages, World, comparison};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Value;

const BROWSER: &str = "_configs/browser.toml";
const FR: &str = "/dashboard/history?tree=gecko-strings/browser&locale=fr";
const TREE: &str = "/dashboard/tree-status/gecko-strings/browser";

/// `fr` was compared 40, 10 and 2 days ago, `de` 10 days ago.
async fn with_results() -> (World, Deployment, Pages) {
    let world = World::new().await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 24 * 40, &[comparison("fr", BROWSER, 12, &[])]).await;
    deployment.compared(2, 24 * 10, &[comparison("fr", BROWSER, 5, &[]), comparison("de", BROWSER, 0, &[])]).await;
    deployment.compared(3, 24 * 2, &[comparison("fr", BROWSER, 0, &[])]).await;
    let pages = Pages::of(&world).await;
    (world, deployment, pages)
}

fn days_ago(days: i64) -> String {
    (Timestamp::now() - SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string()
}

async fn missing(pages: &Pages, path: &str) -> Vec<i64> {
    let document = pages.json(path).await;
    document["runs"].as_array().unwrap().iter().map(|run| run["missing"].as_i64().unwrap()).collect()
}

/// The runs that circles of a chart lead to.
fn circles(page: &str) -> Vec<&str> {
    let links = page.split("<a href=\"/dashboard/compare?run=").skip(1);
    links.filter_map(|rest| rest.split_once("\"><title>").map(|(run, _)| run)).filter(|run| run.len() < 9).collect()
}

#[tokio::test]
async fn a_history_is_a_chart_and_a_table() {
    let (_world, _deployment, pages) = with_results().await;

    let page = pages.shown(FR).await;

    assert_eq!(circles(&page).len(), 2, "the third is older, and gives the left edge:\n{page}");
    for part in [
        "<title>History of gecko-strings/browser fr · Elmo</title>",
        "aria-label=\"strings of gecko-strings/browser for fr over time\"",
        "class=\"series missing\"",
        "class=\"series obsolete\"",
        "class=\"series unchanged\"",
        "5 missing, 0 obsolete, 10 unchanged</title>",
        "<td>12</td>",
        "aria-current=\"page\">History",
    ] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    assert!(page.contains("class=\"line\" d=\"M60 "), "from the left edge: {page}");
    assert!(!page.contains("style="), "the server's own policy forbids it");
    assert_eq!(missing(&pages, FR).await, [0, 5, 12]);
    let table = pages.shown(&format!("{FR}&format=csv")).await;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("run,srctime,missing,obsolete,unchanged,missing_w,"), "{table}");
}

#[tokio::test]
async fn a_range_is_dates_and_other_ranges_are_links() {
    let (_world, _deployment, pages) = with_results().await;
    let range = |from: i64, until: i64| format!("{FR}&starttime={}&endtime={}", days_ago(from), days_ago(until));

    assert_eq!(missing(&pages, &range(60, 20)).await, [12]);
    assert_eq!(missing(&pages, &range(30, 5)).await, [5, 12]);
    assert_eq!(missing(&pages, &range(100, 90)).await, [0; 0]);
    assert_eq!(missing(&pages, &format!("{FR}&starttime=2001-01-01T00:00:00Z")).await, [0, 5, 12]);

    let page = pages.shown(&range(30, 10)).await;
    let earlier = format!("starttime={}&#38;endtime={}\">earlier", days_ago(50), days_ago(30));
    assert!(page.contains(&earlier), "{earlier} is not in {page}");
    for word in ["later", "wider", "narrower", "everything"] {
        assert!(page.contains(&format!("\">{word}</a>")), "{word}");
    }
    let empty = pages.shown(&range(100, 90)).await;
    assert!(empty.contains("There is no run up to the end of this time"), "{empty}");
    for wrong in ["starttime=yesterday", "endtime=2026-02-30", "starttime=2026-02-02&endtime=2026-02-01", "of=colours"] {
        let page = pages.get(&format!("{FR}&{wrong}")).await;
        assert_eq!(page.status, 400, "{wrong}");
    }
    assert!(pages.get(&format!("{FR}&starttime=x")).await.body.contains("The starttime must be a date"));
}

#[tokio::test]
async fn another_time_is_chosen_on_an_overview_of_the_whole_life() {
    let (_world, _deployment, pages) = with_results().await;
    let this = Offset::UTC.to_datetime(Timestamp::now()).date().first_of_month();
    let month = |until: i64| this.saturating_add(until.months());
    let this_month = format!("starttime={}&endtime={}", month(0), month(1));

    let page = pages.shown(&format!("{FR}&of=words")).await;
    let everything = pages.shown(&format!("{FR}&of=words&starttime=2001-01-01")).await;
    let chosen = pages.shown(&format!("{FR}&{this_month}")).await;
    let long_ago = pages.shown(&format!("{FR}&starttime={}&endtime={}", days_ago(100), days_ago(90))).await;

    let (_, strip) = page.split_once("<svg class=\"chart overview\"").unwrap();
    assert!(strip.starts_with(" viewBox") && strip.contains(&format!("missing words from {} until", days_ago(40))), "{page}");
    let line = strip.split_once("class=\"line\" d=\"").unwrap().1.split_once('"').unwrap().0;
    assert_eq!(line.matches('V').count(), 2, "of all three runs, though the chart has two: {line}");
    let (_, strip_of_all) = everything.split_once("<svg class=\"chart overview\"").unwrap();
    assert!(strip_of_all.contains(&format!("class=\"line\" d=\"{line}\"")), "the same where all of it is shown: {strip_of_all}");
    assert_eq!(strip.matches("class=\"frame\"").count(), 1, "{strip}");
    let link = format!("locale=fr&{this_month}&of=words").replace('&', "&#38;");
    assert!(strip.contains(&format!("{link}\"><title>{}</title>", month(0).strftime("%b %Y"))), "{link} is not in {strip}");
    assert!(chosen.contains("\" aria-current=\"true\"><title>"), "what is chosen is marked: {chosen}");
    assert!(!long_ago.contains("class=\"frame\""), "it was not yet: {long_ago}");
}

#[tokio::test]
async fn words_are_counted_too() {
    let (_world, _deployment, pages) = with_results().await;
    for address in [format!("{FR}&of=words"), format!("{FR}&words=1")] {
        let page = pages.shown(&address).await;
        assert!(page.contains("10 missing, 20 unchanged</title>") && page.contains("missing words"), "{page}");
        assert!(page.contains("\">strings</a>"), "a link leads back: {page}");
    }
}

#[tokio::test]
async fn spans_are_highlighted_and_what_is_incomplete_is_noted() {
    let (_world, _deployment, pages) = with_results().await;
    let whole = format!("{FR}&hl-0-s={}&hl-0-e={}&hl-0-c=good", days_ago(9), days_ago(4));

    let page = pages.shown(&whole).await;
    let partly = pages.shown(&format!("{whole}&hl-1-s={}&hl-2-c=%22%3E%3Cscript%3E", days_ago(3))).await;

    assert!(page.contains("class=\"band good\"") && !page.contains("A highlight needs"), "{page}");
    assert!(page.contains("&#38;hl-0-c=good\">wider"), "it stays where one looks next: {page}");
    assert!(partly.contains("class=\"band good\"") && partly.contains("A highlight needs"), "{partly}");
    assert!(!partly.contains("<script>"), "{partly}");
}

#[tokio::test]
async fn what_was_never_compared_has_no_history() {
    let (_world, _deployment, pages) = with_results().await;
    for other in ["tree=gecko-strings/browser&locale=ja", "tree=nowhere&locale=fr", "tree=gecko-strings/browser&locale=%3Cb%3E"] {
        let page = pages.get(&format!("/dashboard/history?{other}")).await;
        assert_eq!(page.status, 404, "{other}");
        assert!(page.body.contains("was never compared for the tree") && !page.body.contains("<b>"), "{}", page.body);
    }
    assert_eq!(pages.get("/dashboard/history?tree=gecko-strings/browser").await.status, 400);
}

#[tokio::test]
async fn of_several_runs_of_one_source_the_last_one_counts() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let pages = Pages::of(&world).await;
    let tip = world.pushes(&name).await[0].changesets[0].revision.to_string();
    let url = world.upstream.url_of(&name);
    let revisions = [(url.as_str(), tip)];
    deployment.compared(1, 1, &[comparison("fr", BROWSER, 3, &revisions)]).await;
    deployment.compared(2, 3, &[comparison("fr", BROWSER, 8, &revisions)]).await;

    let page = pages.shown(FR).await;

    assert_eq!(missing(&pages, FR).await, [3, 8], "though the other came last");
    assert_eq!(circles(&page).len(), 1, "{page}");
    assert!(page.contains(": 3 missing, 0 obsolete"), "{page}");
    let days = pages.json(&format!("{TREE}?bound=3")).await;
    assert_eq!((&days["days"][0]["good"], &days["days"][0]["bad"]), (&Value::from(1), &Value::from(0)));
}

#[tokio::test]
async fn locales_of_a_tree_are_counted_over_time() {
    let (_world, _deployment, pages) = with_results().await;
    let counts = async |query: &str| {
        let document = pages.json(&format!("{TREE}?starttime={}{query}", days_ago(20))).await;
        let days = document["days"].as_array().unwrap().clone();
        days.iter().map(|day| format!("{} {} {}", day["date"].as_str().unwrap(), day["good"], day["bad"])).collect::<Vec<_>>()
    };

    let strict = [format!("{} 2 0", days_ago(2)), format!("{} 1 1", days_ago(10)), format!("{} 0 1", days_ago(20))];
    assert_eq!(counts("").await, strict);
    assert_eq!(counts("&bound=5").await, [format!("{} 2 0", days_ago(10)), format!("{} 0 1", days_ago(20))]);

    let page = pages.shown(TREE).await;
    for part in ["class=\"series good\"", "class=\"series bad\"", "hide the others", "The best 2", "<td>0</td>", "name=\"bound\""] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    let hidden = pages.shown(&format!("{TREE}?hideBad&top_locales=1")).await;
    assert!(!hidden.contains("class=\"series bad\"") && hidden.contains("The best 1"), "{hidden}");
    assert!(!pages.shown(&format!("{TREE}?top_locales=0")).await.contains("The best"));
    assert_eq!(pages.shown(&format!("{TREE}?format=csv&starttime={}", days_ago(20))).await.lines().count(), 4);
    assert_eq!(pages.get("/dashboard/tree-status/nowhere").await.status, 404);
    for wrong in ["bound=-1", "top_locales=501", "starttime=2026-13-01"] {
        assert_eq!(pages.get(&format!("{TREE}?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_later_result_is_in_the_counts_of_a_tree_at_once() {
    let (_world, deployment, pages) = with_results().await;
    assert_eq!(pages.json(TREE).await["days"][0]["good"], 2);

    deployment.compared(4, 0, &[comparison("fr", BROWSER, 9, &[]), comparison("sr", BROWSER, 9, &[])]).await;

    let newest = &pages.json(TREE).await["days"][0];
    assert_eq!((&newest["good"], &newest["bad"]), (&Value::from(1), &Value::from(2)));
}

#[tokio::test]
async fn a_comparison_says_how_it_differs_from_the_run_before() {
    let (world, deployment, pages) = with_results().await;
    deployment.compared(4, 24 * 20, &[comparison("fr", BROWSER, 7, &[])]).await;
    let runs = world.store.newest_runs(i64::MAX, 100).await.unwrap();
    let of = |missing: i64| runs.iter().find(|run| run.locale.as_str() == "fr" && run.counts.missing == missing).unwrap().id;

    let (last, second, first) = (
        pages.shown(&format!("/dashboard/compare?run={}", of(0))).await,
        pages.shown(&format!("/dashboard/compare?run={}", of(5))).await,
        pages.shown(&format!("/dashboard/compare?run={}", of(12))).await,
    );

    assert!(last.contains(&format!("href=\"/dashboard/compare?run={}\">The run before", of(5))), "{last}");
    assert!(last.contains("<td>−5</td><td>−10</td>"), "missing, and words of them: {last}");
    assert!(
        second.contains(&format!("href=\"/dashboard/compare?run={}\">The run before", of(7))),
        "by its source, not its number: {second}"
    );
    assert!(first.contains("There is none: this is the first one"), "{first}");
}
