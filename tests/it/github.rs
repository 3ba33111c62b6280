//! Repositories of git: pushes heard of in four ways, force pushes, branches that come and go, and a host that is not well.

use crate::support::{GitHub, Pages, Told, Way, run, text, told};
use elmo::domain::{ErrorClass, State};
use elmo::sync::{Difference, Verifier};
use elmo_upstream::git::{Commit, Fault, Hashes, Onto, Push, Scope};
use std::path::PathBuf;
use std::time::Duration;

const NAME: &str = "l10n/all";

/// All orders of the four ways.
fn orders() -> Vec<Vec<Way>> {
    let mut orders = vec![Vec::new()];
    for _ in Way::ALL {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<Way>| {
                let left = Way::ALL.into_iter().filter(|way| !order.contains(way)).collect::<Vec<_>>();
                left.into_iter().map(move |way| order.iter().copied().chain([way]).collect())
            })
            .collect();
    }
    orders
}

/// Two pushes after the one with which a repository begins.
async fn two_more(github: &GitHub, name: &str) -> Vec<Push> {
    let second = github.push(name, "second", 200).await;
    vec![second, github.push(name, "third", 300).await]
}

/// The commits that references of ours keep in the clone.
fn clone_of(github: &GitHub, name: &str) -> PathBuf {
    github.world.data().join("clones").join(name)
}

fn kept(github: &GitHub, name: &str) -> Vec<String> {
    let folder = clone_of(github, name).join(".git/refs/elmo/kept");
    let references = std::fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>());
    references.unwrap_or_default().into_iter().map(|reference| reference.into_string().unwrap()).collect()
}

fn without_the_first(told: Vec<Told>) -> Vec<Told> {
    told.into_iter().skip(1).collect()
}

#[tokio::test]
async fn a_push_is_one_push_in_whatever_order_its_news_comes_in_all_24() {
    let github = GitHub::new().await;
    for (number, order) in orders().into_iter().enumerate() {
        let name = format!("l10n/r{number}");
        github.host.create(&name).await.unwrap();
        github.push(&name, "first", 100).await;
        github.follow(&name, &[]).await;
        github.world.settle().await;
        let pushes = two_more(&github, &name).await;

        for way in &order {
            github.hear(*way, &name, &pushes).await;
        }

        let expected = [told(2, "flod", 200, &["second"]), told(3, "flod", 300, &["third"])];
        assert_eq!(without_the_first(github.told(&name).await), expected, "{order:?}");
        github.world.assert_complete(&name, 3).await;
    }
    assert_eq!(orders().len(), 24);
}

#[tokio::test]
async fn two_pushes_that_were_fetched_at_once_are_told_apart_when_their_messages_come() {
    let github = GitHub::with_repository(NAME).await;
    let pushes = two_more(&github, NAME).await;
    github.hear(Way::Look, NAME, &[]).await;
    let fourth = github.push(NAME, "fourth", 400).await;
    github.hear(Way::Hook, NAME, &[fourth]).await;
    let seen = github.told(NAME).await;
    assert_eq!((seen[1].1.as_str(), &seen[1].3), ("", &vec!["second".to_owned(), "third".to_owned()]));
    assert_eq!(seen[2], told(3, "flod", 400, &["fourth"]));

    github.hear(Way::Taskcluster, NAME, &pushes[1..]).await;
    let half = github.told(NAME).await;
    github.hear(Way::Hook, NAME, &pushes[..1]).await;

    assert_eq!((half[1].1.as_str(), &half[1].3), ("", &vec!["second".to_owned()]));
    assert_eq!(half[2], told(3, "flod", 300, &["third"]));
    let all = [told(2, "flod", 200, &["second"]), told(3, "flod", 300, &["third"]), told(4, "flod", 400, &["fourth"])];
    assert_eq!(without_the_first(github.told(NAME).await), all);
}

