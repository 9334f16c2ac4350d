//! The time from a vote to the screen: from the log's acknowledgement on this node to the tick that
//! sent a state with the vote in it. Both ends are taken from this node's clock.
//!
//! Only one ballot per partition is followed at a time, so measuring costs a vote next to nothing.
//! A ballot that changes no number never reaches a screen, and is left out.

use std::collections::VecDeque;
use std::time::Duration;

use metrics::histogram;
use parking_lot::Mutex;
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::standing::Standing;
use tokio::time::Instant;

/// `Latency` follows ballots to the screen and keeps how long they took.
pub(super) struct Latency {
    /// The ballot that is followed, by partition.
    followed: Vec<Mutex<Option<Followed>>>,
    /// The newest samples, oldest first.
    samples: Mutex<VecDeque<Duration>>,
    most: usize,
}

/// `Followed` is a ballot on its way to the screen.
#[derive(Clone, Copy)]
struct Followed {
    poll: PollId,
    offset: Offset,
    since: Instant,
}

/// `Percentiles` has the percentiles of the newest samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// The median: half of the samples took no longer.
    pub p50: Duration,
    /// The 99th percentile: 99 of 100 samples took no longer.
    pub p99: Duration,
    /// The number of samples.
    pub samples: usize,
}

impl Latency {
    /// Makes a `Latency` for this many partitions that keeps at most `most` samples.
    pub fn new(partitions: u32, most: usize) -> Self {
        Self {
            followed: (0..partitions).map(|_| Mutex::default()).collect(),
            samples: Mutex::default(),
            most,
        }
    }

    /// Takes note that the log has just acknowledged this ballot. It never blocks, so votes do not
    /// wait for each other here.
    pub fn acknowledged(&self, poll: PollId, partition: Partition, offset: Offset) {
        let slot = self.followed.get(partition as usize).and_then(Mutex::try_lock);
        if let Some(mut slot) = slot
            && slot.is_none()
        {
            *slot = Some(Followed { poll, offset, since: Instant::now() });
        }
    }

    /// Returns when the ballots that are in this state were acknowledged, and follows them no
    /// longer. The caller is about to send the state.
    pub fn decided(&self, standing: &Standing) -> Vec<Instant> {
        let decided = standing.tallies().filter_map(|tally| {
            let mut slot = self.followed.get(tally.partition as usize)?.lock();
            let ours = |it: &mut Followed| it.poll == tally.poll && it.offset < tally.next_offset;
            slot.take_if(ours).map(|it| it.since)
        });
        decided.collect()
    }

    /// Returns the poll of the followed ballot if that ballot lies before this offset.
    pub fn passed(&self, partition: Partition, next_offset: Offset) -> Option<PollId> {
        let followed = *self.followed.get(partition as usize)?.lock();
        followed.filter(|it| it.offset < next_offset).map(|it| it.poll)
    }

    /// Drops the followed ballot if it lies before this offset, because it will reach no screen.
    pub fn drop_before(&self, partition: Partition, next_offset: Offset) {
        if let Some(slot) = self.followed.get(partition as usize) {
            slot.lock().take_if(|it| it.offset < next_offset);
        }
    }

    /// Takes samples: what was acknowledged at these moments was sent just now.
    pub fn sent(&self, since: Vec<Instant>) {
        let now = Instant::now();
        for since in since {
            let took = now - since;
            histogram!("pollux_vote_to_screen_seconds").record(took);
            let mut samples = self.samples.lock();
            if samples.len() >= self.most {
                samples.pop_front();
            }
            samples.push_back(took);
        }
    }

    /// Returns the percentiles of the newest samples; `None` before the first.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let mut sorted: Vec<_> = self.samples.lock().iter().copied().collect();
        sorted.sort_unstable();
        let samples = sorted.len();
        let at = |percent: usize| sorted.get((samples * percent).div_ceil(100).saturating_sub(1));
        Some(Percentiles { p50: *at(50)?, p99: *at(99)?, samples })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use pollux_core::id::{Generation, UnixMillis};
    use pollux_core::poll::{Draft, Poll};
    use pollux_core::standing::TallyAt;
    use pollux_core::tally::Tally;
    use tokio::time::advance;

    use super::*;

    fn id(n: u64) -> PollId {
        PollId::new(UnixMillis(n), [1; 10])
    }

    /// Makes the standing of a poll whose partition 1 is committed up to this offset.
    fn standing(poll: PollId, next_offset: Offset) -> Standing {
        let draft = Draft::new("Which?", ["a", "b"]);
        let made = Poll::draft(poll, draft, [0; 32], UnixMillis(0)).unwrap();
        let mut standing = Standing::new(Arc::new(made), 2);
        let generation = Generation(uuid::Uuid::nil());
        let tally = Tally::new();
        standing.take_tally(TallyAt { poll, partition: 1, generation, next_offset, tally });
        standing
    }

    #[tokio::test(start_paused = true)]
    async fn a_ballot_is_followed_until_a_state_past_it_is_sent() {
        let latency = Latency::new(2, 3);
        assert_eq!(latency.percentiles(), None);
        latency.acknowledged(id(1), 1, 7);
        advance(Duration::from_millis(30)).await;
        latency.acknowledged(id(1), 1, 8);
        assert!(latency.decided(&standing(id(1), 7)).is_empty(), "7 is not decided yet");
        assert!(latency.decided(&standing(id(2), 9)).is_empty(), "another poll's state");
        let decided = latency.decided(&standing(id(1), 9));
        advance(Duration::from_millis(10)).await;
        latency.sent(decided);
        let forty = Duration::from_millis(40);
        let all = |p50, p99, samples| Some(Percentiles { p50, p99, samples });
        assert_eq!(latency.percentiles(), all(forty, forty, 1), "the first one was followed");
        assert!(latency.decided(&standing(id(1), 9)).is_empty(), "once");
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_no_number_is_left_out() {
        let latency = Latency::new(2, 3);
        latency.acknowledged(id(1), 1, 7);
        assert_eq!(latency.passed(1, 7), None);
        assert_eq!(latency.passed(1, 8), Some(id(1)));
        latency.drop_before(1, 7);
        assert_eq!(latency.passed(1, 8), Some(id(1)));
        latency.drop_before(1, 8);
        assert_eq!(latency.passed(1, 8), None);
        assert!(latency.decided(&standing(id(1), 9)).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn percentiles_are_of_the_newest_samples() {
        let latency = Latency::new(1, 100);
        let start = Instant::now();
        advance(Duration::from_millis(1_000)).await;
        latency.sent(vec![start; 50]);
        let ago = |millis| Instant::now() - Duration::from_millis(millis);
        latency.sent((1..=100).map(ago).collect());
        let millis = Duration::from_millis;
        let expected = Percentiles { p50: millis(50), p99: millis(99), samples: 100 };
        assert_eq!(latency.percentiles(), Some(expected));
    }
}
