//! Where a push stands among all, and what lies between two places: from where to where a list of pushes is read, and where it
//! goes on. Pure.

use super::super::database::StoreError;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row};

/// Where a push stands among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PushKey {
    pub date: i64,
    pub id: i64,
}

/// Where in the list to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// So many pushes from the newest.
    Start(u32),
    /// With the newest of those that are older.
    Before(PushKey),
    /// With the oldest of those that are newer.
    After(PushKey),
}

/// What lies between two pushes, neither included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) above: PushKey,
    pub(super) below: PushKey,
}

/// Which way a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Older,
    Newer,
}

impl Stretch {
    /// As far as `edge`, if there is one, which is left out.
    pub(super) fn cut(self, edge: Option<PushKey>, direction: Direction) -> Stretch {
        match (edge, direction) {
            (None, _) => self,
            (Some(edge), Direction::Older) => Stretch { above: edge, ..self },
            (Some(edge), Direction::Newer) => Stretch { below: edge, ..self },
        }
    }

    /// Nothing that is newer than `date`, in seconds; nothing at all where there is no date.
    pub(super) fn until(self, date: Option<i64>) -> Stretch {
        let last = date.map_or(self.above, |date| PushKey { date, id: i64::MAX });
        Stretch { below: self.below.min(last), ..self }
    }

    /// Nothing that is older.
    pub(super) fn since(self, date: Option<i64>) -> Stretch {
        let first = date.map_or(self.below, |date| PushKey { date, id: 0 });
        Stretch { above: self.above.max(first), ..self }
    }

    pub(super) fn has(self, key: PushKey) -> bool {
        self.above < key && key < self.below
    }

    pub(super) fn bind_to<'q>(self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        query.bind(self.above.date).bind(self.above.id).bind(self.below.date).bind(self.below.id)
    }
}

impl PushKey {
    pub(in crate::store) fn of(row: &AnyRow) -> Result<PushKey, StoreError> {
        Ok(PushKey { date: row.try_get("date")?, id: row.try_get("id")? })
    }

    /// The place right after this push, seen from newer ones: what is before it includes the push.
    fn above(self) -> PushKey {
        PushKey { id: self.id.saturating_add(1), ..self }
    }

    /// The place right before it.
    fn beneath(self) -> PushKey {
        PushKey { id: self.id.saturating_sub(1), ..self }
    }
}

impl Begin {
    pub(super) fn direction(self) -> Direction {
        match self {
            Begin::Start(_) | Begin::Before(_) => Direction::Older,
            Begin::After(_) => Direction::Newer,
        }
    }

    /// What is read from here on, of the pushes between two seconds since 1970, both included.
    pub(super) fn stretch(self, from: i64, until: i64) -> Stretch {
        let above = PushKey { date: from, id: 0 };
        let below = PushKey { date: until, id: i64::MAX };
        match self {
            Begin::Start(_) => Stretch { above, below },
            Begin::Before(key) => Stretch { above, below: below.min(key) },
            Begin::After(key) => Stretch { above: above.max(key), below },
        }
    }
}

/// Where newer and older pushes are asked for, given the first and the last push shown, whether there are more in the direction
/// asked for, and how far was looked.
pub(super) fn ways_on(
    place: Begin,
    (first, last): (Option<PushKey>, Option<PushKey>),
    are_more: bool,
    edge: Option<PushKey>,
) -> (Option<PushKey>, Option<PushKey>) {
    let onwards = |end: Option<PushKey>| if are_more { end } else { None };
    match place {
        Begin::Start(0) => (None, onwards(last).or(edge.map(PushKey::above))),
        Begin::Start(_) => (first, onwards(last).or(edge.map(PushKey::above))),
        Begin::Before(key) => (first.or(Some(key.beneath())), onwards(last).or(edge.map(PushKey::above))),
        Begin::After(key) => (onwards(first).or(edge.map(PushKey::beneath)), last.or(Some(key.above()))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Begin, PushKey, Stretch, ways_on};

    fn key(date: i64, id: i64) -> PushKey {
        PushKey { date, id }
    }

    #[test]
    fn a_key_and_times_bound_what_is_read() {
        let check = |place: Begin, above, below| assert_eq!(place.stretch(10, 20), Stretch { above, below });
        check(Begin::Start(0), key(10, 0), key(20, i64::MAX));
        check(Begin::Before(key(15, 3)), key(10, 0), key(15, 3));
        check(Begin::Before(key(30, 3)), key(10, 0), key(20, i64::MAX));
        check(Begin::After(key(15, 3)), key(15, 3), key(20, i64::MAX));
        check(Begin::After(key(5, 3)), key(10, 0), key(20, i64::MAX));
    }

    #[test]
    fn a_list_says_where_it_goes_on() {
        let ends = (Some(key(9, 9)), Some(key(7, 7)));
        let check = |place, are_more, edge, newer, older| assert_eq!(ways_on(place, ends, are_more, edge), (newer, older));
        check(Begin::Start(0), false, None, None, None);
        check(Begin::Start(0), true, None, None, Some(key(7, 7)));
        check(Begin::Start(0), false, Some(key(3, 3)), None, Some(key(3, 4)));
        check(Begin::Start(50), false, None, Some(key(9, 9)), None);
        check(Begin::Before(key(10, 1)), true, None, Some(key(9, 9)), Some(key(7, 7)));
        check(Begin::After(key(6, 6)), false, None, None, Some(key(7, 7)));
        check(Begin::After(key(6, 6)), true, None, Some(key(9, 9)), Some(key(7, 7)));
        let none = |place| ways_on(place, (None, None), false, None);
        assert_eq!(none(Begin::Before(key(5, 5))), (Some(key(5, 4)), None));
        assert_eq!(none(Begin::After(key(5, 5))), (None, Some(key(5, 6))));
    }
}
