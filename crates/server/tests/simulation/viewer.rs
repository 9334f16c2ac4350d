//! A viewer who comes and goes must never see a number go back, or two contents under one version.

use std::collections::BTreeMap;
use std::time::Duration;

use pollux_core::id::PollId;
use pollux_server::watch::grants::Grant;
use pollux_server::watch::stream::event_stream;
use pollux_server::watch::viewer::Interest;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::world::{PollPlan, World};
use crate::{check, words};

/// `Shown` keeps the newest view of each poll that was shown.
pub type Shown = BTreeMap<String, Value>;

/// `Epochs` keeps what was shown last in each epoch; versions start anew in another epoch.
type Epochs = BTreeMap<String, Shown>;

/// Watches one node after another until `until`, leaving and coming back.
pub async fn watch(world: &World, polls: &[PollPlan], until: Instant, mut dice: StdRng) {
    let mut epochs = Epochs::new();
    while Instant::now() < until {
        let leave =
            (Instant::now() + Duration::from_millis(dice.random_range(500..9_000))).min(until);
        let Some((app, since)) = world.running(dice.random_range(0..world.nodes())) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let interest = Interest { everything: true, leaderboard: true, ..Interest::default() };
        let mut stream = event_stream(&app.hub, interest, None);
        let mut epoch = String::new();
        while let Ok(Some(json)) = timeout_at(leave, stream.next_json()).await {
            let message: Value = serde_json::from_slice(&json).unwrap();
            if let Some(named) = message["epoch"].as_str() {
                epoch = named.to_owned();
            }
            let shown = epochs.entry(epoch.clone()).or_default();
            for poll in views(&message) {
                see(world, poll, shown);
                words::none_hidden(polls, poll, &epoch, since);
            }
        }
    }
}

/// Returns what one node shows of these polls in the end, once it is quiet, to a new viewer with these
/// grants.
pub async fn look(
    world: &World,
    node: usize,
    polls: &[PollPlan],
    grants: Vec<(PollId, Grant)>,
) -> Shown {
    let mut shown = Shown::new();
    let Some(app) = world.app(node) else { return shown };
    let polls = polls.iter().map(|poll| poll.id.parse().unwrap()).collect();
    let interest = Interest { polls, grants, ..Interest::default() };
    let mut stream = event_stream(&app.hub, interest, None);
    while let Ok(Some(json)) = timeout(Duration::from_secs(1), stream.next_json()).await {
        let message: Value = serde_json::from_slice(&json).unwrap();
        for poll in views(&message) {
            shown.insert(poll["id"].as_str().unwrap().to_owned(), poll.clone());
        }
    }
    shown
}

/// Returns the polls that a message shows.
pub fn views(message: &Value) -> impl Iterator<Item = &Value> {
    let many = message["polls"].as_array().into_iter().flatten();
    many.chain(message.get("poll"))
}

/// Returns whether a view shows the poll's numbers, and asserts that it shows all of them, or none except a
/// turnout that is shown.
pub fn shows_numbers(poll: &Value) -> bool {
    let counts = check::counts(poll);
    let total = poll["totalVotes"].as_u64();
    assert_eq!(total, (!counts.is_empty()).then(|| check::votes(poll, &counts)), "{poll}");
    let turnout = total.is_some() || poll["turnout"] == "shown";
    assert_eq!(turnout, poll["totalVoters"].is_u64(), "{poll}");
    assert!(total.is_some() || poll["resultHash"].is_null(), "{poll}");
    total.is_some()
}

/// Asserts that the view is one that everybody may see. The right answer is told with the numbers, but not before the
/// close.
pub fn shows_to_all(poll: &Value) {
    let everybodys = poll["results"] == "live" || poll["revealed"] == true;
    assert_eq!(shows_numbers(poll), everybodys, "{poll}");
    let closed = everybodys && poll["status"] == "closed";
    assert!(closed || (poll["solution"].is_null() && poll["nearest"].is_null()), "{poll}");
}

/// Asserts invariant 5: as long as the epoch lasts, versions never go back, and one version stands for one
/// content, also for a viewer who leaves and comes back.
fn see(world: &World, poll: &Value, shown: &mut Shown) {
    let id = poll["id"].as_str().unwrap().to_owned();
    shows_to_all(poll);
    if let Some(before) = shown.insert(id, poll.clone()) {
        let version = |poll: &Value| poll["version"].as_u64().unwrap();
        assert!(version(poll) >= version(&before), "{poll} was shown after {before}");
        let same = version(poll) == version(&before);
        assert!(!same || *poll == before, "two contents, one version: {poll} after {before}");
    }
    world.seen_views.set(world.seen_views.get() + 1);
}
