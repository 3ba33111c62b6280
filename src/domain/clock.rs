//! What time it is: a value that is handed in, so that a test can be a year long. And how long an hour, a day and a week are.

use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// In seconds.
pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
pub const WEEK: i64 = 7 * DAY;
/// The same as a length of time.
pub const A_DAY: Duration = Duration::from_secs(DAY.unsigned_abs());

/// Tells the time. Copies of it tell the same.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's own clock.
    pub fn of_this_machine() -> Clock {
        Clock(Arc::new(Timestamp::now))
    }

    /// A clock that shows whatever `now` says.
    pub fn that_says(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
