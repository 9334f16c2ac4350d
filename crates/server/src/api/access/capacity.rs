//! Room for open polls. Every open poll is held in memory, so there is a bound on them; past it new
//! ones are refused. What is kept free beyond is for polls that are there already, so that nobody's
//! prepared poll stays shut because strangers have made too many, and for the operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::asker::Asker;
use crate::api::App;
use crate::api::problem::{Problem, Trouble};

/// The part of the bound that is kept free beyond it: one in so many.
const KEPT_FREE: usize = 10;

/// Polls on their way to being open, which the hub does not count yet.
#[derive(Default)]
pub struct Capacity(Arc<AtomicUsize>);

/// Room for one poll, held until the hub counts it.
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// For a poll that is open from the start.
pub fn for_new(app: &App, asker: &Asker) -> Result<Place, Problem> {
    if asker.is_operator(app) {
        return for_known(app);
    }
    let most = app.config.watch.open_polls;
    let what = "new polls cannot be open for now: make yours as a draft (\"open\": false), which may \
                be opened";
    take(app, most, what)
}

/// For a poll that is there already and opens.
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
