//! The organiser makes the polls, then closes, reopens, resets and reveals them in the middle of it all.

use std::rc::Rc;
use std::time::Duration;

use pollux_checker::Asks;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::time::sleep;

use crate::tokens::Tokens;
use crate::words;
use crate::world::{PollPlan, World};

/// Makes a few polls, whatever it takes. Where some may be `hidden`, about every other one is.
pub async fn create(world: &World, hidden: bool, dice: &mut StdRng) -> Vec<PollPlan> {
    let mut polls = Vec::new();
    for n in 0..dice.random_range(1..=3) {
        let count = dice.random_range(2..=4);
        let refuse = dice.random_bool(0.3);
        let texts: Vec<_> = (1..=count).map(|n| format!("number {n}")).collect();
        let (asks, own) = match dice.random_range(0..12) {
            0..2 => (
                Asks::Rating { statements: count, steps: 5, lowest: 1 },
                json!({ "statements": texts }),
            ),
            2..4 => {
                let places = dice.random_range(1..=count);
                let own = json!({ "kind": "ranking", "options": texts, "places": places });
                (Asks::Ranking { options: count, places }, own)
            }
            4..6 => {
                let budget = dice.random_range(1..=20);
                let own = json!({ "kind": "points", "options": texts, "budget": budget });
                (Asks::Points { options: count, budget }, own)
            }
            6..8 => {
                let own = json!({
                    "kind": "number", "min": -0.5, "max": count, "step": 0.5, "solution": 1.25,
                });
                let values = 2 * count + 2;
                (Asks::Number { min: -500_000, step: 500_000, values }, own)
            }
            8..10 => {
                let most = dice.random_range(1..=3);
                let own =
                    json!({ "kind": "words", "maxWords": most, "approve": dice.random_bool(0.2) });
                (Asks::Words { most }, own)
            }
            _ => (Asks::Choice { options: count, most: 1 }, json!({ "options": texts })),
        };
        let mut body = json!({
            "question": format!("question {n}?"),
            "revote": if refuse { "refuse" } else { "replace" },
            "turnout": if count % 2 == 0 { "shown" } else { "hidden" },
            "results": if hidden && dice.random() { "hidden" } else { "live" },
        });
        body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let key = format!("organisers-poll-number-{n}");
        let poll = loop {
            let node = dice.random_range(0..world.nodes());
            let answer = world
                .ask(node, "POST", "/api/polls", Some(&body), None, Some(("idempotency-key", &key)))
                .await;
            match answer {
                Some(answer) if answer.status == 201 => break answer.body,
                Some(answer) if answer.status < 500 => panic!("{answer:?}"),
                _ => sleep(Duration::from_millis(200)).await,
            }
        };
        let id = poll["id"].as_str().unwrap_or_else(|| panic!("no id in {poll}")).to_owned();
        let tokens = Rc::new(Tokens::new(format!("/api/polls/{id}"), &poll));
        polls.push(PollPlan { id, tokens, asks, refuse, hidden: Rc::default() });
    }
    polls
}

/// Changes polls at random for a while.
pub async fn change_at_random(world: &World, polls: &[PollPlan], mut dice: StdRng) {
    for _ in 0..dice.random_range(0..8) {
        sleep(Duration::from_millis(dice.random_range(100..3_000))).await;
        let poll = &polls[dice.random_range(0..polls.len())];
        if matches!(poll.asks, Asks::Words { .. }) && dice.random_bool(0.7) {
            words::moderate(world, poll, &mut dice).await;
            continue;
        }
        let action = match dice.random_range(0..10) {
            0..4 => "close",
            4..8 => "reopen",
            8 => "reset",
            _ => "reveal",
        };
        change(world, poll, action, &mut dice).await;
    }
}

/// Makes one change at one node; it may or may not work.
pub async fn change(world: &World, poll: &PollPlan, action: &str, dice: &mut StdRng) -> bool {
    let node = dice.random_range(0..world.nodes());
    let path = format!("/api/polls/{}/{action}", poll.id);
    let (turn, bearer) = (poll.tokens.turn(), format!("Bearer {}", poll.tokens.newest().owner));
    let empty = json!({});
    let asked =
        world.ask(node, "POST", &path, Some(&empty), None, Some(("authorization", &bearer)));
    let patience = Duration::from_millis(dice.random_range(200..10_000));
    let answer = tokio::time::timeout(patience, asked).await.ok().flatten();
    if let Some(answer) = &answer {
        let revoked = answer.status == 403 && poll.tokens.may_refuse(turn);
        assert!(revoked || matches!(answer.status, 200 | 409 | 503 | 504), "{action}: {answer:?}");
    }
    answer.is_some_and(|answer| answer.status == 200)
}
