//! The messages of a client over its WebSocket: subscribe, unsubscribe, auth, vote.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::ballot::Status;
use pollux_core::id::{EventId, PollId};
use pollux_core::right::Right;
use pollux_core::text::Text;
use serde::Serialize;
use serde::de::MapAccess;
use serde_json::Value;

use crate::api::http::json;
use crate::api::lookup::seen::granted;
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, ProblemDocument, Trouble};
use crate::api::serve::server::Slot;
use crate::api::vote::ballot::{Cast, Envelope, Sent};
use crate::api::vote::fate;
use crate::api::vote::receipt::{Receipt, Recorded};
use crate::api::vote::record::{is_stale, record};
use crate::api::{App, lookup};
use crate::watch::grants::Grant;
use crate::watch::handle::ViewerHandle;
use crate::watch::socket::Inbound;
use crate::watch::view;
use crate::watch::viewer::BrowserId;
use crate::watch::viewer::{Interest, SubscribeError, Watched};

/// The number of tokens that one socket may show.
const MOST_TOKENS: usize = 16;

/// The longest `ref`, in bytes of JSON.
const MAX_REF: usize = 128;

/// A talk is the conversation with one client.
pub struct Talk {
    app: Arc<App>,
    /// The voter. A client without a cookie has none until its first ballot names it.
    voter: Mutex<Option<BrowserId>>,
    from: IpAddr,
    known: Mutex<Known>,
    /// The event that the client follows.
    event: Option<EventId>,
    // The connection counts towards the limit for as long as its socket lives.
    _slot: Option<Slot>,
}

/// `Known` holds the polls and tokens that the client has named so far, so that a token opens its poll whichever
/// of the two comes first.
#[derive(Default)]
struct Known {
    polls: Vec<PollId>,
    tokens: Vec<Vec<u8>>,
}

/// `Said` is what a message of the client says beside the ballot, if it holds one.
#[derive(Default)]
struct Said<'a> {
    kind: Option<Text<'a>>,
    poll: Option<Text<'a>>,
    token: Option<Text<'a>>,
    reference: Option<Value>,
}

impl<'a> Envelope<'a> for Said<'a> {
    const MEMBERS: &'static [&'static str] = &["type", "poll", "token", "ref"];

    fn member<M: MapAccess<'a>>(
        &mut self,
        name: &str,
        map: &mut M,
    ) -> Result<Option<usize>, M::Error> {
        let place = Self::MEMBERS.iter().position(|known| *known == name);
        match place {
            Some(0) => self.kind = Some(map.next_value()?),
            Some(1) => self.poll = map.next_value()?,
            Some(2) => self.token = map.next_value()?,
            Some(_) => self.reference = map.next_value()?,
            None => {}
        }
        Ok(place)
    }
}

/// A `VoteReply` answers a vote.
#[derive(Serialize)]
struct VoteReply<'a> {
    r#type: &'static str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: &'a Option<Value>,
    receipt: Receipt,
}

/// An `ErrorReply` says what went wrong.
#[derive(Serialize)]
struct ErrorReply<'a> {
    r#type: &'static str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: &'a Option<Value>,
    problem: ProblemDocument,
}

#[async_trait]
impl Inbound for Talk {
    async fn message(&self, viewer: &ViewerHandle, text: &str) {
        let admitted = self.app.limits.request(self.from);
        let Sent { cast, envelope: said } = match serde_json::from_str::<Sent<'_, Said<'_>>>(text) {
            Ok(sent) => sent,
            Err(error) => {
                let problem = match text.trim_start().starts_with('{') {
                    true => json::not_json(&error),
                    false => json::no_object(text.as_bytes()),
                };
                return complain(viewer, &None, &problem);
            }
        };
        let Some(Text(kind)) = &said.kind else {
            return complain(viewer, &None, &Problem::rule("", "missing field `type`"));
        };
        let reference = match said.reference {
            Some(ref value) if value.to_string().len() > MAX_REF => {
                let bytes = value.to_string().len();
                let detail = format!("must be at most {MAX_REF} bytes; it has {bytes}");
                return complain(viewer, &None, &Problem::rule("/ref", detail));
            }
            ref reference => reference.clone(),
        };
        let poll = said.poll.clone();
        let outcome = match &**kind {
            _ if admitted.is_err() => admitted,
            "subscribe" => self.subscribe(viewer, &said).await,
            "unsubscribe" => self.unsubscribe(viewer, &said).await,
            "auth" => self.auth(viewer, &said).await,
            "vote" => self.vote(viewer, &said, cast).await,
            _ => Err(Problem::rule("/type", "must be one of subscribe, unsubscribe, auth, vote")),
        };
        if let Err(problem) = outcome {
            if let Some(event) = problem.event() {
                let about = About::message(poll.as_ref().map(|Text(poll)| &**poll));
                self.app.security.note(event, about);
            }
            complain(viewer, &reference, &problem);
        }
    }
}

