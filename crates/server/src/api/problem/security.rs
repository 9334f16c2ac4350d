//! Security events: the refusals and changes that an operator wants on record. Each is a line of the
//! process's log at the target `pollux::security`, and is counted.
//!
//! Refusals are noted from the problem that is answered (by the front, or over a socket), and changes from
//! what the store was given (by the loop that makes changes). So no handler can forget them, and a client
//! that hangs up early is on record as well.
//!
//! A line holds nothing about a person: no token, voter, ballot, join code or text. It holds no address
//! either, not even a hashed one, because whoever has the key can try out all addresses.

use std::time::Duration;

use SecurityEvent::*;
use metrics::{Counter, counter};
use parking_lot::Mutex;
use pollux_core::event::Event;
use pollux_core::id::PollId;
use pollux_core::kind::Kind;
use pollux_core::poll::{Poll, PollStatus};
use tokio::time::Instant;
use tracing::field::display;
use uuid::Uuid;

use super::Trouble;

/// The target that tells these lines from all others.
const TARGET: &str = "pollux::security";

/// The most lines of one event in a [`WINDOW`]. Further ones are counted, and their number is logged after
/// the window. So nobody can fill the disk by being refused: all events together write some hundred megabytes
/// a day at most.
pub const LINES: u32 = 60;

/// The length of a window.
pub const WINDOW: Duration = Duration::from_secs(60);

/// A security event is a refusal, or a change that cannot be undone, that operators may want to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityEvent {
    /// A request lacked the token that it requires.
    TokenMissing,
    /// A token was neither the owner's, nor the stage's, nor the operator's.
    TokenWrong,
    /// A stage token was shown where the owner's is required.
    StageTokenRefused,
    /// A token that is not the operator's was shown where the operator's is required.
    OperatorTokenWrong,
    /// A page of another site asked for a WebSocket.
    OriginRefused,
    /// An address sent requests too often.
    LimitOfAddress,
    /// A voter voted too often.
    LimitOfVoter,
    /// An address guessed too many join codes.
    LimitOfGuesses,
    /// An address created too many polls and events.
    LimitOfCreations,
    /// An address holds too many connections.
    LimitOfConnections,
    /// A socket watches too many polls.
    LimitOfSubscriptions,
    /// The owner's token was replaced by another one.
    TokenReplaced,
    /// A poll was deleted.
    PollDeleted,
    /// An event was deleted.
    EventDeleted,
    /// A poll was reset, so that its votes no longer count.
    PollReset,
    /// Words of a poll were erased, so that nobody can read them any more.
    WordsErased,
}

/// The events with their stable names and the messages of their lines.
#[rustfmt::skip]
pub const EVENTS: [(SecurityEvent, &str, &str); 16] = [
    (TokenMissing,         "token_missing",          "a request without the token it requires"),
    (TokenWrong,           "token_wrong",            "a token that is not this poll's or event's"),
    (StageTokenRefused,    "stage_token_refused",    "a stage token where the owner's is required"),
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
    (WordsErased,          "words_erased",           "words of a poll were erased"),
];

impl SecurityEvent {
    /// Returns the stable name of the event.
    pub fn name(self) -> &'static str {
        EVENTS[self as usize].1
    }

    /// Returns the event for a refusal with this trouble, unless the problem says otherwise.
    pub fn of_trouble(trouble: Trouble) -> Option<Self> {
        match trouble {
            Trouble::NoToken => Some(TokenMissing),
            Trouble::WrongToken => Some(TokenWrong),
            Trouble::ForeignOrigin => Some(OriginRefused),
            Trouble::TooManyRequests => Some(LimitOfAddress),
            _ => None,
        }
    }

    /// Returns the event for a change of a poll.
    pub fn of_poll(before: &Poll, after: &Poll) -> Option<Self> {
        if after.status == PollStatus::Deleted {
            return (before.status != PollStatus::Deleted).then_some(PollDeleted);
        }
        if after.round != before.round {
            return Some(PollReset);
        }
        if erased(after) > erased(before) {
            return Some(WordsErased);
        }
        (after.owner != before.owner).then_some(TokenReplaced)
    }

    /// Returns the event for a change of an event.
    pub fn of_event(before: &Event, after: &Event) -> Option<Self> {
        if after.deleted_at.is_some() {
            return before.deleted_at.is_none().then_some(EventDeleted);
        }
        (after.owner != before.owner).then_some(TokenReplaced)
    }

    fn is_change(self) -> bool {
        matches!(self, TokenReplaced | PollDeleted | EventDeleted | PollReset | WordsErased)
    }
}

/// Returns how many words of a poll were erased.
fn erased(poll: &Poll) -> usize {
    match &poll.kind {
        Kind::Words(words) => words.moderation.erased.len(),
        _ => 0,
    }
}

/// `About` is what a line says besides the event.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The template of the route, as in the metrics.
    pub route: Option<&'a str>,
    /// The id of the poll or event.
    pub id: Option<Uuid>,
    /// The role of whoever made a change.
    pub by: Option<&'static str>,
}

impl<'a> About<'a> {
    /// Describes a request. Of its path only the template and the id of the poll or event are logged, because
    /// a join code opens something, and a ballot's id may identify its voter.
    pub fn request(template: Option<&'a str>, path: &str) -> Self {
        let plain = path.strip_prefix("/api").unwrap_or(path);
        let below = plain.strip_prefix("/polls/").or_else(|| plain.strip_prefix("/events/"));
        let id = below.and_then(|below| below.split('/').next()?.parse().ok());
        Self { route: template, id: id.map(|PollId(id)| id), by: None }
    }

    /// Describes a message over a WebSocket.
    pub fn message(poll: Option<&str>) -> Self {
        let id = poll.and_then(|poll| poll.parse().ok()).map(|PollId(id)| id);
        Self { route: Some("/ws"), id, by: None }
    }

    /// Describes a change that was made in a role.
    pub fn change(id: Uuid, by: &'static str) -> Self {
        Self { route: None, id: Some(id), by: Some(by) }
    }
}

/// `Security` counts the events, and the lines that were written of each.
pub struct Security([(Counter, Mutex<Window>); EVENTS.len()]);

/// A window counts the lines of one event in the present span of time.
#[derive(Default)]
struct Window {
    since: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl Window {
    /// Begins a new window, and returns how many lines were left out of the last one.
    fn turn(&mut self, now: Instant) -> u64 {
        std::mem::replace(self, Self { since: Some(now), ..Self::default() }).left_out
    }

    fn is_over(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now - since >= WINDOW)
    }
}

impl Default for Security {
    /// Begins with no events. The recorder of metrics must have been installed.
    fn default() -> Self {
        Self(EVENTS.map(|(_, name, _)| {
            (counter!("pollux_security_events_total", "event" => name), Mutex::default())
        }))
    }
}

impl Security {
    /// Counts an event, and writes its line unless the window has too many already.
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

    /// Logs how many lines were left out of windows that are over, or of all windows before the process ends.
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
        tracing::warn!(target: TARGET, event, left_out, "further lines were left out");
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
