//! Changes of what somebody owns, in one loop for polls and events alike.
//!
//! The store gets the change first. Then the change is published: every partition of a poll gets the control
//! record (the processor's housekeeping appends again what is missing), and every node is told. A request
//! that loses a race decides anew upon what the store has by then. If the store does not say whether it made
//! the change, this module reads what the store has, announces it, and puts it on record.

pub mod event;
pub mod keep;
pub mod poll;

use std::future::Future;
use std::sync::Arc;

use pollux_core::announcement::Announcement;
use pollux_core::event::Event;
use pollux_core::poll::{ChangeRefused, Poll};
use pollux_core::right::Right;
use pollux_core::standing::Standing;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::capacity::Place;
use crate::api::access::right::word;
use crate::api::lookup::ask::{ask, silent, store_problem};
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, Trouble};
use crate::store::{ChangeError, Created, EventAndPolls, IdempotencyKey, StoreError};

/// The number of races in a row that a change may lose before it is given up.
const ATTEMPTS: usize = 8;

/// `Owned` is something that somebody owns: a poll or an event.
pub trait Owned: Clone + PartialEq + Send + Sync + 'static {
    /// The owned thing as the store has it, with what belongs to it there.
    type Found: Send + Sync + 'static;
    /// What is handed to the store together with the owned thing, such as an event's logo.
    type Beside: Send + Sync + 'static;
    /// The word for it in messages.
    const WHAT: &'static str;

    /// Returns its id.
    fn id(&self) -> Uuid;
    /// Returns the hash of its owner's token.
    fn owner(&self) -> &[u8; 32];
    /// Returns its revision, which is how often it was changed.
    fn revision(&self) -> u64;
    /// Returns the owned thing out of what was found.
    fn of(found: &Self::Found) -> &Self;
    /// Puts the changed thing into what was found.
    fn replace(found: &mut Self::Found, changed: Self);
    /// Returns a new one in the form in which it would be found, with nothing beside it yet.
    fn fresh(self, app: &App) -> Self::Found;
    /// Returns the security event that a change is, if it is one.
    fn on_record(before: &Self, after: &Self) -> Option<SecurityEvent>;
    /// Takes the room that a change needs, if it needs any.
    fn room(app: &App, before: &Self, after: &Self) -> Result<Option<Place>, Problem>;

    /// Has the store keep it under one of these codes.
    fn create(
        self,
        app: &App,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> impl Future<Output = Result<Created<Self>, StoreError>> + Send;
    /// Reads what this bearer may change.
    fn owned(
        app: &App,
        id: &str,
        bearer: &Bearer,
    ) -> impl Future<Output = Result<Self::Found, Problem>> + Send;
    /// Reads it from the store.
    fn read(
        app: &App,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<Self::Found>, StoreError>> + Send;
    /// Has the store change it, if its revision is still `expected`.
    fn write(
        &self,
        app: &App,
        expected: u64,
        beside: &Self::Beside,
    ) -> impl Future<Output = Result<(), ChangeError>> + Send;
    /// Publishes what the store has: merges it into this node's hub, and waits until the other nodes are
    /// told, but not beyond `until`. No failure here can fail the change, which is made already.
    fn publish(
        app: &Arc<App>,
        found: &Self::Found,
        until: Instant,
    ) -> impl Future<Output = ()> + Send;
}

/// A `Course` is what a change comes to, given what was found.
pub enum Course {
    /// The store is to make the change.
    Change,
    /// There is nothing to do, because everything is as requested.
    Nothing,
    /// What was found is no longer in the state that the change is meant for.
    MovedOn(Problem),
}

impl From<bool> for Course {
    fn from(changes: bool) -> Self {
        if changes { Self::Change } else { Self::Nothing }
    }
}

/// `Whose` says by what authority a change is made, and of what.
pub enum Whose {
    /// The bearer of a token changes the poll or event with this id or join code.
    Bearer(Bearer, String),
    /// An event changes one of its polls. The right of the event's bearer was checked before.
    Event(Uuid),
}

impl Whose {
    async fn find<T: Owned>(&self, app: &App, until: Instant) -> Result<T::Found, Problem> {
        let found = async {
            match self {
                Self::Bearer(bearer, id) => T::owned(app, id, bearer).await,
                Self::Event(id) => {
                    ask(app, T::read(app, *id)).await?.ok_or_else(Problem::no_such_poll)
                }
            }
        };
        timeout_at(until, found).await.unwrap_or_else(|_| Err(silent()))
    }

    fn word(&self, app: &App, owner: &[u8; 32]) -> &'static str {
        match self {
            Self::Bearer(bearer, _) => word(bearer.asker.role(app, owner)),
            Self::Event(_) => "event",
        }
    }
}

