//! A viewer who follows an event is sent the right messages, by a clock that the test moves.

use std::sync::Arc;

use pollux_core::announcement::Announcement;
use pollux_core::event::{Event, EventDraft};
use pollux_core::id::{EventId, UnixMillis};
use pollux_core::poll::{Draft, Poll, Results};
use pollux_core::standing::Standing;
use pollux_server::config::WatchLimits;
use pollux_server::watch::grants::Proof;
use pollux_server::watch::hub::Missing;
use pollux_server::watch::stream::{EventStream, event_stream};
use pollux_server::watch::viewer::{Interest, Watched};
use serde_json::{Value, json};

use super::world::*;

fn event(n: u64) -> Event {
    let id = EventId::new(UnixMillis(NOW.0 + n), [9; 10]);
    let draft = EventDraft { title: Some(format!("Event {n}")), ..EventDraft::default() };
    let event = Event::new(id, draft, [0; 32], NOW).unwrap();
    Event { code: format!("{:06}", 200_000 + n), ..event }
}

/// Returns a poll of the event that nobody has voted in.
fn of(event: &Event, n: u64) -> Standing {
    let mut poll = (*poll(n, Results::Live, true)).clone();
    event.adopt(&mut poll).unwrap();
    Standing::new(Arc::new(poll), PARTITIONS)
}

fn draft_of(event: &Event, n: u64) -> Poll {
    let made = poll(n, Results::Live, true);
    let mut draft =
        Poll::draft(made.id, Draft::new("Draft?", ["One", "Two"]), [0; 32], NOW).unwrap();
    event.adopt(&mut draft).unwrap();
    draft
}

fn follow(world: &World, event: &Event) -> EventStream {
    let interest = Interest { event: Some(Watched::Event(event.id)), ..Interest::default() };
    event_stream(&world.hub, interest, None)
}

fn show(world: &World, event: &mut Event, poll: Option<&Standing>) {
    event.show(poll.map(|poll| poll.poll.id));
    world.hub.apply(Announcement::Event(Arc::new(event.clone()))).unwrap();
}

/// Returns each message's type, and the id of the poll that it is about: the one shown, or the current one.
fn told(messages: &[Value]) -> Vec<(&str, &Value)> {
    let about = |message: &'_ Value| match message["type"].as_str() {
        Some("event.changed") => "/event/current",
        _ => "/poll/id",
    };
    let each = messages.iter();
    each.map(|m| (m["type"].as_str().unwrap(), m.pointer(about(m)).unwrap())).collect()
}

/// Makes an event with two open polls, none on stage, and a viewer whose hello has been read.
async fn two(world: &World) -> (Event, [Standing; 2], EventStream) {
    let event = event(1);
    let polls = [of(&event, 1), of(&event, 2)];
    for poll in &polls {
        world.hub.merge(poll.clone());
    }
    world.hub.merge_event(event.clone(), &polls);
    let mut viewer = follow(world, &event);
    let hello = next(&mut viewer).await;
    assert_eq!((&hello["type"], &hello["polls"]), (&json!("hello"), &json!([])));
    assert_eq!(hello["event"]["code"], "200001");
    (event, polls, viewer)
}

