//! Makes the polls, then closes, reopens, resets and reveals them in the middle of it all.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::time::sleep;

use crate::world::{PollPlan, World};

/// Make a few polls, whatever it takes.
pub async fn create(world: &World, dice: &mut StdRng) -> Vec<PollPlan> {
    let mut polls = Vec::new();
    for n in 0..dice.random_range(1..=3) {
        let options = dice.random_range(2..=4);
        let refuse = dice.random_bool(0.3);
        let texts: Vec<_> = (1..=options).map(|option| format!("option {option}")).collect();
        let body = json!({
            "question": format!("question {n}?"),
            "options": texts,
            "revote": if refuse { "refuse" } else { "replace" },
        });
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
        let text =
            |name: &str| poll[name].as_str().unwrap_or_else(|| panic!("{name}: {poll}")).to_owned();
        polls.push(PollPlan { id: text("id"), token: text("ownerToken"), options, refuse });
    }
    polls
}

/// Change polls at random for a while.
pub async fn meddle(world: &World, polls: &[PollPlan], mut dice: StdRng) {
    for _ in 0..dice.random_range(0..6) {
        sleep(Duration::from_millis(dice.random_range(100..4_000))).await;
        let poll = &polls[dice.random_range(0..polls.len())];
        let action = match dice.random_range(0..10) {
            0..4 => "close",
            4..8 => "reopen",
            8 => "reset",
            _ => "reveal",
        };
        change(world, poll, action, &mut dice).await;
    }
}

/// One change at one node; it may or may not work.
pub async fn change(world: &World, poll: &PollPlan, action: &str, dice: &mut StdRng) -> bool {
    let node = dice.random_range(0..world.nodes());
    let path = format!("/api/polls/{}/{action}", poll.id);
    let bearer = format!("Bearer {}", poll.token);
    let empty = json!({});
    let asked =
        world.ask(node, "POST", &path, Some(&empty), None, Some(("authorization", &bearer)));
    let patience = Duration::from_millis(dice.random_range(200..10_000));
    let answer = tokio::time::timeout(patience, asked).await.ok().flatten();
    if let Some(answer) = &answer {
        assert!(matches!(answer.status, 200 | 409 | 503 | 504), "{action}: {answer:?}");
    }
    answer.is_some_and(|answer| answer.status == 200)
}