/// Changes something owned; `make` says what there is to do. What was just `found` need not be read again,
/// because the store makes the change only if nothing has changed since.
pub async fn change<T: Owned>(
    app: &Arc<App>,
    whose: Whose,
    found: Option<T::Found>,
    beside: T::Beside,
    until: Instant,
    make: impl Fn(&mut T, &T::Found) -> Result<Course, Problem> + Send + Sync + 'static,
) -> Result<T::Found, Problem> {
    detached(app, move |app| async move {
        let (whose, mut known) = (Arc::new(whose), found);
        for _ in 0..ATTEMPTS {
            let found = match known.take() {
                Some(found) => found,
                None => whose.find::<T>(&app, until).await?,
            };
            if let Some(changed) = attempt(&app, &whose, found, &beside, until, &make).await? {
                return Ok(changed);
            }
        }
        let what = T::WHAT;
        let detail = format!("others changed the {what} each time in between; nothing was changed");
        Err(Problem::new(Trouble::ChangedMeanwhile, detail))
    })
    .await
}

/// Tries once to change what was found. Returns `None` if somebody else has changed it meanwhile.
async fn attempt<T: Owned>(
    app: &Arc<App>,
    whose: &Arc<Whose>,
    mut found: T::Found,
    beside: &T::Beside,
    until: Instant,
    make: &(impl Fn(&mut T, &T::Found) -> Result<Course, Problem> + Send + Sync),
) -> Result<Option<T::Found>, Problem> {
    let before = T::of(&found).clone();
    let mut after = before.clone();
    let course = make(&mut after, &found)?;
    if !matches!(course, Course::Change) {
        // A client that asks again may have lost the answer, and this node may have failed to publish, so it
        // is published again.
        T::publish(app, &found, until).await;
        return if let Course::MovedOn(problem) = course { Err(problem) } else { Ok(Some(found)) };
    }
    let _until_it_is_counted = T::room(app, &before, &after)?;
    match timeout_at(until, after.write(app, before.revision(), beside)).await {
        Ok(Ok(())) => record(app, whose, &before, &after),
        Ok(Err(ChangeError::Conflict)) => return Ok(None),
        Ok(Err(taken @ ChangeError::CodeTaken)) => {
            return Err(Problem::new(Trouble::WrongStatus, taken.to_string()));
        }
        Ok(Err(ChangeError::Store(error @ StoreError::Unknown(_)))) => {
            let found = recorder(app, whose, before, after.clone());
            let made = settle(app, after.id(), until, found).await;
            let made = made.filter(|made| *T::of(made) == after);
            return made.map(Some).ok_or_else(|| store_problem(&error));
        }
        Ok(Err(ChangeError::Store(error))) => return Err(store_problem(&error)),
        Err(_) => {
            let id = after.id();
            settle(app, id, until, recorder(app, whose, before, after)).await;
            return Err(no_answer());
        }
    }
    T::replace(&mut found, after);
    T::publish(app, &found, until).await;
    Ok(Some(found))
}

/// Puts a change that the store has made on record, if it is a security event.
fn record<T: Owned>(app: &App, whose: &Whose, before: &T, after: &T) {
    if let Some(event) = T::on_record(before, after) {
        let by = whose.word(app, before.owner());
        app.security.note(event, About::change(after.id(), by));
    }
}

