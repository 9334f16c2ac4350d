//! The fold is compared with the independent recount, and held to the properties that the promise rests on.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use pollux_checker::{Asks, Recount, recount};
use pollux_core::ballot::{Ballot, NamedBy, Status};
use pollux_core::gate::Gate;
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId};
use pollux_core::kind::number::{self, Decimal};
use pollux_core::kind::points::{self, Split};
use pollux_core::kind::ranking::{self, Order};
use pollux_core::kind::rating::{self, Steps};
use pollux_core::kind::words::{self, MAX_NAMES, Said};
use pollux_core::kind::{Answer, Form, choice};
use pollux_core::poll::{Revote, Rules};
use pollux_core::record::{Control, Entry, Reason};
use pollux_core::seal::{Name, Sealed, Word};
use pollux_core::tally::{Decision, Tally, VoterState, control, count};
use proptest::prelude::*;

const OPTIONS: u8 = 4;

fn poll() -> PollId {
    PollId::new(UnixMillis(1), [9; 10])
}

fn ballot_id(n: u8) -> BallotId {
    BallotId::new(UnixMillis(1000 + u64::from(n)), [n; 10])
}

fn rules(revote: Revote) -> Rules {
    Rules { form: Form::Choice(choice::Form { options: OPTIONS, most: 2 }), revote }
}

/// Generates the rules of a poll of any kind.
fn of_any_kind() -> impl Strategy<Value = Rules> {
    let rating = Form::Rating(rating::Form { statements: 2, steps: OPTIONS, lowest: 1 });
    let ranking = Form::Ranking(ranking::Form { options: OPTIONS, places: 2 });
    let points = Form::Points(points::Form { options: 2, budget: 8 });
    let number =
        Form::Number(number::Form { min: -500_000, step: 500_000, values: OPTIONS.into() });
    let choice = rules(Revote::Replace).form;
    let words = Form::Words(words::Form { most: 2 });
    let choices = prop_oneof![Just(choice), Just(rating), Just(ranking), Just(points)];
    let form = prop_oneof![4 => choices, 1 => Just(number), 2 => Just(words)];
    let revote = prop_oneof![Just(Revote::Replace), Just(Revote::Refuse)];
    (form, revote).prop_map(|(form, revote)| Rules { form, revote })
}

/// Returns the answer that `marks` stand for in a poll of this kind, where 0 is none; now and then it is not
/// allowed.
fn answer(form: Form, marks: &[u8]) -> Option<Answer> {
    let some = |mark: &u8| Some(*mark).filter(|mark| *mark > 0);
    match form {
        Form::Choice(_) => Answer::options(marks.iter().filter_map(some)),
        Form::Rating(form) => {
            let mut steps: Vec<_> = marks.iter().map(some).collect();
            steps.resize(steps.len().max(form.statements.into()), None);
            Some(Answer::Rating(Steps::of(steps)))
        }
        Form::Ranking(_) => Some(Answer::Ranking(Order::of(marks.iter().filter_map(some)))),
        Form::Points(form) => {
            let mut given: Vec<_> = marks.iter().map(|mark| u16::from(*mark)).collect();
            given.resize(given.len().max(form.options.into()), 0);
            Some(Answer::Points(Split::of(given)))
        }
        Form::Number(form) => {
            let mark = marks.first()?;
            Some(Answer::Number(Decimal::of_millionths(
                form.min + form.step * (i64::from(*mark) - 1),
            )))
        }
        Form::Words(_) => Some(say(marks.iter().map(|mark| u32::from(*mark)))),
    }
}

/// Returns an answer of the words with these numbers. What is sealed under their names does not matter to the fold.
fn say(numbers: impl IntoIterator<Item = u32>) -> Answer {
    let word = |n: u32| {
        // The order of names is not that of numbers.
        let name = Name(u128::from(n.reverse_bits()).to_be_bytes());
        Word { name, sealed: Sealed([n as u8; 48].into()) }
    };
    Answer::Words(Said::of(numbers.into_iter().map(word)))
}

