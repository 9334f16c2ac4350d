//! Who is asking: the voter's signed cookie, the owner's token, the operator's token, and the
//! address behind trusted proxies.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Once;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use http::{Extensions, HeaderMap};
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId, VoterKey, VoterKind, voter_key};
use pollux_core::poll::Poll;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use uuid::Uuid;

use crate::api::App;
use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::config::FormerSecret;
use crate::watch::grants::Proof;

/// The cookie's name.
pub const COOKIE_NAME: &str = "pollux_voter";
/// The same over HTTPS. Browsers take a name that begins like this from the host itself alone, so that
/// no other site of the same domain can make a visitor vote as somebody else.
const HTTPS_COOKIE_NAME: &str = "__Host-pollux_voter";
const COOKIE_DAYS: u32 = 365;
/// 16 bytes of value and 16 of signature, in base64url without padding.
const COOKIE_CHARS: usize = 43;

/// What a voter's cookie carries.
pub type CookieValue = [u8; 16];

/// A [`CookieValue`] with our signature, in base64url.
#[derive(Clone, Copy)]
pub struct SignedVoter([u8; COOKIE_CHARS]);

impl SignedVoter {
    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url")
    }
}

impl std::fmt::Debug for SignedVoter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Serialize for SignedVoter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The keys made from the installation's secrets.
pub struct Keys {
    /// Oldest first; the last one's has no end.
    generations: Vec<Generation>,
    admin: [u8; 32],
}

/// The keys made from one secret, for the polls and events made before `until` and after the former's.
struct Generation {
    until: UnixMillis,
    voters: VoterKey,
    cookies: Hmac<Sha256>,
    owners: Hmac<Sha256>,
    stages: Hmac<Sha256>,
}

/// What the operator's token unlocks besides every poll: nothing needs it to be kept in clear.
fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compared in a time that does not tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && std::hint::black_box(a.iter().zip(b).fold(0, |d, (a, b)| d | (a ^ b))) == 0
}

