//! One change in Mercurial and in git: the pushlog says which commit a changeset is.

use crate::support::{Commit, GitHub, Pages, Way};
use elmo::domain::{LocaleRules, Twins, Vcs};
use elmo::sync::{Difference, Verifier};
use elmo_upstream::{Push, git};

const GIT: &str = "l10n/fr";
const HG: &str = "l10n-central/fr";

/// A repository of git and the one of Mercurial that mirrors it, both for French.
struct Mirrored {
    github: GitHub,
}

impl Mirrored {
    async fn new() -> Mirrored {
        let github = GitHub::new().await;
        github.world.follow_forest("l10n-central", None).await;
        github.world.upstream.create(HG).await.unwrap();
        github.world.push(HG, "first").await;
        github.world.deliver(github.world.message_newrepo(HG)).await;
        github.host.create(GIT).await.unwrap();
        github.push(GIT, "first", 100).await;
        github.follow(GIT, &[]).await;
        github.world.settle().await;
        Mirrored { github }
    }

    /// The repository of git has a folder for each locale from now on.
    async fn with_folders(self) -> Mirrored {
        let repository = self.github.world.repository(GIT).await;
        let rules = LocaleRules::of_pattern("{locale}/**").unwrap();
        self.github.world.store.set_locale_rules(repository.id, &rules).await.unwrap();
        self
    }

    /// A change comes to git and to Mercurial, and is heard of both ways; gives both pushes.
    async fn came_both_ways(&self, message: &str, date: i64) -> (git::Push, Push) {
        let in_git = self.pushed_to_git(message, date).await;
        let commit = Commit::new(message).file("browser/menu.ftl", format!("item = {message}\n"));
        let in_hg = self.github.world.upstream.push_at(HG, "lando@example.org", date + 60, [commit]).await.unwrap();
        self.name(&in_hg, 0, &in_git);
        self.hear_of_git(&in_git).await;
        self.hear_of_mercurial(&in_hg).await;
        (in_git, in_hg)
    }

    async fn pushed_to_git(&self, message: &str, date: i64) -> git::Push {
        self.github.push(GIT, message, date).await
    }

    /// The same changes come to Mercurial as one push.
    async fn mirrored(&self, messages: &[&str]) -> Push {
        let commit = |message: &&str| Commit::new(message).file("browser/menu.ftl", format!("item = {message}\n"));
        self.github.world.push_all(HG, messages.iter().map(commit)).await
    }

    /// From now on the pushlog names a commit of git.
    fn name(&self, push: &Push, position: usize, commit: &git::Push) {
        self.github.world.upstream.name_commit(HG, push.nodes[position], &tip(commit)).unwrap();
    }

    async fn hear_of_git(&self, push: &git::Push) {
        self.github.hear(Way::Hook, GIT, std::slice::from_ref(push)).await;
    }

    async fn hear_of_mercurial(&self, push: &Push) {
        self.github.world.announce(HG, push).await;
        self.github.world.settle().await;
    }

    /// What is said to be the same change as this one.
    async fn twins(&self, revision: &str) -> Vec<(String, Vcs, bool)> {
        let changeset = self.github.world.changeset(revision).await;
        changeset.twins.into_iter().map(|twin| (twin.revision.to_string(), twin.vcs, twin.known)).collect()
    }
}

/// What a page lists: the repository of each push, its number, and where else it came.
async fn listed(pages: &Pages, address: &str) -> Vec<(String, u64, Vec<String>)> {
    // Lists of programs are JSON without being asked.
    let document = match address.strip_prefix("/api/") {
        Some(_) => serde_json::from_str(&pages.shown(address).await).unwrap(),
        None => pages.json(address).await,
    };
    let pushes = if document["items"].is_array() { &document["items"] } else { &document["pushes"] };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let elsewhere = |push: &serde_json::Value| {
        let others = push["elsewhere"].as_array().unwrap();
        others.iter().map(|other| format!("{} {}", text(&other["repository"]), other["push_id"])).collect()
    };
    let one = |push: &serde_json::Value| (text(&push["repository"]), push["push_id"].as_u64().unwrap(), elsewhere(push));
    pushes.as_array().unwrap().iter().map(one).collect()
}

