//! Pushes of git in the database: moves of a branch, told apart and filled in as news of them comes.

use crate::support::World;
use elmo::domain::{BranchMove, GITHUB_HOOK, Kept, Message, NewRepository, RepositoryId, RepositoryUrl, Revision, UrlRules, Vcs};
use elmo::store::{MoveRecording, MovesRecorded, MovesRecording, PushFilter, SeenPush};
use jiff::Timestamp;
use serde_json::json;

const NAME: &str = "l10n/all";
const URL: &str = "https://git.example.org/l10n/all";

fn commit(name: char) -> Revision {
    if name == '-' { Revision::NULL } else { Revision::from_bytes([u8::try_from(name).unwrap(); 20]) }
}

fn ends(text: &str) -> (Revision, Revision) {
    let mut ends = text.chars().map(commit);
    (ends.next().unwrap(), ends.next().unwrap())
}

/// A move as `ab`; one that is only seen in brackets.
fn recording(text: &str) -> MoveRecording {
    let (before, after) = ends(text.trim_matches(['(', ')']));
    let pushed = (!text.starts_with('(')).then(|| (Kept::from("flod"), 100));
    let made = BranchMove { branch: Kept::from("main"), before, after, pushed };
    MoveRecording { made, brought: vec![after], dropped: Vec::new() }
}

async fn with_git() -> (World, RepositoryId) {
    let world = World::new().await;
    let url = RepositoryUrl::parse(URL, UrlRules::OnlyHttp).unwrap();
    let new = NewRepository { vcs: Vcs::Git, ..NewRepository::at(NAME.parse().unwrap(), url) };
    world.store.add_repository(&new, now()).await.unwrap();
    let id = world.store.repository(&NAME.parse().unwrap()).await.unwrap().unwrap().id;
    (world, id)
}

fn now() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

async fn record(world: &World, repository: RepositoryId, instead_of: Option<SeenPush>, moves: &str) -> MovesRecorded {
    let moves = moves.split(' ').map(recording).collect();
    world.store.record_moves(&MovesRecording { repository, instead_of, moves, now: now() }).await.unwrap()
}

/// The pushes in the order of their numbers, each with who pushed it and its tip.
async fn pushes(world: &World) -> Vec<(u64, String, char)> {
    let mut pushes: Vec<(u64, String, char)> = world
        .store
        .pushes(&PushFilter::default())
        .await
        .unwrap()
        .pushes
        .iter()
        .map(|push| (push.push_id, push.user.to_string(), char::from(push.changesets[0].revision.as_bytes()[0])))
        .collect();
    pushes.sort();
    pushes
}

fn push(number: u64, user: &str, tip: char) -> (u64, String, char) {
    (number, user.to_owned(), tip)
}

/// GitHub's webhook about a move.
fn hook(text: &str, date: i64) -> Message {
    let (before, after) = ends(text);
    let body = json!({
        "ref": "refs/heads/main", "before": before.to_string(), "after": after.to_string(), "pusher": {"name": "flod"},
        "repository": {"id": 7, "html_url": URL, "pushed_at": date},
    });
    Message { exchange: GITHUB_HOOK.to_owned(), routing_key: "push".to_owned(), body: body.to_string().into_bytes(), root: None }
}

#[tokio::test]
async fn a_seen_push_is_told_apart_and_later_ones_move_on() {
    let (world, repository) = with_git().await;
    record(&world, repository, None, "(-c)").await;
    record(&world, repository, None, "cd (de)").await;
    assert_eq!(pushes(&world).await, [push(1, "", 'c'), push(2, "flod", 'd'), push(3, "", 'e')]);
    let seen = world.store.branches(repository).await.unwrap().seen;

    record(&world, repository, Some(seen[0].clone()), "(-a) ab bc").await;
    record(&world, repository, Some(seen[1].clone()), "de").await;

    let told = [push(1, "", 'a'), push(2, "flod", 'b'), push(3, "flod", 'c'), push(4, "flod", 'd'), push(5, "flod", 'e')];
    assert_eq!(pushes(&world).await, told);
    let branches = world.store.branches(repository).await.unwrap();
    assert_eq!(branches.heads[&Kept::from("main")], commit('e'));
    assert_eq!(branches.seen.len(), 1);
    assert_eq!(world.store.repository(&NAME.parse().unwrap()).await.unwrap().unwrap().last_push, 5);
}

#[tokio::test]
async fn what_another_worker_has_recorded_is_not_recorded_again() {
    let (world, repository) = with_git().await;
    assert_eq!(record(&world, repository, None, "(-a)").await, MovesRecorded::Done);
    let seen = world.store.branches(repository).await.unwrap().seen.remove(0);

    assert_eq!(record(&world, repository, None, "(-a)").await, MovesRecorded::Overtaken);
    assert_eq!(record(&world, repository, None, "bc").await, MovesRecorded::Overtaken);
    assert_eq!(record(&world, repository, Some(seen.clone()), "-a").await, MovesRecorded::Done);
    assert_eq!(record(&world, repository, Some(seen), "-a").await, MovesRecorded::Overtaken);

    assert_eq!(pushes(&world).await, [push(1, "flod", 'a')]);
}

#[tokio::test]
async fn two_workers_that_record_the_same_move_at_once_record_one_push() {
    let (world, repository) = with_git().await;
    let (one, other) = tokio::join!(record(&world, repository, None, "(-a)"), record(&world, repository, None, "(-a)"));
    assert!([one, other].contains(&MovesRecorded::Done) && [one, other].contains(&MovesRecorded::Overtaken));
    assert_eq!(pushes(&world).await, [push(1, "", 'a')]);
}

#[tokio::test]
async fn a_notice_is_kept_once_and_until_its_push_is_recorded() {
    let (world, repository) = with_git().await;
    for _ in 0..2 {
        world.ingest.take(&[hook("-a", 100), hook("-a", 100), hook("ab", 200)]).await.unwrap();
    }
    let notices = async || -> Vec<Revision> {
        world.store.branches(repository).await.unwrap().notices.into_iter().map(|noticed| noticed.notice.after).collect()
    };
    assert_eq!(notices().await, [commit('a'), commit('b')]);

    record(&world, repository, None, "-a").await;

    assert_eq!(notices().await, [commit('b')]);
}

#[tokio::test]
async fn a_branch_that_is_deleted_and_made_anew_is_where_it_was_left() {
    let (world, repository) = with_git().await;
    record(&world, repository, None, "-a a-").await;
    assert_eq!(world.store.branches(repository).await.unwrap().heads[&Kept::from("main")], Revision::NULL);

    assert_eq!(record(&world, repository, None, "-b").await, MovesRecorded::Done);

    assert_eq!(world.store.branches(repository).await.unwrap().heads[&Kept::from("main")], commit('b'));
}
