//! Results that cannot be taken: what waits, what is set aside, and with which reason.

use crate::support::{Deployment, World, comparison, elmo_json};
use elmo::fetch::{Credentials, PrivateHosts, QueueSettings};
use elmo::ingest::Outcome;
use elmo::store::Taken;
use elmo_queue::{Artifact, Fault, Place, Storage, Task};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;

const A_MINUTE: Duration = Duration::from_secs(60);
const TWENTY_MINUTES: Duration = Duration::from_secs(1200);

fn published() -> Value {
    elmo_json("https://hg.example.org/l10n/x", &[comparison("fr", "a.toml", 1, &[("/l10n-central/fr/", "2".repeat(40))])])
}

fn settings(private: &[&str]) -> QueueSettings {
    QueueSettings {
        time: Duration::from_secs(60),
        size: 1 << 20,
        reference_hosts: Vec::new(),
        private_hosts: PrivateHosts::new(private.iter().map(|host| (*host).to_owned()).collect()),
    }
}

async fn deployment() -> (World, Deployment) {
    let world = World::new().await;
    let deployment = Deployment::with(&world, None, settings(&["127.0.0.1"])).await;
    (world, deployment)
}

fn credentials(token: &str) -> Option<Credentials> {
    Some(Credentials { client: "elmo".to_owned(), token: token.to_owned(), certificate: None })
}

#[track_caller]
fn assert_parked(outcome: &Outcome, reason: &str) {
    match outcome {
        Outcome::Parked(said) => assert!(said.contains(reason), "{said}"),
        other => panic!("{reason}: {other:?}"),
    }
}

#[track_caller]
fn assert_waits(outcome: &Outcome, reason: &str) {
    match outcome {
        Outcome::Wait { reason: said, .. } => assert!(said.contains(reason), "{said}"),
        other => panic!("{reason}: {other:?}"),
    }
}

#[tokio::test]
async fn what_passes_waits_twenty_minutes_and_is_then_tried_again_from_aside() {
    let (world, deployment) = deployment().await;
    let task = deployment.publish(1, &published());
    for (fault, reason) in [
        (Fault::Status(503), "503"),
        (Fault::Status(500), "500"),
        (Fault::RetryAfter(429, 7), "429"),
        (Fault::Html200, "not what it should be"),
    ] {
        deployment.queue.break_at(Place::Definition, fault, None);
        assert_waits(&deployment.announce(&task).await, reason);
        deployment.queue.heal();
    }
    deployment.queue.break_at(Place::Bytes, Fault::Cut, None);
    assert_waits(&deployment.announce(&task).await, "could not get");

    assert_parked(&deployment.announce_after(&task, TWENTY_MINUTES).await, "could not get");

    deployment.queue.heal();
    assert!(!deployment.tasks.retry_parked().await.unwrap(), "it is not time yet");
    world.later(Duration::from_secs(601)).await;
    assert!(deployment.tasks.retry_parked().await.unwrap());
    assert_eq!((world.parked_reasons().await.len(), world.runs().await.len()), (0, 1));
}

#[tokio::test]
async fn an_answer_that_takes_too_long_passes() {
    let world = World::new().await;
    let impatient = QueueSettings { time: Duration::from_millis(300), ..settings(&["127.0.0.1"]) };
    let deployment = Deployment::with(&world, None, impatient).await;
    let task = deployment.publish(1, &published());
    deployment.queue.break_at(Place::Definition, Fault::Slow(Duration::from_secs(600)), None);

    assert_waits(&deployment.announce(&task).await, "could not get");
}

#[tokio::test]
async fn a_parked_result_is_tried_for_a_day_and_then_kept() {
    let (world, deployment) = deployment().await;
    let task = deployment.publish(1, &published());
    deployment.queue.break_at(Place::List, Fault::Status(502), None);
    deployment.announce_after(&task, TWENTY_MINUTES).await;

    let mut tries = 0;
    for _ in 0..400 {
        world.later(Duration::from_secs(600)).await;
        tries += i32::from(deployment.tasks.retry_parked().await.unwrap());
    }

    assert!((5..20).contains(&tries), "{tries}");
    let row = &world.store.parked(0, 10).await.unwrap()[0];
    assert_eq!((row.next_try, row.message.root.clone()), (None, Some(deployment.root())));
    deployment.queue.heal();
    assert!(deployment.tasks.retry(row).await.unwrap(), "a person takes it later");
    assert_eq!(world.runs().await.len(), 1);
}

