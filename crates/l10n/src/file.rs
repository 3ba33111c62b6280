//! What a file holds, whatever its format.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Place, Places};

/// The entities of a file in its order, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File<'a> {
    /// A key may come more than once; the last one counts.
    pub entities: Vec<Entity<'a>>,
    pub junk: Vec<Junk>,
}

/// One string that is translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity<'a> {
    /// The name; in a `.po` file the `msgid`, after its `msgctxt` and U+0004 if it has one, as gettext itself writes it.
    pub key: Cow<'a, str>,
    /// The value with its escapes resolved; of Fluent as it is written. None if there are only attributes.
    pub value: Option<Cow<'a, str>>,
    /// Fluent's attributes; for plurals their further forms.
    pub attributes: Vec<Attribute<'a>>,
    /// The comment directly before it, without the signs that make it one; of `.po` files with them.
    pub comment: Option<Cow<'a, str>>,
    /// From the key, or the element, to the end of all values, in bytes of the [`Text`](crate::Text).
    pub span: Range<usize>,
    pub words: usize,
}

/// A further value of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub name: Cow<'a, str>,
    pub value: Cow<'a, str>,
}

/// A part of a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Junk {
    /// In bytes of the [`Text`](crate::Text).
    pub span: Range<usize>,
    /// Where it begins, or where the error is if that spoilt the whole file.
    pub place: Place,
    /// What was wrong, for a person.
    pub what: Cow<'static, str>,
}

/// Gathers junk while a file is read, from the beginning to the end.
pub(crate) struct Junkyard<'a> {
    places: Places<'a>,
    junk: Vec<Junk>,
}

impl<'a> Junkyard<'a> {
    pub(crate) fn of(text: &'a str) -> Junkyard<'a> {
        Junkyard { places: Places::of(text), junk: Vec::new() }
    }

    pub(crate) fn add(&mut self, span: Range<usize>, what: impl Into<Cow<'static, str>>) {
        let place = self.places.at(span.start);
        self.junk.push(Junk { span, place, what: what.into() });
    }

    pub(crate) fn into_junk(self) -> Vec<Junk> {
        self.junk
    }
}
