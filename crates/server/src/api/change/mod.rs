//! Changing what somebody owns: one loop for polls and events alike.
//!
//! The store has the change first; then it is published: every partition of a poll gets the control
//! record (the processor's housekeeping appends again what is missing), and every node is told.
//! Whoever loses a race decides anew upon what is there by then. Where the store does not say whether
//! it made the change, it is looked at, and whatever is found is told and goes on record.

pub mod event;
pub mod keep;
pub mod poll;

use std::future::Future;
use std::sync::Arc;

use pollux_core::event::Event;
use pollux_core::poll::{ChangeRefused, Poll};
use pollux_core::standing::{Announcement, Standing};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::capacity::Place;
use crate::api::access::right::Right;
use crate::api::lookup::ask::{ask, silent, store_problem};
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, Trouble};
use crate::store::{ChangeError, Created, EventAndPolls, IdempotencyKey, StoreError};

/// A change that loses this many races in a row is given up.
const ATTEMPTS: usize = 8;

/// What somebody owns: a poll or an event.
pub trait Owned: Clone + PartialEq + Send + Sync + 'static {
    /// It as the store has it, with what belongs to it there.
    type Found: Send + Sync + 'static;
    /// What is handed to the store beside it, if it is new.
    type Beside: Send + Sync + 'static;
    /// What it is, for messages.
    const WHAT: &'static str;

    /// Its id.
    fn id(&self) -> Uuid;
    /// What is kept of its owner's token.
    fn owner(&self) -> &[u8; 32];
    /// How often it was changed.
    fn revision(&self) -> u64;
    /// It, of what was found.
    fn of(found: &Self::Found) -> &Self;
    /// Put it, changed, in the place of what was found.
    fn replace(found: &mut Self::Found, changed: Self);
    /// It, when it is new and has nothing beside it yet.
    fn fresh(self, app: &App) -> Self::Found;
    /// Which security event its change is, if it is one.
    fn on_record(before: &Self, after: &Self) -> Option<SecurityEvent>;
    /// The room that the change takes, if it takes any.
    fn room(app: &App, before: &Self, after: &Self) -> Result<Option<Place>, Problem>;

    /// Have the store keep it under one of these codes.
    fn create(
        self,
        app: &App,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> impl Future<Output = Result<Created<Self>, StoreError>> + Send;
    /// Read what this bearer may change.
    fn owned(
        app: &App,
        id: &str,
        bearer: &Bearer,
    ) -> impl Future<Output = Result<Self::Found, Problem>> + Send;
    /// Read it from the store.
    fn read(
        app: &App,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<Self::Found>, StoreError>> + Send;
    /// Have the store change it, if its revision is still `expected`.
    fn write(
        &self,
        app: &App,
        expected: u64,
        beside: &Self::Beside,
    ) -> impl Future<Output = Result<(), ChangeError>> + Send;
    /// The store has it: tell this node, and wait until the others are told, but not beyond `until`.
    /// None of it can fail the change, which is made.
    fn publish(
        app: &Arc<App>,
        found: &Self::Found,
        until: Instant,
    ) -> impl Future<Output = ()> + Send;
}

/// What a change comes to, upon what was found.
pub enum Step {
    /// The store is to have it.
    Change,
    /// There is nothing to do: it is as it is wished.
    Nothing,
    /// It is not what the change was meant for any more.
    MovedOn(Problem),
}

impl From<bool> for Step {
    fn from(changes: bool) -> Self {
        if changes { Self::Change } else { Self::Nothing }
    }
}

/// On whose authority which poll or event is changed.
pub enum Whose {
    /// The bearer of a token changes what has this id or join code.
    Bearer(Bearer, String),
    /// An event changes one of its polls; whether its own bearer may was asked before.
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
            Self::Bearer(bearer, _) => bearer.asker.role(app, owner).word(),
            Self::Event(_) => "event",
        }
    }
}

