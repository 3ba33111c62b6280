//! The forms in which a revlog stores bytes: a stored chunk comes in, the text or the delta that it holds goes out. Never
//! makes more of a chunk than [`LIMIT`] bytes, whatever the chunk says.

use flate2::{Decompress, FlushDecompress, Status};
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

/// The longest text that is believed, in bytes.
pub(super) const LIMIT: usize = 64 * 1024 * 1024;

/// What one byte of a chunk comes to at most: a zlib stream ("maximum compression factor", zlib Technical Details), and a zstd frame, of
/// which four bytes make a block of 128 KiB (RFC 8878, 3.1.1.2). Whoever says more is not believed before it is there.
const OF_A_ZLIB_BYTE: usize = 1032;
const OF_A_ZSTD_BYTE: usize = 32 * 1024;

/// Decompressors and their memory, kept from one chunk to the next.
pub(super) struct Unpacker {
    zlib: Decompress,
    zstd: Decompressor<'static>,
    buffer: Vec<u8>,
}

impl Unpacker {
    pub(super) fn new() -> Unpacker {
        Unpacker { zlib: Decompress::new(true), zstd: Decompressor::default(), buffer: Vec::new() }
    }

    /// Undoes what the first byte of a chunk says; `length` is what is expected, as a hint.
    pub(super) fn unpack<'a>(&'a mut self, chunk: &'a [u8], length: Option<usize>) -> Result<&'a [u8], &'static str> {
        match chunk.first() {
            None | Some(0) => Ok(chunk),
            Some(b'u') => Ok(&chunk[1..]),
            Some(b'x') => self.inflate(chunk, length),
            Some(0x28) => self.unpack_zstd(chunk, length),
            Some(_) => Err("a chunk is compressed in an unknown way"),
        }
    }

    fn inflate(&mut self, chunk: &[u8], length: Option<usize>) -> Result<&[u8], &'static str> {
        self.zlib.reset(true);
        self.make_room(chunk, length, OF_A_ZLIB_BYTE);
        loop {
            let consumed = usize::try_from(self.zlib.total_in()).unwrap_or(usize::MAX);
            let input = chunk.get(consumed..).unwrap_or_default();
            let status = self.zlib.decompress_vec(input, &mut self.buffer, FlushDecompress::Finish);
            match status.map_err(|_| "a chunk is no zlib stream")? {
                Status::StreamEnd => return Ok(&self.buffer),
                _ if self.buffer.len() < self.buffer.capacity() => return Err("a zlib stream breaks off"),
                _ => self.make_more_room()?,
            }
        }
    }

    fn unpack_zstd(&mut self, chunk: &[u8], length: Option<usize>) -> Result<&[u8], &'static str> {
        let stated = get_frame_content_size(chunk).map_err(|_| "a chunk is no zstd frame")?;
        let stated = stated.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if stated.is_some_and(|bytes| bytes > LIMIT) {
            return Err("a text is too long");
        }
        self.make_room(chunk, stated.or(length), OF_A_ZSTD_BYTE);
        while self.zstd.decompress_to_buffer(chunk, &mut self.buffer).is_err() {
            if stated.is_some() {
                return Err("a zstd frame is damaged");
            }
            self.make_more_room()?;
        }
        Ok(&self.buffer)
    }

    /// Makes room for what a chunk is expected to come to, as far as each byte of it can come to so many.
    fn make_room(&mut self, chunk: &[u8], expected: Option<usize>, of_a_byte: usize) {
        let bytes = expected.unwrap_or(chunk.len() * 4).min(chunk.len().saturating_mul(of_a_byte));
        self.buffer.clear();
        self.buffer.reserve(bytes.clamp(64, LIMIT));
    }

    fn make_more_room(&mut self) -> Result<(), &'static str> {
        let held = self.buffer.capacity();
        if held >= LIMIT {
            return Err("a text is too long, or damaged");
        }
        self.buffer.reserve(held * 2 - self.buffer.len());
        Ok(())
    }
}
