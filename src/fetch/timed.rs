//! How long hosts take to give what is new, for the figures.

use super::FetchError;
use crate::domain::Vcs;
use crate::figures::PULLS;
use std::time::Instant;

/// Does it and notes how long it took and how it ended: well, or with an error of a class.
pub(super) async fn timed<T>(
    vcs: Vcs,
    kind: &'static str,
    doing: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    let began = Instant::now();
    let done = doing.await;
    let outcome = done.as_ref().err().map_or("ok", |error| error.class.name());
    PULLS.note([vcs.name(), kind, outcome], began.elapsed());
    done
}
