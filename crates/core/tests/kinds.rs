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
use pollux_core::kind::words::{self, MAX_WORDS, Said};
use pollux_core::kind::{Answer, Form, KindDraft, Row, Written};
use pollux_core::poll::{Draft, Poll};
use pollux_core::record::{Entry, MAX_VALUE_BYTES};
use pollux_core::seal::TextKey;
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::{Tally, VoterState, control, count};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::{Union, ValueTree};
use serde_json::json;

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

const KINDS: [Sample; 6] = [
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
    Sample { name: "words", drafts: clouds, answer: said, weight: |row| row.votes },
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

fn clouds() -> BoxedStrategy<KindDraft> {
    (prop::option::of(1..=u64::from(MAX_WORDS)), any::<bool>())
        .prop_map(|(max_words, approve)| KindDraft::Words(words::Draft { max_words, approve }))
        .boxed()
}

/// Returns the random bytes that the key of every poll here is made of.
fn random() -> [u8; 64] {
    [7; 64]
}

/// Says some of thirty words, which are as long as they may be, or short.
fn said(form: Form, dice: &[Index]) -> Option<Answer> {
    let Form::Words(form) = form else { return None };
    let drawn: BTreeSet<_> =
        dice.iter().take(form.most.into()).map(|die| die.index(30) as u32).collect();
    let text = |n| match n % 2 {
        0 => char::from_u32(0x2_0000 + n).unwrap().to_string().repeat(40),
        _ => format!("Word {n}"),
    };
    let key = TextKey::new(random());
    Some(Answer::Words(Said::of(drawn.into_iter().map(|n| key.seal(&text(n)).unwrap()))))
}

fn of(draft: KindDraft) -> Poll {
    let id = PollId::new(NOW, [1; 10]);
    let mut poll = Poll::draft(id, Draft::new("Which?", draft), [0; 32], NOW).unwrap();
    poll.give_text_key(random);
    poll.open(NOW).unwrap();
    poll
}

const PARTITIONS: u32 = 3;

fn closed(mut poll: Poll) -> Poll {
    poll.close(NOW).unwrap();
    poll
}

/// Returns the tally of a partition in which these answers were counted, each of a voter of its own.
fn tally<'a>(poll: &Poll, partition: u32, answers: impl Iterator<Item = &'a Answer>) -> TallyAt {
    let (rules, mut tally) = (poll.rules(), Tally::new());
    control(&rules, &mut tally, poll.phase, poll.round, poll.gate());
    for answer in answers {
        let (phase, round) = (poll.phase, poll.round);
        let ballot = Ballot { phase, round, ..ballot(poll, answer.clone()) };
        count(&rules, &mut tally, &mut VoterState::default(), &ballot, None);
    }
    let generation = Generation(poll.id.0);
    TallyAt { poll: poll.id, partition, generation, next_offset: 1, tally }
}

/// Returns the same tally once the partition has heard of the close.
fn shut(mut at: TallyAt, closed: &Poll) -> TallyAt {
    control(&closed.rules(), &mut at.tally, closed.phase, closed.round, closed.gate());
    at
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
        let answers: Vec<_> = cast.iter().map(|(dice, _)| answer(&poll, dice)).collect();
        prop_assert!(answers.iter().all(|answer| form.allows(answer)));
        let all = tally(&poll, 0, answers.iter());
        let parts = [false, true].map(|part| {
            let there = answers.iter().zip(&cast).filter(|(_, (_, whose))| *whose == part);
            tally(&poll, part.into(), there.map(|(answer, _)| answer))
        });
        let (one, two) = (together(&poll, [&all].into_iter()), together(&poll, parts.iter()));
        prop_assert_eq!(one.counts(), two.counts());
        prop_assert_eq!(one.result_line(), two.result_line());
        let sample = KINDS.iter().find(|kind| kind.name == poll.kind.name()).unwrap();
        let Tally { mut counts, names, .. } = all.tally;
        let sums = one.counts();
        let rows = poll.kind.rows(&sums);
        let shown: u64 = rows.iter().map(sample.weight).sum();
        prop_assert_eq!(shown, counts.iter().sum::<u64>(), "every mark is in a row");
        let votes: u64 = rows.iter().map(|row| row.votes).sum();
        prop_assert_eq!((votes, one.total_votes()), (form.votes(&counts), votes));
        let mut left = answers;
        while !left.is_empty() {
            let answer = left.swap_remove(order as usize % left.len());
            form.marks(&answer, &names, |slot, weight| counts[slot] -= weight);
        }
        prop_assert!(counts.iter().all(|count| *count == 0));
    }

    /// It does not matter in which order the partitions' counts come together, and the hash of the result tells
    /// when any one of them is another.
    #[test]
    fn counts_come_together_in_any_order_and_each_is_in_the_hash(
        poll in polls(),
        cast in prop::collection::vec((dice(), 0..PARTITIONS), 1..20),
        slot in any::<Index>(),
    ) {
        let closed = closed(poll.clone());
        let answers: Vec<_> = cast.iter().map(|(dice, at)| (answer(&poll, dice), *at)).collect();
        let tally = |partition| {
            let there = answers.iter().filter(|(_, at)| *at == partition);
            shut(tally(&poll, partition, there.map(|(answer, _)| answer)), &closed)
        };
        let mut tallies: Vec<_> = (0..PARTITIONS).map(tally).collect();
        let poll = closed;
        let there = together(&poll, tallies.iter());
        let back = together(&poll, tallies.iter().rev());
        prop_assert_eq!((there.counts(), there.cloud()), (back.counts(), back.cloud()));
        prop_assert!(there.is_final() && there.result_hash().is_some());
        prop_assert_eq!(there.result_hash(), back.result_hash());
        let counts = &mut tallies[0].tally.counts;
        let slot = slot.index(counts.len());
        counts[slot] += 1;
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
        let key = poll.text_key.as_ref();
        let said = poll.kind.say(&answer, key);
        let json = if key.is_some() { json!(said) } else { answer.to_member().1 }.to_string();
        let written = Written { answer: Some(&json), ..Written::default() };
        prop_assert_eq!(poll.kind.read(&written, key), Ok(answer.clone()));
        let marks = json.matches(',').count() + 1;
        prop_assert!(said.len() <= marks);
    }

    /// A poll is stored and announced with everything that its kind says of it.
    #[test]
    fn a_poll_is_read_as_it_was_written(poll in polls()) {
        let json = serde_json::to_string(&poll).unwrap();
        let read = serde_json::from_str::<Poll>(&json).unwrap();
        prop_assert_eq!(&read.text_key, &None, "it is kept apart");
        prop_assert_eq!(&Poll { text_key: poll.text_key.clone(), ..read }, &poll);
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
            prop_assert!(one.kind.say(&of_other, one.text_key.as_ref()).is_empty());
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
