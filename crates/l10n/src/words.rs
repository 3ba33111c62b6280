//! Counts words as compare-locales does: what white space divides, without the tags of HTML.

/// Counts the words of a value; `<br>` divides words, other tags are left out.
pub(crate) fn count(value: &str) -> usize {
    if memchr::memchr(b'<', value.as_bytes()).is_none() {
        return count_plain(value);
    }
    count_plain(&without_tags(&with_breaks(value)))
}

/// Counts the words of a text without looking for tags.
pub(crate) fn count_plain(text: &str) -> usize {
    if text.is_ascii() { count_ascii(text.as_bytes()) } else { text.split(is_space).filter(|word| !word.is_empty()).count() }
}

fn count_ascii(text: &[u8]) -> usize {
    let first = text.first().is_some_and(|&byte| !is_ascii_space(byte));
    let starts = text.iter().zip(text.iter().skip(1)).map(|(&before, &byte)| is_ascii_space(before) & !is_ascii_space(byte));
    usize::from(first) + starts.map(usize::from).sum::<usize>()
}

fn is_ascii_space(byte: u8) -> bool {
    // One expression without branches, which the compiler can put to many bytes at once.
    (byte == b' ') | (byte.wrapping_sub(b'\t') <= b'\r' - b'\t') | (byte.wrapping_sub(0x1c) <= 3)
}

fn is_space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{1c}'..='\u{1f}')
}

/// Writes a line end for each `<br>`.
fn with_breaks(value: &str) -> String {
    replace(value, '\n', |rest| {
        let inside = rest.strip_prefix("br")?.trim_start_matches([' ', '\t', '\r', '\n']);
        let after = inside.strip_prefix('/').unwrap_or(inside).strip_prefix('>')?;
        Some(rest.len() - after.len())
    })
}

/// Leaves out each tag that ends in the line where it begins.
fn without_tags(value: &str) -> String {
    // From here to the end no `<` has a `>` in its line until as many bytes are left: to look again would take quadratic time.
    let mut open_until = usize::MAX;
    replace(value, None, |rest| {
        if !rest.strip_prefix('/').unwrap_or(rest).starts_with(is_word) || rest.len() > open_until {
            return None;
        }
        let end = memchr::memchr2(b'>', b'\n', rest.as_bytes()).unwrap_or(rest.len());
        if rest.as_bytes().get(end) == Some(&b'>') {
            return Some(end + 1);
        }
        open_until = rest.len() - end;
        None
    })
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Writes `instead` for each `<` and as many bytes after it as `length_of` says of what follows it.
fn replace(value: &str, instead: impl Into<Option<char>>, mut length_of: impl FnMut(&str) -> Option<usize>) -> String {
    let instead = instead.into();
    let mut replaced = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = memchr::memchr(b'<', rest.as_bytes()) {
        replaced.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        match length_of(rest) {
            Some(length) => {
                replaced.extend(instead);
                rest = &rest[length..];
            }
            None => replaced.push('<'),
        }
    }
    replaced.push_str(rest);
    replaced
}
