//! The operator gives out new tokens in the middle of it all, and the owner writes drafts with them. What the
//! old tokens could change they can change no more.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::stage::EventPlan;
use crate::tokens::{Issue, Tokens};
use crate::world::{OPERATOR, PollPlan, World};

/// Returns whether tokens are revoked in a seed's run, and some results hidden.
pub fn revokes(seed: u64) -> bool {
    seed % 2 == 1
}

/// Reissues the tokens of a poll, or of the event, now and then until `until`.
pub async fn revoke(
    world: &World,
    event: Option<&EventPlan>,
    polls: &[PollPlan],
    until: Instant,
    mut dice: StdRng,
) {
    let mut drafts = 0;
    loop {
        // From the first draft on there is something that not everybody may see.
        if let Some(event) = event.filter(|_| drafts == 0 || dice.random_bool(0.3)) {
            drafts += 1;
            write(world, event, drafts, &mut dice).await;
        }
        sleep(Duration::from_millis(dice.random_range(500..6_000))).await;
        if Instant::now() >= until {
            return;
        }
        let tokens = &polls[dice.random_range(0..polls.len())].tokens;
        let old = tokens.newest();
        reissue(world, tokens, &mut dice).await;
        is_refused(world, tokens, &old, &mut dice).await;
    }
}

/// Asks until an answer says which token is valid. No request is given up: if one were made after all, it
/// would end the token that the next answer brings.
async fn reissue(world: &World, tokens: &Tokens, dice: &mut StdRng) {
    tokens.begin_reissue();
    let path = format!("{}/token", tokens.path);
    let bearer = format!("Bearer {OPERATOR}");
    loop {
        let node = dice.random_range(0..world.nodes());
        let epoch = world.app(node).map(|app| app.hub.epoch().to_owned());
        let asked = world.ask(node, "POST", &path, None, None, Some(("authorization", &bearer)));
        match asked.await {
            Some(answer) if answer.status == 200 => {
                tokens.reissued(&answer.body, &epoch.unwrap());
                world.reissues.set(world.reissues.get() + 1);
                return;
            }
            Some(answer) => {
                assert!(matches!(answer.status, 409 | 503 | 504), "{path}: {answer:?}");
            }
            None => {}
        }
        sleep(Duration::from_millis(dice.random_range(50..500))).await;
    }
}

/// Asserts that an old token is refused at any node, because every node asks the store whose a poll is before
/// it changes the poll.
async fn is_refused(world: &World, tokens: &Tokens, old: &Issue, dice: &mut StdRng) {
    let (action, token, body) = match &old.stage {
        Some(stage) if dice.random() => ("show", stage, json!({"poll": null})),
        Some(_) => ("stage", &old.owner, json!({})),
        None => ("reveal", &old.owner, json!({})),
    };
    let path = format!("{}/{action}", tokens.path);
    let bearer = format!("Bearer {token}");
    let node = dice.random_range(0..world.nodes());
    let header = Some(("authorization", bearer.as_str()));
    if let Some(answer) = world.ask(node, "POST", &path, Some(&body), None, header).await {
        assert!(matches!(answer.status, 403 | 503 | 504), "{path} by an old token: {answer:?}");
    }
}

/// Writes a draft; it may or may not work.
async fn write(world: &World, event: &EventPlan, n: u32, dice: &mut StdRng) {
    let body = json!({"question": format!("draft {n}?"), "options": ["a", "b"]});
    let path = format!("{}/polls", event.tokens.path);
    let bearer = format!("Bearer {}", event.tokens.newest().owner);
    let node = dice.random_range(0..world.nodes());
    let header = Some(("authorization", bearer.as_str()));
    if let Some(answer) = world.ask(node, "POST", &path, Some(&body), None, header).await {
        assert!(matches!(answer.status, 201 | 409 | 503 | 504), "a draft: {answer:?}");
    }
}
