//! Real servers for tests and benches: a RabbitMQ node, a PostgreSQL cluster, a warm Mercurial, and a cable that can be cut.
//!
//! Everything lives in temporary folders and on free ports, and ends with the value that stands for it, or with the program.
//! Nothing in here knows what the servers are used for; the rights and exchanges are those of Mozilla Pulse.

#![expect(clippy::disallowed_methods, reason = "this crate runs servers, and finds those that run already by the environment")]

mod cable;
mod mercurial;
mod own_server;
mod postgres;
mod publisher;
mod rabbitmq;
mod until;

pub use cable::Cable;
pub use elmo_upstream::ports::free_port;
pub use mercurial::Mercurial;
pub use postgres::Postgres;
pub use publisher::Publisher;
pub use rabbitmq::{EXCHANGES, RabbitMq};
pub use until::until;