#[tokio::test]
async fn a_message_that_is_ahead_of_the_branch_is_waited_for() {
    let github = GitHub::with_repository(NAME).await;
    let push = github.push(NAME, "second", 200).await;
    github.host.faults(NAME).set(Fault::Lag(1));

    github.hear(Way::Hook, NAME, std::slice::from_ref(&push)).await;

    let waiting = github.world.repository(NAME).await;
    assert_eq!((waiting.state(), waiting.error_class), (State::Waiting, Some(ErrorClass::Lag)), "{waiting:?}");
    assert!(waiting.error.unwrap().contains("main was announced to be at"));
    github.host.faults(NAME).clear();
    github.world.later(Duration::from_secs(60)).await;
    assert_eq!(without_the_first(github.told(NAME).await), [told(2, "flod", 200, &["second"])]);
    assert_eq!(github.world.repository(NAME).await.state(), State::Complete);
}

#[tokio::test]
async fn a_push_that_is_told_of_is_fetched_without_asking_for_branches_first() {
    let github = GitHub::with_repository(NAME).await;
    let pushes = two_more(&github, NAME).await;
    let before = github.host.counts(NAME).greetings;

    github.hear(Way::Hook, NAME, &pushes).await;

    assert_eq!(github.host.counts(NAME).greetings, before + 1);
    assert_eq!(without_the_first(github.told(NAME).await).len(), 2);
    github.hear(Way::Look, NAME, &[]).await;
    assert_eq!(github.host.counts(NAME).greetings, before + 2, "nothing is fetched where nothing moved");
    assert_eq!(kept(&github, NAME), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_force_push_drops_stays_and_is_marked() {
    let github = GitHub::with_repository(NAME).await;
    let second = github.push(NAME, "second", 200).await;
    github.hear(Way::Hook, NAME, std::slice::from_ref(&second)).await;
    let onto = Onto::Commit(second.before.clone().unwrap());
    let commit = Commit::new("instead").file("fr/instead.ftl", "key = instead\n");
    let forced = github.host.force_push(NAME, "main", "flod", onto, [commit]).await.unwrap();

    github.hear(Way::Hook, NAME, std::slice::from_ref(&forced)).await;

    let after = github.told(NAME).await;
    assert_eq!(after[2], told(3, "flod", forced.date, &["instead"]));
    let dropped = github.world.changeset(second.after.as_ref().unwrap()).await;
    assert_eq!(dropped.dropped.len(), 1);
    assert_eq!(kept(&github, NAME), [second.after.clone().unwrap()], "what is on a branch needs no reference of ours");
    assert_eq!((dropped.dropped[0].push_id, dropped.files.len()), (3, 1));
    assert_eq!(states_between(&github, &second, &forced).await, ["added", "removed"], "what was dropped is compared as before");

    let back = github.host.move_branch(NAME, "main", "flod", second.after.as_ref().unwrap()).await.unwrap();
    github.hear(Way::Hook, NAME, &[back]).await;

    assert_eq!(github.told(NAME).await[3].3, ["second"]);
    assert!(github.world.changeset(second.after.unwrap()).await.dropped.is_empty(), "it is back");
    github.world.assert_complete(NAME, 4).await;
}

#[tokio::test]
async fn a_new_clone_has_what_force_pushes_dropped_as_far_as_its_host_has_it() {
    let github = GitHub::with_repository(NAME).await;
    let mut dropped = Vec::new();
    for name in ["second", "third"] {
        let push = github.push(NAME, name, 200).await;
        github.hear(Way::Hook, NAME, std::slice::from_ref(&push)).await;
        let onto = Onto::Commit(push.before.clone().unwrap());
        let commit = Commit::new(format!("not {name}")).file("fr/instead.ftl", format!("key = not {name}\n"));
        let forced = github.host.force_push(NAME, "main", "flod", onto, [commit]).await.unwrap();
        github.hear(Way::Hook, NAME, std::slice::from_ref(&forced)).await;
        dropped.push((push, forced));
    }
    std::fs::remove_dir_all(clone_of(&github, NAME)).unwrap();
    let [(second, _), (third, forced)] = &dropped[..] else { unreachable!() };
    forget_at_host(&github, second.after.as_ref().unwrap());

    let last = github.push(NAME, "last", 300).await;
    github.hear(Way::Hook, NAME, std::slice::from_ref(&last)).await;

    assert_eq!(states_between(&github, third, forced).await, ["changed", "removed"], "as before the clone was lost");
    assert_eq!(kept(&github, NAME), [third.after.clone().unwrap()], "what the host has no more is no hindrance");
    assert_eq!(github.world.repository(NAME).await.state(), State::Complete);
    assert_eq!(github.world.differences(NAME).await, [Difference::Stripped(second.after.as_ref().unwrap().parse().unwrap())]);
}

/// How files differ between the ends of two pushes, by their paths.
async fn states_between(github: &GitHub, from: &Push, to: &Push) -> Vec<String> {
    let (from, to) = (from.after.as_ref().unwrap(), to.after.as_ref().unwrap());
    let differs = Pages::of(&github.world).await.json(&format!("/source/diff/?repo={NAME}&from={from}&to={to}")).await;
    let files = differs["files"].as_array().unwrap_or_else(|| panic!("{differs}"));
    files.iter().map(|file| file["state"].as_str().unwrap().to_owned()).collect()
}

/// Takes a commit that no branch has from the host, as its collecting of garbage does.
fn forget_at_host(github: &GitHub, commit: &str) {
    let object = github.host.path_of(NAME).unwrap().join("objects").join(&commit[..2]).join(&commit[2..]);
    std::fs::remove_file(object).unwrap();
}

#[tokio::test]
async fn a_damaged_clone_is_set_aside_and_replaced() {
    let github = GitHub::with_repository(NAME).await;
    damage(&github);
    let second = github.push(NAME, "second", 200).await;

    github.hear(Way::Hook, NAME, std::slice::from_ref(&second)).await;

    github.world.assert_complete(NAME, 2).await;
    assert_eq!(std::fs::read_dir(github.world.data().join("aside")).unwrap().count(), 1);
    assert_eq!(github.told(NAME).await[1], told(2, "flod", 200, &["second"]));
}

#[tokio::test]
async fn damage_that_no_push_has_met_is_found_and_mended() {
    let github = GitHub::with_repository(NAME).await;
    damage(&github);

    let found = run(&github.world, Vec::new(), &["verify"]).await;
    let mended = run(&github.world, Vec::new(), &["verify", "--fix"]).await;

    assert_eq!(found.status.code(), Some(3), "{}", text(&found));
    assert!(text(&found).contains("the clone is damaged"), "{}", text(&found));
    assert_eq!(mended.status.code(), Some(0), "{}", text(&mended));
    github.world.assert_complete(NAME, 1).await;
}

/// Cuts off every object of the clone.
fn damage(github: &GitHub) {
    let objects = clone_of(github, NAME).join(".git/objects");
    let folders = std::fs::read_dir(objects).unwrap().map(|entry| entry.unwrap().path());
    for object in folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()) {
        // git writes what is not to be changed.
        std::fs::remove_file(&object).unwrap();
        std::fs::write(&object, b"x").unwrap();
    }
}

#[tokio::test]
async fn what_was_changed_behind_its_back_is_found_and_mended() {
    let github = GitHub::with_repository(NAME).await;
    let pushes = two_more(&github, NAME).await;
    github.hear(Way::Hook, NAME, &pushes).await;
    let third = pushes[1].after.clone().unwrap();
    for sql in [
        "delete from changeset_file where changeset = (select max(changeset) from changeset_file)",
        "delete from repository_changeset where changeset = (select min(id) from changeset where description = 'second')",
    ] {
        github.world.execute(sql).await;
    }

    let found = github.world.differences(NAME).await;

    let second: Vec<Difference> = vec![Difference::MissingChangeset(pushes[0].after.clone().unwrap().parse().unwrap())];
    assert_eq!(found, [second, vec![Difference::WrongFiles(third.parse().unwrap())]].concat());
    let verifier = Verifier { bringer: github.world.bringer.clone() };
    verifier.mend(&github.world.repository(NAME).await, &found).await.unwrap();
    github.world.settle().await;
    github.world.assert_complete(NAME, 3).await;
}

#[tokio::test]
async fn a_mirror_that_shows_a_branch_where_it_was_makes_no_pushes() {
    let github = GitHub::with_repository(NAME).await;
    let pushes = two_more(&github, NAME).await;
    github.hear(Way::Hook, NAME, &pushes).await;
    let told_of = github.told(NAME).await;

    github.host.faults(NAME).set(Fault::Lag(1));
    github.hear(Way::Look, NAME, &[]).await;
    let behind = github.world.repository(NAME).await;
    github.host.faults(NAME).clear();
    github.world.later(Duration::from_secs(60)).await;

    assert_eq!((behind.state(), behind.error_class), (State::Waiting, Some(ErrorClass::Lag)), "{behind:?}");
    assert_eq!(github.told(NAME).await, told_of);
    github.world.assert_complete(NAME, 3).await;
}

#[tokio::test]
async fn a_branch_that_went_back_without_a_word_is_believed_after_a_while() {
    let github = GitHub::with_repository(NAME).await;
    let second = github.push(NAME, "second", 200).await;
    github.hear(Way::Hook, NAME, std::slice::from_ref(&second)).await;
    github.host.move_branch(NAME, "main", "flod", second.before.as_ref().unwrap()).await.unwrap();

    github.hear(Way::Look, NAME, &[]).await;
    let doubted = github.told(NAME).await.len();
    github.world.later(Duration::from_secs(660)).await;

    assert_eq!((doubted, github.told(NAME).await.len()), (2, 3));
    github.world.assert_complete(NAME, 3).await;
}

#[tokio::test]
async fn a_force_push_while_a_fetch_runs_is_found_the_next_time() {
    let github = GitHub::with_repository(NAME).await;
    let second = github.push(NAME, "second", 200).await;
    github.host.faults(NAME).set_on(Scope::Fetch, Fault::Hang);
    let fetching = github.hear(Way::Hook, NAME, std::slice::from_ref(&second));
    let forcing = async {
        github.host.requested(NAME, |counts| counts.fetches > 1).await;
        let onto = Onto::Commit(second.before.clone().unwrap());
        let forced = github.host.force_push(NAME, "main", "flod", onto, [Commit::new("instead")]).await.unwrap();
        github.host.faults(NAME).clear();
        forced
    };
    let ((), forced) = tokio::join!(fetching, forcing);

    github.hear(Way::Hook, NAME, std::slice::from_ref(&forced)).await;
    github.world.later(Duration::from_secs(60)).await;

    let told_of = github.told(NAME).await;
    assert_eq!(told_of.last().unwrap().3, ["instead"], "{told_of:?}");
    assert_eq!(github.world.repository(NAME).await.state(), State::Complete);
}

#[tokio::test]
async fn a_branch_that_is_deleted_and_made_anew_is_one_branch() {
    let github = GitHub::new().await;
    github.host.create(NAME).await.unwrap();
    github.push(NAME, "first", 100).await;
    github.host.push_at(NAME, "beta", "flod", 150, [Commit::new("only beta")]).await.unwrap();
    github.follow(NAME, &["main", "beta"]).await;
    github.world.settle().await;
    let deleted = github.host.delete_branch(NAME, "beta", "flod").await.unwrap();

    github.hear(Way::Hook, NAME, std::slice::from_ref(&deleted)).await;

    let told_of = github.told(NAME).await;
    assert_eq!(told_of.len(), 3, "{told_of:?}");
    assert_eq!((told_of[2].1.as_str(), told_of[2].3.len()), ("flod", 0));
    let only_beta = github.world.changeset(deleted.before.as_ref().unwrap()).await;
    assert_eq!(only_beta.dropped[0].push_id, 3);

    let made_again = github.host.move_branch(NAME, "beta", "flod", deleted.before.as_ref().unwrap()).await.unwrap();
    github.hear(Way::Hook, NAME, &[made_again]).await;

    assert_eq!(github.told(NAME).await[3].3, ["only beta"]);
    assert!(github.world.changeset(deleted.before.unwrap()).await.dropped.is_empty());
}

#[tokio::test]
async fn three_thousand_commits_in_one_push_are_one_push() {
    let github = GitHub::with_repository(NAME).await;
    let commits = (0..3000).map(|number| Commit::new(format!("commit {number}")).file("fr/menu.ftl", format!("n = {number}\n")));
    let push = github.host.push_at(NAME, "main", "flod", 200, commits).await.unwrap();

    github.hear(Way::Taskcluster, NAME, std::slice::from_ref(&push)).await;

    let pushes = github.world.pushes(NAME).await;
    let large = pushes.iter().find(|push| push.push_id == 2).unwrap();
    assert_eq!((large.in_all, large.user.as_str()), (3000, "flod"));
    assert_eq!(large.ends.as_ref().unwrap().tip.to_string(), push.after.unwrap());
}

#[tokio::test]
async fn a_merge_shows_what_it_brings_to_its_branch() {
    let github = GitHub::with_repository(NAME).await;
    let side = Commit::new("side").file("de/side.ftl", "key = side\n");
    let side = github.host.push_at(NAME, "side", "flod", 150, [side]).await.unwrap();
    github.push(NAME, "second", 200).await;
    let merge = Commit::new("merge").merge(side.after.clone().unwrap());
    let merge = github.host.push_at(NAME, "main", "flod", 300, [merge]).await.unwrap();

    github.hear(Way::Hook, NAME, &github.host.pushes(NAME)).await;

    assert_eq!(github.told(NAME).await.last().unwrap(), &told(3, "flod", 300, &["side", "merge"]));
    let merged = github.world.changeset(merge.after.unwrap()).await;
    assert_eq!((merged.parents.len(), merged.files[0].as_str()), (2, "de/side.ftl"));
}

#[tokio::test]
async fn another_name_of_the_default_branch_is_another_branch_without_new_commits() {
    let github = GitHub::with_repository(NAME).await;
    github.host.rename_default_branch(NAME, "trunk").await.unwrap();

    github.hear(Way::Look, NAME, &[]).await;

    let told_of = github.told(NAME).await;
    assert!(told_of.iter().skip(1).all(|push| push.3.is_empty()), "nothing is new: {told_of:?}");
    let first = github.world.changeset(github.host.tip(NAME, "trunk").unwrap()).await;
    assert!(first.dropped.is_empty(), "nothing is dropped");
    assert_eq!(github.world.repository(NAME).await.state(), State::Complete);
    let id = github.world.repository(NAME).await.id;
    let events = github.world.store.events(id).await.unwrap();
    assert_eq!(
        events.iter().map(|event| (event.kind.as_str(), event.words.as_str())).collect::<Vec<_>>(),
        [("default branch", "trunk")]
    );
}

#[tokio::test]
async fn a_repository_that_was_renamed_at_its_host_goes_on_and_says_so() {
    let github = GitHub::with_repository(NAME).await;
    github.host.rename(NAME, "l10n/everything").unwrap();
    let push = github.push("l10n/everything", "second", 200).await;

    github.hear(Way::Look, NAME, &[]).await;

    assert_eq!(github.told(NAME).await.len(), 2);
    let repository = github.world.repository(NAME).await;
    assert_eq!(repository.state(), State::Complete, "{repository:?}");
    let events = github.world.store.events(repository.id).await.unwrap();
    assert_eq!((events[0].kind.as_str(), events[0].words.as_str()), ("moved", github.host.url_of("l10n/everything").as_str()));

    let (name, url) = (NAME.parse().unwrap(), github.url("l10n/everything"));
    assert!(github.world.store.move_repository(&name, &url, github.world.bringer.clock.now()).await.unwrap());
    github.hear(Way::Hook, "l10n/everything", &[push]).await;

    assert_eq!(without_the_first(github.told(NAME).await), [told(2, "flod", 200, &["second"])]);
}

#[tokio::test]
async fn an_empty_repository_is_complete_and_its_first_push_is_its_first() {
    let github = GitHub::new().await;
    github.host.create(NAME).await.unwrap();
    github.follow(NAME, &[]).await;
    github.world.settle().await;
    assert_eq!(github.world.repository(NAME).await.state(), State::Complete);

    let push = github.push(NAME, "first", 100).await;
    github.hear(Way::Hook, NAME, &[push]).await;

    assert_eq!(github.told(NAME).await, [told(1, "flod", 100, &["first"])]);
}

#[tokio::test]
async fn a_repository_with_sha_256_is_followed_too() {
    let github = GitHub::new().await;
    github.host.create_with(NAME, Hashes::Sha256).await.unwrap();
    let push = github.push(NAME, "first", 100).await;
    github.follow(NAME, &[]).await;
    github.world.settle().await;

    let tip = push.after.unwrap();

    assert_eq!(tip.len(), 64);
    assert_eq!(github.world.changeset(&tip).await.files[0].as_str(), "fr/first.ftl");
    assert_eq!(github.world.changeset(&tip[..10]).await.revision.to_string(), tip);
}

#[tokio::test]
async fn a_host_that_is_not_well_is_tried_again_and_nothing_is_lost() {
    let github = GitHub::with_repository(NAME).await;
    let faults = [
        (Fault::Status(503), State::Failing),
        (Fault::Html200, State::Failing),
        (Fault::HangUp, State::Failing),
        (Fault::CutShort, State::Failing),
    ];
    for (number, (fault, state)) in faults.into_iter().enumerate() {
        let message = format!("push {number}");
        github.host.faults(NAME).set(fault.clone());
        let push = github.push(NAME, &message.replace(' ', "-"), 200).await;

        github.hear(Way::Hook, NAME, std::slice::from_ref(&push)).await;

        let failing = github.world.repository(NAME).await;
        assert_eq!(failing.state(), state, "{fault:?}: {failing:?}");
        github.host.faults(NAME).clear();
        github.world.later(Duration::from_secs(7200)).await;
        assert_eq!(github.world.repository(NAME).await.state(), State::Complete, "{fault:?}");
        assert_eq!(github.told(NAME).await.len(), number + 2);
    }
}

#[tokio::test]
async fn two_workers_that_hear_of_the_same_push_record_it_once() {
    let github = GitHub::with_repository(NAME).await;
    let others = [github.world.worker_beside("one"), github.world.worker_beside("other")];
    let pushes = two_more(&github, NAME).await;
    for way in [Way::Taskcluster, Way::Hook] {
        github.world.deliver_all(&pushes.iter().filter_map(|push| github.message(way, NAME, push)).collect::<Vec<_>>()).await;
    }

    let (one, other) = tokio::join!(others[0].work_off(), others[1].work_off());

    one.and(other).unwrap();
    let expected = [told(2, "flod", 200, &["second"]), told(3, "flod", 300, &["third"])];
    assert_eq!(without_the_first(github.told(NAME).await), expected);
}

#[tokio::test]
async fn a_clone_that_is_behind_since_another_machine_brought_the_pushes_is_no_difference() {
    let github = GitHub::with_repository(NAME).await;
    let second = github.push(NAME, "second", 200).await;

    on_another_machine(&github, github.hear(Way::Hook, NAME, std::slice::from_ref(&second))).await;

    assert_eq!(github.world.differences(NAME).await, []);
}

/// Lets a worker do something whose clones are its own; afterwards the clone is as it was.
async fn on_another_machine(github: &GitHub, brought: impl Future<Output = ()>) {
    let clone = clone_of(github, NAME);
    let (here, there) = (github.world.folder().join("here"), github.world.folder().join("there"));
    std::fs::rename(&clone, &here).unwrap();
    brought.await;
    std::fs::rename(&clone, &there).unwrap();
    std::fs::rename(&here, &clone).unwrap();
}

/// A second push on `main` and one that makes `beta` beside it, recorded by a worker whose clones are its own; the clone that is here
/// afterwards is another worker's, which has fetched neither.
async fn brought_by_another_machine(github: &GitHub) -> [Push; 2] {
    github.host.create(NAME).await.unwrap();
    github.push(NAME, "first", 100).await;
    github.follow(NAME, &["main", "beta"]).await;
    github.world.settle().await;
    let second = github.push(NAME, "second", 200).await;
    let onto = Onto::Commit(second.before.clone().unwrap());
    let commits = [Commit::new("beta one").onto(onto), Commit::new("beta two")];
    let beta = github.host.push_at(NAME, "beta", "flod", 250, commits).await.unwrap();
    let pushes = [second, beta];
    on_another_machine(github, github.hear(Way::Hook, NAME, &pushes)).await;
    pushes
}

#[tokio::test]
async fn a_worker_marks_what_a_force_push_dropped_though_its_own_clone_never_had_it() {
    let github = GitHub::new().await;
    let [second, beta] = brought_by_another_machine(&github).await;
    let onto = |commit: &Option<String>| Onto::Commit(commit.clone().unwrap());
    let commits = [Commit::new("instead").file("fr/instead.ftl", "key = instead\n")];
    let forced = github.host.force_push(NAME, "main", "flod", onto(&second.before), commits).await.unwrap();

    github.hear(Way::Hook, NAME, std::slice::from_ref(&forced)).await;

    assert_eq!(github.told(NAME).await[3], told(4, "flod", forced.date, &["instead"]), "and nothing of what was there before");
    let dropped = github.world.changeset(second.after.as_ref().unwrap()).await.dropped;
    assert_eq!(dropped.iter().map(|push| push.push_id).collect::<Vec<_>>(), [4]);
    assert!(github.world.changeset(beta.after.as_ref().unwrap()).await.dropped.is_empty());
    assert_eq!(github.world.repository(NAME).await.state(), State::Complete);
    assert_eq!(kept(&github, NAME), [second.after.clone().unwrap()], "the host still has it");
    assert_eq!(states_between(&github, &second, &forced).await, ["added", "removed"]);
}

#[tokio::test]
async fn a_branch_that_is_deleted_before_a_worker_has_fetched_it_is_deleted_by_whom_the_message_says() {
    let github = GitHub::new().await;
    let [_, beta] = brought_by_another_machine(&github).await;
    let deleted = github.host.delete_branch(NAME, "beta", "flod").await.unwrap();

    github.hear(Way::Hook, NAME, std::slice::from_ref(&deleted)).await;

    let told_of = github.told(NAME).await;
    assert_eq!((told_of.len(), told_of[3].1.as_str(), told_of[3].3.len()), (4, "flod", 0));
    let two = github.world.changeset(beta.after.as_ref().unwrap()).await;
    let one = github.world.changeset(two.parents[0].to_string()).await;
    for changeset in [one, two] {
        let by: Vec<u64> = changeset.dropped.iter().map(|push| push.push_id).collect();
        assert_eq!(by, [4], "{}", changeset.description);
    }
}