impl Generation {
    fn new(secret: &[u8], until: UnixMillis) -> Self {
        let root: Hmac<Sha256> =
            Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        // Voters' pseudonyms are keyed with the secret itself (the core says so); cookies and
        // tokens have keys of their own, so that no input of one is an input of another.
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

    fn signature(&self, value: &CookieValue) -> [u8; 16] {
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
    /// Make them from the secret, those before it (oldest first), and the operator's token.
    pub fn new(secret: &[u8], former: &[FormerSecret], admin_token: &str) -> Self {
        let former = former.iter().map(|one| Generation::new(one.text.as_bytes(), one.until));
        let current = Generation::new(secret, UnixMillis(u64::MAX));
        Self {
            generations: former.chain([current]).collect(),
            admin: sha256(admin_token.as_bytes()),
        }
    }

    /// The keys of what was made at this time, and at this time itself.
    fn at(&self, time: UnixMillis) -> &Generation {
        let in_force = self.generations.iter().find(|generation| time < generation.until);
        in_force.or(self.generations.last()).expect("there is always one")
    }

    /// The pseudonym of a voter in a poll.
    pub fn voter(&self, poll: PollId, who: Who<'_>) -> VoterId {
        let key = &self.at(poll.time()).voters;
        match who {
            Who::Named(name) => VoterId::derive(key, poll, VoterKind::Named, name.as_bytes()),
            Who::Cookie(value) => VoterId::derive(key, poll, VoterKind::Cookie, &value),
        }
    }

    /// The value of the voter's cookie, if there is one and we signed it. One of the name for plain
    /// HTTP is believed only where there is none of the other: it may be older than HTTPS is here.
    pub fn cookie(&self, headers: &HeaderMap) -> Option<CookieValue> {
        self.cookie_named(HTTPS_COOKIE_NAME, headers)
            .or_else(|| self.cookie_named(COOKIE_NAME, headers))
    }

    /// The value that the page now opened gives to its visitor as a cookie, which is `fresh` for
    /// a new one; none for whoever has it already.
    pub fn cookie_due(
        &self,
        headers: &HeaderMap,
        https: bool,
        fresh: impl FnOnce() -> CookieValue,
    ) -> Option<CookieValue> {
        if self.has_cookie(headers, https) {
            return None;
        }
        Some(self.cookie(headers).unwrap_or_else(fresh))
    }

    /// Whether the visitor has a cookie, over HTTPS one of the name for it.
    pub fn has_cookie(&self, headers: &HeaderMap, https: bool) -> bool {
        let ours = |name| self.cookie_named(name, headers).is_some();
        ours(HTTPS_COOKIE_NAME) || !https && ours(COOKIE_NAME)
    }

    fn cookie_named(&self, name: &str, headers: &HeaderMap) -> Option<CookieValue> {
        let name = name.as_bytes();
        headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="))
            .find_map(|text| self.cookie_value(text))
    }

    fn cookie_value(&self, text: &[u8]) -> Option<CookieValue> {
        if text.len() != COOKIE_CHARS {
            return None;
        }
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (value, signature) = bytes[..length].split_first_chunk::<16>()?;
        let ours = |generation: &Generation| same(&generation.signature(value), signature);
        self.generations.iter().rev().any(ours).then_some(*value)
    }

    /// The value as it is given out now, in a cookie or in a receipt: signed.
    pub fn signed(&self, value: &CookieValue, now: UnixMillis) -> SignedVoter {
        let mut signed = [0; 32];
        signed[..16].copy_from_slice(value);
        signed[16..].copy_from_slice(&self.at(now).signature(value));
        let mut text = [0; COOKIE_CHARS];
        URL_SAFE_NO_PAD.encode_slice(signed, &mut text).expect("43 characters are 32 bytes");
        SignedVoter(text)
    }

    /// The value of a `voter` that a receipt gave out.
    pub fn voter_of(&self, text: &str) -> Result<CookieValue, Problem> {
        self.cookie_value(text.as_bytes()).ok_or_else(|| {
            let detail = "is not a voter that a receipt of this server gave out; send it as it was, \
                          or leave it out to vote as somebody new";
            Problem::rule("/voter", detail)
        })
    }

    /// The `Set-Cookie` header that makes a browser this voter.
    pub fn set_cookie(value: &SignedVoter, https: bool) -> HeaderValue {
        let (name, secure) =
            if https { (HTTPS_COOKIE_NAME, "; Secure") } else { (COOKIE_NAME, "") };
        let text = format!(
            "{name}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            value.as_str(),
            COOKIE_DAYS * 24 * 60 * 60,
        );
        HeaderValue::try_from(text).expect("base64url and ASCII words")
    }

    /// The owner's token of a poll or an event. The serial is zero at first and random when
    /// reissued.
    pub fn owner_token(&self, id: Uuid, serial: [u8; 16]) -> String {
        let mut mac = self.at(PollId(id).time()).owners.clone();
        mac.update(b"owner");
        mac.update(id.as_bytes());
        mac.update(&serial);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// The token that is given to a stage now, which may show and reveal. It is kept nowhere: it
    /// follows from what is kept of the owner's, and dies with that.
    pub fn stage_token(&self, owner: &[u8; 32], now: UnixMillis) -> String {
        self.at(now).stage_token(owner)
    }

    /// Whether the token is the stage's of what this owner has.
    fn stages(&self, token: &[u8], owner: &[u8; 32]) -> bool {
        let ours = |one: &Generation| same(one.stage_token(owner).as_bytes(), token);
        self.generations.iter().rev().any(ours)
    }

    /// Whether the token is the one of this hash, or the operator's.
    pub fn holds(&self, token: &[u8], owner: &[u8; 32]) -> bool {
        same(&sha256(token), owner) | self.is_admin(token)
    }

    /// By what the token runs something that has this owner, if it does.
    pub fn proof(&self, token: &[u8], owner: &[u8; 32]) -> Option<Proof> {
        if self.is_admin(token) {
            return Some(Proof::Operator);
        }
        if same(&sha256(token), owner) {
            return Some(Proof::Owner(*owner));
        }
        self.stages(token, owner).then_some(Proof::Stage(*owner))
    }

    /// Let pass whoever has the right to it, over something that has this owner.
    pub fn allow(&self, token: &[u8], owner: &[u8; 32], right: Right) -> Result<(), Problem> {
        match (self.proof(token, owner), right) {
            (Some(Proof::Stage(_)), Right::Owner) => {
                let detail = "this is the token of a stage: it can show and reveal, nothing else";
                let problem = Problem::new(Trouble::WrongToken, detail);
                Err(problem.noted_as(SecurityEvent::StageTokenRefused))
            }
            (Some(_), _) => Ok(()),
            (None, _) => Err(wrong_token("owner's")),
        }
    }

    /// What [`Poll::owner`] keeps of a token.
    pub fn token_hash(token: &str) -> [u8; 32] {
        sha256(token.as_bytes())
    }

    /// Whether the token is the operator's.
    pub fn is_admin(&self, token: &[u8]) -> bool {
        same(&sha256(token), &self.admin)
    }

    /// Whether the token is the poll's or the operator's.
    pub fn owns(&self, token: &[u8], poll: &Poll) -> bool {
        self.holds(token, &poll.owner)
    }

    /// Whether the operator's token was sent.
    pub fn is_operators(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|token| self.is_admin(token))
    }

    /// Let only the operator pass.
    pub fn require_admin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let token = require_token(headers)?;
        if self.is_admin(token) {
            return Ok(());
        }
        Err(wrong_token("operator's").noted_as(SecurityEvent::OperatorTokenWrong))
    }
}

/// Whose token something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The owner's.
    Owner,
    /// The owner's or the stage's.
    Stage,
}

