//! The client is a voter with a phone and bad luck: answers are lost, and retries come late, go to another
//! node, or come twice at once.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::world::{Answer, PollPlan, World};

/// `Known` is what the voter knows of one ballot in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was acknowledged: it must be decided exactly once.
    Recorded,
    /// It was answered 503 and never sent again: it must not be there.
    NotRecorded,
    /// It was answered 409: if it is there, it does not count.
    TooLate,
    /// It was never answered: it is sent again at the end, when all is well.
    Unknown,
}

/// `Sent` is one ballot, with what its voter knows of it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub poll: String,
    pub ballot: String,
    pub body: Value,
    pub cookie: Option<String>,
    pub known: Known,
}

/// Casts a few ballots over a while.
pub async fn vote(world: &World, polls: &[PollPlan], n: u64, mut dice: StdRng) -> Vec<Sent> {
    let name = n.is_multiple_of(2).then(|| format!("voter {n}"));
    let mut jar: Option<String> = None;
    let mut sent = Vec::new();
    for _ in 0..dice.random_range(1..=4) {
        sleep(Duration::from_millis(dice.random_range(0..3_000))).await;
        let poll = &polls[dice.random_range(0..polls.len())];
        let ballot = world.ambient().ballot_id().to_string();
        let mut body = poll.vote(&mut dice);
        body["ballotId"] = json!(ballot);
        if let Some(name) = &name {
            body["voterId"] = json!(name);
        }
        let mut sending = Sent {
            poll: poll.id.clone(),
            ballot,
            body,
            cookie: jar.clone(),
            known: Known::Unknown,
        };
        let patience = dice.random_range(0..6);
        if dice.random_bool(0.15) {
            // An impatient voter sends the same ballot to two nodes at once.
            let (first, second) = (sending.clone(), sending.clone());
            let (a, b) = tokio::join!(
                send(world, first, patience, StdRng::seed(&mut dice)),
                send(world, second, patience, StdRng::seed(&mut dice)),
            );
            sending = if b.0.known == Known::Recorded { b.0 } else { a.0 };
            jar = jar.or(a.1).or(b.1);
            if sending.known != Known::Recorded {
                sending.known = Known::Unknown;
            }
        } else {
            let (done, cookie) = send(world, sending, patience, StdRng::seed(&mut dice)).await;
            sending = done;
            jar = jar.or(cookie);
        }
        if dice.random_bool(0.1) && sending.known == Known::Recorded {
            sleep(Duration::from_millis(dice.random_range(0..8_000))).await;
            send(world, sending.clone(), 1, StdRng::seed(&mut dice)).await;
        }
        sent.push(sending);
    }
    sent
}

/// Sends a ballot until there is an answer or patience ends. Returns what is known then, and the cookie if
/// one came.
pub async fn send(
    world: &World,
    mut sent: Sent,
    retries: u32,
    mut dice: StdRng,
) -> (Sent, Option<String>) {
    let path = format!("/api/polls/{}/vote", sent.poll);
    let mut cookie = None;
    let mut maybe_there = false;
    for attempt in 0..=retries {
        if attempt > 0 {
            sleep(Duration::from_millis(dice.random_range(10..2_000))).await;
        }
        let node = dice.random_range(0..world.nodes());
        let patience = Duration::from_millis(dice.random_range(50..12_000));
        // Some voters wait for the log no longer than they say.
        let wait = dice.random_bool(0.3).then(|| format!("wait={}", dice.random_range(0..3)));
        let prefer = wait.as_deref().map(|wait| ("prefer", wait));
        let (body, cookie_sent) = (Some(&sent.body), sent.cookie.as_deref());
        let asked = world.ask(node, "POST", &path, body, cookie_sent, prefer);
        let answer = match timeout(patience, asked).await {
            Ok(Some(answer)) if !dice.random_bool(0.1) => answer,
            _ => {
                maybe_there = true;
                continue; // The answer was lost.
            }
        };
        cookie = cookie.or(answer.cookie.clone());
        match answer.status {
            200 | 202 => {
                world.saw_recorded(&answer, &sent.ballot);
                sent.known = Known::Recorded;
                return (sent, cookie);
            }
            503 if maybe_there || dice.random_bool(0.5) => {}
            503 => {
                sent.known = Known::NotRecorded;
                return (sent, cookie);
            }
            504 => maybe_there = true,
            404 => {} // A bug, see below: a node that cannot look the poll up answers 503.
            // The id is ahead of a node whose clock is slow: the node does not accept it at that moment.
            422 => {}
            409 => {
                sent.known = Known::TooLate;
                return (sent, cookie);
            }
            _ => panic!("{answer:?} to {sent:?}"),
        }
        assert_ne!(answer.status, 404, "{answer:?} to {sent:?}");
    }
    (sent, cookie)
}

/// `Seed` draws the seed of a generator from another.
pub trait Seed {
    fn seed(dice: &mut Self) -> StdRng;
}

impl Seed for StdRng {
    fn seed(dice: &mut Self) -> StdRng {
        rand::SeedableRng::seed_from_u64(dice.random())
    }
}

impl World {
    /// Asserts invariant 1: an acknowledged ballot is on the log at the moment of the answer.
    fn saw_recorded(&self, answer: &Answer, ballot: &str) {
        let position = &answer.body["position"];
        let Some(offset) = position["offset"].as_u64() else { return };
        let partition = position["partition"].as_u64().unwrap() as u32;
        let records = self.log().records(partition);
        let record = records.get(offset as usize).unwrap_or_else(|| {
            panic!("acknowledged at {partition}.{offset}, but the log ends at {}", records.len())
        });
        let value: Value = serde_json::from_slice(&record.value).unwrap();
        assert_eq!(value["ballotId"], ballot, "another record stands where the receipt points");
    }
}
