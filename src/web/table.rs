//! A list as a table: rows of values in, CSV as RFC 4180 has it out. Columns are named as the JSON's fields.

/// The rows of a page.
pub(super) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows yet.
    pub(super) fn of(columns: &[&'static str]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// A table with these columns and rows.
    pub(super) fn filled(columns: &[&'static str], rows: impl Iterator<Item = Vec<String>>) -> Table {
        let mut table = Table::of(columns);
        rows.for_each(|row| table.add(row));
        table
    }

    /// Adds a row of numbers, times, and texts that [`text`] has made harmless; as many as there are columns.
    pub(super) fn add(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.columns.len(), "a row has a value for each column");
        self.rows.push(row);
    }

    /// The whole as CSV, the names of the columns first.
    pub(super) fn to_csv(&self) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let header = std::iter::once(self.columns.iter().map(|name| (*name).to_owned()).collect());
        for row in header.chain(self.rows.iter().cloned()) {
            writer.write_record::<Vec<String>, _>(row).expect("writing to memory does not fail, and rows are of one length");
        }
        writer.into_inner().expect("writing to memory does not fail")
    }
}

/// Somebody's text as a cell. A spreadsheet takes a cell that begins with one of `= + - @` for a formula and runs it: such
/// text gets an apostrophe in front, which spreadsheets do not show.
pub(super) fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Table, text};

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let mut table = Table::of(&["name", "count"]);
        table.add(vec![text("a \"b\", c\nd"), "-3".to_owned()]);
        table.add(vec![text("=HYPERLINK(1)"), String::new()]);
        assert_eq!(String::from_utf8(table.to_csv()).unwrap(), "name,count\r\n\"a \"\"b\"\", c\nd\",-3\r\n'=HYPERLINK(1),\r\n");
    }
}