fn at_git(id: u64, elsewhere: &[&str]) -> (String, u64, Vec<String>) {
    (GIT.to_owned(), id, elsewhere.iter().map(|other| (*other).to_owned()).collect())
}

fn at_hg(id: u64, elsewhere: &[&str]) -> (String, u64, Vec<String>) {
    (HG.to_owned(), id, elsewhere.iter().map(|other| (*other).to_owned()).collect())
}

fn tip(push: &git::Push) -> String {
    push.after.clone().expect("a branch")
}

#[tokio::test]
async fn a_changeset_and_its_commit_lead_to_each_other_whichever_comes_first() {
    let world = Mirrored::new().await;
    for (number, git_first) in [(1, true), (2, false)] {
        let in_git = world.pushed_to_git(&format!("change {number}"), 100 + number).await;
        let in_hg = world.mirrored(&["change"]).await;
        world.name(&in_hg, 0, &in_git);
        let (changeset, commit) = (in_hg.tip().to_string(), tip(&in_git));

        if git_first {
            world.hear_of_git(&in_git).await;
        }
        world.hear_of_mercurial(&in_hg).await;
        assert_eq!(world.twins(&changeset).await, [(commit.clone(), Vcs::Git, git_first)]);
        world.hear_of_mercurial(&in_hg).await;
        world.hear_of_git(&in_git).await;

        assert_eq!(world.twins(&changeset).await, [(commit.clone(), Vcs::Git, true)]);
        assert_eq!(world.twins(&commit).await, [(changeset, Vcs::Mercurial, true)]);
    }
    assert_eq!(world.github.world.differences(HG).await, []);
}

#[tokio::test]
async fn pages_of_both_say_where_the_same_change_is() {
    let world = Mirrored::new().await;
    let in_git = world.pushed_to_git("change", 200).await;
    let in_hg = world.mirrored(&["change"]).await;
    world.name(&in_hg, 0, &in_git);
    world.hear_of_mercurial(&in_hg).await;
    let pages = Pages::of(&world.github.world).await;
    let (changeset, commit) = (in_hg.tip().to_string(), tip(&in_git));
    let before = pages.shown(&format!("/source/changeset/{changeset}")).await;
    world.hear_of_git(&in_git).await;

    let after = pages.shown(&format!("/source/changeset/{changeset}")).await;

    assert!(before.contains("The same change in git") && before.contains("in no repository that is followed here"), "{before}");
    assert!(!before.contains(&format!("href=\"/source/changeset/{commit}\"")), "it would lead nowhere: {before}");
    let upstream = format!("href=\"{}/commit/{commit}\"", world.github.host.url_of(GIT));
    for part in [format!("href=\"/source/changeset/{commit}\""), format!("href=\"/source/pushes/{GIT}\""), upstream] {
        assert!(after.contains(&part), "{part} is not in {after}");
    }
    let other = pages.shown(&format!("/source/changeset/{commit}")).await;
    assert!(other.contains("The same change in Mercurial") && other.contains(&changeset), "{other}");
    for address in [format!("/source/changeset/{commit}"), format!("/api/v1/changesets/{commit}")] {
        let twin = &pages.json(&address).await["twins"][0];
        assert_eq!((&twin["revision"], &twin["vcs"], &twin["known"]), (&changeset.as_str().into(), &"hg".into(), &true.into()));
        assert_eq!(twin["repositories"][0]["name"], HG);
    }
}