#[tokio::test]
async fn what_is_not_there_may_lag_for_a_minute() {
    let (world, deployment) = deployment().await;
    let task = Task::new(1);
    assert_waits(&deployment.announce(&task).await, "404");
    deployment.queue.add(task.clone());
    assert_waits(&deployment.announce(&task).await, "public/elmo.json");

    assert_parked(&deployment.announce_after(&task, A_MINUTE).await, "ResourceNotFound");

    deployment.publish(1, &published());
    assert_eq!(deployment.announce(&task).await, Outcome::Taken(Taken::Recorded { comparisons: 1 }));
    assert_eq!(world.runs().await.len(), 1);
}

#[tokio::test]
async fn what_lasts_is_set_aside_at_once_with_the_reason() {
    let (world, deployment) = deployment().await;
    let an_hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let body = || Artifact::new(published().to_string());
    for (number, artifact, reason) in [
        (1, body().expires(an_hour_ago), "410: ResourceExpired"),
        (2, body().stored(Storage::Error("file-missing-on-worker".to_owned())), "424: file-missing-on-worker"),
        (3, Artifact::new("{}"), "elmo.json: version: it is missing"),
        (4, Artifact::new(&b"\xff"[..]).plain(), "elmo.json: it is not UTF-8"),
        (5, body().stored(Storage::Link("elmo.json".to_owned())), "403: InsufficientScopes"),
        (6, body().stored(Storage::Link("public/elmo.json".to_owned())), "400"),
        (7, body().stored(Storage::Reference(deployment.queue.bytes_url())), "is a reference to 127.0.0.1, which is not allowed"),
    ] {
        let task = Task::new(number).artifact("public/elmo.json", artifact);
        deployment.queue.add(task.clone());
        assert_parked(&deployment.announce(&task).await, reason);
    }
    let task = deployment.publish(8, &published());
    for (fault, reason) in [
        (Fault::Loop, "redirected more than 5 times"),
        (Fault::Redirect("http://10.0.0.1/x".to_owned()), "private network"),
        (Fault::Redirect("http://[::1]/x".to_owned()), "private network"),
        (Fault::Redirect("http://localhost:1/x".to_owned()), "private network"),
        (Fault::Redirect("file:///etc/passwd".to_owned()), "no URL of the web"),
        (Fault::Huge(2 << 20), "longer than 1 MiB"),
        (Fault::Html200, "elmo.json: "),
        (Fault::Status(403), "403"),
    ] {
        deployment.queue.break_at(Place::Bytes, fault.clone(), if fault == Fault::Loop { None } else { Some(1) });
        assert_parked(&deployment.announce(&task).await, reason);
        deployment.queue.heal();
    }
    assert_eq!(world.runs().await, []);
}

#[tokio::test]
async fn every_way_of_storing_is_read() {
    let world = World::new().await;
    let settings = QueueSettings { reference_hosts: vec!["127.0.0.1".to_owned()], ..settings(&["127.0.0.1"]) };
    let deployment = Deployment::with(&world, None, settings).await;
    let body = || Artifact::new(published().to_string());
    let target = Task::new(9).artifact("x", body());
    deployment.queue.add(target.clone());
    let url = format!("{}/{}/0/x", deployment.queue.bytes_url(), target.id());
    let ways = [body(), body().plain(), body().stored(Storage::Object), body().stored(Storage::Reference(url))];
    for (number, artifact) in (1..).zip(ways) {
        let task = Task::new(number).artifact("public/elmo.json", artifact);
        deployment.queue.add(task.clone());
        assert_eq!(deployment.announce(&task).await, Outcome::Taken(Taken::Recorded { comparisons: 1 }), "{number}");
    }
    let linked = Task::new(5)
        .artifact("public/elmo.json", body().stored(Storage::Link("public/other.json".to_owned())))
        .artifact("public/other.json", body());
    deployment.queue.add(linked.clone());
    assert_eq!(deployment.announce(&linked).await, Outcome::Taken(Taken::Recorded { comparisons: 1 }));
}

