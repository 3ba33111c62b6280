//! An upstream host, a database, a folder for clones, and what Elmo does with them, step by step.

use super::database::Database;
use super::{Commit, PATIENCE};
use elmo::domain::{Clock, ForestName, HGPUSHES, Message, NewForest, Repository, RepositoryName, RepositoryUrl, State, UrlRules};
use elmo::fetch::{CloneSettings, Clones, GitClones, GitSettings, Http, HttpSettings, PrivateHosts};
use elmo::ingest::Ingest;
use elmo::store::{ChangesetRow, Found, PushFilter, PushRow, Store};
use elmo::sync::{Bringer, Difference, LaneSettings, Lanes, Verifier, quiet};
use elmo_testbed::Mercurial;
use elmo_upstream::{Options, Push, Upstream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Everything a story needs. The lanes work only when told to, so that a story is in command of what happens when.
pub(crate) struct World {
    pub(crate) upstream: Upstream,
    pub(crate) store: Store,
    pub(crate) bringer: Bringer,
    pub(crate) database: Database,
    ahead: Arc<AtomicI64>,
    pub(crate) ingest: Ingest,
    lanes: Lanes,
    folder: TempDir,
}

/// To those who are impatient, answers that take longer count as none.
const IMPATIENCE: Duration = Duration::from_secs(5);

impl World {
    pub(crate) async fn new() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::make(folder.path()).await;
        World::on(database, folder).await
    }

    /// A world whose database can be stopped, in which `l10n-central/fr` is followed and has one push.
    pub(crate) async fn on_a_database_of_its_own() -> (World, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::of_its_own(folder.path()).await;
        let world = World::on(database, folder).await;
        world.follow_forest("l10n-central", None).await;
        let name = world.add_repository("fr").await;
        (world, name)
    }

    async fn on(database: Database, folder: TempDir) -> World {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _ = tracing_subscriber::fmt().with_test_writer().with_max_level(tracing::Level::INFO).try_init();
        let options = Options { warm: Mercurial::of_this_run(), ..Options::default() };
        let upstream = Upstream::start(options).await.expect("the upstream starts");
        let store = Store::open(&database.url).await.expect("the database opens");
        let ahead = Arc::new(AtomicI64::new(0));
        let bringer = bringer(&store, &folder.path().join("data"), clock(&ahead));
        let ingest = Ingest::new(store.clone(), UrlRules::OnlyHttp, clock(&ahead));
        let lanes = Lanes::new(bringer.clone(), LaneSettings::default(), "story");
        World { upstream, store, bringer, database, ahead, ingest, lanes, folder }
    }

    /// A world in which the forest `l10n-central` is followed.
    pub(crate) async fn with_forest() -> World {
        let world = World::new().await;
        world.follow_forest("l10n-central", None).await;
        world
    }

    /// A world in which `l10n-central/<locale>` is followed and has one push.
    pub(crate) async fn with_repository(locale: &str) -> (World, String) {
        let world = World::with_forest().await;
        let name = world.add_repository(locale).await;
        (world, name)
    }

    /// `l10n-central/<locale>` comes into being with one push.
    pub(crate) async fn add_repository(&self, locale: &str) -> String {
        let name = format!("l10n-central/{locale}");
        self.upstream.create(&name).await.expect("a repository");
        let push = self.push(&name, "first").await;
        self.announce(&name, &push).await;
        self.settle().await;
        name
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) async fn follow_forest(&self, name: &str, fork_of: Option<&str>) {
        self.follow_forest_in(&self.store, name, fork_of).await;
    }

    /// The same in another database.
    pub(crate) async fn follow_forest_in(&self, store: &Store, name: &str, fork_of: Option<&str>) {
        let forest = NewForest {
            name: name.parse().unwrap(),
            url: self.url(name),
            fork_of: fork_of.map(|origin| origin.parse::<ForestName>().unwrap()),
        };
        store.add_forest(&forest).await.expect("the forest is followed");
    }

    fn url(&self, name: &str) -> RepositoryUrl {
        RepositoryUrl::parse(&self.upstream.url_of(name), UrlRules::OnlyHttp).unwrap()
    }

    /// Somebody pushes one changeset that writes one file.
    pub(crate) async fn push(&self, name: &str, description: &str) -> Push {
        let commit = Commit::new(description).file("browser/menu.ftl", format!("item = {description}\n"));
        self.push_all(name, [commit]).await
    }

    pub(crate) async fn push_all(&self, name: &str, commits: impl IntoIterator<Item = Commit>) -> Push {
        self.upstream.push(name, "flod@example.org", commits).await.expect("a push")
    }

    /// The host's message about a push arrives.
    pub(crate) async fn announce(&self, name: &str, push: &Push) {
        self.deliver(self.message(name, push)).await;
    }

    pub(crate) fn message(&self, name: &str, push: &Push) -> Message {
        sent(self.upstream.message_for_push(name, push).expect("a message"))
    }

    pub(crate) fn message_newrepo(&self, name: &str) -> Message {
        sent(self.upstream.message_newrepo(name).expect("a message"))
    }

    pub(crate) fn message_without_pushes(&self, name: &str) -> Message {
        sent(self.upstream.message_without_pushes(name).expect("a message"))
    }

    /// A message that says that a changeset nobody here has was replaced by another such.
    pub(crate) fn message_about_unknown(&self, name: &str, node: &str) -> Message {
        let (url, successor) = (self.upstream.url_of(name), "c".repeat(40));
        let body = format!(
            r#"{{"payload": {{"type": "obsolete.1", "data": {{"repo_url": "{url}", "markers": [{{
                "precursor": {{"node": "{node}", "known": false, "visible": null, "desc": null, "push": null}},
                "successors": [{{"node": "{successor}", "known": true, "visible": true, "desc": "MojibakÃ©", "push": null}}],
                "user": "Test User", "time": 1795485784.0}}]}}}}}}"#
        );
        Message { exchange: HGPUSHES.to_owned(), routing_key: name.to_owned(), body: body.into_bytes(), root: None }
    }

    pub(crate) async fn deliver(&self, message: Message) {
        self.ingest.take(&[message]).await.expect("the message is taken");
    }

    pub(crate) async fn deliver_all(&self, messages: &[Message]) {
        self.ingest.take(messages).await.expect("the messages are taken");
    }

    /// A message with this body arrives.
    pub(crate) async fn deliver_body(&self, body: impl AsRef<[u8]>) {
        let message =
            Message { exchange: HGPUSHES.to_owned(), routing_key: "any".to_owned(), body: body.as_ref().to_vec(), root: None };
        self.deliver(message).await;
    }

    /// The lanes do what is due now.
    pub(crate) async fn settle(&self) {
        self.lanes.work_off().await.expect("the lanes work");
    }

    /// The lanes do what is due, and give a host that does not answer up soon, which a busy one may be as well.
    pub(crate) async fn settle_impatiently(&self) {
        let bringer = Bringer { http: http(IMPATIENCE), ..self.bringer.clone() };
        Lanes::new(bringer, LaneSettings::default(), "impatient").work_off().await.expect("the lanes work");
    }

    /// Time passes, and the lanes do what has become due.
    pub(crate) async fn later(&self, by: Duration) {
        self.ahead.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
        self.settle().await;
    }

    /// A push as the pushlog shows it.
    pub(crate) fn pushlog_entry(&self, name: &str, id: u64) -> String {
        let push = self.upstream.find_push(name, id).expect("the push is there");
        let nodes: Vec<String> = push.nodes.iter().map(|node| format!("\"{node}\"")).collect();
        format!(r#"{{"changesets": [{}], "date": {}, "user": "{}"}}"#, nodes.join(", "), push.date, push.user)
    }

    /// The timer strikes: everything is looked at.
    pub(crate) async fn look_at_everything(&self) {
        let now = self.bringer.clock.now();
        self.store.want_all(now, now).await.expect("everything is wanted");
        self.settle().await;
    }

    pub(crate) async fn repository(&self, name: &str) -> Repository {
        self.store.repository(&name.parse().unwrap()).await.unwrap().unwrap_or_else(|| panic!("{name} is not followed"))
    }

    /// The repository is complete up to this push, and the database is what the host has.
    pub(crate) async fn assert_complete(&self, name: &str, last_push: u64) {
        let repository = self.repository(name).await;
        assert_eq!((repository.state(), repository.last_push), (State::Complete, last_push), "{repository:?}");
        assert_eq!(self.differences(name).await, []);
    }

    pub(crate) async fn differences(&self, name: &str) -> Vec<Difference> {
        let repository = self.repository(name).await;
        let clone = self.store.clone_of(repository.id).await.unwrap();
        Verifier { bringer: self.bringer.clone() }.differences(&repository, &clone).await.expect("the host answers")
    }

    /// The pushes of a repository, newest first.
    pub(crate) async fn pushes(&self, name: &str) -> Vec<PushRow> {
        let repository = self.repository(name).await;
        let filter = PushFilter { repositories: Some(vec![repository.id]), length: 1000, ..PushFilter::default() };
        self.store.pushes(&filter).await.unwrap().pushes
    }

    pub(crate) async fn changeset(&self, node: impl std::fmt::Display) -> ChangesetRow {
        match self.store.changeset(&node.to_string()).await.unwrap() {
            Found::One(changeset) => *changeset,
            other => panic!("{node}: {other:?}"),
        }
    }

    /// How many messages came to this outcome.
    pub(crate) async fn counted(&self, outcome: &str) -> i64 {
        let counts = self.store.message_counts().await.unwrap();
        counts.iter().filter(|count| count.outcome == outcome).map(|count| count.count).sum()
    }

    pub(crate) async fn parked_reasons(&self) -> Vec<String> {
        self.store.parked(0, 1000).await.unwrap().into_iter().map(|row| row.reason).collect()
    }

    /// Waits until the repository is complete up to this push, while workers work.
    pub(crate) async fn until_complete(&self, name: &str, last_push: u64) {
        let name: RepositoryName = name.parse().unwrap();
        super::until(&format!("{name} complete up to push {last_push}"), PATIENCE, async || {
            let repository = self.store.repository(&name).await.ok().flatten();
            repository.is_some_and(|repository| repository.state() == State::Complete && repository.last_push >= last_push)
        })
        .await;
    }

    /// Changes the database behind Elmo's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut connection = self.database.connect().await;
        sqlx::query(sql).execute(&mut connection).await.expect("the statement runs");
    }

    /// Lets nobody write changesets until dropped.
    pub(crate) async fn hold_changesets(&self) -> sqlx::AnyConnection {
        self.hold(if self.database.is_a_server() { "begin; lock table changeset in exclusive mode" } else { "begin immediate" })
            .await
    }

    /// Holds what a program holds that brings the tables up to date, until dropped.
    pub(crate) async fn hold_tables(&self) -> sqlx::AnyConnection {
        let on_a_server = "begin; lock table _sqlx_migrations in access exclusive mode";
        self.hold(if self.database.is_a_server() { on_a_server } else { "begin immediate" }).await
    }

    /// Lets nobody read repositories until dropped; on SQLite there is no such hold.
    pub(crate) async fn hold_readers(&self) -> Option<sqlx::AnyConnection> {
        if !self.database.is_a_server() {
            return None;
        }
        Some(self.hold("begin; lock table repository in access exclusive mode").await)
    }

    async fn hold(&self, begin: &'static str) -> sqlx::AnyConnection {
        let mut connection = self.database.connect().await;
        sqlx::raw_sql(begin).execute(&mut connection).await.expect("it is held");
        connection
    }

    /// How many wait for what somebody holds, on PostgreSQL.
    pub(crate) async fn held_up(&self) -> i64 {
        let mut connection = self.database.connect().await;
        let waiting = "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database
                       where not granted and datname = current_database()";
        sqlx::query_scalar(waiting).fetch_one(&mut connection).await.expect("locks are listed")
    }

    /// A second set of lanes on the same database, as another worker with a data folder of its own.
    pub(crate) fn another_worker(&self, name: &str) -> Lanes {
        let bringer = bringer(&self.store, &self.folder.path().join(name), clock(&self.ahead));
        Lanes::new(bringer, LaneSettings::default(), name)
    }

    /// Another worker that shares the data folder.
    pub(crate) fn worker_beside(&self, name: &str) -> Lanes {
        Lanes::new(self.bringer.clone(), LaneSettings::default(), name)
    }
}