/// Returns the votes of each name, and of the words that have none, of a poll of words.
fn by_name(tally: &Tally) -> (Vec<u64>, BTreeMap<String, u64>) {
    let (other, named) = tally.counts.split_at(1);
    assert_eq!(named.len(), tally.names.len());
    let words = tally.names.words().iter().map(|word| word.name.to_string());
    (other.into(), words.zip(named.iter().copied()).filter(|(_, votes)| *votes > 0).collect())
}

/// Returns records in which enough words are counted that few names are left.
fn talk(rules: &Rules) -> Vec<Entry> {
    let Form::Words(form) = rules.form else { return Vec::new() };
    let spoken: Vec<_> = (1000..1000 + MAX_NAMES as u32 - 3).collect();
    let said = spoken.chunks(form.most.into()).map(|words| say(words.iter().copied()));
    let ballot = |(n, answer): (usize, Answer)| Ballot {
        poll: poll(),
        voter: VoterId((1000 + n as u128).to_be_bytes()),
        id: ballot_id(0),
        named_by: NamedBy::Client,
        answer,
        round: 1,
        phase: 1,
        at: UnixMillis(0),
    };
    said.enumerate().map(ballot).map(Entry::Ballot).collect()
}

/// `Folded` is what the fold makes of one partition's records.
struct Folded {
    tally: Tally,
    voters: BTreeMap<VoterId, VoterState>,
    /// The decision about each ballot's first record.
    first: BTreeMap<(VoterId, BallotId), Decision>,
    replaced: Vec<(VoterId, BallotId)>,
}

impl Folded {
    /// Returns the voters' states as of the present round; the fold itself brings a state up to date only
    /// when its voter votes.
    fn settled(&self) -> BTreeMap<VoterId, VoterState> {
        let settle = |mut state: VoterState| {
            if state.round < self.tally.round {
                state.counted = None;
                state.round = self.tally.round;
            }
            state
        };
        self.voters.iter().map(|(voter, state)| (*voter, settle(state.clone()))).collect()
    }
}

fn fold(rules: &Rules, log: &[Entry]) -> Folded {
    let mut folded = Folded {
        tally: Tally::new(),
        voters: BTreeMap::new(),
        first: BTreeMap::new(),
        replaced: Vec::new(),
    };
    for entry in log {
        let before = folded.tally.changes;
        match entry {
            Entry::Ballot(ballot) => {
                let voter = folded.voters.entry(ballot.voter).or_default();
                let name = (ballot.voter, ballot.id);
                let before = folded.first.get(&name).and_then(Decision::status);
                assert!(before.is_none() || voter.may_have_seen(ballot.id), "or nobody would look");
                let decision = count(rules, &mut folded.tally, voter, ballot, before);
                if let Decision::Counted { replaced: Some((old, _)) } = &decision {
                    folded.replaced.push((ballot.voter, *old));
                }
                match folded.first.get(&name) {
                    // A ballot that was dead may be sent again, well formed.
                    None | Some(Decision::Dead(_)) => {
                        folded.first.insert(name, decision);
                    }
                    Some(first) => {
                        assert_eq!(decision, Decision::Repeated(first.status().unwrap()))
                    }
                }
            }
            Entry::Control(c) => {
                control(rules, &mut folded.tally, c.phase, c.round, c.gate);
            }
            Entry::Genesis(_) => {}
        }
        assert!(folded.tally.changes >= before, "the change counter never shrinks");
    }
    folded
}

fn check(rules: &Rules, log: &[Entry]) -> Recount {
    let checker = pollux_checker::Rules {
        asks: match rules.form {
            Form::Choice(form) => {
                Asks::Choice { options: form.options.into(), most: form.most.into() }
            }
            Form::Rating(form) => Asks::Rating {
                statements: form.statements.into(),
                steps: form.steps.into(),
                lowest: form.lowest.into(),
            },
            Form::Ranking(form) => {
                Asks::Ranking { options: form.options.into(), places: form.places.into() }
            }
            Form::Points(form) => {
                Asks::Points { options: form.options.into(), budget: form.budget.into() }
            }
            Form::Number(form) => {
                Asks::Number { min: form.min, step: form.step, values: form.values.into() }
            }
            Form::Words(form) => Asks::Words { most: form.most.into() },
        },
        refuse: rules.revote == Revote::Refuse,
    };
    recount(
        log.iter().enumerate().map(|(offset, entry)| (0, offset as u64, entry.encode())),
        &BTreeMap::from([(poll().to_string(), checker)]),
    )
}

