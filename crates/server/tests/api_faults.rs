//! The owner changes a poll while the store or the log fails. A refusal means that nothing was done, an
//! unknown outcome is cleared up by looking or asking again, and every viewer ends up with what the store
//! has.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api_support::{Answer, Ask, World};
use parking_lot::Mutex;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::record::Entry;
use pollux_core::standing::Standing;
use pollux_server::log::memory::LogFaults;
use pollux_server::store::Polls;
use pollux_server::store::memory::{Faults, StoreFaults};
use pollux_server::watch::grants::{Grant, Proof};
use pollux_server::watch::stream::event_stream;
use pollux_server::watch::view::{self, Audience, PollView};
use pollux_server::watch::viewer::Interest;
use serde_json::Value;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);
const POLL: &str = r#"{"question":"Which?","options":["a","b"],"results":"hidden"}"#;
const DRAFT: &str = r#"{"question":"Which?","options":["a","b"],"results":"hidden","open":false}"#;

/// An `Action` is one change that an owner makes, and what it leads to.
struct Action {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    /// The changes that must have been made before.
    first: &'static [&'static str],
    draft: bool,
    done: fn(&Poll) -> bool,
    /// The statuses of the first answer, and of the answer to the same request again.
    statuses: [u16; 2],
    /// The flag of a change that puts a record on the log.
    controls: bool,
}

#[rustfmt::skip]
const ACTIONS: [Action; 8] = [
    Action { name: "open", method: "POST", path: "/open", first: &[], draft: true,
        done: |poll| poll.status == PollStatus::Open, statuses: [200, 409], controls: true },
    Action { name: "close", method: "POST", path: "/close", first: &[], draft: false,
        done: |poll| poll.status == PollStatus::Closed, statuses: [200, 200], controls: true },
    Action { name: "reopen", method: "POST", path: "/reopen", first: &["/close"], draft: false,
        done: |poll| poll.phase == 3 && poll.status == PollStatus::Open, statuses: [200, 200], controls: true },
    Action { name: "reset", method: "POST", path: "/reset", first: &[], draft: false,
        done: |poll| poll.round == 2, statuses: [200, 200], controls: true },
    Action { name: "reveal", method: "POST", path: "/reveal", first: &[], draft: false,
        done: |poll| poll.revealed, statuses: [200, 200], controls: false },
    Action { name: "delete", method: "DELETE", path: "", first: &[], draft: false,
        done: |poll| poll.status == PollStatus::Deleted, statuses: [204, 404], controls: true },
    Action { name: "edit", method: "PATCH", path: "", first: &[], draft: true,
        done: |poll| poll.question == "Who?", statuses: [200, 200], controls: false },
    Action { name: "delete a draft", method: "DELETE", path: "", first: &[], draft: true,
        done: |poll| poll.status == PollStatus::Deleted, statuses: [204, 404], controls: true },
];

