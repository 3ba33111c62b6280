//! Faults: what strikes workers, broker, database and clones, one after the other at moments of the seed; and what goes wrong outside.

use crate::damage;
use crate::outside::{GIT, Outside};
use crate::place::{LEASE, PATIENCE, Place, QUEUES, Worker};
use crate::process::Process;
use crate::report::Report;
use crate::struck::Strike;
use anyhow::Context;
use elmo::domain::Point;
use elmo_upstream::{Fault, Scope, git};
use fastrand::Rng;
use rustix::process::Signal;
use sqlx::{AnyConnection, Connection};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kill,
    KillAtPoint,
    Sleep,
    BrokerKilled,
    BrokerRestarted,
    QueueDeleted,
    CableCut,
    CableFrozen,
    MemoryAlarm,
    DatabaseKilled,
    ConnectionsEnded,
    Deadlock,
    Serializable,
    ProgramKilled,
    ProgramHung,
    CloneDamaged,
    DiskFull,
    ClockSetBack,
}

const KINDS: &[Kind] = &[
    Kind::Kill,
    Kind::KillAtPoint,
    Kind::KillAtPoint,
    Kind::KillAtPoint,
    Kind::Sleep,
    Kind::BrokerKilled,
    Kind::BrokerRestarted,
    Kind::QueueDeleted,
    Kind::CableCut,
    Kind::CableFrozen,
    Kind::MemoryAlarm,
    Kind::DatabaseKilled,
    Kind::ConnectionsEnded,
    Kind::Deadlock,
    Kind::Serializable,
    Kind::ProgramKilled,
    Kind::ProgramHung,
    Kind::CloneDamaged,
    Kind::DiskFull,
    Kind::ClockSetBack,
];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Kill => "fault: worker killed",
            Kind::KillAtPoint => "fault: worker killed at a named point",
            Kind::Sleep => "fault: worker stopped for longer than its lease",
            Kind::BrokerKilled => "fault: broker killed",
            Kind::BrokerRestarted => "fault: broker restarted",
            Kind::QueueDeleted => "fault: queue deleted",
            Kind::CableCut => "fault: connections to the broker cut",
            Kind::CableFrozen => "fault: connections to the broker frozen",
            Kind::MemoryAlarm => "fault: memory alarm of the broker",
            Kind::DatabaseKilled => "fault: database killed",
            Kind::ConnectionsEnded => "fault: connections to the database ended",
            Kind::Deadlock => "fault: deadlock in the database",
            Kind::Serializable => "fault: transactions of the database serializable",
            Kind::ProgramKilled => "fault: hg or git killed",
            Kind::ProgramHung => "fault: hg or git hung",
            Kind::CloneDamaged => "fault: clone damaged",
            Kind::DiskFull => "fault: disk full",
            Kind::ClockSetBack => "fault: clock set back an hour",
        }
    }

    /// There is no server to strike where the database is a file, and the machine's own disk is left alone.
    fn can_strike(self, place: &Place) -> bool {
        match self {
            Kind::DatabaseKilled | Kind::ConnectionsEnded | Kind::Deadlock | Kind::Serializable => place.postgres.is_some(),
            Kind::DiskFull => !place.small_disks.is_empty(),
            _ => true,
        }
    }
}

/// A worker has so long to come to the point at which it is killed.
const TO_THE_POINT: Duration = Duration::from_secs(8);
const AN_HOUR_BACK: &str = "-3600";
const STRICT: &str = "do $$ begin
    execute format('alter database %I set default_transaction_isolation = serializable', current_database());
end $$";
const USUAL: &str = "do $$ begin
    execute format('alter database %I reset default_transaction_isolation', current_database());
end $$";

/// What strikes, while the script is played.
pub struct Striker<'a> {
    random: Mutex<Rng>,
    place: &'a Place,
    report: &'a Report,
    is_over: &'a AtomicBool,
    lost: Mutex<Option<(Instant, Instant)>>,
}

