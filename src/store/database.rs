//! The connection: SQLite in a file or PostgreSQL, behind one type. Transactions that step back and try again when another
//! worker was quicker.

use super::counts::Counted;
use super::dictionary::Dictionary;
use super::migrations;
use super::rows::Rows;
use super::touched::KnownPaths;
use crate::domain::Point;
use crate::figures::{TRANSACTIONS, outcome};
use crate::traces::Going;
use futures_util::TryStreamExt;
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Row, Transaction};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Something the database did not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database address must begin with sqlite: or postgres:")]
    Address,
    #[error("could not open the database")]
    Open { source: sqlx::Error },
    #[error("could not bring the database's tables up to date")]
    Migrate { source: sqlx::migrate::MigrateError },
    #[error(
        "this program is too old for the database: it knows the tables up to migration {known}, and {needed} is needed; \
         run the newer program"
    )]
    TooOld { known: i64, needed: i64 },
    #[error("the database's tables are not up to date, and may only be read; run elmo migrate as somebody who may write")]
    NotUpToDate { source: sqlx::Error },
    #[error("the database may only be read")]
    OnlyRead { source: sqlx::Error },
    #[error("the database did not do as asked")]
    Query { source: sqlx::Error },
    #[error("a name, URL or revision in the database is not one: {0}")]
    Content(String),
    #[error("{0}")]
    Conflict(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> StoreError {
        StoreError::Query { source }
    }
}

impl StoreError {
    /// The database is not there or busy: the same again later may work.
    pub fn may_pass(&self) -> bool {
        match self {
            StoreError::Open { source } | StoreError::Query { source } => is_passing(source),
            _ => false,
        }
    }
}

/// The database.
#[derive(Clone)]
pub struct Store {
    readers: AnyPool,
    /// SQLite has one writer at a time: a pool of one lets them queue here instead of polling its lock.
    writers: AnyPool,
    kind: Kind,
    dictionary: Arc<Mutex<Dictionary>>,
    paths: Arc<Mutex<KnownPaths>>,
    counted: Arc<Mutex<Option<Counted>>>,
}

/// A transaction that may write.
pub(super) struct Change {
    pub(super) tx: Transaction<'static, Any>,
    kind: Kind,
}

/// What transactions take turns at. SQLite has one writer at a time anyway; on PostgreSQL these are advisory locks, held until
/// the end of the transaction, without which a result and a push that are written at the same moment would not see each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Many may record pushes at once, but not while a result is recorded. To be taken first in a transaction.
    Pushes,
    /// One result at a time, and no pushes meanwhile. To be taken first in a transaction.
    Results,
    /// One settles at a time. To be taken last in a transaction that has [`Lock::Pushes`].
    Settling,
}

/// A statement over rows given as one JSON parameter, `[[…], …]`, once for each database.
pub(super) struct RowsSql {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// Writes a statement for both databases; `ROWS` stands for the rows of `$1`, each as `value`.
macro_rules! rows_sql {
    ($head:literal ROWS $tail:literal) => {
        $crate::store::database::rows_sql!([$head] ROWS [$tail])
    };
    // Parts may be macros that give a text.
    ([$($head:expr),+] ROWS [$($tail:expr),+]) => {
        $crate::store::database::RowsSql {
            sqlite: concat!($($head,)+ "json_each($1) as r", $($tail),+),
            postgres: concat!($($head,)+ "jsonb_array_elements($1::jsonb) as r(value)", $($tail),+),
        }
    };
}
pub(super) use rows_sql;

/// The future of one step of a change.
pub(super) type Step<'t, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>;

const TRIES: u32 = 8;
const SQLITE_CONNECTIONS: u32 = 4;

macro_rules! sqlite_settings {
    ($cache:literal) => {
        concat!(
            "pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 30000; pragma foreign_keys = on;
             pragma temp_store = memory; pragma cache_size = ",
            $cache
        )
    };
}
/// The writer touches pages all over the database, and each that it has let go it reads again: it may keep 32 MiB of them, as
/// far as there are so many. Readers share what the system has of the file (docs/decisions/0012).
const SQLITE_WRITER: &str = sqlite_settings!("-32000");
const SQLITE_READER: &str = sqlite_settings!("-8000; pragma mmap_size = 2147418112");
const POSTGRES_CONNECTIONS: u32 = 8;
/// Statements are written for one plan: to make it anew each time takes longer than most of them.
const POSTGRES_SESSION: &str = "set client_min_messages = warning; set jit = off; set random_page_cost = 1.1;
                                set max_parallel_workers_per_gather = 0; set plan_cache_mode = force_generic_plan";

impl Store {
    /// Opens the database at `sqlite:PATH` or `postgres://…` and brings its tables up to date, under a lock. Where they are that
    /// already, nothing is written.
    ///
    /// # Errors
    /// When it cannot be reached, a newer program has taken something away from its tables, or they are not up to date and
    /// may only be read.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let store = Store::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens the database as it is.
    pub async fn connect(url: &str) -> Result<Store, StoreError> {
        sqlx::any::install_default_drivers();
        let kind = kind_of(url)?;
        let (readers, writers) = match kind {
            Kind::Sqlite => {
                let url = with_creation(url);
                let writers = opened(sqlite_pool(1, SQLITE_WRITER), &url).await?;
                (opened(sqlite_pool(SQLITE_CONNECTIONS, SQLITE_READER), &url).await?, writers)
            }
            Kind::Postgres => {
                let pool = opened(postgres_pool(), url).await?;
                (pool.clone(), pool)
            }
        };
        Ok(Store { readers, writers, kind, dictionary: Arc::default(), paths: Arc::default(), counted: Arc::default() })
    }

