//! The lookup of the `{id}` of a path: it finds the poll or event in memory, or else in the store.

pub mod ask;
pub mod code;
pub mod owned;
pub mod seen;

use std::net::IpAddr;
use std::sync::Arc;

use pollux_core::event::Agenda;
use pollux_core::id::{EventId, PollId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::right::{Refusal, Right, Role, may};
use pollux_core::standing::Standing;

use self::ask::ask;
use self::code::{by_code, in_memory};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::store::EventAndPolls;

/// Finds the poll to vote in. This is on the hot path.
pub async fn poll(app: &App, text: &str, from: IpAddr) -> Result<Arc<Poll>, Problem> {
    if let Ok(id) = text.parse()
        && let Some(poll) = app.hub.poll(id)
    {
        return Ok(poll);
    }
    Box::pin(standing(app, text, from, None)).await.map(|standing| standing.poll)
}

/// Finds a poll and its results, as far as the asker may see it.
pub async fn standing(
    app: &App,
    text: &str,
    from: IpAddr,
    asker: Option<&Asker>,
) -> Result<Standing, Problem> {
    if let Ok(id) = text.parse() {
        let standing = by_id(app, id, asker).await?;
        app.limits.show(from, standing.poll.event.map_or(id.0, |event| event.0));
        return Ok(standing);
    }
    match by_code(app, text, from, asker).await? {
        Named::Poll(standing) => Ok(standing),
        Named::Event(agenda) => {
            let current = agenda.current().ok_or_else(|| {
                let detail = "the event with this code shows no poll at the moment";
                Problem::new(Trouble::NoSuchPoll, detail)
            })?;
            by_id(app, current, asker).await
        }
    }
}

/// `Named` is what an id or a join code leads to.
pub enum Named {
    /// An event.
    Event(Agenda),
    /// A poll that belongs to no event.
    Poll(Standing),
}

/// Finds an event, or a lone poll. The id of an event's poll leads to its event.
pub async fn named(
    app: &App,
    text: &str,
    from: IpAddr,
    asker: Option<&Asker>,
) -> Result<Named, Problem> {
    let Ok(id) = text.parse::<EventId>() else { return by_code(app, text, from, asker).await };
    let poll = PollId(id.0);
    let found = match (app.hub.agenda(id), known(app, poll)) {
        (Some(agenda), _) => Named::Event(agenda),
        (None, Some(standing)) => of_its_event(app, standing).await?,
        (None, None) => match ask(app, app.store.event(id)).await? {
            Some(found) => Named::Event(take_event(app, found)?),
            None => of_its_event(app, by_id(app, poll, asker).await?).await?,
        },
    };
    app.limits.show(from, found.id());
    Ok(found)
}

impl Named {
    /// Returns its id.
    pub fn id(&self) -> uuid::Uuid {
        match self {
            Self::Event(agenda) => agenda.event.id.0,
            Self::Poll(standing) => standing.poll.id.0,
        }
    }

    /// Returns the hash of its owner's token.
    pub fn owner(&self) -> &[u8; 32] {
        match self {
            Self::Event(agenda) => &agenda.event.owner,
            Self::Poll(standing) => &standing.poll.owner,
        }
    }

    /// Returns whether the join code is no secret to an address, because lists show it to everybody, or
    /// because the address was shown it before. Such codes work without guesses, so whoever uses up the
    /// guesses of a venue learns nothing more, and keeps nobody there out.
    fn no_guess(&self, app: &App, from: IpAddr) -> bool {
        let listed = |poll: &Poll| poll.listed && poll.status != PollStatus::Draft;
        app.limits.was_shown(from, self.id())
            || match self {
                Self::Event(agenda) => agenda.polls().iter().any(|item| listed(&item.poll)),
                Self::Poll(standing) => listed(&standing.poll),
            }
    }
}

async fn of_its_event(app: &App, standing: Standing) -> Result<Named, Problem> {
    match standing.poll.event {
        Some(event) => agenda(app, event).await.map(Named::Event),
        None => Ok(Named::Poll(standing)),
    }
}

/// Finds an event by its id.
pub async fn agenda(app: &App, id: EventId) -> Result<Agenda, Problem> {
    match app.hub.agenda(id) {
        Some(agenda) => Ok(agenda),
        None => {
            let found = ask(app, app.store.event(id)).await?;
            take_event(app, found.ok_or_else(no_such_event)?)
        }
    }
}

/// Returns an event brought up to date with the store; see [`stored`].
pub async fn stored_event(app: &App, agenda: Agenda) -> Result<Agenda, Problem> {
    match ask(app, app.store.event(agenda.event.id)).await {
        Ok(Some(found)) => take_event(app, found),
        _ => Ok(agenda),
    }
}

/// Returns the problem for an id or code that nothing has.
pub fn no_such_event() -> Problem {
    Problem::new(Trouble::NoSuchPoll, "no event and no poll has this id or join code")
}

fn take_event(app: &App, (event, polls): EventAndPolls) -> Result<Agenda, Problem> {
    let id = event.id;
    let agenda = Agenda::new(Arc::new(event.clone()), &polls);
    app.hub.merge_event(event, &polls);
    let agenda = app.hub.agenda(id).unwrap_or(agenda);
    if agenda.event.deleted_at.is_some() { Err(no_such_event()) } else { Ok(agenda) }
}

/// Returns the poll that voters find at an id or code. Its kind is a hint for their page, worth neither a
/// question to the store nor a guess, so the poll is returned only if it is in memory and no secret to this
/// address.
pub fn poll_shown(app: &App, text: &str, from: IpAddr) -> Option<Arc<Poll>> {
    let named = match text.parse::<EventId>() {
        Ok(id) => match app.hub.agenda(id) {
            Some(agenda) => Named::Event(agenda),
            None => Named::Poll(known(app, PollId(id.0))?),
        },
        Err(_) => in_memory(app, text).filter(|named| named.no_guess(app, from))?,
    };
    match named {
        Named::Event(agenda) => Some(known(app, agenda.current()?)?.poll),
        Named::Poll(standing) => Some(standing.poll),
    }
}

/// Returns a poll that is in memory and may be seen by everybody.
fn known(app: &App, id: PollId) -> Option<Standing> {
    app.hub.standing(id).filter(|standing| standing.poll.status != PollStatus::Draft)
}

async fn by_id(app: &App, id: PollId, asker: Option<&Asker>) -> Result<Standing, Problem> {
    if let Some(standing) = known(app, id) {
        return Ok(standing);
    }
    let found = ask(app, app.store.standing(id)).await?;
    visible(app, found, asker)
}

/// Returns a poll brought up to date with the store, because an owner whose change was left unknown reads the
/// poll to see what became of it. If the store does not answer, what is in memory is returned.
pub async fn stored(app: &App, standing: Standing) -> Result<Standing, Problem> {
    match ask(app, app.store.standing(standing.poll.id)).await {
        Ok(Some(found)) if found.poll.status == PollStatus::Deleted => {
            app.hub.merge(found);
            Err(Problem::no_such_poll())
        }
        Ok(Some(found)) if found.poll.status != PollStatus::Draft => {
            app.hub.merge(found.clone());
            Ok(app.hub.standing(found.poll.id).unwrap_or(found))
        }
        _ => Ok(standing),
    }
}

/// Checks who may see a poll: nobody a deleted one, and only its owner a draft. A poll that everybody may see
/// is put into memory.
fn visible(app: &App, found: Option<Standing>, asker: Option<&Asker>) -> Result<Standing, Problem> {
    let standing = found.ok_or_else(Problem::no_such_poll)?;
    let role = |owner| asker.map_or(Role::Anyone, |asker| asker.role(app, owner));
    match standing.poll.status {
        PollStatus::Deleted => Err(Problem::no_such_poll()),
        PollStatus::Draft => match may(role(&standing.poll.owner), Right::Owner) {
            Ok(()) => Ok(standing),
            // The client is not told that there is a draft, but the wrong token goes on record.
            Err(Refusal::NotTheOwners) => {
                Err(Problem::no_such_poll().noted_as(SecurityEvent::TokenWrong))
            }
            Err(_) => Err(Problem::no_such_poll()),
        },
        PollStatus::Open | PollStatus::Closed => {
            app.hub.merge(standing.clone());
            Ok(standing)
        }
    }
}
