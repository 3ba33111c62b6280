//! The steps of the protocol. Names are those of the code and of the columns of `repository`.

use crate::few::Few;
use stateright::{Model, Property};
use std::collections::BTreeSet;

/// The model: how many faults there may be, and what is wrong with the program.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    pub faults: u8,
    pub mistake: Option<Mistake>,
}

/// What programs of this kind do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    AcknowledgesBeforeCommit,
    /// What ends a claim takes all wishes as met, not those that it began with.
    EndingMeetsLaterWishes,
    /// The last push is set to what was read last, whatever another worker has recorded since.
    LastPushIsReadThenWritten,
    /// The announced push is the one of the message noted last.
    AnnouncedGoesBack,
    PushesBeforeChangesets,
    FailureIsForgotten,
    LeaseNeverEnds,
}

/// What the host tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    Pushed(u8),
    HeadsChanged,
}

impl Message {
    const ALL: [Message; 3] = [Message::Pushed(1), Message::Pushed(2), Message::HeadsChanged];

    fn number(self) -> u8 {
        match self {
            Message::Pushed(push) => push,
            Message::HeadsChanged => TOLD,
        }
    }
}

const PUSHES: u8 = 2;
const TOLD: u8 = PUSHES + 1;
const WORKERS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    host: Host,
    /// What waits at the broker.
    queue: Vec<Message>,
    acknowledged: Few,
    repository: Repository,
    workers: [Worker; WORKERS],
    faults_left: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Host {
    pushes: u8,
    has_other_heads: bool,
}

/// A row of `repository`, and what hangs on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Repository {
    announced_push: u8,
    last_push: u8,
    wishes: u8,
    wishes_met: u8,
    is_due: bool,
    lease: Option<Lease>,
    /// How many claims there have been: each has a name of its own.
    claims: u8,
    /// The pushes of which the changesets are recorded.
    changesets: Few,
    pushes: Few,
    has_other_heads: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lease {
    holder: u8,
    has_ended: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Worker {
    consumer: Consumer,
    lane: Lane,
}

/// Where a worker is with messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Consumer {
    #[default]
    Waits,
    Gathered(Batch),
    Decided(Batch, Vec<Plan>),
    Noted(Batch),
    /// By mistake.
    AcknowledgedTooEarly(Vec<Plan>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Batch {
    messages: Vec<Message>,
    /// The connection on which it came is there.
    is_connected: bool,
}

/// What is to be written down for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Plan {
    NotePush(u8),
    Look,
    Ignore,
}

/// Where a worker is with the repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Lane {
    #[default]
    Rests,
    Claimed(Claim),
    Read(Claim, Page),
    Stretched(Claim, Page),
    Brought(Claim),
    Failed(Claim),
}

/// The row as it was when it was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Claim {
    holder: u8,
    announced_push: u8,
    last_push: u8,
    wishes: u8,
    wanted: bool,
}

/// What the host has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Page {
    upto: u8,
    has_other_heads: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Somebody pushes, and the host tells.
    Push,
    ChangeHeads,
    Gather(usize, Message),
    Decide(usize),
    Note(usize),
    Acknowledge(usize),
    Claim(usize),
    ReadPushlog(usize),
    /// Changesets first, the pushes in a later transaction.
    RecordStretch(usize),
    RecordPushes(usize),
    End(usize),
    Renew(usize),
    /// The lease of a dead worker.
    LeaseEnds,
    // Faults.
    LeaseEndsEarly,
    Die(usize),
    CutConnection(usize),
    DeliverTwice(Message),
    ReadOldPushlog(usize),
}

pub const NOT_LOST: &str = "no wish is lost that was acknowledged";
pub const NOT_HALF: &str = "no push is half known";
pub const MET_IN_THE_END: &str = "every wish is met where nothing more can happen";
pub const ALL_MET: &str = "every wish is met at some time";

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            host: Host::default(),
            queue: Vec::new(),
            acknowledged: Few::default(),
            repository: Repository::default(),
            workers: std::array::from_fn(|_| Worker::default()),
            faults_left: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.of_the_host(actions);
        if state.lease_is_a_dead_workers() && self.mistake != Some(Mistake::LeaseNeverEnds) {
            actions.push(Action::LeaseEnds);
        }
        for (at, worker) in state.workers.iter().enumerate() {
            state.of_the_consumer(at, &worker.consumer, self.mistake, actions);
            state.of_the_lane(at, &worker.lane, actions);
        }
        if state.faults_left > 0 {
            state.faults(actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.take(action, self.mistake);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NOT_LOST, |_, state: &State| {
                Message::ALL.iter().all(|told| !state.acknowledged.contains(told.number()) || state.is_met_or_wished(*told))
            }),
            Property::always(NOT_HALF, |_, state: &State| state.repository.has_whole_pushes()),
            Property::always(MET_IN_THE_END, |protocol: &Protocol, state: &State| {
                let mut actions = Vec::new();
                protocol.actions(state, &mut actions);
                !actions.is_empty() || state.all_is_met()
            }),
            Property::eventually(ALL_MET, |_, state: &State| state.all_is_met()),
        ]
    }
}

