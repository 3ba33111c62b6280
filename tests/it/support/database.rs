//! A database of its own for each story: a file, or a database of the run's PostgreSQL.

use elmo_testbed::Postgres;
use sqlx::{AnyConnection, Connection};
use std::path::Path;

/// An empty database.
pub(crate) struct Database {
    pub(crate) url: String,
    postgres: Option<Postgres>,
    held: Option<AnyConnection>,
}

impl Database {
    /// On the servers of this run.
    pub(crate) async fn make(folder: &Path) -> Database {
        Database::on(Postgres::of_this_run(), folder).await
    }

    /// On a server of its own, which can be stopped.
    pub(crate) async fn of_its_own(folder: &Path) -> Database {
        Database::on(Postgres::start(), folder).await
    }

    /// A connection beside the program's.
    pub(crate) async fn connect(&self) -> AnyConnection {
        AnyConnection::connect(&self.url).await.expect("the database opens")
    }

    /// A server can be gone; a file can only be locked.
    pub(crate) fn is_a_server(&self) -> bool {
        self.postgres.is_some()
    }

    /// The server is killed; a file is locked by somebody.
    pub(crate) async fn stop(&mut self) {
        match &self.postgres {
            Some(postgres) => postgres.kill().await.expect("PostgreSQL is killed"),
            None => {
                let mut connection = self.connect().await;
                sqlx::query("begin exclusive").execute(&mut connection).await.expect("the file is locked");
                self.held = Some(connection);
            }
        }
    }

    /// Ends what [`Database::stop`] began.
    pub(crate) async fn start(&mut self) {
        self.held = None;
        if let Some(postgres) = &self.postgres {
            postgres.restart().await.expect("PostgreSQL starts again");
        }
    }

    async fn on(server: impl Future<Output = anyhow::Result<Postgres>>, folder: &Path) -> Database {
        if !on_postgres() {
            let url = format!("sqlite:{}", folder.join("elmo.sqlite").display());
            return Database { url, postgres: None, held: None };
        }
        let postgres = server.await.expect("PostgreSQL starts");
        let url = postgres.create_database(None).await.expect("a database is made");
        Database { url, postgres: Some(postgres), held: None }
    }
}

#[expect(clippy::disallowed_methods, reason = "the runner names the database by the environment")]
fn on_postgres() -> bool {
    match std::env::var("ELMO_TEST_DATABASE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("ELMO_TEST_DATABASE={other} is neither sqlite nor postgres"),
    }
}
