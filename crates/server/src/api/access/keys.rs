//! The keys made from the installation's secrets, for voters' pseudonyms and for the tokens of owners and
//! stages, and the check of the operator's token. What is signed with them for browsers is in
//! [`super::cookie`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId, VoterKey, VoterKind, voter_key};
use pollux_core::right::Role;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::config::FormerSecret;
use crate::watch::grants::Proof;
use crate::watch::viewer::BrowserId;

/// `Keys` holds the keys made from the installation's secrets, and the hash of the operator's token.
pub struct Keys {
    /// The keys of each secret, oldest first. The last one's have no end.
    pub(super) generations: Vec<Generation>,
    operator: [u8; 32],
}

/// A generation holds the keys made from one secret, for the polls and events that were created before `until`
/// and not before the previous secret's end.
pub(super) struct Generation {
    until: UnixMillis,
    voters: VoterKey,
    cookies: Hmac<Sha256>,
    owners: Hmac<Sha256>,
    stages: Hmac<Sha256>,
}

/// Hashes a token. The operator's token and the owners' are kept as hashes only.
fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compares two byte strings in a time that does not tell where they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

impl Generation {
    fn new(secret: &[u8], until: UnixMillis) -> Self {
        let root: Hmac<Sha256> =
            Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        // Voters' pseudonyms are keyed with the secret itself, as the core defines. Cookies and tokens have
        // keys of their own, so that no input of one is an input of another.
        let derived = |purpose: &[u8]| {
            let mut mac = root.clone();
            mac.update(purpose);
            Hmac::new_from_slice(&mac.finalize().into_bytes())
                .expect("HMAC takes a key of any length")
        };
        Self {
            until,
            voters: voter_key(secret),
            cookies: derived(b"pollux voter cookie"),
            owners: derived(b"pollux owner token"),
            stages: derived(b"pollux stage token"),
        }
    }

    /// Signs a browser id.
    pub(super) fn signature(&self, value: &BrowserId) -> [u8; 16] {
        let mut mac = self.cookies.clone();
        mac.update(value);
        let mut signature = [0; 16];
        signature.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        signature
    }

