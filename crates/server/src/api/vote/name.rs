//! The `voterId`, by which a client names its voter: names that look the same are one voter's.

use std::borrow::Cow;

use pollux_core::id::VoterId;
use pollux_core::poll::Poll;
use pollux_core::text;

use crate::api::App;
use crate::api::access::keys::Who;
use crate::api::lookup::ask::ask;
use crate::api::problem::Problem;

/// The longest `voterId`, in bytes.
pub const MAX_VOTER_ID: usize = 128;

/// A name is kept as it was sent, and as the one that stands for all that look the same.
pub struct Name<'a> {
    sent: &'a str,
    key: Cow<'a, str>,
}

impl<'a> Name<'a> {
    /// Reads a `voterId`.
    pub fn of(sent: &'a str) -> Self {
        Self { sent, key: text::key(sent) }
    }

    /// Checks a `voterId`, which the poll must allow.
    pub fn checked(poll: &Poll, sent: &'a str) -> Result<Self, Problem> {
        let wrong = |detail: String| Err(Problem::rule("/voterId", detail));
        if !poll.voter_ids {
            return wrong("this poll does not take a voterId".into());
        }
        if sent.is_empty() {
            return wrong("must not be empty".into());
        }
        if sent.len() > MAX_VOTER_ID {
            return wrong(format!("must be at most {MAX_VOTER_ID} bytes; it has {}", sent.len()));
        }
        if let Some(c) = text::control(sent) {
            let code = u32::from(c);
            return wrong(format!("must not contain control characters; it has U+{code:04X}"));
        }
        let name = Self::of(sent);
        if name.key.is_empty() {
            return wrong("must have something to see; all its characters are invisible".into());
        }
        Ok(name)
    }

    /// Returns the voter of this name.
    pub fn voter(&self, app: &App, poll: &Poll) -> VoterId {
        app.keys.voter(poll.id, Who::Named(&self.key))
    }

    /// Returns the voter that the name as it was sent was before names that look the same were one voter's; `None`
    /// if that is the same voter.
    pub fn former(&self, app: &App, poll: &Poll) -> Option<VoterId> {
        (*self.key != *self.sent).then(|| app.keys.voter(poll.id, Who::Named(self.sent)))
    }
}

/// Returns whose ballot is recorded: `voter`, unless a name was sent. Whoever has voted in this poll under the name
/// as it was sent stays that voter, so that an update of Pollux gives nobody a second vote. While the store is away
/// nobody knows that, and the ballot is refused.
pub async fn caster(
    name: Option<&Name<'_>>,
    app: &App,
    poll: &Poll,
    voter: VoterId,
) -> Result<VoterId, Problem> {
    match name.and_then(|name| name.former(app, poll)) {
        Some(former) if Box::pin(has_voted(app, poll, former)).await? => Ok(former),
        _ => Ok(voter),
    }
}

/// Returns whether a voter has cast a ballot that is counted.
#[cold]
async fn has_voted(app: &App, poll: &Poll, voter: VoterId) -> Result<bool, Problem> {
    Ok(ask(app, app.store.voter(poll.id, voter)).await?.seen.is_some())
}
