//! Changes of events.

use std::sync::Arc;

use bytes::Bytes;
use pollux_core::announcement::Announcement;
use pollux_core::event::{Agenda, Event};
use pollux_core::id::EventId;
use pollux_core::standing::Standing;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Bearer, Course, Owned, Whose, announce, until};
use crate::api::App;
use crate::api::access::capacity::Place;
use crate::api::lookup::owned;
use crate::api::problem::Problem;
use crate::api::problem::security::SecurityEvent;
use crate::store::{ChangeError, Created, EventAndPolls, IdempotencyKey, StoreError};

/// Changes an event of the token's bearer. `change` returns whether there was anything to do. An event that
/// was just `found` is not read again, and a new `logo` is kept beside it.
pub async fn change(
    app: &Arc<App>,
    id: String,
    bearer: Bearer,
    found: Option<EventAndPolls>,
    logo: Option<Bytes>,
    change: impl Fn(&mut Event, &[Standing]) -> Result<bool, Problem> + Send + Sync + 'static,
) -> Result<Agenda, Problem> {
    let make =
        move |event: &mut Event, (_, polls): &EventAndPolls| change(event, polls).map(Course::from);
    let whose = Whose::Bearer(bearer, id);
    super::change(app, whose, found, logo, until(app), make).await.map(|found| agenda(&found))
}

/// Returns the event with the list of its polls.
pub fn agenda((event, polls): &EventAndPolls) -> Agenda {
    Agenda::new(Arc::new(event.clone()), polls)
}

impl Owned for Event {
    type Found = EventAndPolls;
    /// `Beside` is the bytes of the event's logo.
    type Beside = Option<Bytes>;
    const WHAT: &'static str = "event";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn owner(&self) -> &[u8; 32] {
        &self.owner
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn of((event, _): &EventAndPolls) -> &Self {
        event
    }

    fn replace(found: &mut EventAndPolls, changed: Self) {
        found.0 = changed;
    }

    fn fresh(self, _: &App) -> EventAndPolls {
        (self, Vec::new())
    }

    fn on_record(before: &Self, after: &Self) -> Option<SecurityEvent> {
        SecurityEvent::of_event(before, after)
    }

    fn room(_: &App, _: &Self, _: &Self) -> Result<Option<Place>, Problem> {
        Ok(None)
    }

    async fn create(
        self,
        app: &App,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Self>, StoreError> {
        app.store.create_event(self, codes, key).await
    }

    async fn owned(app: &App, id: &str, bearer: &Bearer) -> Result<EventAndPolls, Problem> {
        owned::event(app, id, &bearer.asker, bearer.right).await
    }

    async fn read(app: &App, id: Uuid) -> Result<Option<EventAndPolls>, StoreError> {
        app.store.event(EventId(id)).await
    }

    async fn write(
        &self,
        app: &App,
        expected: u64,
        logo: &Option<Bytes>,
    ) -> Result<(), ChangeError> {
        app.store.change_event(self, expected, logo.as_deref()).await
    }

    async fn publish(app: &Arc<App>, found: &EventAndPolls, until: Instant) {
        let (event, polls) = found;
        app.hub.merge_event(event.clone(), polls);
        announce(app, Announcement::Event(Arc::new(event.clone())), until).await;
    }
}
