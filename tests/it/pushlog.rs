//! The pushlog as a query, by what its pages say.

use crate::support::{Commit, Pages, World};
use elmo::domain::{Changeset, HgDate, Push, Repository, Revision};
use elmo::store::Recording;
use reqwest::StatusCode;
use serde_json::Value;

const FR: &str = "l10n-central/fr";
const DE: &str = "l10n-central/de";
const BETA: &str = "releases/l10n/mozilla-beta/fr";
/// 2024-05-31, noon.
const NOON: i64 = 1_717_156_800;
const DAY: i64 = 86_400;

/// Three repositories with pushes on three days: fr's on the first (1) and the last (3, of three changesets), de's on the second.
async fn three_days() -> (World, Pages) {
    let world = World::with_forest().await;
    world.follow_forest("releases/l10n/mozilla-beta", None).await;
    for name in [FR, DE, BETA] {
        world.upstream.create(name).await.unwrap();
    }
    world.deliver(world.message_newrepo(BETA)).await;
    let day = |number: i64| NOON + number * DAY;
    let menu = Commit::new("Bug 1 - Menu 100%").author("Théo <theo@example.org>").file("browser/menu.ftl", "a = 1\n");
    take(&world, FR, "flod@example.org", day(0), [menu]).await;
    let mail = Commit::new("Bug 2 - Mail").file("mail/Mail_1.ftl", "a = 1\n");
    take(&world, DE, "pike@example.org", day(1), [mail]).await;
    let three = [
        Commit::new("Bug 3 - Menu\n\nand more").file("browser/menu.ftl", "a = 2\n"),
        Commit::new("Bug 4 - Toolkit").author("Delphine").file("toolkit/about.ftl", "a = 1\n").file("browser/x.dtd", "x"),
        Commit::new("Bug 5 - On a branch").branch("relbranch").file("toolkit/help.ftl", "a = 1\n"),
    ];
    take(&world, FR, "flod@example.org", day(2), three).await;
    let pages = Pages::of(&world).await;
    (world, pages)
}

async fn take(world: &World, name: &str, user: &str, date: i64, commits: impl IntoIterator<Item = Commit>) {
    let push = world.upstream.push_at(name, user, date, commits).await.unwrap();
    world.announce(name, &push).await;
    world.settle().await;
}

/// The pushes that a page shows, as `fr 2`.
async fn shown(pages: &Pages, address: &str) -> Vec<String> {
    names(&pages.json(address).await)
}

