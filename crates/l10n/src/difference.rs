//! What has changed between two versions of a file, entity by entity.

use std::collections::HashMap;

use crate::{Entity, File};

/// A row of a difference: an entity, or one of its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    pub key: &'a str,
    pub attribute: Option<&'a str>,
    pub what: What<'a>,
}

/// What has changed. A value that is empty counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    Added(&'a str),
    Removed(&'a str),
    Changed {
        old: &'a str,
        new: &'a str,
    },
    /// The value is as it was, the comment is not.
    Comment {
        old: Option<&'a str>,
        new: Option<&'a str>,
    },
}

impl Change<'_> {
    /// Names the row: `id` or `id.attribute`.
    pub fn name(&self) -> String {
        match self.attribute {
            None => self.key.to_owned(),
            Some(attribute) => format!("{}.{attribute}", self.key),
        }
    }
}

/// Lists the changes in the order of the new file; what was removed comes after what it came after in the old one.
///
/// Of entities with the same key, and of attributes with the same name, the last one counts.
pub fn difference<'a>(old: &'a File<'_>, new: &'a File<'_>) -> Vec<Change<'a>> {
    let (old, new) = (Rows::of(old), Rows::of(new));
    let mut removed = removed_after(&old, &new);
    let mut changes = removed.remove(&None).unwrap_or_default();
    for row in &new.rows {
        changes.extend(change(old.find(row.id), Some(row)));
        changes.extend(removed.remove(&Some(row.id)).unwrap_or_default());
    }
    changes
}

type Id<'a> = (&'a str, Option<&'a str>);

struct Row<'a> {
    id: Id<'a>,
    value: Option<&'a str>,
    comment: Option<&'a str>,
}

/// The rows of a file, each name once.
struct Rows<'a> {
    rows: Vec<Row<'a>>,
    places: HashMap<Id<'a>, usize>,
}

impl<'a> Rows<'a> {
    fn of(file: &'a File<'_>) -> Rows<'a> {
        let mut rows: Vec<_> = file.entities.iter().flat_map(rows_of).collect();
        let last: HashMap<_, _> = rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
        let mut place = 0..;
        rows.retain(|row| place.next() == last.get(&row.id).copied());
        let places = rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
        Rows { rows, places }
    }

    fn find(&self, id: Id<'a>) -> Option<&Row<'a>> {
        self.places.get(&id).map(|&place| &self.rows[place])
    }
}

fn rows_of<'a>(entity: &'a Entity<'_>) -> impl Iterator<Item = Row<'a>> {
    let key = &*entity.key;
    let own = Row { id: (key, None), value: present(entity.value.as_deref()), comment: entity.comment.as_deref() };
    let attributes = entity.attributes.iter().map(move |attribute| Row {
        id: (key, Some(&*attribute.name)),
        value: present(Some(&attribute.value)),
        comment: None,
    });
    std::iter::once(own).chain(attributes)
}

fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

/// Gathers what the new file has no row for, by the last row before it that the new file has.
fn removed_after<'a>(old: &Rows<'a>, new: &Rows<'a>) -> HashMap<Option<Id<'a>>, Vec<Change<'a>>> {
    let mut removed: HashMap<_, Vec<_>> = HashMap::new();
    let mut after = None;
    for row in &old.rows {
        if new.find(row.id).is_some() {
            after = Some(row.id);
        } else {
            removed.entry(after).or_default().extend(change(Some(row), None));
        }
    }
    removed
}

fn change<'a>(old: Option<&Row<'a>>, new: Option<&Row<'a>>) -> Option<Change<'a>> {
    let (key, attribute) = new.or(old)?.id;
    let what = match (old.and_then(|row| row.value), new.and_then(|row| row.value)) {
        (None, Some(new)) => What::Added(new),
        (Some(old), None) => What::Removed(old),
        (Some(old), Some(new)) if old != new => What::Changed { old, new },
        _ => comment_change(old?, new?)?,
    };
    Some(Change { key, attribute, what })
}

fn comment_change<'a>(old: &Row<'a>, new: &Row<'a>) -> Option<What<'a>> {
    (old.comment != new.comment).then_some(What::Comment { old: old.comment, new: new.comment })
}
