//! Security events: refusals and changes that whoever looks after the server wants on record. Each is a
//! line of the process's log at the target `pollux::security`, and is counted.
//!
//! Refusals follow from the problem that is answered (by the front, or over a socket), changes from what
//! the store was given (by the loop that changes things): so no handler can forget them, and who hangs up
//! early is on record as well.
//!
//! Nothing of a person is in a line: no token, voter, ballot, join code or text, and no address, not
//! even hashed, for whoever has the key can try out all there are.

use std::time::Duration;

use SecurityEvent::*;
use metrics::{Counter, counter};
use parking_lot::Mutex;
use pollux_core::event::Event;
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use tokio::time::Instant;
use tracing::field::display;
use uuid::Uuid;

use super::Trouble;

/// What the lines are told apart by from all others.
const TARGET: &str = "pollux::security";

/// Lines of one event in a [`WINDOW`]; further ones are counted, and their number told after it. So
/// nobody fills the disk by being refused: all events together have some hundred megabytes a day.
pub const LINES: u32 = 60;

/// How long a window is.
pub const WINDOW: Duration = Duration::from_secs(60);

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityEvent {
    /// Something was asked for that takes a token, without one.
    TokenMissing,
    /// A token that is neither the owner's, nor the stage's, nor the operator's.
    TokenWrong,
    /// The stage's token, where only the owner's does.
    StageTokenRefused,
    /// A token that is not the operator's, where only that one does.
    OperatorTokenWrong,
    /// A page of another site wanted a WebSocket.
    OriginRefused,
    /// An address asked too often.
    LimitOfAddress,
    /// A voter voted too often.
    LimitOfVoter,
    /// An address guessed too many join codes.
    LimitOfGuesses,
    /// An address made too many polls and events.
    LimitOfCreations,
    /// An address holds too many connections.
    LimitOfConnections,
    /// A socket watches too many polls.
    LimitOfSubscriptions,
    /// The owner's token is another one from now on.
    TokenReplaced,
    /// A poll is gone.
    PollDeleted,
    /// An event is gone.
    EventDeleted,
    /// A poll's votes no longer count.
    PollReset,
}

/// The events with their stable names and what the line says of them.
#[rustfmt::skip]
pub const EVENTS: [(SecurityEvent, &str, &str); 15] = [
    (TokenMissing,         "token_missing",          "a request without the token that it takes"),
    (TokenWrong,           "token_wrong",            "a token that is not this poll's or event's"),
    (StageTokenRefused,    "stage_token_refused",    "a stage's token, where only the owner's does"),
    (OperatorTokenWrong,   "operator_token_wrong",   "a token that is not the operator's"),
    (OriginRefused,        "origin_refused",         "a WebSocket from a page of another site"),
    (LimitOfAddress,       "limit_of_address",       "too many requests of one address"),
    (LimitOfVoter,         "limit_of_voter",         "too many votes of one voter"),
    (LimitOfGuesses,       "limit_of_guesses",       "too many unknown join codes of one address"),
    (LimitOfCreations,     "limit_of_creations",     "too many new polls and events of one address"),
    (LimitOfConnections,   "limit_of_connections",   "too many connections of one address"),
    (LimitOfSubscriptions, "limit_of_subscriptions", "too many polls watched over one socket"),
    (TokenReplaced,        "token_replaced",         "the owner's token was replaced"),
    (PollDeleted,          "poll_deleted",           "a poll was deleted"),
    (EventDeleted,         "event_deleted",          "an event was deleted"),
    (PollReset,            "poll_reset",             "a poll was reset"),
];

impl SecurityEvent {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        EVENTS[self as usize].1
    }

    /// What a refusal with this trouble is, unless the case at hand knows better.
    pub fn of_trouble(trouble: Trouble) -> Option<Self> {
        match trouble {
            Trouble::NoToken => Some(TokenMissing),
            Trouble::WrongToken => Some(TokenWrong),
            Trouble::ForeignOrigin => Some(OriginRefused),
            Trouble::TooManyRequests => Some(LimitOfAddress),
            _ => None,
        }
    }

    /// What a change of a poll is.
    pub fn of_poll(before: &Poll, after: &Poll) -> Option<Self> {
        if after.status == PollStatus::Deleted {
            return (before.status != PollStatus::Deleted).then_some(PollDeleted);
        }
        if after.round != before.round {
            return Some(PollReset);
        }
        (after.owner != before.owner).then_some(TokenReplaced)
    }

    /// What a change of an event is.
    pub fn of_event(before: &Event, after: &Event) -> Option<Self> {
        if after.deleted_at.is_some() {
            return before.deleted_at.is_none().then_some(EventDeleted);
        }
        (after.owner != before.owner).then_some(TokenReplaced)
    }

    fn is_change(self) -> bool {
        matches!(self, TokenReplaced | PollDeleted | EventDeleted | PollReset)
    }
}