    /// Brings the tables up to date; a second worker that starts at the same moment waits.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        if migrations::are_done(&self.readers, self.kind).await? {
            return Ok(());
        }
        let mut connection = self.writers.acquire().await?;
        migrations::run(&mut connection, self.kind).await
    }

    /// Asks whether this program may write, and changes nothing.
    ///
    /// # Errors
    /// When it may not, or the database does not say.
    pub async fn ask_to_write(&self) -> Result<(), StoreError> {
        let asked = self.change_nothing().await;
        asked.map_err(|source| if is_refusal(&source) { StoreError::OnlyRead { source } } else { source.into() })
    }

    async fn change_nothing(&self) -> Result<(), sqlx::Error> {
        let mut tx = self.writers.begin_with(begin(self.kind)).await?;
        sqlx::query(NO_CHANGE).execute(&mut *tx).await?;
        tx.rollback().await
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.readers.execute("select 1").await?;
        Ok(())
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    pub(super) fn writers(&self) -> &AnyPool {
        &self.writers
    }

    pub(super) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// Which text of a statement over rows this database takes.
    pub(super) fn text(&self, sql: &RowsSql) -> &'static str {
        text(self.kind, sql)
    }

    /// Reads rows that match a JSON parameter.
    pub(super) async fn rows_for(&self, sql: &RowsSql, rows: String) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(self.text(sql)).bind(rows).fetch_all(&self.readers).await?)
    }

    /// Reads the rows of a statement one after the other: thousands of them at once would be megabytes, each time.
    pub(super) async fn each_row<T>(
        &self,
        query: Query<'_, Any, AnyArguments>,
        read: impl Fn(&AnyRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        let add = |row: &AnyRow| {
            all.push(read(row)?);
            Ok(())
        };
        self.go_through(query, add).await?;
        Ok(all)
    }

    /// Looks at the rows of a statement one after the other; none is kept.
    pub(super) async fn go_through(
        &self,
        query: Query<'_, Any, AnyArguments>,
        mut look: impl FnMut(&AnyRow) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut found = query.fetch(&self.readers);
        while let Some(row) = found.try_next().await? {
            look(&row)?;
        }
        Ok(())
    }

    /// Carries out `change` in one transaction, again from the start when it collided with another worker's.
    pub(super) async fn write<I, T, F>(&self, input: &I, change: F) -> Result<T, StoreError>
    where
        I: Sync,
        F: for<'t> Fn(&'t mut Change, &'t I) -> Step<'t, T>,
    {
        let mut tries = 1;
        loop {
            let began = Instant::now();
            let done = self.write_once(input, &change).await;
            TRANSACTIONS.note([outcome(&done)], began.elapsed());
            match done {
                Err(StoreError::Query { source }) if is_collision(&source) && tries < TRIES => {
                    tracing::debug!(tries, error = %source, "two changes collided, trying again");
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(5..50) << tries.min(5))).await;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn write_once<I, T, F>(&self, input: &I, change: &F) -> Result<T, StoreError>
    where
        I: Sync,
        F: for<'t> Fn(&'t mut Change, &'t I) -> Step<'t, T>,
    {
        let commit = Going::commit();
        let done = self.write_untraced(input, change).await;
        if let Err(error) = &done {
            commit.failed(&error.to_string());
        }
        done
    }

    async fn write_untraced<I, T, F>(&self, input: &I, change: &F) -> Result<T, StoreError>
    where
        I: Sync,
        F: for<'t> Fn(&'t mut Change, &'t I) -> Step<'t, T>,
    {
        let mut change_of = Change { tx: self.writers.begin_with(begin(self.kind)).await?, kind: self.kind };
        let done = change(&mut change_of, input).await?;
        Point::ChangeWritten.pass();
        change_of.tx.commit().await?;
        Point::ChangeCommitted.pass();
        Ok(done)
    }

    /// Which files fit the filters asked for.
    pub(super) fn paths(&self) -> &Mutex<KnownPaths> {
        &self.paths
    }

    /// How much there was when it was counted last.
    pub(super) fn counted(&self) -> &Mutex<Option<Counted>> {
        &self.counted
    }

    pub(super) fn remembered<T>(&self, ask: impl FnOnce(&mut Dictionary) -> T) -> T {
        ask(&mut self.dictionary.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whoever may not write is told so, although there is no such repository.
const NO_CHANGE: &str = "update repository set announced_push = announced_push where id = 0";
const LOCK_PUSHES: &str = "select cast(pg_advisory_xact_lock_shared(7305500001) as text)";
const LOCK_RESULTS: &str = "select cast(pg_advisory_xact_lock(7305500001) as text)";
const LOCK_SETTLING: &str = "select cast(pg_advisory_xact_lock(7305500002) as text)";

impl Change {
    /// Waits for this transaction's turn.
    pub(super) async fn lock(&mut self, lock: Lock) -> Result<(), StoreError> {
        if self.kind == Kind::Postgres {
            let sql = match lock {
                Lock::Pushes => LOCK_PUSHES,
                Lock::Results => LOCK_RESULTS,
                Lock::Settling => LOCK_SETTLING,
            };
            sqlx::query(sql).fetch_one(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Which text of a statement over rows this database takes.
    pub(super) fn text(&self, sql: &RowsSql) -> &'static str {
        text(self.kind, sql)
    }

    /// Runs a statement over rows; gives how many rows it touched.
    pub(super) async fn run(&mut self, sql: &RowsSql, rows: String) -> Result<u64, StoreError> {
        let statement = sqlx::query(text(self.kind, sql)).bind(rows);
        Ok(statement.execute(&mut *self.tx).await?.rows_affected())
    }

    /// Runs a statement over rows, if there are any.
    pub(super) async fn run_unless_empty(&mut self, sql: &RowsSql, rows: Rows) -> Result<(), StoreError> {
        if !rows.is_empty() {
            self.run(sql, rows.done()).await?;
        }
        Ok(())
    }

    /// Runs a statement over rows that gives rows.
    pub(super) async fn fetch(&mut self, sql: &RowsSql, rows: String) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(text(self.kind, sql)).bind(rows).fetch_all(&mut *self.tx).await?)
    }
}

/// Reads the text in a column as a domain type that was checked when it was written.
pub(super) fn parsed<T: std::str::FromStr>(row: &AnyRow, column: &str) -> Result<T, StoreError>
where
    T::Err: std::fmt::Display,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error| StoreError::Content(format!("{column}: {error}")))
}

/// As [`parsed`], for a column that may be empty.
pub(super) fn parsed_option<T: std::str::FromStr>(row: &AnyRow, column: &str) -> Result<Option<T>, StoreError>
where
    T::Err: std::fmt::Display,
{
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|error| StoreError::Content(format!("{column}: {error}")))).transpose()
}

fn text(kind: Kind, sql: &RowsSql) -> &'static str {
    match kind {
        Kind::Sqlite => sql.sqlite,
        Kind::Postgres => sql.postgres,
    }
}

