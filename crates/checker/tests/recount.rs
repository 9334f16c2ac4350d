//! These tests judge the judge: the recount is given small logs whose result anybody can see, and lies that
//! it must find. A recount that overlooked something would let everything else pass.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use pollux_checker::{Asks, MAX_NAMES, Recount, Rules, Told, recount};
use serde_json::{Value, json};

fn ballot(voter: &str, id: &str, option: u64) -> Value {
    json!({
        "type": "ballot", "pollId": "poll", "voter": voter, "ballotId": id,
        "optionIds": [option], "phase": 1, "round": 1,
    })
}

fn with(mut record: Value, phase: u64, round: u64) -> Value {
    (record["phase"], record["round"]) = (json!(phase), json!(round));
    record
}

fn control(kind: &str, phase: u64, round: u64, open: bool) -> Value {
    json!({ "type": kind, "pollId": "poll", "phase": phase, "round": round, "open": open })
}

/// Recounts one partition, after its genesis record: the first of `records` has offset 1.
fn counted(refuse: bool, records: &[Value]) -> Recount {
    let genesis = json!({ "type": "genesis" });
    let records = [genesis].iter().chain(records).cloned().collect::<Vec<_>>();
    let records = records.into_iter().zip(0..);
    recount(
        records.map(|(record, offset)| (0, offset, record.to_string().into_bytes())),
        &BTreeMap::from([(
            "poll".into(),
            Rules { asks: Asks::Choice { options: 3, most: 1 }, refuse },
        )]),
    )
}

fn status(recount: &Recount, voter: &str, id: &str) -> &'static str {
    recount.ballots[&("poll".into(), voter.into(), id.into())].status
}

fn result(recount: &Recount) -> (Vec<u64>, u64) {
    (recount.polls["poll"].counts.clone(), recount.polls["poll"].voters)
}

#[test]
fn every_ballot_counts_once() {
    let votes = [ballot("a", "1", 1), ballot("b", "2", 1), ballot("c", "3", 3)];
    let all = counted(false, &votes);
    assert_eq!(result(&all), (vec![2, 0, 1], 3));
    assert_eq!(all.ballots.len(), 3);
    assert_eq!(all.ballots[&("poll".into(), "b".into(), "2".into())].position, (0, 2));
    // A ballot that is sent again changes nothing, even with another choice: the first content won.
    let again = [&votes[..], &[ballot("a", "1", 2), votes[2].clone()]].concat();
    assert_eq!(counted(false, &again), all);
    // The same ballot id of another voter is another ballot.
    let other = [&votes[..], &[ballot("d", "1", 2)]].concat();
    assert_eq!(result(&counted(false, &other)), (vec![2, 1, 1], 4));
}

#[test]
fn the_greatest_ballot_of_a_voter_counts() {
    let all = counted(false, &[ballot("a", "2", 1), ballot("a", "3", 2), ballot("a", "1", 3)]);
    assert_eq!(result(&all), (vec![0, 1, 0], 1));
    assert_eq!(
        ["1", "2", "3"].map(|id| status(&all, "a", id)),
        ["superseded", "replaced", "counted"]
    );
}

#[test]
fn where_one_may_vote_once_the_first_counts() {
    let all = counted(true, &[ballot("a", "1", 1), ballot("a", "2", 2), ballot("b", "3", 2)]);
    assert_eq!(result(&all), (vec![1, 1, 0], 2));
    assert_eq!(status(&all, "a", "2"), "refused");
}

#[test]
fn what_comes_after_the_close_is_late_until_it_is_reopened() {
    let (closed, reopened) = (control("closed", 2, 1, false), control("reopened", 3, 1, true));
    let log = [
        ballot("a", "1", 1),
        closed.clone(),
        ballot("b", "2", 2),
        reopened,
        ballot("b", "2", 2),
        closed, // A close of an earlier phase does nothing.
        ballot("c", "3", 3),
    ];
    let all = counted(false, &log);
    assert_eq!(result(&all), (vec![1, 0, 1], 2));
    assert_eq!(status(&all, "b", "2"), "late", "its retry changes nothing");
    assert_eq!(all.polls["poll"].partitions[&0], (3, true));
    // A ballot that was accepted after a reopening proves the reopening, even where its control record is
    // late.
    let early = counted(false, &[log[1].clone(), with(ballot("a", "1", 1), 3, 1)]);
    assert_eq!(result(&early), (vec![1, 0, 0], 1));
}

