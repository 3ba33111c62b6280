//! One cluster goes through its whole life.

use elmo_testbed::{Cable, Postgres};
use sqlx::{Connection, PgConnection};

use crate::processes::{processes_of, until_nothing_is_left_of};

#[tokio::test]
async fn a_cluster_keeps_what_was_committed_and_leaves_nothing_behind() {
    let postgres = Postgres::start().await.unwrap();
    let folder = folder_of(&postgres);

    let template = postgres.create_database(None).await.unwrap();
    write_a_word(&template).await;
    let copy = postgres.create_database(Some(&template)).await.unwrap();
    assert_ne!(copy, template);
    assert_eq!(words(&copy).await, ["kiwi"]);
    assert_eq!(words(&postgres.socket_url(&copy)).await, ["kiwi"]);

    let cable = Cable::to(postgres.addr()).await.unwrap();
    assert_eq!(words(&postgres.url_via(cable.addr(), &copy)).await, ["kiwi"]);
    cable.cut().await;
    assert!(PgConnection::connect(&postgres.url_via(cable.addr(), &copy)).await.is_err());

    let mut open = PgConnection::connect(&copy).await.unwrap();
    let port = postgres.port();
    postgres.kill().await.unwrap();
    assert!(open.ping().await.is_err());
    assert_eq!(processes_of(&format!("{folder}/data")), Vec::<String>::new());
    postgres.restart().await.unwrap();
    assert_eq!(postgres.port(), port);
    assert_eq!(words(&copy).await, ["kiwi"]);

    postgres.drop_database(&copy).await.unwrap();
    assert!(PgConnection::connect(&copy).await.is_err());

    drop(postgres);
    until_nothing_is_left_of(&folder).await;
}

#[tokio::test]
async fn a_durable_cluster_syncs_and_a_shared_one_cannot_be_killed() {
    let durable = Postgres::start_durable().await.unwrap();
    let mut connection = PgConnection::connect(&durable.url("postgres")).await.unwrap();
    let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut connection).await.unwrap();
    assert_eq!(fsync, "on");

    let shared = Postgres::of_this_run().await.unwrap();
    let url = shared.create_database(None).await.unwrap();
    let error = shared.kill().await.unwrap_err().to_string();
    drop(shared);

    assert!(error.contains("shared by the whole run"), "{error}");
    write_a_word(&url).await;
}

pub(crate) fn folder_of(postgres: &Postgres) -> String {
    let url = postgres.socket_url("any");
    url.split("host=").nth(1).unwrap().to_owned()
}

async fn write_a_word(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE words (word text); INSERT INTO words VALUES ('kiwi')").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn words(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let words = sqlx::query_scalar("SELECT word FROM words").fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    words
}
