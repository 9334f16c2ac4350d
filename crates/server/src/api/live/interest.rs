//! The interest of a viewer, as its request names it, and the check that there is room for one more viewer.

use std::net::IpAddr;

use pollux_core::standing::Standing;

use crate::api::App;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::seen::granted;
use crate::api::lookup::{self, Named};
use crate::api::operate::address;
use crate::api::problem::{Problem, Trouble};
use crate::watch::viewer::BrowserId;
use crate::watch::viewer::{Interest, Watched};

/// Checks that there is room for one more viewer.
pub(super) fn room(app: &App) -> Result<(), Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Trouble::NotReady, "the server is stopping"));
    }
    if app.hub.viewers() >= app.config.watch.viewers {
        let detail = "the limit of simultaneous viewers is reached";
        return Err(Problem::new(Trouble::TooManyViewers, detail));
    }
    Ok(())
}

/// Reads a viewer's interest from its query. An empty query asks for everything.
pub(super) async fn interest(
    app: &App,
    query: &Query,
    from: IpAddr,
    cookie: Option<BrowserId>,
) -> Result<Interest, Problem> {
    let leaderboard = query.has("leaderboard");
    let everything = !leaderboard && !query.has("poll") && !query.has("event");
    let elsewhere = !address::is_here(from);
    let mut interest = Interest { everything, leaderboard, elsewhere, ..Interest::default() };
    let most = app.config.watch.subscriptions;
    if query.all("poll").count() > most {
        return Err(bad(format!("at most {most} polls can be watched at a time")));
    }
    for id in query.all("poll") {
        want(app, &mut interest, id, from, cookie).await?;
    }
    if let Some(id) = query.one("event")? {
        follow(app, &mut interest, id, from, cookie).await?;
    }
    if everything && cookie.is_some() {
        for poll in app.hub.after_vote() {
            // Whoever watches everything can do so without the store. The numbers then stay hidden.
            let Ok(granted) = granted(app, &poll, cookie).await else { break };
            interest.grants.extend(granted.map(|grant| (poll.id, grant)));
        }
    }
    Ok(interest)
}

/// Adds a poll to a viewer's interest.
pub(super) async fn want(
    app: &App,
    interest: &mut Interest,
    id: &str,
    from: IpAddr,
    cookie: Option<BrowserId>,
) -> Result<(), Problem> {
    let standing = lookup::standing(app, id, from, None).await?;
    interest.polls.push(standing.poll.id);
    see(app, interest, &standing, cookie).await
}

/// Adds the event that the viewer follows, or the poll if the id is that of a lone poll.
async fn follow(
    app: &App,
    interest: &mut Interest,
    id: &str,
    from: IpAddr,
    cookie: Option<BrowserId>,
) -> Result<(), Problem> {
    match lookup::named(app, id, from, None).await? {
        Named::Poll(standing) => {
            let id = standing.poll.id;
            interest.event = Some(Watched::Lone(id));
            if !interest.polls.contains(&id) {
                interest.polls.push(id);
            }
            see(app, interest, &standing, cookie).await
        }
        Named::Event(agenda) => {
            interest.event = Some(Watched::Event(agenda.event.id));
            let Some(current) = agenda.current() else { return Ok(()) };
            // The lookup brings the poll into memory, if it is not there.
            let standing = lookup::standing(app, &current.to_string(), from, None).await?;
            see(app, interest, &standing, cookie).await
        }
    }
}

/// Adds the grant that shows the viewer the numbers of a poll in which it has voted.
async fn see(
    app: &App,
    interest: &mut Interest,
    standing: &Standing,
    cookie: Option<BrowserId>,
) -> Result<(), Problem> {
    let granted = granted(app, &standing.poll, cookie).await?;
    interest.grants.extend(granted.map(|grant| (standing.poll.id, grant)));
    Ok(())
}
