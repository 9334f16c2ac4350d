//! The asker, which tells every handler who sent a request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use pollux_core::right::{Refusal, Right, Role, may};
use uuid::Uuid;

use super::client::{Client, Peer};
use crate::api::App;
use crate::api::http::path::short;
use crate::api::problem::Problem;
use crate::api::problem::security::{About, SecurityEvent};

/// An `Asker` is whoever sent a request, with the token that they showed.
#[derive(Clone)]
pub struct Asker {
    /// Where the request comes from.
    pub client: Client,
    token: Option<Vec<u8>>,
    /// Whether the request comes from the server's own machine.
    is_local: bool,
    route: Option<MatchedPath>,
}

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(app, &parts.headers, &parts.extensions))
    }
}

impl Asker {
    fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let near = extensions.get().is_none_or(|Peer(address)| address.is_loopback());
        let passed_on =
            headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
        Self {
            client: Client::of(app, headers, extensions),
            token: bearer(headers).map(<[u8]>::to_vec),
            is_local: near && !passed_on,
            route: extensions.get().cloned(),
        }
    }

    /// Returns the same asker with another token, such as one from the body.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Returns the token that was shown, if any.
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }

    /// Returns the token that was shown, or the refusal 401.
    pub fn require_token(&self) -> Result<&[u8], Problem> {
        self.token().ok_or_else(|| Refusal::NoToken.into())
    }

    /// Returns the role that the token gives over something with this owner.
    pub fn role(&self, app: &App, owner: &[u8; 32]) -> Role {
        app.keys.role(self.token(), owner)
    }

    /// Checks that the token gives this right over something with this owner.
    pub fn may(&self, app: &App, owner: &[u8; 32], right: Right) -> Result<(), Problem> {
        may(self.role(app, owner), right).map_err(Problem::from)
    }

    fn operates(&self, app: &App) -> Result<(), Refusal> {
        let role = match self.token() {
            Some(token) if app.keys.is_operators(token) => Role::Operator,
            Some(_) => Role::Stranger,
            None => Role::Anyone,
        };
        may(role, Right::Operator)
    }

    /// Returns whether the token is the operator's.
    pub fn is_operator(&self, app: &App) -> bool {
        self.operates(app).is_ok()
    }

    /// Checks that the token is the operator's.
    pub fn require_operator(&self, app: &App) -> Result<(), Problem> {
        self.operates(app).map_err(Problem::from)
    }

    /// Returns whether the asker may see what log and store report of themselves, and the totals of all
    /// polls, which include hidden ones. Those on the server's machine and the operator may.
    pub fn is_insider(&self, app: &App) -> bool {
        self.is_local || self.is_operator(app)
    }

    /// Notes a wrong token whose request is answered as if it had shown none, because the token opens nothing
    /// of this owner. A stage token is not a wrong one: it sees what everybody sees.
    pub fn ignored(&self, app: &App, owner: &[u8; 32], id: Uuid) {
        if self.role(app, owner) == Role::Stranger {
            let route = self.route.as_ref().map(|route| short(route.as_str()));
            app.security.note(SecurityEvent::TokenWrong, About { route, id: Some(id), by: None });
        }
    }
}

/// Returns the bearer token, if one was sent.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}
