//! Results of tasks as a worker takes them from the broker.

use crate::support::{Deployment, PATIENCE, Pulse, Worker, World, comparison, elmo_json, until};
use elmo_queue::{Artifact, Fault, Place, Task};
use elmo_testbed::Cable;
use serde_json::Value;
use std::time::Duration;

fn published() -> Value {
    elmo_json("https://hg.example.org/l10n/x", &[comparison("fr", "a.toml", 1, &[("/l10n-central/fr/", "2".repeat(40))])])
}

/// A deployment whose results a worker consumes.
async fn consumed() -> (World, Pulse, Deployment, Worker) {
    let (world, pulse) = (World::new().await, Pulse::new().await);
    let deployment = Deployment::new(&world).await;
    let worker = Worker::start(&world, &pulse);
    pulse.until_results_are_consumed().await;
    (world, pulse, deployment, worker)
}

/// Waits until so many runs are recorded and no message is left.
async fn until_taken(world: &World, pulse: &Pulse, runs: usize) {
    until("the results are taken", PATIENCE, async || world.runs().await.len() == runs && pulse.results().await == Some(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_write_and_acknowledgement_the_result_comes_again_and_changes_nothing() {
    let (world, pulse) = (World::new().await, Pulse::new().await);
    let deployment = Deployment::new(&world).await;
    let cable = Cable::to(pulse.rabbit.addr()).await.unwrap();
    let worker = Worker::start_in(&world, &pulse, world.data(), cable.addr().port());
    pulse.until_results_are_consumed().await;
    cable.freeze_towards_server();
    let task = deployment.publish(1, &published());
    pulse.publish_result(&deployment.queue.message(&task)).await;
    until("the result is written", PATIENCE, async || world.runs().await.len() == 1).await;
    let once = world.runs().await;

    worker.kill().await;
    cable.cut().await;
    until("the message is back", PATIENCE, async || pulse.results().await == Some(1)).await;
    let again = Worker::start(&world, &pulse);

    until("it is acknowledged", PATIENCE, async || world.counted("already known").await == 1).await;
    assert_eq!(again.terminate().await, Some(0));
    assert_eq!((pulse.results().await, world.runs().await), (Some(0), once));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_deployments_are_told_apart_by_their_connections() {
    let (world, one_pulse, other_pulse) = (World::new().await, Pulse::new().await, Pulse::new().await);
    let (one, other) = (Deployment::new(&world).await, Deployment::new(&world).await);
    let text = format!(
        "[taskcluster]\nprivate_hosts = [\"127.0.0.1\"]\ndeployments = [{{ root = \"{}\" }}, {{ root = \"{}\", vhost = \"{}\" }}]\n",
        one.queue.root(),
        other.queue.root(),
        other_pulse.vhost
    );
    std::fs::write(world.folder().join("taskcluster.toml"), text).unwrap();
    let worker = Worker::start(&world, &one_pulse);
    one_pulse.until_results_are_consumed().await;
    other_pulse.until_results_are_consumed().await;

    // Tasks of the same name, which only the deployment tells apart.
    for (deployment, pulse) in [(&one, &one_pulse), (&other, &other_pulse)] {
        let task = deployment.publish(1, &published());
        pulse.publish_result(&deployment.queue.message(&task)).await;
    }

    until_taken(&world, &one_pulse, 2).await;
    let counts = world.store.deployment_counts().await.unwrap();
    let mut roots: Vec<(String, i64)> = counts.iter().map(|count| (count.root.to_string(), count.results)).collect();
    let mut expected = vec![(one.queue.root(), 1), (other.queue.root(), 1)];
    roots.sort();
    expected.sort();
    assert_eq!(roots, expected);
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_result_waits_others_go_on() {
    let (world, pulse, deployment, _worker) = consumed().await;
    let late = Task::new(1).artifact("public/elmo.json", Artifact::new(published().to_string()));
    pulse.publish_result(&deployment.queue.message(&late)).await;
    until("the task is asked for", PATIENCE, async || deployment.queue.count(Place::Definition) > 0).await;

    let task = deployment.publish(2, &published());
    pulse.publish_result(&deployment.queue.message(&task)).await;
    until("the other result is written", PATIENCE, async || world.runs().await.len() == 1).await;

    deployment.queue.add(late);
    until_taken(&world, &pulse, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_gives_back_what_it_waits_for() {
    let (world, pulse, deployment, worker) = consumed().await;
    deployment.queue.break_at(Place::Definition, Fault::Slow(Duration::from_secs(600)), None);
    let task = deployment.publish(1, &published());
    pulse.publish_result(&deployment.queue.message(&task)).await;
    until("the task is asked for", PATIENCE, async || deployment.queue.count(Place::Definition) > 0).await;

    assert_eq!(worker.terminate().await, Some(0));

    until("the message is back", PATIENCE, async || pulse.results().await == Some(1)).await;
    deployment.queue.heal();
    let _next = Worker::start(&world, &pulse);
    until_taken(&world, &pulse, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_may_be_lost_with_the_queue_are_counted() {
    let (world, pulse, deployment, _worker) = consumed().await;
    let before = world.counted("may be lost").await;

    pulse.delete_queue_of_results().await;

    until("the gap is counted", PATIENCE, async || world.counted("may be lost").await == before + 1).await;
    pulse.until_results_are_consumed().await;
    let task = deployment.publish(1, &published());
    pulse.publish_result(&deployment.queue.message(&task)).await;
    until_taken(&world, &pulse, 1).await;
}
