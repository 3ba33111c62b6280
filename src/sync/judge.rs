//! What an answer means and how long to wait. Pure.

use crate::domain::{DAY, ErrorClass, Push};
use crate::fetch::Page;
use crate::store::KeptPush;
use jiff::Timestamp;
use std::time::Duration;

/// Where a repository stands as seen from its pushlog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// These pushes are new; none means that nothing is.
    News(Vec<Push>),
    /// The pushlog is not the one that was read before.
    MadeAnew,
    /// The pushlog ends before a push that is recorded already: either a mirror that lags or another pushlog. Its last
    /// pushes will tell.
    Shorter,
}

/// Reads a page that was asked for from the last known push on, that push included.
pub fn read(last_push: u64, known: Option<&KeptPush>, page: &Page) -> Reading {
    let overlap = page.pushes.iter().find(|push| push.id == last_push);
    match (overlap, known) {
        (Some(push), Some(known)) if !is_same(push, known) => Reading::MadeAnew,
        _ if page.last < last_push => Reading::Shorter,
        _ => Reading::News(page.pushes.iter().filter(|push| push.id > last_push).cloned().collect()),
    }
}

/// Whether a pushlog that ends early is another one: a push of it differs from the one recorded under the same id.
pub fn is_another(shown: &[Push], recorded: impl Fn(u64) -> Option<KeptPush>) -> bool {
    shown.iter().any(|push| recorded(push.id).is_some_and(|known| !is_same(push, &known)))
}

/// Ids name pushes, and their user and date never change; changesets may have been stripped or become obsolete since, but
/// two lists without anything in common are two pushes.
fn is_same(push: &Push, known: &KeptPush) -> bool {
    let listed = || push.changesets.iter().chain(&push.obsolete);
    let in_common = listed().any(|revision| known.changesets.contains(revision));
    push.user == known.user && push.date == known.date && (in_common || known.changesets.is_empty() || listed().next().is_none())
}

const LONGEST: Duration = Duration::from_secs(3600);

/// How long to wait after the `attempt`th failure in a row (from 0): doubling from `first` to an hour, spread by a quarter
/// either way with `chance` in 0…1, so that many repositories do not come back at the same moment.
pub fn wait(attempt: u32, first: Duration, chance: f64) -> Duration {
    let doubled = first.saturating_mul(1_u32.checked_shl(attempt.min(20)).unwrap_or(u32::MAX));
    doubled.min(LONGEST).mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A push that was announced and that the pushlog has not shown for so long never will be.
const PATIENCE: i64 = DAY;

/// Whether to believe the pushlog rather than the announcement.
pub fn give_up_waiting(lagging_since: Option<Timestamp>, now: Timestamp) -> bool {
    lagging_since.is_some_and(|since| now.as_second() - since.as_second() > PATIENCE)
}

/// Which hosts a lane should leave alone: those that do not answer well may hold half of the lanes, not all.
pub fn hosts_to_leave(lanes: usize, busy: &[(String, bool)]) -> Vec<String> {
    let most = (lanes / 2).max(1);
    let mut leave: Vec<String> = Vec::new();
    for (host, ailing) in busy {
        let lanes_there = busy.iter().filter(|(other, _)| other == host).count();
        if *ailing && lanes_there >= most && !leave.contains(host) {
            leave.push(host.clone());
        }
    }
    leave
}

/// Whether an error says something about its host rather than one repository.
pub fn is_about_the_host(class: ErrorClass) -> bool {
    class == ErrorClass::Network
}

#[cfg(test)]
mod tests {
    use super::{Reading, hosts_to_leave, is_another, read, wait};
    use crate::domain::{Kept, Push, Revision};
    use crate::fetch::Page;
    use crate::store::KeptPush;
    use std::time::Duration;

    fn push(id: u64, date: i64) -> Push {
        let tip = Revision::from_bytes([u8::try_from(id).unwrap(); 20]);
        Push { id, user: Kept::from("a@b"), date, changesets: vec![tip], obsolete: Vec::new(), twins: Vec::new() }
    }

    fn known(id: u64, date: i64) -> KeptPush {
        let Push { id, user, date, changesets, .. } = push(id, date);
        KeptPush { id, user, date, changesets }
    }

    fn page(last: u64, pushes: &[Push]) -> Page {
        Page { last, pushes: pushes.to_vec() }
    }

    #[test]
    fn only_pushes_after_the_known_one_are_news() {
        assert_eq!(read(2, Some(&known(2, 20)), &page(3, &[push(2, 20), push(3, 30)])), Reading::News(vec![push(3, 30)]));
        assert_eq!(read(0, None, &page(0, &[])), Reading::News(Vec::new()));
    }

    #[test]
    fn a_known_push_that_is_another_now_means_another_repository() {
        assert_eq!(read(2, Some(&known(2, 20)), &page(5, &[push(2, 99)])), Reading::MadeAnew);
        let mut same_second = push(2, 20);
        same_second.changesets = vec![Revision::from_bytes([9; 20])];
        assert_eq!(read(2, Some(&known(2, 20)), &page(5, &[same_second])), Reading::MadeAnew);
    }

    #[test]
    fn a_known_push_that_was_stripped_or_became_obsolete_does_not() {
        assert_eq!(read(2, Some(&known(2, 20)), &page(2, &[])), Reading::News(Vec::new()));
        let mut obsolete = push(2, 20);
        std::mem::swap(&mut obsolete.changesets, &mut obsolete.obsolete);
        assert_eq!(read(2, Some(&known(2, 20)), &page(2, &[obsolete])), Reading::News(Vec::new()));
    }

    #[test]
    fn a_shorter_pushlog_is_another_one_only_if_its_pushes_differ() {
        assert_eq!(read(3, Some(&known(3, 30)), &page(2, &[])), Reading::Shorter);
        assert!(!is_another(&[push(1, 10), push(2, 20)], |id| Some(known(id, i64::try_from(id).unwrap() * 10))));
        assert!(is_another(&[push(1, 11)], |id| Some(known(id, 10))));
        assert!(!is_another(&[push(1, 11)], |_| None));
    }

    #[test]
    fn waits_double_to_an_hour() {
        let first = Duration::from_secs(1);
        assert_eq!(wait(0, first, 0.5), first);
        assert_eq!(wait(3, first, 0.5), Duration::from_secs(8));
        assert_eq!(wait(500, first, 1.0), Duration::from_secs(4500));
        assert!(wait(3, first, 0.0) < wait(3, first, 1.0));
    }

    #[test]
    fn an_ailing_host_gets_half_of_the_lanes_and_a_healthy_one_all() {
        let busy = |ailing| vec![("h".to_owned(), ailing), ("h".to_owned(), ailing), ("g".to_owned(), false)];
        assert_eq!(hosts_to_leave(4, &busy(true)), ["h"]);
        assert!(hosts_to_leave(4, &busy(false)).is_empty());
    }
}
