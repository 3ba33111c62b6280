//! The protocol by which messages become wishes and wishes become records, as a model whose every course is tried: two workers,
//! three messages, and faults among them: any one at each run of the tests, any two when asked for.
//!
//! What is modelled is one repository, since a claim, a lease and a wish each belong to one. Two pushes come to its host, and
//! once its heads change without a push; each time the host tells so in a message: of a push with its number, of the heads
//! without. The steps are those between which another worker, or death, can come: a transaction of the database is one step, a
//! request to a host is one, and an acknowledgement. Where each is in the code, [`CODE`] says, and a test holds it to that.
//!
//! Faults are a worker killed, a connection to the broker cut (its messages go back to the queue, and the worker goes on with
//! what it has), a message delivered twice, a lease that ends although its worker lives (it slept, or the clock jumped), and a
//! host that shows less than it has told of. The lease of a dead worker ends sooner or later, which is no fault.
//!
//! What is promised ([`Protocol`], as properties):
//! * **No wish is lost that was acknowledged**: whatever a message told is recorded, or wished for and due.
//! * **No push is half known**: a push is there with its changesets, and with all pushes before it, up to `last_push`.
//! * **Every wish is met in the end**: where nothing more can happen, all is recorded, acknowledged and at rest.
//!
//! The last is asked twice. stateright's `eventually` does not see a course that ends in a circle, and may pass over one that
//! joins another; so it is asked of every state without a successor too, and a walk of its own shows that there is no circle:
//! then every course ends in such a state, if each worker only goes on.
//!
//! A model that cannot fail proves nothing. [`Mistake`] has the mistakes that such programs make, and each is found.
//!
//! Not in it: several repositories (lanes, hosts that are left alone), generations, git's notices, results of tasks. `bin/chaos`
//! has these, in the program itself.

mod few;
mod map;
mod protocol;

pub use map::CODE;
pub use protocol::{ALL_MET, Action, MET_IN_THE_END, Message, Mistake, NOT_HALF, NOT_LOST, Protocol, State};
