//! The voter's signed cookie, and the `voter` of a receipt, which stands in for the cookie with clients that
//! keep none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use pollux_core::id::UnixMillis;
use serde::{Serialize, Serializer};

use super::keys::{Generation, Keys, same};
use crate::api::problem::Problem;
use crate::watch::viewer::BrowserId;

/// The name of the cookie over plain HTTP.
pub const COOKIE_NAME: &str = "pollux_voter";

/// The name of the cookie over HTTPS. Browsers accept a cookie whose name begins like this from the host
/// itself only, so no other site of the same domain can make a visitor vote as somebody else.
const HTTPS_COOKIE_NAME: &str = "__Host-pollux_voter";

const COOKIE_DAYS: u32 = 365;

/// The length of a cookie's text: 16 bytes of value and 16 of signature, in base64url without padding.
const COOKIE_CHARS: usize = 43;

/// A `SignedVoter` is a [`BrowserId`] with our signature, in base64url.
#[derive(Clone, Copy)]
pub struct SignedVoter([u8; COOKIE_CHARS]);

impl SignedVoter {
    /// Returns the text.
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

impl Keys {
    /// Returns the browser id in the voter's cookie, if there is one that we signed. The cookie for plain
    /// HTTP is believed only where there is none for HTTPS, as it is on a site that voters used before it had
    /// HTTPS.
    pub fn cookie(&self, headers: &HeaderMap) -> Option<BrowserId> {
        self.cookie_named(HTTPS_COOKIE_NAME, headers)
            .or_else(|| self.cookie_named(COOKIE_NAME, headers))
    }

    /// Returns the browser id that a page gives its visitor as a cookie, or `None` if the visitor has that
    /// cookie already. It is `fresh` unless the visitor has a cookie from before HTTPS.
    pub fn cookie_due(
        &self,
        headers: &HeaderMap,
        https: bool,
        fresh: impl FnOnce() -> BrowserId,
    ) -> Option<BrowserId> {
        if self.has_cookie(headers, https) {
            return None;
        }
        Some(self.cookie(headers).unwrap_or_else(fresh))
    }

    /// Returns whether the visitor has a valid cookie. Over HTTPS only the cookie for HTTPS counts.
    pub fn has_cookie(&self, headers: &HeaderMap, https: bool) -> bool {
        let ours = |name| self.cookie_named(name, headers).is_some();
        ours(HTTPS_COOKIE_NAME) || !https && ours(COOKIE_NAME)
    }

    fn cookie_named(&self, name: &str, headers: &HeaderMap) -> Option<BrowserId> {
        let name = name.as_bytes();
        headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="))
            .find_map(|text| self.cookie_value(text))
    }

    fn cookie_value(&self, text: &[u8]) -> Option<BrowserId> {
        if text.len() != COOKIE_CHARS {
            return None;
        }
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (value, signature) = bytes[..length].split_first_chunk::<16>()?;
        let ours = |generation: &Generation| same(&generation.signature(value), signature);
        self.generations.iter().rev().any(ours).then_some(*value)
    }

    /// Returns the browser id, signed, as it is given out now in a cookie or a receipt.
    pub fn signed(&self, value: &BrowserId, now: UnixMillis) -> SignedVoter {
        let mut signed = [0; 32];
        signed[..16].copy_from_slice(value);
        signed[16..].copy_from_slice(&self.at(now).signature(value));
        let mut text = [0; COOKIE_CHARS];
        URL_SAFE_NO_PAD.encode_slice(signed, &mut text).expect("43 characters are 32 bytes");
        SignedVoter(text)
    }

    /// Returns the browser id of a `voter` that a receipt gave out.
    pub fn voter_of(&self, text: &str) -> Result<BrowserId, Problem> {
        self.cookie_value(text.as_bytes()).ok_or_else(|| {
            let detail = "is not a voter that a receipt of this server gave out; send it as it was, \
                          or leave it out to vote as somebody new";
            Problem::rule("/voter", detail)
        })
    }

    /// Returns the `Set-Cookie` header that gives a browser this id.
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
}
