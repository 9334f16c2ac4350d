//! Who asks: what every handler is told of whoever sent a request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use uuid::Uuid;

use super::client::{Client, Peer};
use super::right::{Refusal, Right, Role, may};
use crate::api::App;
use crate::api::http::path::short;
use crate::api::problem::Problem;
use crate::api::problem::security::{About, SecurityEvent};

/// Whoever sent a request.
#[derive(Clone)]
pub struct Asker {
    /// Where they are.
    pub client: Client,
    token: Option<Vec<u8>>,
    /// Whether they are on the server's own machine.
    here: bool,
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
            here: near && !passed_on,
            route: extensions.get().cloned(),
        }
    }

    /// The same with another token, such as a body's.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The token they show, if any.
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }

    /// The token they show, or 401.
    pub fn require_token(&self) -> Result<&[u8], Problem> {
        self.token().ok_or_else(|| Refusal::NoToken.into())
    }

    /// As whom they stand before something that has this owner.
    pub fn role(&self, app: &App, owner: &[u8; 32]) -> Role {
        app.keys.role(self.token(), owner)
    }

    /// Let them pass if they have this right over something that has this owner.
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

    /// Whether they run the server.
    pub fn is_operator(&self, app: &App) -> bool {
        self.operates(app).is_ok()
    }

    /// Let only the operator pass.
    pub fn require_operator(&self, app: &App) -> Result<(), Problem> {
        self.operates(app).map_err(Problem::from)
    }

    /// Whether they may hear what log and store say of themselves, and the totals of all polls, which tell of
    /// hidden ones: who is on the server's machine, and the operator.
    pub fn is_insider(&self, app: &App) -> bool {
        self.here || self.is_operator(app)
    }

    /// They are answered as if they had shown no token, for it shows none of what has this owner. That
    /// of a stage is no wrong one: it sees what everybody does.
    pub fn ignored(&self, app: &App, owner: &[u8; 32], id: Uuid) {
        if self.role(app, owner) == Role::Stranger {
            let route = self.route.as_ref().map(|route| short(route.as_str()));
            app.security.note(SecurityEvent::TokenWrong, About { route, id: Some(id), by: None });
        }
    }
}

/// The bearer token, if one was sent.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}
