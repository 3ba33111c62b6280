//! The tables.

use crate::support::World;
use elmo::store::Store;

#[tokio::test]
async fn opening_a_database_again_changes_nothing() {
    let (world, name) = World::with_repository("fr").await;
    let again = Store::open(&world.database.url).await.unwrap();
    assert_eq!(again.repository(&name.parse().unwrap()).await.unwrap(), Some(world.repository(&name).await));
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["mysql://h/d", "elmo.sqlite", ""] {
        assert!(Store::open(url).await.is_err(), "{url}");
    }
}
