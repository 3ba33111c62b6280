//! Whose turn it is: wishes become claims, a claim is one repository for one worker for a while.
//!
//! A lease only saves work. A worker that sleeps longer than its lease and wakes up writes what another one wrote already,
//! which changes nothing.

use super::database::{RowsSql, Store, StoreError, parsed};
use super::repositories::{branches_from, time};
use super::rows::{Cell, Rows};
use crate::domain::{ErrorClass, Kept, RepositoryId, RepositoryName, RepositoryUrl, Vcs};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::time::Duration;

/// One repository, taken by one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub repository: RepositoryId,
    pub name: RepositoryName,
    pub url: RepositoryUrl,
    /// The folder of its clone, its own name unless it shares an origin's.
    pub clone: RepositoryName,
    pub vcs: Vcs,
    /// The branches of git that are followed; the host's HEAD where there are none.
    pub branches: Vec<Kept>,
    pub generation: i64,
    pub announced_push: u64,
    pub last_push: u64,
    /// Somebody asked without naming a push: everything is looked at.
    pub wanted: bool,
    /// Never yet found complete in this generation.
    pub first: bool,
    /// How often it failed in a row.
    pub attempts: u32,
    pub failing_since: Option<Timestamp>,
    /// Since when there is news of it that is not recorded; none where only the timer wants it.
    pub wished: Option<Timestamp>,
    /// The trace in which that was said.
    pub trace: Option<String>,
    /// Its clone is or was that of others too: of its forks, or of its origin and the other forks of that.
    pub clone_of_several: bool,
    wishes: i64,
    holder: String,
}

impl Claim {
    /// The clone belongs to an origin and is used by others too.
    pub fn shares_clone(&self) -> bool {
        self.clone != self.name
    }
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything that was asked for is recorded.
    Complete,
    Failed {
        class: ErrorClass,
        error: String,
        next_try: Timestamp,
    },
    /// Given back untouched, to be taken by whoever comes next.
    Released,
}

