//! The screen judges what one connection is sent: whether the tokens that it has shown allow that, and
//! whether anything is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::rights::{Proof, Server, are_everybodys};
use crate::stage::EventPlan;
use crate::viewer;
use crate::world::PollPlan;

/// Within this time a viewer is sent what it may see, and is no longer shown what it may not.
const SOON: Duration = Duration::from_secs(1);

/// `Screen` judges one connection.
pub struct Screen<'a> {
    pub server: Server<'a>,
    pub polls: &'a [PollPlan],
    /// The event that the connection follows, if it follows one.
    pub event: Option<&'a EventPlan>,
    /// The flag of a connection that watches everything: it is told of a poll at everybody's pace.
    pub everything: bool,
    /// The polls that the connection has subscribed to.
    pub named: BTreeSet<String>,
    /// The proofs that the connection has shown, valid or not.
    proofs: Vec<Proof>,
    /// The polls in which the connection was granted something for as long as its proof holds.
    granted: BTreeMap<String, Proof>,
    /// The proof by which the connection runs the event.
    runs: Option<Proof>,
    /// The flag of a connection whose last token was refused, and that has yet to be told.
    refused: bool,
    /// The last state sent of each poll that the connection is subscribed to, and of the event.
    views: BTreeMap<String, Value>,
    agenda: Value,
    /// The polls that the connection asked for anew, or that came on stage anew: of these it may be sent the
    /// same again.
    asked: BTreeSet<String>,
    /// The moment at which the connection was first seen to have been sent too much, or too little, by poll.
    wrong: BTreeMap<String, Instant>,
    /// The messages that showed the connection what only few may see.
    pub shown: u64,
    /// The messages that did not, because none of its tokens is valid any more.
    pub withheld: u64,
}

impl<'a> Screen<'a> {
    /// Creates the screen of a connection that has just been opened.
    pub fn new(
        server: Server<'a>,
        polls: &'a [PollPlan],
        event: Option<&'a EventPlan>,
        everything: bool,
        named: BTreeSet<String>,
    ) -> Self {
        Self {
            server,
            polls,
            event,
            everything,
            named,
            proofs: Vec::new(),
            granted: BTreeMap::new(),
            runs: None,
            refused: false,
            views: BTreeMap::new(),
            agenda: Value::Null,
            asked: BTreeSet::new(),
            wrong: BTreeMap::new(),
            shown: 0,
            withheld: 0,
        }
    }

    // ---- what the connection sends ----

    /// Notes a token just before it is shown on the socket, which decides at once what the token opens.
    pub fn shows(&mut self, proof: Proof) {
        self.proofs.push(proof);
        let mut opened = false;
        let event = self.event.and_then(|event| self.server.owner_of(event));
        let runs = event.is_none_or(|owner| proof.runs(owner));
        if let Some(owner) = event.filter(|owner| proof.runs(*owner)) {
            opened = true;
            if !self.runs.is_some_and(|known| known.owns(owner)) || proof.owns(owner) {
                self.runs = Some(proof);
            }
            self.asked.extend(["event".to_owned()].into_iter().chain(self.current()));
        }
        for plan in self.polls.iter().filter(|plan| self.named.contains(&plan.id)) {
            let Some(poll) = self.server.poll(plan) else { continue };
            if proof.runs(poll.owner) {
                opened = true;
                self.asked.insert(plan.id.clone());
            }
            if runs && proof.owns(poll.owner) {
                self.granted.insert(plan.id.clone(), proof);
            }
        }
        self.refused = !opened && (event.is_some() || !self.named.is_empty());
    }

    /// Notes that the connection subscribes to a poll.
    pub fn subscribes(&mut self, id: &str) {
        self.named.insert(id.to_owned());
        self.asked.insert(id.to_owned());
    }

    /// Notes that the connection unsubscribes from a poll.
    pub fn unsubscribes(&mut self, id: &str) {
        self.named.remove(id);
        self.views.remove(id);
        self.wrong.remove(id);
    }

    // ---- what the connection is sent ----

    /// Judges a message at the moment when it is taken from the node.
    pub fn sees(&mut self, message: &Value) {
        if message["type"] == "error" {
            match message["ref"].as_str() {
                Some("auth") => assert!(std::mem::take(&mut self.refused), "{message}"),
                Some(id) => self.unsubscribes(id),
                None => panic!("{message}"),
            }
        }
        if let Some(event) = message.get("event") {
            self.sees_event(event);
        }
        for view in viewer::views(message) {
            self.sees_poll(view);
        }
    }

