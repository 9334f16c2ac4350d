//! The queue holds records that wait for the writer. It is bounded and never blocks whoever
//! appends.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pollux_core::id::Partition;
use tokio::sync::oneshot;

use super::batch;
use crate::log::{AppendOutcome, NewRecord};

/// The number of records in a group from which on more are likely to be on their way, so that the
/// next group waits for company.
const COMPANY: usize = 4;

/// A waiter is the caller of an append, who waits for its outcome.
pub(super) struct Waiter {
    pub partition: Partition,
    /// The index of the record among the group's records in its partition.
    pub index: u64,
    pub answer: oneshot::Sender<AppendOutcome>,
}

/// A group holds the records that one commit will make durable together.
#[derive(Default)]
pub(super) struct Group {
    /// The framed records and their number, by partition, up to the last partition that has any.
    pub drafts: Vec<(Vec<u8>, u64)>,
    /// The callers, in the order of the log.
    pub waiters: Vec<Waiter>,
}

impl Group {
    /// Creates an empty group with room for as much as the group before had.
    fn like(before: &Self) -> Self {
        let draft = |(records, _): &(Vec<u8>, u64)| (Vec::with_capacity(records.len()), 0);
        Self {
            drafts: before.drafts.iter().map(draft).collect(),
            waiters: Vec::with_capacity(before.waiters.len()),
        }
    }

    fn push(
        &mut self,
        partition: Partition,
        record: &NewRecord,
        answer: oneshot::Sender<AppendOutcome>,
    ) {
        let place = partition as usize;
        if self.drafts.len() <= place {
            self.drafts.resize_with(place + 1, Default::default);
        }
        let (records, count) = &mut self.drafts[place];
        batch::push(records, record);
        self.waiters.push(Waiter { partition, index: *count, answer });
        *count += 1;
    }
}

/// `Next` is what the writer finds when it asks for work.
pub(super) enum Next {
    /// Records, in the order in which they were appended.
    Group(Group),
    /// Nothing came in the time that the writer was willing to wait.
    Idle,
    /// Nothing is left, and nothing will come.
    Closed,
}

/// The queue is first in, first out. The caller of an append frames the record, so that the writer,
/// of which there is only one, finds groups that are ready to be written.
pub(super) struct Queue {
    state: Mutex<State>,
    /// The condition on which the writer sleeps.
    filled: Condvar,
    /// Most records that are not yet durable.
    bound: usize,
    /// Most records in a group.
    most: usize,
    /// How long a group waits for company.
    linger: Duration,
}

/// The state holds the records that wait, and says whether more are taken.
#[derive(Default)]
struct State {
    /// The groups; all but the last are full.
    groups: VecDeque<Group>,
    /// The number of records in the groups.
    waiting: usize,
    /// The number of records in the group being written; they count towards the bound.
    underway: usize,
    /// The reason why no more records are taken, once there is one.
    closed: Option<String>,
}

impl Queue {
    /// Creates an empty queue of at most `bound` records, in groups of at most `most`.
    pub fn new(bound: usize, most: usize, linger: Duration) -> Self {
        Self { state: Mutex::default(), filled: Condvar::new(), bound, most, linger }
    }

    /// Queues a record, or returns why not.
    pub fn push(
        &self,
        partition: Partition,
        record: &NewRecord,
        answer: oneshot::Sender<AppendOutcome>,
    ) -> Result<(), String> {
        let mut state = self.state.lock();
        self.refusal(&state)?;
        let full = state.groups.back().is_none_or(|group| group.waiters.len() >= self.most);
        if full {
            let group = state.groups.back().map_or_else(Group::default, Group::like);
            state.groups.push_back(group);
        }
        if let Some(group) = state.groups.back_mut() {
            group.push(partition, record, answer);
        }
        state.waiting += 1;
        let first = state.waiting == 1;
        drop(state);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Returns whether a record would be taken now.
    pub fn ready(&self) -> Result<(), String> {
        self.refusal(&self.state.lock())
    }

    fn refusal(&self, state: &State) -> Result<(), String> {
        match &state.closed {
            Some(why) => Err(why.clone()),
            None if state.waiting + state.underway >= self.bound => {
                Err(format!("{} records are waiting for the disk already", self.bound))
            }
            None => Ok(()),
        }
    }

    /// Takes no more records from now on. If the queue is closed twice, the first reason stays.
    pub fn close(&self, why: &str) {
        self.state.lock().closed.get_or_insert_with(|| why.to_owned());
        self.filled.notify_one();
    }

    /// Returns the next group to the writer, which is done with the one before. Under load it
    /// lingers, because a commit costs the same whatever it carries; a lone record does not wait.
    pub fn next(&self, patience: Option<Duration>) -> Next {
        let mut state = self.state.lock();
        let busy = std::mem::take(&mut state.underway) >= COMPANY;
        while state.waiting == 0 {
            if state.closed.is_some() {
                return Next::Closed;
            }
            match patience {
                None => self.filled.wait(&mut state),
                Some(patience) => {
                    let waited = self.filled.wait_for(&mut state, patience);
                    if waited.timed_out() && state.waiting == 0 && state.closed.is_none() {
                        return Next::Idle;
                    }
                }
            }
        }
        if busy && state.groups.len() == 1 && state.closed.is_none() {
            // A queue that has something already is notified of nothing but its closing.
            self.filled.wait_for(&mut state, self.linger);
        }
        let group = state.groups.pop_front().unwrap_or_default();
        if state.groups.is_empty() {
            state.groups.push_back(Group::like(&group));
        }
        state.waiting -= group.waiters.len();
        state.underway = group.waiters.len();
        Next::Group(group)
    }
}
