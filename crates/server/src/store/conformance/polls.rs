//! The contract about polls: creating, changing, finding, settling.

use pollux_core::kind::number::{self, Decimal};
use pollux_core::kind::{KindDraft, points, ranking, rating};
use pollux_core::poll::{Draft, Poll, PollStatus, Turnout};

use super::{Backend, NOW, Worker, at, change, create, draft_poll, open_poll, poll_id, some_tally};
use crate::store::{
    CODE_REST_MILLIS, ChangeError, Commit, Created, IDEMPOTENCY_MILLIS, IdempotencyKey, Listing,
    Store,
};

fn codes(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn key(key: &str, request: u8) -> Option<IdempotencyKey> {
    Some(IdempotencyKey { key: key.into(), request: [request; 32] })
}

/// Makes poll `n`, created at another time than its id says.
fn made_at(n: u64, millis: u64) -> Poll {
    Poll { created_at: at(millis), ..open_poll(n) }
}

pub async fn creates_and_reads_back(backend: &dyn Backend) {
    let store = backend.fresh(3).await;
    assert_eq!(store.standing(poll_id(1)).await.unwrap(), None);
    assert_eq!(store.by_code("100001").await.unwrap(), None);
    let mut poll = open_poll(1);
    poll.question = "Ünïcode, \"quotes\" and 🗳?'); DROP TABLE polls; --".into();
    let kept = create(&*store, poll.clone()).await;
    assert_eq!(kept, Poll { code: "100001".into(), ..poll });
    let standing = store.standing(kept.id).await.unwrap().unwrap();
    assert_eq!(*standing.poll, kept);
    assert_eq!(standing.tallies().count(), 0);
    assert_eq!(store.by_code("100001").await.unwrap(), Some(standing));
    // Polls of every kind are kept.
    let texts = || vec!["The room".into(), "The food".into()];
    let high_label = "great".into();
    let rating = rating::Draft { statements: texts(), high_label, ..Default::default() };
    let ranking = ranking::Draft { options: texts(), places: Some(1) };
    let points = points::Draft { options: texts(), budget: Some(1000) };
    let number = number::Draft {
        min: Some(Decimal::of_millionths(-999_999_999_999_999)),
        max: Some(Decimal::of_millionths(999_999_999_999_999)),
        step: Some(Decimal::of_millionths(666_666_666_666_666)),
        unit: "µg/m²".into(),
        solution: Some(Decimal::of_millionths(1)),
    };
    let kinds = [
        KindDraft::Ranking(ranking),
        KindDraft::Points(points),
        KindDraft::Number(number),
        KindDraft::Rating(rating),
    ];
    let mut rated = kept.clone();
    for (n, kind) in (2..).zip(kinds) {
        let draft = Draft::new("How was it?", kind);
        let poll = Poll::draft(poll_id(n), draft, [2; 32], at(NOW)).unwrap();
        rated = create(&*store, poll).await;
        assert_eq!(*store.standing(rated.id).await.unwrap().unwrap().poll, rated);
    }
    let turnout = Turnout::Hidden;
    let other = Draft { question: "Which?".into(), turnout, ..open_poll(1).to_draft() };
    change(&*store, &mut rated, |poll| poll.edit(other, at(NOW)).unwrap()).await;
    let store = backend.reopen(store).await;
    assert_eq!(*store.standing(rated.id).await.unwrap().unwrap().poll, rated);
    assert_eq!((rated.turnout, kept.turnout), (Turnout::Hidden, Turnout::Shown));
    store.ready().unwrap();
}

pub async fn gives_the_first_free_code(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    create(&*store, open_poll(1)).await;
    let offered = codes(&["100001", "222222", "333333"]);
    let Created::New(second) = store.create(open_poll(2), offered, None).await.unwrap() else {
        panic!("a code was free")
    };
    assert_eq!(second.code, "222222");
    let offered = codes(&["222222", "100001"]);
    let third = store.create(open_poll(3), offered, None).await.unwrap();
    assert_eq!(third, Created::CodesTaken);
    assert_eq!(store.standing(poll_id(3)).await.unwrap(), None, "nothing was kept");
}

pub async fn frees_a_code_a_month_after_the_close(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    // The four polls are closed; closed and later deleted; deleted while open; deleted as a draft.
    for (n, close, delete) in
        [(1, true, false), (2, true, true), (3, false, true), (4, false, true)]
    {
        let poll = if n == 4 { draft_poll(n) } else { open_poll(n) };
        let mut poll = create(&*store, poll).await;
        let code = codes(&[&poll.code]);
        if close {
            change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW + 500)).unwrap())).await;
        }
        if delete {
            let when = NOW + if close { 900 } else { 500 };
            change(&*store, &mut poll, |poll| poll.delete(at(when)).unwrap()).await;
        }
        let month = NOW + 500 + CODE_REST_MILLIS;
        let early = store.create(made_at(10 + n, month), code.clone(), None).await.unwrap();
        assert_eq!(early, Created::CodesTaken, "{n}: not yet more than a month");
        let late = store.create(made_at(20 + n, month + 1), code, None).await.unwrap();
        assert!(matches!(late, Created::New(_)), "{n}: {late:?}");
        let led_to = store.by_code(&poll.code).await.unwrap().unwrap();
        assert_eq!(led_to.poll.id, poll_id(20 + n), "the code leads to the new poll");
        assert!(store.standing(poll.id).await.unwrap().is_some(), "the old one is still kept");
    }
}

