//! What the backends do alike with the keys and the names of polls whose voters write texts; see
//! [`pollux_core::seal`].

use pollux_core::kind::words::{Names, OTHER};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::seal::{TextKey, Word};
use pollux_core::standing::TallyAt;

use super::StoreError;

/// Returns the key that a changed poll is kept with, given the key that it had. A poll that was announced comes without
/// its key, and must not lose it if it is written back. What the poll says was erased is then taken out of the key.
pub(super) fn key_to_keep<E>(
    poll: &Poll,
    had: impl FnOnce() -> Result<Option<TextKey>, E>,
) -> Result<Option<TextKey>, E> {
    if poll.status == PollStatus::Deleted || !may_have_key(poll) {
        return Ok(None);
    }
    if let Some(key) = &poll.text_key {
        return Ok(Some(key.clone()));
    }
    Ok(had()?.map(|key| poll.without_erased(key)))
}

/// Returns whether a poll may have a key. A draft of any kind may: it keeps the key that it was given as a draft of words.
pub(super) fn may_have_key(poll: &Poll) -> bool {
    poll.kind.holds_texts() || poll.status == PollStatus::Draft
}

/// Reads a key from the bytes of its column.
pub(super) fn read_key(bytes: &[u8]) -> Result<TextKey, StoreError> {
    // The error tells nothing of the bytes, because it ends up in logs.
    let none = || StoreError::Damaged("the text key of a poll is no key".into());
    TextKey::from_bytes(bytes).ok_or_else(none)
}

/// Gives a tally its names, which are given with their slots and in the order of these.
pub(super) fn take_names(
    poll: &Poll,
    at: &mut TallyAt,
    names: Vec<(usize, Word)>,
) -> Result<(), StoreError> {
    let named = at.tally.counts.len().saturating_sub(poll.kind.form().slots());
    let in_order = names.iter().zip(OTHER + 1..).all(|((slot, _), expected)| *slot == expected);
    if names.len() != named || !in_order {
        let (partition, id, found) = (at.partition, poll.id, names.len());
        return Err(StoreError::Damaged(format!(
            "the tally of poll {id} in partition {partition} counts {named} names, and {found} are kept"
        )));
    }
    at.tally.names = Names::of(names.into_iter().map(|(_, word)| word).collect());
    Ok(())
}