/// A `Step` is one thing that happens at the web nodes.
#[derive(Clone, Debug)]
enum Step {
    /// A vote: the voter, the ballot, who named it, the marks, how many places late it reaches the log, and
    /// whether the record says nothing of phase and round (a foreign producer).
    Vote(u8, u8, NamedBy, Vec<u8>, usize, bool),
    Close,
    Reopen,
    Reset,
    Delete,
    /// The next control record reaches the log this many places late.
    Delay(usize),
    /// The record at this index is appended again.
    Repeat(prop::sample::Index),
}

fn step_strategy() -> impl Strategy<Value = Step> {
    let vote = (
        0..4_u8,
        0..12_u8,
        prop_oneof![Just(NamedBy::Client), Just(NamedBy::Server)],
        prop::collection::vec(0..=OPTIONS + 1, 1..4),
        0..8_usize,
        any::<bool>(),
    );
    prop_oneof![
        12 => vote.prop_map(|(v, b, n, o, late, foreign)| {
            Step::Vote(v, b, n, o, late, foreign && b % 4 == 0)
        }),
        1 => Just(Step::Close),
        1 => Just(Step::Reopen),
        1 => Just(Step::Reset),
        1 => (1..6_usize).prop_map(Step::Delay),
        4 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        1 => Just(Step::Delete).prop_filter("rarely", |_| true),
    ]
}

fn step(phase: u32, round: u32, gate: Gate, reason: Reason) -> Entry {
    Entry::Control(Control { poll: poll(), phase, round, gate, reason, at: UnixMillis(0) })
}

/// Plays the steps at a node that knows the poll's true state; records reach the log late.
fn play(rules: &Rules, steps: &[Step]) -> Vec<Entry> {
    let (mut phase, mut round, mut gate) = (1, 1, Gate::Open);
    let mut late = 0;
    let opened = |at| (at, step(1, 1, Gate::Open, Reason::Opened));
    let mut queue: Vec<(usize, Entry)> = vec![opened(steps.len() % 5)];
    let mut log: Vec<Entry> = Vec::new();
    for (now, event) in steps.iter().enumerate() {
        match event {
            Step::Vote(voter, id, named_by, marks, delay, foreign) => {
                let Some(answer) = answer(rules.form, marks) else { continue };
                if gate != Gate::Open && !foreign {
                    continue; // The node refuses the vote: the poll is closed.
                }
                // Before the opening a foreign producer's ballot is dead, and a dead one may be sent again.
                let (phase, round) = if *foreign && now > 5 { (0, 0) } else { (phase, round) };
                let ballot = Ballot {
                    poll: poll(),
                    voter: VoterId([*voter; 16]),
                    id: ballot_id(*id),
                    named_by: *named_by,
                    answer,
                    round,
                    phase,
                    at: UnixMillis(0),
                };
                queue.push((now + delay, Entry::Ballot(ballot)));
            }
            Step::Repeat(index) => {
                if !log.is_empty() {
                    log.push(log[index.index(log.len())].clone());
                }
            }
            Step::Delay(places) => late = *places,
            change => {
                let reason = match change {
                    Step::Close if gate == Gate::Open => Reason::Closed,
                    Step::Reopen if gate == Gate::Closed => Reason::Reopened,
                    Step::Reset if gate != Gate::Deleted => Reason::Reset,
                    Step::Delete if now % 7 == 0 && gate != Gate::Deleted => Reason::Deleted,
                    _ => continue,
                };
                phase += 1;
                match reason {
                    Reason::Closed => gate = Gate::Closed,
                    Reason::Opened | Reason::Reopened => gate = Gate::Open,
                    Reason::Reset => round += 1,
                    Reason::Deleted => gate = Gate::Deleted,
                }
                let record =
                    Control { poll: poll(), phase, round, gate, reason, at: UnixMillis(0) };
                queue.push((now + late, Entry::Control(record)));
                late = 0;
            }
        }
        queue.sort_by_key(|(due, _)| *due);
        while queue.first().is_some_and(|(due, _)| *due <= now) {
            log.push(queue.remove(0).1);
        }
    }
    log.extend(queue.into_iter().map(|(_, entry)| entry));
    log
}