#[tokio::test(start_paused = true)]
async fn a_viewer_follows_from_poll_to_poll() {
    let world = World::new(WatchLimits::default());
    let (mut event, [one, two], mut viewer) = two(&world).await;
    let (first, second) = (json!(one.poll.id.to_string()), json!(two.poll.id.to_string()));
    show(&world, &mut event, Some(&one));
    let messages = rest(&mut viewer).await;
    assert_eq!(told(&messages), [("event.changed", &first), ("poll.updated", &first)]);
    show(&world, &mut event, Some(&two));
    let messages = rest(&mut viewer).await;
    assert_eq!(told(&messages), [("event.changed", &second), ("poll.updated", &second)]);
    world.tally(&one.poll, 0, [5, 0]);
    world.tally(&two.poll, 0, [7, 0]);
    let messages = rest(&mut viewer).await;
    // The list tells that a partition has heard of the opening; only the poll's own messages tell of votes.
    let polls: Vec<_> =
        told(&messages).into_iter().filter(|(kind, _)| *kind != "event.changed").collect();
    assert_eq!(polls, [("poll.updated", &second)], "the other one is off stage");
    show(&world, &mut event, None);
    let messages = rest(&mut viewer).await;
    assert_eq!(told(&messages), [("event.changed", &Value::Null)]);
    world.tally(&two.poll, 1, [7, 0]);
    let messages = rest(&mut viewer).await;
    assert!(messages.iter().all(|message| message["type"] == "event.changed"), "{messages:?}");
    let mut late = follow(&world, &event);
    assert_eq!(next(&mut late).await["event"]["current"], Value::Null);
    show(&world, &mut event, Some(&one));
    assert_eq!(next(&mut late).await["type"], "event.changed");
    let mut later = follow(&world, &event);
    let hello = next(&mut later).await;
    assert_eq!((&hello["event"]["current"], &hello["polls"][0]["id"]), (&first, &first));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_skips_to_the_newest() {
    let world = World::new(WatchLimits::default());
    let (mut event, [one, two], mut viewer) = two(&world).await;
    for _ in 0..20 {
        for poll in [&two, &one] {
            show(&world, &mut event, Some(poll));
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
    let first = json!(one.poll.id.to_string());
    let messages = rest(&mut viewer).await;
    assert_eq!(told(&messages), [("event.changed", &first), ("poll.updated", &first)]);
}

#[tokio::test(start_paused = true)]
async fn only_who_runs_the_event_is_shown_drafts() {
    let world = World::new(WatchLimits::default());
    let (event, _, mut public) = two(&world).await;
    let mut staff = follow(&world, &event);
    next(&mut staff).await;
    staff.viewer().promote(Proof::Stage(event.owner));
    assert_eq!(next(&mut staff).await["event"]["polls"].as_array().unwrap().len(), 2);
    let mut draft = draft_of(&event, 3);
    world.hub.apply(Announcement::Poll(Arc::new(draft.clone()))).unwrap();
    let told = next(&mut staff).await;
    assert_eq!(told["event"]["polls"][2]["status"], "draft");
    assert_eq!(rest(&mut public).await, [json!(null); 0], "not even that there is one");
    draft.open(NOW).unwrap();
    world.hub.merge(Standing::new(Arc::new(draft), PARTITIONS));
    for viewer in [&mut staff, &mut public] {
        assert_eq!(next(viewer).await["event"]["polls"][2]["status"], "open");
    }
}

#[tokio::test(start_paused = true)]
async fn the_agenda_says_when_a_poll_is_final_and_when_it_is_gone() {
    let world = World::new(WatchLimits::default());
    let (_, [one, _], mut viewer) = two(&world).await;
    let mut poll = one.poll.clone();
    world.change(&mut poll, |poll| assert!(poll.close(NOW).unwrap()));
    let closed = next(&mut viewer).await["event"]["polls"][0].clone();
    assert_eq!((&closed["status"], &closed["final"]), (&json!("closed"), &json!(false)));
    for partition in 0..PARTITIONS {
        world.tally(&poll, partition, [1, 1]);
    }
    let messages = rest(&mut viewer).await;
    assert_eq!(messages.last().unwrap()["event"]["polls"][0]["final"], true);
    world.change(&mut poll, |poll| assert!(poll.reopen(NOW).unwrap()));
    assert_eq!(next(&mut viewer).await["event"]["polls"][0]["status"], "open");
    world.change(&mut poll, |poll| poll.delete(NOW).unwrap());
    assert_eq!(next(&mut viewer).await["event"]["polls"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_and_its_poll_come_on_stage_together() {
    let world = World::new(WatchLimits::default());
    let (mut event, [one, two], mut viewer) = two(&world).await;
    // The poll was made on another node, which announced it before this one could load it.
    let new = of(&event, 3);
    event.show(Some(new.poll.id));
    let told_of = world.hub.apply(Announcement::Event(Arc::new(event.clone())));
    assert_eq!(told_of, Err(Missing::Event(event.id)));
    assert_eq!(rest(&mut viewer).await, [json!(null); 0]);
    world.hub.merge_event(event.clone(), &[one, two, new.clone()]);
    let id = json!(new.poll.id.to_string());
    let messages = rest(&mut viewer).await;
    assert_eq!(told(&messages), [("event.changed", &id), ("poll.updated", &id)]);
    event.delete(NOW);
    world.hub.apply(Announcement::Event(Arc::new(event.clone()))).unwrap();
    let end = next(&mut viewer).await;
    assert_eq!((&end["event"]["current"], &end["event"]["polls"]), (&Value::Null, &json!([])));
    assert_eq!(world.hub.agenda(event.id), None);
}

#[tokio::test(start_paused = true)]
async fn what_this_node_does_not_know_is_to_be_loaded() {
    let world = World::new(WatchLimits::default());
    let mut event = event(1);
    let told = |event: &Event| world.hub.apply(Announcement::Event(Arc::new(event.clone())));
    assert_eq!(told(&event), Err(Missing::Event(event.id)));
    let draft = Arc::new(draft_of(&event, 3));
    assert_eq!(world.hub.apply(Announcement::Poll(draft)), Err(Missing::Event(event.id)));
    let alone = Poll { event: None, ..draft_of(&event, 4) };
    assert_eq!(world.hub.apply(Announcement::Poll(Arc::new(alone))), Ok(()), "nobody is shown it");
    event.delete(NOW);
    assert_eq!(told(&event), Ok(()), "gone");
}

#[tokio::test(start_paused = true)]
async fn events_are_forgotten_beyond_the_limit_but_not_while_watched() {
    let world = World::new(WatchLimits { events: 3, ..WatchLimits::default() });
    world.hub.merge_event(event(1), &[]);
    let _viewer = follow(&world, &event(1));
    for n in 2..=9 {
        world.hub.merge_event(event(n), &[]);
    }
    assert_eq!(world.hub.events().len(), 3);
    assert!(world.hub.agenda(event(1).id).is_some(), "it is watched");
    assert_eq!(world.hub.event_by_code("200009"), Some(event(9).id));
    assert_eq!(world.hub.event_by_code("200002"), None);
}

#[tokio::test(start_paused = true)]
async fn events_are_forgotten_when_they_list_more_polls_than_the_limit() {
    let world = World::new(WatchLimits { event_polls: 6, ..WatchLimits::default() });
    let drafts = |n: u64, polls: std::ops::Range<u64>| -> Vec<Standing> {
        let draft = |m| Standing::new(Arc::new(draft_of(&event(n), 10 * n + m)), PARTITIONS);
        polls.map(draft).collect()
    };
    world.hub.merge_event(event(1), &drafts(1, 0..2));
    let _viewer = follow(&world, &event(1));
    world.hub.merge_event(event(2), &drafts(2, 0..2));
    world.hub.merge_event(event(3), &drafts(3, 0..2));
    assert_eq!(world.hub.events().len(), 3);
    // There is one more draft in an event that is known; it is announced twice.
    for _ in 0..2 {
        let draft = drafts(3, 2..3).remove(0).poll;
        assert_eq!(world.hub.apply(Announcement::Poll(draft)), Ok(()));
    }
    assert_eq!(world.hub.events(), [event(1).id, event(3).id], "the oldest that nobody watches");
    world.hub.merge_event(event(4), &drafts(4, 0..1));
    assert_eq!(world.hub.events().len(), 3, "what is forgotten is not counted any more");
    world.hub.merge_event(event(4), &drafts(4, 1..2));
    assert_eq!(world.hub.events(), [event(1).id, event(4).id]);
}
