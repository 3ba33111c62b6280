//! The database held against clones and pushlogs.

use crate::support::{World, run, text};
use elmo::sync::{Difference, Verifier};
use elmo_upstream::{Fault, Push};

async fn with_two_pushes() -> (World, String, Push) {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    world.announce(&name, &push).await;
    world.settle().await;
    (world, name, push)
}

#[tokio::test]
async fn a_lost_file_a_lost_push_and_a_foreign_changeset_are_found_and_mended() {
    let (world, name, push) = with_two_pushes().await;
    let repository = world.repository(&name).await;
    let tip: elmo::domain::Revision = push.tip().to_string().parse().unwrap();
    world.execute("delete from changeset_file").await;
    world.execute("delete from push_changeset where push in (select id from push where push_id = 2)").await;
    world.execute("delete from push where push_id = 2").await;
    world.execute("insert into changeset (revision, known) values ('9999999999999999999999999999999999999999', 1)").await;
    world.execute("insert into repository_changeset (repository, changeset, generation) select repository.id, changeset.id, 1 from repository, changeset where revision like '9999%'").await;

    let found = world.differences(&name).await;
    assert!(found.contains(&Difference::WrongFiles(tip)) && found.contains(&Difference::MissingPush(2)), "{found:?}");
    assert!(found.contains(&Difference::ExtraChangeset("9".repeat(40).parse().unwrap())), "{found:?}");
    Verifier { bringer: world.bringer.clone() }.mend(&repository, &found).await.unwrap();
    world.settle().await;

    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn a_damaged_clone_is_a_finding_and_the_other_repositories_are_compared_all_the_same() {
    let (world, name, _) = with_two_pushes().await;
    let other = world.add_repository("de").await;
    std::fs::write(world.data().join("clones").join(&name).join(".hg/store/00changelog.i"), b"x").unwrap();

    let found = run(&world, Vec::new(), &["verify"]).await;
    let mended = run(&world, Vec::new(), &["verify", "--fix"]).await;
    let again = run(&world, Vec::new(), &["verify"]).await;

    assert_eq!(found.status.code(), Some(3), "{}", text(&found));
    assert!(text(&found).contains("the clone is damaged"), "{}", text(&found));
    assert!(text(&found).contains(&format!("{other}: no differences")), "{}", text(&found));
    assert_eq!((mended.status.code(), again.status.code()), (Some(0), Some(0)), "{}{}", text(&mended), text(&again));
    world.assert_complete(&name, 2).await;
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_said_after_all_others_are_compared() {
    let (world, name, _) = with_two_pushes().await;
    let other = world.add_repository("de").await;
    world.upstream.faults(&name).set(Fault::NotServed);

    let verified = run(&world, Vec::new(), &["verify"]).await;

    assert_eq!(verified.status.code(), Some(1), "{}", text(&verified));
    assert!(text(&verified).contains(&format!("{name}: not compared: ")), "{}", text(&verified));
    assert!(text(&verified).contains(&format!("{other}: no differences")), "{}", text(&verified));
    let errors = String::from_utf8_lossy(&verified.stderr);
    assert!(errors.contains("1 of 2 repositories could not be compared"), "{errors}");
}

#[tokio::test]
async fn what_was_stripped_before_the_clone_was_made_is_history_and_stays_when_the_rest_is_mended() {
    let (world, name, push) = with_two_pushes().await;
    let stripped: elmo::domain::Revision = push.tip().to_string().parse().unwrap();
    world.upstream.strip(&name, &push.nodes).await.unwrap();
    let repository = world.repository(&name).await;
    let clone = world.store.clone_of(repository.id).await.unwrap();
    std::fs::remove_dir_all(world.data().join("clones").join(clone.to_string())).unwrap();

    let found = world.differences(&name).await;
    Verifier { bringer: world.bringer.clone() }.mend(&repository, &found).await.unwrap();
    world.settle().await;
    let verified = run(&world, Vec::new(), &["verify"]).await;

    let history = [Difference::Stripped(stripped), Difference::ExtraPush(2)];
    assert_eq!((&found[..], world.differences(&name).await), (&history[..], history.to_vec()));
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    assert!(text(&verified).contains("came with a push, and is not in the clone"), "{}", text(&verified));
    assert!(world.changeset(stripped).await.known);
}
