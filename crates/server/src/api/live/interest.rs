//! What a viewer wants to see, as its request names it, and whether there is room for one more.

use std::net::IpAddr;

use pollux_core::standing::Standing;

use crate::api::App;
use crate::api::access::cookie::BrowserId;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::seen::granted;
use crate::api::lookup::{self, Named};
use crate::api::operate::address;
use crate::api::problem::{Problem, Trouble};
use crate::watch::viewer::{Interest, Watched};

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

/// What a viewer's query asks for: everything, if it does not say.
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
            // Watching everything needs no store: without it the numbers stay hidden.
            let Ok(granted) = granted(app, &poll, cookie).await else { break };
            interest.grants.extend(granted.map(|grant| (poll.id, grant)));
        }
    }
    Ok(interest)
}

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

/// Follow an event; of a lone poll the poll.
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
            // Brings it into memory, if it is not there.
            let standing = lookup::standing(app, &current.to_string(), from, None).await?;
            see(app, interest, &standing, cookie).await
        }
    }
}

/// As whom the viewer sees a poll.
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
