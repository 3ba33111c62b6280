//! What a changeset says: the text that a changelog stores comes in, a [`Changeset`] goes out.
//!
//! Author, branch and description are given as Mercurial shows them (UTF-8; an ancient text that is not is read as Latin-1;
//! the description without white space around it), so that this reader and `hg log` agree. File names are bytes, always.
//! Never checks a hash: that is the changelog's.

use std::borrow::Cow;

use crate::Node;

/// One changeset, without its file contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changeset {
    pub node: Node,
    /// [`Node::NULL`] where there is none.
    pub parents: [Node; 2],
    pub author: Vec<u8>,
    pub description: Vec<u8>,
    /// `default` where the changeset names none.
    pub branch: Vec<u8>,
    /// Whether its branch is closed with this changeset.
    pub closes_branch: bool,
    /// Seconds since 1970 in UTC.
    pub date: i64,
    /// Seconds *west* of UTC, as Mercurial counts them: -7200 for UTC+2.
    pub offset: i32,
    /// The paths it changes; a merge lists only those that differ from both parents.
    pub files: Vec<Vec<u8>>,
}

impl Changeset {
    /// Reads a changelog text, or says what is wrong with it.
    pub(crate) fn from_text(node: Node, parents: [Node; 2], text: &[u8]) -> Result<Changeset, &'static str> {
        let mut rest = text;
        let manifest = line(&mut rest)?;
        if Node::from_hex(manifest).is_none() {
            return Err("the first line is no manifest hash");
        }
        let author = shown(line(&mut rest)?);
        let (date, offset, extra) = dated(line(&mut rest)?)?;
        let files = files(&mut rest)?;
        Ok(Changeset {
            node,
            parents,
            author,
            description: shown(stripped(rest)),
            branch: shown(extra.branch.as_deref().unwrap_or(b"default")),
            closes_branch: extra.close,
            date,
            offset,
            files,
        })
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let end = rest.iter().position(|&byte| byte == b'\n').ok_or("the text ends in its header")?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    Ok(line)
}

/// Takes the lines up to an empty one.
fn files(rest: &mut &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut files = Vec::new();
    loop {
        match line(rest)? {
            b"" => return Ok(files),
            name => files.push(name.to_vec()),
        }
    }
}

#[derive(Default)]
struct Extra {
    branch: Option<Vec<u8>>,
    close: bool,
}

/// Reads `seconds offset extra`, of which the last may be absent.
fn dated(line: &[u8]) -> Result<(i64, i32, Extra), &'static str> {
    let mut fields = line.splitn(3, |&byte| byte == b' ');
    let date = fields.next().and_then(seconds).ok_or("the date is no number")?;
    let offset = fields.next().and_then(ascii).and_then(|text| text.parse().ok()).ok_or("the time zone is no number")?;
    Ok((date, offset, fields.next().map(extra).unwrap_or_default()))
}

/// Reads whole seconds; very old texts hold a fraction, which is cut off.
fn seconds(field: &[u8]) -> Option<i64> {
    let text = ascii(field)?;
    text.parse().ok().or_else(|| Some(whole(text.parse().ok()?)))
}

#[allow(clippy::cast_possible_truncation, reason = "cutting the fraction off is what is wanted; it saturates")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

fn ascii(field: &[u8]) -> Option<&str> {
    std::str::from_utf8(field).ok()
}

fn extra(field: &[u8]) -> Extra {
    let mut extra = Extra::default();
    for item in field.split(|&byte| byte == 0) {
        let item = unescaped(item);
        match item.strip_prefix(b"branch:") {
            Some(branch) => extra.branch = Some(branch.to_vec()),
            None => extra.close |= item.starts_with(b"close:"),
        }
    }
    extra
}

fn unescaped(item: &[u8]) -> Cow<'_, [u8]> {
    if !item.contains(&b'\\') {
        return Cow::Borrowed(item);
    }
    let mut plain = Vec::with_capacity(item.len());
    let mut bytes = item.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => unescape(bytes.next(), &mut plain),
            _ => plain.push(byte),
        }
    }
    Cow::Owned(plain)
}

fn unescape(after_backslash: Option<u8>, plain: &mut Vec<u8>) {
    match after_backslash {
        Some(b'0') => plain.push(0),
        Some(b'n') => plain.push(b'\n'),
        Some(b'r') => plain.push(b'\r'),
        Some(b'\\') | None => plain.push(b'\\'),
        Some(other) => plain.extend([b'\\', other]),
    }
}

/// Keeps UTF-8 as it is and reads anything else as Latin-1, in which each byte is the character of the same number.
fn shown(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(_) => text.to_vec(),
        Err(_) => text.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(),
    }
}

/// Takes off what Python calls white space in bytes, as hg does when it shows a text; Rust leaves the vertical tab out.
fn stripped(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0x0b;
    match (text.iter().position(is_text), text.iter().rposition(is_text)) {
        (Some(first), Some(last)) => &text[first..=last],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "0123456789012345678901234567890123456789";

    fn read(rest: &[u8]) -> Result<Changeset, &'static str> {
        let text = [MANIFEST.as_bytes(), b"\n", rest].concat();
        Changeset::from_text(Node::NULL, [Node::NULL; 2], &text)
    }

    #[test]
    fn a_text_without_files_and_extra_is_read() {
        let changeset = read(b"me\n12 -7200\n\nwhat\n\nand why").unwrap();

        assert_eq!(changeset.author, b"me");
        assert_eq!((changeset.date, changeset.offset), (12, -7200));
        assert_eq!(changeset.branch, b"default");
        assert_eq!(changeset.description, b"what\n\nand why");
        assert!(changeset.files.is_empty());
    }

    #[test]
    fn extra_values_are_unescaped() {
        let changeset = read(b"me\n0 0 branch:a\\0b\\nc\\\\n\\q\0close:1\0other:branch\nfile\n\n").unwrap();

        assert_eq!(changeset.branch, b"a\0b\nc\\n\\q");
        assert!(changeset.closes_branch);
        assert_eq!(changeset.files, [b"file"]);
    }

    #[test]
    fn the_fraction_of_an_old_date_is_cut_off() {
        for (text, date) in [("12.75", 12), ("-12.75", -12), ("-62135596800", -62_135_596_800), ("1e3", 1000)] {
            let changeset = read(format!("me\n{text} 0\n\n").as_bytes()).unwrap();

            assert_eq!(changeset.date, date, "{text}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_read_as_latin1_and_file_names_are_left_alone() {
        let changeset = read(b"Zo\xe9\n0 0\ncaf\xe9 \n\n\x0b na\xefve \n").unwrap();

        assert_eq!(changeset.author, "Zoé".as_bytes());
        assert_eq!(changeset.description, "naïve".as_bytes());
        assert_eq!(changeset.files, [b"caf\xe9 "]);
    }

    #[test]
    fn a_text_that_breaks_off_is_refused() {
        let whole = b"me\n0 0 branch:b\na\nb\n\n";

        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
    }
}
