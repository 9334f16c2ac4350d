//! A rating, a ranking and points: which drafts and answers they refuse, and what they show.

#![allow(clippy::unwrap_used, missing_docs)]

use pollux_core::id::{PollId, UnixMillis};
use pollux_core::kind::points::{self, Split};
use pollux_core::kind::ranking::{self, Order};
use pollux_core::kind::words::Names;
use pollux_core::kind::{Answer, Form, Kind, KindDraft, rating};
use pollux_core::poll::{ChangeRefused, Draft, Poll};

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

fn of(draft: KindDraft) -> Poll {
    let id = PollId::new(NOW, [1; 10]);
    Poll::draft(id, Draft::new("Which?", draft), [0; 32], NOW).unwrap()
}

fn refusal(draft: KindDraft) -> Vec<String> {
    let id = PollId::new(NOW, [1; 10]);
    match Poll::draft(id, Draft::new("Which?", draft), [0; 32], NOW) {
        Err(ChangeRefused::Invalid(broken)) => broken.into_iter().map(|it| it.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rating_says_what_is_wrong_with_it() {
    let fine = rating::Draft { statements: vec!["a".into()], ..rating::Draft::default() };
    let Kind::Rating(kept) = of(KindDraft::Rating(fine.clone())).kind else { panic!() };
    assert_eq!((kept.steps, kept.lowest, kept.symbol), (5, 1, rating::Symbol::Stars));
    let eleven = rating::Draft { steps: Some(11), ..fine.clone() };
    let Kind::Rating(kept) = of(KindDraft::Rating(eleven)).kind else { panic!() };
    assert_eq!((kept.steps, kept.lowest, kept.symbol), (11, 0, rating::Symbol::Numbers));
    let bad = rating::Draft {
        statements: vec!["a".into(), " a".into(), "\u{7}".into()],
        steps: Some(12),
        lowest: Some(2),
        low_label: "x".repeat(41),
        high_label: "a\u{7}b".into(),
        symbol: None,
    };
    let pointers =
        ["/statements/1", "/statements/2", "/steps", "/lowest", "/lowLabel", "/highLabel"];
    assert_eq!(refusal(KindDraft::Rating(bad)), pointers);
    let none = rating::Draft { statements: Vec::new(), ..fine.clone() };
    assert_eq!(refusal(KindDraft::Rating(none)), ["/statements"]);
    let stars = rating::Draft { lowest: Some(0), symbol: Some(rating::Symbol::Stars), ..fine };
    assert_eq!(refusal(KindDraft::Rating(stars)), ["/symbol"]);
}

#[test]
fn the_mean_is_of_those_who_rated() {
    let statements = vec!["a".into(), "b".into()];
    let draft = rating::Draft { statements, steps: Some(3), ..rating::Draft::default() };
    let poll = of(KindDraft::Rating(draft));
    let rows = poll.kind.rows(&[1, 0, 3, 0, 0, 0]);
    let told: Vec<_> =
        rows.iter().map(|row| (row.text, row.votes, row.spread.unwrap().mean())).collect();
    assert_eq!(told, [("a", 4, Some(2.5)), ("b", 0, None)]);
}

/// Returns options with these names.
fn named<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

#[test]
fn a_ranking_says_what_is_wrong_with_it() {
    let kept = |places| {
        let draft = ranking::Draft { options: named(["a", "b", "c"]), places };
        let Kind::Ranking(kept) = of(KindDraft::Ranking(draft)).kind else { panic!() };
        kept.places
    };
    assert_eq!((kept(None), kept(Some(1)), kept(Some(3))), (3, 1, 3));
    let many = (0..=ranking::MAX_OPTIONS).map(|n| n.to_string()).collect();
    for (options, places, pointers) in [
        (named(["a"]), None, &["/options"][..]),
        (many, None, &["/options"]),
        (named(["a", " a"]), Some(0), &["/options/1", "/places"]),
        (named(["a", "b"]), Some(3), &["/places"]),
        (named(["a", "b"]), Some(257), &["/places"]),
    ] {
        let draft = ranking::Draft { options, places };
        assert_eq!(refusal(KindDraft::Ranking(draft)), pointers);
    }
}

#[test]
fn every_option_of_a_ranking_keeps_its_place_when_options_are_added() {
    let edited = |places| {
        let draft = ranking::Draft { options: named(["a", "b"]), places };
        let KindDraft::Ranking(draft) = of(KindDraft::Ranking(draft)).to_draft().kind else {
            panic!()
        };
        let more = ranking::Draft { options: named(["a", "b", "c"]), ..draft };
        let Kind::Ranking(kept) = of(KindDraft::Ranking(more)).kind else { panic!() };
        kept.places
    };
    assert_eq!((edited(None), edited(Some(2)), edited(Some(1))), (3, 3, 1));
}

#[test]
fn a_ranking_has_points_and_mean_places() {
    let draft = ranking::Draft { options: named(["a", "b", "c"]), places: Some(2) };
    let poll = of(KindDraft::Ranking(draft));
    let rows = poll.kind.rows(&[3, 1, 1, 0, 0, 0]);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.text, row.votes, row.points, row.spread.unwrap().mean()))
        .collect();
    let expected =
        [("a", 4, Some(7), Some(1.25)), ("b", 1, Some(2), Some(1.0)), ("c", 0, Some(0), None)];
    assert_eq!(told, expected);
}

#[test]
fn no_ballot_ranks_an_option_twice_or_one_that_is_not_there() {
    let form = Form::Ranking(ranking::Form { options: 3, places: 2 });
    let allows = |order: &[u8]| form.allows(&Answer::Ranking(Order::of(order.iter().copied())));
    for order in [&[1][..], &[3], &[3, 1]] {
        assert!(allows(order), "{order:?}");
    }
    for order in [&[][..], &[0], &[4], &[1, 1], &[1, 2, 3]] {
        assert!(!allows(order), "{order:?}");
    }
}

#[test]
fn points_say_what_is_wrong_with_them() {
    let options = || named(["a", "b"]);
    let kept = |budget| {
        let draft = points::Draft { options: options(), budget };
        let Kind::Points(kept) = of(KindDraft::Points(draft)).kind else { panic!() };
        kept.budget
    };
    assert_eq!((kept(None), kept(Some(1)), kept(Some(1000))), (100, 1, 1000));
    let many = (0..=points::MAX_OPTIONS).map(|n| n.to_string()).collect();
    for (options, budget, pointers) in [
        (named(["a"]), None, &["/options"][..]),
        (many, None, &["/options"]),
        (named(["a", "\u{7}"]), Some(0), &["/options/1", "/budget"]),
        (options(), Some(1001), &["/budget"]),
        (options(), Some(65_537), &["/budget"]),
    ] {
        let draft = points::Draft { options, budget };
        assert_eq!(refusal(KindDraft::Points(draft)), pointers);
    }
}

#[test]
fn points_are_summed_apart_from_the_people_who_gave_them() {
    let form = Form::Points(points::Form { options: 3, budget: 100 });
    let mut counts = vec![0; form.slots()];
    for given in [[40, 0, 60], [1, 0, 0]] {
        let mark = |slot: usize, weight| counts[slot] += weight;
        form.marks(&Answer::Points(Split::of(given)), &Names::default(), mark);
    }
    assert_eq!((&counts[..], form.votes(&counts)), (&[41, 2, 0, 0, 60, 1][..], 3));
    let draft = points::Draft { options: named(["a", "b", "c"]), budget: None };
    let poll = of(KindDraft::Points(draft));
    let told: Vec<_> =
        poll.kind.rows(&counts).iter().map(|row| (row.text, row.points, row.votes)).collect();
    assert_eq!(told, [("a", Some(41), 2), ("b", Some(0), 0), ("c", Some(60), 1)]);
}

#[test]
fn no_ballot_gives_more_points_than_it_has_or_none() {
    let form = Form::Points(points::Form { options: 2, budget: 10 });
    let allows = |given: &[u16]| form.allows(&Answer::Points(Split::of(given.iter().copied())));
    for given in [[1, 0], [10, 0], [4, 6]] {
        assert!(allows(&given), "{given:?}");
    }
    for given in [&[0, 0][..], &[11, 0], &[5, 6], &[65_535, 2], &[1], &[1, 1, 1], &[]] {
        assert!(!allows(given), "{given:?}");
    }
}
