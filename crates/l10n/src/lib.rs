//! Localization files: bytes come in; entities, what could not be read and word counts go out, and the differences between
//! two versions of a file.
//!
//! Keys, values, comments and words are those of compare-locales, Mozilla's own tool; where they are meant to differ, a
//! test lists it with the reason. [`paths`] says which locale a file is in. Whatever comes in, nothing panics, nothing recurses on the input's nesting without a
//! bound, and the time is linear in its length. This crate never reads a file, never writes one and knows no product.

pub mod hostile;
pub mod paths;

mod difference;
mod file;
mod fluent;
mod kind;
mod lines;
mod mark;
mod place;
mod runs;
mod text;
mod words;

mod android;
mod defines;
mod dtd;
mod ini;
mod po;
mod properties;
mod walk;

pub use difference::{Change, What, difference};
pub use file::{Attribute, Entity, File, Junk};
pub use kind::Kind;
pub use lines::{Hunk, Line, Side, is_binary, lines};
pub use mark::{Piece, mark};
pub use place::{Place, Places};
pub use text::Text;

/// Reads the entities of a file.
pub fn parse<'a>(kind: Kind, text: &'a Text<'_>) -> File<'a> {
    match kind {
        Kind::Android => android::parse(text),
        Kind::Defines => defines::parse(text),
        Kind::Dtd => walk::parse(text, &dtd::Dtd),
        Kind::Fluent => fluent::parse(text),
        Kind::Ini => walk::parse(text, &ini::Ini),
        Kind::Po => walk::parse(text, &po::Po),
        Kind::Properties => walk::parse(text, &properties::Properties),
    }
}
