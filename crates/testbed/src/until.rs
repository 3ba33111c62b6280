//! Waiting for something to become true, without a fixed sleep.

use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Asks again and again, every 10 ms at first and every 100 ms later, until the answer is yes.
///
/// # Panics
/// With `what` in the message, if the answer is still no after `limit`.
pub async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    while !is_so().await {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain until {what}");
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause.mul_f32(1.5));
    }
}
