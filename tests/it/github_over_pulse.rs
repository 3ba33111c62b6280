//! Pushes to GitHub over Pulse: queues that are bound to what is followed, as that changes.

use crate::support::{GitHub, PATIENCE, Pulse, Running, Way, Worker, World, account, told, until};
use elmo::domain::{GITHUB_PUSHES, Message};
use elmo_upstream::git::Host;

const QUEUE: &str = "queue/elmo/github";

/// Settings with which this host's repositories are those that messages tell of.
fn settings(github: &GitHub) -> String {
    let host = github.url("l10n/all").host().to_owned();
    format!("[github]\nhosts = [\"{host}\"]\nwebhooks = [\"\"]\n")
}

/// Publishes a message, again and again, until the worker that is about to be bound by its key was told what it says.
async fn publish_until_told(github: &GitHub, pulse: &Pulse, message: &Message, name: &str, number: u64) {
    until(&format!("push {number} of {name} is told of"), PATIENCE, async || {
        pulse.publish(std::slice::from_ref(message)).await;
        github.told(name).await.iter().any(|(id, user, ..)| *id == number && user == "flod")
    })
    .await;
}

fn over(way: Way, github: &GitHub, name: &str, push: &elmo_upstream::git::Push) -> Message {
    let key = match way {
        Way::Taskcluster => format!("primary.{}", name.replace('.', "%").replace('/', ".")),
        _ => format!("{name}/push"),
    };
    Message { routing_key: key, ..github.message(way, name, push).expect("a message") }
}

#[tokio::test]
async fn a_push_is_heard_of_on_either_exchange() {
    for way in [Way::Taskcluster, Way::Republished] {
        let github = GitHub::with_repository("l10n/all.strings").await;
        let pulse = Pulse::new().await;
        let _worker = Worker::start_with(&github.world, &pulse, &settings(&github));
        let push = github.push("l10n/all.strings", "second", 200).await;

        publish_until_told(&github, &pulse, &over(way, &github, "l10n/all.strings", &push), "l10n/all.strings", 2).await;

        let second = &github.told("l10n/all.strings").await[1];
        assert_eq!(*second, told(2, "flod", 200, &["second"]), "{way:?}");
    }
}

#[tokio::test]
async fn two_workers_that_hear_on_both_exchanges_record_one_push() {
    let github = GitHub::with_repository("l10n/all").await;
    let pulse = Pulse::new().await;
    let workers: Vec<Worker> = (0..2).map(|_| Worker::start_with(&github.world, &pulse, &settings(&github))).collect();
    let push = github.push("l10n/all", "second", 200).await;
    let ways = [Way::Taskcluster, Way::Republished].map(|way| over(way, &github, "l10n/all", &push));

    publish_until_told(&github, &pulse, &ways[0], "l10n/all", 2).await;
    publish_until_told(&github, &pulse, &ways[1], "l10n/all", 2).await;
    for worker in workers {
        assert_eq!(worker.terminate().await, Some(0));
    }

    assert_eq!(github.told("l10n/all").await[1..], [told(2, "flod", 200, &["second"])]);
}

#[tokio::test]
async fn a_queue_is_bound_to_what_is_followed_as_that_changes() {
    let github = GitHub::with_repository("l10n/old").await;
    let pulse = Pulse::new().await;
    let mut worker = Running::start(&github.world, configured(&github, &pulse), &["consume-pulse"]);
    let old = github.push("l10n/old", "second", 200).await;
    publish_until_told(&github, &pulse, &over(Way::Taskcluster, &github, "l10n/old", &old), "l10n/old", 2).await;

    // Followed while the worker runs.
    github.host.create("l10n/new").await.unwrap();
    github.push("l10n/new", "first", 300).await;
    github.follow("l10n/new", &[]).await;
    let new = github.push("l10n/new", "second", 400).await;
    until("the new one is recorded", PATIENCE, async || !github.told("l10n/new").await.is_empty()).await;
    let newest = github.told("l10n/new").await.len() as u64;
    publish_until_told(&github, &pulse, &over(Way::Taskcluster, &github, "l10n/new", &new), "l10n/new", newest.max(2)).await;

    // Left alone while it runs.
    let now = github.world.bringer.clock.now();
    github.world.store.archive_repository(&"l10n/old".parse().unwrap(), true, now).await.unwrap();
    worker.until_it_logs("not bound any more").await;
    let unheard = github.push("l10n/old", "third", 500).await;
    let heard = github.push("l10n/new", "third", 600).await;
    pulse.publish(&[over(Way::Taskcluster, &github, "l10n/old", &unheard)]).await;
    let last = github.told("l10n/new").await.len() as u64 + 1;
    publish_until_told(&github, &pulse, &over(Way::Taskcluster, &github, "l10n/new", &heard), "l10n/new", last).await;

    assert_eq!(github.world.counted("archived").await, 0, "its messages do not come any more");
}

