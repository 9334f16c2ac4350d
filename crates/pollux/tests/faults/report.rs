//! The report is the table that the fault suite prints at its end.

use std::collections::BTreeMap;
use std::time::Duration;

/// A `Row` of the table is about one run.
#[derive(Default)]
pub struct Row {
    pub name: String,
    pub faults: u64,
    pub acknowledged: u64,
    pub lost: u64,
    pub doubled: u64,
    /// The longest time without an acknowledgement, of the partition that was worst off.
    pub unavailable: Duration,
    /// The longest that one ballot waited for its acknowledgement, retries included.
    pub slowest: Duration,
    /// The longest that an acknowledged ballot waited to be counted.
    pub lag: Duration,
    /// The longest that a screen stood still.
    pub still: Duration,
    /// The time from the last ballot until all polls were closed and final on both nodes.
    pub counted: Duration,
    pub took: Duration,
    /// The ballots that were decided, and the records that said again what another had said.
    pub decided: usize,
    pub repeated: usize,
    /// The states that screens were shown, and the sockets that they opened again.
    pub states: u64,
    pub reconnects: u64,
    /// The number of answers by status; 0 is no answer.
    pub answers: BTreeMap<u16, u64>,
    /// The broken promises; empty if all is well.
    pub wrong: Vec<String>,
    /// The number of entries of `wrong` that say only that something took longer than we wait, or did not
    /// happen in that time.
    pub waited: usize,
}

impl Row {
    /// Returns whether nothing was lost, doubled or shown wrongly, and something took too long.
    pub fn only_waited(&self) -> bool {
        !self.wrong.is_empty() && self.wrong.len() == self.waited
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { faults, acknowledged, lost, doubled, decided, repeated, .. } = self;
        write!(
            f,
            "{faults} faults, {acknowledged} acknowledged, {lost} lost, {doubled} doubled, {decided} \
             decided, {repeated} records repeated; unavailable {:.1?}, slowest {:.1?}, counted \
             after {:.1?} at most, screens stood still {:.1?}, final after {:.1?}; {} states shown, {} sockets anew; answers {:?}; {:.0?}",
            self.unavailable,
            self.slowest,
            self.lag,
            self.still,
            self.counted,
            self.states,
            self.reconnects,
            self.answers,
            self.took
        )
    }
}

/// Returns the whole table as Markdown.
pub fn table(rows: &[Row]) -> String {
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let mut text = String::from(
        "| scenario | faults | acknowledged | lost | doubled | unavailable | slowest vote | \
         counted after | final after | |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        let mark = if row.wrong.is_empty() { "" } else { "**FAILED**" };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {mark} |\n",
            row.name,
            row.faults,
            row.acknowledged,
            row.lost,
            row.doubled,
            seconds(row.unavailable),
            seconds(row.slowest),
            seconds(row.lag),
            seconds(row.counted),
        ));
    }
    text
}
