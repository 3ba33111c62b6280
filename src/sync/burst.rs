//! Messages first: while they come in plenty, no further repository is begun. A long queue is short again within seconds, before
//! the machine is busy with pulls, and one pull then meets all its wishes.

use std::time::{Duration, Instant};

/// A batch of at least so many messages says that more wait.
const PLENTY: usize = 100;
/// How long nothing is begun after such a batch, unless the next one comes.
const LULL: Duration = Duration::from_millis(300);
/// No longer than this in a row; after it work goes on for as long, whatever comes.
const LONGEST: Duration = Duration::from_secs(5);

/// How messages came lately.
#[derive(Debug, Default)]
pub(super) struct Burst {
    began: Option<Instant>,
    held_until: Option<Instant>,
}

impl Burst {
    /// So many messages were taken at once.
    pub(super) fn took(&mut self, messages: usize, now: Instant) {
        if messages < PLENTY {
            return;
        }
        let began = self.began.filter(|began| now < *began + 2 * LONGEST).unwrap_or(now);
        self.began = Some(began);
        self.held_until = Some((now + LULL).min(began + LONGEST));
    }

    /// How long to begin nothing.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.held_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::{Burst, LONGEST, LULL};
    use std::time::{Duration, Instant};

    #[test]
    fn a_few_messages_hold_nothing_up() {
        let (mut burst, now) = (Burst::default(), Instant::now());
        burst.took(99, now);
        assert_eq!(burst.wait(now), Duration::ZERO);
    }

    #[test]
    fn many_hold_work_up_until_a_lull() {
        let (mut burst, now) = (Burst::default(), Instant::now());
        burst.took(1000, now);
        assert_eq!(burst.wait(now), LULL);
        assert_eq!(burst.wait(now + LULL), Duration::ZERO);
    }

    #[test]
    fn a_flood_without_end_leaves_every_other_five_seconds_to_work() {
        let (mut burst, start) = (Burst::default(), Instant::now());
        let held = |burst: &Burst, at: Instant| burst.wait(at) > Duration::ZERO;
        let step = Duration::from_millis(100);
        let mut worked = Duration::ZERO;
        let mut now = start;
        while now < start + 4 * LONGEST {
            burst.took(1000, now);
            worked += if held(&burst, now) { Duration::ZERO } else { step };
            now += step;
        }
        assert_eq!(worked, 2 * LONGEST);
    }
}
