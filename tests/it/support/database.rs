//! A database of its own for each story: a file, or a database of the run's PostgreSQL.

use elmo_testbed::Postgres;
use std::path::Path;

/// An empty database.
pub(crate) struct Database {
    pub(crate) url: String,
    _postgres: Option<Postgres>,
}

impl Database {
    #[expect(clippy::disallowed_methods, reason = "the runner names the database by the environment")]
    pub(crate) async fn make(folder: &Path) -> Database {
        match std::env::var("ELMO_TEST_DATABASE").as_deref() {
            Ok("postgres") => {
                let postgres = Postgres::of_this_run().await.expect("PostgreSQL starts");
                let url = postgres.create_database(None).await.expect("a database is made");
                Database { url, _postgres: Some(postgres) }
            }
            Ok("sqlite") | Err(_) => Database { url: format!("sqlite:{}", folder.join("elmo.sqlite").display()), _postgres: None },
            Ok(other) => panic!("ELMO_TEST_DATABASE={other} is neither sqlite nor postgres"),
        }
    }
}