    fn stage_token(&self, owner: &[u8; 32]) -> String {
        let mut mac = self.stages.clone();
        mac.update(b"stage");
        mac.update(owner);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl Keys {
    /// Creates the keys from the current secret, the secrets before it (oldest first), and the operator's
    /// token.
    pub fn new(secret: &[u8], former: &[FormerSecret], operator_token: &str) -> Self {
        let former = former.iter().map(|one| Generation::new(one.text.as_bytes(), one.until));
        let current = Generation::new(secret, UnixMillis(u64::MAX));
        Self {
            generations: former.chain([current]).collect(),
            operator: sha256(operator_token.as_bytes()),
        }
    }

    /// Returns the keys for what was created at this time, and for what is signed at this time.
    pub(super) fn at(&self, time: UnixMillis) -> &Generation {
        let in_force = self.generations.iter().find(|generation| time < generation.until);
        in_force.or(self.generations.last()).expect("there is always one")
    }

    /// Derives the pseudonym of a voter in a poll.
    pub fn voter(&self, poll: PollId, who: Who<'_>) -> VoterId {
        let key = &self.at(poll.time()).voters;
        match who {
            Who::Named(name) => VoterId::derive(key, poll, VoterKind::Named, name.as_bytes()),
            Who::Cookie(value) => VoterId::derive(key, poll, VoterKind::Cookie, &value),
        }
    }

    /// Derives the owner's token of a poll or an event. The serial is zero at first, and random when the
    /// token is reissued.
    pub fn owner_token(&self, id: Uuid, serial: [u8; 16]) -> String {
        let mut mac = self.at(PollId(id).time()).owners.clone();
        mac.update(b"owner");
        mac.update(id.as_bytes());
        mac.update(&serial);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Derives the first token of something with this owner. Returns `None` if another was issued since,
    /// because that one cannot be derived again.
    pub fn first_token(&self, id: Uuid, owner: &[u8; 32]) -> Option<String> {
        let token = self.owner_token(id, [0; 16]);
        (Self::token_hash(&token) == *owner).then_some(token)
    }

    /// Derives the token that a stage is given now, which may show and reveal. It is kept nowhere: it is
    /// derived from the hash of the owner's token, and becomes invalid with that.
    pub fn stage_token(&self, owner: &[u8; 32], now: UnixMillis) -> String {
        self.at(now).stage_token(owner)
    }

    /// Returns whether the token is a stage token of something with this owner.
    fn stages(&self, token: &[u8], owner: &[u8; 32]) -> bool {
        let ours = |one: &Generation| same(one.stage_token(owner).as_bytes(), token);
        self.generations.iter().rev().any(ours)
    }

    /// Returns what the token proves about something with this owner, or `None` if it proves nothing.
    pub fn proof(&self, token: &[u8], owner: &[u8; 32]) -> Option<Proof> {
        if self.is_operators(token) {
            return Some(Proof::Operator);
        }
        if same(&sha256(token), owner) {
            return Some(Proof::Owner(*owner));
        }
        self.stages(token, owner).then_some(Proof::Stage(*owner))
    }

    /// Returns the role that this token gives over something with this owner.
    pub(super) fn role(&self, token: Option<&[u8]>, owner: &[u8; 32]) -> Role {
        let Some(token) = token else { return Role::Anyone };
        self.proof(token, owner).map_or(Role::Stranger, |proof| proof.role(owner))
    }

    /// Returns the hash of a token, which [`pollux_core::poll::Poll::owner`] keeps.
    pub fn token_hash(token: &str) -> [u8; 32] {
        sha256(token.as_bytes())
    }

    /// Returns whether the token is the operator's.
    pub(super) fn is_operators(&self, token: &[u8]) -> bool {
        same(&sha256(token), &self.operator)
    }
}

/// `Who` is what identifies a voter.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// The `voterId` of the request.
    Named(&'a str),
    /// The browser id in the cookie.
    Cookie(BrowserId),
}

impl Who<'_> {
    /// Identifies a voter who votes first and without a cookie by the ballot id. The same ballot id gives the
    /// same voter wherever it is sent, and the cookie or the receipt's `voter` that is then given out carries
    /// it.
    pub fn first(ballot: BallotId) -> Self {
        Self::Cookie(*ballot.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn keys() -> Keys {
        Keys::new(b"secret", &[], "admin")
    }

    #[test]
    fn pseudonyms_differ_by_poll_and_kind_of_voter() {
        let keys = keys();
        let poll = |n| PollId::new(UnixMillis(n), [1; 10]);
        let ada = keys.voter(poll(1), Who::Named("sixteen letters!"));
        assert_eq!(ada, keys.voter(poll(1), Who::Named("sixteen letters!")));
        assert_ne!(ada, keys.voter(poll(2), Who::Named("sixteen letters!")), "nobody is followed");
        assert_ne!(ada, keys.voter(poll(1), Who::Cookie(*b"sixteen letters!")));
        let elsewhere = Keys::new(b"another secret", &[], "admin");
        assert_ne!(ada, elsewhere.voter(poll(1), Who::Named("sixteen letters!")));
    }

    #[test]
    fn tokens_differ_by_poll_and_serial() {
        let keys = keys();
        let poll = |n| PollId::new(UnixMillis(n), [1; 10]).0;
        let token = keys.owner_token(poll(1), [0; 16]);
        assert_eq!(token, keys.owner_token(poll(1), [0; 16]));
        assert_ne!(token, keys.owner_token(poll(2), [0; 16]));
        assert_ne!(token, keys.owner_token(poll(1), [1; 16]));
        assert!(
            keys.is_operators(b"admin") && !keys.is_operators(b"admim") && !keys.is_operators(b"")
        );
    }

    #[test]
    fn a_rotated_secret_makes_nobody_a_stranger() {
        let before = keys();
        let former = FormerSecret { text: "secret".into(), until: UnixMillis(500) };
        let after = Keys::new(b"the next one", &[former], "admin");
        let (old, new) =
            (PollId::new(UnixMillis(499), [1; 10]), PollId::new(UnixMillis(500), [1; 10]));
        for who in [Who::Named("ada"), Who::Cookie([7; 16])] {
            assert_eq!(before.voter(old, who), after.voter(old, who));
            assert_ne!(before.voter(new, who), after.voter(new, who));
        }
        assert_eq!(before.owner_token(old.0, [0; 16]), after.owner_token(old.0, [0; 16]));
        assert_ne!(before.owner_token(new.0, [0; 16]), after.owner_token(new.0, [0; 16]));
        let cookie = |keys: &Keys, now| keys.signed(&[7; 16], UnixMillis(now)).as_str().to_owned();
        assert_eq!(cookie(&before, 499), cookie(&after, 499), "nodes agree until it is time");
        assert_ne!(cookie(&before, 500), cookie(&after, 500));
        for now in [499, 500] {
            assert_eq!(after.voter_of(&cookie(&after, now)).unwrap(), [7; 16]);
            let stage = after.stage_token(&[3; 32], UnixMillis(now));
            assert!(after.stages(stage.as_bytes(), &[3; 32]));
        }
        assert!(before.voter_of(&cookie(&after, 500)).is_err());
    }
}
