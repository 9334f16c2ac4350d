//! A viewer who has lost a right is sent nothing newer under it, whatever it asks for and however slowly it
//! reads, and is shown what everybody sees.

use std::sync::Arc;
use std::time::Duration;

use pollux_core::announcement::Announcement;
use pollux_core::event::{Event, EventDraft};
use pollux_core::id::{EventId, UnixMillis};
use pollux_core::poll::{Draft, Poll, Results};
use pollux_core::standing::Standing;
use pollux_server::config::WatchLimits;
use pollux_server::watch::grants::{Grant, Proof};
use pollux_server::watch::stream::{EventStream, event_stream};
use pollux_server::watch::viewer::{Interest, Watched};
use serde_json::{Value, json};

use super::world::*;

const OLD: [u8; 32] = [0; 32];
const NEW: [u8; 32] = [8; 32];

fn owner(world: &World, poll: &Poll) -> EventStream {
    let grants = vec![(poll.id, Grant::Runs(Proof::Owner(poll.owner)))];
    event_stream(&world.hub, Interest { grants, ..one(poll) }, None)
}

fn version(message: &Value) -> u64 {
    message["poll"]["version"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_new_token_ends_the_old_one_also_for_who_reads_slowly() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open(1, Results::Hidden);
    let (mut fast, mut slow) = (owner(&world, &poll), owner(&world, &poll));
    for viewer in [&mut fast, &mut slow] {
        rest(viewer).await;
    }
    world.tally(&poll, 0, [400, 300]);
    let before = next(&mut fast).await;
    assert_eq!(before["poll"]["totalVotes"], 700);
    world.change(&mut poll, |poll| assert!(poll.set_owner(NEW)));
    world.tally(&poll, 1, [9, 9]);
    for viewer in [&mut fast, &mut slow] {
        let messages = rest(viewer).await;
        let last = messages.last().expect("what everybody sees is told");
        assert_eq!(last["poll"]["totalVotes"], Value::Null, "{last}");
        assert!(version(last) > version(&before), "{last} after {before}");
    }
    world.tally(&poll, 0, [500, 300]);
    for viewer in [&mut fast, &mut slow] {
        assert_eq!(rest(viewer).await, Vec::<Value>::new(), "not even that somebody votes");
        // A viewer who asks for the poll anew is sent what everybody sees.
        viewer.viewer().unsubscribe(poll.id);
        viewer.viewer().subscribe(poll.id).unwrap();
        assert_eq!(next(viewer).await["poll"]["totalVotes"], Value::Null);
    }
    // The new token opens the numbers again, and its holder is sent only what is newer.
    fast.viewer().grant(poll.id, Grant::Runs(Proof::Owner(NEW)));
    let again = next(&mut fast).await;
    assert_eq!(again["poll"]["totalVotes"], 818, "{again}");
}

/// A viewer who asks again and again before the tick is sent no older state.
#[tokio::test(start_paused = true)]
async fn who_subscribes_again_before_the_tick_is_sent_nothing_older() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open(1, Results::Hidden);
    let mut public = event_stream(&world.hub, one(&poll), None);
    let mut viewer = owner(&world, &poll);
    for viewer in [&mut public, &mut viewer] {
        rest(viewer).await;
    }
    world.tally(&poll, 0, [1, 0]);
    let before = next(&mut viewer).await;
    world.change(&mut poll, |poll| assert!(poll.set_owner(NEW)));
    for _ in 0..4 {
        viewer.viewer().subscribe(poll.id).unwrap();
    }
    let messages = rest(&mut viewer).await;
    assert!(messages.iter().all(|told| version(told) > version(&before)), "{messages:?}");
    assert_eq!(messages.last().unwrap()["poll"]["totalVotes"], Value::Null);
}

