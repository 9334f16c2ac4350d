//! Sheets in CSV that a spreadsheet can open without running what strangers wrote into them.

use std::borrow::Cow;
use std::io::{self, Write};

/// The columns of these names may hold numbers below zero. What is a plain number there was written by Pollux, and not
/// by a stranger.
const NUMBERS: [&str; 5] = ["mean", "median", "value", "answer", "number"];

/// `Sheet` writes a sheet row by row.
pub struct Sheet<W: Write> {
    rows: csv::Writer<W>,
    /// Whether each column may hold numbers below zero.
    numbers: Vec<bool>,
}

impl<W: Write> Sheet<W> {
    /// Creates a sheet, and writes the names of its columns as the first row.
    pub fn new<'a>(out: W, columns: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let columns: Vec<_> = columns.into_iter().collect();
        let numbers = columns.iter().map(|name| NUMBERS.contains(name)).collect();
        let mut sheet = Self { rows: csv::Writer::from_writer(out), numbers };
        sheet.row(columns)?;
        Ok(sheet)
    }

    /// Writes one row, with its cells defused.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let cells = cells.into_iter().zip(&self.numbers).map(|(cell, numbers)| {
            if *numbers && is_below_zero(cell) {
                cell.to_owned()
            } else {
                defused(cell).into_owned()
            }
        });
        self.rows.write_record(cells).map_err(|error| match error.into_kind() {
            // As an IO error, a reader that went away can be told from a full disk.
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }

    /// Flushes the sheet.
    pub fn finish(mut self) -> io::Result<()> {
        self.rows.flush()
    }
}

/// Returns whether the cell is a minus with digits and perhaps a fraction behind it, and nothing else.
fn is_below_zero(cell: &str) -> bool {
    let Some(number) = cell.strip_prefix('-') else { return false };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

/// `Columns` are the columns of a sheet that only polls of some kinds fill.
pub struct Columns(Vec<&'static str>);

impl Columns {
    /// Returns the own columns of the kinds that are `present`, in the order of `all`. Kinds share a column of the
    /// same name. A sheet without any poll has the columns of the first kind.
    pub fn of(
        all: &[&'static [&'static str]],
        present: impl IntoIterator<Item = &'static [&'static str]>,
    ) -> Self {
        let present: Vec<_> = present.into_iter().collect();
        let mut groups = all.to_vec();
        groups.retain(|own| present.contains(own));
        if groups.is_empty() {
            groups.extend(all.first());
        }
        let mut names = Vec::new();
        for name in groups.into_iter().flatten() {
            if !names.contains(name) {
                names.push(*name);
            }
        }
        Self(names)
    }

    /// Returns the columns' names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }

    /// Returns the cells of a row of the kind that has its `own` columns. Those of other kinds are empty.
    pub fn cells(&self, own: &[&str], cells: &[String]) -> Vec<String> {
        let cell = |name| cells.get(own.iter().position(|it| it == name)?).cloned();
        self.0.iter().map(|name| cell(name).unwrap_or_default()).collect()
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_kind_that_is_not_there_has_no_columns() {
        const ALL: [&[&str]; 3] =
            [&["optionId", "option"], &["statement"], &["optionId", "points"]];
        let names = |present: &[&'static [&'static str]]| {
            Columns::of(&ALL, present.iter().copied()).names().collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["optionId", "option"]);
        assert_eq!(names(&[ALL[1], ALL[1]]), ["statement"]);
        assert_eq!(names(&[ALL[1], ALL[0]]), ["optionId", "option", "statement"]);
        let every = Columns::of(&ALL, ALL);
        let names: Vec<_> = every.names().collect();
        assert_eq!(names, ["optionId", "option", "statement", "points"], "a name stands once");
        assert_eq!(every.cells(ALL[1], &["a".into()]), ["", "", "a", ""]);
        assert_eq!(every.cells(ALL[0], &["1".into(), "a".into()]), ["1", "a", "", ""]);
        assert_eq!(every.cells(ALL[2], &["1".into(), "9".into()]), ["1", "", "", "9"]);
    }

    #[test]
    fn a_number_below_zero_is_one_only_where_numbers_are_written() {
        let mut out = Vec::new();
        let mut sheet = Sheet::new(&mut out, ["option", "value"]).unwrap();
        for cell in ["-1", "-0.25", "-1+1", "-", "-.5", "-1.", "-1.5.2", " -1", "-²", "=1"] {
            sheet.row([cell, cell]).unwrap();
        }
        sheet.finish().unwrap();
        let written = String::from_utf8(out).unwrap();
        let lines: Vec<_> = written.lines().collect();
        assert_eq!(lines[..3], ["option,value", "'-1,-1", "'-0.25,-0.25"]);
        let rest = ["-1+1", "-", "-.5", "-1.", "-1.5.2", " -1", "-²", "=1"];
        assert_eq!(lines[3..], rest.map(|cell| format!("'{cell},'{cell}")));
    }

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
