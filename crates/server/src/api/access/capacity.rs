//! The room for open polls. Every open poll is held in memory, so their number has a bound, past which new
//! ones are refused. Some room beyond the bound is for the operator and for polls that exist already, so that
//! nobody is kept from opening a prepared poll because strangers have created too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::asker::Asker;
use crate::api::App;
use crate::api::problem::{Problem, Trouble};

/// The divisor that makes the extra room from the bound: a tenth.
const KEPT_FREE: usize = 10;

/// `Capacity` counts the polls that are about to open, which the hub does not count yet.
#[derive(Default)]
pub struct Capacity(Arc<AtomicUsize>);

/// A place is the room for one poll, held until the hub counts the poll.
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Takes room for a poll that is open from the start.
pub fn for_new(app: &App, asker: &Asker) -> Result<Place, Problem> {
    if asker.is_operator(app) {
        return for_known(app);
    }
    let most = app.config.watch.open_polls;
    let what = "new polls cannot be open for now: create yours as a draft (\"open\": false) and open \
                it later";
    take(app, most, what)
}

/// Takes room for a poll that exists already and is about to open.
pub fn for_known(app: &App) -> Result<Place, Problem> {
    let most = app.config.watch.open_polls;
    take(app, most + (most / KEPT_FREE).max(1), "no other poll can be opened for now")
}

fn take(app: &App, most: usize, what: &str) -> Result<Place, Problem> {
    let on_their_way = app.capacity.0.fetch_add(1, Ordering::SeqCst);
    let place = Place(app.capacity.0.clone());
    let open = app.hub.open_polls();
    if open + on_their_way < most {
        return Ok(place);
    }
    let detail = format!(
        "{open} polls are open on this server, and {what}. Close polls that are over; the operator \
         can raise POLLUX_WATCH_OPEN_POLLS"
    );
    Err(Problem::new(Trouble::TooManyPolls, detail))
}
