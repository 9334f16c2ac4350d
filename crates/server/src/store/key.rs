//! The text key that a poll is kept with; see [`pollux_core::seal`].

use pollux_core::kind::Kind;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::seal::TextKey;

/// Returns the key that a changed poll is kept with, given the key that it had. A poll that was announced comes without
/// its key, and must not lose it if it is written back. What the poll says was erased is then taken out of the key.
pub(super) fn key_to_keep(poll: &Poll, had: impl FnOnce() -> Option<TextKey>) -> Option<TextKey> {
    let Kind::Words(words) = &poll.kind else { return None };
    if poll.status == PollStatus::Deleted {
        return None;
    }
    let kept = || had().map(|key| words.moderation.erased.iter().fold(key, |k, n| k.erase(*n)));
    poll.text_key.clone().or_else(kept)
}
