//! The contract about events: creating, changing, and where their codes lead.

use pollux_core::event::{Event, EventDraft, Layout};
use pollux_core::poll::Poll;

use super::{
    Backend, NOW, at, change, create, create_event, draft_poll, event_id, new_event, open_poll,
    poll_id,
};
use crate::store::{
    CODE_REST_MILLIS, ChangeError, Created, EventAndPolls, IDEMPOTENCY_MILLIS, IdempotencyKey,
    Store,
};

fn codes(code: &str) -> Vec<String> {
    vec![code.to_owned()]
}

/// Creates a poll of this event, and returns it as it is kept.
async fn add(store: &dyn Store, event: &Event, n: u64, open: bool) -> Poll {
    let mut poll = draft_poll(n);
    event.adopt(&mut poll).unwrap();
    if open {
        poll.open(poll.created_at).unwrap();
    }
    let kept = store.create(poll.clone(), codes("999999"), None).await.unwrap();
    assert_eq!(kept, Created::New(poll.clone()), "it takes no code of its own");
    poll
}

fn ids((_, polls): &EventAndPolls) -> Vec<pollux_core::id::PollId> {
    polls.iter().map(|standing| standing.poll.id).collect()
}

pub async fn keeps_an_event_and_its_changes(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    assert_eq!(store.event(event_id(1)).await.unwrap(), None);
    let mut event = create_event(&*store, 1).await;
    assert_eq!(event, Event { code: "200001".into(), ..new_event(1) });
    assert_eq!(store.event(event.id).await.unwrap(), Some((event.clone(), vec![])));
    let again = store.create_event(new_event(1), codes("200009"), None).await.unwrap();
    assert_eq!(again, Created::Before(event.clone()), "creating twice is creating once");
    let (one, two) = (open_poll(1), open_poll(2));
    for poll in [&one, &two] {
        create(&*store, poll.clone()).await;
    }
    let expected = event.revision;
    let draft = EventDraft {
        title: Some("Ünïcode, \"quotes\" and 🗳".into()),
        accent: Some(Some("#0B5CAD".into())),
        layout: Some(Layout::Columns),
        order: Some(vec![two.id, one.id]),
        embed: Some(vec!["https://example.org".into(), "http://*.example.org:8080".into()]),
    };
    event.edit(draft, &[one.id, two.id]).unwrap();
    event.show(Some(two.id));
    event.set_owner([9; 32]);
    store.change_event(&event, expected, None).await.unwrap();
    let stale = store.change_event(&event, expected, None).await;
    assert_eq!(stale, Err(ChangeError::Conflict));
    let unknown = Event { id: event_id(7), ..event.clone() };
    let conflict = store.change_event(&unknown, event.revision, None).await;
    assert_eq!(conflict, Err(ChangeError::Conflict));
    let store = backend.reopen(store).await;
    assert_eq!(store.event(event.id).await.unwrap().unwrap().0, event);
    let expected = event.revision;
    assert!(event.delete(at(NOW + 5)));
    store.change_event(&event, expected, None).await.unwrap();
    assert_eq!(store.event(event.id).await.unwrap().unwrap().0, event);
}

pub async fn an_events_polls_take_its_code(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let (mut event, other) = (create_event(&*store, 1).await, create_event(&*store, 2).await);
    let late = add(&*store, &event, 3, false).await;
    let mut early = add(&*store, &event, 1, true).await;
    add(&*store, &other, 2, true).await;
    let found = store.event_by_code(&event.code).await.unwrap().unwrap();
    assert_eq!(found.0, event);
    assert_eq!(ids(&found), [early.id, late.id], "its own polls, by age, drafts too");
    assert_eq!(store.event(event.id).await.unwrap(), Some(found));
    assert_eq!(store.by_code(&event.code).await.unwrap(), None, "nothing is on stage");
    let expected = event.revision;
    event.show(Some(early.id));
    store.change_event(&event, expected, None).await.unwrap();
    let shown = store.by_code(&event.code).await.unwrap().unwrap();
    assert_eq!(*shown.poll, early);
    change(&*store, &mut early, |poll| assert!(poll.close(at(NOW + 5)).unwrap())).await;
    change(&*store, &mut early, |poll| assert!(poll.reopen(at(NOW + 6)).unwrap())).await;
    change(&*store, &mut early, |poll| poll.delete(at(NOW + 7)).unwrap()).await;
    let found = store.event(event.id).await.unwrap().unwrap();
    assert_eq!(ids(&found), [early.id, late.id], "deleted ones too");
    assert_eq!(*found.1[0].poll, early);
}