#[test]
fn a_reset_begins_from_zero() {
    let log = [
        ballot("a", "1", 1),
        ballot("b", "2", 1),
        control("reset", 2, 2, true),
        with(ballot("a", "3", 2), 2, 2),
        ballot("c", "4", 3),
    ];
    let all = counted(true, &log);
    assert_eq!(result(&all), (vec![0, 1, 0], 1), "one who voted before may vote again");
    assert_eq!(status(&all, "b", "2"), "counted", "it was, in its round");
    assert_eq!(status(&all, "c", "4"), "late", "of the round before");
}

#[test]
fn what_is_nobodys_ballot_is_dead() {
    let elsewhere = json!({ "type": "ballot", "pollId": "another" });
    let all = counted(
        false,
        &[ballot("a", "1", 4), elsewhere, json!({ "type": "genesis" }), ballot("a", "1", 2)],
    );
    assert_eq!(all.dead, [(0, 1), (0, 2), (0, 3)]);
    assert_eq!(result(&all), (vec![0, 1, 0], 1), "dead is not for ever");
    assert_eq!(recount([(2, 7, b"not JSON".to_vec())], &BTreeMap::new()).dead, [(2, 7)]);
}

/// Returns a record of a ballot that is no choice.
fn answered(voter: &str, id: &str, answer: Value) -> Value {
    let mut record = ballot(voter, id, 1);
    record.as_object_mut().unwrap().remove("optionIds");
    record["v"] = json!(2);
    record["answer"] = answer;
    record
}

/// Recounts these records behind a genesis, in a poll that asks this.
fn recounted(asks: Asks, records: impl IntoIterator<Item = Value>) -> Recount {
    let rules = BTreeMap::from([("poll".to_owned(), Rules { asks, refuse: false })]);
    let log = [json!({ "type": "genesis" })].into_iter().chain(records);
    recount(log.zip(0..).map(|(r, at)| (0, at, r.to_string().into_bytes())), &rules)
}

#[test]
fn a_rating_counts_each_statement_that_was_rated() {
    let rated =
        |voter: &str, id: &str, steps: Value| answered(voter, id, json!({ "rating": steps }));
    let asks = Asks::Rating { statements: 2, steps: 3, lowest: 0 };
    let all = recounted(
        asks,
        [
            rated("a", "1", json!([2, null])),
            rated("b", "2", json!([0, 1])),
            rated("a", "3", json!([1, 1])),
            rated("c", "4", json!([null, null])),
            rated("c", "5", json!([3, 0])),
            rated("c", "6", json!([0])),
            ballot("c", "7", 1),
        ],
    );
    assert_eq!(result(&all), (vec![1, 1, 0, 0, 2, 0], 2));
    assert_eq!(all.dead, [(0, 4), (0, 5), (0, 6), (0, 7)], "of no kind, or nothing at all");
}

#[test]
fn a_ranking_counts_each_place_of_each_option() {
    let ranked =
        |voter: &str, id: &str, order: Value| answered(voter, id, json!({ "ranking": order }));
    let all = recounted(
        Asks::Ranking { options: 3, places: 2 },
        [
            ranked("a", "1", json!([1, 2])),
            ranked("b", "2", json!([3])),
            ranked("a", "3", json!([3, 1])),
            ranked("c", "4", json!([])),
            ranked("c", "5", json!([1, 1])),
            ranked("c", "6", json!([1, 2, 3])),
            ranked("c", "7", json!([0])),
            ranked("c", "8", json!([4])),
            ranked("c", "9", json!([2.5])),
            answered("c", "a", json!({ "rating": [1, 2] })),
            ballot("c", "b", 1),
        ],
    );
    assert_eq!(result(&all), (vec![0, 1, 0, 0, 2, 0], 2));
    let dead: Vec<_> = (4..=11).map(|offset| (0, offset)).collect();
    assert_eq!(all.dead, dead, "of no kind, or what no ballot may say");
}

