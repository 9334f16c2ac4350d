//! The stranger is a script that is no phone of ours: it gives its ballots no id, keeps no cookie and never
//! sends anything twice. What it wished last counts, however the nodes' clocks jump meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use pollux_checker::Recount;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::client::{Known, Sent};
use crate::world::{PollPlan, World};

/// `Wishes` keeps what one stranger cast in one poll, in the order of its wishes.
#[derive(Debug, Default)]
pub struct Wishes {
    /// The wishes that were acknowledged, by the ids that the receipts gave.
    pub acknowledged: Vec<Sent>,
    /// The number of wishes without an answer, or with one that says *unknown*: nobody has their ids.
    pub unknown: usize,
}

/// Casts a few ballots, one after another.
pub async fn vote(world: &World, polls: &[PollPlan], n: u64, mut dice: StdRng) -> Wishes {
    let poll = &polls[dice.random_range(0..polls.len())];
    let path = format!("/api/polls/{}/vote", poll.id);
    let mut wishes = Wishes::default();
    for _ in 0..dice.random_range(1..=4) {
        sleep(Duration::from_millis(dice.random_range(0..3_000))).await;
        let mut body = poll.vote(&mut dice);
        body["voterId"] = json!(format!("stranger {n}"));
        let node = dice.random_range(0..world.nodes());
        let patience = Duration::from_millis(dice.random_range(50..12_000));
        let asked = world.ask(node, "POST", &path, Some(&body), None, None);
        let Ok(Some(answer)) = timeout(patience, asked).await else {
            wishes.unknown += 1;
            continue;
        };
        match answer.status {
            200 | 202 => wishes.acknowledged.push(Sent {
                poll: poll.id.clone(),
                ballot: answer.body["ballotId"].as_str().unwrap().to_owned(),
                body,
                cookie: None,
                known: Known::Recorded,
            }),
            504 => wishes.unknown += 1,
            409 | 503 => {}
            _ => panic!("{answer:?} to {body}"),
        }
    }
    wishes
}

impl Wishes {
    /// Asserts that the last acknowledged wish lost to no earlier one. While an answer is outstanding nobody
    /// can say which of two wishes was the later, so such a stranger is not judged.
    pub fn check(&self, truth: &Recount) {
        let Some(last) = self.acknowledged.last().filter(|_| self.unknown == 0) else { return };
        let named = truth.ballots.iter().find(|((_, _, ballot), _)| *ballot == last.ballot);
        let (_, decided) = named.unwrap_or_else(|| panic!("{last:?} is not on the log"));
        let lost = matches!(decided.status, "replaced" | "superseded");
        assert!(!lost, "the last wish of {self:?} was {}", decided.status);
    }
}

/// Returns the ballots on the log whose ids nobody was told. There must be no more of them than wishes
/// without an answer; otherwise somebody else votes.
pub fn untold(world: &World, wishes: &[Wishes]) -> BTreeSet<String> {
    let told: BTreeSet<&str> =
        wishes.iter().flat_map(|w| &w.acknowledged).map(|sent| sent.ballot.as_str()).collect();
    let records = (0..world.partitions()).flat_map(|partition| world.log().records(partition));
    let untold: BTreeSet<String> = records
        .filter_map(|record| serde_json::from_slice::<Value>(&record.value).ok())
        .filter(|value| value["namedBy"] == "server")
        .map(|value| value["ballotId"].as_str().unwrap().to_owned())
        .filter(|ballot| !told.contains(ballot.as_str()))
        .collect();
    assert!(untold.len() <= wishes.iter().map(|w| w.unknown).sum(), "who cast {untold:?}?");
    untold
}