#[tokio::test]
async fn a_redirect_to_this_machine_is_refused_unless_it_is_allowed() {
    let world = World::new().await;
    let deployment = Deployment::with(&world, None, settings(&[])).await;
    let task = deployment.publish(1, &published());

    assert_parked(&deployment.announce(&task).await, "127.0.0.1 is in a private network");

    assert_eq!(deployment.queue.count(Place::Bytes), 0);
}

#[tokio::test]
async fn credentials_open_what_is_private_and_go_nowhere_else() {
    let world = World::new().await;
    let deployment = Deployment::with(&world, credentials("key"), settings(&["127.0.0.1"])).await;
    deployment.queue.let_in("elmo", "key");
    let task = Task::new(1).artifact("elmo.json", Artifact::new(published().to_string()));
    deployment.queue.add(task.clone());

    assert_eq!(deployment.announce(&task).await, Outcome::Taken(Taken::Recorded { comparisons: 1 }));

    let asked = deployment.queue.asked();
    assert!(asked.iter().all(|asked| asked.authorized == (asked.place != Place::Bytes)), "{asked:?}");
    assert!(asked.iter().any(|asked| asked.path.contains("limit=1000")), "the query is signed too");
}

#[tokio::test]
async fn temporary_credentials_count_with_their_certificate_only() {
    let world = World::new().await;
    let certificate = serde_json::json!({"version": 1, "scopes": ["queue:get-artifact:elmo.json"], "signature": "a+b/c="});
    let temporary = Credentials { certificate: Some(certificate.to_string()), ..credentials("key").unwrap() };
    let with = Deployment::with(&world, Some(temporary), settings(&["127.0.0.1"])).await;
    let without = Deployment::with(&world, credentials("key"), settings(&["127.0.0.1"])).await;
    for (number, deployment) in [(1, &with), (2, &without)] {
        deployment.queue.let_in_for_a_while("elmo", "key", &certificate);
        deployment.queue.add(Task::new(number).artifact("elmo.json", Artifact::new(published().to_string())));
    }

    assert_eq!(with.announce(&Task::new(1)).await, Outcome::Taken(Taken::Recorded { comparisons: 1 }));
    assert_parked(&without.announce(&Task::new(2)).await, "401: AuthenticationFailed");
}

#[tokio::test]
async fn wrong_credentials_are_told_and_tried_again_by_itself() {
    let world = World::new().await;
    let deployment = Deployment::with(&world, credentials("wrong"), settings(&["127.0.0.1"])).await;
    deployment.queue.let_in("elmo", "key");
    let task = deployment.publish(1, &published());

    assert_parked(&deployment.announce(&task).await, "401: AuthenticationFailed");

    assert!(world.store.parked(0, 10).await.unwrap()[0].next_try.is_some());
}

#[tokio::test]
async fn a_message_of_a_deployment_that_nobody_configured_is_set_aside() {
    let (_world, deployment) = deployment().await;
    let task = deployment.publish(1, &published());
    let stranger = elmo::domain::Message { root: Some("https://tc.example.org".parse().unwrap()), ..deployment.message(&task) };
    let unsaid = elmo::domain::Message { root: None, ..deployment.message(&task) };

    assert_parked(&deployment.tasks.take(&stranger, Duration::ZERO).await.unwrap(), "not among the deployments");
    assert_parked(&deployment.tasks.take(&unsaid, Duration::ZERO).await.unwrap(), "does not say which deployment");
    assert_eq!(deployment.queue.asked(), []);
}

#[tokio::test]
async fn a_result_is_taken_by_hand() {
    let (world, deployment) = deployment().await;
    let task = deployment.publish(1, &published());
    let id = Deployment::id(&task);

    let (of, taken) = deployment.tasks.take_by_hand(&deployment.root(), &id, None).await.unwrap();

    assert_eq!((of.run, taken), (0, Taken::Recorded { comparisons: 1 }));
    let again = deployment.tasks.take_by_hand(&deployment.root(), &id, Some(0)).await.unwrap();
    assert_eq!((again.1, world.runs().await.len()), (Taken::Known, 1));
    assert!(deployment.tasks.take_by_hand(&deployment.root(), &id, Some(3)).await.is_err());
}
