//! As whom a viewer sees polls: what it has proven, looked at anew whenever it is sent something.
//!
//! Nothing here is ever taken back. A token that is no longer a poll's proves nothing from the moment
//! on at which this node knows of the new one, whatever the viewer was shown before.

use pollux_core::id::PollId;
use pollux_core::poll::Poll;

use super::view::Audience;

/// By what a viewer has proven that it runs something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the owner's token that has this hash: for as long as that is the owner's.
    Owner([u8; 32]),
    /// By a stage's token, which goes with the owner's of this hash.
    Stage([u8; 32]),
    /// By the operator's token, which is the same for a whole life of a server.
    Operator,
}

impl Proof {
    /// Whether it is the owner's or the operator's, of something that has this owner now.
    pub fn owns(self, owner: &[u8; 32]) -> bool {
        match self {
            Self::Owner(hash) => hash == *owner,
            Self::Stage(_) => false,
            Self::Operator => true,
        }
    }

    /// Whether it may run something that has this owner now, be it from a stage only.
    pub fn runs(self, owner: &[u8; 32]) -> bool {
        self.owns(owner) || matches!(self, Self::Stage(hash) if hash == *owner)
    }
}

/// What a viewer is granted in a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It has voted, which stays true.
    Voted,
    /// It runs the poll, for as long as what it has proven that by holds.
    Runs(Proof),
}

/// What a viewer is granted, poll by poll.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants(Vec<Granted>);

#[derive(Clone, Debug)]
struct Granted {
    poll: PollId,
    voted: bool,
    proof: Option<Proof>,
}

impl Grants {
    /// Grant it. Of more polls than `most` the oldest are forgotten.
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
            // The operator's holds for good, and a stage is shown what everybody is.
            Grant::Runs(proof) => match (granted.proof, proof) {
                (Some(Proof::Operator), _) | (Some(_), Proof::Stage(_)) => {}
                _ => granted.proof = Some(proof),
            },
        }
    }

    /// As whom the viewer sees the poll as it is now.
    pub fn audience(&self, poll: &Poll) -> Audience {
        match self.0.iter().find(|granted| granted.poll == poll.id) {
            Some(Granted { proof: Some(proof), .. }) if proof.owns(&poll.owner) => Audience::Owner,
            Some(Granted { voted: true, .. }) => Audience::Voted,
            _ => Audience::Public,
        }
    }

    /// The polls in which something is granted.
    pub fn polls(&self) -> Vec<PollId> {
        self.0.iter().map(|granted| granted.poll).collect()
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
