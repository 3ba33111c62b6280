//! Lines that go in steps: places in tenths of pixels in, the paths of SVG out.

use super::tenths;
use std::fmt::Write;

/// Up to so many points are all drawn.
const MANY: usize = 500;
/// The tenths of pixels within which points cannot be told apart.
const COLUMN: i64 = 20;

/// Where a value lies: `from` at the pixel `low`, `until` at the pixel `high`.
pub(super) struct Scale {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Scale {
    /// The place in tenths of pixels; what lies outside is at the edge.
    pub(super) fn place(&self, value: i64) -> i64 {
        let length = i128::from(self.until.saturating_sub(self.from).max(1));
        let value = i128::from(value.clamp(self.from, self.until.max(self.from))) - i128::from(self.from);
        let along = value * i128::from(self.high - self.low) * 10 / length;
        self.low * 10 + i64::try_from(along).unwrap_or_default()
    }
}

/// Leaves of each column the first, the lowest, the highest and the last point, in their order, once there are too many.
pub(super) fn thinned(points: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    if points.len() <= MANY {
        return points;
    }
    let mut kept: Vec<(i64, i64)> = Vec::new();
    for column in points.chunk_by(|one, next| one.0 / COLUMN == next.0 / COLUMN) {
        let by_height = |index: &usize| column[*index].1;
        let lowest = (0..column.len()).min_by_key(by_height).unwrap_or_default();
        let highest = (0..column.len()).max_by_key(by_height).unwrap_or_default();
        let mut seen = [0, lowest, highest, column.len() - 1];
        seen.sort_unstable();
        let mut last = None;
        for index in seen.into_iter().filter(|index| last.replace(*index) != Some(*index)) {
            kept.push(column[index]);
        }
    }
    kept
}

/// Leaves the last of each column, once there are too many.
pub(super) fn last_of_columns<T>(things: Vec<T>, place: impl Fn(&T) -> i64) -> Vec<T> {
    if things.len() <= MANY {
        return things;
    }
    let mut kept: Vec<T> = Vec::new();
    for thing in things {
        if kept.last().is_some_and(|last| place(last) / COLUMN == place(&thing) / COLUMN) {
            kept.pop();
        }
        kept.push(thing);
    }
    kept
}

/// The line through these places, which each hold until the next and the last one until `end`; and the area between it and
/// `ground`. Empty where there are none.
pub(super) fn steps(places: &[(i64, i64)], end: i64, ground: i64) -> (String, String) {
    let Some(((x, y), rest)) = places.split_first() else {
        return (String::new(), String::new());
    };
    let mut along = String::new();
    let mut last = (*x, *y);
    for (x, y) in rest {
        if *x != last.0 && *y != last.1 {
            let _ = write!(along, "H{}", tenths(*x));
        }
        if *y != last.1 {
            let _ = write!(along, "V{}", tenths(*y));
            last = (*x, *y);
        }
    }
    let _ = write!(along, "H{}", tenths(end));
    let (x, y, ground) = (tenths(*x), tenths(*y), tenths(ground));
    (format!("M{x} {y}{along}"), format!("M{x} {ground}V{y}{along}V{ground}Z"))
}

#[cfg(test)]
mod tests {
    use super::{Scale, last_of_columns, steps, thinned};

    #[test]
    fn a_value_lies_between_the_ends_of_its_scale() {
        let up = Scale { from: 0, until: 200, low: 100, high: 0 };
        assert_eq!([0, 50, 200, 900, -5].map(|value| up.place(value)), [1000, 750, 0, 0, 1000]);
        let nothing = Scale { from: 5, until: 5, low: 0, high: 10 };
        assert_eq!(nothing.place(5), 0);
        let endless = Scale { from: i64::MIN, until: i64::MAX, low: 0, high: 10 };
        assert!((0..=100).contains(&endless.place(0)));
    }

    #[test]
    fn each_place_holds_until_the_next() {
        let (line, area) = steps(&[(0, 50), (100, 20), (150, 20), (205, 70)], 300, 100);
        assert_eq!(line, "M0 5H10V2H20.5V7H30");
        assert_eq!(area, "M0 10V5H10V2H20.5V7H30V10Z");
        assert_eq!(steps(&[], 300, 100), (String::new(), String::new()));
    }

    #[test]
    fn of_too_many_points_the_outline_stays() {
        let few: Vec<(i64, i64)> = (0..500).map(|at| (at, at % 7)).collect();
        assert_eq!(thinned(few.clone()), few);
        let many: Vec<(i64, i64)> = (0..600).map(|at| (at / 30, if at == 300 { 9 } else { 5 + at % 2 })).collect();
        assert_eq!(thinned(many), [(0, 5), (10, 9), (19, 6)]);
    }

    #[test]
    fn of_too_many_things_the_last_of_each_column_stays() {
        let kept = last_of_columns((0..1000).collect(), |thing| *thing);
        assert_eq!((kept.len(), kept[0], kept[49]), (50, 19, 999));
    }
}