/// By what a voter is recognised.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// The `voterId` of the request.
    Named(&'a str),
    /// The cookie's value.
    Cookie(CookieValue),
}

impl Who<'_> {
    /// A first vote without a cookie: the ballot id is the voter, the same wherever it is sent, and
    /// the cookie or the receipt's `voter` then given out says so.
    pub fn first(ballot: BallotId) -> Self {
        Self::Cookie(*ballot.0.as_bytes())
    }
}

/// The bearer token, if one was sent.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

/// The bearer token, or 401.
pub fn require_token(headers: &HeaderMap) -> Result<&[u8], Problem> {
    bearer(headers).ok_or_else(|| {
        Problem::new(Trouble::NoToken, "send the header Authorization: Bearer <ownerToken>")
    })
}

/// 403.
pub fn wrong_token(whose: &str) -> Problem {
    Problem::new(Trouble::WrongToken, format!("this is not the {whose} token"))
}

/// The other end of the connection; the accept loop puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Stands for all who come through something on this machine that is no trusted proxy: RFC 7600's dummy
/// address, which nobody has. Loopback itself has no limits, and they are not on this machine.
const BEHIND_A_STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

/// What proxies add and no client on this machine does.
const FORWARDED: [&str; 4] = ["x-forwarded-for", "forwarded", "via", "x-real-ip"];

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address, that of the nearest hop we do not trust.
    pub address: IpAddr,
    /// Whether the browser used HTTPS.
    pub https: bool,
}

impl Client {
    /// Read it off a request. Forwarding headers are believed from trusted proxies only, and
    /// then from the right: whatever stands left of the first stranger a stranger wrote.
    pub fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get().map_or(Ipv4Addr::LOCALHOST.into(), |Peer(address)| *address);
        Self::behind(app, headers, peer)
    }

    /// The same, of a request whose connection is known.
    pub fn behind(app: &App, headers: &HeaderMap, peer: IpAddr) -> Self {
        let peer = peer.to_canonical();
        let trusted = |hop: IpAddr| app.config.trusted_proxies.iter().any(|n| n.contains(&hop));
        if !trusted(peer) {
            let passed_on = || FORWARDED.iter().any(|name| headers.contains_key(*name));
            if peer.is_loopback() && passed_on() {
                warn_of_a_stranger();
                return Self { address: BEHIND_A_STRANGER, https: false };
            }
            return Self { address: peer, https: false };
        }
        let mut address = peer;
        let hops = headers.get_all("x-forwarded-for").iter().rev();
        for hop in hops.flat_map(|header| header.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(hop) = std::str::from_utf8(hop).ok().and_then(|hop| parse_hop(hop.trim()))
            else {
                break;
            };
            address = hop;
            if !trusted(hop) {
                break;
            }
        }
        let https = headers
            .get_all("x-forwarded-proto")
            .iter()
            .next_back()
            .and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next())
            .is_some_and(|proto| proto.trim_ascii().eq_ignore_ascii_case(b"https"));
        Self { address, https }
    }
}

