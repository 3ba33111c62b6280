//! Results of tasks: before, after and beside the pushes that they compared.

use crate::support::{Deployment, Run, World, comparison, elmo_json};
use elmo::ingest::Outcome;
use elmo::store::Taken;
use elmo_queue::{Place, Task};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;

const BROWSER: &str = "_configs/browser.toml";
const TOOLKIT: &str = "_configs/toolkit.toml";
const UNKNOWN: &str = "https://hg.example.org/l10n/gecko-strings";

/// A result for `fr` that compared this revision with one of a repository that nobody follows.
fn result(world: &World, revision: &str) -> Value {
    let fr = world.upstream.url_of("l10n-central/fr");
    let revisions = [(fr.as_str(), revision.to_owned()), ("", "1".repeat(40))];
    elmo_json(UNKNOWN, &[comparison("fr", BROWSER, 4, &revisions), comparison("fr", TOOLKIT, 0, &revisions)])
}

fn taken(outcome: &Outcome) -> Option<Taken> {
    match outcome {
        Outcome::Taken(taken) => Some(*taken),
        Outcome::Parked(_) | Outcome::Wait { .. } => None,
    }
}

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// The task of the active run of each tree for `fr`.
fn active(runs: &[Run]) -> Vec<(&str, &str)> {
    runs.iter().filter(|run| run.active).map(|run| (run.tree.as_str(), run.of.as_str())).collect()
}

#[tokio::test]
async fn a_result_before_its_push_is_settled_when_the_push_comes() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let push = world.push(&name, "second").await;
    let task = deployment.publish(1, &result(&world, &push.tip().to_string()));

    assert_eq!(taken(&deployment.announce(&task).await), Some(Taken::Recorded { comparisons: 2 }));

    let before = world.runs().await;
    assert_eq!((before.len(), before[0].tree.as_str(), before[0].locale.as_str()), (2, "gecko-strings/browser", "fr"));
    assert!(before.iter().all(|run| run.active && run.revisions.iter().all(|(_, _, known)| !known)), "{before:?}");
    world.announce(&name, &push).await;
    world.settle().await;
    let after = world.runs().await;
    assert!(after.iter().all(|run| run.srctime == push.date), "{after:?}");
    assert!(after[0].revisions.iter().any(|(_, revision, known)| *known && *revision == push.tip().to_string()));
}

#[tokio::test]
async fn a_push_before_its_result_gives_the_same_rows() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let push = world.push(&name, "second").await;
    let task = deployment.publish(1, &result(&world, &push.tip().to_string()));
    world.announce(&name, &push).await;
    world.settle().await;

    deployment.announce(&task).await;

    let runs = world.runs().await;
    assert!(runs.iter().all(|run| run.active && run.srctime == push.date), "{runs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_and_their_pushes_at_once_on_two_workers() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let (beside, lanes) = (deployment.another_worker(&world), world.worker_beside("two"));
    for round in 1..=10 {
        let push = world.push(&name, &format!("push {round}")).await;
        let task = deployment.publish(round, &result(&world, &push.tip().to_string()));
        let message = deployment.message(&task);

        let (taken, worked, ()) = tokio::join!(
            beside.take(&message, Duration::ZERO),
            async {
                world.announce(&name, &push).await;
                lanes.work_off().await
            },
            async { drop(deployment.announce(&task).await) }
        );

        taken.unwrap();
        worked.unwrap();
        let runs = world.runs().await;
        let of_task: Vec<&Run> = runs.iter().filter(|run| run.of.starts_with(task.id())).collect();
        assert_eq!(of_task.len(), 2);
        assert!(of_task.iter().all(|run| run.srctime == push.date), "round {round}: {of_task:?}");
    }
}

#[tokio::test]
async fn the_older_result_last_does_not_become_active() {
    let (world, name) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let (first, second) = (world.push(&name, "second").await, world.push(&name, "third").await);
    world.announce(&name, &second).await;
    world.settle().await;
    let older = Task::new(1).resolved(hours_ago(1));
    let older = older.artifact("public/elmo.json", elmo_queue::Artifact::new(result(&world, &first.tip().to_string()).to_string()));
    deployment.queue.add(older.clone());
    let newer = deployment.publish(2, &result(&world, &second.tip().to_string()));

    deployment.announce(&newer).await;
    deployment.announce(&older).await;

    let newest = format!("{}/0", newer.id());
    let runs = world.runs().await;
    assert_eq!(active(&runs), [("gecko-strings/browser", newest.as_str()), ("gecko-strings/toolkit", newest.as_str())]);
}

