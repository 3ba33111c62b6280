//! What to do when a task's result could not be taken: pure, from what stands in the way and how long it has.

use crate::domain::A_DAY;
use std::time::Duration;

/// What stands in the way of taking a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It passes by itself; the other side may say after how long.
    Passing { wait: Option<Duration> },
    /// It is not there; within the first minute it may not be there yet.
    NotThere,
    /// It passes once somebody does something, here or there.
    NeedsSomebody,
    /// It stays.
    Lasting,
}

/// What becomes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again after so long; the message stays unacknowledged.
    Wait(Duration),
    /// Set it aside; try it again by itself after so long, if that may help.
    Park { again_after: Option<Duration> },
}

/// A replica of the queue's database may lag so long.
const LAG: Duration = Duration::from_secs(60);
/// RabbitMQ closes a channel on which a message waits unacknowledged for 30 minutes.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const FIRST_PARKED_WAIT: Duration = Duration::from_secs(10 * 60);
const LONGEST_PARKED_WAIT: Duration = Duration::from_secs(4 * 3600);

/// Decides what becomes of a message that waits since `waited`.
pub fn after_failure(obstacle: Obstacle, waited: Duration) -> Next {
    match obstacle {
        Obstacle::Passing { wait } if waited < PATIENCE => {
            let own = waited.clamp(FIRST_WAIT, LONGEST_WAIT);
            // What the other side asks for, as long as the message can wait for it.
            Next::Wait(wait.map_or(own, |asked| asked.max(own)).min(PATIENCE - waited + FIRST_WAIT))
        }
        Obstacle::NotThere if waited < LAG => Next::Wait(waited.clamp(FIRST_WAIT, LAG / 4)),
        Obstacle::Passing { .. } | Obstacle::NeedsSomebody => Next::Park { again_after: Some(FIRST_PARKED_WAIT) },
        Obstacle::NotThere | Obstacle::Lasting => Next::Park { again_after: None },
    }
}

/// When a message that is parked since `parked` and was tried again `tries` times is tried next; none after a day.
pub fn parked_wait(obstacle: Obstacle, parked: Duration, tries: u32) -> Option<Duration> {
    let may_help = matches!(obstacle, Obstacle::Passing { .. } | Obstacle::NeedsSomebody);
    let wait = FIRST_PARKED_WAIT.saturating_mul(2_u32.saturating_pow(tries.min(16))).min(LONGEST_PARKED_WAIT);
    (may_help && parked < A_DAY).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::{Next, Obstacle, after_failure, parked_wait};
    use std::time::Duration;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const PASSING: Obstacle = Obstacle::Passing { wait: None };
    const PARKED: Next = Next::Park { again_after: None };
    const PARKED_TO_TRY: Next = Next::Park { again_after: Some(seconds(600)) };

    #[test]
    fn waits_grow_until_the_broker_would_lose_patience() {
        for (waited, next) in [
            (0, Next::Wait(seconds(1))),
            (1, Next::Wait(seconds(1))),
            (30, Next::Wait(seconds(30))),
            (600, Next::Wait(seconds(120))),
            (1199, Next::Wait(seconds(2))),
            (1200, PARKED_TO_TRY),
        ] {
            assert_eq!(after_failure(PASSING, seconds(waited)), next, "{waited}");
        }
        let asked = Obstacle::Passing { wait: Some(seconds(90)) };
        assert_eq!(after_failure(asked, seconds(3)), Next::Wait(seconds(90)));
        assert_eq!(after_failure(Obstacle::Passing { wait: Some(seconds(3600)) }, seconds(0)), Next::Wait(seconds(1201)));
    }

    #[test]
    fn what_is_not_there_may_lag_for_a_minute() {
        assert_eq!(after_failure(Obstacle::NotThere, seconds(0)), Next::Wait(seconds(1)));
        assert_eq!(after_failure(Obstacle::NotThere, seconds(59)), Next::Wait(seconds(15)));
        assert_eq!(after_failure(Obstacle::NotThere, seconds(60)), PARKED);
    }

    #[test]
    fn what_lasts_is_parked_at_once() {
        assert_eq!(after_failure(Obstacle::Lasting, seconds(0)), PARKED);
        assert_eq!(after_failure(Obstacle::NeedsSomebody, seconds(0)), PARKED_TO_TRY);
    }

    #[test]
    fn a_parked_message_is_tried_for_a_day_with_growing_waits() {
        assert_eq!(parked_wait(PASSING, seconds(700), 0), Some(seconds(600)));
        assert_eq!(parked_wait(PASSING, seconds(1300), 2), Some(seconds(2400)));
        assert_eq!(parked_wait(PASSING, seconds(50_000), 9), Some(seconds(4 * 3600)));
        assert_eq!(parked_wait(PASSING, seconds(86_400), 9), None);
        assert_eq!(parked_wait(Obstacle::Lasting, seconds(700), 0), None);
    }
}
