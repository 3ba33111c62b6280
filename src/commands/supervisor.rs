//! What systemd is told of a process that it started with `Type=notify`: that it is ready, that it stops, and, as long as every loop
//! goes round, that it is alive. Without systemd, nothing.

use crate::figures::ROUNDS;
use sd_notify::NotifyState;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A loop that has not gone round for so many of the watchdog's times is stuck; each goes round within one of them, unless something
/// that it waits for has a time limit of its own.
const STUCK_AFTER: u32 = 3;

/// The process has begun to do what it is for; from now on it is told of until `stop`, and that it stops.
pub(super) fn ready(stop: &CancellationToken) {
    tell(NotifyState::Ready);
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! { () = stop.cancelled() => {}, () = watch() => {} }
        tell(NotifyState::Stopping);
    });
}

async fn watch() {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(patience / 2);
    loop {
        ticks.tick().await;
        if is_alive(ROUNDS.longest(), patience) {
            tell(NotifyState::Watchdog);
        } else {
            tracing::error!(
                round_ms = ROUNDS.longest().map(crate::domain::milliseconds),
                "a loop does not go round, the watchdog is not told"
            );
        }
    }
}

fn is_alive(longest_round: Option<Duration>, patience: Duration) -> bool {
    longest_round.is_none_or(|longest| longest <= patience * STUCK_AFTER)
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "could not tell systemd");
    }
}

#[cfg(test)]
mod tests {
    use super::is_alive;
    use std::time::Duration;

    #[test]
    fn who_does_not_go_round_for_three_times_the_watchdogs_patience_is_not_alive() {
        let minutes = |minutes: u32| Duration::from_secs(60) * minutes;
        for (longest, alive) in [(None, true), (Some(minutes(0)), true), (Some(minutes(3)), true), (Some(minutes(4)), false)] {
            assert_eq!(is_alive(longest, minutes(1)), alive, "{longest:?}");
        }
    }
}
