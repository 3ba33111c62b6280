//! A list as a feed: entries in, Atom (RFC 4287) out. Links are relative to the feed's own address, so that it needs not know
//! under which name the world reaches this server.

use askama::Template;
use jiff::Timestamp;

/// A feed of entries, newest first.
#[derive(Template)]
#[template(path = "feed.xml", escape = "html")]
pub(super) struct Feed {
    /// Names the feed for ever, as a URI.
    pub(super) id: String,
    pub(super) title: String,
    /// The page it is the feed of, and its own address.
    pub(super) page: String,
    pub(super) address: String,
    pub(super) entries: Vec<Entry>,
}

/// One entry.
pub(super) struct Entry {
    /// Names the entry for ever, as a URI.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) author: String,
    /// Seconds since 1970.
    pub(super) date: i64,
    pub(super) page: String,
    pub(super) text: String,
}

impl Feed {
    /// When its newest entry came; the beginning of 1970 where there is none.
    fn updated(&self) -> String {
        self.entries.first().map_or_else(|| Timestamp::UNIX_EPOCH.to_string(), Entry::updated)
    }
}

impl Entry {
    /// The same without the two characters that text may have and XML may not; control characters are spelled out already.
    pub(super) fn in_xml(self) -> Entry {
        let plain = |text: String| text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        Entry { title: plain(self.title), author: plain(self.author), text: plain(self.text), ..self }
    }

    /// Feeds know no times outside the years 1 to 9999; what has such a date is shown at 1970.
    fn updated(&self) -> String {
        super::shown::calendar(self.date).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    }
}
