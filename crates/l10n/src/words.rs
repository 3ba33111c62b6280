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
    let bytes = text.as_bytes();
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut counting = Counting { starts: 0, space_before: 0x80, may_be_wide: 0 };
    let mut words = 0;
    // Sums of so few fit into a byte.
    for few in eights.chunks(usize::from(u8::MAX - 1)) {
        few.iter().for_each(|eight| counting.take(*eight));
        words += counting.counted();
    }
    counting.take(last);
    if counting.may_be_wide != 0 && has_wide_space(bytes) { count_all(bytes) } else { words + counting.counted() }
}

/// Counts words of a text in which all white space is ASCII, eight bytes at a time: most texts are so short that this is quicker than
/// what compilers make of a loop over bytes. Each byte of a number is by itself.
struct Counting {
    /// How many words start at each of the eight places.
    starts: u64,
    /// The top bit of the first byte if what comes before is white space.
    space_before: u64,
    /// Not zero if a byte was seen with which wider white space begins.
    may_be_wide: u64,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

impl Counting {
    fn take(&mut self, eight: [u8; 8]) {
        let bytes = u64::from_le_bytes(eight);
        let low = bytes & !TOPS;
        let space = (within(low, b'\t', b'\r') | within(low, 0x1c, b' ')) & !bytes & TOPS;
        self.starts += (!space & (space << 8 | self.space_before) & TOPS) >> 7;
        self.space_before = space >> 56;
        self.may_be_wide |= (within(low, 0x42, 0x42) | within(low, 0x61, 0x63)) & bytes & TOPS;
    }

    /// How many words have started since this was asked last.
    fn counted(&mut self) -> usize {
        let pairs = (self.starts & 0x00ff_00ff_00ff_00ff) + (self.starts >> 8 & 0x00ff_00ff_00ff_00ff);
        self.starts = 0;
        (pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as usize
    }
}

/// Sets the top bit of each byte, whose own is not set, that lies between two others.
fn within(bytes: u64, first: u8, last: u8) -> u64 {
    let at_least = |bound: u8| bytes + ONES * u64::from(0x80 - bound);
    at_least(first) & !at_least(last + 1)
}

fn count_all(text: &[u8]) -> usize {
    let (mut words, mut at, mut in_word) = (0, 0, false);
    while at < text.len() {
        let space = length_of_space(&text[at..]);
        words += usize::from(space == 0 && !in_word);
        in_word = space == 0;
        at += space.max(1);
    }
    words
}

fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | 0x1c..=b' ')
}

/// Says whether any white space in a text is not ASCII; without branches, so that the compiler can put it to many bytes at once.
fn has_wide_space(text: &[u8]) -> bool {
    let pairs = || text.iter().zip(text.iter().skip(1));
    let of_two = pairs().fold(false, |found, (&one, &two)| found | ((one == 0xc2) & ((two == 0x85) | (two == 0xa0))));
    let threes = pairs().zip(text.iter().skip(2));
    of_two | threes.fold(false, |found, ((&one, &two), &three)| found | is_space_of_three(one, two, three))
}

fn is_space_of_three(one: u8, two: u8, three: u8) -> bool {
    let general = (three.wrapping_sub(0x80) <= 10) | (three.wrapping_sub(0xa8) <= 1) | (three == 0xaf);
    ((one == 0xe2) & (((two == 0x80) & general) | ((two == 0x81) & (three == 0x9f))))
        | ((one == 0xe3) & (two == 0x80) & (three == 0x80))
        | ((one == 0xe1) & (two == 0x9a) & (three == 0x80))
}

/// Gives the length of the white space with which a text in UTF-8 begins; 0 if that is something else.
fn length_of_space(text: &[u8]) -> usize {
    match text {
        [byte, ..] if byte.is_ascii() => usize::from(is_ascii_space(*byte)),
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [one, two, three, ..] if is_space_of_three(*one, *two, *three) => 3,
        _ => 0,
    }
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

#[cfg(test)]
mod tests {
    use super::{count_plain, has_wide_space, length_of_space};

    #[test]
    fn white_space_is_what_unicode_calls_so_and_four_separators() {
        for char in (0..=0x10_ffff).filter_map(char::from_u32) {
            let is_space = char.is_whitespace() || matches!(char, '\u{1c}'..='\u{1f}');
            let text = char.to_string();
            assert_eq!(length_of_space(text.as_bytes()), if is_space { text.len() } else { 0 }, "{char:?}");
            assert_eq!(has_wide_space(text.as_bytes()), is_space && !char.is_ascii(), "{char:?}");
            assert_eq!(count_plain(&format!("one{text}other")), if is_space { 2 } else { 1 }, "{char:?}");
        }
    }

    #[test]
    fn words_are_what_it_divides() {
        let check = |text, words| assert_eq!(count_plain(text), words, "{text:?}");
        check("", 0);
        check(" \n", 0);
        check("a b\tc ", 3);
        check("пять слов\u{a0}и ещё одно", 5);
        check("\u{3000}全角\u{3000}\u{3000}空白\u{2028}", 2);
        check("l\u{2019}été\u{202f}!", 2);
    }
}
