//! The poll that is asked for, and as whom the asker sees it.

use axum::extract::MatchedPath;
use http::{Extensions, HeaderMap};
use pollux_core::poll::Poll;
use pollux_core::standing::Standing;
use uuid::Uuid;

use super::ask::ask;
use crate::api::access::asker::bearer;
use crate::api::access::client::Client;
use crate::api::access::cookie::CookieValue;
use crate::api::access::keys::Who;
use crate::api::http::path::short;
use crate::api::problem::Problem;
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::{App, lookup};
use crate::watch::grants::Grant;
use crate::watch::view::{self, Audience};

/// The poll that is asked for, and as whom the asker sees it.
pub async fn seen(
    app: &App,
    id: &str,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<(Standing, Audience), Problem> {
    let from = Client::of(app, headers, extensions).address;
    let token = bearer(headers);
    let standing = lookup::standing(app, id, from, token).await?;
    let audience = match token {
        Some(token) if app.keys.owns(token, &standing.poll) => Audience::Owner,
        _ => audience(app, &standing.poll, app.keys.cookie(headers)).await?,
    };
    ignored(app, token, &standing.poll.owner, standing.poll.id.0, extensions);
    Ok((standing, audience))
}

/// Public, or somebody who has voted in a poll that shows its numbers to those.
pub async fn audience(
    app: &App,
    poll: &Poll,
    cookie: Option<CookieValue>,
) -> Result<Audience, Problem> {
    if !view::shows_after_vote(poll) {
        return Ok(Audience::Public);
    }
    let Some(cookie) = cookie else { return Ok(Audience::Public) };
    if app.hub.has_voted(poll.id, cookie) {
        return Ok(Audience::Voted);
    }
    let voter = app.keys.voter(poll.id, Who::Cookie(cookie));
    let state = ask(app, app.store.voter(poll.id, voter)).await?;
    // Ever: whoever has seen the numbers of one round need not be shut out of the next.
    Ok(if state.seen.is_some() { Audience::Voted } else { Audience::Public })
}

/// What the voter with this cookie is granted in a poll.
pub async fn granted(
    app: &App,
    poll: &Poll,
    cookie: Option<CookieValue>,
) -> Result<Option<Grant>, Problem> {
    Ok((audience(app, poll, cookie).await? == Audience::Voted).then_some(Grant::Voted))
}

/// A request is answered as if it had shown no token, for it shows none of what has this owner. That
/// of a stage is no wrong one: it sees what everybody does.
pub fn ignored(
    app: &App,
    token: Option<&[u8]>,
    owner: &[u8; 32],
    id: Uuid,
    extensions: &Extensions,
) {
    if token.is_some_and(|token| app.keys.proof(token, owner).is_none()) {
        let template = extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        let about = About { route: template.map(short), id: Some(id), by: None };
        app.security.note(SecurityEvent::TokenWrong, about);
    }
}