/// The state that the owner was sent before the reveal, and that is still kept, is not sent to everybody from
/// then on, even where the overview comes up between the reveal and its tick.
#[tokio::test(start_paused = true)]
async fn what_the_owner_was_sent_before_the_reveal_is_sent_to_nobody_else() {
    let world = World::new(WatchLimits::default());
    let (mut poll, other) = (world.open_with_turnout(1), world.open_with_turnout(2));
    let (mut viewer, mut all) =
        (owner(&world, &poll), event_stream(&world.hub, everything(), None));
    for viewer in [&mut viewer, &mut all] {
        rest(viewer).await;
    }
    let pause = |millis| tokio::time::sleep(Duration::from_millis(millis));
    // The overview comes up now, and after 100 and 200 ms; the poll ticks after 150 and 250 ms.
    world.tally(&other, 0, [1, 0]);
    pause(50).await;
    world.tally(&other, 1, [1, 0]);
    pause(100).await;
    world.tally(&poll, 0, [40, 30]);
    let before = next(&mut viewer).await;
    assert_eq!(before["poll"]["totalVotes"], 70);
    world.change(&mut poll, |poll| assert!(poll.reveal().unwrap()));
    let told = rest(&mut all).await;
    let of_it: Vec<_> =
        told.iter().filter(|told| told["poll"]["id"] == poll.id.to_string()).collect();
    for told in &of_it {
        assert_eq!(told["poll"]["totalVotes"].is_u64(), told["poll"]["revealed"] == true, "{told}");
    }
    assert_eq!(of_it.last().unwrap()["poll"]["totalVotes"], 70);
}

#[tokio::test(start_paused = true)]
async fn a_reset_hides_again_what_was_revealed() {
    let world = World::new(WatchLimits::default());
    let mut poll = world.open(1, Results::Hidden);
    let mut viewer = event_stream(&world.hub, one(&poll), None);
    let mut all = event_stream(&world.hub, everything(), None);
    world.tally(&poll, 0, [40, 30]);
    world.change(&mut poll, |poll| assert!(poll.reveal().unwrap()));
    let seen = rest(&mut viewer).await.pop().unwrap();
    assert_eq!(seen["poll"]["totalVotes"], 70);
    rest(&mut all).await;
    world.change(&mut poll, |poll| poll.reset(NOW).unwrap());
    for viewer in [&mut viewer, &mut all] {
        let hidden = next_poll(viewer).await;
        assert_eq!(
            (&hidden["poll"]["totalVotes"], &hidden["poll"]["revealed"]),
            (&json!(null), &json!(false))
        );
        assert!(version(&hidden) > version(&seen), "{hidden} after {seen}");
    }
    // A poll whose numbers everybody sees goes on showing them.
    let mut live = world.open(2, Results::Live);
    world.change(&mut live, |poll| poll.reset(NOW).unwrap());
    assert!(live.revealed && live.hidings == 0);
}

#[tokio::test(start_paused = true)]
async fn who_ran_an_event_hears_of_its_drafts_no_more() {
    let world = World::new(WatchLimits::default());
    let id = EventId::new(UnixMillis(NOW.0 + 1), [9; 10]);
    let draft = EventDraft { title: Some("Event".into()), ..EventDraft::default() };
    let mut event = Event { code: "200001".into(), ..Event::new(id, draft, OLD, NOW).unwrap() };
    let written = |n, event: &Event| {
        let made = poll(n, Results::Live, true);
        let mut draft = Poll::draft(made.id, Draft::new("?", ["a", "b"]), OLD, NOW).unwrap();
        event.adopt(&mut draft).unwrap();
        draft
    };
    let drafts: Vec<_> = (1..4).map(|n| written(n, &event)).collect();
    let standings: Vec<_> =
        drafts.iter().map(|poll| Standing::new(Arc::new(poll.clone()), PARTITIONS)).collect();
    world.hub.merge_event(event.clone(), &standings);
    let follow = || {
        let interest = Interest { event: Some(Watched::Event(id)), ..Interest::default() };
        event_stream(&world.hub, interest, None)
    };
    let list = |message: &Value| message["event"]["polls"].as_array().unwrap().len();
    // Nothing is on stage. Each new token ends the one before.
    for (old, new, n) in [(OLD, NEW, 4), (NEW, [9; 32], 5)] {
        let (mut runner, mut stage) = (follow(), follow());
        for (viewer, proof) in [(&mut runner, Proof::Owner(old)), (&mut stage, Proof::Stage(old))] {
            next(viewer).await;
            viewer.viewer().promote(proof);
            assert_eq!(list(&next(viewer).await), n as usize - 1);
        }
        event.set_owner(new);
        world.hub.apply(Announcement::Event(Arc::new(event.clone()))).unwrap();
        for viewer in [&mut runner, &mut stage] {
            assert_eq!(list(&next(viewer).await), 0, "as everybody sees it");
        }
        world.hub.apply(Announcement::Poll(Arc::new(written(n, &event)))).unwrap();
        for viewer in [&mut runner, &mut stage] {
            assert_eq!(rest(viewer).await, Vec::<Value>::new(), "not even that there is one more");
        }
    }
}