fn names(page: &Value) -> Vec<String> {
    let name = |push: &Value| format!("{} {}", push["repository"].as_str().unwrap().rsplit('/').next().unwrap(), push["push_id"]);
    page["pushes"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn each_parameter_asks_for_what_it_says() {
    let (_world, pages) = three_days().await;

    for (query, expected) in [
        ("", &["fr 2", "de 1", "fr 1"][..]),
        ("repo=DE", &["de 1"]),
        ("repo=/de&repo=central/fr", &["fr 2", "de 1", "fr 1"]),
        ("repo=mozilla-beta", &[]),
        ("exclude=l10n-central/fr", &["de 1"]),
        ("exclude=fr", &["fr 2", "de 1", "fr 1"]),
        ("locale=fr", &["fr 2", "fr 1"]),
        ("locale=f", &[]),
        ("path=MENU.ftl", &["fr 2", "fr 1"]),
        ("path=toolkit&path=.ftl", &["fr 2"]),
        ("path=browser&path=about", &[]),
        ("path=mail_1", &["de 1"]),
        ("path=mailX1", &[]),
        ("path=%25", &[]),
        ("path=browser/&path=x.dtd&path=row&path=.d", &["fr 2"]),
        ("user=PIKE", &["de 1"]),
        ("author=delphine", &["fr 2"]),
        ("author=Th%C3%A9o", &["fr 1"]),
        ("desc=bug", &["fr 2", "de 1", "fr 1"]),
        ("desc=100%25", &["fr 1"]),
        ("desc=and+more", &["fr 2"]),
        ("branch=relbranch", &["fr 2"]),
        ("branch=rel", &[]),
        ("branch=relbranch&path=menu", &[]),
        ("author=delphine&desc=toolkit&path=about&branch=default&user=flod", &["fr 2"]),
        ("from=2024-06-01", &["fr 2", "de 1"]),
        ("until=2024-06-01", &["de 1", "fr 1"]),
        ("from=1717156800&until=1717156800", &["fr 1"]),
        ("from=2024-05-31T12:00:01Z&until=2024-06-01T12:00:00Z", &["de 1"]),
        ("from=2024-06-03&until=2024-06-01", &[]),
        ("length=1", &["fr 2"]),
        ("start=1", &["de 1", "fr 1"]),
        ("start=1&length=1", &["de 1"]),
        ("start=10000", &[]),
    ] {
        assert_eq!(shown(&pages, &format!("/source/pushes/?{query}")).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_name_or_its_beginning_chooses_repositories() {
    let (_world, pages) = three_days().await;

    for (address, expected) in [
        ("/source/pushes", &["fr 2", "de 1", "fr 1"][..]),
        ("/source/pushes/l10n-central", &["fr 2", "de 1", "fr 1"]),
        ("/source/pushes/l10n-central/", &["fr 2", "de 1", "fr 1"]),
        ("/source/pushes/l10n-central/d", &["de 1"]),
        ("/source/pushes/l10n-central/fr", &["fr 2", "fr 1"]),
        ("/source/pushes/l10n-central/fr/", &["fr 2", "fr 1"]),
        ("/source/pushes/l10n-central/fr?path=about", &["fr 2"]),
        ("/source/pushes/l10n-central/fr?repo=de", &[]),
        ("/source/pushes/l10n-central?exclude=l10n-central/de&until=2024-06-01", &["fr 1"]),
        ("/source/pushes/releases/l10n", &[]),
    ] {
        assert_eq!(shown(&pages, address).await, expected, "{address}");
    }
    let folder = pages.json("/source/pushes/l10n-central").await;
    assert_eq!(folder["repositories"].as_array().unwrap().len(), 2);
    assert!(pages.json("/source/pushes/l10n-central?path=ftl").await["repositories"].is_null());
    let unknown = pages.get("/source/pushes/l10n-centralx").await;
    assert!(unknown.status == StatusCode::NOT_FOUND && unknown.body.contains("begins with l10n-centralx"), "{}", unknown.body);
}

#[tokio::test]
async fn a_push_shows_what_fits_and_how_many_changesets_there_are_in_all() {
    let (world, pages) = three_days().await;
    let last = world.upstream.pushes(FR)[1].clone();
    let base = world.upstream.pushes(FR)[0].tip();

    let page = pages.json("/source/pushes/?path=toolkit&author=Delphine").await;
    let html = pages.shown("/source/pushes/?path=toolkit&author=Delphine").await;
    let first = pages.json("/source/pushes/?until=2024-05-31").await;

    let push = &page["pushes"][0];
    assert_eq!((&push["changesets_in_all"], &push["changesets_fitting"]), (&3.into(), &1.into()));
    assert_eq!(push["changesets"].as_array().unwrap().len(), 1);
    assert_eq!(push["changesets"][0]["revision"], last.nodes[1].to_string());
    assert!(html.contains("1 of 3 changesets") && !html.contains("Bug 5"), "{html}");
    let diff = format!("/source/diff/?repo=l10n-central%2Ffr&from={base}&to={}", last.tip());
    assert_eq!(push["diff"], diff, "it is the diff of the whole push");
    assert!(html.contains(&diff.replace('&', "&#38;")), "{html}");
    let null = "0".repeat(40);
    assert!(first["pushes"][0]["diff"].as_str().unwrap().contains(&format!("from={null}")), "{first}");
}

#[tokio::test]
async fn a_push_alone_shows_all_of_it() {
    let (world, pages) = three_days().await;
    let many = (0..30).map(|number| Commit::new(format!("Number {number}.")).file("n.ftl", format!("n = {number}\n")));
    take(&world, DE, "pike@example.org", NOON + 3 * DAY, many).await;

    let list = pages.shown("/source/pushes/l10n-central/de").await;
    let alone = pages.shown("/source/pushes/l10n-central/de?push=1.2").await;

    assert!(list.contains("Number 29.") && list.contains("Number 10.") && !list.contains("Number 9."), "{list}");
    assert!(list.contains("and 10 more: <a href=\"/source/pushes/l10n-central/de?push=1.2\">"), "{list}");
    assert!(alone.contains("Number 0.") && alone.contains("Number 29.") && !alone.contains("Bug 2"), "{alone}");
    assert_eq!(shown(&pages, "/source/pushes/l10n-central/de?push=1").await, ["de 1"]);
    assert_eq!(pages.get("/source/pushes/l10n-central/de?push=7").await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages.get("/source/pushes/l10n-central/de?push=2.1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages.get("/source/pushes/?push=1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(pages.get("/source/pushes/l10n-central?push=1").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn older_and_newer_lead_through_all_pushes_while_others_arrive() {
    let (world, pages) = three_days().await;
    // Two in the same second, so that times alone do not tell them apart.
    take(&world, DE, "pike@example.org", NOON + 2 * DAY, [Commit::new("same second").file("s.ftl", "s")]).await;

    let first = pages.json("/source/pushes/?length=2").await;
    let older = first["older"].as_str().unwrap().to_owned();
    let second = pages.json(&older).await;
    take(&world, FR, "flod@example.org", NOON + 4 * DAY, [Commit::new("newest").file("n.ftl", "n")]).await;
    let second_again = pages.json(&older).await;
    let back = pages.json(second["newer"].as_str().unwrap()).await;
    let top = pages.json(back["newer"].as_str().unwrap()).await;
    let down = pages.json(top["older"].as_str().unwrap()).await;

    assert_eq!(names(&first), ["de 2", "fr 2"]);
    assert_eq!((names(&second), names(&second_again)), (vec!["de 1".to_owned(), "fr 1".into()], names(&second)));
    assert!(second["older"].is_null() && first["newer"].is_null());
    assert_eq!(names(&back), ["de 2", "fr 2"], "the page nearest to where one was");
    assert_eq!(names(&top), ["fr 3"]);
    assert!(top["newer"].is_null());
    assert_eq!(names(&down), ["de 2", "fr 2"]);
    let nothing = pages.shown("/source/pushes/?after=9999999999.1").await;
    assert!(nothing.contains("There is nothing newer yet") && nothing.contains("rel=\"next\""), "{nothing}");
    let nothing = pages.shown("/source/pushes/?before=1.1&path=a").await;
    assert!(nothing.contains("There is nothing older that fits") && nothing.contains("rel=\"prev\""), "{nothing}");
}

#[tokio::test]
async fn filters_stay_on_the_way_to_older_and_newer_pushes() {
    let (_world, pages) = three_days().await;

    for query in ["path=ftl", "desc=Bug", "user=example.org", "repo=central", "from=2024-05-31&until=2024-06-30"] {
        let mut address = Some(format!("/source/pushes/?{query}&length=1"));
        let (mut down, mut seen) = (Vec::new(), Vec::new());
        while let Some(at) = address {
            let page = pages.json(&at).await;
            down.extend(names(&page));
            address = page["older"].as_str().map(ToOwned::to_owned);
            seen.push(at);
        }
        let mut address = seen.pop();
        let mut up = Vec::new();
        while let Some(at) = address {
            let page = pages.json(&at).await;
            up.extend(names(&page));
            address = page["newer"].as_str().map(ToOwned::to_owned);
        }
        assert_eq!(down, ["fr 2", "de 1", "fr 1"], "{query}");
        up.reverse();
        assert_eq!(up, down, "{query}");
    }
}

#[tokio::test]
async fn a_path_that_came_later_is_found_too() {
    let (world, pages) = three_days().await;
    assert_eq!(shown(&pages, "/source/pushes/?path=new-folder").await, Vec::<String>::new());

    take(&world, DE, "pike@example.org", NOON + 3 * DAY, [Commit::new("new").file("new-folder/a.ftl", "a")]).await;

    assert_eq!(shown(&pages, "/source/pushes/?path=new-folder").await, ["de 2"]);
    take(&world, DE, "pike@example.org", NOON + 4 * DAY, [Commit::new("again").file("new-folder/a.ftl", "b")]).await;
    assert_eq!(shown(&pages, "/source/pushes/?path=new-folder").await, ["de 3", "de 2"]);
}

#[tokio::test]
async fn pushes_by_path_go_on_in_both_directions() {
    let world = World::with_forest().await;
    world.upstream.create(FR).await.unwrap();
    world.deliver(world.message_newrepo(FR)).await;
    let repository = world.repository(FR).await;
    let file = |number: usize| if number == 2 { "other.ftl" } else { "menu.ftl" };
    let changesets = (0..6).map(|number| Changeset { files: vec![file(number).into()], ..changeset(number, "a") }).collect();
    world.store.record(&recording(&repository, changesets)).await.unwrap();
    let pages = Pages::of(&world).await;
    let at = async |address: &str| pages.json(address).await;
    let way = |page: &Value, key: &str| page[key].as_str().unwrap().to_owned();

    let newest = at("/source/pushes/?path=menu&length=2").await;
    let older = at(&way(&newest, "older")).await;
    let oldest = at(&way(&older, "older")).await;
    let back = at(&way(&oldest, "newer")).await;
    let skipped = at("/source/pushes/?path=menu&length=2&start=1").await;
    let bounded = at(&format!("/source/pushes/l10n-central/fr?path=menu&from={}&until={}", NOON + 1, NOON + 3)).await;
    let elsewhere = at("/source/pushes/?path=menu&exclude=l10n-central/fr").await;

    assert_eq!([&newest, &older, &oldest].map(names).concat(), ["fr 6", "fr 5", "fr 4", "fr 2", "fr 1"]);
    assert_eq!((names(&back), oldest["older"].is_null()), (names(&older), true));
    assert_eq!([&skipped, &bounded, &elsewhere].map(names), [vec!["fr 5", "fr 4"], vec!["fr 4", "fr 2"], vec![]]);
}

#[tokio::test]
async fn what_is_to_be_read_again_is_not_found_by_its_path_until_then() {
    let (world, pages) = three_days().await;
    assert_eq!(shown(&pages, "/source/pushes/?path=menu").await, ["fr 2", "fr 1"]);

    world.store.read_pushes_again(world.repository(FR).await.id, 2).await.unwrap();

    assert_eq!(shown(&pages, "/source/pushes/?path=menu").await, ["fr 1"]);
}

#[tokio::test]
async fn repositories_are_found_by_a_part_of_their_names_in_any_case() {
    let (_world, pages) = three_days().await;
    let found = async |q: &str| {
        let page = pages.json(&format!("/?q={q}")).await;
        page["repositories"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(found("CENTRAL%2FF").await, [FR]);
    assert_eq!(found("+central+").await, [DE, FR]);
    assert_eq!(found("%25").await, [""; 0]);
    assert_eq!(found("central_").await, [""; 0]);
}

#[tokio::test]
async fn old_bookmarks_still_lead_there() {
    let (_world, pages) = three_days().await;

    let bookmark = "/source/pushes/l10n-central?repo=central/fr&path=browser/&path=.ftl&from=1717000000&until=1800000000";
    let old = pages.shown(bookmark).await;

    assert_eq!(shown(&pages, bookmark).await, ["fr 2", "fr 1"]);
    assert!(old.contains("1 of 3 changesets"), "{old}");
    assert_eq!(shown(&pages, "/source/pushes/?length=1&start=2").await, ["fr 1"]);
}

#[tokio::test]
async fn a_page_says_what_it_shows_and_how_to_see_more() {
    let (_world, pages) = three_days().await;

    let filtered = pages.shown("/source/pushes/?path=menu&locale=fr&exclude=a/b").await;
    let nothing = pages.shown("/source/pushes/?path=nowhere&locale=fr").await;
    let plain = pages.shown("/source/pushes/").await;

    assert!(filtered.contains("path contains <bdi>menu</bdi>") && filtered.contains("locale <bdi>fr</bdi>"), "{filtered}");
    assert!(filtered.contains("<details class=\"filters\" open>") && plain.contains("<details class=\"filters\">"));
    assert!(filtered.contains("name=\"path\" type=\"text\" value=\"menu\""), "{filtered}");
    assert!(
        filtered.contains("<input type=\"hidden\" name=\"exclude\" value=\"a/b\">"),
        "what the form cannot ask is carried along"
    );
    assert!(nothing.contains("No push fits") && nothing.contains("href=\"/source/pushes/?locale=fr\""), "{nothing}");
    let feed =
        "<link rel=\"alternate\" type=\"application/atom+xml\" title=\"Pushes\" href=\"/source/pushes/?exclude=a%2Fb&#38;path=menu";
    assert!(filtered.contains(feed), "{filtered}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_in_words() {
    let (_world, pages) = three_days().await;

    for (query, sentence) in [
        ("length=0", "length= can be a number from 1 to 500."),
        ("length=-1", "length= can be"),
        ("length=999999", "length= can be"),
        ("start=-5", "start= can be a number from 0 to 10000."),
        ("from=x", "from= can be seconds since 1970"),
        ("until=2024-13-01", "until= can be"),
        ("before=x", "before= can be"),
        ("after=1.1&before=1.1", "Only one of"),
        ("path=a&path=b&path=c&path=d&path=e", "path= can be given at most 4 times."),
    ] {
        let page = pages.get(&format!("/source/pushes/?{query}")).await;
        assert!(page.status == StatusCode::BAD_REQUEST && page.body.contains(sentence), "{query}: {}", page.body);
    }
    for query in [
        "path=%00",
        "desc=%ff",
        "user=%27%3B--",
        "author=%5C",
        "branch=%00",
        "repo=%25",
        "locale=%3Cb%3E",
        "desc=%F4%8F%BF%BF",
        "from=-9223372036854775808&until=9223372036854775807",
        "before=9223372036854775807.9223372036854775807",
        "after=-9223372036854775808.0",
        "after=9223372036854775807.9223372036854775807",
    ] {
        pages.shown(&format!("/source/pushes/?{query}")).await;
        pages.shown(&format!("/source/pushes/{FR}?{query}")).await;
    }
}

#[tokio::test]
async fn hostile_texts_stay_texts_in_every_format() {
    let world = World::with_forest().await;
    world.upstream.create(FR).await.unwrap();
    let evil = "=cmd()]]></content><script>alert(1)</script> & \u{202e}x \u{1}\u{ffff} \"q\"";
    let commit = Commit::new(evil).author(evil).branch("<i>b").file("<b>a</b>.ftl", "a");
    let push = world.upstream.push(FR, "=<i>who</i>", [commit]).await.unwrap();
    world.announce(FR, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let html = pages.shown("/source/pushes/?path=%3Cb%3E&desc=%3Cscript%3E&user=%22%3E%3Ci%3E&length=20").await;
    let found = pages.shown("/source/pushes/?path=%3Cb%3E&desc=%3Cscript%3E&branch=%3Ci%3Eb").await;
    let csv = pages.get("/source/pushes/?format=csv").await;
    let atom = pages.get("/source/pushes/?format=atom&path=%3Cb%3E").await;

    for page in [&html, &found] {
        assert!(!page.contains("<script>") && !page.contains("<i>") && !page.contains("<b>"), "{page}");
    }
    assert!(found.contains("&#60;script&#62;alert(1)"), "{found}");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(csv.body.starts_with("repository,push_id,date,user,changesets,tip,description\r\n"), "{}", csv.body);
    assert!(csv.body.contains(",'=<i>who</i>,1,") && csv.body.contains("\"'=cmd()]]>"), "{}", csv.body);
    assert_eq!(atom.header("content-type"), "application/atom+xml; charset=utf-8");
    let entries = read_feed(&atom.body);
    assert_eq!(entries.len(), 1);
    assert!(entries[0].contains("&#60;script&#62;") && !entries[0].contains('\u{ffff}'), "{}", atom.body);
}

/// Nobody's page may grow with what somebody else writes.
const LONGEST_PAGE: usize = 1_000_000;

#[tokio::test]
async fn pages_stay_short_whatever_is_pushed() {
    let world = World::with_forest().await;
    world.upstream.create(FR).await.unwrap();
    let long = |length: usize| "<\"&".repeat(length / 3);
    let folder = |number: usize| format!("{number:04}/{}", "<&".repeat(60));
    let files =
        (0..4000).fold(Commit::new(long(2_000_000)).author(long(100_000)), |commit, number| commit.file(folder(number), "a"));
    let many = (0..300).map(|_| Commit::new(long(3000)).author(long(3000)).branch("<".repeat(200)).file("a.ftl", "a"));
    let push = world.upstream.push(FR, &long(30_000), std::iter::once(files).chain(many)).await.unwrap();
    world.announce(FR, &push).await;
    world.settle().await;
    let pages = Pages::of(&world).await;

    let changeset = format!("/source/changeset/{}", push.nodes[0]);
    let alone = format!("/source/pushes/{FR}?push=1");
    for address in ["/", "/source/pushes/", "/source/pushes/?length=500", "/teams/fr", "/status", &alone, &changeset] {
        let length = pages.shown(address).await.len();
        assert!(length < LONGEST_PAGE, "{address}: {length}");
    }

    let whole = pages.json(&changeset).await;
    let shown = pages.shown(&changeset).await;
    assert_eq!((whole["files"].as_array().unwrap().len(), whole["description"].as_str().unwrap().len()), (4000, 1_999_998));
    assert!(shown.contains("more do not fit on a page") && shown.contains("The rest does not fit on a page"));
}

#[tokio::test]
async fn a_search_that_reads_pushes_says_how_far_it_looked_and_goes_on_from_there() {
    let world = World::with_forest().await;
    world.upstream.create(FR).await.unwrap();
    let author = |number: usize| if number == 0 { "the first" } else { "somebody" };
    let pushes = 800;
    let changesets = (0..pushes).map(|number| changeset(number, author(number))).collect::<Vec<_>>();
    world.deliver(world.message_newrepo(FR)).await;
    let repository = world.repository(FR).await;
    world.store.record(&recording(&repository, changesets)).await.unwrap();
    let pages = Pages::of(&world).await;

    let page = pages.json("/source/pushes/?author=the+first").await;
    let shown = pages.shown("/source/pushes/?author=the+first").await;
    let further = names(&pages.json(page["older"].as_str().unwrap()).await);

    assert_eq!(names(&page), [""; 0]);
    assert!(page["looked_until"].is_object() || page["looked_until"].is_string(), "{page}");
    assert!(shown.contains("look further back"), "{shown}");
    assert_eq!(further, ["fr 1"]);
}

fn changeset(number: usize, author: &str) -> Changeset {
    let mut bytes = [1; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Changeset {
        revision: Revision::from_bytes(bytes),
        parents: Vec::new(),
        author: author.into(),
        description: "a".into(),
        branch: "default".into(),
        closes_branch: false,
        date: HgDate { seconds: NOON, offset: 0 },
        files: Vec::new(),
    }
}

/// A push for each changeset.
fn recording(repository: &Repository, changesets: Vec<Changeset>) -> Recording {
    let push = |(number, changeset): (usize, &Changeset)| Push {
        id: number as u64 + 1,
        user: "a@example.org".into(),
        date: NOON + number as i64,
        changesets: vec![changeset.revision],
        obsolete: Vec::new(),
        twins: Vec::new(),
    };
    let pushes = changesets.iter().enumerate().map(push).collect();
    Recording {
        repository: repository.id,
        generation: repository.generation,
        changesets,
        held: Vec::new(),
        pushes,
        locale_rules: None,
    }
}

#[tokio::test]
async fn a_feed_names_each_push_for_ever() {
    let (world, pages) = three_days().await;

    let feed = pages.shown("/source/pushes/l10n-central/fr?format=atom").await;

    let entries = read_feed(&feed);
    assert_eq!(entries.len(), 2);
    let url = world.upstream.url_of(FR);
    assert!(entries[0].contains(&format!("<id>{url}#push-1-2</id>")), "{feed}");
    assert!(entries[0].contains("<title>l10n-central/fr push 2: Bug 5 - On a branch</title>"), "{feed}");
    assert!(entries[0].contains("Bug 3 - Menu") && entries[0].contains("<updated>2024-06-02T12:00:00Z</updated>"), "{feed}");
    assert!(feed.contains("<title>Pushes to l10n-central/fr</title>"), "{feed}");
    let empty = pages.shown("/source/pushes/?format=atom&path=nowhere").await;
    assert_eq!(read_feed(&empty).len(), 0);
}

/// The entries of a feed whose elements are all closed in their order.
fn read_feed(feed: &str) -> Vec<&str> {
    let mut open = Vec::new();
    for (at, _) in feed.match_indices('<') {
        let tag = feed[at + 1..].split('>').next().unwrap();
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{feed}"),
            None if tag.starts_with('?') || tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty() && !feed.chars().any(|c| c.is_control() && c != '\n'), "{feed}");
    let entries = feed.split("<entry>").skip(1);
    entries.map(|entry| entry.split("</entry>").next().unwrap()).collect()
}
