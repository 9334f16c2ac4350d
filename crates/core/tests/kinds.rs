//! Every kind of poll keeps the same rules, whatever it asks. A new kind is a line in [`KINDS`].

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, Generation, PollId, UnixMillis, VoterId};
use pollux_core::kind::choice::{self, ChoiceMode, MAX_OPTIONS};
use pollux_core::kind::number::{self, Decimal, MAX_VALUES};
use pollux_core::kind::points::{self, MAX_BUDGET, Split};
use pollux_core::kind::ranking::{self, Order};
use pollux_core::kind::rating::{self, MAX_STATEMENTS, MAX_STEPS, Steps};
use pollux_core::kind::{Answer, Form, Kind, KindDraft, Row, Written};
use pollux_core::poll::{ChangeRefused, Draft, Poll};
use pollux_core::record::{Entry, MAX_VALUE_BYTES};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::Tally;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::{Union, ValueTree};

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

/// `Sample` is what the suite knows of a kind.
struct Sample {
    /// The kind's name, which is that of its folder.
    name: &'static str,
    /// Generates drafts that keep to the rules.
    drafts: fn() -> BoxedStrategy<KindDraft>,
    /// Makes an answer that a poll of the kind allows from these dice; `None` for other kinds.
    answer: fn(Form, &[Index]) -> Option<Answer>,
    /// Returns the weight of the marks that a row shows.
    weight: fn(&Row<'_>) -> u64,
}

const KINDS: [Sample; 5] = [
    Sample { name: "choice", drafts: choices, answer: chosen, weight: |row| row.votes },
    Sample { name: "rating", drafts: ratings, answer: rated, weight: spread },
    Sample { name: "ranking", drafts: rankings, answer: ranked, weight: spread },
    Sample {
        name: "points",
        drafts: budgets,
        answer: given,
        weight: |row| row.points.unwrap() + row.votes,
    },
    Sample { name: "number", drafts: numbers, answer: guessed, weight: |row| row.votes },
];

fn spread(row: &Row<'_>) -> u64 {
    row.spread.unwrap().counts.iter().sum()
}

fn texts(most: usize) -> impl Strategy<Value = Vec<String>> {
    (2..=most).prop_map(|count| (1..=count).map(|n| format!("Number {n}")).collect())
}

fn choices() -> BoxedStrategy<KindDraft> {
    let selection =
        prop_oneof![Just(None), Just(Some(ChoiceMode::Single)), Just(Some(ChoiceMode::Multiple))];
    (texts(MAX_OPTIONS), selection)
        .prop_map(|(options, kind)| choice::Draft { options, kind, max_choices: None })
        .prop_map(KindDraft::Choice)
        .boxed()
}

fn chosen(form: Form, dice: &[Index]) -> Option<Answer> {
    let Form::Choice(form) = form else { return None };
    let ids = dice.iter().take(form.most.into());
    Answer::options(ids.map(|die| die.index(form.options.into()) as u8 + 1))
}

fn ratings() -> BoxedStrategy<KindDraft> {
    let steps = prop::option::of(2..=u64::from(MAX_STEPS));
    (texts(MAX_STATEMENTS), steps, prop::option::of(0..=1_u64))
        .prop_map(|(statements, steps, lowest)| {
            let (low_label, high_label) = ("never".into(), String::new());
            let symbol = None;
            rating::Draft { statements, steps, lowest, low_label, high_label, symbol }
        })
        .prop_map(KindDraft::Rating)
        .boxed()
}

fn rated(form: Form, dice: &[Index]) -> Option<Answer> {
    let Form::Rating(form) = form else { return None };
    let mut steps = vec![None; form.statements.into()];
    for die in dice {
        let place = die.index(steps.len());
        steps[place] = Some(form.lowest + die.index(form.steps.into()) as u8);
    }
    Some(Answer::Rating(Steps::of(steps)))
}

fn rankings() -> BoxedStrategy<KindDraft> {
    (texts(ranking::MAX_OPTIONS), prop::option::of(any::<Index>()))
        .prop_map(|(options, places)| {
            let places = places.map(|places| places.index(options.len()) as u64 + 1);
            KindDraft::Ranking(ranking::Draft { options, places })
        })
        .boxed()
}

fn ranked(form: Form, dice: &[Index]) -> Option<Answer> {
    let Form::Ranking(form) = form else { return None };
    let mut left: Vec<_> = (1..=form.options).collect();
    let draws = dice.iter().take(form.places.into());
    let order: Vec<_> = draws.map(|die| left.remove(die.index(left.len()))).collect();
    Some(Answer::Ranking(Order::of(order)))
}

fn budgets() -> BoxedStrategy<KindDraft> {
    (texts(points::MAX_OPTIONS), prop::option::of(1..=u64::from(MAX_BUDGET)))
        .prop_map(|(options, budget)| KindDraft::Points(points::Draft { options, budget }))
        .boxed()
}

fn given(form: Form, dice: &[Index]) -> Option<Answer> {
    let Form::Points(form) = form else { return None };
    let mut points = vec![0; form.options.into()];
    let parts = (dice.len() as u16).min(form.budget);
    for die in &dice[..parts.into()] {
        points[die.index(form.options.into())] += form.budget / parts;
    }
    Some(Answer::Points(Split::of(points)))
}

fn numbers() -> BoxedStrategy<KindDraft> {
    let step =
        prop_oneof![Just(1), Just(500_000), Just(1_000_000), Just(7_000_000), 1..300_000_i64];
    (-500..500_i64, step, 1..MAX_VALUES, prop::option::of(-1_000_000..1_000_000_i64))
        .prop_map(|(first, step, steps, solution)| {
            let min = first * step;
            let [min, max, step] = [min, min + step * i64::from(steps), step];
            KindDraft::Number(number::Draft {
                min: Some(Decimal::of_millionths(min)),
                max: Some(Decimal::of_millionths(max)),
                step: Some(Decimal::of_millionths(step)),
                unit: if first % 2 == 0 { String::new() } else { "kg".into() },
                solution: solution.map(Decimal::of_millionths),
            })
        })
        .boxed()
}

fn guessed(form: Form, dice: &[Index]) -> Option<Answer> {
    let Form::Number(form) = form else { return None };
    Some(Answer::Number(form.value(dice[0].index(form.values.into()))))
}

fn of(draft: KindDraft) -> Poll {
    let id = PollId::new(NOW, [1; 10]);
    let mut poll = Poll::draft(id, Draft::new("Which?", draft), [0; 32], NOW).unwrap();
    poll.open(NOW).unwrap();
    poll
}

const PARTITIONS: u32 = 3;

fn closed(mut poll: Poll) -> Poll {
    poll.close(NOW).unwrap();
    poll
}

/// Returns a partition's tally of a closed poll, with nothing counted.
fn tally(poll: &Poll, partition: u32) -> TallyAt {
    let counts = vec![0; poll.kind.form().slots()];
    let (phase, round, gate) = (poll.phase, poll.round, poll.gate());
    let tally = Tally { phase, round, gate, counts, voters: 0, changes: 1 };
    let generation = Generation(poll.id.0);
    TallyAt { poll: poll.id, partition, generation, next_offset: 1, tally }
}

fn together<'a>(poll: &Poll, tallies: impl Iterator<Item = &'a TallyAt>) -> Standing {
    let mut standing = Standing::new(Arc::new(poll.clone()), PARTITIONS);
    tallies.for_each(|tally| assert!(standing.take_tally(tally.clone())));
    standing
}