pub async fn opens_no_poll_whose_code_has_passed_on(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut old = create(&*store, open_poll(1)).await;
    change(&*store, &mut old, |poll| assert!(poll.close(at(NOW)).unwrap())).await;
    // The poll is opened and closed once more: the month begins anew, and until then it has its code.
    change(&*store, &mut old, |poll| assert!(poll.reopen(at(NOW)).unwrap())).await;
    change(&*store, &mut old, |poll| assert!(poll.close(at(NOW + 5)).unwrap())).await;
    let later = NOW + 6 + CODE_REST_MILLIS;
    let new = store.create(made_at(2, later), codes(&[&old.code]), None).await.unwrap();
    assert!(matches!(new, Created::New(_)), "{new:?}");
    let mut opened = old.clone();
    assert!(opened.reopen(at(later)).unwrap());
    let stale = old.revision - 1;
    assert_eq!(store.change(&opened, stale).await, Err(ChangeError::Conflict));
    assert_eq!(store.change(&opened, old.revision).await, Err(ChangeError::CodeTaken));
    let kept = store.standing(old.id).await.unwrap().unwrap();
    assert_eq!(*kept.poll, old, "nothing was changed");
    // The poll can still be shown, reset and deleted, and does not hinder the new one.
    change(&*store, &mut old, |poll| poll.reset(at(NOW)).unwrap()).await;
    change(&*store, &mut old, |poll| poll.delete(at(later)).unwrap()).await;
    let Created::New(mut new) = new else { unreachable!() };
    change(&*store, &mut new, |poll| assert!(poll.close(at(later)).unwrap())).await;
    change(&*store, &mut new, |poll| assert!(poll.reopen(at(later)).unwrap())).await;
    assert_eq!(store.by_code(&new.code).await.unwrap().unwrap().poll.id, new.id);
}

pub async fn keeps_the_code_of_an_open_poll(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, open_poll(1)).await;
    change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW)).unwrap())).await;
    change(&*store, &mut poll, |poll| assert!(poll.reopen(at(NOW)).unwrap())).await;
    let later = made_at(2, NOW + 10 * CODE_REST_MILLIS);
    let created = store.create(later, codes(&[&poll.code]), None).await.unwrap();
    assert_eq!(created, Created::CodesTaken);
}

pub async fn remembers_idempotency_keys_for_a_day(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let make = |n, millis, key| store.create(made_at(n, millis), codes(&[&n.to_string()]), key);
    let Created::New(mut first) = make(1, NOW, key("k", 1)).await.unwrap() else { panic!() };
    change(&*store, &mut first, |poll| assert!(poll.close(at(NOW + 5)).unwrap())).await;
    let day = NOW + IDEMPOTENCY_MILLIS;
    let again = make(2, day, key("k", 1)).await.unwrap();
    assert_eq!(again, Created::Before(first), "as it is now");
    assert_eq!(make(3, day, key("k", 2)).await.unwrap(), Created::KeyReused);
    assert_eq!(store.standing(poll_id(3)).await.unwrap(), None);
    assert!(matches!(make(4, day, key("other", 1)).await.unwrap(), Created::New(_)));
    let forgotten = make(5, day + 1, key("k", 2)).await.unwrap();
    assert!(matches!(forgotten, Created::New(_)), "{forgotten:?}");
    let taken = make(6, day + 2, key("k", 1)).await.unwrap();
    assert_eq!(taken, Created::KeyReused, "the key now stands for the later request");
}

