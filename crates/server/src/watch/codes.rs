//! The polls that join codes lead to, as far as memory can say.
//!
//! The store lets a code pass to a newer poll or event once the poll that had it has been over for
//! a month. Memory need not know the newer one, which may be a draft or already forgotten. So a
//! poll that has been over for nearly a month holds no code here, and the store is asked.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use parking_lot::RwLock;
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::poll::{Poll, PollStatus};

/// The time after its end during which a poll surely keeps its code, in milliseconds. It is a day
/// less than the month that the store gives it, because the clocks of nodes differ.
pub const CODE_IS_SURE_MILLIS: u64 = 29 * 24 * 60 * 60 * 1000;

/// `Codes` knows the polls that codes lead to.
#[derive(Default)]
pub(super) struct Codes(RwLock<HashMap<String, Holder, FixedState>>);

/// A holder is the poll that holds a code.
#[derive(Clone, Copy)]
struct Holder {
    poll: PollId,
    created_at: UnixMillis,
}

impl Codes {
    /// Returns the poll that a code leads to, if it is known here.
    pub fn holder(&self, code: &str) -> Option<PollId> {
        Some(self.0.read().get(code)?.poll)
    }

    /// Lets the poll's code lead to it, unless the code belongs, or may belong, to a newer poll.
    /// The code of an event's poll leads to the event instead.
    pub fn lead(&self, poll: &Poll, now: UnixMillis) {
        if poll.event.is_some() || poll.code.is_empty() || !is_sure(poll, now) {
            return self.forget(&poll.code, poll.id);
        }
        let mut codes = self.0.write();
        let known = codes.get(&poll.code);
        if known.is_some_and(|known| known.poll != poll.id && known.created_at > poll.created_at) {
            return;
        }
        let holder = Holder { poll: poll.id, created_at: poll.created_at };
        codes.insert(poll.code.clone(), holder);
    }

    /// Forgets that the code leads to this poll, if it did.
    pub fn forget(&self, code: &str, poll: PollId) {
        let mut codes = self.0.write();
        if codes.get(code).is_some_and(|holder| holder.poll == poll) {
            codes.remove(code);
        }
    }
}

/// Whether the code that the poll shows cannot have passed to another poll or event.
pub(super) fn is_sure(poll: &Poll, now: UnixMillis) -> bool {
    match (poll.status, poll.closed_at) {
        (PollStatus::Deleted, _) => false,
        (PollStatus::Closed, Some(at)) => now.0.saturating_sub(at.0) < CODE_IS_SURE_MILLIS,
        _ => true,
    }
}
