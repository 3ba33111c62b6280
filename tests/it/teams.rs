//! Everything of one locale.

use crate::support::{Deployment, Pages, World, comparison};

const BROWSER: &str = "_configs/browser.toml";

#[tokio::test]
async fn a_locale_has_trees_repositories_and_pushes() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    deployment.compared(1, 1, &[comparison("fr", BROWSER, 4, &[]), comparison("ja", BROWSER, 0, &[])]).await;
    let pages = Pages::of(&world).await;
    let push = world.push(&name, "Menus of the next version").await;
    world.announce(&name, &push).await;
    world.settle().await;

    let page = pages.shown("/teams/fr").await;

    for part in [
        "<title>fr · Elmo</title>",
        "<a href=\"/trees/gecko-strings/browser\">",
        "4 missing",
        "locale=fr\" aria-label=\"history of gecko-strings/browser fr\"",
        "<a href=\"/source/pushes/l10n-central/fr\">l10n-central/fr</a>",
        "Menus of the next version",
    ] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    let document = pages.json("/teams/fr").await;
    assert_eq!((&document["places"][0]["missing"], &document["pushes"][0]["push_id"]), (&4.into(), &2.into()));
    assert!(pages.shown("/teams/ja").await.contains("No repository of this locale is followed"));
    for unknown in ["/teams/xx", "/teams/%3Cb%3E", "/teams/e"] {
        let page = pages.get(unknown).await;
        assert_eq!(page.status, 404, "{unknown}");
        assert!(page.body.contains("There is no locale of that code"), "{}", page.body);
    }
}

#[tokio::test]
async fn locales_are_listed_with_their_states() {
    let (world, _) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let pages = Pages::of(&world).await;
    assert!(pages.shown("/teams/").await.contains("not compared yet"), "fr has only a repository");

    deployment.compared(1, 1, &[comparison("fr", BROWSER, 4, &[]), comparison("ja", BROWSER, 0, &[])]).await;

    let page = pages.shown("/teams/").await;
    assert!(page.contains("<a href=\"/teams/fr\">fr</a> <span class=\"state failure\">1 failure</span>"), "{page}");
    assert!(page.contains("<a href=\"/teams/ja\">ja</a> <span class=\"state success\">1 success</span>"), "{page}");
    let table = pages.shown("/teams/?format=csv").await;
    assert_eq!(table, "locale,name,repositories,failure,warnings,success\r\nfr,,1,1,0,0\r\nja,,0,0,0,1\r\n");
}

#[tokio::test]
async fn forks_of_a_locale_are_shown_with_their_origins() {
    let (world, name) = World::with_repository("fr").await;
    world.follow_forest("releases", Some("l10n-central")).await;
    world.upstream.create("releases/fr").await.unwrap();
    let push =
        world.upstream.push_from(&name, &[world.upstream.tip(&name).unwrap()], "releases/fr", "flod@example.org").await.unwrap();
    world.announce("releases/fr", &push).await;
    world.settle().await;

    let page = Pages::of(&world).await.shown("/teams/fr").await;

    assert!(page.contains("fork of <a href=\"/source/pushes/l10n-central/fr\">"), "{page}");
    assert!(page.contains("id=\"push-1-1\"") && page.matches("<article class=\"push\"").count() == 2, "{page}");
}