/// Returns a function that puts a change on record if it is found to be what the store has.
fn recorder<T: Owned>(
    app: &Arc<App>,
    whose: &Arc<Whose>,
    before: T,
    after: T,
) -> impl FnOnce(&T) + Send + 'static {
    let (app, whose) = (app.clone(), whose.clone());
    move |found| {
        if *found == after {
            record(&app, &whose, &before, &after);
        }
    }
}

/// Reads what the store has after it did not say whether it made a change. It hands the result to `found` and
/// publishes it, because nobody else does if the change was made. If that takes longer than `until`, it goes
/// on in the background.
async fn settle<T: Owned>(
    app: &Arc<App>,
    id: Uuid,
    until: Instant,
    found: impl FnOnce(&T) + Send + 'static,
) -> Option<T::Found> {
    let app = app.clone();
    let looking = tokio::spawn(async move {
        let there = ask(&app, T::read(&app, id)).await.ok()??;
        found(T::of(&there));
        T::publish(&app, &there, Instant::now()).await;
        Some(there)
    });
    timeout_at(until, looking).await.ok()?.ok()?
}

/// Returns the problem of a change that the store has not answered.
fn no_answer() -> Problem {
    Problem::new(Trouble::ChangeUnknown, "the store did not answer in time")
}

/// Returns the problem for a change that the core refused.
pub fn refused(error: ChangeRefused) -> Problem {
    match error {
        ChangeRefused::Invalid(broken) => Problem::rules(broken),
        ChangeRefused::Status(_) => Problem::new(Trouble::WrongStatus, error.to_string()),
    }
}

/// Returns the moment by which a request must be answered whose change begins now.
pub fn until(app: &App) -> Instant {
    Instant::now() + app.config.api.deadline
}

/// Runs some work to its end, even if the client goes away in the middle.
pub async fn detached<T, F>(app: &Arc<App>, work: impl FnOnce(Arc<App>) -> F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    tokio::spawn(work(app.clone())).await.unwrap_or_else(|_| {
        let detail = "the server stopped before the change was finished";
        Err(Problem::new(Trouble::ChangeUnknown, detail))
    })
}

/// Announces something to the other nodes, waiting no longer than `until`. A node that misses the
/// announcement notices the change when it compares its hub with the store.
async fn announce(app: &Arc<App>, what: Announcement, until: Instant) {
    let app = app.clone();
    let telling = tokio::spawn(async move {
        let told = timeout(app.config.api.deadline, app.log.announce(vec![what])).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!("a change is announced later");
        }
    });
    let _ = timeout_at(until, telling).await;
}

/// A bearer shows a token for the right that the request requires.
#[derive(Clone)]
pub struct Bearer {
    asker: Asker,
    right: Right,
}

impl Bearer {
    /// Creates a bearer of this asker, or returns the problem 401 if the asker shows no token.
    pub fn of(asker: Asker) -> Result<Self, Problem> {
        asker.require_token()?;
        Ok(Self { asker, right: Right::Owner })
    }

    /// Returns the same bearer for a request for which a stage token suffices.
    pub fn or_stage(self) -> Self {
        Self { right: Right::Stage, ..self }
    }

    /// Returns the same bearer with another token, such as one from the body.
    pub fn with_token(&self, token: &str) -> Self {
        Self { asker: self.asker.with_token(token), ..self.clone() }
    }

    /// Reads the poll that this bearer may change, as the store has it.
    pub async fn poll(&self, app: &App, id: &str, until: Instant) -> Result<Standing, Problem> {
        Whose::Bearer(self.clone(), id.to_owned()).find::<Poll>(app, until).await
    }

    /// Reads the event that this bearer may change, as the store has it.
    pub async fn event(
        &self,
        app: &App,
        id: &str,
        until: Instant,
    ) -> Result<EventAndPolls, Problem> {
        Whose::Bearer(self.clone(), id.to_owned()).find::<Event>(app, until).await
    }
}
