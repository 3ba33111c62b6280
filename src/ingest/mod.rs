//! Carries out plans: a batch of messages comes in, is decoded, decided on and written down in one transaction. After that,
//! and only then, the messages may be acknowledged.
//!
//! Messages about repositories are noted as wishes, which [`crate::sync`] meets, and ask no host. [`Tasks`] fetches what a task
//! published before its message is done.

mod legacy;
mod tasks;

pub use legacy::{Import, LEGACY_ROOT, Tally};
pub use tasks::{Outcome, TaskError, Tasks};

use crate::domain::{Clock, KnownRepository, Message, Point, RepositoryId, RepositoryUrl, Revision, UrlRules};
use crate::event::{Event, Malformed, decode};
use crate::plan::{Known, Plan, plan};
use crate::store::{Batch, Following, Marking, Noted, Parked, Store, StoreError};
use crate::traces::Going;
use std::collections::{HashMap, HashSet};

/// Takes messages.
#[derive(Clone)]
pub struct Ingest {
    store: Store,
    rules: UrlRules,
    clock: Clock,
}

type Decoded<'m> = (&'m Message, Result<Event, Malformed>);

impl Ingest {
    /// Takes messages into `store`; repositories' URLs must keep to `rules`.
    pub fn new(store: Store, rules: UrlRules, clock: Clock) -> Ingest {
        Ingest { store, rules, clock }
    }

    /// Takes a batch, all or none.
    ///
    /// # Errors
    /// Only of the database: whatever stands in a message ends in a wish, a parked row or a count.
    pub async fn take(&self, messages: &[Message]) -> Result<Noted, StoreError> {
        let decoded: Vec<Decoded<'_>> = messages.iter().map(|message| (message, decode(message, self.rules))).collect();
        let known = self.look_up(&decoded).await?;
        let (mut batch, mut traced) = (Batch::default(), Vec::new());
        for (message, event) in decoded {
            let kind = event.as_ref().map_or("malformed", Event::kind).to_owned();
            let plan = decide(event, &known);
            traced.extend(trace(&mut batch, message, &kind, &plan));
            let outcome = add(&mut batch, message, plan);
            *batch.counts.entry((message.exchange.clone(), kind, outcome.to_owned())).or_default() += 1;
        }
        Point::MessagesDecided.pass();
        let noted = self.store.note(&batch, self.clock.now()).await;
        // Only now have the messages been taken.
        drop(traced);
        noted
    }

    async fn look_up(&self, decoded: &[Decoded<'_>]) -> Result<Lookup, StoreError> {
        let forests = self.store.forests().await?;
        let named: HashSet<(&RepositoryUrl, Option<i64>)> =
            decoded.iter().filter_map(|(_, event)| named_by(event.as_ref().ok()?)).collect();
        let named: Vec<(&RepositoryUrl, Option<i64>)> = named.into_iter().collect();
        let mut lookup = Lookup { forests, ..Lookup::default() };
        for repository in self.store.known(&named).await? {
            lookup.by_name.insert(repository.name.to_string(), repository.clone());
            if let Some(number) = repository.host_number {
                lookup.by_number.insert((repository.url.host().to_owned(), number), repository.clone());
            }
            lookup.by_url.insert(repository.url.without_git(), repository);
        }
        lookup.held = self.held(decoded, &lookup).await?;
        Ok(lookup)
    }

    /// Heads are looked up only for pushes that are known by their number.
    async fn held(&self, decoded: &[Decoded<'_>], lookup: &Lookup) -> Result<HashSet<Revision>, StoreError> {
        let mut heads: Vec<(Revision, RepositoryId)> = Vec::new();
        for (_, event) in decoded {
            if let Ok(Event::Pushed { url, upto: Some(upto), heads: named }) = event
                && let Some(repository) = lookup.by_url.get(url)
                && *upto <= repository.last_push
            {
                heads.extend(named.iter().map(|head| (*head, repository.id)));
            }
        }
        if heads.is_empty() {
            return Ok(HashSet::new());
        }
        Ok(self.store.held(&heads).await?.into_iter().collect())
    }
}

#[derive(Default)]
struct Lookup {
    forests: Vec<crate::domain::Forest>,
    by_url: HashMap<RepositoryUrl, KnownRepository>,
    by_name: HashMap<String, KnownRepository>,
    by_number: HashMap<(String, i64), KnownRepository>,
    held: HashSet<Revision>,
}

/// The URL that an event names, and the host's number for it.
fn named_by(event: &Event) -> Option<(&RepositoryUrl, Option<i64>)> {
    let number = match event {
        Event::BranchMoved { host_number, .. } => *host_number,
        Event::Moved { host_number, .. } => Some(*host_number),
        _ => None,
    };
    Some((event.url()?, number))
}

fn decide(event: Result<Event, Malformed>, lookup: &Lookup) -> Plan {
    let event = match event {
        Ok(event) => event,
        Err(malformed) => return Plan::Park(malformed.to_string()),
    };
    let Some((url, number)) = named_by(&event) else {
        return plan(event, &Known::default());
    };
    let heads: &[Revision] = if let Event::Pushed { heads, .. } = &event { heads } else { &[] };
    let has_heads = heads.iter().all(|head| lookup.held.contains(head));
    let known = Known {
        repository: lookup.by_url.get(url).map(|repository| KnownRepository { has_heads, ..repository.clone() }),
        renamed: number.and_then(|number| lookup.by_number.get(&(url.host().to_owned(), number)).cloned()),
        namesake: lookup.by_name.get(url.path()).cloned(),
        forests: lookup.forests.clone(),
    };
    plan(event, &known)
}

/// Begins the trace of a message from which a wish comes; the first one's, where several are for one repository.
fn trace(batch: &mut Batch, message: &Message, kind: &str, plan: &Plan) -> Option<Going> {
    let repository = match plan {
        Plan::NotePush { repository, .. } | Plan::Look { repository } | Plan::Mark { repository, .. } => *repository,
        Plan::NoteMove { repository, .. } | Plan::NoteUrl { repository, .. } => *repository,
        Plan::Follow { .. } | Plan::Ignore(_) | Plan::Park(_) => return None,
    };
    let going = Going::message(&message.exchange, kind);
    batch.traces.entry(repository).or_insert(going.carried()?);
    Some(going)
}

/// Adds a plan to the batch; gives the outcome's name for the count.
fn add(batch: &mut Batch, message: &Message, plan: Plan) -> &'static str {
    match plan {
        Plan::NotePush { repository, upto } => {
            let announced = batch.pushes.entry(repository).or_default();
            *announced = upto.max(*announced);
            "noted"
        }
        Plan::Look { repository } => {
            batch.looks.insert(repository);
            "noted"
        }
        Plan::Follow { repository, upto, markers } => {
            batch.follows.push(Following { repository, upto, markers });
            "followed"
        }
        Plan::Mark { repository, markers } => {
            batch.markings.push(Marking { repository, markers });
            "noted"
        }
        Plan::NoteMove { repository, host_number, notice } => {
            batch.numbers.extend(host_number.map(|number| (repository, number)));
            batch.notices.push((repository, notice));
            "noted"
        }
        Plan::NoteUrl { repository, url, notice } => {
            batch.urls.push((repository, url));
            batch.notices.extend(notice.map(|notice| (repository, notice)));
            "noted"
        }
        Plan::Ignore(reason) => reason.name(),
        Plan::Park(reason) => {
            batch.parked.push(Parked { message: message.clone(), reason, next_try: None });
            "parked"
        }
    }
}
