//! Which places of the board are shown, and in which order: rows in, rows out. Pure.

use super::error::PageError;
use super::place::{Change, Tally};
use super::wanted::Wanted;
use crate::domain::Grade;
use crate::store::PlaceRow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Which places are wanted; of what is not named, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) trees: Vec<String>,
    pub(super) locales: Vec<String>,
    pub(super) states: Vec<Grade>,
}

/// What places are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Locale,
    Tree,
    Percent,
    Errors,
    Warnings,
    Missing,
    Obsolete,
    Change,
}

/// An order of places; those that are alike are in the order of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) key: Key,
    pub(super) descending: bool,
}

/// How many places there are for each name, if the choice of that name were another one.
pub(super) struct Facets {
    pub(super) trees: BTreeMap<String, Tally>,
    pub(super) locales: BTreeMap<String, usize>,
    pub(super) states: Tally,
}

impl Selection {
    pub(super) fn read(wanted: &Wanted) -> Result<Selection, PageError> {
        let states = wanted.all("state").iter().map(|name| grade(name)).collect::<Result<_, _>>()?;
        Ok(Selection { trees: wanted.all("tree"), locales: wanted.all("locale"), states })
    }

    /// The places that fit, in the order of the board.
    pub(super) fn of<'a>(&self, rows: &'a [PlaceRow]) -> Vec<&'a PlaceRow> {
        rows.iter().filter(|row| self.has_tree(row) && self.has_locale(row) && self.has_state(row)).collect()
    }

    /// What else could be chosen.
    pub(super) fn facets(&self, rows: &[PlaceRow]) -> Facets {
        let mut facets = Facets { trees: BTreeMap::new(), locales: BTreeMap::new(), states: Tally::default() };
        for row in rows {
            let grade = row.counts.grade();
            let (has_tree, has_locale, has_state) = (self.has_tree(row), self.has_locale(row), self.has_state(row));
            if has_locale {
                facets.trees.entry(row.tree.clone()).or_default().add(grade);
            }
            if has_tree && has_state {
                *facets.locales.entry(row.locale.to_string()).or_default() += 1;
            }
            if has_tree && has_locale {
                facets.states.add(grade);
            }
        }
        facets
    }

    /// With this tree if it was without, without if it was with.
    pub(super) fn toggling_tree(&self, tree: &str) -> Selection {
        Selection { trees: toggled(&self.trees, &tree.to_owned()), ..self.clone() }
    }

    /// The same for a locale.
    pub(super) fn toggling_locale(&self, locale: &str) -> Selection {
        Selection { locales: toggled(&self.locales, &locale.to_owned()), ..self.clone() }
    }

    /// The same for a state.
    pub(super) fn toggling_state(&self, state: Grade) -> Selection {
        Selection { states: toggled(&self.states, &state), ..self.clone() }
    }

    pub(super) fn is_all(&self) -> bool {
        *self == Selection::default()
    }

    fn has_tree(&self, row: &PlaceRow) -> bool {
        self.trees.is_empty() || self.trees.contains(&row.tree)
    }

    fn has_locale(&self, row: &PlaceRow) -> bool {
        self.locales.is_empty() || self.locales.iter().any(|locale| locale == row.locale.as_str())
    }

    fn has_state(&self, row: &PlaceRow) -> bool {
        self.states.is_empty() || self.states.contains(&row.counts.grade())
    }
}

impl Order {
    /// What `sort=` asks for, descending after a `-`; by locale otherwise.
    pub(super) fn read(wanted: &Wanted) -> Result<Order, PageError> {
        let text = wanted.one("sort");
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        if name.is_empty() {
            return Ok(Order { key: Key::Locale, descending });
        }
        let names = || Key::ALL.map(Key::name).join(", ");
        let key = Key::ALL.into_iter().find(|key| key.name() == name);
        let key = key.ok_or_else(|| PageError::BadRequest(format!("Places can be sorted by {}; a - turns it around.", names())))?;
        Ok(Order { key, descending })
    }

    /// How an address says it.
    pub(super) fn name(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.key.name())
    }

    /// The order that the head of a column leads to: the other way around if it is that of the column, the most first for counts.
    pub(super) fn after_head_of(self, key: Key) -> Order {
        let is_name = matches!(key, Key::Locale | Key::Tree);
        Order { key, descending: if self.key == key { !self.descending } else { !is_name } }
    }

    pub(super) fn sort(self, rows: &mut [&PlaceRow]) {
        match self.key {
            Key::Locale => self.sort_by(rows, |row| (row.locale.as_str(), row.tree.as_str())),
            Key::Tree => self.sort_by(rows, |row| (row.tree.as_str(), row.locale.as_str())),
            Key::Percent => self.sort_by(rows, |row| row.completion),
            Key::Errors => self.sort_by(rows, |row| row.counts.errors),
            Key::Warnings => self.sort_by(rows, |row| row.counts.warnings),
            Key::Missing => self.sort_by(rows, |row| row.counts.untranslated()),
            Key::Obsolete => self.sort_by(rows, |row| row.counts.obsolete),
            Key::Change => self.sort_by(rows, |row| Change::of(row).map_or(0, |change| change.missing)),
        }
    }

    fn sort_by<'a, T: Ord>(self, rows: &mut [&'a PlaceRow], key: impl Fn(&'a PlaceRow) -> T) {
        if self.descending { rows.sort_by_key(|row| Reverse(key(row))) } else { rows.sort_by_key(|row| key(row)) }
    }
}

