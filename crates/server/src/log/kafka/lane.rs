//! A lane carries one partition's records to librdkafka, a batch at a time.
//!
//! An idempotent librdkafka keeps one batch of a partition on its way and gathers the next one
//! meanwhile, so that batches grow with the load by themselves. But once the records that it
//! gathers have lingered, its thread polls for the acknowledgement without a pause, using a whole
//! core, until it comes. The next batch is therefore gathered here, and handed over when the one
//! before is acknowledged (ADR 17).

use std::collections::VecDeque;
use std::time::Duration;

use pollux_core::id::Partition;
use rdkafka::message::OwnedHeaders;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::log::{AppendOutcome, NewRecord};

/// After so long without a record a broker is not said to be silent any more.
const IDLE: Duration = Duration::from_secs(1);

/// `Unsent` is a record to be sent, with the caller who waits for it.
pub(super) struct Unsent {
    pub record: NewRecord,
    pub headers: Option<OwnedHeaders>,
    pub answer: oneshot::Sender<AppendOutcome>,
    /// The time since which it waits.
    pub since: Instant,
}

/// A lane leads to one partition of a topic.
pub(super) struct Lane {
    pub topic: String,
    pub partition: Partition,
    /// The number of records handed over and not decided yet.
    on_its_way: usize,
    /// The time at which the batch under way began; with nothing under way, the time of the last outcome.
    since: Instant,
    /// The time since which the broker owes an answer. A batch that times out is no answer, so it goes on over
    /// several batches.
    unanswered: Option<Instant>,
    waiting: VecDeque<Unsent>,
}

impl Lane {
    /// Creates an empty lane to this partition.
    pub(super) fn new(topic: &str, partition: Partition) -> Self {
        let (topic, since) = (topic.to_owned(), Instant::now());
        Self { topic, partition, on_its_way: 0, since, unanswered: None, waiting: VecDeque::new() }
    }

    /// Takes a record. The record is returned if it is to be handed over now: it begins a batch, or
    /// the batch under way still lingers.
    pub(super) fn take(&mut self, unsent: Unsent, linger: Duration) -> Option<Unsent> {
        if self.on_its_way == 0 {
            if self.is_idle() {
                self.unanswered = None;
            }
            self.since = unsent.since;
            self.unanswered.get_or_insert(unsent.since);
        } else if !self.waiting.is_empty() || self.since.elapsed() > linger / 2 {
            self.waiting.push_back(unsent);
            return None;
        }
        self.on_its_way += 1;
        Some(unsent)
    }

    /// Notes that a record was decided, or could not be handed over. After the last one of its
    /// batch it returns all that wait, which are to be handed over now.
    pub(super) fn decided(&mut self) -> VecDeque<Unsent> {
        self.on_its_way -= 1;
        if self.on_its_way > 0 {
            return VecDeque::new();
        }
        let next = std::mem::take(&mut self.waiting);
        self.on_its_way = next.len();
        self.since = Instant::now();
        if self.on_its_way > 0 {
            self.unanswered.get_or_insert(self.since);
        }
        next
    }

    /// Notes that the broker has answered a record, before it is decided.
    pub(super) fn answered(&mut self) {
        self.unanswered = (self.on_its_way > 1).then(Instant::now);
    }

    /// Returns for how long the broker has owed an answer.
    pub(super) fn silent(&self) -> Duration {
        let unanswered = self.unanswered.filter(|_| !self.is_idle());
        unanswered.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Returns whether nothing has been under way for a while. An answer that is owed since then says nothing
    /// about the present.
    fn is_idle(&self) -> bool {
        self.on_its_way == 0 && self.since.elapsed() > IDLE
    }

    /// Gives up what waits, and returns it to be refused.
    pub(super) fn give_up(&mut self) -> VecDeque<Unsent> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(2);

    fn unsent(n: u8) -> Unsent {
        let record = NewRecord { key: vec![n].into(), value: "".into() };
        Unsent { record, headers: None, answer: oneshot::channel().0, since: Instant::now() }
    }

    fn names(all_unsent: impl IntoIterator<Item = Unsent>) -> Vec<u8> {
        all_unsent.into_iter().map(|unsent| unsent.record.key[0]).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_goes_at_once_and_the_next_one_when_it_is_decided() {
        let mut lane = Lane::new("votes", 0);
        // The first goes alone, and the second joins it while it lingers.
        assert_eq!(names([1, 2].into_iter().filter_map(|n| lane.take(unsent(n), LINGER))), [1, 2]);
        tokio::time::advance(LINGER).await;
        assert_eq!(
            names([3, 4, 5].into_iter().filter_map(|n| lane.take(unsent(n), LINGER))),
            [0; 0]
        );
        assert_eq!(names(lane.decided()), [0; 0]);
        assert_eq!(names(lane.decided()), [3, 4, 5], "all at once, in their order");
        assert_eq!(names(lane.take(unsent(6), LINGER)), [6]);
        tokio::time::advance(LINGER).await;
        assert_eq!(names(lane.take(unsent(7), LINGER)), [0; 0]);
        assert_eq!(names(lane.take(unsent(8), LINGER)), [0; 0], "nobody overtakes who waits");
        assert_eq!(names(lane.give_up()), [7, 8]);
        for _ in 3..=6 {
            assert_eq!(names(lane.decided()), [0; 0]);
        }
        assert_eq!(names(lane.take(unsent(9), LINGER)), [9], "it is free again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_answers_nothing_is_silent_over_several_batches() {
        const TIMEOUT: Duration = Duration::from_secs(15);
        let mut lane = Lane::new("votes", 0);
        for batch in 0..3 {
            lane.take(unsent(1), LINGER);
            lane.take(unsent(2), LINGER);
            tokio::time::advance(TIMEOUT).await;
            assert_eq!(lane.silent(), TIMEOUT * (batch + 1));
            // Neither record is acknowledged: they time out, and the next two come at once.
            lane.decided();
            lane.decided();
        }
        assert_eq!(lane.silent(), TIMEOUT * 3, "nobody has answered meanwhile");
        tokio::time::advance(IDLE * 2).await;
        assert_eq!(lane.silent(), Duration::ZERO, "nothing has been asked for a while");
        lane.take(unsent(3), LINGER);
        assert_eq!(lane.silent(), Duration::ZERO, "the first vote after a pause is no alarm");
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_of_a_long_batch_shows_that_the_broker_is_there() {
        let mut lane = Lane::new("votes", 0);
        for n in 1..=3 {
            lane.take(unsent(n), LINGER);
        }
        for _ in 1..=2 {
            tokio::time::advance(Duration::from_secs(4)).await;
            lane.answered();
            lane.decided();
            assert_eq!(lane.silent(), Duration::ZERO);
        }
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(lane.silent(), Duration::from_secs(6), "the last one is still owed");
        lane.answered();
        lane.decided();
        assert_eq!(lane.silent(), Duration::ZERO, "nothing is owed");
    }
}