#[test]
fn points_are_summed_and_those_who_gave_any_are_counted() {
    let gave =
        |voter: &str, id: &str, points: Value| answered(voter, id, json!({ "points": points }));
    let all = recounted(
        Asks::Points { options: 3, budget: 10 },
        [
            gave("a", "1", json!([10, 0, 0])),
            gave("b", "2", json!([1, 0, 5])),
            gave("a", "3", json!([3, 0, 7])),
            gave("c", "4", json!([0, 0, 0])),
            gave("c", "5", json!([6, 0, 5])),
            gave("c", "6", json!([1, 1])),
            gave("c", "7", json!([-1, 0, 5])),
            gave("c", "8", json!([0.5, 0, 5])),
            answered("c", "9", json!({ "ranking": [1, 2, 3] })),
        ],
    );
    assert_eq!(result(&all), (vec![4, 2, 0, 0, 12, 2], 2));
    let dead: Vec<_> = (4..=9).map(|offset| (0, offset)).collect();
    assert_eq!(all.dead, dead, "of no kind, or what no ballot may say");
}

#[test]
fn a_number_is_counted_by_its_value() {
    let gave =
        |voter: &str, id: &str, number: Value| answered(voter, id, json!({ "number": number }));
    let all = recounted(
        Asks::Number { min: -500_000, step: 500_000, values: 4 },
        [
            gave("a", "1", json!(-0.5)),
            gave("b", "2", json!(1.0)),
            gave("a", "3", json!(1)),
            gave("d", "4", json!(0.0)),
            gave("c", "5", json!(-1)),
            gave("c", "6", json!(1.5)),
            gave("c", "7", json!(0.25)),
            gave("c", "8", json!(0.500_000_1)),
            gave("c", "9", json!("0.5")),
            gave("c", "a", json!([0.5])),
            answered("c", "b", json!({ "points": [1] })),
            ballot("c", "c", 1),
        ],
    );
    assert_eq!(result(&all), (vec![0, 1, 0, 2], 3));
    let dead: Vec<_> = (5..=12).map(|offset| (0, offset)).collect();
    assert_eq!(all.dead, dead, "of no kind, or what no ballot may say");
}

/// Returns an answer of the words with these numbers.
fn words(numbers: impl IntoIterator<Item = usize>) -> Value {
    let word = |n: usize| json!({ "name": format!("{n:032x}"), "sealed": "c2VhbGVk" });
    json!({ "words": numbers.into_iter().map(word).collect::<Vec<_>>() })
}

/// Returns the votes of the words without a name, and those of each number.
fn spoken(recount: &Recount) -> (Vec<u64>, Vec<(usize, u64)>) {
    let result = &recount.polls["poll"];
    let number = |name: &String| usize::from_str_radix(name, 16).unwrap();
    let words = result.words.iter().map(|(name, votes)| (number(name), *votes)).collect();
    (result.counts.clone(), words)
}

#[test]
fn words_are_counted_by_their_names() {
    let said = |voter: &str, id: &str, n: &[usize]| answered(voter, id, words(n.iter().copied()));
    let name = |name: &str| json!({ "words": [{ "name": name, "sealed": "c2VhbGVk" }] });
    let sealed = json!({ "words": [{ "name": "0".repeat(32), "sealed": "A".repeat(236) }] });
    let all = recounted(
        Asks::Words { most: 3 },
        [
            said("a", "1", &[7, 8]),
            said("b", "2", &[8, 255, 9]),
            said("a", "3", &[8]),
            said("c", "4", &[]),
            said("c", "5", &[1, 2, 3, 4]),
            said("c", "6", &[1, 1]),
            answered("c", "7", name("1f")),
            answered("c", "8", name(&"F".repeat(32))),
            answered("c", "9", sealed),
            answered("c", "a", json!({ "words": ["rust"] })),
            answered("c", "b", json!({ "points": [1] })),
            ballot("c", "c", 1),
        ],
    );
    assert_eq!(spoken(&all), (vec![0], vec![(8, 2), (9, 1), (255, 1)]));
    assert_eq!(all.polls["poll"].voters, 2);
    let dead: Vec<_> = (4..=12).map(|offset| (0, offset)).collect();
    assert_eq!(all.dead, dead, "of no kind, or what no ballot may say");
}

