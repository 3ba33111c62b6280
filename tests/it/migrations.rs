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
async fn what_was_kept_before_results_came_is_kept() {
    let (world, name) = World::with_repository("fr").await;
    world.deliver_body("no message").await;
    let before = (world.repository(&name).await, world.pushes(&name).await, world.parked_reasons().await);
    for sql in [
        "drop table twin",
        "drop table compatibility",
        "alter table repository drop column wished_at",
        "alter table repository drop column wish_trace",
        "drop table push_locale",
        "drop table queue_binding",
        "drop table file_locale",
        "drop table repository_event",
        "drop table push_dropped",
        "drop table notice",
        "drop table branch_head",
        "drop index push_seen",
        "drop index push_target",
        "alter table push drop column branch",
        "alter table push drop column origin",
        "alter table push drop column target",
        "alter table push drop column seen",
        "drop index repository_host_number",
        "alter table repository drop column host_number",
        "alter table repository drop column branches",
        "alter table repository drop column locale_rules",
        "drop table queue_depth",
        "alter table repository drop column lease_since",
        "drop table version",
        "alter table message_count drop column last_at",
        "drop index push_newest",
        "drop index push_of_repository",
        "create index push_date on push (date)",
        "drop index run_of_tree",
        "drop table active",
        "drop table run_revision",
        "drop table run",
        "drop table artifact",
        "drop table task_result",
        "drop table tree",
        "drop table compared_repository",
        "drop index parked_due",
        "alter table parked drop column root",
        "alter table parked drop column due_at",
        "alter table parked drop column tries",
        "delete from _sqlx_migrations where version >= 2",
    ] {
        world.execute(sql).await;
    }

    let store = Store::open(&world.database.url).await.unwrap();

    assert_eq!((world.repository(&name).await, world.pushes(&name).await, world.parked_reasons().await), before);
    assert_eq!(store.trees().await.unwrap(), []);
    assert_eq!(store.parked(0, 10).await.unwrap()[0].next_try, None);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["mysql://h/d", "elmo.sqlite", ""] {
        assert!(Store::open(url).await.is_err(), "{url}");
    }
}
