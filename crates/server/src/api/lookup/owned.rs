//! The lookup of what somebody may change, as the store has it.

use pollux_core::id::{EventId, PollId};
use pollux_core::right::Right;
use pollux_core::standing::Standing;

use super::ask::ask;
use super::code::by_code;
use super::{Named, by_id, no_such_event, standing, visible};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::problem::{Problem, Trouble};
use crate::store::EventAndPolls;

/// Reads the poll from the store, for an asker who may change it.
pub async fn poll(app: &App, text: &str, asker: &Asker, right: Right) -> Result<Standing, Problem> {
    // The code may lead to a poll in memory, but what is changed is what the store has.
    let id = match text.parse() {
        Ok(id) => id,
        Err(_) => standing(app, text, asker.client.address, Some(asker)).await?.poll.id,
    };
    let found = ask(app, app.store.standing(id)).await?;
    let standing = visible(app, found, Some(asker))?;
    asker.may(app, &standing.poll.owner, right)?;
    Ok(standing)
}

/// Reads the event from the store, for an asker who may change it.
pub async fn event(
    app: &App,
    text: &str,
    asker: &Asker,
    right: Right,
) -> Result<EventAndPolls, Problem> {
    let named = match text.parse::<EventId>() {
        Ok(id) => Some(id),
        Err(_) => match by_code(app, text, asker.client.address, Some(asker)).await? {
            Named::Event(agenda) => Some(agenda.event.id),
            Named::Poll(_) => None,
        },
    };
    let lone = || Problem::new(Trouble::WrongStatus, "this poll is in no event");
    let id = named.ok_or_else(lone)?;
    let Some((event, polls)) = ask(app, app.store.event(id)).await? else {
        let poll = by_id(app, PollId(id.0), Some(asker)).await;
        poll.map_err(|problem| no_such_event().noted_as(problem.event()))?;
        return Err(lone());
    };
    if event.deleted_at.is_some() {
        return Err(no_such_event());
    }
    asker.may(app, &event.owner, right)?;
    Ok((event, polls))
}