/// Asserts that the decision on every ballot and the whole tally are what the independent recount says.
fn agrees(rules: &Rules, log: &[Entry]) -> Folded {
    let (folded, truth) = (fold(rules, log), check(rules, log));
    let result = truth.polls.get(&poll().to_string()).cloned().unwrap_or_default();
    if result.round > 0 {
        if let Form::Words(_) = rules.form {
            assert_eq!(by_name(&folded.tally), (result.counts, result.words));
        } else {
            assert_eq!(&folded.tally.counts, &result.counts);
        }
        assert_eq!(folded.tally.voters, result.voters);
        assert_eq!(u64::from(folded.tally.round), result.round);
        assert_eq!(u64::from(folded.tally.phase), result.partitions[&0].0);
        assert_eq!(folded.tally.gate == Gate::Open, result.partitions[&0].1);
    }
    for ((voter, id), decision) in &folded.first {
        let name = (poll().to_string(), voter.to_string(), id.to_string());
        let truth = truth.ballots.get(&name).map(|decided| decided.status);
        let told = match decision {
            Decision::Counted { .. } if folded.replaced.contains(&(*voter, *id)) => {
                Some("replaced")
            }
            other => other.status().map(Status::as_str),
        };
        assert_eq!(told, truth, "{name:?}");
    }
    folded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn agrees_with_the_independent_recount(
        steps in prop::collection::vec(step_strategy(), 0..80),
        rules in of_any_kind(),
    ) {
        agrees(&rules, &play(&rules, &steps));
    }

    /// Appending any record again, anywhere later, changes no tally, no decision and no version.
    #[test]
    fn duplicates_change_nothing(
        steps in prop::collection::vec(step_strategy(), 1..60),
        copies in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..10),
        rules in of_any_kind(),
    ) {
        let log = play(&rules, &steps);
        prop_assume!(!log.is_empty());
        let mut doubled = log.clone();
        for (from, to) in copies {
            let from = from.index(doubled.len());
            let to = from + 1 + to.index(doubled.len() - from);
            doubled.insert(to, doubled[from].clone());
        }
        let (once, twice) = (fold(&rules, &log), fold(&rules, &doubled));
        prop_assert_eq!(once.settled(), twice.settled());
        prop_assert_eq!(once.tally, twice.tally);
        prop_assert_eq!(once.first, twice.first);
    }

    /// While a poll is open and accepts the newest ballot, the order in which client-named ballots arrive
    /// does not matter.
    #[test]
    fn delays_change_nothing_while_open(
        votes in prop::collection::vec((0..4_u8, 0..12_u8), 1..40),
        seed in any::<u64>(),
    ) {
        // The first content of a ballot id wins, so each id has one content here.
        let mut log: Vec<Entry> = votes.iter().map(|(voter, id)| Entry::Ballot(Ballot {
            poll: poll(),
            voter: VoterId([*voter; 16]),
            id: ballot_id(*id),
            named_by: NamedBy::Client,
            answer: Answer::options([1 + (voter ^ id) % OPTIONS]).unwrap(),
            round: 1,
            phase: 1,
            at: UnixMillis(0),
        })).collect();
        let rules = rules(Revote::Replace);
        let in_order = fold(&rules, &log);
        let mut state = seed;
        for i in (1..log.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            log.swap(i, (state >> 33) as usize % (i + 1));
        }
        let shuffled = fold(&rules, &log);
        prop_assert_eq!(in_order.tally.counts, shuffled.tally.counts);
        prop_assert_eq!(in_order.tally.voters, shuffled.tally.voters);
        prop_assert_eq!(in_order.voters, shuffled.voters);
    }

    /// Of ballots that the server named, the last on the log counts, whatever the server's clock made of
    /// their ids. A ballot that the client names afterwards counts as soon as its id is greater.
    #[test]
    fn the_servers_ballots_count_by_their_place(ids in prop::collection::vec(0..12_u8, 1..12), then in 0..12_u8) {
        let vote = |id, named_by| Entry::Ballot(Ballot {
            poll: poll(),
            voter: VoterId([1; 16]),
            id: ballot_id(id),
            named_by,
            answer: Answer::options([1 + id % OPTIONS]).unwrap(),
            round: 1,
            phase: 1,
            at: UnixMillis(0),
        });
        let mut order: Vec<u8> = ids;
        let mut known = std::collections::BTreeSet::new();
        order.retain(|id| known.insert(*id));
        let log: Vec<Entry> = order.iter().map(|id| vote(*id, NamedBy::Server)).collect();
        let rules = rules(Revote::Replace);
        let counted = |log: &[Entry]| fold(&rules, log).voters[&VoterId([1; 16])].counted.clone().unwrap().0;
        let last = ballot_id(*order.last().unwrap());
        prop_assert_eq!(counted(&log), last);
        let afterwards = [&log[..], &[vote(then, NamedBy::Client)]].concat();
        let right = if known.contains(&then) { last } else { last.max(ballot_id(then)) };
        prop_assert_eq!(counted(&afterwards), right);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Where there is room for three more names, voters who say words and change their minds have six. Most runs have
    /// no reset, after which there would be room again.
    #[test]
    fn agrees_where_names_run_out(
        steps in prop::collection::vec(step_strategy(), 0..80),
        revote in prop_oneof![3 => Just(Revote::Replace), 1 => Just(Revote::Refuse)],
        resets in prop::bool::weighted(0.2),
    ) {
        let rules = Rules { form: Form::Words(words::Form { most: 2 }), revote };
        let stays = |step: &Step| resets || !matches!(step, Step::Reset);
        let steps: Vec<_> = steps.into_iter().filter(stays).collect();
        let log = [step(1, 1, Gate::Open, Reason::Opened)].into_iter().chain(talk(&rules));
        let folded = agrees(&rules, &log.chain(play(&rules, &steps)).collect::<Vec<_>>());
        prop_assert!(folded.tally.names.len() <= MAX_NAMES);
        prop_assert!(folded.tally.counts[0] == 0 || folded.tally.names.len() == MAX_NAMES);
    }
}

