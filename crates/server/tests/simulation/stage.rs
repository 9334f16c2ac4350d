//! An event surrounds all polls of a run: one task steps through it, another follows it, and in the end every
//! node shows what the store has.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use pollux_core::poll::PollStatus;
use pollux_server::api::App;
use pollux_server::watch::stream::event_stream;
use pollux_server::watch::viewer::{Interest, Watched};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use crate::tokens::Tokens;
use crate::world::{PollPlan, World};

/// Returns whether a seed's polls are those of an event.
pub fn has_one(seed: u64) -> bool {
    seed % 3 == 2
}

/// `EventPlan` is an event as its organiser knows it.
pub struct EventPlan {
    pub id: String,
    /// The tokens of the event, and of its polls.
    pub tokens: Rc<Tokens>,
}

impl EventPlan {
    /// Returns how many drafts of the event a node knows.
    pub fn drafts_at(&self, app: &App) -> usize {
        let agenda = app.hub.agenda(self.id.parse().unwrap());
        let polls = agenda.iter().flat_map(|agenda| agenda.polls());
        polls.filter(|item| item.poll.status == PollStatus::Draft).count()
    }
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("{name}: {json}")).to_owned()
}

/// Repeats a request until it succeeds, whatever it takes.
async fn repeat_until_done(
    world: &World,
    dice: &mut StdRng,
    path: &str,
    body: &Value,
    header: (&str, &str),
) -> Value {
    loop {
        let node = dice.random_range(0..world.nodes());
        match world.ask(node, "POST", path, Some(body), None, Some(header)).await {
            Some(answer) if answer.status == 201 => return answer.body,
            Some(answer) if answer.status < 500 => panic!("{path}: {answer:?}"),
            _ => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Makes an event and takes the polls in: they answer to its owner from now on.
pub async fn gather(world: &World, polls: &mut [PollPlan], dice: &mut StdRng) -> EventPlan {
    let key = ("idempotency-key", "the-organisers-event");
    let made = repeat_until_done(world, dice, "/api/events", &json!({"title": "Event"}), key).await;
    let id = text(&made, "id");
    let tokens = Rc::new(Tokens::new(format!("/api/events/{id}"), &made));
    let bearer = format!("Bearer {}", tokens.newest().owner);
    for poll in polls {
        let take = json!({"pollId": poll.id, "pollToken": poll.tokens.newest().owner});
        let path = format!("{}/polls", tokens.path);
        let taken = repeat_until_done(world, dice, &path, &take, ("authorization", &bearer)).await;
        assert_eq!((&taken["eventId"], &taken["code"]), (&json!(id), &made["code"]));
        poll.tokens = tokens.clone();
    }
    EventPlan { id, tokens }
}

/// Steps from poll to poll until `until`; each step may or may not work.
pub async fn step(
    world: &World,
    event: &EventPlan,
    polls: &[PollPlan],
    until: Instant,
    mut dice: StdRng,
) {
    let path = format!("{}/show", event.tokens.path);
    while Instant::now() < until {
        sleep(Duration::from_millis(dice.random_range(100..2_000))).await;
        let next = dice.random_range(0..=polls.len());
        let turn = event.tokens.turn();
        let bearer = format!("Bearer {}", event.tokens.newest().stage.unwrap());
        let body = json!({"poll": polls.get(next).map(|poll| &poll.id)});
        let node = dice.random_range(0..world.nodes());
        let asked =
            world.ask(node, "POST", &path, Some(&body), None, Some(("authorization", &bearer)));
        let patience = Duration::from_millis(dice.random_range(200..10_000));
        if let Ok(Some(answer)) = tokio::time::timeout(patience, asked).await {
            let revoked = answer.status == 403 && event.tokens.may_refuse(turn);
            assert!(revoked || matches!(answer.status, 200 | 409 | 503 | 504), "{answer:?}");
        }
    }
}

/// Follows the event on one node after another, and asserts that its version never goes back and stands for
/// one content.
pub async fn follow(world: &World, event: &EventPlan, until: Instant, mut dice: StdRng) {
    let mut epochs: BTreeMap<String, Value> = BTreeMap::new();
    let path = format!("/api/events/{}", event.id);
    while Instant::now() < until {
        let leave =
            (Instant::now() + Duration::from_millis(dice.random_range(500..9_000))).min(until);
        let node = dice.random_range(0..world.nodes());
        // As a viewer's connection does, this request loads the event into memory.
        let read = world.ask(node, "GET", &path, None, None, None).await;
        let known = read.filter(|answer| answer.status == 200);
        let (Some(_), Some(app)) = (known, world.app(node)) else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let watched = Some(Watched::Event(event.id.parse().unwrap()));
        let mut stream =
            event_stream(&app.hub, Interest { event: watched, ..Interest::default() }, None);
        let mut epoch = String::new();
        while let Ok(Some(json)) = timeout_at(leave, stream.next_json()).await {
            let message: Value = serde_json::from_slice(&json).unwrap();
            if let Some(named) = message["epoch"].as_str() {
                epoch = named.to_owned();
            }
            let Some(now) = message.get("event") else { continue };
            if let Some(before) = epochs.insert(epoch.clone(), now.clone()) {
                let version = |event: &Value| event["version"].as_u64().unwrap();
                assert!(version(now) >= version(&before), "{now} was shown after {before}");
                let same = version(now) == version(&before);
                assert!(!same || *now == before, "one version: {now} after {before}");
            }
            world.seen_views.set(world.seen_views.get() + 1);
        }
    }
}

/// Asserts, when all is quiet and every poll final, that every node comes to show what the store has.
pub async fn agreed(world: &World, event: &EventPlan, polls: &[PollPlan]) {
    let path = format!("/api/events/{}", event.id);
    let kept = world.store().dump().events.pop().unwrap();
    let current = json!(kept.current.map(|poll| poll.to_string()));
    let mut shown = Vec::new();
    // A node that missed an announcement compares itself with the store once a minute.
    for _ in 0..30 {
        shown.clear();
        for node in 0..world.nodes() {
            let answer = world.ask(node, "GET", &path, None, None, None).await.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            shown.push(answer.body);
        }
        let right = |event: &Value| {
            let list = event["polls"].as_array().unwrap();
            let all_final = list.iter().all(|poll| poll["final"] == true);
            event["current"] == current && list.len() == polls.len() && all_final
        };
        if shown.iter().all(|event| right(event) && *event == shown[0]) {
            return;
        }
        sleep(Duration::from_secs(5)).await;
    }
    panic!("the store has {kept:?}, the nodes show {shown:#?}");
}
