//! Ports nobody listens on.

use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// Below the range (32768 and up on Linux) from which outgoing connections take theirs: a port in it could be taken
/// while its server is restarted, and a client that tries it again and again could even end up connected to itself.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// Finds a loopback port that nobody listens on.
///
/// # Panics
/// If a thousand random ports are all taken.
#[must_use]
pub fn free_port() -> u16 {
    (0..1000)
        .map(|_| random_port())
        .find(|port| TcpListener::bind(loopback(*port)).is_ok())
        .expect("one of a thousand random loopback ports is free")
}

/// An address of this machine that nobody reaches from outside.
#[must_use]
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A number that another process is not likely to get: the standard library seeds each `RandomState` anew.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn random_port() -> u16 {
    let offset = random() % u64::from(RANGE.end - RANGE.start);
    RANGE.start + u16::try_from(offset).expect("less than the length of a range of u16")
}
