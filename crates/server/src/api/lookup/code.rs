//! The lookup of join codes, for clients that have guesses left.

use std::net::IpAddr;

use super::ask::ask;
use super::{Named, by_id, known, take_event, visible};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::problem::Problem;

/// The fewest and the most digits of a join code.
pub const CODE_DIGITS: (usize, usize) = (6, 12);

fn code(text: &str) -> bool {
    (CODE_DIGITS.0..=CODE_DIGITS.1).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns what a join code leads to, if that is in memory.
pub(super) fn in_memory(app: &App, code: &str) -> Option<Named> {
    let event = app.hub.event_by_code(code).and_then(|id| app.hub.agenda(id));
    let poll = || app.hub.by_code(code).and_then(|id| known(app, id));
    match event {
        Some(agenda) => Some(Named::Event(agenda)),
        None => poll().filter(|found| found.poll.event.is_none()).map(Named::Poll),
    }
}

/// Returns the poll that a join code leads to, if the poll is on the shelf and its code is no secret to this
/// address. A secret one is not read at all, because the answer must not take longer for a code that is
/// right.
async fn on_shelf(app: &App, code: &str, from: IpAddr) -> Option<Named> {
    let (id, listed) = app.hub.shelved_by_code(code)?;
    if !listed && !app.limits.was_shown(from, id.0) {
        return None;
    }
    // The lookup brings the poll into memory.
    by_id(app, id, None).await.ok()?;
    in_memory(app, code)
}

/// Finds what a join code leads to. A wrong code costs the address a guess.
pub(super) async fn by_code(
    app: &App,
    text: &str,
    from: IpAddr,
    asker: Option<&Asker>,
) -> Result<Named, Problem> {
    if !code(text) {
        return Err(Problem::no_such_poll());
    }
    let in_memory = in_memory(app, text);
    if let Err(problem) = app.limits.may_guess(from) {
        let here = match in_memory {
            Some(named) => Some(named),
            None => on_shelf(app, text, from).await,
        };
        return here.filter(|named| named.no_guess(app, from)).ok_or(problem);
    }
    let named = match in_memory {
        Some(named) => named,
        None => in_store(app, text, from, asker).await?,
    };
    app.limits.show(from, named.id());
    Ok(named)
}

/// Returns what the store has for a join code.
async fn in_store(
    app: &App,
    code: &str,
    from: IpAddr,
    asker: Option<&Asker>,
) -> Result<Named, Problem> {
    let named = match ask(app, app.store.event_by_code(code)).await? {
        Some(found) => Named::Event(take_event(app, found)?),
        None => {
            let found = ask(app, app.store.by_code(code)).await?;
            let visible = visible(app, found, asker);
            Named::Poll(visible.inspect_err(|_| app.limits.guessed(from))?)
        }
    };
    // Many guesses may have been under way at once, and may have used up the budget meanwhile.
    match app.limits.may_guess(from) {
        Err(problem) if !named.no_guess(app, from) => Err(problem),
        _ => Ok(named),
    }
}
