//! Which format a file is in, as its name says.

use memchr::memmem;

/// A format of localization files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Android's `strings.xml`.
    Android,
    /// `.inc`: lines of `#define`, as the preprocessor of Mozilla's build takes them.
    Defines,
    Dtd,
    Fluent,
    Ini,
    /// Gettext, `.po` and `.pot`.
    Po,
    Properties,
}

impl Kind {
    /// Tells the format by the path, by the rules of compare-locales: `strings` anywhere in it makes an `.xml` Android's.
    pub fn of(path: impl AsRef<[u8]>) -> Option<Kind> {
        let path = path.as_ref();
        if path.strip_suffix(b".xml").is_some_and(|stem| memmem::find(stem, b"strings").is_some()) {
            return Some(Kind::Android);
        }
        let dot = memchr::memrchr(b'.', path)?;
        match &path[dot..] {
            b".dtd" => Some(Kind::Dtd),
            b".ftl" => Some(Kind::Fluent),
            b".inc" => Some(Kind::Defines),
            b".ini" => Some(Kind::Ini),
            b".po" | b".pot" => Some(Kind::Po),
            b".properties" => Some(Kind::Properties),
            _ => None,
        }
    }
}