/// Change it; `make` says what there is to do. What was `found` a moment ago need not be read again:
/// the store takes the change only if it is still so.
pub async fn change<T: Owned>(
    app: &Arc<App>,
    whose: Whose,
    found: Option<T::Found>,
    beside: T::Beside,
    until: Instant,
    make: impl Fn(&mut T, &T::Found) -> Result<Step, Problem> + Send + Sync + 'static,
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

/// Change what was found; nothing if somebody else has changed it meanwhile.
async fn attempt<T: Owned>(
    app: &Arc<App>,
    whose: &Arc<Whose>,
    mut found: T::Found,
    beside: &T::Beside,
    until: Instant,
    make: &(impl Fn(&mut T, &T::Found) -> Result<Step, Problem> + Send + Sync),
) -> Result<Option<T::Found>, Problem> {
    let before = T::of(&found).clone();
    let mut after = before.clone();
    let step = make(&mut after, &found)?;
    if !matches!(step, Step::Change) {
        // Whoever asks again may have lost the answer, and we the publication.
        T::publish(app, &found, until).await;
        return if let Step::MovedOn(problem) = step { Err(problem) } else { Ok(Some(found)) };
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

/// The store has the change: if it is a security event, it goes on record.
fn record<T: Owned>(app: &App, whose: &Whose, before: &T, after: &T) {
    if let Some(event) = T::on_record(before, after) {
        let by = whose.word(app, before.owner());
        app.security.note(event, About::change(after.id(), by));
    }
}

/// Puts a change on record once it is found to be what the store has.
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

/// The store did not say whether it made a change: look, hand over what is `found`, and tell everybody, for
/// nobody else will if it was made. What takes longer than `until` is done behind the client's back.
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

/// The problem of a change that the store has not answered.
fn no_answer() -> Problem {
    Problem::new(Trouble::ChangeUnknown, "the store did not answer in time")
}

/// The problem that the core's refusal of a change is.
pub fn refused(error: ChangeRefused) -> Problem {
    match error {
        ChangeRefused::Invalid(broken) => Problem::rules(broken),
        ChangeRefused::Status(_) => Problem::new(Trouble::WrongStatus, error.to_string()),
    }
}

/// When a request must be answered that begins with its change now.
pub fn until(app: &App) -> Instant {
    Instant::now() + app.config.api.deadline
}

/// Run to the end even if the client goes away in the middle.
pub async fn detached<T, F>(app: &Arc<App>, work: impl FnOnce(Arc<App>) -> F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    tokio::spawn(work(app.clone())).await.unwrap_or_else(|_| {
        Err(Problem::new(Trouble::ChangeUnknown, "the server stopped in the middle of it"))
    })
}

/// Tell the other nodes, but not beyond `until`. What does not get through they find out when they
/// compare themselves with the store.
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

/// Whoever shows a token, to do what takes this right.
#[derive(Clone)]
pub struct Bearer {
    asker: Asker,
    right: Right,
}

impl Bearer {
    /// This asker, or 401.
    pub fn of(asker: Asker) -> Result<Self, Problem> {
        asker.require_token()?;
        Ok(Self { asker, right: Right::Owner })
    }

    /// The same where the stage's token does, too.
    pub fn or_stage(self) -> Self {
        Self { right: Right::Stage, ..self }
    }

    /// Another token from the same place, such as a body's.
    pub fn with_token(&self, token: &str) -> Self {
        Self { asker: self.asker.with_token(token), ..self.clone() }
    }

    /// The poll this one may change, as the store has it.
    pub async fn poll(&self, app: &App, id: &str, until: Instant) -> Result<Standing, Problem> {
        Whose::Bearer(self.clone(), id.to_owned()).find::<Poll>(app, until).await
    }

    /// The event this one may change, as the store has it.
    pub async fn event(
        &self,
        app: &App,
        id: &str,
        until: Instant,
    ) -> Result<EventAndPolls, Problem> {
        Whose::Bearer(self.clone(), id.to_owned()).find::<Event>(app, until).await
    }
}
