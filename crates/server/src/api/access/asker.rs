//! Who asks.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::api::problem::{Problem, Trouble};

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
