//! The steady clock, which keeps a poll's time limit true when somebody sets the wall clock.
//!
//! A poll that closes some seconds after its opening keeps its closing time by the wall clock,
//! which every screen and another process can read. Beside it runs a clock that nobody sets. Where
//! the two differ, the wall clock was set, and the closing times that count from an opening are
//! shifted with it.
//!
//! When many processes open and close polls, none of them does this. Each has a wall clock of its
//! own, and nobody can tell by which of them a poll was opened.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use pollux_core::id::{PollId, UnixMillis};
use pollux_core::poll::Poll;
use tokio::time::Instant;

use super::Processor;
use crate::log::control;
use crate::store::{ChangeError, StoreError};

/// The smallest difference, in milliseconds, that counts as a clock that was set. A smaller one
/// comes of a clock that is slewed, or of a look that took long.
const SET: u64 = 2_000;

/// The number of polls that are read from the store at once.
const PAGE: usize = 1_024;

/// The end of the year 9999; every closing time is before it.
const FOREVER: UnixMillis = UnixMillis(253_402_300_799_999);

/// `Clock` remembers the time that both clocks showed at the last look.
pub struct Clock {
    wall: UnixMillis,
    steady: Instant,
    /// The milliseconds by which the closing times of these polls are still to be shifted.
    owed: BTreeMap<PollId, i64>,
}

impl Clock {
    /// Reads both clocks for the first time.
    pub fn read(processor: &Processor) -> Self {
        let (wall, steady) = (processor.ambient.now(), Instant::now());
        Self { wall, steady, owed: BTreeMap::new() }
    }

    /// Reads both clocks again, and shifts closing times if the wall clock was set in between. What
    /// fails is left for the next call.
    pub async fn mend(&mut self, processor: &Processor) -> Result<(), StoreError> {
        if !processor.alone {
            return Ok(());
        }
        let now = Self::read(processor);
        let passed = (now.steady - self.steady).as_millis() as u64;
        let by = now.wall.0.wrapping_sub(self.wall.0 + passed) as i64;
        if by.unsigned_abs() >= SET {
            // A poll opened since the last look may have been opened by the clock as it is now.
            let recent = now.wall.0.saturating_sub(passed)..=now.wall.0;
            for id in timed(processor, &recent).await? {
                *self.owed.entry(id).or_default() += by;
            }
            tracing::warn!(
                by_ms = by,
                "the wall clock was set; closing times that count from an opening are shifted with it"
            );
        }
        (self.wall, self.steady) = (now.wall, now.steady);
        while let Some((&id, &by)) = self.owed.first_key_value() {
            shift(processor, id, by).await?;
            self.owed.remove(&id);
        }
        Ok(())
    }
}

/// Returns the polls whose time counts from an opening, except those opened within `recent`.
async fn timed(
    processor: &Processor,
    recent: &RangeInclusive<u64>,
) -> Result<Vec<PollId>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = processor.store.due(FOREVER, after, PAGE).await?;
        let old = |poll: &&Poll| poll.timed_since().is_some_and(|at| !recent.contains(&at.0));
        found.extend(page.iter().filter(old).map(|poll| poll.id));
        after = page.last().and_then(|poll| Some((poll.closes_at?, poll.id)));
        if page.len() < PAGE {
            return Ok(found);
        }
    }
}

/// Shifts a poll's closing time by so many milliseconds, even if somebody changes the poll
/// meanwhile.
async fn shift(processor: &Processor, id: PollId, by: i64) -> Result<(), StoreError> {
    loop {
        let Some(standing) = processor.store.standing(id).await? else { return Ok(()) };
        let mut poll = (*standing.poll).clone();
        let expected = poll.revision;
        if !poll.clock_was_set(by) {
            return Ok(());
        }
        match processor.store.change(&poll, expected).await {
            Ok(()) => {
                control::publish(&*processor.log, &poll, processor.ambient.now()).await;
                return Ok(());
            }
            Err(ChangeError::Conflict) => {}
            Err(ChangeError::CodeTaken) => return Ok(()),
            Err(ChangeError::Store(error)) => return Err(error),
        }
    }
}