#[test]
fn each_partition_keeps_its_first_names_apart() {
    assert_eq!(MAX_NAMES, 1000);
    let rules = BTreeMap::from([(
        "poll".to_owned(),
        Rules { asks: Asks::Words { most: 2000 }, refuse: false },
    )]);
    let record =
        |partition, offset, value: Value| (partition, offset, value.to_string().into_bytes());
    let said = |partition, offset, voter: &str, id: &str, n: std::ops::Range<usize>| {
        record(partition, offset, answered(voter, id, words(n)))
    };
    // Whatever is said first has its name for the round, also once it was taken back.
    let mut log = vec![
        said(0, 1, "z", "1", MAX_NAMES..MAX_NAMES + 2),
        said(0, 2, "a", "2", 0..MAX_NAMES),
        said(0, 3, "z", "3", 0..1),
        said(1, 1, "b", "4", MAX_NAMES - 1..MAX_NAMES),
    ];
    let (other, kept) = spoken(&recount(log.clone(), &rules));
    assert_eq!(other, [2], "the first partition has room for two words less");
    assert_eq!(kept.len(), MAX_NAMES - 1);
    assert_eq!((kept[0], kept[1]), ((0, 2), (1, 1)));
    assert_eq!(kept[MAX_NAMES - 2], (MAX_NAMES - 1, 1), "that of the other partition");
    // A new round has room again.
    log.push(record(0, 4, control("reset", 2, 2, true)));
    log.push(record(0, 5, with(answered("z", "5", words([MAX_NAMES - 1])), 2, 2)));
    assert_eq!(spoken(&recount(log, &rules)), (vec![0], vec![(MAX_NAMES - 1, 1)]));
}

#[test]
fn partitions_are_summed_in_the_latest_round() {
    let rules = BTreeMap::from([(
        "poll".to_owned(),
        Rules { asks: Asks::Choice { options: 3, most: 1 }, refuse: false },
    )]);
    let record =
        |partition, offset, value: Value| (partition, offset, value.to_string().into_bytes());
    let mut log = vec![record(0, 1, ballot("a", "1", 1)), record(1, 1, ballot("b", "2", 3))];
    assert_eq!(result(&recount(log.clone(), &rules)), (vec![1, 0, 1], 2));
    log.push(record(1, 2, control("reset", 2, 2, true)));
    assert_eq!(result(&recount(log, &rules)), (vec![0, 0, 0], 0));
}

#[test]
fn every_lie_is_found() {
    let closed = control("closed", 2, 1, false);
    let log = counted(false, &[ballot("a", "1", 1), closed, ballot("b", "2", 2)]);
    let truth = [("1", Told::Recorded), ("2", Told::Recorded)];
    let lies = |told: &[(&'static str, Told)]| log.contradictions(told.iter().copied()).len();
    assert_eq!(lies(&truth), 0);
    assert_eq!(lies(&[truth[0], ("2", Told::TooLate), ("3", Told::TooLate)]), 0);
    assert_eq!(lies(&[truth[0], truth[1], ("3", Told::NotRecorded)]), 0);
    assert_eq!(lies(&[truth[0], truth[1], ("3", Told::Recorded)]), 1, "a ballot is lost");
    assert_eq!(lies(&[truth[0], ("2", Told::NotRecorded)]), 1, "it is there after all");
    assert_eq!(lies(&[("1", Told::TooLate), truth[1]]), 1, "it counts after all");
    assert_eq!(lies(&truth[..1]), 1, "a ballot nobody sent");
    let twice = counted(false, &[ballot("a", "1", 1), ballot("b", "1", 1)]);
    assert_eq!(twice.contradictions([truth[0]]).len(), 1, "decided twice");
    assert_eq!(twice.contradictions([("1", Told::TooLate)]).len(), 1);
}
