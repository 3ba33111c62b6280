//! Brings repositories up to date: takes one that is behind, fetches, records, until nobody is behind.
//!
//! A wish comes in from the store, rows go out to it. [`Bringer`] does one repository; [`Lanes`] keep several going, wait,
//! and hold leases; [`judge`] decides what a pushlog's answer means and how long to wait after an error.

mod batch;
mod branches;
mod bringer;
mod burst;
pub mod judge;
mod lanes;
pub mod moves;
mod reach;
mod recorder;
mod sight;
mod verify;
mod verify_branches;

pub use bringer::{Bringer, Progress, Watcher, quiet};
pub use lanes::{LaneSettings, Lanes};
pub use verify::{Difference, Verifier};

use crate::domain::ErrorClass;
use crate::fetch::FetchError;
use crate::store::StoreError;

/// One repository was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("could not write down what was fetched")]
    Store(#[from] StoreError),
    /// The host shows less than was announced.
    #[error("{0}")]
    Lag(String),
    /// Rounds go on and on: the host answers something else each time.
    #[error("the host's answers do not come to an end: {0}")]
    NoEnd(String),
}

impl SyncError {
    /// The class that is written down, or none where the database itself is the trouble.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            SyncError::Fetch(error) => Some(error.class),
            SyncError::Lag(_) => Some(ErrorClass::Lag),
            SyncError::NoEnd(_) => Some(ErrorClass::Network),
            SyncError::Store(error) if error.may_pass() => None,
            SyncError::Store(_) => Some(ErrorClass::Ours),
        }
    }
}
