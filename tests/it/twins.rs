//! One change in Mercurial and in git: the pushlog says which commit a changeset is.

use crate::support::{Commit, GitHub, Pages, Way};
use elmo::domain::{Twins, Vcs};
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
    for address in [format!("/source/changeset/{commit}?format=json"), format!("/api/v1/changesets/{commit}")] {
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