macro_rules! claim_sql {
    ($rows:literal, $lock:literal) => {
        concat!(
            "update repository set lease_holder = $2, lease_until = $3, lease_since = $4
             where id = (
                 select r.id from repository r
                 where r.due_at <= $4 and r.lease_until <= $4 and r.archived = 0
                   and not exists (select 1 from forest f where f.id = r.forest and f.archived = 1)
                   and not exists (select 1 from repository other where other.clone = r.clone and other.lease_until > $4)
                   and r.host not in (select value->>0 from ",
            $rows,
            ")
                 order by r.priority, r.due_at, r.id
                 limit 1 ",
            $lock,
            ")
               and lease_until <= $4
             returning id, name, url, clone, generation, announced_push, last_push, wishes, wishes_met, attempts,
                       checked_at, failing_since, vcs, branches, wished_at, wish_trace,
                       (select count(*) from repository other
                        where (other.clone = repository.clone or other.fork_of = repository.id)
                          and other.id <> repository.id) as others"
        )
    };
}

/// A second text for PostgreSQL: without `skip locked` two workers wait for the same row and one goes away empty.
const CLAIM: RowsSql = RowsSql {
    sqlite: claim_sql!("json_each($1)", ""),
    postgres: claim_sql!("jsonb_array_elements($1::jsonb) as hosts(value)", "for update of r skip locked"),
};
const RENEW: &str = "update repository set lease_until = $1 where id = $2 and lease_holder = $3";
const COMPLETE: &str = "
    update repository
    set checked_at = $1, failing_since = null, attempts = 0, error_class = null, error = null,
        wishes_met = $2, announced_push = case when announced_push < last_push then last_push else announced_push end,
        due_at = case when announced_push > last_push or wishes > $2 then $1 else null end,
        priority = case when announced_push > last_push then 0 else 1 end,
        wished_at = case when announced_push > last_push or wishes > $2 then lease_since else null end, wish_trace = null,
        lease_holder = null, lease_until = 0
    where id = $3 and lease_holder = $4";
const FAILED: &str = "
    update repository
    set failing_since = coalesce(failing_since, $1), attempts = attempts + 1, error_class = $2, error = $3, due_at = $4,
        lease_holder = null, lease_until = 0
    where id = $5 and lease_holder = $6";
const RELEASE: &str = "update repository set lease_holder = null, lease_until = 0 where id = $1 and lease_holder = $2";
const WISH_ALL: &str = "
    update repository
    set wishes = wishes + 1, due_at = coalesce(due_at, $1), priority = case when due_at is null then 1 else priority end,
        wished_at = case when due_at is null then null else wished_at end,
        wish_trace = case when due_at is null then null else wish_trace end
    where archived = 0 and coalesce(checked_at, 0) <= $2";
const WISH: &str = "
    update repository
    set wishes = wishes + 1, due_at = $1, priority = 0,
        wished_at = case when due_at is null then $1 else coalesce(wished_at, $1) end,
        wish_trace = case when due_at is null then null else wish_trace end
    where name = $2 and archived = 0";
const GIVE_UP_ANNOUNCED: &str = "update repository set announced_push = $1 where id = $2 and announced_push > $1";
const NEW_GENERATION: &str = "
    update repository
    set generation = generation + 1, last_push = 0, announced_push = 0, wishes = wishes + 1, checked_at = null
    where id = $1 and generation = $2";
const OWN_CLONE: &str = "update repository set clone = name where id = $1";
const NEXT_DUE: &str =
    "select min(due_at) as due_at from repository where archived = 0 and due_at is not null and lease_until <= $1";
const UNFINISHED: &str = "
    select count(*) as count from repository
    where archived = 0 and due_at is not null and (error_class is null or attempts = 0)
      and not exists (select 1 from forest f where f.id = repository.forest and f.archived = 1)";

impl Store {
    /// Takes the repository whose turn it is, for `lease`; none of those on a host in `leave`.
    pub async fn claim(
        &self,
        worker: &str,
        lease: Duration,
        leave: &[String],
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let hosts = Rows::of(leave.iter().map(|host| Cell::Text(host)));
        let row = sqlx::query(self.text(&CLAIM))
            .bind(hosts)
            .bind(worker.to_owned())
            .bind(later(now, lease))
            .bind(now.as_microsecond())
            .fetch_optional(self.writers())
            .await?;
        row.map(|row| claim_from(&row, worker)).transpose()
    }

    /// Holds a claim for `lease` longer; false when somebody else has it by now.
    pub async fn renew(&self, claim: &Claim, lease: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(RENEW)
            .bind(later(now, lease))
            .bind(claim.repository.0)
            .bind(claim.holder.clone())
            .execute(self.writers())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a claim back. A claim that somebody else took over meanwhile is left to them.
    pub async fn end(&self, claim: &Claim, ending: &Ending, now: Timestamp) -> Result<(), StoreError> {
        let now = now.as_microsecond();
        let query = match ending {
            Ending::Complete => sqlx::query(COMPLETE).bind(now).bind(claim.wishes),
            Ending::Failed { class, error, next_try } => {
                sqlx::query(FAILED).bind(now).bind(class.name()).bind(error.clone()).bind(next_try.as_microsecond())
            }
            Ending::Released => sqlx::query(RELEASE),
        };
        query.bind(claim.repository.0).bind(claim.holder.clone()).execute(self.writers()).await?;
        Ok(())
    }

    /// Wants every repository looked at that was last found complete before `checked_before`, after all that has news.
    pub async fn want_all(&self, checked_before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        let query = sqlx::query(WISH_ALL).bind(now.as_microsecond()).bind(checked_before.as_microsecond());
        Ok(query.execute(self.writers()).await?.rows_affected())
    }

    /// Wants one repository looked at now; false when it is not followed or archived.
    pub async fn want(&self, name: &RepositoryName, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(WISH).bind(now.as_microsecond()).bind(name.to_string()).execute(self.writers()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Believes the pushlog, not the message that announced more than there is.
    pub async fn lower_announced(&self, repository: RepositoryId, to: u64) -> Result<(), StoreError> {
        sqlx::query(GIVE_UP_ANNOUNCED).bind(to.cast_signed()).bind(repository.0).execute(self.writers()).await?;
        Ok(())
    }

    /// Begins a new generation: the host made the repository anew. Old pushes stay under the old one. Gives false when
    /// another worker did so before.
    pub async fn begin_generation(&self, repository: RepositoryId, after: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(NEW_GENERATION).bind(repository.0).bind(after).execute(self.writers()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets a repository no longer share its origin's clone.
    pub async fn own_clone(&self, repository: RepositoryId) -> Result<(), StoreError> {
        sqlx::query(OWN_CLONE).bind(repository.0).execute(self.writers()).await?;
        Ok(())
    }

    /// The folder of a repository's clone.
    pub async fn clone_of(&self, repository: RepositoryId) -> Result<RepositoryName, StoreError> {
        let row = sqlx::query("select clone from repository where id = $1").bind(repository.0).fetch_one(self.readers()).await?;
        parsed(&row, "clone")
    }

    /// When the next repository is due, if nobody holds it.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(NEXT_DUE).bind(now.as_microsecond()).fetch_one(self.readers()).await?;
        let due: Option<i64> = row.try_get("due_at")?;
        Ok(due.and_then(|due| Timestamp::from_microsecond(due).ok()))
    }

    /// How many repositories are to be looked at and have not failed.
    pub async fn unfinished(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query(UNFINISHED).fetch_one(self.readers()).await?.try_get("count")?)
    }
}

fn claim_from(row: &AnyRow, worker: &str) -> Result<Claim, StoreError> {
    let number = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get(column)?) };
    let (wishes, met) = (number("wishes")?, number("wishes_met")?);
    let checked: Option<i64> = row.try_get("checked_at")?;
    Ok(Claim {
        repository: RepositoryId(number("id")?),
        name: parsed(row, "name")?,
        url: RepositoryUrl::from_kept(row.try_get("url")?),
        clone: parsed(row, "clone")?,
        vcs: parsed(row, "vcs")?,
        branches: branches_from(row)?,
        generation: number("generation")?,
        announced_push: number("announced_push")?.cast_unsigned(),
        last_push: number("last_push")?.cast_unsigned(),
        wanted: wishes > met,
        first: checked.is_none(),
        attempts: u32::try_from(number("attempts")?).unwrap_or(u32::MAX),
        failing_since: time(row, "failing_since")?,
        wished: time(row, "wished_at")?,
        trace: row.try_get("wish_trace")?,
        clone_of_several: number("others")? > 0,
        wishes,
        holder: worker.to_owned(),
    })
}

fn later(now: Timestamp, by: Duration) -> i64 {
    now.as_microsecond().saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}