impl Key {
    pub(super) const ALL: [Key; 8] =
        [Key::Locale, Key::Tree, Key::Percent, Key::Errors, Key::Warnings, Key::Missing, Key::Obsolete, Key::Change];

    pub(super) fn name(self) -> &'static str {
        match self {
            Key::Locale => "locale",
            Key::Tree => "tree",
            Key::Percent => "percent",
            Key::Errors => "errors",
            Key::Warnings => "warnings",
            Key::Missing => "missing",
            Key::Obsolete => "obsolete",
            Key::Change => "change",
        }
    }
}

fn grade(name: &str) -> Result<Grade, PageError> {
    let names = || Grade::ALL.map(Grade::name).join(", ");
    let known = Grade::ALL.into_iter().find(|grade| grade.name() == name);
    known.ok_or_else(|| PageError::BadRequest(format!("The state can be one of {}.", names())))
}

fn toggled<T: Clone + PartialEq>(chosen: &[T], one: &T) -> Vec<T> {
    let mut others: Vec<T> = chosen.iter().filter(|other| *other != one).cloned().collect();
    if others.len() == chosen.len() {
        others.push(one.clone());
    }
    others
}

#[cfg(test)]
mod tests {
    use super::{Order, Selection};
    use crate::domain::{Counts, Grade};
    use crate::store::{Before, Place, PlaceRow};
    use crate::web::wanted::Wanted;

    fn row(tree: &str, locale: &str, missing: i64, obsolete: i64, before: Option<i64>) -> PlaceRow {
        let counts = Counts { missing, obsolete, changed: 10, ..Counts::default() };
        PlaceRow {
            place: Place { tree: 1, locale: 1 },
            tree: tree.to_owned(),
            locale: locale.parse().unwrap(),
            run: 1,
            srctime: 0,
            counts,
            total: counts.total(),
            completion: counts.completion(),
            before: before.map(|missing| Before { missing, completion: 0 }),
        }
    }

    /// By locale, then tree, as the store gives them.
    fn rows() -> Vec<PlaceRow> {
        vec![
            row("a/one", "de", 0, 2, Some(5)),
            row("b/two", "de", 7, 0, None),
            row("a/one", "fr", 3, 0, Some(1)),
            row("b/two", "fr", 0, 0, Some(0)),
        ]
    }

    fn chosen(query: &str) -> String {
        let (rows, wanted) = (rows(), Wanted::read(query));
        let mut chosen = Selection::read(&wanted).unwrap().of(&rows);
        Order::read(&wanted).unwrap().sort(&mut chosen);
        chosen.iter().map(|row| format!("{}-{}", &row.tree[..1], row.locale)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn filters_leave_what_fits_all_of_them() {
        let check = |query: &str, expected: &str| assert_eq!(chosen(query), expected, "{query}");
        check("", "a-de b-de a-fr b-fr");
        check("tree=a/one", "a-de a-fr");
        check("locale=fr&locale=de&tree=b/two", "b-de b-fr");
        check("state=failure", "b-de a-fr");
        check("state=success&state=warnings", "a-de b-fr");
        check("state=failure&locale=de", "b-de");
        check("tree=A/ONE", "");
    }

    #[test]
    fn order_is_by_one_column_then_as_on_the_board() {
        let check = |sort: &str, expected: &str| assert_eq!(chosen(&format!("sort={sort}")), expected, "{sort}");
        check("tree", "a-de a-fr b-de b-fr");
        check("-locale", "b-fr a-fr b-de a-de");
        check("-missing", "b-de a-fr a-de b-fr");
        check("percent", "b-de a-fr a-de b-fr");
        check("obsolete", "b-de a-fr b-fr a-de");
        check("change", "a-de b-de b-fr a-fr");
        check("errors", "a-de b-de a-fr b-fr");
        assert!(Order::read(&Wanted::read("sort=colour")).is_err() && Selection::read(&Wanted::read("state=green")).is_err());
    }

    #[test]
    fn facets_count_what_another_choice_would_give() {
        let selection = Selection::read(&Wanted::read("tree=a/one&state=failure")).unwrap();
        let facets = selection.facets(&rows());
        assert_eq!(
            facets.trees.iter().map(|(tree, tally)| (tree.as_str(), tally.failure)).collect::<Vec<_>>(),
            [("a/one", 1), ("b/two", 1)]
        );
        assert_eq!(facets.locales.into_iter().collect::<Vec<_>>(), [("fr".to_owned(), 1)]);
        assert_eq!((facets.states.failure, facets.states.warnings, facets.states.success), (1, 1, 0));
    }

    #[test]
    fn a_choice_is_made_and_taken_back() {
        let selection = Selection::default().toggling_tree("a").toggling_state(Grade::Failure).toggling_locale("fr");
        assert_eq!(selection.toggling_tree("a").trees, [""; 0]);
        assert_eq!(selection.toggling_tree("b").trees, ["a", "b"]);
        assert!(selection.toggling_tree("a").toggling_state(Grade::Failure).toggling_locale("fr").is_all());
    }
}