#[tokio::test]
async fn what_was_bound_in_an_earlier_life_is_let_go_of() {
    let github = GitHub::with_repository("l10n/all").await;
    let pulse = Pulse::new().await;
    let worker = Worker::start_with(&github.world, &pulse, &settings(&github));
    let push = github.push("l10n/all", "second", 200).await;
    publish_until_told(&github, &pulse, &over(Way::Taskcluster, &github, "l10n/all", &push), "l10n/all", 2).await;
    worker.terminate().await;
    let now = github.world.bringer.clock.now();
    github.world.store.archive_repository(&"l10n/all".parse().unwrap(), true, now).await.unwrap();

    let mut next = Running::start(&github.world, configured(&github, &pulse), &["consume-pulse"]);

    next.until_it_logs("not bound any more").await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_bound_anew() {
    let github = GitHub::with_repository("l10n/all").await;
    let pulse = Pulse::new().await;
    let _worker = Worker::start_with(&github.world, &pulse, &settings(&github));
    let second = github.push("l10n/all", "second", 200).await;
    publish_until_told(&github, &pulse, &over(Way::Taskcluster, &github, "l10n/all", &second), "l10n/all", 2).await;

    pulse.rabbit.delete_queue(&pulse.vhost, QUEUE).await.unwrap();

    let third = github.push("l10n/all", "third", 300).await;
    publish_until_told(&github, &pulse, &over(Way::Taskcluster, &github, "l10n/all", &third), "l10n/all", 3).await;
}

#[tokio::test]
async fn an_exchange_that_is_missing_stops_no_other_queue() {
    let (world, name) = World::with_repository("fr").await;
    let github = GitHub { world, host: Host::start().await.unwrap() };
    github.host.create("l10n/all").await.unwrap();
    github.follow("l10n/all", &[]).await;
    let pulse = Pulse::new().await;
    pulse.rabbit.delete_exchange(&pulse.vhost, GITHUB_PUSHES).await.unwrap();
    let mut worker = Running::start(&github.world, configured(&github, &pulse), &["consume-pulse"]);
    worker.until_it_logs("could not find the exchange").await;
    let push = github.world.push(&name, "second").await;

    pulse.publish(&[github.world.message(&name, &push)]).await;

    github.world.until_complete(&name, 2).await;
}

#[tokio::test]
async fn where_nothing_of_github_is_followed_nothing_is_declared() {
    let (world, name) = World::with_repository("fr").await;
    let (pulse, _worker) = Worker::consuming(&world).await;
    let push = world.push(&name, "second").await;

    pulse.publish(&[world.message(&name, &push)]).await;

    world.until_complete(&name, 2).await;
    assert_eq!(pulse.rabbit.queue_depth(&pulse.vhost, QUEUE).await.unwrap(), None);
}

/// The settings of a worker that is listened to.
fn configured(github: &GitHub, pulse: &Pulse) -> crate::support::Settings {
    let path = github.world.folder().join("github.toml");
    let text = format!("[taskcluster]\ndeployments = []\n[sync]\nlease = \"2s\"\nfirst_wait = \"200ms\"\n{}", settings(github));
    std::fs::write(&path, text).unwrap();
    let mut settings = account(pulse);
    settings.push(("ELMO_CONFIG", path.display().to_string()));
    settings
}
