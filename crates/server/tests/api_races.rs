//! Changes of one thing arrive at the same moment, over a store that takes a while.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::{Ask, World};
use futures_util::future::join_all;
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};

/// Each change has read what the others have read, and only the first is in time. The rest must notice, and
/// must be made on top of the others' changes, neither instead of them nor only in the answer.
#[tokio::test(start_paused = true)]
async fn the_loser_of_a_race_decides_again_on_the_new_state() {
    let event = (
        "/api/events",
        json!({"title": "One"}),
        [json!({"title": "Another"}), json!({"accent": "#123456"}), json!({"layout": "columns"})],
    );
    let poll = (
        "/api/polls",
        json!({"question": "Which?", "options": ["a", "b"], "open": false}),
        [json!({"question": "What?"}), json!({"results": "hidden"}), json!({"listed": false})],
    );
    for (path, new, changes) in [event, poll] {
        let world = World::new().await;
        let made = world.call(Ask::post(path, new.to_string()).request()).await.json();
        let path = format!("{path}/{}", made["id"].as_str().unwrap());
        let token = made["ownerToken"].as_str().unwrap();
        let delay = Duration::from_millis(50)..Duration::from_millis(51);
        let slow = Faults { delay, ..Faults::NONE };
        world.store.set_faults(StoreFaults { changes: slow, ..StoreFaults::NONE });
        let edit = |change: &Value| {
            let ask = Ask::new("PATCH", path.clone()).json(change.to_string()).token(token);
            world.call(ask.request())
        };
        for answer in join_all(changes.iter().map(edit)).await {
            assert_eq!(answer.status, 200, "{answer}");
        }
        world.store.set_faults(StoreFaults::NONE);
        let there = world.call(Ask::get(path.clone()).token(token).request()).await.json();
        for change in &changes {
            for (member, value) in change.as_object().unwrap() {
                assert_eq!(there[member], *value, "{there}");
            }
        }
    }
}
