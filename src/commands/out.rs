//! Standard output and standard error: the one writer that commands print through.

use serde::Serialize;
use std::fmt::{Arguments, Display};
use std::io::{self, Write};

/// Standard output.
pub(super) struct Out {
    out: io::Stdout,
    /// Lines that are printed together.
    many: String,
}

/// So many bytes are printed together.
const MANY: usize = 64 << 10;

impl Out {
    pub(super) fn new() -> Out {
        Out { out: io::stdout(), many: String::new() }
    }

    /// Prints a line.
    pub(super) fn line(&mut self, line: Arguments<'_>) -> io::Result<()> {
        let mut out = self.out.lock();
        out.write_fmt(line)?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Prints a line of so many that each is not worth a write of its own; the last ones come with [`Out::flush`].
    pub(super) fn part_of_many(&mut self, line: &str) -> io::Result<()> {
        self.many.push_str(line);
        self.many.push('\n');
        if self.many.len() < MANY { Ok(()) } else { self.flush() }
    }

    /// Prints what is left of many lines.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut out = self.out.lock();
        out.write_all(self.many.as_bytes())?;
        self.many.clear();
        out.flush()
    }

    /// Prints a value as JSON, on one line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.line(format_args!("{text}"))
    }

    /// Prints rows with their columns under each other.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([head[column].len()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        self.row(&widths, head.iter().copied())?;
        for row in rows {
            self.row(&widths, row.iter().map(String::as_str))?;
        }
        Ok(())
    }

    fn row<'a>(&mut self, widths: &[usize], cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let padded: Vec<String> = cells.zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        self.line(format_args!("{}", padded.join("  ").trim_end()))
    }
}

/// A number with its noun.
pub(super) fn many<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, more: &str) -> String {
    let noun = if count == N::from(1) { one } else { more };
    format!("{count} {noun}")
}

/// Prints a line to standard error; if even that is gone, nobody is there to be told.
pub(super) fn complain(line: Arguments<'_>) {
    let mut error = io::stderr().lock();
    let _ = error.write_fmt(line).and_then(|()| error.write_all(b"\n"));
}