/// What can happen.
impl State {
    fn of_the_host(&self, actions: &mut Vec<Action>) {
        if self.host.pushes < PUSHES {
            actions.push(Action::Push);
        }
        if !self.host.has_other_heads {
            actions.push(Action::ChangeHeads);
        }
    }

    fn of_the_consumer(&self, at: usize, consumer: &Consumer, mistake: Option<Mistake>, actions: &mut Vec<Action>) {
        let acknowledges_first = mistake == Some(Mistake::AcknowledgesBeforeCommit);
        match consumer {
            Consumer::Waits => self.gathering(at, actions),
            Consumer::Gathered(batch) => {
                if batch.is_connected {
                    self.gathering(at, actions);
                }
                actions.push(Action::Decide(at));
            }
            Consumer::Decided(..) if acknowledges_first => actions.push(Action::Acknowledge(at)),
            Consumer::Decided(..) | Consumer::AcknowledgedTooEarly(_) => actions.push(Action::Note(at)),
            Consumer::Noted(_) => actions.push(Action::Acknowledge(at)),
        }
    }

    fn gathering(&self, at: usize, actions: &mut Vec<Action>) {
        let different: BTreeSet<Message> = self.queue.iter().copied().collect();
        actions.extend(different.into_iter().map(|message| Action::Gather(at, message)));
    }

    fn of_the_lane(&self, at: usize, lane: &Lane, actions: &mut Vec<Action>) {
        match lane {
            Lane::Rests if self.repository.is_due && self.repository.lease.is_none_or(|lease| lease.has_ended) => {
                actions.push(Action::Claim(at));
            }
            Lane::Rests => {}
            Lane::Claimed(_) => actions.push(Action::ReadPushlog(at)),
            Lane::Read(..) => actions.extend([Action::RecordStretch(at), Action::RecordPushes(at)]),
            Lane::Stretched(..) => actions.push(Action::RecordPushes(at)),
            Lane::Brought(_) | Lane::Failed(_) => actions.push(Action::End(at)),
        }
        if lane.claim().is_some_and(|claim| self.repository.lease == Some(Lease { holder: claim.holder, has_ended: true })) {
            actions.push(Action::Renew(at));
        }
    }

    fn faults(&self, actions: &mut Vec<Action>) {
        if self.repository.lease.is_some_and(|lease| !lease.has_ended) && !self.lease_is_a_dead_workers() {
            actions.push(Action::LeaseEndsEarly);
        }
        let different: BTreeSet<Message> = self.queue.iter().copied().collect();
        actions.extend(different.into_iter().map(Action::DeliverTwice));
        for (at, worker) in self.workers.iter().enumerate() {
            if *worker != Worker::default() {
                actions.push(Action::Die(at));
            }
            if worker.consumer.batch().is_some_and(|batch| batch.is_connected) {
                actions.push(Action::CutConnection(at));
            }
            if matches!(worker.lane, Lane::Claimed(_)) && self.host.pushes > 0 {
                actions.push(Action::ReadOldPushlog(at));
            }
        }
    }

    fn lease_is_a_dead_workers(&self) -> bool {
        let lives = |holder: u8| self.workers.iter().any(|worker| worker.lane.claim().is_some_and(|claim| claim.holder == holder));
        self.repository.lease.is_some_and(|lease| !lease.has_ended && !lives(lease.holder))
    }
}

/// What happens.
impl State {
    fn take(&mut self, action: Action, mistake: Option<Mistake>) {
        match action {
            Action::Push => {
                self.host.pushes += 1;
                self.wait_at_the_broker([Message::Pushed(self.host.pushes)]);
            }
            Action::ChangeHeads => {
                self.host.has_other_heads = true;
                self.wait_at_the_broker([Message::HeadsChanged]);
            }
            Action::Gather(at, message) => self.gather(at, message),
            Action::Decide(at) => self.decide(at),
            Action::Note(at) => self.note(at, mistake),
            Action::Acknowledge(at) => self.acknowledge(at),
            Action::Claim(at) => self.workers[at].lane = Lane::Claimed(self.repository.claim()),
            Action::ReadPushlog(at) => self.read(at, self.host.pushes),
            Action::RecordStretch(at) => self.record_stretch(at, mistake),
            Action::RecordPushes(at) => self.record_pushes(at, mistake),
            Action::End(at) => self.end(at, mistake),
            Action::Renew(_) => self.lease_is(false),
            Action::LeaseEnds => self.lease_is(true),
            fault => {
                self.faults_left -= 1;
                self.go_wrong(fault);
            }
        }
    }

