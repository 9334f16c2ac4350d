//! A viewer may be sent what its tokens open. This is judged at the moment when something is sent, by the
//! owner that the serving node knows of at that moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux_core::id::PollId;
use pollux_core::poll::{Poll, Results};
use pollux_server::api::App;
use tokio::time::Instant;

use crate::stage::EventPlan;
use crate::tokens::{Issue, Tokens};
use crate::world::{OPERATOR, PollPlan};

/// `Proof` is what a token proves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Owner([u8; 32]),
    /// The stage token that goes with this owner.
    Stage([u8; 32]),
    Operator,
}

impl Proof {
    /// Returns the token that proves this.
    pub fn token<'a>(&self, issue: &'a Issue) -> &'a str {
        match self {
            Self::Owner(_) => &issue.owner,
            Self::Stage(_) => issue.stage.as_deref().expect("only an event's is drawn"),
            Self::Operator => OPERATOR,
        }
    }

    /// Returns whether the proof gives the owner's rights over what has this owner.
    pub fn owns(self, owner: [u8; 32]) -> bool {
        self == Self::Operator || self == Self::Owner(owner)
    }

    /// Returns whether the proof gives the owner's rights or the stage's.
    pub fn runs(self, owner: [u8; 32]) -> bool {
        self.owns(owner) || self == Self::Stage(owner)
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = |owner: &[u8; 32]| u16::from_be_bytes([owner[0], owner[1]]);
        match self {
            Self::Owner(owner) => write!(f, "Owner({:04x}…)", start(owner)),
            Self::Stage(owner) => write!(f, "Stage({:04x}…)", start(owner)),
            Self::Operator => f.write_str("Operator"),
        }
    }
}

/// `KnownTokens` keeps the number of the newest token that a node was seen to know of, by the node's epoch and
/// the id of the poll or event.
pub type KnownTokens = BTreeMap<(String, String), usize>;

/// `Server` is the node that serves a viewer.
pub struct Server<'a> {
    pub app: Arc<App>,
    /// The moment at which the node started.
    pub since: Instant,
    pub known: &'a mut KnownTokens,
}

impl Server<'_> {
    /// Returns a poll as the node knows it.
    pub fn poll(&mut self, plan: &PollPlan) -> Option<Arc<Poll>> {
        let poll = self.app.hub.poll(plan.id.parse::<PollId>().unwrap())?;
        self.knows(&plan.tokens, &plan.id, poll.owner);
        Some(poll)
    }

    /// Returns the event's owner as the node knows it.
    pub fn owner_of(&mut self, event: &EventPlan) -> Option<[u8; 32]> {
        let owner = self.app.hub.agenda(event.id.parse().unwrap())?.event.owner;
        self.knows(&event.tokens, &event.id, owner);
        Some(owner)
    }

    /// Asserts two things about a node and a token. If the node has known of the token, it never goes back to an
    /// earlier one. If it has given out the token, or has started since, it knows of it.
    fn knows(&mut self, tokens: &Tokens, id: &str, owner: [u8; 32]) {
        // Nobody holds the token of an owner whose answer was lost.
        let Some(place) = tokens.place(&owner) else { return };
        let epoch = self.app.hub.epoch();
        let over = tokens.get(place).is_over_at(epoch, self.since);
        assert!(!over, "{id}: the node does not know that token {place} was reissued");
        let newest = self.known.entry((epoch.to_owned(), id.to_owned())).or_default();
        assert!(place >= *newest, "{id}: the node went back from token {newest} to {place}");
        *newest = place;
    }
}

/// Returns whether everybody may see the poll's numbers.
pub fn are_everybodys(poll: &Poll) -> bool {
    poll.results == Results::Live || poll.revealed
}