#[test]
fn a_late_ballot_stays_late_after_the_poll_is_reopened() {
    let rules = rules(Revote::Replace);
    let vote = |id, phase| {
        Entry::Ballot(Ballot {
            poll: poll(),
            voter: VoterId([1; 16]),
            id: ballot_id(id),
            named_by: NamedBy::Client,
            answer: Answer::options([1]).unwrap(),
            round: 1,
            phase,
            at: UnixMillis(0),
        })
    };
    let closed = || step(2, 1, Gate::Closed, Reason::Closed);
    let reopened = || step(3, 1, Gate::Open, Reason::Reopened);
    // The ballot was accepted in phase 1, but the close reached the log first; its retry comes after the
    // reopening.
    let folded = fold(&rules, &[closed(), vote(1, 1), reopened(), vote(1, 3), closed()]);
    assert_eq!(folded.tally.voters, 0);
    assert_eq!(folded.tally.gate, Gate::Open, "a repeated close of an earlier phase does nothing");
    // An older ballot that arrives only now was never decided, so it counts.
    let folded = fold(&rules, &[closed(), vote(2, 1), reopened(), vote(1, 3), vote(2, 3)]);
    assert_eq!((folded.tally.voters, folded.tally.counts[0]), (1, 1));
    // A new ballot of the same voter counts, and proves the reopening whose record is late.
    let folded = fold(&rules, &[closed(), vote(1, 1), vote(2, 3), reopened()]);
    assert_eq!((folded.tally.voters, folded.tally.phase), (1, 3));
}