    fn go_wrong(&mut self, fault: Action) {
        match fault {
            Action::LeaseEndsEarly => self.lease_is(true),
            Action::DeliverTwice(message) => self.wait_at_the_broker([message]),
            Action::CutConnection(at) => self.cut_connection(at),
            Action::Die(at) => {
                self.cut_connection(at);
                self.workers[at] = Worker::default();
            }
            Action::ReadOldPushlog(at) => self.read(at, self.host.pushes - 1),
            other => unreachable!("{other:?} is no fault"),
        }
    }

    fn wait_at_the_broker(&mut self, messages: impl IntoIterator<Item = Message>) {
        self.queue.extend(messages);
        self.queue.sort();
    }

    fn gather(&mut self, at: usize, message: Message) {
        let place = self.queue.iter().position(|waiting| *waiting == message).expect("it waits");
        self.queue.remove(place);
        let consumer = &mut self.workers[at].consumer;
        let mut messages = consumer.batch().map(|batch| batch.messages.clone()).unwrap_or_default();
        messages.push(message);
        *consumer = Consumer::Gathered(Batch { messages, is_connected: true });
    }

    /// What the store knows is read before, and outside of, the transaction that notes.
    fn decide(&mut self, at: usize) {
        let Consumer::Gathered(batch) = self.workers[at].consumer.clone() else { unreachable!("it has messages") };
        let plan = |message: &Message| match message {
            Message::Pushed(push) if *push <= self.repository.last_push => Plan::Ignore,
            Message::Pushed(push) => Plan::NotePush(*push),
            Message::HeadsChanged => Plan::Look,
        };
        let plans = batch.messages.iter().map(plan).collect();
        self.workers[at].consumer = Consumer::Decided(batch, plans);
    }

    fn note(&mut self, at: usize, mistake: Option<Mistake>) {
        let (plans, next) = match self.workers[at].consumer.clone() {
            Consumer::Decided(batch, plans) => (plans, Consumer::Noted(batch)),
            Consumer::AcknowledgedTooEarly(plans) => (plans, Consumer::Waits),
            other => unreachable!("{other:?} has nothing to note"),
        };
        self.repository.note(&plans, mistake);
        self.workers[at].consumer = next;
    }

    fn acknowledge(&mut self, at: usize) {
        let (batch, next) = match self.workers[at].consumer.clone() {
            Consumer::Noted(batch) => (batch, Consumer::Waits),
            Consumer::Decided(batch, plans) => (batch, Consumer::AcknowledgedTooEarly(plans)),
            other => unreachable!("{other:?} has nothing to acknowledge"),
        };
        if batch.is_connected {
            self.acknowledged.extend(batch.messages.into_iter().map(Message::number));
        }
        self.workers[at].consumer = next;
    }

    fn cut_connection(&mut self, at: usize) {
        if let Some(batch) = self.workers[at].consumer.batch_mut().filter(|batch| batch.is_connected) {
            batch.is_connected = false;
            let messages = batch.messages.clone();
            self.wait_at_the_broker(messages);
        }
    }

    fn read(&mut self, at: usize, upto: u8) {
        let Lane::Claimed(claim) = self.workers[at].lane else { unreachable!("it has a claim") };
        let page = Page { upto: upto.max(claim.last_push), has_other_heads: claim.wanted && self.host.has_other_heads };
        self.workers[at].lane = Lane::Read(claim, page);
    }

    fn record_stretch(&mut self, at: usize, mistake: Option<Mistake>) {
        let Lane::Read(claim, page) = self.workers[at].lane else { unreachable!("it has read") };
        if mistake == Some(Mistake::PushesBeforeChangesets) {
            self.repository.add_pushes(&claim, &page, mistake);
        } else {
            self.repository.changesets.extend(claim.last_push + 1..=page.upto);
        }
        self.workers[at].lane = Lane::Stretched(claim, page);
    }

    fn record_pushes(&mut self, at: usize, mistake: Option<Mistake>) {
        let (Lane::Read(claim, page) | Lane::Stretched(claim, page)) = self.workers[at].lane else { unreachable!("it has read") };
        self.repository.changesets.extend(claim.last_push + 1..=page.upto);
        self.repository.add_pushes(&claim, &page, mistake);
        let is_behind = claim.announced_push > page.upto;
        self.workers[at].lane = if is_behind { Lane::Failed(claim) } else { Lane::Brought(claim) };
    }