pub(super) fn kind_of(url: &str) -> Result<Kind, StoreError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Kind::Sqlite),
        Some("postgres" | "postgresql") => Ok(Kind::Postgres),
        _ => Err(StoreError::Address),
    }
}

fn with_creation(url: &str) -> String {
    if url.contains('?') { url.to_owned() } else { format!("{url}?mode=rwc") }
}

fn sqlite_pool(connections: u32, setting_up: &'static str) -> AnyPoolOptions {
    pool(connections, Duration::from_secs(60), setting_up)
}

/// Its notices stay away, else it tells the log at every start that its tables are there already. Statements are not compiled
/// to machine code: by the planner's guess, a settling of 400 runs would be worth it, and the compiler then takes ten times
/// as long as the statement (docs/benchmarks.md). Rows are looked up by an index even where they are some thousands, as is right
/// for what lies in memory or on no turning disk; and each statement keeps to one process, since there are many at once.
fn postgres_pool() -> AnyPoolOptions {
    pool(POSTGRES_CONNECTIONS, Duration::from_secs(10), POSTGRES_SESSION)
}

/// Up to so many connections, each waited for so long, that begin with `setting_up`.
pub(super) fn pool(connections: u32, patience: Duration, setting_up: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .idle_timeout(Duration::from_secs(60))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(setting_up).await?;
                Ok(())
            })
        })
}