#[tokio::test]
async fn what_a_pushlog_names_later_is_filled_in() {
    let world = Mirrored::new().await;
    let in_git = [world.pushed_to_git("one", 200).await, world.pushed_to_git("two", 300).await];
    let in_hg = world.mirrored(&["one", "two"]).await;
    world.hear_of_mercurial(&in_hg).await;
    let changesets = in_hg.nodes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(world.twins(&changesets[0]).await, []);

    world.name(&in_hg, 1, &in_git[1]);
    let next = world.mirrored(&["three"]).await;
    world.hear_of_mercurial(&next).await;

    assert_eq!(world.twins(&changesets[1]).await, [(tip(&in_git[1]), Vcs::Git, false)], "the push before is looked at again");

    world.name(&in_hg, 0, &in_git[0]);
    world.github.world.look_at_everything().await;

    assert_eq!(world.twins(&changesets[0]).await, [(tip(&in_git[0]), Vcs::Git, true)], "so are the last ones by the timer");
}

#[tokio::test]
async fn a_twin_that_the_database_does_not_have_is_found_and_mended() {
    let world = Mirrored::new().await;
    let in_git = world.pushed_to_git("change", 200).await;
    let in_hg = world.mirrored(&["change"]).await;
    world.name(&in_hg, 0, &in_git);
    world.hear_of_mercurial(&in_hg).await;
    world.github.world.execute("delete from twin").await;

    let found = world.github.world.differences(HG).await;

    let changeset = in_hg.tip().to_string().parse().unwrap();
    assert_eq!(found, [Difference::MissingTwin(Twins { changeset, commit: tip(&in_git).parse().unwrap() })]);
    let repository = world.github.world.repository(HG).await;
    Verifier { bringer: world.github.world.bringer.clone() }.mend(&repository, &found).await.unwrap();
    assert_eq!(world.twins(&in_hg.tip().to_string()).await.len(), 1);
    assert_eq!(world.github.world.differences(HG).await, []);
}

#[tokio::test]
async fn a_change_that_came_to_git_and_to_mercurial_is_in_its_locales_list_once() {
    let world = Mirrored::new().await.with_folders().await;
    let pages = Pages::of(&world.github.world).await;
    world.came_both_ways("both", 200).await;
    let only_hg = world.mirrored(&["only here"]).await;
    world.hear_of_mercurial(&only_hg).await;

    let expected = [at_hg(3, &[]), at_hg(1, &[]), at_git(2, &["l10n-central/fr 2"]), at_git(1, &[])];
    for address in ["/teams/fr", "/source/pushes/?locale=fr", "/api/v1/pushes?locale=fr"] {
        let mut listed = listed(&pages, address).await;
        listed.sort_by_key(|(repository, id, _)| (repository == GIT, std::cmp::Reverse(*id)));
        assert_eq!(listed, expected, "{address}");
    }
    let page = pages.shown("/teams/fr").await;
    assert!(page.contains("also came as <a href=\"/source/pushes/l10n-central/fr?push=1.2\">l10n-central/fr push 2</a>"), "{page}");
    let feed = pages.shown("/source/pushes/?locale=fr&format=atom").await;
    assert_eq!(feed.matches("<entry>").count(), 4, "{feed}");
}

#[tokio::test]
async fn a_list_that_asks_for_more_than_a_locale_leaves_nothing_out() {
    let world = Mirrored::new().await.with_folders().await;
    let pages = Pages::of(&world.github.world).await;
    world.came_both_ways("both", 200).await;
    let (git, hg) = (at_git(2, &["l10n-central/fr 2"]), at_hg(2, &["l10n/fr 2"]));

    for (filter, expected) in [
        ("user=lando", vec![hg.clone()]),
        ("desc=both", vec![hg.clone(), git.clone()]),
        ("path=menu", vec![at_hg(1, &[]), hg.clone()]),
        ("repo=central", vec![at_hg(1, &[]), hg.clone()]),
        ("exclude=l10n/fr", vec![at_hg(1, &[]), hg.clone()]),
        ("from=210&until=1000", vec![hg.clone()]),
        ("until=210&from=150", vec![git.clone()]),
        ("until=1000&from=150", vec![git.clone()]),
    ] {
        assert_eq!(listed(&pages, &format!("/source/pushes/?locale=fr&{filter}")).await, expected, "{filter}");
    }
    let all = listed(&pages, "/source/pushes/?until=1000").await;
    assert_eq!(all, [at_hg(2, &[]), at_git(2, &[])], "of all repositories");
    assert_eq!(listed(&pages, "/source/pushes/?locale=de").await, []);
    let alone = pages.json("/api/v1/pushes/l10n-central%2Ffr/2").await;
    assert_eq!(alone["elsewhere"][0]["repository"], GIT);
}

