//! The stored texts of a changelog: a place and a length come in, the bytes that stand there go out, through a window that
//! is read in one piece. Never interprets them and never allocates more than the file is long.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes read at once while a reader goes from one text to the next.
const AHEAD: usize = 256 * 1024;
/// Bytes read at once for a text out of turn.
const ALONE: usize = 8 * 1024;

/// What stands between or beside the entries of an index.
pub(super) enum Data {
    Inline(Vec<u8>),
    Split(Window),
}

/// The part of a data file that was read last.
pub(super) struct Window {
    file: File,
    bytes: Vec<u8>,
    start: u64,
}

impl Data {
    pub(super) fn split(file: File) -> Data {
        Data::Split(Window { file, bytes: Vec::new(), start: 0 })
    }

    /// Gives `length` bytes; `None` if the file ends before them.
    pub(super) fn slice(&mut self, position: u64, length: usize) -> io::Result<Option<&[u8]>> {
        match self {
            Data::Inline(file) => Ok(part(file, position, length)),
            Data::Split(window) => window.slice(position, length),
        }
    }
}

fn part(bytes: &[u8], from: u64, length: usize) -> Option<&[u8]> {
    bytes.get(usize::try_from(from).ok()?..)?.get(..length)
}

impl Window {
    fn slice(&mut self, position: u64, length: usize) -> io::Result<Option<&[u8]>> {
        if !self.holds(position, length) && !self.move_to(position, length)? {
            return Ok(None);
        }
        Ok(part(&self.bytes, position - self.start, length))
    }

    fn holds(&self, position: u64, length: usize) -> bool {
        position >= self.start && part(&self.bytes, position - self.start, length).is_some()
    }

    fn move_to(&mut self, position: u64, length: usize) -> io::Result<bool> {
        let left = self.file.metadata()?.len().saturating_sub(position);
        if (length as u64) > left {
            return Ok(false);
        }
        let block = if self.is_next(position) { AHEAD } else { ALONE };
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(length.max(block));
        self.start = position;
        self.bytes.resize(size, 0);
        let read = self.file.read_exact_at(&mut self.bytes, position);
        if read.is_err() {
            self.bytes.clear();
        }
        match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Whether the window is left at its end, as by one who reads on.
    fn is_next(&self, position: u64) -> bool {
        let end = self.start + self.bytes.len() as u64;
        (self.start..=end).contains(&position)
    }
}
