//! Every kind of poll keeps the same rules, whatever it asks.

#![allow(clippy::unwrap_used, missing_docs)]

use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId};
use pollux_core::kind::choice::{self, ChoiceMode, MAX_OPTIONS};
use pollux_core::kind::rating::{self, MAX_STATEMENTS, MAX_STEPS, Steps};
use pollux_core::kind::{Answer, Draft as KindDraft, Form, Kind, Written};
use pollux_core::poll::{ChangeRefused, Draft, Poll};
use pollux_core::record::{Entry, MAX_VALUE_BYTES};
use proptest::prelude::*;
use proptest::sample::Index;

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

fn texts(most: usize) -> impl Strategy<Value = Vec<String>> {
    (2..=most).prop_map(|count| (1..=count).map(|n| format!("Number {n}")).collect())
}

fn choices() -> impl Strategy<Value = KindDraft> {
    let selection =
        prop_oneof![Just(None), Just(Some(ChoiceMode::Single)), Just(Some(ChoiceMode::Multiple))];
    (texts(MAX_OPTIONS), selection)
        .prop_map(|(options, kind)| choice::Draft { options, kind, max_choices: None })
        .prop_map(KindDraft::Choice)
}

fn ratings() -> impl Strategy<Value = KindDraft> {
    let steps = prop::option::of(2..=u64::from(MAX_STEPS));
    (texts(MAX_STATEMENTS), steps, prop::option::of(0..=1_u64)).prop_map(
        |(statements, steps, lowest)| {
            let (low_label, high_label) = ("never".into(), String::new());
            KindDraft::Rating(rating::Draft {
                statements,
                steps,
                lowest,
                low_label,
                high_label,
                symbol: None,
            })
        },
    )
}

fn of(draft: KindDraft) -> Poll {
    let id = PollId::new(NOW, [1; 10]);
    let mut poll = Poll::draft(id, Draft::new("Which?", draft), [0; 32], NOW).unwrap();
    poll.open(NOW).unwrap();
    poll
}

/// Generates a poll of any kind.
fn polls() -> impl Strategy<Value = Poll> {
    prop_oneof![choices(), ratings()].prop_map(of)
}

/// Returns an answer that the poll allows, made from these dice.
fn answer(poll: &Poll, dice: &[Index]) -> Answer {
    match poll.kind.form() {
        Form::Choice(form) => {
            let ids = dice.iter().take(form.most.into());
            let ids = ids.map(|die| die.index(form.options.into()) as u8 + 1);
            Answer::options(ids).unwrap()
        }
        Form::Rating(form) => {
            let mut steps = vec![None; form.statements.into()];
            for die in dice {
                let place = die.index(steps.len());
                steps[place] = Some(form.lowest + die.index(form.steps.into()) as u8);
            }
            Answer::Rating(Steps::of(steps))
        }
    }
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
        let rows: u64 = poll.kind.rows(&all).iter().map(|row| row.votes).sum();
        prop_assert_eq!(rows, all.iter().sum::<u64>(), "every mark is in a row");
        let mut left = answers;
        while !left.is_empty() {
            let answer = left.swap_remove(order as usize % left.len());
            form.take_away(&answer, &mut all);
        }
        prop_assert!(all.iter().all(|count| *count == 0));
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
    fn kinds_do_not_mix(one in choices(), other in ratings(), dice in dice()) {
        let (one, other) = (of(one), of(other));
        let (chosen, rated) = (answer(&one, &dice), answer(&other, &dice));
        prop_assert!(!one.kind.form().allows(&rated) && !other.kind.form().allows(&chosen));
        for poll in [&one, &other] {
            prop_assert!(poll.kind.rows(&[]).iter().all(|row| row.votes == 0));
        }
    }
}

fn refusal(draft: rating::Draft) -> Vec<String> {
    let id = PollId::new(NOW, [1; 10]);
    let draft = Draft::new("Which?", KindDraft::Rating(draft));
    match Poll::draft(id, draft, [0; 32], NOW) {
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
    assert_eq!(refusal(bad), pointers);
    assert_eq!(refusal(rating::Draft { statements: Vec::new(), ..fine.clone() }), ["/statements"]);
    let stars = rating::Draft { lowest: Some(0), symbol: Some(rating::Symbol::Stars), ..fine };
    assert_eq!(refusal(stars), ["/symbol"]);
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
