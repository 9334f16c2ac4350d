//! What a number asks, which answers it takes, and how its answers are put together in bins.

#![allow(clippy::unwrap_used, missing_docs)]

use pollux_core::id::{PollId, UnixMillis};
use pollux_core::kind::number::{Decimal, Draft, Form, MAX_VALUES, Number};
use pollux_core::kind::words::Names;
use pollux_core::kind::{self, Answer, Kind, KindDraft, Written};
use pollux_core::poll::{self, ChangeRefused, Poll};
use proptest::prelude::*;
use serde::Deserialize;

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

fn decimal(number: f64) -> Decimal {
    Decimal::read(number).unwrap()
}

/// Returns the draft of a number with these bounds and this step.
fn draft(min: f64, max: f64, step: f64) -> Draft {
    let [min, max, step] = [min, max, step].map(|number| Some(decimal(number)));
    Draft { min, max, step, ..Draft::default() }
}

fn asked(draft: Draft) -> Result<Number, Vec<(String, String)>> {
    let draft = poll::Draft::new("How many?", KindDraft::Number(draft));
    match Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW) {
        Ok(Poll { kind: Kind::Number(number), .. }) => Ok(number),
        Err(ChangeRefused::Invalid(broken)) => {
            Err(broken.into_iter().map(|wrong| (wrong.pointer, wrong.detail)).collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_organiser_leaves_out_is_usual() {
    let number = asked(Draft::default()).unwrap();
    assert_eq!([number.min, number.max, number.step].map(Decimal::to_f64), [0.0, 100.0, 1.0]);
    assert_eq!((&*number.unit, number.solution), ("", None));
    assert_eq!(number.form(), Form { min: 0, step: 1_000_000, values: 101 });
    let unit = Draft { unit: " m\t/ s ".into(), ..Draft::default() };
    assert_eq!(asked(unit).unwrap().unit, "m / s");
    let solution = Draft { solution: Some(decimal(8848.86)), ..draft(0.0, 10_000.0, 10.0) };
    let kept = asked(solution).unwrap();
    assert_eq!(
        kept.solution,
        Some(decimal(8848.86)),
        "it need be no answer that a ballot may have"
    );
    let most = asked(draft(-1e9, 1e9, 2e6)).unwrap();
    assert_eq!(most.form().values, MAX_VALUES);
    assert_eq!(asked(draft(0.0, 1e-6, 1e-6)).unwrap().form().values, 2, "two are the fewest");
}

#[test]
fn a_number_says_what_is_wrong_with_it() {
    let wrong = |draft: Draft| asked(draft).unwrap_err();
    let said = |draft: Draft| {
        let [(pointer, detail)] = <[_; 1]>::try_from(wrong(draft)).unwrap();
        format!("{pointer} {detail}")
    };
    assert_eq!(said(draft(5.0, 5.0, 1.0)), "/max must be above min, which is 5; it is 5");
    assert_eq!(said(draft(0.0, 100.0, 0.0)), "/step must be above 0; it is 0");
    assert_eq!(
        said(draft(0.0, 100.0, 7.0)),
        "/max must be a whole number of steps of 7 above min, which is 0; 100 is not: take 98 or 105, or another step"
    );
    assert_eq!(
        said(draft(0.0, 1.0, 2.5)),
        "/max must be a whole number of steps of 2.5 above min, which is 0; 1 is not: take 2.5, or another step"
    );
    assert_eq!(
        said(draft(0.5, 1e9, 1e9)),
        "/max must be a whole number of steps of 1000000000 above min, which is 0.5; 1000000000 is not: take a \
         smaller step"
    );
    assert_eq!(
        said(draft(0.0, 10_000.0, 1.0)),
        "/step makes too many values: there may be 1001, and from min to max in steps of 1 there are 10001; a step \
         of 10 would do"
    );
    let closer = "in steps of 1 there are 1002; a step of 2 with a max of 1000 would do";
    assert!(said(draft(0.0, 1001.0, 1.0)).ends_with(closer), "no round step divides 1001");
    let both = "in steps of 0.000999 there are 1002; a step of 0.001 would do";
    assert!(said(draft(0.0, 1.0, 0.000_999)).ends_with(both), "another max would not help");
    let one = "1000.5 is not: take 1000, or another step";
    assert!(said(draft(0.0, 1000.5, 1.0)).ends_with(one), "1001 would be a value too many");
    let unit = Draft { unit: "x".repeat(21), ..draft(1.0, 0.0, -1.0) };
    let pointers: Vec<_> = wrong(unit).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/max", "/step", "/unit"], "all at once");
}

fn read(number: &Number, json: &str) -> Result<Answer, String> {
    let written = Written { answer: Some(json), ..Written::default() };
    Kind::Number(number.clone()).read(&written, None).map_err(|wrong| wrong.detail)
}

#[test]
fn an_answer_says_what_is_wrong_with_it() {
    let number = asked(draft(-1.0, 2.0, 0.1)).unwrap();
    for (json, kept) in [("0.3", 0.3), ("-1", -1.0), ("2.0", 2.0), ("1e-1", 0.1), ("-0.0", 0.0)] {
        assert_eq!(read(&number, json), Ok(Answer::Number(decimal(kept))), "{json}");
    }
    let steps = "must be -1 or a whole number of steps of 0.1 above it;";
    for (json, detail) in [
        ("2.1", "must be from -1 to 2; it is 2.1".to_owned()),
        ("-1e300", "must be from -1 to 2; it is -1e+300".to_owned()),
        ("-0.05", format!("{steps} -0.05 is not, but -0.1 and 0 are")),
        ("1.99", format!("{steps} 1.99 is not, but 1.9 and 2 are")),
        ("0.30000000000000004", format!("{steps} 0.30000000000000004 is not, but 0.3 and 0.4 are")),
        ("1.9999999", format!("{steps} 1.9999999 is not, but 1.9 and 2 are")),
        ("-0.9999999", format!("{steps} -0.9999999 is not, but -1 and -0.9 are")),
        ("\"1\"", "must be a number from -1 to 2, in steps of 0.1".to_owned()),
        ("[1]", "must be a number from -1 to 2, in steps of 0.1".to_owned()),
        ("true", "must be a number from -1 to 2, in steps of 0.1".to_owned()),
    ] {
        assert_eq!(read(&number, json), Err(detail), "{json}");
    }
    let nothing = Kind::Number(number).read(&Written::default(), None).unwrap_err();
    let alone = "a poll of this kind takes answer alone: a number from -1 to 2, in steps of 0.1";
    assert_eq!(nothing.detail, alone);
}

#[test]
fn an_answer_is_said_with_its_unit() {
    let said = |unit: &str| {
        let number = asked(Draft { unit: unit.into(), ..draft(0.0, 10.0, 0.5) }).unwrap();
        Kind::Number(number).say(&Answer::Number(decimal(2.5)), None)
    };
    assert_eq!((said("kg"), said("")), (vec!["2.5 kg".to_owned()], vec!["2.5".to_owned()]));
}

#[test]
fn no_ballot_has_a_number_between_the_steps_or_beyond_the_bounds() {
    let form = kind::Form::Number(Form { min: -1_000_000, step: 500_000, values: 4 });
    let allows = |number: f64| form.allows(&Answer::Number(decimal(number)));
    for number in [-1.0, -0.5, 0.0, 0.5] {
        assert!(allows(number), "{number}");
    }
    for number in [-1.5, -1.000001, -0.75, 0.1, 0.500001, 1.0, 1e9, -1e9] {
        assert!(!allows(number), "{number}");
    }
    let mut counts = vec![0; form.slots()];
    for number in [-1.0, 0.5, 0.5] {
        let mark = |slot: usize, weight| counts[slot] += weight;
        form.marks(&Answer::Number(decimal(number)), &Names::default(), mark);
    }
    assert_eq!((&counts[..], form.votes(&counts)), (&[1, 0, 0, 2][..], 3));
}

/// An `Example` of `bins.json` gives the answers as values with numbers of people, and the bins as their least and
/// greatest values with numbers of people.
#[derive(Deserialize)]
struct Example {
    what: String,
    min: Decimal,
    max: Decimal,
    step: Decimal,
    most: u16,
    given: Vec<(Decimal, u64)>,
    bins: Vec<(Decimal, Decimal, u64)>,
}

#[test]
fn bins_are_those_of_the_examples() {
    let examples: Vec<Example> = serde_json::from_str(include_str!("bins.json")).unwrap();
    assert!(examples.len() > 10);
    for Example { what, min, max, step, most, given, bins } in examples {
        let form = Form::new(min, max, step);
        let mut counts = vec![0; form.values.into()];
        for (value, people) in given {
            let slot = (0..counts.len()).find(|slot| form.value(*slot) == value);
            counts[slot.unwrap()] += people;
        }
        let made: Vec<_> = form
            .bins(&counts, most)
            .into_iter()
            .map(|bin| (bin.from, bin.to, bin.people))
            .collect();
        assert_eq!(made, bins, "{what}");
    }
}

#[test]
fn a_bin_is_labelled_with_its_value_or_with_both_ends() {
    let form = Form::new(decimal(-1.0), decimal(2.0), decimal(0.5));
    let labels = |counts: &[u64], most| {
        form.bins(counts, most).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(labels(&[0, 0, 0, 0, 0, 4, 1], 20), ["1.5", "2"]);
    assert_eq!(labels(&[1, 0, 0, 0, 0, 4, 1], 4), ["-1 to -0.5", "0–0.5", "1–1.5", "2"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Whatever was answered, bins are few, lie side by side, stay within the bounds, begin and end with what somebody
    /// gave, and have each answer once.
    #[test]
    fn bins_have_each_answer_once(
        first in -2_000..2_000_i64,
        step in prop_oneof![Just(1), Just(10), Just(250_000), Just(1_000_000), Just(7)],
        apart in any::<bool>(),
        values in 2..=MAX_VALUES,
        given in prop::collection::vec((any::<prop::sample::Index>(), 1..9_u64), 0..30),
        most in 2..=20_u16,
    ) {
        // Zero is a whole number of steps away from the least value, or not.
        let form = Form { min: first * step + i64::from(apart && step > 1), step, values };
        let mut counts = vec![0; values.into()];
        for (slot, people) in &given {
            counts[slot.index(values.into())] += people;
        }
        let bins = form.bins(&counts, most);
        prop_assert!(bins.len() <= most.into());
        prop_assert_eq!(bins.is_empty(), given.is_empty());
        let width = |bin: &kind::number::Bin| bin.to.millionths() - bin.from.millionths();
        let widest = bins.iter().map(width).max().unwrap_or(0);
        for (n, bin) in bins.iter().enumerate() {
            let inside = (0..usize::from(values)).filter(|slot| (bin.from..=bin.to).contains(&form.value(*slot)));
            prop_assert_eq!(inside.map(|slot| counts[slot]).sum::<u64>(), bin.people);
            let is_inner = n > 0 && n + 1 < bins.len();
            prop_assert!(!is_inner || width(bin) == widest, "only the bounds make a bin narrower");
            prop_assert!(bin.from >= form.value(0) && bin.to <= form.value(usize::from(values) - 1));
        }
        for pair in bins.windows(2) {
            prop_assert_eq!(pair[0].to.millionths() + step, pair[1].from.millionths());
        }
        if let (Some(first), Some(last)) = (bins.first(), bins.last()) {
            prop_assert!(first.people > 0 && last.people > 0);
        }
        let all: u64 = counts.iter().sum();
        prop_assert_eq!(bins.iter().map(|bin| bin.people).sum::<u64>(), all);
    }

    /// A step that is proposed instead of one that makes too many values is taken, with the greatest number that is
    /// proposed along with it.
    #[test]
    fn the_step_that_is_proposed_would_do(min in -1_000_000..0_i32, more in 1_002..2_000_000_i32) {
        let (min, max) = (Decimal::whole(min), Decimal::whole(min + more));
        let draft = Draft { min: Some(min), max: Some(max), ..Draft::default() };
        let wrong = asked(draft.clone()).unwrap_err();
        let after = |words: &str| {
            let (_, rest) = wrong[0].1.split_once(words)?;
            rest.split(' ').next()?.parse::<f64>().ok().map(decimal)
        };
        let wider = Draft { step: after("; a step of "), max: after("with a max of ").or(Some(max)), ..draft };
        prop_assert!(wider.step.is_some());
        prop_assert!(asked(wider).unwrap().form().values <= MAX_VALUES);
    }
}