pub async fn creating_twice_is_creating_once(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let kept = create(&*store, open_poll(1)).await;
    let again = store.create(open_poll(1), codes(&["222222"]), None).await.unwrap();
    assert_eq!(again, Created::Before(kept));
    assert_eq!(store.by_code("222222").await.unwrap(), None);
}

pub async fn changes_only_the_expected_revision(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let kept = create(&*store, open_poll(1)).await;
    let mut mine = kept.clone();
    mine.close(at(NOW + 9)).unwrap();
    let mut theirs = kept.clone();
    theirs.delete(at(NOW)).unwrap();
    store.change(&mine, kept.revision).await.unwrap();
    assert_eq!(store.change(&theirs, kept.revision).await, Err(ChangeError::Conflict));
    assert_eq!(*store.standing(kept.id).await.unwrap().unwrap().poll, mine);
    let unknown = open_poll(2);
    assert_eq!(store.change(&unknown, unknown.revision).await, Err(ChangeError::Conflict));
    assert_eq!(store.standing(unknown.id).await.unwrap(), None);
}

async fn listed(store: &dyn Store, listing: Listing) -> Vec<u64> {
    let polls = store.list(listing).await.unwrap();
    polls.iter().map(|standing| standing.poll.id.time().0 - NOW).collect()
}

/// Creates seven polls: 1 draft, 2 open, 3 closed, 4 deleted, 5 open but unlisted, 6 open, 7 an
/// unlisted draft.
async fn seven_polls(store: &dyn Store) {
    for n in 1..=7 {
        let mut poll = if n == 1 || n == 7 { draft_poll(n) } else { open_poll(n) };
        poll.listed = n != 5 && n != 7;
        let mut poll = create(store, poll).await;
        match n {
            3 => change(store, &mut poll, |poll| assert!(poll.close(at(NOW)).unwrap())).await,
            4 => change(store, &mut poll, |poll| poll.delete(at(NOW)).unwrap()).await,
            _ => {}
        }
    }
}

pub async fn lists_newest_first(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let all = Listing { limit: 100, ..Listing::default() };
    assert_eq!(listed(&*store, all).await, [0; 0]);
    seven_polls(&*store).await;
    let mut worker = Worker::begin(&*store, 1).await;
    worker.vote(&open_poll(6), super::voter(1), super::ballot_id(1), &[2]).await;
    assert_eq!(listed(&*store, all).await, [6, 3, 2]);
    let polls = store.list(all).await.unwrap();
    assert_eq!(polls[0].counts(), [0, 1, 0], "with its tallies");
    assert_eq!(polls[1].counts(), [0, 0, 0]);
    assert_eq!(listed(&*store, Listing { all: true, ..all }).await, [7, 6, 5, 4, 3, 2, 1]);
}

pub async fn lists_by_status_and_page(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    seven_polls(&*store).await;
    let of = |status, all| Listing { status: Some(status), limit: 100, all, before: None };
    assert_eq!(listed(&*store, of(PollStatus::Draft, false)).await, [1]);
    assert_eq!(listed(&*store, of(PollStatus::Open, false)).await, [6, 2]);
    assert_eq!(listed(&*store, of(PollStatus::Closed, false)).await, [3]);
    assert_eq!(listed(&*store, of(PollStatus::Deleted, false)).await, [4]);
    assert_eq!(listed(&*store, of(PollStatus::Open, true)).await, [6, 5, 2]);
    assert_eq!(listed(&*store, of(PollStatus::Draft, true)).await, [7, 1]);
    let page = |before, limit| Listing { before, limit, ..Listing::default() };
    assert_eq!(listed(&*store, page(None, 2)).await, [6, 3]);
    assert_eq!(listed(&*store, page(Some(poll_id(3)), 2)).await, [2]);
    assert_eq!(listed(&*store, page(Some(poll_id(2)), 2)).await, [0; 0]);
    assert_eq!(listed(&*store, page(None, 0)).await, [0; 0]);
    let page = Listing { before: Some(poll_id(6)), limit: 3, all: true, status: None };
    assert_eq!(listed(&*store, page).await, [5, 4, 3]);
}