fn complain(viewer: &ViewerHandle, reference: &Option<Value>, problem: &Problem) {
    send(viewer, &ErrorReply { r#type: "error", reference, problem: problem.document() });
}

fn send<T: Serialize>(viewer: &ViewerHandle, reply: &T) {
    viewer.reply(&serde_json::to_vec(reply).expect("replies are plain data"));
}

impl Talk {
    /// Begins the conversation with a client whose request asked for this.
    pub fn new(
        app: Arc<App>,
        voter: Option<BrowserId>,
        from: IpAddr,
        interest: &Interest,
        slot: Option<Slot>,
    ) -> Self {
        let known = Known { polls: interest.polls.clone(), tokens: Vec::new() };
        let event = match interest.event {
            Some(Watched::Event(id)) => Some(id),
            _ => None,
        };
        let voter = Mutex::new(voter);
        Self { app, voter, from, known: Mutex::new(known), event, _slot: slot }
    }

    async fn subscribe(&self, viewer: &ViewerHandle, said: &Said<'_>) -> Result<(), Problem> {
        let app = &*self.app;
        let standing = lookup::standing(app, named(said)?, self.from, None).await?;
        let poll = &standing.poll;
        let proof = {
            let mut known = self.known.lock();
            if !known.polls.contains(&poll.id) && known.polls.len() < app.config.watch.subscriptions
            {
                known.polls.push(poll.id);
            }
            let mut proofs =
                known.tokens.iter().filter_map(|token| app.keys.proof(token, &poll.owner));
            proofs.find(|proof| proof.gives(Right::Owner, &poll.owner))
        };
        let voter = *self.voter.lock();
        let grant = match proof {
            Some(proof) => Some(Grant::Runs(proof)),
            None => granted(app, poll, voter).await?,
        };
        if let Some(grant) = grant {
            viewer.grant(poll.id, grant);
        }
        match viewer.subscribe(poll.id) {
            Err(SubscribeError::Unknown) => {
                // The poll was dropped from memory in between, so it is put back, once.
                app.hub.merge(standing.clone());
                viewer.subscribe(poll.id)
            }
            outcome => outcome,
        }
        .map_err(|error| match error {
            SubscribeError::TooMany => Problem::new(Trouble::TooManyRequests, error.to_string())
                .noted_as(SecurityEvent::LimitOfSubscriptions),
            SubscribeError::Unknown => Problem::no_such_poll(),
        })
    }

    async fn unsubscribe(&self, viewer: &ViewerHandle, said: &Said<'_>) -> Result<(), Problem> {
        let text = named(said)?;
        let id = match text.parse() {
            Ok(id) => id,
            Err(_) => lookup::poll(&self.app, text, self.from).await?.id,
        };
        self.known.lock().polls.retain(|poll| *poll != id);
        viewer.unsubscribe(id);
        Ok(())
    }

    /// Notes a token, which opens those of the client's polls to which it belongs, now and later.
    async fn auth(&self, viewer: &ViewerHandle, said: &Said<'_>) -> Result<(), Problem> {
        let Some(Text(token)) = &said.token else {
            return Err(Problem::rule("/token", "is required"));
        };
        let polls = match &said.poll {
            Some(Text(text)) => vec![lookup::poll(&self.app, text, self.from).await?],
            None => {
                let ids = self.known.lock().polls.clone();
                ids.into_iter().filter_map(|id| self.app.hub.poll(id)).collect()
            }
        };
        let keys = &self.app.keys;
        let mut opened = false;
        let event = self.event.filter(|_| said.poll.is_none());
        if let Some(agenda) = event.and_then(|id| self.app.hub.agenda(id))
            && let Some(proof) = keys.proof(token.as_bytes(), &agenda.event.owner)
        {
            viewer.promote(proof);
            opened = true;
        }
        for poll in &polls {
            // A stage token counts as well, although a stage is shown only what the public is shown.
            if let Some(proof) = keys.proof(token.as_bytes(), &poll.owner) {
                viewer.grant(poll.id, Grant::Runs(proof));
                opened = true;
            }
        }
        if !opened && (!polls.is_empty() || event.is_some()) {
            let detail = "this is not the token of anything watched here";
            return Err(Problem::new(Trouble::WrongToken, detail));
        }
        let mut known = self.known.lock();
        let token = token.as_bytes().to_vec();
        if !known.tokens.contains(&token) {
            if known.tokens.len() >= MOST_TOKENS {
                known.tokens.remove(0);
            }
            known.tokens.push(token);
        }
        Ok(())
    }

    /// Returns the voter of the rest of the conversation, once a first ballot is on the log or may be.
    fn named_by(
        &self,
        signed: Option<&Text<'_>>,
        outcome: &Result<Recorded, Problem>,
    ) -> Option<BrowserId> {
        let now = self.app.ambient.now();
        match (outcome, signed) {
            (Err(problem), _) if problem.trouble() != Trouble::OutcomeUnknown => None,
            (_, Some(Text(signed))) => self.app.keys.voter_of(signed).ok(),
            (Ok(recorded), None) => recorded.newcomer,
            (Err(problem), None) => {
                let ballot = problem.ballot().filter(|ballot| !is_stale(*ballot, now));
                ballot.map(|ballot| *ballot.0.as_bytes())
            }
        }
    }

    async fn vote(
        &self,
        viewer: &ViewerHandle,
        said: &Said<'_>,
        cast: Cast<'_>,
    ) -> Result<(), Problem> {
        let app = &self.app;
        let poll = lookup::poll(app, named(said)?, self.from).await?;
        let reference = said.reference.clone();
        let voter = *self.voter.lock();
        let outcome = record(app, poll, &cast, voter, app.config.api.vote_deadline).await;
        app.metrics.vote(outcome.as_ref().err().map(Problem::trouble));
        if voter.is_none() {
            *self.voter.lock() = self.named_by(cast.voter.as_ref(), &outcome);
        }
        let recorded = outcome?;
        if recorded.decided.is_none() && view::shows_after_vote(&recorded.poll) {
            viewer.grant(recorded.poll.id, Grant::Voted);
        }
        let receipt = recorded.receipt(recorded.decided);
        send(viewer, &VoteReply { r#type: event(receipt.status), reference: &reference, receipt });
        if recorded.decided.is_some() {
            return Ok(());
        }
        // The decision takes its time, and the client's next message need not wait for it.
        let (app, viewer) = (app.clone(), viewer.clone());
        tokio::spawn(async move {
            if let Some(decided) = fate::decision(&app, &recorded).await {
                let receipt = recorded.receipt(Some(decided));
                let r#type = event(receipt.status);
                send(&viewer, &VoteReply { r#type, reference: &reference, receipt });
            }
        });
        Ok(())
    }
}

fn named<'a>(said: &'a Said<'_>) -> Result<&'a str, Problem> {
    match &said.poll {
        Some(Text(poll)) => Ok(poll),
        None => Err(Problem::rule("/poll", "is required: a poll's id or join code")),
    }
}

/// Returns the name of the message about a vote. A vote that lost to a newer one of the same voter is told in
/// the same way as one that was replaced; the receipt's status says which of the two it is.
fn event(status: Status) -> &'static str {
    match status {
        Status::Recorded => "vote.recorded",
        Status::Counted => "vote.counted",
        Status::Replaced | Status::Superseded => "vote.replaced",
        Status::Refused => "vote.refused",
        Status::Late => "vote.late",
    }
}
