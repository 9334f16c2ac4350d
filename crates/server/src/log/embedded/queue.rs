//! Records waiting for the writer: bounded, never blocking whoever appends.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pollux_core::id::{Partition, Position};
use tokio::sync::oneshot;

use crate::log::{AppendError, NewRecord};

/// Whoever awaits an append.
pub(super) type Waiter = oneshot::Sender<Result<Position, AppendError>>;

/// An append underway.
pub(super) struct Pending {
    pub partition: Partition,
    pub record: NewRecord,
    pub waiter: Waiter,
}

/// What the writer finds.
pub(super) enum Next {
    /// Records, in the order they were appended.
    Group(Vec<Pending>),
    /// Nothing came for the time the writer was willing to wait.
    Idle,
    /// Nothing is left, and nothing will come.
    Closed,
}

/// First in, first out.
pub(super) struct Queue {
    state: Mutex<State>,
    /// The writer sleeps on it.
    filled: Condvar,
    /// Most records not yet durable.
    bound: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Pending>,
    /// Records of the group being written; they count towards the bound.
    underway: usize,
    /// Why no more are taken.
    closed: Option<String>,
}

impl Queue {
    pub fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), filled: Condvar::new(), bound }
    }

    /// Queue it, or say why not.
    pub fn push(&self, pending: Pending) -> Result<(), String> {
        let mut state = self.state.lock();
        self.refusal(&state)?;
        state.waiting.push_back(pending);
        let first = state.waiting.len() == 1;
        drop(state);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Whether a record would be taken now.
    pub fn ready(&self) -> Result<(), String> {
        self.refusal(&self.state.lock())
    }

    fn refusal(&self, state: &State) -> Result<(), String> {
        match &state.closed {
            Some(why) => Err(why.clone()),
            None if state.waiting.len() + state.underway >= self.bound => {
                Err(format!("{} records are waiting for the disk already", self.bound))
            }
            None => Ok(()),
        }
    }

    /// Take no more; the first reason stays.
    pub fn close(&self, why: &str) {
        self.state.lock().closed.get_or_insert_with(|| why.to_owned());
        self.filled.notify_one();
    }

    /// For the writer: the group before is done with, wait for the next.
    pub fn next(&self, most: usize, patience: Option<Duration>) -> Next {
        let mut state = self.state.lock();
        state.underway = 0;
        while state.waiting.is_empty() {
            if state.closed.is_some() {
                return Next::Closed;
            }
            match patience {
                None => self.filled.wait(&mut state),
                Some(patience) => {
                    let waited = self.filled.wait_for(&mut state, patience);
                    if waited.timed_out() && state.waiting.is_empty() && state.closed.is_none() {
                        return Next::Idle;
                    }
                }
            }
        }
        let count = state.waiting.len().min(most);
        state.underway = count;
        Next::Group(state.waiting.drain(..count).collect())
    }
}