/// Opens a pool. One that gives up does not say what stood in its way; a single connection does.
pub(super) async fn opened(pool: AnyPoolOptions, url: &str) -> Result<AnyPool, StoreError> {
    let source = match pool.connect(url).await {
        Ok(pool) => return Ok(pool),
        Err(timed_out @ sqlx::Error::PoolTimedOut) => AnyConnection::connect(url).await.err().unwrap_or(timed_out),
        Err(source) => source,
    };
    Err(StoreError::Open { source })
}

fn begin(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "begin immediate",
        Kind::Postgres => "begin",
    }
}

/// Whoever asks may not write: a role without the right to it, a replica (PostgreSQL), a file that is open for reading (SQLite).
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    matches!(&*code, "42501" | "25006") || is_sqlite_code(&code, &[SQLITE_READ_ONLY])
}

/// Another transaction was in the way: serialization failure, deadlock (PostgreSQL), busy or locked (SQLite).
fn is_collision(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01" | "5" | "6" | "261" | "262" | "517" | "518"))
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(refusal) => {
            let code = refusal.code().unwrap_or_default().into_owned();
            // PostgreSQL's classes for connections, resources and operators' interventions; SQLite's full disk and I/O errors.
            ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                || is_collision(error)
                || is_sqlite_trouble(&code)
        }
        _ => false,
    }
}

const SQLITE_READ_ONLY: i32 = 8;

fn is_sqlite_trouble(code: &str) -> bool {
    const IO: i32 = 10;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    is_sqlite_code(code, &[SQLITE_READ_ONLY, IO, FULL, CANNOT_OPEN])
}

/// The code of SQLite is one of these, or a kind of one of these.
fn is_sqlite_code(code: &str, kinds: &[i32]) -> bool {
    code.len() < 5 && code.parse::<i32>().is_ok_and(|code| kinds.contains(&(code & 0xff)))
}

/// Ends the borrow of `connection` in a transaction of its own, for the migrations.
pub(super) async fn begin_exclusive(connection: &mut sqlx::AnyConnection, kind: Kind) -> Result<Transaction<'_, Any>, sqlx::Error> {
    connection.begin_with(begin(kind)).await
}

#[cfg(test)]
mod tests {
    use super::Store;
    use sqlx::Row;

    /// A build that does not read `.cargo/config.toml` works as well, only slower; docs/decisions/0023.
    #[tokio::test]
    async fn sqlite_is_built_without_the_lock_under_which_it_counts_its_memory() {
        let store = Store::connect("sqlite::memory:").await.unwrap();
        let options = sqlx::query("pragma compile_options").fetch_all(store.readers()).await.unwrap();
        let options: Vec<String> = options.iter().map(|row| row.get(0)).collect();
        assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    }
}