pub async fn finds_due_polls(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    for (n, closes_at) in [(1, Some(300)), (2, Some(200)), (3, None), (4, Some(200))] {
        let poll = open_poll(n);
        create(&*store, Poll { closes_at: closes_at.map(|ms| at(NOW + ms)), ..poll }).await;
    }
    let mut draft = draft_poll(5);
    draft.closes_at = Some(at(NOW + 100));
    create(&*store, draft).await;
    let due = async |now| {
        let polls = store.due(at(NOW + now), None, 100).await.unwrap();
        polls.iter().map(|poll| poll.id.time().0 - NOW).collect::<Vec<_>>()
    };
    assert_eq!(due(199).await, [0; 0]);
    assert_eq!(due(200).await, [2, 4]);
    assert_eq!(due(300).await, [2, 4, 1]);
    let mut second = (*store.standing(poll_id(2)).await.unwrap().unwrap().poll).clone();
    change(&*store, &mut second, |poll| assert!(poll.close(at(NOW + 200)).unwrap())).await;
    assert_eq!(due(300).await, [4, 1], "what is closed is not due");
    let mut fourth = (*store.standing(poll_id(4)).await.unwrap().unwrap().poll).clone();
    change(&*store, &mut fourth, |poll| poll.delete(at(NOW)).unwrap()).await;
    assert_eq!(due(300).await, [1]);
}

pub async fn gives_due_polls_a_page_at_a_time(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    for (n, ms) in [(1, 300), (2, 200), (3, 200), (4, 200), (5, 100)] {
        create(&*store, Poll { closes_at: Some(at(NOW + ms)), ..open_poll(n) }).await;
    }
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = store.due(at(NOW + 300), after, 2).await.unwrap();
        pages.push(page.iter().map(|poll| poll.id.time().0 - NOW).collect::<Vec<_>>());
        let Some(last) = page.last() else { break };
        after = Some((last.closes_at.unwrap(), last.id));
    }
    assert_eq!(pages, [vec![5, 2], vec![3, 4], vec![1], vec![]]);
    let behind = store.due(at(NOW + 200), Some((at(NOW + 200), poll_id(3))), 9).await.unwrap();
    assert_eq!(behind.len(), 1, "what is due later is not among them");
}

pub async fn closes_many_and_none_that_has_changed(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let mut over = Vec::new();
    for n in 1..=300 {
        let mut poll = create(&*store, open_poll(n)).await;
        let expected = poll.revision;
        assert!(poll.close(at(NOW + 1000)).unwrap());
        over.push((poll, expected));
    }
    // Somebody else has changed one poll, and another was never here.
    let mut changed = (*store.standing(poll_id(7)).await.unwrap().unwrap().poll).clone();
    change(&*store, &mut changed, |poll| poll.reset(at(NOW)).unwrap()).await;
    let mut stranger = open_poll(999);
    assert!(stranger.close(at(NOW + 1000)).unwrap());
    over.push((stranger, 1));
    let closed = store.close(&over).await.unwrap();
    let not_closed = (1..).zip(&closed).filter(|(_, closed)| !**closed).map(|(n, _)| n);
    assert_eq!(not_closed.collect::<Vec<u64>>(), [7, 301]);
    let store = backend.reopen(store).await;
    for (n, (poll, _)) in (1..).zip(&over[..300]) {
        let kept = store.standing(poll_id(n)).await.unwrap().unwrap().poll;
        assert_eq!(*kept, if n == 7 { changed.clone() } else { poll.clone() });
    }
    assert_eq!(store.standing(poll_id(999)).await.unwrap(), None);
    assert_eq!(store.close(&[]).await.unwrap(), [false; 0]);
    assert_eq!(store.close(&over).await.unwrap(), [false; 301], "once");

    // No partition has heard of the closed polls, so they are unsettled, and come a page at a time.
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = store.unsettled(after, 128).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        pages.push(page.len());
    }
    assert_eq!(pages, [128, 128, 44]);
}

pub async fn gives_unsettled_polls_past_those_that_are_settled(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut worker = Worker::begin(&*store, 0).await;
    for n in 1..=7 {
        let poll = create(&*store, open_poll(n)).await;
        if n != 6 {
            worker.control(&poll).await;
        }
    }
    let unsettled = store.unsettled(None, 2).await.unwrap();
    assert_eq!(unsettled.iter().map(|poll| poll.id).collect::<Vec<_>>(), [poll_id(6)]);
    assert_eq!(store.unsettled(Some(poll_id(6)), 2).await.unwrap(), []);
}

