//! Grants: what a viewer has proven about polls, which decides the audience as which it sees them.
//! They are evaluated anew whenever the viewer is sent something.
//!
//! A grant is never withdrawn. A token that is no longer a poll's proves nothing from the moment at
//! which this node knows the new one, whatever the viewer was shown before.

use pollux_core::id::PollId;
use pollux_core::poll::Poll;
use pollux_core::right::{Right, Role, may};

use super::view::Audience;

/// A proof lets a viewer run a poll or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An owner's token with this hash, which holds as long as the poll or event has that owner.
    Owner([u8; 32]),
    /// A stage token that belongs to the owner's token with this hash.
    Stage([u8; 32]),
    /// The operator's token, which stays the same for the life of a server.
    Operator,
}

impl Proof {
    /// Returns the role that this proof gives towards something that now has this owner.
    pub fn role(self, owner: &[u8; 32]) -> Role {
        match self {
            Self::Operator => Role::Operator,
            Self::Owner(hash) if hash == *owner => Role::Owner,
            Self::Stage(hash) if hash == *owner => Role::Stage,
            Self::Owner(_) | Self::Stage(_) => Role::Stranger,
        }
    }

    /// Whether this proof gives a right over something that now has this owner.
    pub fn gives(self, right: Right, owner: &[u8; 32]) -> bool {
        may(self.role(owner), right).is_ok()
    }
}

/// A grant opens something of one poll to a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The viewer has voted, which stays true.
    Voted,
    /// The viewer runs the poll as long as this proof holds.
    Runs(Proof),
}

/// `Grants` holds all that a viewer is granted, poll by poll.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants(Vec<Granted>);

/// `Granted` says what a viewer may see and do in one poll.
#[derive(Clone, Debug)]
struct Granted {
    poll: PollId,
    voted: bool,
    proof: Option<Proof>,
}

impl Grants {
    /// Adds a grant. If there are already `most` polls, the oldest one is forgotten.
    pub fn add(&mut self, poll: PollId, grant: Grant, most: usize) {
        let found = self.0.iter().position(|granted| granted.poll == poll);
        let at = found.unwrap_or_else(|| {
            if self.0.len() >= most && !self.0.is_empty() {
                self.0.remove(0);
            }
            self.0.push(Granted { poll, voted: false, proof: None });
            self.0.len() - 1
        });
        let granted = &mut self.0[at];
        match grant {
            Grant::Voted => granted.voted = true,
            // An operator's proof holds for good. A stage sees the poll as the public does, so its
            // proof replaces none.
            Grant::Runs(proof) => match (granted.proof, proof) {
                (Some(Proof::Operator), _) | (Some(_), Proof::Stage(_)) => {}
                _ => granted.proof = Some(proof),
            },
        }
    }

    /// Returns the audience as which the viewer sees the poll as it is now.
    pub fn audience(&self, poll: &Poll) -> Audience {
        match self.0.iter().find(|granted| granted.poll == poll.id) {
            Some(Granted { proof: Some(proof), .. }) if proof.gives(Right::Owner, &poll.owner) => {
                Audience::Owner
            }
            Some(Granted { voted: true, .. }) => Audience::Voted,
            _ => Audience::Public,
        }
    }

    /// Returns the polls in which something is granted.
    pub fn polls(&self) -> Vec<PollId> {
        self.0.iter().map(|granted| granted.poll).collect()
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