#[tokio::test]
async fn a_rerun_is_a_result_of_its_own_in_any_order() {
    let (world, name) = World::with_repository("fr").await;
    let tip = world.pushes(&name).await[0].changesets[0].revision.to_string();
    let deployment = Deployment::new(&world).await;
    let published = || elmo_queue::Artifact::new(result(&world, &tip).to_string());
    let task = Task::new(1).resolved(hours_ago(2)).artifact("public/elmo.json", published());
    let task = task.rerun(hours_ago(1)).artifact("public/elmo.json", published());
    deployment.queue.add(task.clone());

    for run in [1, 0, 1] {
        let message = deployment.message_of_run(&task, run);
        deployment.tasks.take(&message, Duration::ZERO).await.unwrap();
    }

    let runs = world.runs().await;
    assert_eq!(runs.len(), 4);
    let rerun = format!("{}/1", task.id());
    assert!(active(&runs).iter().all(|(_, of)| *of == rerun), "{runs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_result_five_times_on_two_workers_changes_nothing() {
    let (world, _) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let task = deployment.publish(1, &result(&world, &"2".repeat(40)));
    let (message, other) = (deployment.message(&task), deployment.another_worker(&world));
    let take = |tasks: &elmo::ingest::Tasks| {
        let (tasks, message) = (tasks.clone(), message.clone());
        async move { tasks.take(&message, Duration::ZERO).await.unwrap() }
    };

    let outcomes =
        tokio::join!(take(&deployment.tasks), take(&other), take(&deployment.tasks), take(&other), take(&deployment.tasks));
    let once = world.runs().await;
    take(&other).await;

    let outcomes = [outcomes.0, outcomes.1, outcomes.2, outcomes.3, outcomes.4];
    assert_eq!(outcomes.iter().filter(|outcome| matches!(taken(outcome), Some(Taken::Recorded { .. }))).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| taken(outcome) == Some(Taken::Known)).count(), 4);
    assert_eq!((once.len(), world.runs().await), (2, once));
}

#[tokio::test]
async fn a_placeholder_that_is_never_filled_is_told_after_a_day() {
    let (world, _) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let task = deployment.publish(1, &result(&world, &"2".repeat(40)));
    deployment.announce(&task).await;

    let now = Timestamp::now();
    let awaited =
        |after_hours: i64| world.store.awaited(now + SignedDuration::from_hours(after_hours) - SignedDuration::from_hours(24));

    assert_eq!(awaited(23).await.unwrap(), []);
    let told = awaited(25).await.unwrap();
    let told: Vec<(&str, bool)> = told.iter().map(|awaited| (awaited.repository.as_str(), awaited.followed)).collect();
    let fr = world.upstream.url_of("l10n-central/fr");
    assert_eq!(told, [(fr.as_str(), true), (UNKNOWN, false)]);
}

#[tokio::test]
async fn lists_have_pages_and_details_are_found_beside_a_public_file() {
    let (world, _) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let expires = "2027-03-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let mut task =
        Task::new(1).artifact("public/elmo.json", elmo_queue::Artifact::new(result(&world, &"2".repeat(40)).to_string()));
    for stem in ["browser.fr", "toolkit.fr", "browser.de", "browser.it", "browser.pl", "toolkit.pl"] {
        let details = elmo_queue::Artifact::new("{}").expires(expires);
        task = task.artifact(&format!("public/compares/{stem}.json"), details);
    }
    deployment.queue.add(task.clone());

    deployment.announce(&task).await;

    let run = &world.store.newest_runs(i64::MAX, 1).await.unwrap()[0];
    assert_eq!((run.artifact.as_str(), run.expires), ("public/compares/toolkit.fr.json", Some(expires)));
    assert_eq!(deployment.queue.count(Place::List), 2);
    assert_eq!(deployment.queue.count(Place::Bytes), 1, "details are fetched when somebody looks");
}

#[tokio::test]
async fn many_comparisons_with_the_same_names_are_one_result() {
    let (world, _) = World::with_repository("fr").await;
    let deployment = Deployment::new(&world).await;
    let comparisons: Vec<Value> = (0..100)
        .flat_map(|number| {
            let locale = format!("a{}{}", char::from(b'a' + number / 26), char::from(b'a' + number % 26));
            let url = format!("https://hg.example.org/l10n-central/{locale}");
            let revisions = [(url.as_str(), format!("{number:040x}").replacen('0', "1", 1)), ("", "1".repeat(40))];
            [BROWSER, TOOLKIT, "mobile/a.toml", "other/browser.toml"].map(|config| comparison(&locale, config, 1, &revisions))
        })
        .collect();
    let task = deployment.publish(1, &elmo_json(UNKNOWN, &comparisons));

    assert_eq!(taken(&deployment.announce(&task).await), Some(Taken::Recorded { comparisons: 400 }));

    let trees = world.store.trees().await.unwrap();
    assert_eq!(trees.len(), 4, "{trees:?}");
    assert!(trees.iter().all(|tree| tree.locales == 100));
    assert!(world.store.rename_tree("gecko-strings/a", "mobile").await.unwrap());
    assert!(!world.store.rename_tree("mobile", "gecko-strings/toolkit").await.unwrap(), "that is another one");
}
