//! An event is checked when it is written, and every node puts together the same list of its polls.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use pollux_core::event::{Agenda, Event, EventDraft, Layout};
use pollux_core::gate::Gate;
use pollux_core::id::{EventId, Generation, PollId, UnixMillis};
use pollux_core::poll::{ChangeRefused, Draft, Poll, PollStatus};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::Tally;
use proptest::prelude::*;
use uuid::Uuid;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn event() -> Event {
    let draft = EventDraft { title: Some(" Conf ".into()), ..EventDraft::default() };
    Event::new(EventId::new(NOW, [1; 10]), draft, [7; 32], NOW).unwrap()
}

fn poll_id(n: u8) -> PollId {
    PollId::new(UnixMillis(NOW.0 + u64::from(n)), [n; 10])
}

fn draft(event: &Event, n: u8) -> Poll {
    let mut poll = Poll::draft(poll_id(n), Draft::new("Q?", ["a", "b"]), [0; 32], NOW).unwrap();
    event.adopt(&mut poll).unwrap();
    poll
}

fn pointers(refused: Result<(), ChangeRefused>) -> Vec<String> {
    match refused {
        Err(ChangeRefused::Invalid(broken)) => broken.into_iter().map(|b| b.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_checked_and_else_left_alone() {
    let mut event = event();
    assert_eq!((event.title.as_str(), event.revision), ("Conf", 1));
    let before = event.clone();
    let wrong = EventDraft {
        title: Some("\u{7}".into()),
        accent: Some(Some("#12345".into())),
        order: Some(vec![poll_id(1)]),
        embed: Some(vec!["https://ok.example".into(), "ftp://x".into()]),
        layout: Some(Layout::Columns),
    };
    let found = pointers(event.edit(wrong, &[poll_id(1), poll_id(2)]));
    assert_eq!(found, ["/title", "/accent", "/order", "/embed/1"]);
    assert_eq!(event, before, "all or nothing");
}

#[test]
fn an_origin_is_an_origin_and_nothing_that_gets_out_of_a_header() {
    let embed = |origins: &[&str]| {
        let mut event = event();
        let origins = origins.iter().map(ToString::to_string).collect();
        let draft = EventDraft { embed: Some(origins), ..EventDraft::default() };
        event.edit(draft, &[]).map(|()| event.embed)
    };
    let good = ["https://a.example", "http://localhost:5000", "https://*.a-b.example:8443"];
    assert_eq!(embed(&good).unwrap(), good);
    assert_eq!(embed(&["*"]).unwrap(), ["*"]);
    assert_eq!(
        embed(&["HTTPS://A.Example", " https://a.example "]).unwrap(),
        ["https://a.example"]
    );
    for bad in [
        "",
        "a.example",
        "https://",
        "https://a/",
        "https://a b",
        "https://a;script-src",
        "https://a,b",
        "https://a:99999",
        "https://a:",
        "https://a..b",
        "https://*",
        "https://a\r\nX: y",
        "'self'",
        "https://a?b",
        "https://user@a",
        "https://ä.example",
    ] {
        assert!(embed(&[bad]).is_err(), "{bad:?}");
    }
    assert!(embed(&["*", "https://a.example"]).is_err());
    assert!(embed(&["https://a.example"; 21]).is_err());
}

#[test]
fn a_poll_joins_one_event_and_answers_to_its_owner() {
    let (event, other) = (event(), Event { id: EventId::new(NOW, [2; 10]), ..event() });
    let mut poll = draft(&event, 1);
    assert_eq!((poll.event, poll.owner), (Some(event.id), event.owner));
    let revision = poll.revision;
    assert_eq!(event.adopt(&mut poll), Ok(false), "again");
    assert!(other.adopt(&mut poll).is_err());
    assert_eq!(poll.revision, revision);
    poll.delete(NOW).unwrap();
    assert_eq!(event.adopt(&mut poll), Err(ChangeRefused::Status(PollStatus::Deleted)));
}

#[test]
fn an_older_node_takes_no_hiding_of_an_event_back() {
    let known = Event { hidings: 3, ..event() };
    let mut agenda = Agenda::new(Arc::new(known.clone()), []);
    let older = Event { title: "New".into(), hidings: 0, revision: known.revision + 1, ..known };
    assert!(agenda.take_event(Arc::new(older)));
    assert_eq!((agenda.event.title.as_str(), agenda.event.hidings), ("New", 3));
}

/// Returns the states that a poll passes through, as standings: drafts, openings, tallies, closings,
/// deletion.
fn life(event: &Event, n: u8, steps: &[u8]) -> Vec<Standing> {
    let mut poll = draft(event, n);
    let mut standing = Standing::new(Arc::new(poll.clone()), 2);
    let mut offset = 0;
    let mut lives = vec![standing.clone()];
    for step in steps {
        match step % 6 {
            0 => drop(poll.open(NOW)),
            1 => drop(poll.close(NOW)),
            2 => drop(poll.reopen(NOW)),
            3 => drop(poll.reveal()),
            4 if *step > 250 => drop(poll.delete(NOW)),
            _ => {
                offset += 1;
                let tally = Tally {
                    phase: poll.phase,
                    gate: Gate::Open,
                    counts: vec![0; 2],
                    ..Tally::new()
                };
                standing.take_tally(TallyAt {
                    poll: poll.id,
                    partition: u32::from(step % 2),
                    generation: Generation(Uuid::nil()),
                    next_offset: offset,
                    tally,
                });
            }
        }
        standing.take_poll(Arc::new(poll.clone()));
        lives.push(standing.clone());
    }
    lives
}

proptest! {
    /// Whatever changes what is shown raises the version, and nothing lowers it.
    #[test]
    fn the_version_tells_every_change(steps: [Vec<u8>; 3]) {
        let mut event = event();
        let mut agenda = Agenda::new(Arc::new(event.clone()), []);
        let lives: Vec<_> = (1..).zip(&steps).map(|(n, steps)| life(&event, n, steps)).collect();
        let most = lives.iter().map(Vec::len).max().unwrap();
        let shown = |agenda: &Agenda, drafts: bool| {
            let polls = agenda.polls().into_iter().cloned();
            let polls: Vec<_> = polls.filter(|item| drafts || item.poll.status != PollStatus::Draft)
                .map(|item| (item.poll.id, item.poll.status, item.is_final, item.poll.revealed)).collect();
            (agenda.event.title.clone(), agenda.current(), polls)
        };
        for i in 0..most {
            for life in &lives {
                let before = [false, true].map(|drafts| (agenda.version(drafts), shown(&agenda, drafts)));
                if let Some(standing) = life.get(i) {
                    agenda.take_poll(standing);
                }
                if i % 4 == 3 {
                    event.show(Some(poll_id(1 + (i % 3) as u8)));
                    agenda.take_event(Arc::new(event.clone()));
                }
                for (drafts, (version, was)) in [false, true].into_iter().zip(before) {
                    let (now, is) = (agenda.version(drafts), shown(&agenda, drafts));
                    prop_assert!(now >= version, "it shrank");
                    prop_assert!(is == was || now > version, "{was:?} became {is:?} at {now}");
                }
            }
        }
    }

    /// Whatever the order of the announcements, and however often each comes, the end is the same.
    #[test]
    fn every_node_builds_the_same_agenda(
        steps: [Vec<u8>; 2],
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let event = Arc::new(event());
        let mut standings: Vec<Standing> =
            (1..).zip(&steps).flat_map(|(n, steps)| life(&event, n, steps)).collect();
        let straight = Agenda::new(event.clone(), &standings);
        let mixed: Vec<Standing> = order.iter().map(|i| i.get(&standings).clone()).collect();
        standings.reverse();
        let turned = Agenda::new(event.clone(), mixed.iter().chain(&standings));
        prop_assert_eq!(&turned, &straight);
        let mut taken = Agenda::new(event, &mixed);
        taken.take(straight.clone());
        prop_assert_eq!(taken, straight);
    }
}
