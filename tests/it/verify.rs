//! The database held against clones and pushlogs.

use crate::support::World;
use elmo::sync::{Difference, Verifier};

#[tokio::test]
async fn a_lost_file_a_lost_push_and_a_foreign_changeset_are_found_and_mended() {
    let (world, name) = World::with_repository("fr").await;
    let push = world.push(&name, "second").await;
    world.announce(&name, &push).await;
    world.settle().await;
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
