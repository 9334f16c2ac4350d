//! What a viewer may be sent by the tokens that it has shown. It is judged at the very moment at
//! which something is sent, by whose token the node that serves it knows of then.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux_core::id::PollId;
use pollux_core::poll::{Poll, Results};
use pollux_server::api::App;
use tokio::time::Instant;

use crate::stage::EventPlan;
use crate::tokens::{Issue, Tokens};
use crate::world::{ADMIN, PollPlan};

/// What a token proves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Owner([u8; 32]),
    /// Of the stage that goes with this owner.
    Stage([u8; 32]),
    Operator,
}

impl Proof {
    /// The token that proves it.
    pub fn token<'a>(&self, issue: &'a Issue) -> &'a str {
        match self {
            Self::Owner(_) => &issue.owner,
            Self::Stage(_) => issue.stage.as_deref().expect("only an event's is drawn"),
            Self::Operator => ADMIN,
        }
    }

    pub fn owns(self, owner: [u8; 32]) -> bool {
        self == Self::Operator || self == Self::Owner(owner)
    }

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

/// Which token a node was last seen to know of, by its epoch and where the API has what it runs.
pub type Known = BTreeMap<(String, String), usize>;

/// The node that serves a viewer.
pub struct Server<'a> {
    pub app: Arc<App>,
    /// Since when it runs.
    pub since: Instant,
    pub known: &'a mut Known,
}

impl Server<'_> {
    /// A poll as the node knows it.
    pub fn poll(&mut self, plan: &PollPlan) -> Option<Arc<Poll>> {
        let poll = self.app.hub.poll(plan.id.parse::<PollId>().unwrap())?;
        self.knows(&plan.tokens, &plan.id, poll.owner);
        Some(poll)
    }

    /// By what the event is run as far as the node knows.
    pub fn owner_of(&mut self, event: &EventPlan) -> Option<[u8; 32]> {
        let owner = self.app.hub.agenda(event.id.parse().unwrap())?.event.owner;
        self.knows(&event.tokens, &event.id, owner);
        Some(owner)
    }

    /// A node that has known of a token never goes back to one before it, and whoever has given
    /// out a token, or has begun since, knows of it.
    fn knows(&mut self, tokens: &Tokens, id: &str, owner: [u8; 32]) {
        // Nobody holds the token of an owner whose answer got lost.
        let Some(place) = tokens.place(&owner) else { return };
        let epoch = self.app.hub.epoch();
        let over = tokens.get(place).is_over_at(epoch, self.since);
        assert!(!over, "{id}: the node does not know that token {place} was reissued");
        let newest = self.known.entry((epoch.to_owned(), id.to_owned())).or_default();
        assert!(place >= *newest, "{id}: the node went back from token {newest} to {place}");
        *newest = place;
    }
}

/// Whether everybody may see the poll's numbers.
pub fn are_everybodys(poll: &Poll) -> bool {
    poll.results == Results::Live || poll.revealed
}