fn warn_of_a_stranger() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "something on this machine passes requests on, and is not named in \
             POLLUX_TRUSTED_PROXIES: all who come through it share the limits of one address. If it \
             is yours, and writes X-Forwarded-For itself, set POLLUX_TRUSTED_PROXIES=127.0.0.1,::1"
        );
    });
}

/// An address with or without a port: `203.0.113.7`, `203.0.113.7:4711`, `[2001:db8::1]:4711`.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|socket: std::net::SocketAddr| socket.ip()))
        .or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1000);

    fn keys() -> Keys {
        Keys::new(b"secret", &[], "admin")
    }

    fn headers(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn only_our_own_cookies_are_read() {
        let keys = keys();
        let set = Keys::set_cookie(&keys.signed(&[7; 16], NOW), false);
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert_eq!(keys.cookie(&headers(&pair)), Some([7; 16]));
        assert_eq!(keys.cookie(&headers(&format!("a=b; {pair}; c=d"))), Some([7; 16]));
        assert_eq!(keys.cookie(&headers(&format!("pollux_voter=short; {pair}"))), Some([7; 16]));
        assert_eq!(Keys::new(b"other", &[], "admin").cookie(&headers(&pair)), None);
        for i in "pollux_voter=".len()..pair.len() {
            let mut forged = pair.clone().into_bytes();
            forged[i] = if forged[i] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.cookie(&headers(std::str::from_utf8(&forged).unwrap())), None, "{i}");
        }
    }

    #[test]
    fn no_other_site_of_the_domain_makes_a_visitor_somebody_else() {
        let keys = keys();
        let pair = |value: u8, https| {
            let set = Keys::set_cookie(&keys.signed(&[value; 16], NOW), https);
            let set = set.to_str().unwrap();
            assert_eq!(set.ends_with("; Secure"), https);
            assert!(set.contains("; Path=/;") && !set.contains("Domain"), "{set}");
            set.split(';').next().unwrap().to_owned()
        };
        let (planted, own) = (pair(6, false), pair(7, true));
        assert!(own.starts_with("__Host-"));
        for both in [format!("{planted}; {own}"), format!("{own}; {planted}")] {
            assert_eq!(keys.cookie(&headers(&both)), Some([7; 16]));
            assert_eq!(keys.cookie_due(&headers(&both), true, || [9; 16]), None);
        }
        assert_eq!(keys.cookie_due(&headers("a=b"), true, || [9; 16]), Some([9; 16]));
        assert_eq!(keys.cookie_due(&headers(&planted), false, || [9; 16]), None);
        let since_https = keys.cookie_due(&headers(&planted), true, || [9; 16]);
        assert_eq!(since_https, Some([6; 16]), "whoever voted before HTTPS is the same voter");
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
        assert!(keys.is_admin(b"admin") && !keys.is_admin(b"admim") && !keys.is_admin(b""));
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

    #[test]
    fn hops_are_read_with_and_without_a_port() {
        for text in ["203.0.113.7", "203.0.113.7:80", "::ffff:203.0.113.7"] {
            assert_eq!(parse_hop(text), Some("203.0.113.7".parse().unwrap()), "{text}");
        }
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"] {
            assert_eq!(parse_hop(text), Some("2001:db8::1".parse().unwrap()), "{text}");
        }
        assert_eq!(parse_hop("unknown"), None);
    }
}