/// Everything that a database holds, as `elmo verify --dump` prints it.
pub(crate) async fn dump(store: &Store) -> Vec<String> {
    let mut lines = Vec::new();
    let keep = |line: &str| {
        lines.push(line.to_owned());
        Ok(())
    };
    store.dump(keep).await.expect("the database is dumped");
    lines
}

fn bringer(store: &Store, data: &Path, clock: Clock) -> Bringer {
    let limits = CloneSettings { clone_time: Duration::from_secs(300), pull_time: PATIENCE, aside_bytes: 1 << 30 };
    Bringer {
        store: store.clone(),
        http: http(PATIENCE),
        clones: Clones::new(data, Path::new("hg"), 2, limits),
        git: GitClones::new(data, Path::new("git"), git_settings()).with_http(http(PATIENCE)),
        clock,
        watcher: quiet(),
    }
}

fn git_settings() -> GitSettings {
    let time = Duration::from_secs(20);
    GitSettings { clone_time: time, fetch_time: time, files_too: true, tokens: Vec::new() }
}

fn http(time: Duration) -> Http {
    let private_hosts = PrivateHosts::new(vec!["127.0.0.1".to_owned()]);
    Http::new(HttpSettings { time, private_hosts, ..HttpSettings::default() }).expect("HTTP is set up")
}

fn clock(ahead: &Arc<AtomicI64>) -> Clock {
    let ahead = Arc::clone(ahead);
    Clock::that_says(move || {
        let now = jiff::Timestamp::now().as_microsecond() + ahead.load(Ordering::SeqCst);
        jiff::Timestamp::from_microsecond(now).expect("stories end before the year 9999")
    })
}

fn sent(message: elmo_upstream::Message) -> Message {
    Message { exchange: message.exchange.to_owned(), routing_key: message.routing_key, body: message.body, root: None }
}
