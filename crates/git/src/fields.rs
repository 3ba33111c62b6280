//! NUL-ended fields out of a pipe: bytes come in as they please, whole fields go out. It keeps one field and what has been
//! read behind it, and never takes a field, or a record of several, that is longer than allowed.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Duration, timeout};

use crate::GitError;

/// Bytes that are read at once.
const BLOCK: usize = 64 * 1024;

pub(crate) struct Fields<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    /// Bytes that one record may still have.
    left: usize,
    limit: usize,
    patience: Duration,
}

impl<R: AsyncRead + Unpin> Fields<R> {
    /// Takes a pipe, the bytes that a record may have, and how long to wait for the next bytes.
    pub(crate) fn new(source: R, limit: usize, patience: Duration) -> Fields<R> {
        Fields { source, buffer: Vec::with_capacity(2 * BLOCK), start: 0, left: limit, limit, patience }
    }

    /// Begins a new record.
    pub(crate) fn begin(&mut self) {
        self.left = self.limit;
    }

    /// Gives the first byte of the next field without taking it; none at the end.
    pub(crate) async fn peek(&mut self) -> Result<Option<u8>, GitError> {
        if self.start == self.buffer.len() && !self.fill().await? {
            return Ok(None);
        }
        Ok(Some(self.buffer[self.start]))
    }

    /// Takes the next field; a pipe that ends within one is an error.
    pub(crate) async fn next(&mut self) -> Result<&[u8], GitError> {
        let mut searched = 0;
        let length = loop {
            let ahead = &self.buffer[self.start..];
            if let Some(at) = memchr::memchr(0, &ahead[searched..]) {
                break searched + at;
            }
            searched = ahead.len();
            if searched > self.left {
                return Err(GitError::TooLong { limit: self.limit });
            }
            if !self.fill().await? {
                return Err(GitError::Broken { what: "ended before it had answered", said: String::new() });
            }
        };
        self.left = self.left.checked_sub(length).ok_or(GitError::TooLong { limit: self.limit })?;
        let start = self.start;
        self.start += length + 1;
        Ok(&self.buffer[start..start + length])
    }

    /// Reads on; false at the end.
    async fn fill(&mut self) -> Result<bool, GitError> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.reserve(BLOCK);
        let read = timeout(self.patience, self.source.read_buf(&mut self.buffer)).await;
        // A pipe that breaks ends; how the program ended tells the rest.
        read.map(|read| read.unwrap_or(0) > 0).map_err(|_| GitError::TimedOut { limit: self.patience })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, GitError> {
        let mut fields = Fields::new(bytes, limit, Duration::from_secs(1));
        let mut all = Vec::new();
        while fields.peek().await?.is_some() {
            all.push(fields.next().await?.to_vec());
        }
        Ok(all)
    }

    #[tokio::test]
    async fn fields_are_told_apart_wherever_the_blocks_end() {
        let long = vec![b'x'; 3 * BLOCK];
        let bytes = [b"a\0\0b\n\0", &long[..], b"\0"].concat();

        assert_eq!(read(&bytes, bytes.len()).await.unwrap(), [&b"a"[..], b"", b"b\n", &long]);
        assert!(read(b"", 1).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_field_without_end_and_a_record_that_is_too_long_are_errors() {
        assert!(matches!(read(b"a\0b", 10).await, Err(GitError::Broken { .. })));
        assert!(matches!(read(b"aaa\0bbb\0", 5).await, Err(GitError::TooLong { limit: 5 })));
        assert!(matches!(read(&[b'a'; 3 * BLOCK], BLOCK).await, Err(GitError::TooLong { .. })));
    }
}