#[tokio::test]
async fn a_push_that_is_only_in_part_elsewhere_stays_and_so_does_what_came_with_a_whole_history() {
    let world = Mirrored::new().await.with_folders().await;
    let pages = Pages::of(&world.github.world).await;
    let (in_git, _) = world.came_both_ways("both", 200).await;
    let partly = world.mirrored(&["both again", "and more"]).await;
    world.name(&partly, 0, &in_git);
    world.hear_of_mercurial(&partly).await;
    let first = world.github.world.upstream.find_push(HG, 1).unwrap();
    let pushes = world.github.world.pushes(GIT).await;
    let made_branch = pushes.iter().find(|push| push.push_id == 1).and_then(|push| push.ends.as_ref()).unwrap().tip;
    world.github.world.upstream.name_commit(HG, first.tip(), &made_branch.to_string()).unwrap();
    world.github.world.look_at_everything().await;

    let mut listed = listed(&pages, "/teams/fr").await;

    listed.sort();
    let beside = ["l10n-central/fr 2", "l10n-central/fr 3"];
    let expected = [at_hg(1, &["l10n/fr 1"]), at_hg(3, &["l10n/fr 2"]), at_git(1, &["l10n-central/fr 1"]), at_git(2, &beside)];
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn a_locales_list_is_read_page_by_page_without_a_gap_or_a_double() {
    let world = Mirrored::new().await.with_folders().await;
    let pages = Pages::of(&world.github.world).await;
    for number in 1..=5 {
        world.came_both_ways(&format!("change{number}"), 1000 * number).await;
    }
    let whole = listed(&pages, "/source/pushes/?locale=fr&until=9000").await;
    let numbers: Vec<(&str, u64)> = whole.iter().map(|(repository, id, _)| (repository.as_str(), *id)).collect();
    assert_eq!(numbers, [(GIT, 6), (GIT, 5), (GIT, 4), (GIT, 3), (GIT, 2)]);

    let (mut read, mut next) = (Vec::new(), Some("/source/pushes/?locale=fr&until=9000&length=2".to_owned()));
    while let Some(address) = next {
        read.extend(listed(&pages, &address).await);
        let document = pages.json(&address).await;
        next = document["older"].as_str().map(str::to_owned);
    }

    assert_eq!(read, whole);
    assert_eq!(listed(&pages, "/source/pushes/?locale=fr&until=9000&start=2&length=2").await, whole[2..4]);
}

#[tokio::test]
async fn locales_that_are_folders_are_locales_like_others() {
    let world = Mirrored::new().await.with_folders().await;
    let github = &world.github;
    let commit = git::Commit::new("Two locales").file("de/a.ftl", "a = b\n").file("fr/b.ftl", "a = b\n");
    let push = github.host.push_at(GIT, "main", "flod", 300, [commit]).await.unwrap();
    world.hear_of_git(&push).await;
    let pages = Pages::of(&github.world).await;

    assert_eq!(listed(&pages, "/teams/de").await, [at_git(2, &[])]);
    assert_eq!(listed(&pages, "/source/pushes/?locale=de").await, [at_git(2, &[])]);
    assert_eq!(listed(&pages, &format!("/source/pushes/{GIT}?locale=de")).await, [at_git(2, &[])]);
    assert_eq!(listed(&pages, "/source/pushes/?locale=de&user=flo&path=b.ftl").await, [at_git(2, &[])]);
    assert_eq!(listed(&pages, "/source/pushes/?locale=de&user=nobody").await, []);
    let table = pages.shown("/teams/?format=csv").await;
    assert!(table.contains("de,,1,") && table.contains("fr,,2,"), "{table}");
    assert!(pages.shown("/teams/de").await.contains(&format!("<a href=\"/source/pushes/{GIT}\">")));
}
