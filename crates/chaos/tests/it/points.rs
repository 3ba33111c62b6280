//! A worker is killed at each named point in turn, and another takes over: the database is what a calm worker's is.

use elmo::domain::{Point, Vcs};
use elmo::store::{Batch, Parked};
use elmo_chaos::calm::Calm;
use elmo_chaos::outside::{News, Outside};
use elmo_chaos::place::{On, PATIENCE, Place, Servers};
use elmo_chaos::process::Process;
use elmo_chaos::report::{differences, dump};
use elmo_chaos::script::{Script, Step};
use elmo_chaos::struck::Strike;
use elmo_testbed::until;
use jiff::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The outside, a calm worker, and a place for one that is killed.
struct World {
    outside: Outside,
    calm: Calm,
    place: Place,
    script: Script,
    _folder: TempDir,
}

/// How long a worker may take to make up for one that was killed: parked results are looked for every half minute.
const LONGEST: Duration = Duration::from_secs(90);
const LOCALES: [&str; 4] = ["de", "fr", "it", "pl"];

impl World {
    async fn new() -> World {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let outside = Outside::new().await.unwrap();
        let calm = Calm::new(&folder.path().join("calm"), &outside).await.unwrap();
        let servers = Servers::of_this_run(on()).await.unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_chaos"));
        let place = Place::new(&folder.path().join("place"), program, &outside, servers, 1).await.unwrap();
        place.start().await.unwrap();
        let mut world = World { outside, calm, place, script: Script::new(1), _folder: folder };
        for locale in &LOCALES[..2] {
            world.happens(&Step::NewRepository { name: format!("l10n-central/{locale}"), drafts: false }).await;
        }
        world.until_the_same().await;
        world
    }

    /// Something happens, is taken by the calm worker, and told to the other.
    async fn happens(&mut self, step: &Step) {
        for news in self.script.play(step, &self.outside).await.unwrap() {
            self.calm.take(&news.message()).await.unwrap();
            self.place.send(&news).await.unwrap();
        }
    }

    /// A result that was set aside is due now.
    async fn a_result_is_parked(&mut self) {
        let news: Vec<News> = self.script.play(&Step::Result, &self.outside).await.unwrap();
        for news in news {
            self.calm.take(&news.message()).await.unwrap();
            let parked = Parked { message: news.message(), reason: "a story".to_owned(), next_try: Some(Timestamp::now()) };
            let batch = Batch { parked: vec![parked], ..Batch::default() };
            self.place.store.note(&batch, Timestamp::now()).await.unwrap();
        }
    }

    /// Everything that leads past a point, each way once: nothing of it is done before the worker runs.
    async fn a_round(&mut self, round: usize) {
        self.a_result_is_parked().await;
        self.happens(&Step::Remake { name: "l10n-central/de".to_owned() }).await;
        self.happens(&Step::Push { name: "l10n-central/fr".to_owned() }).await;
        self.happens(&Step::GitPush { branch: "main" }).await;
        self.happens(&Step::Result).await;
        let new = format!("l10n-central/{}{}", LOCALES[2], ["", "-AT", "-CH", "-SM", "-VA", "-HR", "-SI", "-MT", "-FR"][round]);
        self.happens(&Step::NewRepository { name: new, drafts: false }).await;
    }

    /// Waits until the database is what the calm worker's is; what differs for good is said.
    async fn until_the_same(&self) {
        let began = Instant::now();
        while began.elapsed() < LONGEST && !self.differences().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.differences().await, Vec::<String>::new());
    }

    async fn differences(&self) -> Vec<String> {
        differences(&dump(&self.place.store).await.unwrap(), &dump(&self.calm.store).await.unwrap())
    }
}

#[expect(clippy::disallowed_methods, reason = "the runner names the database by the environment")]
fn on() -> On {
    if std::env::var("ELMO_TEST_DATABASE").as_deref() == Ok("postgres") { On::Postgres } else { On::Sqlite }
}

/// Kills a worker at each of these points, and lets another go on.
async fn killed_at_each(points: &[Point]) {
    let mut world = World::new().await;
    for (round, point) in points.iter().enumerate() {
        world.place.workers[0].kill().await.unwrap();
        world.a_round(round).await;

        world.place.workers[0].start(Some(Strike { point: *point, times: 1 })).await.unwrap();
        let what = format!("the worker comes to {}", point.name());
        let is_dead = async || world.place.workers[0].with(Process::has_ended).await.unwrap();
        until(&what, PATIENCE, is_dead).await;
        // A parked result that the dead one had claimed is free again after ten minutes.
        std::fs::write(&world.place.workers[0].surroundings.clock, format!("{}", 700 * (round + 1))).unwrap();
        world.place.workers[0].start(None).await.unwrap();

        world.until_the_same().await;
    }
    let verified = world.place.run(&["verify"]).await.unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    assert!(world.place.store.repositories().await.unwrap().iter().any(|repository| repository.vcs == Vcs::Git));
}

/// The points by thirds, so that no story is long; each point is in one of them.
fn third(number: usize) -> &'static [Point] {
    Point::ALL.chunks(Point::ALL.len().div_ceil(3)).nth(number).unwrap()
}

#[tokio::test]
async fn nothing_is_lost_by_a_worker_that_is_killed_at_any_point_of_the_first_third() {
    killed_at_each(third(0)).await;
}

#[tokio::test]
async fn nothing_is_lost_by_a_worker_that_is_killed_at_any_point_of_the_second_third() {
    killed_at_each(third(1)).await;
}

#[tokio::test]
async fn nothing_is_lost_by_a_worker_that_is_killed_at_any_point_of_the_last_third() {
    killed_at_each(third(2)).await;
}