/// What a line says besides the event.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The template of the route, as it is counted.
    pub route: Option<&'a str>,
    /// The poll or event.
    pub id: Option<Uuid>,
    /// Whose token it was.
    pub by: Option<&'static str>,
}

impl<'a> About<'a> {
    /// A request. Of its path no more is told than its template and the id of the poll or event: a join code
    /// opens something, and a ballot's id may be its voter's name.
    pub fn request(template: Option<&'a str>, path: &str) -> Self {
        let plain = path.strip_prefix("/api").unwrap_or(path);
        let below = plain.strip_prefix("/polls/").or_else(|| plain.strip_prefix("/events/"));
        let id = below.and_then(|below| below.split('/').next()?.parse().ok());
        Self { route: template, id: id.map(|PollId(id)| id), by: None }
    }

    /// A message over a WebSocket.
    pub fn message(poll: Option<&str>) -> Self {
        let id = poll.and_then(|poll| poll.parse().ok()).map(|PollId(id)| id);
        Self { route: Some("/ws"), id, by: None }
    }

    /// A change with somebody's token.
    pub fn change(id: Uuid, by: &'static str) -> Self {
        Self { route: None, id: Some(id), by: Some(by) }
    }
}

/// What keeps count.
pub struct Security([(Counter, Mutex<Window>); EVENTS.len()]);

/// The lines of one event.
#[derive(Default)]
struct Window {
    since: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl Window {
    /// Begin a new one; how many lines were left out of the one before.
    fn turn(&mut self, now: Instant) -> u64 {
        std::mem::replace(self, Self { since: Some(now), ..Self::default() }).left_out
    }

    fn is_over(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now - since >= WINDOW)
    }
}

impl Default for Security {
    /// Nothing has happened yet. The recorder of metrics is in place.
    fn default() -> Self {
        Self(EVENTS.map(|(_, name, _)| {
            (counter!("pollux_security_events_total", "event" => name), Mutex::default())
        }))
    }
}

impl Security {
    /// It happened.
    pub fn note(&self, event: SecurityEvent, about: About<'_>) {
        let (counter, window) = &self.0[event as usize];
        counter.increment(1);
        let now = Instant::now();
        let (left_out, writes) = {
            let mut window = window.lock();
            let left_out = if window.is_over(now) { window.turn(now) } else { 0 };
            let writes = window.written < LINES;
            match writes {
                true => window.written += 1,
                false => window.left_out += 1,
            }
            (left_out, writes)
        };
        tell_left_out(event, left_out);
        if writes {
            write(event, about);
        }
    }

    /// Tell what was left out of windows that are over; or of all, before the process ends.
    pub fn flush(&self, ends: bool) {
        let now = Instant::now();
        for ((event, ..), (_, window)) in EVENTS.iter().zip(&self.0) {
            let left_out = {
                let mut window = window.lock();
                if ends || window.is_over(now) { window.turn(now) } else { 0 }
            };
            tell_left_out(*event, left_out);
        }
    }
}

fn write(event: SecurityEvent, About { route, id, by }: About<'_>) {
    let (_, event_name, what) = EVENTS[event as usize];
    let id = id.map(display);
    match event.is_change() {
        true => tracing::info!(target: TARGET, event = event_name, route, id, by, "{what}"),
        false => tracing::warn!(target: TARGET, event = event_name, route, id, by, "{what}"),
    }
}

fn tell_left_out(event: SecurityEvent, left_out: u64) {
    if left_out > 0 {
        let event = event.name();
        tracing::warn!(target: TARGET, event, left_out, "as many more lines were left out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_are_unique() {
        let mut names = std::collections::BTreeSet::new();
        for (i, (event, name, _)) in EVENTS.iter().enumerate() {
            assert_eq!(*event as usize, i, "{name}");
            assert!(names.insert(name), "{name} is there twice");
        }
    }

    #[test]
    fn of_a_path_only_the_id_of_its_poll_or_event_is_told() {
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        const BALLOT: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
        for path in
            ["/polls/ID", "/api/polls/ID/reset", "/api/events/ID", "/polls/ID/ballots/BALLOT"]
        {
            let path = path.replace("ID", ID).replace("BALLOT", BALLOT);
            let told = About::request(None, &path).id.map(|id| id.to_string());
            assert_eq!(told.as_deref(), Some(ID), "{path}");
        }
        for path in ["/polls/482913/ballots/BALLOT", "/BALLOT", "/polls/", "/polls/BALLOT%20", ""] {
            let path = path.replace("BALLOT", BALLOT);
            assert_eq!(About::request(None, &path).id, None, "{path}");
        }
    }
}