    fn end(&mut self, at: usize, mistake: Option<Mistake>) {
        match self.workers[at].lane {
            Lane::Brought(claim) => self.repository.complete(&claim, mistake),
            Lane::Failed(claim) => self.repository.fail(&claim, mistake),
            other => unreachable!("{other:?} is not at its end"),
        }
        self.workers[at].lane = Lane::Rests;
    }

    fn lease_is(&mut self, has_ended: bool) {
        self.repository.lease = self.repository.lease.map(|lease| Lease { has_ended, ..lease });
    }
}

/// The statements, each a transaction.
impl Repository {
    fn note(&mut self, plans: &[Plan], mistake: Option<Mistake>) {
        let announced = plans.iter().filter_map(|plan| if let Plan::NotePush(push) = plan { Some(*push) } else { None }).max();
        if let Some(upto) = announced {
            let is_news = self.announced_push < upto && self.last_push < upto;
            if is_news || mistake == Some(Mistake::AnnouncedGoesBack) {
                self.announced_push = upto;
                self.is_due = true;
            }
        }
        if plans.contains(&Plan::Look) {
            self.wishes += 1;
            self.is_due = true;
        }
    }

    fn claim(&mut self) -> Claim {
        self.claims += 1;
        self.lease = Some(Lease { holder: self.claims, has_ended: false });
        Claim {
            holder: self.claims,
            announced_push: self.announced_push,
            last_push: self.last_push,
            wishes: self.wishes,
            wanted: self.wishes > self.wishes_met,
        }
    }

    fn add_pushes(&mut self, claim: &Claim, page: &Page, mistake: Option<Mistake>) {
        self.pushes.extend(claim.last_push + 1..=page.upto);
        let only_grows = mistake != Some(Mistake::LastPushIsReadThenWritten);
        self.last_push = if only_grows { self.last_push.max(page.upto) } else { page.upto };
        self.has_other_heads |= page.has_other_heads;
    }

    fn complete(&mut self, claim: &Claim, mistake: Option<Mistake>) {
        if !self.is_held_by(claim) {
            return;
        }
        let meets_all = mistake == Some(Mistake::EndingMeetsLaterWishes);
        self.wishes_met = if meets_all { self.wishes } else { claim.wishes };
        self.is_due = self.announced_push > self.last_push || self.wishes > self.wishes_met;
        self.announced_push = self.announced_push.max(self.last_push);
        self.lease = None;
    }

    fn fail(&mut self, claim: &Claim, mistake: Option<Mistake>) {
        if self.is_held_by(claim) {
            self.is_due = mistake != Some(Mistake::FailureIsForgotten);
            self.lease = None;
        }
    }

    fn is_held_by(&self, claim: &Claim) -> bool {
        self.lease.is_some_and(|lease| lease.holder == claim.holder)
    }
}

/// What is promised.
impl State {
    fn is_met_or_wished(&self, told: Message) -> bool {
        let repository = &self.repository;
        match told {
            Message::Pushed(push) => repository.last_push >= push || (repository.announced_push >= push && repository.is_due),
            Message::HeadsChanged => repository.has_other_heads || (repository.wishes > repository.wishes_met && repository.is_due),
        }
    }

    fn all_is_met(&self) -> bool {
        self.acknowledged == (1..=TOLD).collect()
            && self.queue.is_empty()
            && self.repository.last_push == PUSHES
            && self.repository.has_other_heads
            && !self.repository.is_due
            && self.repository.lease.is_none()
            && self.workers.iter().all(|worker| *worker == Worker::default())
    }

    /// The same with its workers in an order: which of two is which makes no difference.
    pub fn with_workers_in_order(&self) -> State {
        let mut state = self.clone();
        state.workers.sort();
        state
    }
}

impl Repository {
    fn has_whole_pushes(&self) -> bool {
        self.pushes.is_part_of(self.changesets) && self.pushes == (1..=self.last_push).collect()
    }
}

impl Consumer {
    fn batch(&self) -> Option<&Batch> {
        match self {
            Consumer::Gathered(batch) | Consumer::Decided(batch, _) | Consumer::Noted(batch) => Some(batch),
            Consumer::Waits | Consumer::AcknowledgedTooEarly(_) => None,
        }
    }

    fn batch_mut(&mut self) -> Option<&mut Batch> {
        match self {
            Consumer::Gathered(batch) | Consumer::Decided(batch, _) | Consumer::Noted(batch) => Some(batch),
            Consumer::Waits | Consumer::AcknowledgedTooEarly(_) => None,
        }
    }
}

impl Lane {
    fn claim(&self) -> Option<Claim> {
        match self {
            Lane::Rests => None,
            Lane::Claimed(claim) | Lane::Brought(claim) | Lane::Failed(claim) => Some(*claim),
            Lane::Read(claim, _) | Lane::Stretched(claim, _) => Some(*claim),
        }
    }
}
