//! The holder watches with a token, and goes on watching after another token has replaced it. It shows the old
//! token again, unsubscribes and subscribes again, follows an event with nothing on stage, and comes back after
//! a crash. At last it shows the new token. What it is sent is judged in `screen.rs`.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use pollux_server::api::live::socket::Talk;
use pollux_server::watch::socket::Inbound;
use pollux_server::watch::stream::{EventStream, event_stream};
use pollux_server::watch::viewer::{Interest, Watched};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use crate::rights::{KnownTokens, Proof, Server};
use crate::screen::Screen;
use crate::stage::EventPlan;
use crate::tokens::Tokens;
use crate::world::{PollPlan, World};

/// Watches one node after another until `until`, with tokens old and new.
pub async fn watch(
    world: &World,
    event: Option<&EventPlan>,
    polls: &[PollPlan],
    until: Instant,
    mut dice: StdRng,
) {
    let mut known = KnownTokens::new();
    while Instant::now() < until {
        let leave =
            (Instant::now() + Duration::from_millis(dice.random_range(1_000..9_000))).min(until);
        let node = dice.random_range(0..world.nodes());
        let tokens = polls[dice.random_range(0..polls.len())].tokens.clone();
        // As a viewer's connection does, this request loads the poll or event into memory.
        let read = world.ask(node, "GET", &tokens.path, None, None, None).await;
        let read = read.filter(|answer| answer.status == 200);
        let (Some(_), Some((app, since))) = (read, world.running(node)) else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let server = Server { app, since, known: &mut known };
        let mut connection = connect(server, event, polls, &mut dice);
        connection.live(world, node, &tokens, leave, &mut dice).await;
        let Screen { shown, withheld, .. } = connection.screen;
        world.shown.set(world.shown.get() + shown);
        world.withheld.set(world.withheld.get() + withheld);
    }
}

/// A `Connection` has the two directions of a socket, without the socket.
struct Connection<'a> {
    stream: EventStream,
    talk: Talk,
    screen: Screen<'a>,
}

fn connect<'a>(
    mut server: Server<'a>,
    event: Option<&'a EventPlan>,
    polls: &'a [PollPlan],
    dice: &mut StdRng,
) -> Connection<'a> {
    let event = event.filter(|_| dice.random_bool(0.7));
    let everything = event.is_none() && dice.random_bool(0.25);
    let mut interest = Interest { everything, ..Interest::default() };
    interest.event = event.map(|event| Watched::Event(event.id.parse().unwrap()));
    let rarely = if everything || event.is_some() { 0.2 } else { 0.7 };
    let named = polls.iter().filter(|plan| {
        // A connection cannot subscribe to a poll that the node does not know.
        dice.random_bool(rarely) && server.poll(plan).is_some()
    });
    let named: Vec<_> = named.map(|plan| plan.id.clone()).collect();
    interest.polls = named.iter().map(|id| id.parse().unwrap()).collect();
    let app = server.app.clone();
    let talk = Talk::new(app.clone(), None, Ipv4Addr::LOCALHOST.into(), &interest, None);
    let stream = event_stream(&app.hub, interest, None);
    let named = named.into_iter().collect();
    Connection { stream, talk, screen: Screen::new(server, polls, event, everything, named) }
}

impl Connection<'_> {
    /// Acts and looks at what is sent, until it is time to leave.
    async fn live(
        &mut self,
        world: &World,
        node: usize,
        tokens: &Tokens,
        leave: Instant,
        dice: &mut StdRng,
    ) {
        self.look(Instant::now()).await;
        self.show(tokens, dice).await;
        while Instant::now() < leave {
            let pause = Instant::now() + Duration::from_millis(dice.random_range(20..1_500));
            self.look(pause.min(leave)).await;
            let app = &self.screen.server.app;
            if world.running(node).is_some_and(|(alive, _)| Arc::ptr_eq(&alive, app)) {
                self.screen.rests();
            }
            self.act(tokens, dice).await;
        }
    }

    /// Unsubscribes, subscribes, or shows a token.
    async fn act(&mut self, tokens: &Tokens, dice: &mut StdRng) {
        let poll = dice.random_range(0..self.screen.polls.len());
        let id = self.screen.polls[poll].id.clone();
        match dice.random_range(0..8) {
            0..3 => {
                self.screen.unsubscribes(&id);
                self.say(json!({"type": "unsubscribe", "poll": id, "ref": id})).await;
            }
            3..6 => {
                self.screen.subscribes(&id);
                self.say(json!({"type": "subscribe", "poll": id, "ref": id})).await;
            }
            6 => self.show(tokens, dice).await,
            _ => {}
        }
    }

    /// Shows one of the tokens that there ever were, or the operator's.
    async fn show(&mut self, tokens: &Tokens, dice: &mut StdRng) {
        let newest = tokens.len() - 1;
        let issue = tokens.get(if dice.random() { newest } else { dice.random_range(0..=newest) });
        let proof = match dice.random_range(0..10) {
            0 => Proof::Operator,
            1..5 if issue.stage.is_some() => Proof::Stage(issue.hash),
            _ => Proof::Owner(issue.hash),
        };
        self.screen.shows(proof);
        self.say(json!({"type": "auth", "token": proof.token(&issue), "ref": "auth"})).await;
    }

    async fn say(&self, what: Value) {
        self.talk.message(self.stream.viewer(), &what.to_string()).await;
    }

    /// Takes what the node sends until then.
    async fn look(&mut self, until: Instant) {
        while let Ok(Some(json)) = timeout_at(until, self.stream.next_json()).await {
            self.screen.sees(&serde_json::from_slice(&json).unwrap());
        }
    }
}
