//! Rows as one JSON parameter: `[[1,"a"],[2,"b"]]`, written straight into a string.

use crate::domain::Revision;
use std::fmt::Write;

/// Collects rows for a statement made with `rows_sql!`.
pub(super) struct Rows(String);

impl Rows {
    pub(super) fn new() -> Rows {
        Rows(String::from("["))
    }

    /// Rows of one column each.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = Cell<'a>>) -> String {
        let mut rows = Rows::new();
        values.into_iter().for_each(|value| rows.add([value]));
        rows.done()
    }

    /// Rows of one revision each.
    pub(super) fn of_revisions<'a>(revisions: impl IntoIterator<Item = &'a Revision>) -> String {
        Rows::of(revisions.into_iter().map(|revision| Cell::Plain(revision.to_string())))
    }

    pub(super) fn add<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) {
        self.0.push_str(if self.0.len() > 1 { ",[" } else { "[" });
        for (position, cell) in cells.into_iter().enumerate() {
            if position > 0 {
                self.0.push(',');
            }
            write_cell(&mut self.0, &cell);
        }
        self.0.push(']');
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 1
    }

    pub(super) fn done(mut self) -> String {
        self.0.push(']');
        self.0
    }
}

/// One value of a row.
pub(super) enum Cell<'a> {
    Number(i64),
    Text(&'a str),
    /// Text that needs no escaping, made for this row.
    Plain(String),
    Nothing,
}

/// Writes a value as JSON.
pub(super) fn write_cell(out: &mut String, cell: &Cell<'_>) {
    match cell {
        Cell::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Cell::Text(text) => write_text(out, text),
        Cell::Plain(text) => {
            let _ = write!(out, "\"{text}\"");
        }
        Cell::Nothing => out.push_str("null"),
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Cell, Rows};

    #[test]
    fn what_is_written_is_the_json_that_serde_reads_back() {
        let text = "a \"quote\" \\ back\nline\ttab \u{1} ünd 😀 \u{10ff41}";
        let mut rows = Rows::new();
        rows.add([Cell::Number(-1), Cell::Text(text), Cell::Nothing]);
        rows.add([Cell::Number(2), Cell::Plain("x".to_owned()), Cell::Text("")]);
        let read: serde_json::Value = serde_json::from_str(&rows.done()).unwrap();
        assert_eq!(read, serde_json::json!([[-1, text, null], [2, "x", ""]]));
    }
}
