//! Changes of polls.
//!
//! A change may name the phase that it is meant for (`?phase=`). It is then made in that phase or not at all,
//! so a change that is sent twice, or by two organisers at once, is made once.

use std::sync::Arc;

use pollux_core::announcement::Announcement;
use pollux_core::id::PollId;
use pollux_core::poll::{ChangeRefused, Poll, PollStatus};
use pollux_core::standing::Standing;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::{Bearer, Course, Owned, Whose, announce, refused};
use crate::api::App;
use crate::api::access::capacity::{self, Place};
use crate::api::lookup::owned;
use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::log::control;
use crate::store::{ChangeError, Created, IdempotencyKey, StoreError};

/// Changes a poll of the token's bearer, unless the poll has left the phase that the change is meant for.
/// `change` returns whether there was anything to do.
pub async fn change(
    app: &Arc<App>,
    id: String,
    bearer: Bearer,
    phase: Option<u32>,
    until: Instant,
    change: impl Fn(&mut Poll) -> Result<bool, ChangeRefused> + Send + Sync + 'static,
) -> Result<Standing, Problem> {
    let make = move |poll: &mut Poll, _: &Standing| {
        if let Some(phase) = phase.filter(|phase| *phase != poll.phase) {
            return Ok(moved_on(poll.phase, phase));
        }
        change(poll).map(Course::from).map_err(refused)
    };
    super::change(app, Whose::Bearer(bearer, id), None, (), until, make).await
}

/// Changes a poll of the token's bearer; `make` says what there is to do, given how the poll stands.
pub async fn change_upon(
    app: &Arc<App>,
    id: String,
    bearer: Bearer,
    until: Instant,
    make: impl Fn(&mut Poll, &Standing) -> Result<Course, Problem> + Send + Sync + 'static,
) -> Result<Standing, Problem> {
    super::change(app, Whose::Bearer(bearer, id), None, (), until, make).await
}

/// Changes a poll of an event. The right of the event's bearer must have been checked before.
pub async fn change_of_event(
    app: &Arc<App>,
    id: PollId,
    until: Instant,
    change: impl Fn(&mut Poll) -> Result<bool, ChangeRefused> + Send + Sync + 'static,
) -> Result<Standing, Problem> {
    let make = move |poll: &mut Poll, _: &Standing| change(poll).map(Course::from).map_err(refused);
    super::change(app, Whose::Event(id.0), None, (), until, make).await
}

/// Returns the course of a change to a poll that is no longer in the phase that a change is meant for.
fn moved_on(now: u32, phase: u32) -> Course {
    let detail = format!("the poll is in phase {now}, not in {phase}; nothing was changed");
    Course::MovedOn(Problem::new(Trouble::ChangedMeanwhile, detail))
}

impl Owned for Poll {
    type Found = Standing;
    type Beside = ();
    const WHAT: &'static str = "poll";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn owner(&self) -> &[u8; 32] {
        &self.owner
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn of(found: &Standing) -> &Self {
        &found.poll
    }

    fn replace(found: &mut Standing, changed: Self) {
        found.take_poll(Arc::new(changed));
    }

    fn fresh(self, app: &App) -> Standing {
        Standing::new(Arc::new(self), app.log.partitions())
    }

    fn on_record(before: &Self, after: &Self) -> Option<SecurityEvent> {
        SecurityEvent::of_poll(before, after)
    }

    fn room(app: &App, before: &Self, after: &Self) -> Result<Option<Place>, Problem> {
        let opens = after.status == PollStatus::Open && before.status != PollStatus::Open;
        opens.then(|| capacity::for_known(app)).transpose()
    }

    async fn create(
        self,
        app: &App,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Self>, StoreError> {
        app.store.create(self, codes, key).await
    }

    async fn owned(app: &App, id: &str, bearer: &Bearer) -> Result<Standing, Problem> {
        owned::poll(app, id, &bearer.asker, bearer.right).await
    }

    async fn read(app: &App, id: Uuid) -> Result<Option<Standing>, StoreError> {
        app.store.standing(PollId(id)).await
    }

    async fn write(&self, app: &App, expected: u64, (): &()) -> Result<(), ChangeError> {
        app.store.change(self, expected).await
    }

    /// Publishes the poll, and appends its control record to every partition. What fails is made up for by
    /// housekeeping.
    async fn publish(app: &Arc<App>, found: &Standing, until: Instant) {
        let poll = found.poll.clone();
        app.hub.note(found);
        if poll.status == PollStatus::Draft {
            if poll.event.is_some() {
                announce(app, Announcement::Poll(poll), until).await;
            }
            return;
        }
        app.hub.merge(found.clone());
        let app = app.clone();
        let telling = tokio::spawn(async move {
            let told = control::publish(&*app.log, &poll, app.ambient.now());
            if timeout(app.config.api.deadline, told).await.is_err() {
                tracing::warn!(poll = %poll.id, "the log is slow; the change is published again later");
            }
        });
        let _ = timeout_at(until, telling).await;
    }
}