    fn sees_event(&mut self, view: &Value) {
        let event = self.event.expect("nobody else is sent one");
        let owner = self.server.owner_of(event).expect("it is shown");
        let drafts = drafts(view);
        let may = self.proofs.iter().any(|proof| proof.runs(owner));
        assert!(drafts.is_empty() || may, "revoked, and was sent {view}");
        let asked = self.asked.remove("event");
        assert!(asked || *view != self.agenda, "no news, and yet sent: {view}");
        self.count(!drafts.is_empty(), may);
        self.agenda = view.clone();
        let current = self.current();
        self.views.retain(|id, _| self.named.contains(id) || current.as_ref() == Some(id));
        self.asked.extend(current);
    }

    fn sees_poll(&mut self, view: &Value) {
        let numbers = viewer::shows_numbers(view);
        let id = view["id"].as_str().unwrap();
        let plan = self.polls.iter().find(|plan| plan.id == id).unwrap();
        let poll = self.server.poll(plan).expect("it is shown");
        let may = self.proofs.iter().any(|proof| proof.owns(poll.owner));
        assert!(!numbers || may || are_everybodys(&poll), "revoked, and was sent {view}");
        self.count(numbers && !are_everybodys(&poll), may);
        if self.everything {
            return;
        }
        let asked = self.asked.remove(id);
        if let Some(before) = self.views.insert(id.to_owned(), view.clone()) {
            let version = |view: &Value| view["version"].as_u64().unwrap();
            assert!(version(view) >= version(&before), "{view} was sent after {before}");
            // Votes that the viewer may not see must not show in the pace, either.
            assert!(asked || *view != before, "no news, and yet sent: {view}");
        }
    }

    fn count(&mut self, shown: bool, may: bool) {
        self.shown += u64::from(shown);
        self.withheld += u64::from(!shown && !may);
    }

    /// Asserts that the last state sent is what the viewer may see, no more and no less, or soon becomes that.
    /// It is called when a node that is alive has nothing more to send.
    pub fn rests(&mut self) {
        assert!(!self.refused, "the token is no more, and the viewer was not told");
        let current = self.current();
        let mut wrong = BTreeSet::new();
        for plan in self.polls {
            let Some(poll) = self.server.poll(plan) else { continue };
            let Some(view) = self.views.get(&plan.id) else { continue };
            let followed = current.as_deref().filter(|id| **id == plan.id).and(self.runs);
            let grants = [followed, self.granted.get(&plan.id).copied()];
            let must = grants.into_iter().flatten().any(|proof| proof.owns(poll.owner));
            let may = self.proofs.iter().any(|proof| proof.owns(poll.owner));
            let numbers = viewer::shows_numbers(view);
            let everybodys = are_everybodys(&poll);
            if numbers && !may && !everybodys || !numbers && (must || everybodys) {
                wrong.insert(plan.id.clone());
            }
        }
        if self.event.is_some_and(|event| self.is_wrong_about(event)) {
            wrong.insert("event".into());
        }
        self.wrong.retain(|what, _| wrong.contains(what));
        for what in wrong {
            let since = *self.wrong.entry(what.clone()).or_insert_with(Instant::now);
            let sent = self.views.get(&what).unwrap_or(&self.agenda);
            assert!(since.elapsed() < SOON, "{:?} is left with {sent}", self.proofs);
        }
    }

    fn is_wrong_about(&mut self, event: &EventPlan) -> bool {
        let Some(owner) = self.server.owner_of(event) else { return false };
        let must = self.runs.is_some_and(|proof| proof.runs(owner));
        let may = self.proofs.iter().any(|proof| proof.runs(owner));
        let shown = drafts(&self.agenda).len();
        let there = event.drafts_at(&self.server.app);
        shown > 0 && !may || shown < there && must
    }

    /// Returns the poll on stage, as it was sent.
    fn current(&self) -> Option<String> {
        self.agenda["current"].as_str().map(str::to_owned)
    }
}

/// Returns the drafts that an event's list shows.
fn drafts(view: &Value) -> Vec<&Value> {
    let polls = view["polls"].as_array().into_iter().flatten();
    polls.filter(|poll| poll["status"] == "draft").collect()
}