pub async fn keeps_unsettled_polls_until_every_partition_has_heard(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let mut draft = create(&*store, draft_poll(3)).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [], "nobody hears of a draft");
    let mut poll = create(&*store, open_poll(1)).await;
    assert_eq!(
        store.unsettled(None, 100).await.unwrap(),
        [poll.clone()],
        "made and opened at once"
    );
    change(&*store, &mut draft, |poll| poll.open(at(NOW)).unwrap()).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [poll.clone(), draft.clone()], "opened");

    let mut zero = Worker::begin(&*store, 0).await;
    let mut one = Worker::begin(&*store, 1).await;
    // A ballot of the present phase tells a partition as much as the control record does.
    zero.vote(&poll, super::voter(1), super::ballot_id(1), &[1]).await;
    one.control(&poll).await;
    zero.control(&draft).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [draft.clone()]);
    one.control(&draft).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), []);

    let reopen = |poll: &mut Poll| assert!(poll.reopen(at(NOW + 3)).unwrap());
    let close = |poll: &mut Poll| assert!(poll.close(at(NOW + 2)).unwrap());
    let delete = |poll: &mut Poll| poll.delete(at(NOW + 4)).unwrap();
    let steps: [&(dyn Fn(&mut Poll) + Sync); 5] =
        [&close, &reopen, &|poll| poll.reset(at(NOW)).unwrap(), &close, &delete];
    for (n, step) in steps.iter().enumerate() {
        change(&*store, &mut poll, step).await;
        assert_eq!(store.unsettled(None, 100).await.unwrap(), [poll.clone()], "after step {n}");
        zero.control(&poll).await;
        assert_eq!(
            store.unsettled(None, 100).await.unwrap(),
            [poll.clone()],
            "one of two, step {n}"
        );
        one.control(&poll).await;
        assert_eq!(store.unsettled(None, 100).await.unwrap(), [], "both have heard, step {n}");
        let standing = store.standing(poll.id).await.unwrap().unwrap();
        assert_eq!(standing.seen_everywhere(), poll.phase);
        assert_eq!(standing.is_final(), poll.status == PollStatus::Closed);
    }

    // A change without a new phase unsettles nothing, and the last of two phases settles both.
    let mut other = draft;
    change(&*store, &mut other, |poll| {
        poll.revealed = true;
        poll.revision += 1;
    })
    .await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), []);
    change(&*store, &mut other, close).await;
    let closed = other.clone();
    change(&*store, &mut other, reopen).await;
    zero.control(&closed).await;
    one.control(&closed).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [other.clone()]);
    zero.control(&other).await;
    let store = backend.reopen(store).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [other.clone()], "after a restart");
    let mut one = Worker::begin(&*store, 1).await;
    one.control(&other).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), []);

    // A deleted draft is in a phase like any other poll.
    let mut unopened = create(&*store, draft_poll(5)).await;
    change(&*store, &mut unopened, delete).await;
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [unopened]);
}

pub async fn a_change_survives_a_restart(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let mut poll = create(&*store, open_poll(1)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    let tally = worker.at(&poll, some_tally(&[1, 0, 0]), 5);
    let commit = Commit { from: 0, to: 5, tallies: vec![tally], ..Commit::default() };
    store.commit(0, &commit).await.unwrap();
    worker.next = 5;
    for n in 0..9 {
        worker.vote(&poll, super::voter(n), super::ballot_id(7), &[3]).await;
    }
    change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW + 2)).unwrap())).await;
    let before = store.standing(poll.id).await.unwrap();
    let store = backend.reopen(store).await;
    assert_eq!(store.standing(poll.id).await.unwrap(), before);
    assert_eq!(before.unwrap().counts(), [1, 0, 9]);
    assert_eq!(store.unsettled(None, 100).await.unwrap(), [poll.clone()]);
    assert_eq!(store.begin(0, super::generation(1)).await.unwrap().next_offset, 14);
    for n in 0..9 {
        let state = store.voter(poll.id, super::voter(n)).await.unwrap();
        assert_eq!(state.counted, Some((super::ballot_id(7), super::choosing(&[3]))));
    }
    let taken = store.create(open_poll(2), codes(&[&poll.code]), None).await.unwrap();
    assert_eq!(taken, Created::CodesTaken);
}