pub async fn a_code_leads_to_one_poll_or_event(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut lone = create(&*store, open_poll(1)).await;
    let event = create_event(&*store, 2).await;
    let taken = store.create_event(new_event(3), codes(&lone.code), None).await.unwrap();
    assert_eq!(taken, Created::CodesTaken);
    let taken = store.create(open_poll(4), codes(&event.code), None).await.unwrap();
    assert_eq!(taken, Created::CodesTaken);
    assert_eq!(store.event_by_code(&lone.code).await.unwrap(), None);
    assert_eq!(store.event_by_code("no\0code").await.unwrap(), None);
    let before = lone.code.clone();
    change(&*store, &mut lone, |poll| assert!(event.adopt(poll).unwrap())).await;
    for code in [&before, &event.code] {
        let (found, polls) = store.event_by_code(code).await.unwrap().unwrap();
        assert_eq!((found.id, &*polls[0].poll), (event.id, &lone), "{code}");
    }
    change(&*store, &mut lone, |poll| assert!(poll.close(at(NOW + 5)).unwrap())).await;
    change(&*store, &mut lone, |poll| assert!(poll.reopen(at(NOW + 6)).unwrap())).await;
}

pub async fn frees_an_events_code_a_month_after_its_end(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut event = create_event(&*store, 1).await;
    let code = codes(&event.code);
    let years = at(NOW + 40 * CODE_REST_MILLIS);
    let poll = Poll { created_at: years, ..open_poll(2) };
    let taken = store.create(poll, code.clone(), None).await.unwrap();
    assert_eq!(taken, Created::CodesTaken, "as long as the event is there");
    let expected = event.revision;
    event.delete(at(NOW + 500));
    store.change_event(&event, expected, None).await.unwrap();
    let month = NOW + 500 + CODE_REST_MILLIS;
    let early = Poll { created_at: at(month), ..open_poll(3) };
    let early = store.create(early, code.clone(), None).await.unwrap();
    assert_eq!(early, Created::CodesTaken, "not yet more than a month");
    let late = Poll { created_at: at(month + 1), ..open_poll(4) };
    let late = store.create(late, code.clone(), None).await.unwrap();
    assert!(matches!(late, Created::New(_)), "{late:?}");
    assert_eq!(store.event_by_code(&event.code).await.unwrap(), None, "it leads to the poll now");
    assert_eq!(store.by_code(&event.code).await.unwrap().unwrap().poll.id, poll_id(4));
}

pub async fn remembers_keys_of_events(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let key = |request: u8| Some(IdempotencyKey { key: "a key".into(), request: [request; 32] });
    let made = store.create_event(new_event(1), codes("222222"), key(1)).await.unwrap();
    let Created::New(event) = made else { panic!("{made:?}") };
    let again = store.create_event(new_event(2), codes("333333"), key(1)).await.unwrap();
    assert_eq!(again, Created::Before(event));
    let other = store.create_event(new_event(2), codes("333333"), key(2)).await.unwrap();
    assert_eq!(other, Created::KeyReused);
    let poll = store.create(open_poll(1), codes("333333"), key(1)).await.unwrap();
    assert_eq!(poll, Created::KeyReused, "it made an event");
    let tomorrow = Event { created_at: at(NOW + 2 + IDEMPOTENCY_MILLIS), ..new_event(2) };
    let tomorrow = store.create_event(tomorrow, codes("333333"), key(2)).await.unwrap();
    assert!(matches!(tomorrow, Created::New(_)), "{tomorrow:?}");
    let poll_key = Some(IdempotencyKey { key: "another".into(), request: [1; 32] });
    store.create(open_poll(1), codes("444444"), poll_key.clone()).await.unwrap();
    let reused = store.create_event(new_event(3), codes("555555"), poll_key).await.unwrap();
    assert_eq!(reused, Created::KeyReused, "it made a poll");
}

pub async fn keeps_a_logo_as_long_as_it_is_worn(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut event = create_event(&*store, 1).await;
    assert_eq!(store.logo(event.id).await.unwrap(), None);
    assert_eq!(store.logo(event_id(9)).await.unwrap(), None);
    let picture: Vec<u8> = (0..70_000).map(|n| n as u8).collect();
    let expected = event.revision;
    event.set_logo(Some("tag".into()));
    store.change_event(&event, expected, Some(&picture)).await.unwrap();
    assert_eq!(store.logo(event.id).await.unwrap().unwrap(), picture);
    let stale = store.change_event(&event, expected, Some(b"other")).await;
    assert_eq!(stale, Err(ChangeError::Conflict));
    let expected = event.revision;
    event.show(None);
    event.set_owner([3; 32]);
    store.change_event(&event, expected, None).await.unwrap();
    let store = backend.reopen(store).await;
    assert_eq!(store.logo(event.id).await.unwrap().unwrap(), picture, "other changes leave it");
    let expected = event.revision;
    event.set_logo(None);
    store.change_event(&event, expected, None).await.unwrap();
    assert_eq!(store.logo(event.id).await.unwrap(), None);
    assert_eq!(store.event(event.id).await.unwrap().unwrap().0, event);
}
