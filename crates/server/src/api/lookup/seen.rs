//! The lookup of a poll together with the audience to which the asker belongs.

use http::HeaderMap;
use pollux_core::poll::Poll;
use pollux_core::right::{Right, may};
use pollux_core::standing::Standing;

use super::ask::ask;
use crate::api::access::asker::Asker;
use crate::api::access::keys::Who;
use crate::api::problem::Problem;
use crate::api::{App, lookup};
use crate::watch::grants::Grant;
use crate::watch::view::{self, Audience};
use crate::watch::viewer::BrowserId;

/// Finds a poll, and the audience to which the asker belongs.
pub async fn seen(
    app: &App,
    id: &str,
    asker: &Asker,
    headers: &HeaderMap,
) -> Result<(Standing, Audience), Problem> {
    let standing = lookup::standing(app, id, asker.client.address, Some(asker)).await?;
    let poll = &standing.poll;
    let audience = match may(asker.role(app, &poll.owner), Right::Owner) {
        Ok(()) => Audience::Owner,
        Err(_) => audience(app, poll, app.keys.cookie(headers)).await?,
    };
    asker.ignored(app, &poll.owner, poll.id.0);
    Ok((standing, audience))
}

/// Returns whether a visitor has voted in a poll that shows its numbers to those who have, or is one of the
/// public.
pub async fn audience(
    app: &App,
    poll: &Poll,
    cookie: Option<BrowserId>,
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
    // A vote in any round suffices: whoever has seen the numbers of one round need not be shut out of the
    // next.
    Ok(if state.seen.is_some() { Audience::Voted } else { Audience::Public })
}

/// Returns what the voter with this cookie is granted in a poll.
pub async fn granted(
    app: &App,
    poll: &Poll,
    cookie: Option<BrowserId>,
) -> Result<Option<Grant>, Problem> {
    Ok((audience(app, poll, cookie).await? == Audience::Voted).then_some(Grant::Voted))
}