/// Generates a poll of any kind.
fn polls() -> impl Strategy<Value = Poll> {
    Union::new(KINDS.map(|kind| (kind.drafts)())).prop_map(of)
}

/// Returns an answer that the poll allows, made from these dice.
fn answer(poll: &Poll, dice: &[Index]) -> Answer {
    let form = poll.kind.form();
    KINDS.iter().find_map(|kind| (kind.answer)(form, dice)).unwrap()
}

fn ballot(poll: &Poll, answer: Answer) -> Ballot {
    Ballot {
        poll: poll.id,
        voter: VoterId([9; 16]),
        id: BallotId::new(UnixMillis(u64::from(u32::MAX)), [255; 10]),
        named_by: NamedBy::Client,
        answer,
        round: u32::MAX,
        phase: u32::MAX,
        at: UnixMillis(u64::MAX >> 16),
    }
}

fn dice() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Adding answers and taking them away again, in any order, leaves nothing; and two partitions' counts
    /// add up to those that one partition would have.
    #[test]
    fn what_is_added_can_be_taken_away(
        poll in polls(),
        cast in prop::collection::vec((dice(), any::<bool>()), 1..20),
        order in any::<u64>(),
    ) {
        let form = poll.kind.form();
        let (mut all, mut parts) = (vec![0; form.slots()], [vec![0; form.slots()], vec![0; form.slots()]]);
        let answers: Vec<_> = cast.iter().map(|(dice, _)| answer(&poll, dice)).collect();
        for (answer, (_, part)) in answers.iter().zip(&cast) {
            prop_assert!(form.allows(answer));
            form.add(answer, &mut all);
            form.add(answer, &mut parts[usize::from(*part)]);
        }
        let sum: Vec<u64> = parts[0].iter().zip(&parts[1]).map(|(a, b)| a + b).collect();
        prop_assert_eq!(&all, &sum);
        let sample = KINDS.iter().find(|kind| kind.name == poll.kind.name()).unwrap();
        let rows = poll.kind.rows(&all);
        let shown: u64 = rows.iter().map(sample.weight).sum();
        prop_assert_eq!(shown, all.iter().sum::<u64>(), "every mark is in a row");
        let votes: u64 = rows.iter().map(|row| row.votes).sum();
        prop_assert_eq!(votes, form.votes(&all));
        let mut left = answers;
        while !left.is_empty() {
            let answer = left.swap_remove(order as usize % left.len());
            form.take_away(&answer, &mut all);
        }
        prop_assert!(all.iter().all(|count| *count == 0));
    }

    /// It does not matter in which order the partitions' counts come together, and the hash of the result tells
    /// when any one of them is another.
    #[test]
    fn counts_come_together_in_any_order_and_each_is_in_the_hash(
        poll in polls(),
        cast in prop::collection::vec((dice(), 0..PARTITIONS), 1..20),
        slot in any::<Index>(),
    ) {
        let poll = closed(poll);
        let form = poll.kind.form();
        let mut tallies: Vec<_> = (0..PARTITIONS).map(|n| tally(&poll, n)).collect();
        for (dice, partition) in &cast {
            let tally = &mut tallies[*partition as usize].tally;
            form.add(&answer(&poll, dice), &mut tally.counts);
            tally.voters += 1;
        }
        let there = together(&poll, tallies.iter());
        let back = together(&poll, tallies.iter().rev());
        prop_assert_eq!(there.counts(), back.counts());
        prop_assert!(there.is_final() && there.result_hash().is_some());
        prop_assert_eq!(there.result_hash(), back.result_hash());
        tallies[0].tally.counts[slot.index(form.slots())] += 1;
        let other = together(&poll, tallies.iter());
        prop_assert_ne!(there.result_hash(), other.result_hash());
    }

    /// An answer is read back as it was written: on the log, by a store, and by a client.
    #[test]
    fn what_was_written_is_read(poll in polls(), dice in dice()) {
        let answer = answer(&poll, &dice);
        let entry = Entry::Ballot(ballot(&poll, answer.clone()));
        let bytes = entry.encode();
        prop_assert!(bytes.len() <= MAX_VALUE_BYTES, "{} bytes", bytes.len());
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
        prop_assert_eq!(Answer::unpack(&answer.pack()), Some(answer.clone()));
        let (_, json) = answer.to_member();
        let json = json.to_string();
        let written = Written { answer: Some(&json), ..Written::default() };
        prop_assert_eq!(poll.kind.read(&written), Ok(answer.clone()));
        let marks = json.matches(',').count() + 1;
        prop_assert!(poll.kind.say(&answer).len() <= marks);
    }

    /// A poll is stored and announced with everything that its kind says of it.
    #[test]
    fn a_poll_is_read_as_it_was_written(poll in polls()) {
        let json = serde_json::to_string(&poll).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Poll>(&json).unwrap(), &poll);
        let again = of(poll.to_draft().kind);
        prop_assert_eq!(&again.kind, &poll.kind, "written once more from its draft");
    }

    /// An answer of another kind is never allowed, and missing counts are zero.
    #[test]
    fn kinds_do_not_mix(one in polls(), other in polls(), dice in dice()) {
        let (of_one, of_other) = (answer(&one, &dice), answer(&other, &dice));
        if one.kind.name() != other.kind.name() {
            prop_assert!(!one.kind.form().allows(&of_other));
            prop_assert!(!other.kind.form().allows(&of_one));
            prop_assert!(one.kind.say(&of_other).is_empty());
        }
        prop_assert!(one.kind.rows(&[]).iter().all(|row| row.votes == 0));
    }

    /// Rows are numbered from 1 on, and have the organiser's texts.
    #[test]
    fn a_row_is_known_by_its_number(poll in polls()) {
        let rows = poll.kind.rows(&[]);
        for (id, row) in (1..).zip(&rows) {
            prop_assert_eq!(poll.kind.text_of(id), Some(row.text));
        }
        prop_assert_eq!(poll.kind.text_of(0), None);
        prop_assert_eq!(poll.kind.text_of(rows.len() as u8 + 1), None);
        prop_assert!(!poll.kind.ranks_rows() || rows.len() == poll.kind.form().slots());
    }
}

/// Every folder of a kind has its sample here, so no kind is left out of the suite.
#[test]
fn every_kind_is_in_the_suite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kind");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let folders: BTreeSet<_> =
        folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(folders, KINDS.map(|kind| kind.name.to_owned()).into());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for kind in KINDS {
        let draft = (kind.drafts)().new_tree(&mut runner).unwrap().current();
        assert_eq!(of(draft).kind.name(), kind.name);
    }
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
        form.add(&Answer::Points(Split::of(given)), &mut counts);
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