/// A `Case` has a poll with one vote (unless it is a draft), a viewer with the owner's rights, and the
/// owner's request.
struct Case {
    action: &'static Action,
    world: World,
    id: String,
    token: String,
    ask: Ask,
    seen: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Case {
    async fn of(action: &'static Action) -> Self {
        let world = World::new().await;
        let (id, token) = world.poll(if action.draft { DRAFT } else { POLL }).await;
        world.settle().await;
        if !action.draft {
            let vote = Ask::post(format!("/polls/{id}/vote"), r#"{"optionId":1}"#);
            assert_eq!(world.call(vote.request()).await.status, 202);
        }
        for path in action.first {
            let first = Ask::post(format!("/polls/{id}{path}"), "").token(&token);
            assert_eq!(world.call(first.request()).await.status, 200);
        }
        world.settle().await;
        let ask = Ask::new(action.method, format!("/polls/{id}{}", action.path)).token(&token);
        let ask = if action.method == "PATCH" { ask.json(r#"{"question":"Who?"}"#) } else { ask };
        let seen = watch(&world, &id);
        sleep(SECOND).await;
        Self { action, world, id, token, ask, seen }
    }

    async fn act(&self) -> Answer {
        let began = Instant::now();
        let answer = self.world.call(self.ask.request()).await;
        let deadline = self.world.app.config.api.deadline;
        assert!(began.elapsed() <= deadline + SECOND / 10, "{self} took {:?}", began.elapsed());
        answer
    }

    /// Returns the poll as the store has it, whatever the store answers.
    fn poll(&self) -> Poll {
        let dump = self.world.store.dump();
        assert_eq!(dump.polls.len(), 1, "{self}: neither lost nor doubled");
        dump.polls.into_iter().next().unwrap()
    }

    fn is_done(&self) -> bool {
        (self.action.done)(&self.poll())
    }

    /// Returns the number of control records of the poll's present phase, by partition.
    fn controls(&self) -> Vec<usize> {
        let phase = self.poll().phase;
        let is_it = |value: &[u8]| matches!(Entry::decode(value), Ok(Entry::Control(control)) if control.phase == phase);
        (0..2)
            .map(|p| self.world.cluster.records(p).iter().filter(|r| is_it(&r.value)).count())
            .collect()
    }

    /// Ends all faults, and asserts that after a while the log has the change, the one vote is where it
    /// belongs, and the viewer has seen the poll as it is.
    async fn ends_well(&self) {
        self.world.store.set_faults(StoreFaults::NONE);
        self.world.fail(LogFaults::default());
        // By then the node has compared itself with the store, should everything else have failed.
        sleep(90 * SECOND).await;
        let poll = self.poll();
        let standing = self.world.store.standing(poll.id).await.unwrap().unwrap();
        let settled = self.world.store.unsettled(None, 100).await.unwrap();
        assert_eq!(settled, vec![], "{self}: some partition has not seen it");
        let votes = u64::from(!self.action.draft && poll.round == 1);
        assert_eq!(standing.counts().iter().sum::<u64>(), votes, "{self}");
        self.viewer_has(&standing);
    }

    fn viewer_has(&self, standing: &Standing) {
        let seen = self.seen.lock().get(&self.id).cloned();
        match (standing.poll.status, seen) {
            // A draft is shown to nobody, and a poll that was deleted may never have been seen.
            (PollStatus::Draft | PollStatus::Deleted, None) => assert!(self.action.draft, "{self}"),
            (status, None) => panic!("{self}: nothing was seen of what is {status:?}"),
            (PollStatus::Deleted, Some(seen)) => assert_eq!(seen["status"], "closed", "{self}"),
            (_, Some(seen)) => {
                let mut seen: PollView = serde_json::from_value(seen).unwrap();
                let truth = view::poll(standing, Audience::Owner);
                // A version that was sent already may have said that everything is counted.
                seen.is_final |= truth.is_final;
                assert_eq!(seen, truth, "{self}");
            }
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.action.name)
    }
}

/// Watches everything, and this poll as its owner; returns the newest state of each poll.
fn watch(world: &World, id: &str) -> Arc<Mutex<BTreeMap<String, Value>>> {
    let id = id.parse().unwrap();
    let interest = Interest {
        everything: true,
        polls: vec![id],
        grants: vec![(id, Grant::Runs(Proof::Operator))],
        ..Interest::default()
    };
    let mut events = event_stream(&world.app.hub, interest, None);
    let seen: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
    let keep = seen.clone();
    tokio::spawn(async move {
        while let Some(json) = events.next_json().await {
            let message: Value = serde_json::from_slice(&json).unwrap();
            let polls = message["polls"].as_array().into_iter().flatten();
            for poll in polls.chain(message.get("poll")) {
                let id = poll["id"].as_str().unwrap().to_owned();
                let before = keep.lock().insert(id, poll.clone());
                let version = |poll: &Value| poll["version"].as_u64().unwrap();
                assert!(before.is_none_or(|before| version(&before) <= version(poll)), "{poll}");
            }
        }
    });
    seen
}

fn changes(faults: Faults) -> StoreFaults {
    StoreFaults { changes: faults, ..StoreFaults::NONE }
}

fn reads(faults: Faults) -> StoreFaults {
    StoreFaults { reads: faults, ..StoreFaults::NONE }
}

const REFUSED: Faults = Faults { unavailable: 1.0, ..Faults::NONE };
const DONE: Faults = Faults { unknown_done: 1.0, ..Faults::NONE };
const NOT_DONE: Faults = Faults { unknown_not_done: 1.0, ..Faults::NONE };

fn slow(faults: Faults, by: Duration) -> Faults {
    Faults { delay: by..by + Duration::from_millis(1), ..faults }
}

fn is_problem(answer: &Answer, status: u16, slug: &str) {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(answer.json()["type"], format!("/docs/errors/{slug}"), "{answer}");
    assert_eq!(answer.header("retry-after").parse::<u64>().is_ok(), status >= 500, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refuses_is_503_and_not_done() {
    for action in &ACTIONS {
        for faults in [changes(REFUSED), reads(REFUSED), reads(slow(Faults::NONE, 20 * SECOND))] {
            let case = Case::of(action).await;
            let (poll, controls) = (case.poll(), case.controls());
            let seen = case.seen.lock().clone();
            case.world.store.set_faults(faults);
            is_problem(&case.act().await, 503, "store-unavailable");
            case.world.store.set_faults(StoreFaults::NONE);
            sleep(90 * SECOND).await;
            assert_eq!(case.poll(), poll, "{case}");
            assert_eq!(case.controls(), controls, "{case}");
            assert_eq!(*case.seen.lock(), seen, "{case}");
            assert_eq!(case.act().await.status, action.statuses[0], "{case}");
            assert!(case.is_done(), "{case}");
            case.ends_well().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_left_unknown_is_looked_up() {
    for action in &ACTIONS {
        let case = Case::of(action).await;
        case.world.store.set_faults(changes(DONE));
        assert_eq!(case.act().await.status, action.statuses[0], "{case}: it was done");
        assert!(case.is_done(), "{case}");
        case.ends_well().await;

        let case = Case::of(action).await;
        let before = case.poll();
        case.world.store.set_faults(changes(NOT_DONE));
        is_problem(&case.act().await, 504, "change-unknown");
        assert_eq!(case.poll(), before, "{case}");
        case.world.store.set_faults(StoreFaults::NONE);
        assert_eq!(case.act().await.status, action.statuses[0], "{case}: again");
        assert!(case.is_done(), "{case}");
        case.ends_well().await;
    }
}

/// Makes the change while the store answers neither to it nor to the look at what became of it.
async fn leave_unknown(case: &Case) {
    case.world.store.set_faults(changes(slow(DONE, SECOND)));
    let answer = async {
        let (answer, ()) = tokio::join!(case.act(), async {
            sleep(SECOND / 2).await;
            case.world.store.set_faults(reads(REFUSED));
        });
        answer
    };
    is_problem(&answer.await, 504, "change-unknown");
    assert!(case.is_done(), "{case}");
    case.world.store.set_faults(StoreFaults::NONE);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_could_look_up_is_found_by_asking_again() {
    for action in &ACTIONS {
        let case = Case::of(action).await;
        leave_unknown(&case).await;
        let made = case.poll();
        if action.name == "reset" {
            // A reset is the one change that must not be made twice, so the owner looks first.
            let read = Ask::get(format!("/polls/{}", case.id));
            let known = case.world.call(read.request()).await;
            assert_eq!(known.json()["round"], 1, "the public is told in a moment");
            let own = case.world.call(read.token(&case.token).request()).await;
            assert_eq!(own.json()["round"], 2);
        } else {
            assert_eq!(case.act().await.status, action.statuses[1], "{case}");
            let edited = u64::from(action.name == "edit");
            let once = Poll { revision: made.revision + edited, ..made.clone() };
            assert_eq!(case.poll(), once, "{case}: once is enough");
        }
        case.ends_well().await;
        let read = Ask::get(format!("/polls/{}", case.id));
        let shown = case.world.call(read.request()).await;
        match made.status {
            PollStatus::Draft | PollStatus::Deleted => assert_eq!(shown.status, 404, "{case}"),
            _ => assert_eq!(shown.json()["round"], made.round, "{case}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_is_made_once_however_often_it_is_repeated_in_its_phase() {
    for action in ACTIONS.iter().filter(|action| action.controls) {
        let mut case = Case::of(action).await;
        let phase = case.poll().phase;
        case.ask =
            Ask::new(action.method, format!("/polls/{}{}?phase={phase}", case.id, action.path))
                .token(&case.token);
        leave_unknown(&case).await;
        let made = case.poll();
        assert_eq!(made.phase, phase + 1, "{case}");
        for _ in 0..3 {
            match made.status {
                PollStatus::Deleted => is_problem(&case.act().await, 404, "no-such-poll"),
                _ => is_problem(&case.act().await, 409, "changed-meanwhile"),
            }
            assert_eq!(case.poll(), made, "{case}: once is enough");
        }
        // Viewers who were not sent the change are sent it when it is asked for again.
        let standing = case.world.store.standing(made.id).await.unwrap().unwrap();
        sleep(SECOND).await;
        if made.status != PollStatus::Deleted {
            case.viewer_has(&standing);
        }
        case.ends_well().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_could_look_up_is_told_without_asking() {
    for action in &ACTIONS {
        let case = Case::of(action).await;
        leave_unknown(&case).await;
        case.ends_well().await;
        assert!(case.is_done(), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_silent_is_504_in_time() {
    for action in &ACTIONS {
        // The change is made before the deadline or not at all, and viewers are sent the truth after it in
        // both cases.
        for by in [5 * SECOND, 20 * SECOND] {
            let case = Case::of(action).await;
            case.world.store.set_faults(changes(slow(Faults::NONE, by)));
            is_problem(&case.act().await, 504, "change-unknown");
            assert_eq!(case.is_done(), by < 8 * SECOND, "{case}");
            // Nobody asks again, and yet viewers are sent the change: at once, since the store can be read.
            sleep(SECOND).await;
            let poll = case.poll();
            let standing = case.world.store.standing(poll.id).await.unwrap().unwrap();
            case.viewer_has(&standing);
            case.ends_well().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_slow_at_once_is_still_answered_in_time() {
    let silent = LogFaults { delay: 20 * SECOND..30 * SECOND, ..LogFaults::default() };
    for action in &ACTIONS {
        // There is time to look what became of the change, and then there is not.
        for (read, found) in [(4 * SECOND / 5, true), (3 * SECOND / 2, false)] {
            let case = Case::of(action).await;
            let (reads, changes) = (slow(Faults::NONE, read), slow(DONE, 3 * SECOND / 2));
            case.world.store.set_faults(StoreFaults { reads, changes, ..StoreFaults::NONE });
            case.world.fail(silent.clone());
            let answer = case.act().await;
            match found {
                true => assert_eq!(answer.status, action.statuses[0], "{case}"),
                false => is_problem(&answer, 504, "change-unknown"),
            }
            assert!(case.is_done(), "{case}");
            case.ends_well().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_cannot_undo_a_change_and_gets_its_record_later() {
    let silent = LogFaults { delay: 20 * SECOND..30 * SECOND, ..LogFaults::default() };
    for faults in [
        LogFaults { not_recorded: 1.0, ..LogFaults::default() },
        LogFaults { unknown_lost: 1.0, ..LogFaults::default() },
        LogFaults { unknown_recorded: 1.0, delay: SECOND..2 * SECOND, ..LogFaults::default() },
        silent,
    ] {
        for action in &ACTIONS {
            let case = Case::of(action).await;
            case.world.fail(faults.clone());
            assert_eq!(case.act().await.status, action.statuses[0], "{case}");
            assert!(case.is_done(), "{case}");
            // This node knows of the change, whatever the log answers.
            let poll = case.poll();
            let known = case.world.app.hub.poll(poll.id);
            assert!(known.is_none_or(|known| *known == poll), "{case}");
            sleep(3 * SECOND).await;
            let lost = faults.not_recorded + faults.unknown_lost > 0.0;
            if action.controls && lost {
                assert_eq!(case.controls(), [0, 0], "{case}");
                assert_eq!(case.world.store.unsettled(None, 100).await.unwrap().len(), 1, "{case}");
            }
            case.ends_well().await;
            if action.controls {
                let enough = case.controls().iter().all(|n| *n >= 1);
                assert!(enough, "{case}: {:?}", case.controls());
            }
        }
    }
}

/// While nobody can say whether the log has the close of the poll, ballots are refused, and the one before it
/// counts.
#[tokio::test(start_paused = true)]
async fn a_poll_closed_over_a_failing_log_takes_no_more_votes_and_becomes_final() {
    let case = Case::of(&ACTIONS[1]).await;
    case.world.fail(LogFaults { unknown_lost: 1.0, ..LogFaults::default() });
    assert_eq!(case.act().await.json()["final"], false);
    let vote = Ask::post(format!("/polls/{}/vote", case.id), r#"{"optionId":2,"voterId":"late"}"#);
    is_problem_without_retry(&case.world.call(vote.request()).await, 409, "poll-not-open");
    sleep(60 * SECOND).await;
    let read = Ask::get(format!("/polls/{}", case.id));
    assert_eq!(case.world.call(read.request()).await.json()["final"], false);
    case.ends_well().await;
    let shown = case.world.call(read.request()).await.json();
    assert_eq!((&shown["final"], &shown["status"]), (&true.into(), &"closed".into()));
}

fn is_problem_without_retry(answer: &Answer, status: u16, slug: &str) {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(answer.json()["type"], format!("/docs/errors/{slug}"), "{answer}");
}

fn create() -> Ask {
    Ask::post("/polls", POLL).header("idempotency-key", "0123456789abcdef")
}

/// Asserts that exactly one poll was made, that its owner's token works, and that it is shown.
async fn was_made_once(world: &World, answer: &Answer) {
    assert_eq!(answer.status, 201, "{answer}");
    let made = answer.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.store.dump().polls.len(), 1, "neither lost nor doubled");
    let seen = watch(world, id);
    sleep(90 * SECOND).await;
    assert_eq!(world.store.unsettled(None, 100).await.unwrap(), vec![]);
    assert_eq!(seen.lock().keys().collect::<Vec<_>>(), [id]);
    let vote = Ask::post(format!("/polls/{id}/vote"), r#"{"optionId":1}"#);
    assert_eq!(world.call(vote.request()).await.status, 202);
    let close = Ask::post(format!("/polls/{id}/close"), "");
    let close = close.token(made["ownerToken"].as_str().unwrap());
    assert_eq!(world.call(close.request()).await.status, 200);
    let read = Ask::get(format!("/polls/{}", made["code"].as_str().unwrap()));
    assert_eq!(world.call(read.request()).await.json()["id"], id);
    sleep(SECOND).await;
    assert_eq!(seen.lock()[id]["totalVotes"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_creation_is_made_once_or_not_at_all() {
    // The creation is refused.
    let world = World::new().await;
    world.store.set_faults(changes(REFUSED));
    is_problem(&world.call(create().request()).await, 503, "store-unavailable");
    assert!(world.store.dump().polls.is_empty());
    world.store.set_faults(StoreFaults::NONE);
    was_made_once(&world, &world.call(create().request()).await).await;

    // The creation's outcome is unknown, and it is found.
    let world = World::new().await;
    world.store.set_faults(changes(DONE));
    let made = world.call(create().request()).await;
    world.store.set_faults(StoreFaults::NONE);
    was_made_once(&world, &made).await;

    // The outcome is unknown: the poll was not made, or it was and cannot be found.
    for done in [false, true] {
        let world = World::new().await;
        let faults = if done { DONE } else { NOT_DONE };
        let reads = if done { REFUSED } else { Faults::NONE };
        world.store.set_faults(StoreFaults { reads, ..changes(faults) });
        is_problem(&world.call(create().request()).await, 504, "change-unknown");
        assert_eq!(world.store.dump().polls.len(), usize::from(done));
        world.store.set_faults(StoreFaults::NONE);
        was_made_once(&world, &world.call(create().request()).await).await;
    }

    // The store is silent, and makes the poll or not.
    for by in [5 * SECOND, 20 * SECOND] {
        let world = World::new().await;
        world.store.set_faults(changes(slow(Faults::NONE, by)));
        let began = Instant::now();
        is_problem(&world.call(create().request()).await, 504, "change-unknown");
        assert!(began.elapsed() < 9 * SECOND);
        world.store.set_faults(StoreFaults::NONE);
        was_made_once(&world, &world.call(create().request()).await).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_over_a_failing_log_is_made_once() {
    for faults in [
        LogFaults { not_recorded: 1.0, ..LogFaults::default() },
        LogFaults { unknown_lost: 1.0, ..LogFaults::default() },
        LogFaults { unknown_recorded: 1.0, ..LogFaults::default() },
        LogFaults { delay: 20 * SECOND..30 * SECOND, ..LogFaults::default() },
    ] {
        let world = World::new().await;
        world.fail(faults);
        let began = Instant::now();
        let made = world.call(create().request()).await;
        assert!(began.elapsed() < 9 * SECOND);
        assert_eq!(made.status, 201, "the store has it: {made}");
        let again = world.call(create().request()).await;
        assert_eq!(again.json()["id"], made.json()["id"]);
        world.fail(LogFaults::default());
        was_made_once(&world, &again).await;
    }
}
