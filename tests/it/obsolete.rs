//! Changesets that were replaced or pruned.

use crate::support::{Commit, World};
use elmo::domain::Message;
use elmo_upstream::Publishing;

async fn drafts() -> (World, &'static str) {
    let world = World::with_forest().await;
    let name = "l10n-central/de";
    world.upstream.create_with(name, Publishing::No).await.unwrap();
    (world, name)
}

fn obsolete(world: &World, name: &str, markers: &[elmo_upstream::Marker]) -> Message {
    let message = world.upstream.message_obsolete(name, markers).unwrap();
    Message { exchange: message.exchange.to_owned(), routing_key: message.routing_key, body: message.body, root: None }
}

#[tokio::test]
async fn an_amended_changeset_is_marked_and_tied_to_its_successor() {
    let (world, name) = drafts().await;
    let push = world.push(name, "to be amended").await;
    world.announce(name, &push).await;
    world.settle().await;

    let amended = Commit::new("amended").file("browser/menu.ftl", "item = better\n");
    let (second, marker) = world.upstream.amend(name, push.tip(), "flod@example.org", amended).await.unwrap();
    world.announce(name, &second).await;
    world.deliver(obsolete(&world, name, &[marker])).await;
    world.settle().await;

    let old = world.changeset(push.tip()).await;
    assert!(old.known && old.obsolete);
    assert_eq!(old.successors[0].other.unwrap().to_string(), second.tip().to_string());
    let repository = world.repository(name).await;
    assert_eq!(repository.last_push, 2, "{repository:?}");
    let descriptions: Vec<String> =
        world.pushes(name).await.iter().flat_map(|push| &push.changesets).map(|one| one.description.to_string()).collect();
    assert_eq!(descriptions, ["amended", "to be amended"]);
}

#[tokio::test]
async fn a_marker_is_kept_that_comes_with_or_before_the_first_news_of_its_repository() {
    let (world, name) = drafts().await;
    let push = world.push(name, "to be amended").await;
    let amended = Commit::new("amended").file("browser/menu.ftl", "item = better\n");
    let (_, marker) = world.upstream.amend(name, push.tip(), "flod@example.org", amended).await.unwrap();

    world.deliver_all(&[obsolete(&world, name, &[marker]), world.message_newrepo(name)]).await;
    world.settle().await;

    let old = world.changeset(push.tip()).await;
    assert!(old.obsolete && old.successors.len() == 1, "{old:?}");
    world.assert_complete(name, 2).await;
}

#[tokio::test]
async fn markers_about_unknown_changesets_make_placeholders_and_never_their_descriptions() {
    let (world, name) = World::with_repository("fr").await;
    let (old, new) = ("1".repeat(40), "c".repeat(40));
    let message = world.message_about_unknown(&name, &old);

    world.deliver(message.clone()).await;
    world.deliver(message).await;
    world.settle().await;

    let placeholder = world.changeset(&old).await;
    assert!(!placeholder.known && placeholder.obsolete);
    assert_eq!(placeholder.successors.len(), 1);
    assert_eq!(world.changeset(&new).await.description.as_str(), "");
}

#[tokio::test]
async fn a_pruned_changeset_has_no_successor() {
    let (world, name) = drafts().await;
    let push = world.push(name, "to be pruned").await;
    world.announce(name, &push).await;
    world.settle().await;

    let marker = world.upstream.obsolete(name, push.tip(), &[], "flod@example.org").await.unwrap();
    world.deliver(obsolete(&world, name, &[marker])).await;
    world.settle().await;

    let pruned = world.changeset(push.tip()).await;
    assert_eq!((pruned.obsolete, pruned.successors.len(), pruned.successors[0].other), (true, 1, None));
}

#[tokio::test]
async fn a_push_whose_changesets_became_obsolete_before_it_was_read_is_recorded_with_what_is_there() {
    let (world, name) = drafts().await;
    let first = world.push(name, "obsolete at once").await;
    let amended = Commit::new("amended").file("browser/menu.ftl", "item = better\n");
    let (second, _) = world.upstream.amend(name, first.tip(), "flod@example.org", amended).await.unwrap();

    world.announce(name, &first).await;
    world.announce(name, &second).await;
    world.settle().await;

    let repository = world.repository(name).await;
    assert_eq!(repository.last_push, 2, "{repository:?}");
    let pushes = world.pushes(name).await;
    assert_eq!(pushes.len(), 2);
    assert!(pushes[1].changesets.iter().all(|changeset| changeset.obsolete));
}
