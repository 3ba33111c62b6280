//! What is kept long enough is forgotten; what somebody waits for never is.

use crate::support::{GitHub, Way, World, run, text};
use elmo::domain::{HGPUSHES, Message, Retention};
use elmo::store::{Batch, Outdated, Parked};
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

const A_MONTH: Duration = Duration::from_secs(30 * 86_400);
const ALL_FOR_A_MONTH: Retention = Retention {
    parked: Some(A_MONTH),
    events: Some(A_MONTH),
    notices: Some(A_MONTH),
    set_aside: Some(A_MONTH),
    artifacts: Some(A_MONTH),
};

fn in_two_months() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(60 * 24)
}

/// A message that could not be taken is set aside.
async fn park(world: &World, reason: &str, next_try: Option<Timestamp>) {
    let (exchange, routing_key) = (HGPUSHES.to_owned(), reason.to_owned());
    let message = Message { exchange, routing_key, body: b"{}".to_vec(), root: None };
    let parked = vec![Parked { message, reason: reason.to_owned(), next_try }];
    world.store.note(&Batch { parked, ..Batch::default() }, Timestamp::now()).await.unwrap();
}

/// A file, and its folder, that nobody has touched for that long.
fn old_file(path: &Path, bytes: usize, age: Duration) {
    let folder = path.parent().unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(path, vec![b'x'; bytes]).unwrap();
    let since_1970 = Duration::try_from(Timestamp::now().as_duration()).unwrap();
    let then = SystemTime::UNIX_EPOCH + since_1970 - age;
    for touched in [path, folder] {
        File::open(touched).unwrap().set_modified(then).unwrap();
    }
}

#[tokio::test]
async fn a_message_set_aside_is_forgotten_unless_it_is_tried_again() {
    let world = World::new().await;
    park(&world, "nobody can mend this", None).await;
    park(&world, "its host may come back", Some(in_two_months())).await;

    let none = world.store.forget_outdated(&Retention::default(), in_two_months()).await.unwrap();
    let early = world.store.forget_outdated(&ALL_FOR_A_MONTH, Timestamp::now()).await.unwrap();
    let counted = world.store.outdated(&ALL_FOR_A_MONTH, in_two_months()).await.unwrap();
    let forgotten = world.store.forget_outdated(&ALL_FOR_A_MONTH, in_two_months()).await.unwrap();
    let again = world.store.forget_outdated(&ALL_FOR_A_MONTH, in_two_months()).await.unwrap();

    assert_eq!((none, early), (Outdated::default(), Outdated::default()));
    assert_eq!((counted, forgotten.parked, again.parked), (forgotten, 1, 0));
    assert_eq!(world.parked_reasons().await, ["its host may come back"]);
}

#[tokio::test]
async fn what_a_host_said_is_forgotten_once_its_push_is_recorded_and_not_before() {
    let github = GitHub::with_repository("l10n/all").await;
    let told = github.push("l10n/all", "second", 200).await;
    github.hear(Way::Hook, "l10n/all", std::slice::from_ref(&told)).await;
    github.host.create("l10n/elsewhere").await.unwrap();
    let elsewhere = github.push("l10n/elsewhere", "other", 300).await;
    // A message about a commit that the host does not show: it may be ahead.
    let ahead = github.message(Way::Hook, "l10n/all", &elsewhere).unwrap();
    github.world.deliver(ahead).await;
    github.world.settle().await;

    let forgotten = github.world.store.forget_outdated(&ALL_FOR_A_MONTH, in_two_months()).await.unwrap();

    let repository = github.world.repository("l10n/all").await;
    let left = github.world.store.branches(repository.id).await.unwrap().notices;
    assert_eq!(forgotten.notices, 1, "that of the push that is recorded");
    let ends: Vec<Option<String>> = left.iter().map(|noticed| Some(noticed.notice.after.to_string())).collect();
    assert_eq!(ends, [elsewhere.after], "that of the push which nobody has seen");
}

#[tokio::test]
async fn a_notice_that_nothing_came_of_is_forgotten_once_the_host_was_believed() {
    let github = GitHub::with_repository("l10n/all").await;
    github.host.create("l10n/elsewhere").await.unwrap();
    let elsewhere = github.push("l10n/elsewhere", "other", 300).await;
    github.world.deliver(github.message(Way::Hook, "l10n/all", &elsewhere).unwrap()).await;
    github.world.settle().await;
    // A day later the host is believed.
    github.world.later(Duration::from_secs(2 * 86_400)).await;
    github.world.look_at_everything().await;

    let forgotten = github.world.store.forget_outdated(&ALL_FOR_A_MONTH, in_two_months()).await.unwrap();

    assert_eq!(forgotten.notices, 1);
}

#[tokio::test]
async fn an_operator_sees_what_would_be_forgotten_and_forgets_it() {
    let world = World::new().await;
    let settings = "[retention]\nset_aside = '30 days'\nartifacts = '30 days'\nparked = ''\n";
    std::fs::write(world.folder().join("elmo.toml"), settings).unwrap();
    let (aside, unfinished) = (world.data().join("aside"), world.data().join("clones/.new"));
    old_file(&aside.join("old/00changelog.i"), 2048, 2 * A_MONTH);
    old_file(&aside.join("new/00changelog.i"), 1024, Duration::ZERO);
    old_file(&unfinished.join("killed/00changelog.i"), 512, A_MONTH);
    old_file(&unfinished.join("being-made/00changelog.i"), 512, Duration::ZERO);
    old_file(&world.data().join("artifacts/9d/old.zst"), 100, 2 * A_MONTH);
    old_file(&world.data().join("artifacts/9d/new.zst"), 100, Duration::ZERO);

    let tried = run(&world, Vec::new(), &["clean", "--dry-run"]).await;
    let kept_by_trying = aside.join("old").exists();
    let cleaned = run(&world, Vec::new(), &["clean", "--json"]).await;
    let again = run(&world, Vec::new(), &["clean"]).await;

    let tried = text(&tried);
    for line in [
        "1 clone set aside (2.00 KiB) would be forgotten, older than 30 days",
        "1 unfinished clone (512 B) would be forgotten",
        "1 artifact (100 B) would be forgotten, older than 30 days",
        "0 messages set aside would be forgotten: kept for ever",
    ] {
        assert!(tried.contains(line), "{line} is not in:\n{tried}");
    }
    assert!(kept_by_trying);
    let cleaned: serde_json::Value = serde_json::from_slice(&cleaned.stdout).unwrap();
    let expected = (serde_json::json!({"number": 1, "bytes": 2048}), serde_json::json!(false));
    assert_eq!((cleaned["set_aside"].clone(), cleaned["dry_run"].clone()), expected);
    assert!(text(&again).contains("0 clones set aside (0 B) forgotten"), "{}", text(&again));
    let left = |folder: &Path| -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    };
    assert_eq!((left(&aside), left(&unfinished)), (vec!["new".to_owned()], vec!["being-made".to_owned()]));
    assert_eq!(left(&world.data().join("artifacts/9d")), ["new.zst"]);
}
