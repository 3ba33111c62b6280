//! How many locales of a tree are good, and how many are not, over time: the course of each locale in, counts out. Pure, and
//! linear in the number of points.

use crate::domain::DAY;
use crate::store::CoursePoint;
use std::collections::HashMap;

/// How many locales have at most so many strings missing, and how many have more, from a second since 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) at: i64,
    pub(super) good: usize,
    pub(super) bad: usize,
}

/// The counts from `from` on, each time they change, and how many strings each locale misses in the end. The points are oldest
/// first; what was before `from` counts from there on.
pub(super) fn counted(points: &[CoursePoint], bound: i64, from: i64) -> (Vec<Shares>, HashMap<i64, i64>) {
    let mut missing: HashMap<i64, i64> = HashMap::new();
    let (mut good, mut bad) = (0, 0);
    let mut shares: Vec<Shares> = Vec::new();
    for point in points {
        match missing.insert(point.place.locale, point.missing) {
            Some(was) if was <= bound => good -= 1,
            Some(_) => bad -= 1,
            None => {}
        }
        if point.missing <= bound {
            good += 1;
        } else {
            bad += 1;
        }
        push(&mut shares, Shares { at: point.from.max(from), good, bad });
    }
    (shares, missing)
}

/// Adds what holds from a moment on; what held from the same moment on did not hold at all.
fn push(shares: &mut Vec<Shares>, share: Shares) {
    if shares.last().is_some_and(|last| last.at == share.at) {
        shares.pop();
    }
    let is_same = shares.last().is_some_and(|last| (last.good, last.bad) == (share.good, share.bad));
    if !is_same {
        shares.push(share);
    }
}

/// Of each day the last.
pub(super) fn last_of_days(shares: &[Shares]) -> Vec<Shares> {
    shares.chunk_by(|one, next| one.at.div_euclid(DAY) == next.at.div_euclid(DAY)).filter_map(|day| day.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Shares, counted, last_of_days};
    use crate::store::{CoursePoint, Place};

    fn points(points: &[(i64, i64, i64)]) -> Vec<CoursePoint> {
        points
            .iter()
            .map(|(locale, from, missing)| CoursePoint {
                place: Place { tree: 1, locale: *locale },
                from: *from,
                missing: *missing,
            })
            .collect()
    }

    fn check(of: &[(i64, i64, i64)], bound: i64, expected: &[(i64, usize, usize)]) {
        let found: Vec<(i64, usize, usize)> =
            counted(&points(of), bound, 100).0.iter().map(|one| (one.at, one.good, one.bad)).collect();
        assert_eq!(found, expected, "{of:?}");
    }

    #[test]
    fn locales_are_counted_by_how_much_they_miss() {
        check(&[], 0, &[]);
        check(&[(1, 50, 0), (2, 90, 3), (1, 120, 1), (2, 150, 0)], 0, &[(100, 1, 1), (120, 0, 2), (150, 1, 1)]);
        check(&[(1, 50, 0), (2, 90, 3), (1, 120, 1), (2, 150, 0)], 5, &[(100, 2, 0)]);
    }

    #[test]
    fn of_several_at_one_moment_the_last_counts() {
        check(&[(1, 110, 5), (1, 110, 0), (2, 110, 4)], 0, &[(110, 1, 1)]);
        check(&[(1, 110, 0), (1, 120, 5), (1, 120, 0), (1, 130, 7)], 0, &[(110, 1, 0), (130, 0, 1)]);
    }

    #[test]
    fn days_and_ends() {
        let share = |at| Shares { at, good: 1, bad: 0 };
        assert_eq!(last_of_days(&[share(0), share(86_399), share(86_400)]), [share(86_399), share(86_400)]);
        let (_, end) = counted(&points(&[(1, 50, 9), (2, 60, 4), (1, 70, 3)]), 0, 100);
        assert_eq!((end[&1], end[&2]), (3, 4));
    }
}
