//! Sheets in CSV that a spreadsheet can open without running what strangers wrote into them.

use std::borrow::Cow;
use std::io::{self, Write};

/// A sheet that is being written.
pub struct Sheet<W: Write>(csv::Writer<W>);

impl<W: Write> Sheet<W> {
    /// Creates an empty sheet.
    pub fn new(out: W) -> Self {
        Self(csv::Writer::from_writer(out))
    }

    /// Writes one row, with its cells defused.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        self.0.write_record(cells.into_iter().map(|cell| defused(cell).into_owned())).map_err(
            |error| match error.into_kind() {
                // As an IO error, a reader that went away can be told from a full disk.
                csv::ErrorKind::Io(error) => error,
                other => io::Error::other(format!("{other:?}")),
            },
        )
    }

    /// Flushes the sheet.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns the cell as text, with an apostrophe in front if a spreadsheet would take it for a formula.
pub fn defused(cell: &str) -> Cow<'_, str> {
    let formula = |c: char| {
        // The wide forms count too, because East Asian versions take them for the narrow ones.
        matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r')
    };
    // Some spreadsheets trim a cell before they look at it, so this does too. Tab and carriage return count
    // on their own.
    let first = cell.chars().find(|c| formula(*c) || !c.is_whitespace());
    if first.is_some_and(formula) { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_nothing_else_is_touched() {
        for cell in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "  =1", "\u{a0}=1", "\n=1", "＝1"]
        {
            assert_eq!(defused(cell), format!("'{cell}"), "{cell:?}");
        }
        for cell in ["", "plain", "a=b", "1-2", "  a@b", "'=1", "0199-…"] {
            assert_eq!(defused(cell), cell);
        }
    }
}