impl<'a> Striker<'a> {
    /// The faults of a seed.
    pub fn new(seed: u64, place: &'a Place, report: &'a Report, is_over: &'a AtomicBool) -> Striker<'a> {
        Striker { random: Mutex::new(Rng::with_seed(seed ^ 2)), place, report, is_over, lost: Mutex::new(None) }
    }

    /// Strikes until it is over; undoes each fault before the next.
    ///
    /// # Errors
    /// When a fault could not be done or undone.
    pub async fn strike(&self) -> anyhow::Result<()> {
        while !self.is_over.load(Ordering::SeqCst) && self.report.is_well() {
            sleep(Duration::from_millis(self.roll(200..1500))).await;
            let kind = KINDS[self.choose(KINDS.len())];
            if !kind.can_strike(self.place) {
                continue;
            }
            self.report.tell(&format!("{} …", kind.name()));
            let struck = tokio::time::timeout(PATIENCE, self.one(kind)).await;
            struck.with_context(|| format!("{kind:?} took longer than {PATIENCE:?}"))?.with_context(|| format!("{kind:?}"))?;
            self.report.tell(&format!("{} is over", kind.name()));
            self.report.count(kind.name());
            self.revive().await?;
        }
        Ok(())
    }

    /// When a queue was lost since this was asked last: what was in it is to be said again.
    pub fn lost_queue(&self) -> Option<(Instant, Instant)> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn one(&self, kind: Kind) -> anyhow::Result<()> {
        let (place, while_it_lasts) = (self.place, Duration::from_millis(self.roll(300..2500)));
        match kind {
            Kind::Kill => self.worker().kill().await,
            Kind::KillAtPoint => self.kill_at_point().await,
            Kind::Sleep => self.put_to_sleep().await,
            Kind::BrokerKilled => {
                let began = Instant::now();
                place.rabbit.kill().await?;
                sleep(while_it_lasts).await;
                place.rabbit.restart().await?;
                self.queue_was_lost(began);
                Ok(())
            }
            Kind::BrokerRestarted => {
                let began = Instant::now();
                place.rabbit.stop().await?;
                place.rabbit.restart().await?;
                self.queue_was_lost(began);
                Ok(())
            }
            Kind::QueueDeleted => {
                let began = Instant::now();
                let queue = QUEUES[self.choose(QUEUES.len())];
                place.rabbit.delete_queue(&place.vhost, queue).await?;
                self.until_consumed(queue).await;
                self.queue_was_lost(began);
                Ok(())
            }
            Kind::CableCut => {
                place.cable.cut().await;
                sleep(while_it_lasts).await;
                place.cable.mend().await
            }
            Kind::CableFrozen => {
                place.cable.freeze_towards_client();
                sleep(while_it_lasts).await;
                place.cable.freeze_towards_server();
                sleep(while_it_lasts).await;
                place.cable.thaw();
                Ok(())
            }
            Kind::MemoryAlarm => {
                place.rabbit.raise_memory_alarm().await?;
                sleep(while_it_lasts).await;
                place.rabbit.clear_memory_alarm().await
            }
            Kind::DatabaseKilled => {
                let postgres = place.postgres.as_ref().context("there is a server")?;
                postgres.kill().await?;
                sleep(while_it_lasts).await;
                postgres.restart().await
            }
            Kind::ConnectionsEnded => self.end_connections().await,
            Kind::Deadlock => self.force_deadlock().await,
            Kind::Serializable => {
                self.set_isolation(STRICT).await?;
                sleep(while_it_lasts + LEASE).await;
                self.set_isolation(USUAL).await
            }
            Kind::ProgramKilled => self.tell_program(Signal::KILL, Duration::ZERO).await,
            Kind::ProgramHung => self.tell_program(Signal::STOP, while_it_lasts + LEASE).await,
            Kind::CloneDamaged => {
                let worker = self.worker();
                let seed = self.roll(0..u64::MAX);
                damage::damage_a_clone(&worker.surroundings.data, seed)
            }
            Kind::DiskFull => {
                let full = place.small_disks[self.choose(place.small_disks.len())].folder.join("full");
                damage::fill(&full)?;
                sleep(while_it_lasts + LEASE).await;
                Ok(std::fs::remove_file(full)?)
            }
            Kind::ClockSetBack => {
                let clock = &self.worker().surroundings.clock;
                std::fs::write(clock, AN_HOUR_BACK)?;
                sleep(while_it_lasts + LEASE).await;
                Ok(std::fs::write(clock, "0")?)
            }
        }
    }

    async fn kill_at_point(&self) -> anyhow::Result<()> {
        let worker = self.worker();
        let strike = Strike { point: Point::ALL[self.choose(Point::ALL.len())], times: self.roll(1..4) };
        worker.kill().await?;
        worker.start(Some(strike)).await?;
        let began = Instant::now();
        while began.elapsed() < TO_THE_POINT && !self.is_over.load(Ordering::SeqCst) {
            if worker.with(Process::has_ended).await? {
                self.report.count(format!("killed at: {}", strike.point.name()));
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        worker.kill().await
    }

    async fn put_to_sleep(&self) -> anyhow::Result<()> {
        let worker = self.worker();
        worker.with(|process| process.tell(Signal::STOP)).await?;
        sleep(LEASE + Duration::from_secs(1)).await;
        worker.with(|process| process.tell(Signal::CONT)).await
    }

    async fn until_consumed(&self, queue: &str) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.place.rabbit.consumers(&self.place.vhost, queue).await.ok().flatten().unwrap_or(0) > 0 {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn queue_was_lost(&self, began: Instant) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let from = lost.map_or(began, |(from, _)| from);
        *lost = Some((from, Instant::now()));
    }

    /// Sets how transactions are kept apart that begin from now on; serializable ones fail where they collide.
    async fn set_isolation(&self, isolation: &'static str) -> anyhow::Result<()> {
        let mut connection = AnyConnection::connect(&self.place.database).await?;
        sqlx::raw_sql(isolation).execute(&mut connection).await?;
        connection.close().await?;
        self.end_connections().await
    }

    async fn end_connections(&self) -> anyhow::Result<()> {
        let mut connection = AnyConnection::connect(&self.place.database).await?;
        let end = "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
                   where pid <> pg_backend_pid() and datname = current_database()) as ended";
        sqlx::query(end).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Takes locks in the order opposite to a worker's, so that one of the two has to give way.
    async fn force_deadlock(&self) -> anyhow::Result<()> {
        let mut connection = AnyConnection::connect(&self.place.database).await?;
        sqlx::raw_sql("begin; lock table changeset in exclusive mode").execute(&mut connection).await?;
        sleep(Duration::from_millis(500)).await;
        // Whichever of the two is given up, it was a deadlock.
        let _ = sqlx::raw_sql("lock table repository in access exclusive mode; rollback").execute(&mut connection).await;
        Ok(connection.close().await?)
    }

    async fn tell_program(&self, signal: Signal, for_so_long: Duration) -> anyhow::Result<()> {
        let Some(pid) = self.worker().with(|process| process.pid()).await? else { return Ok(()) };
        let told = damage::tell_programs_of(pid, signal);
        sleep(for_so_long).await;
        if signal == Signal::STOP {
            damage::tell(&told, Signal::CONT);
        }
        Ok(())
    }

    /// A worker that has ended is started again, as its supervisor would.
    async fn revive(&self) -> anyhow::Result<()> {
        for worker in &self.place.workers {
            if worker.with(Process::has_ended).await.unwrap_or(true) {
                worker.start(None).await?;
            }
        }
        Ok(())
    }

    fn worker(&self) -> &'a Worker {
        &self.place.workers[self.choose(self.place.workers.len())]
    }

    fn roll(&self, among: Range<u64>) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).u64(among)
    }

