//! What holds for any bytes in place of an address, of details, of a signature or of a file that is shown: each function reads them as
//! one thing and panics where a promise is broken.

use super::details;
use super::format::Here;
use super::highlight::highlights;
use super::hooks::is_signed;
use super::period::Period;
use super::push_query::{Chosen, PushQuery};
use super::query::replaced;
use super::selection::{Order, Selection};
use super::wanted::Wanted;
use axum::http::Uri;
pub use elmo_l10n::hostile as l10n;
use jiff::Timestamp;

/// What follows the question mark: what is read, written as an address and read again, is the same.
pub fn query(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    if let Ok(asked) = PushQuery::of(&query) {
        let address = asked.here("/p").address();
        let again = address.split_once('?').map_or("", |(_, query)| query);
        assert_eq!(PushQuery::of(again).ok().map(|again| again.here("/p").address()), Some(address), "{query}");
        let filter = asked.filter(Chosen::default());
        assert!(!filter.user.contains('\0') && filter.length <= 500);
        assert!(asked.chips("/p").iter().all(|chip| !chip.value.contains('\0')));
        asked.fields(false);
    }
    statistics(&Wanted::read(&query));
    address(bytes);
}

/// What pages of statistics are asked.
fn statistics(wanted: &Wanted) {
    let now = Timestamp::UNIX_EPOCH;
    let (shaded, _) = highlights(wanted, now);
    assert!(shaded.iter().all(|one| one.span().start < one.span().end));
    let _ = (Selection::read(wanted), wanted.number("length", 50, 1..=500));
    if let Ok(order) = Order::read(wanted) {
        let again = Order::read(&Wanted::read(Here::at("/").and("sort", order.name()).address().trim_start_matches("/?")));
        assert_eq!(again.ok(), Some(order));
    }
    if let Ok(period) = Period::read(wanted, now) {
        assert!(period.from < period.until);
        for other in [period.earlier(), period.later(), period.wider(), period.narrower()].into_iter().flatten() {
            assert!(other.from < other.until && !other.names().0.is_empty());
        }
    }
}

/// A whole address: no NUL is left in its query.
fn address(bytes: &[u8]) {
    if let Ok(uri) = Uri::try_from(bytes)
        && uri.query().is_some()
        && let Ok(without) = replaced(&uri)
    {
        assert_eq!(without.path(), uri.path());
        assert!(!without.query().unwrap_or_default().contains("%00"));
    }
}

/// Details of a comparison, which are shown as text.
pub fn details(bytes: &[u8]) {
    for file in details::read(bytes).into_iter().flatten() {
        let texts = [&file.folder, &file.name].into_iter().chain(file.entries.iter().map(|entry| &entry.text));
        for text in texts {
            assert!(!text.contains(['\0', '\x1b', '\u{202e}']), "{text:?}");
        }
    }
}

/// A signature: the first line is what the header says, the rest is the body. Nobody hits the right one by chance.
pub fn signature(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (header, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end..]);
    assert!(!is_signed(&["a-secret".to_owned(), "another".to_owned()], &header, body));
}