    fn choose(&self, length: usize) -> usize {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).usize(..length)
    }

    /// Now and then the hosts are down, slow, or lie, until [`Striker::calm_outside`].
    ///
    /// # Errors
    /// When a host cannot stop.
    pub async fn trouble_outside(&self, outside: &Outside) -> anyhow::Result<()> {
        let (choice, wait) = (self.roll(0..40), Duration::from_millis(self.roll(200..2000)));
        let (hg, git) = (outside.hg.faults_everywhere(), outside.git.faults(GIT));
        let what = match choice {
            0 => {
                outside.hg.stop_listening().await?;
                outside.git.stop_listening().await?;
                "down"
            }
            1 => {
                hg.set(Fault::Delay(wait / 2));
                git.set(git::Fault::Delay(wait / 2));
                "slow"
            }
            2 => {
                hg.set(Fault::Lag(2));
                git.set(git::Fault::Lag(2));
                "behind"
            }
            3 => {
                hg.set(Fault::CutShort);
                git.set(git::Fault::CutShort);
                outside.tasks.break_at(elmo_queue::Place::Bytes, elmo_queue::Fault::Cut, None);
                "cutting answers short"
            }
            4 => {
                hg.set(Fault::Html200);
                git.set(git::Fault::Html200);
                "answering with HTML"
            }
            5 => {
                hg.set(Fault::status(429));
                git.set(git::Fault::Status(429));
                outside.tasks.break_at(elmo_queue::Place::Artifact, elmo_queue::Fault::Status(429), None);
                "answering 429"
            }
            6 => {
                hg.set(Fault::RefuseClone(503));
                git.set(git::Fault::HangUp);
                outside.tasks.break_at(elmo_queue::Place::Artifact, elmo_queue::Fault::Status(503), None);
                "refusing clones, hanging up"
            }
            7 => {
                hg.set(Fault::Hang.on(Scope::Everything));
                git.set(git::Fault::Hang);
                "not answering"
            }
            8 => {
                hg.set(Fault::NotServed);
                "answering 404"
            }
            _ => return Ok(()),
        };
        self.report.tell(&format!("hosts {what}"));
        self.report.count(format!("fault: hosts {what}"));
        sleep(wait).await;
        Ok(())
    }

    /// Lets all hosts be well again.
    ///
    /// # Errors
    /// When one cannot listen again.
    pub async fn calm_outside(&self, outside: &Outside) -> anyhow::Result<()> {
        outside.hg.faults_everywhere().clear();
        outside.git.faults(GIT).clear();
        outside.tasks.heal();
        outside.hg.resume().await?;
        Ok(outside.git.resume().await?)
    }
}
