//! The contract about ballots: fencing, loading, committing, and telling their fate.

use pollux_core::ballot::{NamedBy, Status};
use pollux_core::digest::Digest;
use pollux_core::fold::{Link, Trail};
use pollux_core::kind::Answer;
use pollux_core::kind::number::Decimal;
use pollux_core::kind::points::Split;
use pollux_core::kind::ranking::Order;
use pollux_core::kind::rating::Steps;
use pollux_core::poll::{Poll, Revote};
use pollux_core::tally::VoterState;

use super::{
    Backend, NOW, Worker, at, ballot_id, change, choosing, create, generation, often, open_poll,
    poll_id, some_tally, voter,
};
use crate::store::{
    BallotFate, BallotRow, Commit, CommitError, DeadLetter, Progress, Store, StoreError, Voter,
};

fn empty(from: u64, to: u64) -> Commit {
    Commit { from, to, ..Commit::default() }
}

fn row(offset: u64, poll: &Poll, who: u8, ballot: u64) -> BallotRow {
    let (ballot, answer) = (ballot_id(ballot), choosing(&[1]));
    let after =
        VoterState { round: 1, counted: Some((ballot, answer.clone())), seen: Some(ballot) };
    let (poll, voter, decided, at) = (poll.id, voter(who), Status::Counted, at(NOW));
    let link = Trail::default().next();
    BallotRow { offset, poll, voter, ballot, answer, decided, at, after, link }
}

fn letter(offset: u64) -> DeadLetter {
    let reason = format!("letter {offset}");
    let (key, value) = (vec![0, 255].into(), vec![b'{'; offset as usize].into());
    DeadLetter { offset, key, value, reason }
}

pub async fn begins_where_it_left_off(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    assert_eq!(store.progress().await.unwrap(), []);
    let new = Progress { generation: generation(1), next_offset: 0, announced: 0 };
    assert_eq!(store.begin(1, generation(1)).await.unwrap(), new);
    assert_eq!(store.progress().await.unwrap(), [(1, new)], "the other one has not begun");
    store.commit(1, &Commit { announced: 3, ..empty(0, 7) }).await.unwrap();
    let now = Progress { next_offset: 7, announced: 3, ..new };
    assert_eq!(store.begin(1, generation(1)).await.unwrap(), now);
    store.begin(0, generation(1)).await.unwrap();
    assert_eq!(store.progress().await.unwrap(), [(0, new), (1, now)]);
    let beyond = store.begin(2, generation(1)).await;
    assert!(matches!(beyond, Err(StoreError::Damaged(_))), "{beyond:?}");
}

pub async fn refuses_another_generation(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    store.begin(0, generation(1)).await.unwrap();
    let Err(StoreError::Damaged(why)) = store.begin(0, generation(2)).await else {
        panic!("another log was taken for ours")
    };
    for name in [generation(1), generation(2)] {
        assert!(why.contains(&name.to_string()), "{why:?} names {name}");
    }
    assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 0);
}

pub async fn fences_the_second_worker(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let poll = create(&*store, open_poll(1)).await;
    let mut slow = Worker::begin(&*store, 0).await;
    let mut quick = Worker::begin(&*store, 0).await;
    quick.vote(&poll, voter(1), ballot_id(1), &[1]).await.unwrap();
    let late = Commit {
        tallies: vec![slow.at(&poll, some_tally(&[0, 9, 0]), 1)],
        ballots: vec![row(0, &poll, 2, 2)],
        dead: vec![letter(0)],
        digest: Some(Digest { from: 0, to: 1, hash: [2; 32] }),
        announced: 1,
        ..empty(0, 1)
    };
    assert_eq!(store.commit(0, &late).await, Err(CommitError::Fenced));
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [1, 0, 0]);
    assert_eq!(store.voter(poll.id, voter(2)).await.unwrap(), VoterState::default());
    assert_eq!(store.dead(0, 0, 9).await.unwrap(), []);
    assert_eq!(store.digests(0, 0).await.unwrap(), []);
    let progress = store.begin(0, generation(1)).await.unwrap();
    assert_eq!((progress.next_offset, progress.announced), (1, 0));
    // The fenced worker reloads, and goes on.
    slow.next = progress.next_offset;
    slow.vote(&poll, voter(2), ballot_id(2), &[2]).await.unwrap();
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [1, 1, 0]);
    // A commit ahead of the offset is fenced as well, and so is one in a partition that nobody
    // began.
    assert_eq!(store.commit(0, &empty(5, 6)).await, Err(CommitError::Fenced));
    assert_eq!(store.commit(1, &empty(0, 1)).await, Err(CommitError::Fenced));
}

pub async fn commits_all_or_nothing(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, open_poll(1)).await;
    let worker = Worker::begin(&*store, 0).await;
    let stranger = open_poll(9);
    let good = Commit {
        tallies: vec![worker.at(&poll, some_tally(&[2, 0, 0]), 4)],
        ballots: vec![row(0, &poll, 1, 1), row(2, &poll, 2, 2)],
        dead: vec![letter(1)],
        digest: Some(Digest { from: 0, to: 4, hash: [1; 32] }),
        announced: 2,
        ..empty(0, 4)
    };
    // The last tally cannot be written, so nothing is.
    let mut bad = good.clone();
    bad.tallies.push(worker.at(&stranger, some_tally(&[1, 0, 0]), 4));
    let answer = store.commit(0, &bad).await;
    assert!(matches!(answer, Err(CommitError::Store(StoreError::Damaged(_)))), "{answer:?}");
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().total_votes(), 0);
    assert_eq!(store.ballots(0, 0, None, 9).await.unwrap(), []);
    assert_eq!(store.dead(0, 0, 9).await.unwrap(), []);
    assert_eq!(store.digests(0, 0).await.unwrap(), []);
    assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 0);
    assert_eq!(store.voter(poll.id, voter(1)).await.unwrap(), VoterState::default());

    store.commit(0, &good).await.unwrap();
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [2, 0, 0]);
    assert_eq!(store.ballots(0, 0, None, 9).await.unwrap(), good.ballots);
    assert_eq!(store.dead(0, 0, 9).await.unwrap(), good.dead);
    assert_eq!(store.digests(0, 0).await.unwrap(), [good.digest.unwrap()]);
    let progress = store.begin(0, generation(1)).await.unwrap();
    assert_eq!((progress.next_offset, progress.announced), (4, 2));
    assert_eq!(store.voter(poll.id, voter(2)).await.unwrap(), good.ballots[1].after);
}

pub async fn keeps_digests_in_place_of_those_they_go_on_from(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    store.begin(0, generation(1)).await.unwrap();
    store.begin(1, generation(1)).await.unwrap();
    let digest = |from, to, n| Digest { from, to, hash: [n; 32] };
    let keep = async |partition, from, digest: Digest| {
        let commit = Commit { digest: Some(digest), ..empty(from, digest.to) };
        store.commit(partition, &commit).await
    };
    keep(0, 0, digest(0, 5, 1)).await.unwrap();
    keep(1, 0, digest(0, 3, 2)).await.unwrap();
    keep(0, 5, digest(0, 7, 3)).await.unwrap();
    keep(0, 7, digest(7, 9, 4)).await.unwrap();
    assert_eq!(keep(0, 7, digest(7, 8, 5)).await, Err(CommitError::Fenced));
    // A worker of an older version keeps no digest, and takes none away.
    store.commit(0, &empty(9, 12)).await.unwrap();
    keep(0, 12, digest(12, 300, 255)).await.unwrap();
    let store = backend.reopen(store).await;
    let all = [digest(0, 7, 3), digest(7, 9, 4), digest(12, 300, 255)];
    assert_eq!(store.digests(0, 0).await.unwrap(), all);
    assert_eq!(store.digests(0, 7).await.unwrap(), all);
    assert_eq!(store.digests(0, 8).await.unwrap(), all[1..]);
    assert_eq!(store.digests(0, 301).await.unwrap(), []);
    assert_eq!(store.digests(1, 0).await.unwrap(), [digest(0, 3, 2)]);
}

pub async fn loads_the_known_and_the_unknown(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let one = create(&*store, open_poll(1)).await;
    let two = create(&*store, open_poll(2)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    let cast = worker.vote(&one, voter(1), ballot_id(1), &[1, 3]).await.unwrap();
    let (known, twin) = ((one.id, voter(1)), (two.id, voter(1)));
    let voters = [twin, known, (one.id, voter(2)), (poll_id(9), voter(1)), known];
    let loaded = store.load(0, &[two.id, poll_id(9), one.id], &voters).await.unwrap();
    let nobody = Voter::default();
    let somebody = cast.past();
    assert_eq!(loaded.voters, [nobody.clone(), somebody.clone(), nobody.clone(), nobody, somebody]);
    assert_eq!(loaded.polls[0], Some((two.clone(), None)));
    assert_eq!(loaded.polls[1], None);
    let (poll, tally) = loaded.polls[2].clone().unwrap();
    assert_eq!((&poll, tally.unwrap().tally.counts), (&one, vec![1, 0, 1]));
    // The poll's tally of one partition is not loaded for another.
    let elsewhere = store.load(1, &[one.id], &[]).await.unwrap();
    assert_eq!(elsewhere.polls, [Some((one.clone(), None))]);
    let mut deleted = one;
    change(&*store, &mut deleted, |poll| poll.delete(at(NOW)).unwrap()).await;
    let loaded = store.load(0, &[deleted.id], &[]).await.unwrap();
    assert_eq!(loaded.polls[0].as_ref().unwrap().0, deleted, "a deleted poll is loaded");
    assert_eq!(store.load(0, &[], &[]).await.unwrap().voters, []);
}

pub async fn keeps_every_voter_state(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    let (own, other) = (ballot_id(5), ballot_id(3));
    let all = Answer::options(1..=100).unwrap();
    let mut states = Vec::new();
    for round in [0, 1, u32::MAX] {
        for counted in [
            None,
            Some((own, choosing(&[1]))),
            Some((own, all.clone())),
            Some((other, all.clone())),
        ] {
            for seen in [None, Some(own), Some(other)] {
                states.push(VoterState { round, counted: counted.clone(), seen });
            }
        }
    }
    let mut expected = Vec::new();
    for (n, after) in states.into_iter().enumerate() {
        // No fold would leave all of these states, but the store keeps what it is given.
        let row = BallotRow { after, ..row(n as u64, &poll, n as u8, 5) };
        let commit = Commit { ballots: vec![row.clone()], ..empty(n as u64, n as u64 + 1) };
        store.commit(0, &commit).await.unwrap();
        expected.push(row);
    }
    for row in &expected {
        assert_eq!(store.voter(poll.id, row.voter).await.unwrap(), row.after);
    }
    let store = backend.reopen(store).await;
    let voters: Vec<_> = expected.iter().map(|row| (poll.id, row.voter)).collect();
    let loaded = store.load(0, &[], &voters).await.unwrap();
    for (row, loaded) in expected.iter().zip(loaded.voters) {
        assert_eq!(loaded, row.past());
    }
    assert_eq!(store.ballots(0, 0, None, 99).await.unwrap(), expected);
}

pub async fn keeps_every_answer(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    let rated = [&[Some(1)][..], &[Some(0), None, Some(11)], &[Some(7); 30]];
    let rated = rated.map(|steps| Answer::Rating(Steps::of(steps.iter().copied())));
    let marked = [&[1][..], &[62], &[63], &[64], &[1, 100]].map(choosing);
    let ranked = [vec![20], (1..=20).collect()].map(|order| Answer::Ranking(Order::of(order)));
    let given = [vec![0, 1], vec![50; 20]].map(|points| Answer::Points(Split::of(points)));
    let numbers = [0, 1, -42_500_000, 999_999_999_999_999, 1_000_000_000_000_000];
    let numbers = numbers.map(|number| Answer::Number(Decimal::of_millionths(number)));
    let answers = rated.into_iter().chain(marked).chain(ranked).chain(given).chain(numbers);
    let rows: Vec<BallotRow> = (0..)
        .zip(answers)
        .map(|(n, answer)| {
            // Every second row leaves another ballot counted.
            let counted = Some((ballot_id(1 + n % 2), answer.clone()));
            let after = VoterState { round: 1, counted, seen: Some(ballot_id(9)) };
            BallotRow { answer, after, ..row(n, &poll, n as u8, 1) }
        })
        .collect();
    store.commit(0, &Commit { ballots: rows.clone(), ..empty(0, 99) }).await.unwrap();
    let store = backend.reopen(store).await;
    assert_eq!(store.ballots(0, 0, None, 99).await.unwrap(), rows);
    for row in &rows {
        assert_eq!(store.voter(poll.id, row.voter).await.unwrap(), row.after);
    }
}

/// Anyone who may write to the topic may write these numbers, and the fold counts them.
pub async fn keeps_the_greatest_numbers(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, open_poll(1)).await;
    let worker = Worker::begin(&*store, 0).await;
    let mut tally = some_tally(&[u64::from(u32::MAX), 0, 0]);
    (tally.phase, tally.round) = (u32::MAX, u32::MAX);
    let after = VoterState { round: u32::MAX, ..row(0, &poll, 1, 1).after };
    let kept = BallotRow { at: at(u64::MAX), after, ..row(0, &poll, 1, 1) };
    let reason = "ünreadable \u{1}\u{7f}".into();
    let (key, value) = (vec![0, 255, 39].into(), vec![0xc3; 5000].into());
    let commit = Commit {
        tallies: vec![worker.at(&poll, tally, 2)],
        ballots: vec![kept],
        dead: vec![DeadLetter { offset: 1, key, value, reason }],
        ..empty(0, 2)
    };
    store.commit(0, &commit).await.unwrap();
    assert_eq!(store.ballots(0, 0, None, 9).await.unwrap(), commit.ballots);
    assert_eq!(store.dead(0, 0, 9).await.unwrap(), commit.dead);
    assert_eq!(store.tallies_since(0, 0).await.unwrap(), commit.tallies);
}

pub async fn chains_a_voters_rows(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let (poll, other) = (create(&*store, open_poll(1)).await, create(&*store, open_poll(2)).await);
    let mut worker = Worker::begin(&*store, 0).await;
    // The comments give the offset of each record.
    worker.vote(&poll, voter(1), ballot_id(10), &[1]).await; // 0
    worker.vote(&other, voter(1), ballot_id(10), &[1]).await; // 1
    worker.vote(&poll, voter(2), ballot_id(10), &[1]).await; // 2
    worker.vote(&poll, voter(1), ballot_id(30), &[2]).await; // 3
    worker.vote(&poll, voter(1), ballot_id(20), &[3]).await; // 4: superseded, and a row as well
    worker.vote(&poll, voter(1), ballot_id(30), &[3]).await; // 5: a repetition, and no row
    worker.vote(&poll, voter(1), ballot_id(40), &[1]).await; // 6
    let store = backend.reopen(store).await;
    let rows = store.ballots(0, 0, None, 9).await.unwrap();
    let link = |nth, prev| Link { nth, prev };
    let chain: Vec<_> = rows.iter().map(|row| (row.offset, row.link)).collect();
    let expected = [
        (0, link(1, None)),
        (1, link(1, None)),
        (2, link(1, None)),
        (3, link(2, Some(0))),
        (4, link(3, Some(3))),
        (6, link(4, Some(4))),
    ];
    assert_eq!(chain, expected);
    let voters = [(poll.id, voter(1)), (other.id, voter(1)), (poll.id, voter(2))];
    let loaded = store.load(0, &[], &voters).await.unwrap().voters;
    let trails: Vec<_> = loaded.iter().map(|past| (past.trail.ballots, past.trail.end)).collect();
    assert_eq!(trails, [(4, Some(6)), (1, Some(1)), (1, Some(2))]);
}

/// The voter votes again and again, older ballots of theirs arrive late, and the poll is reset.
pub async fn finds_ballots_past_the_chain(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, open_poll(1)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    // Every third ballot is older than the one before, and so is superseded.
    let ids = (0..40).map(|n| if n % 3 == 2 { 10 * n - 15 } else { 10 * n + 10 });
    let ids: Vec<u64> = ids.collect();
    let mut cast = Vec::new();
    for (n, id) in ids.iter().enumerate() {
        if [3, 20, 30].contains(&n) {
            change(&*store, &mut poll, |poll| poll.reset(at(NOW)).unwrap()).await;
            worker.control(&poll).await;
        }
        cast.extend(worker.vote(&poll, voter(1), ballot_id(*id), &[1]).await);
    }
    worker.vote(&poll, voter(2), ballot_id(11), &[1]).await;
    assert_eq!(cast.len(), ids.len(), "each is decided");
    let store = backend.reopen(store).await;
    let asked: Vec<_> = ids.iter().map(|id| (poll.id, voter(1), ballot_id(*id))).collect();
    let decided = store.decided(0, &asked).await.unwrap();
    assert_eq!(decided, cast.iter().map(|row| Some(row.decided)).collect::<Vec<_>>());
    for (n, row) in cast.iter().enumerate() {
        let again = |later: &BallotRow| {
            later.decided == Status::Counted && later.after.round == row.after.round
        };
        let replaced = row.decided == Status::Counted && cast[n + 1..].iter().any(again);
        let status = if replaced { Status::Replaced } else { row.decided };
        assert_eq!(fate(&*store, &poll, 1, ids[n]).await, Some((status, row.offset)), "{n}");
    }
    let strangers = [11, 12, 203, 399].map(|id| (poll.id, voter(1), ballot_id(id)));
    assert_eq!(store.decided(0, &strangers).await.unwrap(), [None; 4]);
    assert_eq!(fate(&*store, &poll, 1, 203).await, None);
    let chain = Trail::CHAIN as usize;
    let latest = &store.load(0, &[], &[(poll.id, voter(1))]).await.unwrap().voters[0];
    assert_eq!(latest.trail, Trail { ballots: 9, end: Some(cast[chain - 1].offset) });
    // The numbers go on from there, also for a worker that has just begun.
    let mut worker = Worker::begin(&*store, 0).await;
    assert_eq!(worker.vote(&poll, voter(1), ballot_id(ids[17]), &[2]).await, None, "a repetition");
    let next = worker.vote(&poll, voter(1), ballot_id(900), &[2]).await.unwrap();
    assert_eq!(next.link, Link { nth: 9, prev: latest.trail.end });
}

/// The rows are from before rows were numbered, or from nodes that do not number them yet.
pub async fn finds_ballots_that_were_never_numbered(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, open_poll(1)).await;
    let worker = Worker::begin(&*store, 0).await;
    let mut ballots = often(&poll, voter(1), 0, 12);
    for row in &mut ballots {
        row.link = Link { nth: 9, prev: row.offset.checked_sub(1) };
    }
    let tallies = vec![worker.at(&poll, some_tally(&[1, 0, 0]), 12)];
    store.commit(0, &Commit { tallies, ballots, ..empty(0, 12) }).await.unwrap();
    let store = backend.reopen(store).await;
    let mut worker = Worker::begin(&*store, 0).await;
    let new = worker.vote(&poll, voter(1), ballot_id(50), &[2]).await.unwrap();
    assert_eq!(new.link.nth, 9, "however many there are");
    for n in 0..12 {
        assert_eq!(worker.vote(&poll, voter(1), ballot_id(n), &[3]).await, None, "decided: {n}");
        assert_eq!(fate(&*store, &poll, 1, n).await, Some((Status::Replaced, n)));
    }
    let between = worker.vote(&poll, voter(1), ballot_id(40), &[3]).await.unwrap();
    assert_eq!(between.decided, Status::Superseded);
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [0, 1, 0]);
}

pub async fn remembers_every_decision(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, open_poll(1)).await;
    let other = create(&*store, open_poll(2)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    // The comments say what becomes of each ballot.
    worker.vote(&poll, voter(1), ballot_id(20), &[1]).await; // counted, then replaced
    worker.vote(&poll, voter(1), ballot_id(10), &[2]).await; // superseded
    worker.vote(&poll, voter(1), ballot_id(40), &[2]).await; // counted
    worker.vote(&poll, voter(2), ballot_id(60), &[2]).await;
    change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW)).unwrap())).await;
    worker.control(&poll).await;
    worker.vote(&poll, voter(1), ballot_id(30), &[3]).await; // late
    let store = backend.reopen(store).await;
    // The comments say which ballot is asked about.
    let ask = |poll: &Poll, who, ballot| (poll.id, voter(who), ballot_id(ballot));
    // The questions are, in this order: the latest row; three earlier ones; a ballot above all that were
    // seen; one in between and one below, never seen; another voter's; a voter who never voted; another poll;
    // no poll at all; and an earlier one once more.
    let asked = [
        ask(&poll, 1, 30),
        ask(&poll, 1, 40),
        ask(&poll, 1, 10),
        ask(&poll, 1, 20),
        ask(&poll, 1, 50),
        ask(&poll, 1, 35),
        ask(&poll, 1, 5),
        ask(&poll, 1, 60),
        ask(&poll, 3, 20),
        ask(&other, 1, 20),
        ask(&open_poll(9), 1, 20),
        ask(&poll, 1, 40),
    ];
    let (counted, superseded) = (Some(Status::Counted), Some(Status::Superseded));
    let mut told = vec![Some(Status::Late), counted, superseded, counted];
    told.extend([None; 7]);
    told.push(counted);
    assert_eq!(store.decided(0, &asked).await.unwrap(), told);
    assert_eq!(store.decided(0, &[]).await.unwrap(), []);
}

async fn fate(store: &dyn Store, poll: &Poll, who: u8, ballot: u64) -> Option<(Status, u64)> {
    let fate = store.fate(poll.id, voter(who), ballot_id(ballot)).await.unwrap()?;
    let BallotFate { ballot: of, status, position: (partition, offset) } = fate;
    assert_eq!((of, partition), (ballot_id(ballot), 0));
    Some((status, offset))
}

pub async fn tells_the_fate_in_every_status(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let refusing = Poll { revote: Revote::Refuse, ..open_poll(1) };
    let refusing = create(&*store, refusing).await;
    let mut poll = create(&*store, open_poll(2)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    // The comments give each record's offset, and what becomes of the ballot.
    worker.vote(&refusing, voter(1), ballot_id(10), &[1]).await; // 0 counted
    worker.vote(&refusing, voter(1), ballot_id(20), &[2]).await; // 1 refused
    worker.vote(&poll, voter(1), ballot_id(20), &[1]).await; // 2 counted
    worker.vote(&poll, voter(1), ballot_id(10), &[2]).await; // 3 superseded
    change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW)).unwrap())).await;
    worker.control(&poll).await; // 4
    worker.vote(&poll, voter(2), ballot_id(30), &[2]).await; // 5 late
    worker.vote(&poll, voter(1), ballot_id(15), &[2]).await; // 6 late, below one that counts
    // These are repetitions: each ballot stays what its first record was.
    worker.vote(&poll, voter(1), ballot_id(20), &[3]).await;
    worker.vote(&poll, voter(1), ballot_id(10), &[3]).await;
    worker.vote(&refusing, voter(1), ballot_id(20), &[3]).await;
    let store = backend.reopen(store).await;
    let told = async |poll, who, ballot| fate(&*store, poll, who, ballot).await;
    assert_eq!(told(&refusing, 1, 10).await, Some((Status::Counted, 0)));
    assert_eq!(told(&refusing, 1, 20).await, Some((Status::Refused, 1)));
    assert_eq!(told(&poll, 1, 20).await, Some((Status::Counted, 2)));
    assert_eq!(told(&poll, 1, 10).await, Some((Status::Superseded, 3)));
    assert_eq!(told(&poll, 2, 30).await, Some((Status::Late, 5)));
    assert_eq!(told(&poll, 1, 15).await, Some((Status::Late, 6)));
    for undecided in [5, 17, 40] {
        assert_eq!(told(&poll, 1, undecided).await, None, "{undecided} is not decided yet");
    }
    assert_eq!(told(&open_poll(9), 1, 20).await, None, "no such poll");
}

pub async fn tells_replaced_from_counted(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let mut poll = create(&*store, open_poll(1)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    // The comments give the offset of each record.
    worker.vote(&poll, voter(1), ballot_id(10), &[1]).await; // 0
    worker.vote(&poll, voter(1), ballot_id(30), &[2]).await; // 1
    worker.vote(&poll, voter(1), ballot_id(20), &[1]).await; // 2: superseded, replaces nothing
    assert_eq!(worker.vote(&poll, voter(1), ballot_id(30), &[3]).await, None); // 3: a repetition
    let first = async |ballot| fate(&*store, &poll, 1, ballot).await;
    assert_eq!(first(10).await, Some((Status::Replaced, 0)));
    assert_eq!(first(30).await, Some((Status::Counted, 1)));
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [0, 1, 0]);
    // In the new round, what counted in the old one is still told as counted, to a retry too.
    change(&*store, &mut poll, |poll| poll.reset(at(NOW)).unwrap()).await;
    worker.control(&poll).await; // 4
    assert_eq!(worker.vote(&poll, voter(1), ballot_id(30), &[2]).await, None); // 5: a repetition
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [0, 0, 0]);
    worker.vote(&poll, voter(1), ballot_id(25), &[2]).await; // 6: counted in the second round
    worker.vote(&poll, voter(1), ballot_id(50), &[3]).await; // 7: replaces it
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [0, 0, 1]);
    let store = backend.reopen(store).await;
    let told = async |ballot| fate(&*store, &poll, 1, ballot).await;
    assert_eq!(told(10).await, Some((Status::Replaced, 0)), "in its own round");
    assert_eq!(told(20).await, Some((Status::Superseded, 2)));
    assert_eq!(told(30).await, Some((Status::Counted, 1)), "by no ballot of another round");
    assert_eq!(told(25).await, Some((Status::Replaced, 6)));
    assert_eq!(told(50).await, Some((Status::Counted, 7)));
    let counted = Some((ballot_id(50), choosing(&[3])));
    let state = VoterState { round: 2, counted, seen: Some(ballot_id(50)) };
    assert_eq!(store.voter(poll.id, voter(1)).await.unwrap(), state);
}

pub async fn tells_the_fate_of_what_the_server_named(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let poll = create(&*store, open_poll(1)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    // The comment beside a vote begins with its record's offset.
    worker.vote(&poll, voter(1), ballot_id(50), &[1]).await; // 0
    let by_place = NamedBy::Server;
    worker.vote_named_by(by_place, &poll, voter(1), ballot_id(20), &[2]).await; // 1
    worker.vote(&poll, voter(1), ballot_id(10), &[3]).await; // 2: superseded
    let store = backend.reopen(store).await;
    let told = async |ballot| fate(&*store, &poll, 1, ballot).await;
    assert_eq!(told(50).await, Some((Status::Replaced, 0)), "by one with a smaller id");
    assert_eq!(told(20).await, Some((Status::Counted, 1)));
    assert_eq!(told(10).await, Some((Status::Superseded, 2)));
    let counted = Some((ballot_id(20), choosing(&[2])));
    let state = VoterState { round: 1, counted, seen: Some(ballot_id(50)) };
    assert_eq!(store.voter(poll.id, voter(1)).await.unwrap(), state);
    let mut worker = Worker::begin(&*store, 0).await;
    assert_eq!(worker.vote(&poll, voter(1), ballot_id(50), &[3]).await, None, "decided once");
    worker.vote(&poll, voter(1), ballot_id(30), &[3]).await; // 3: greater than the one that counts
    assert_eq!(store.standing(poll.id).await.unwrap().unwrap().counts(), [0, 0, 1]);
}

pub async fn does_not_tell_others(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    let (poll, other) = (create(&*store, open_poll(1)).await, create(&*store, open_poll(2)).await);
    let mut worker = Worker::begin(&*store, 0).await;
    worker.vote(&poll, voter(1), ballot_id(10), &[1]).await;
    worker.vote(&poll, voter(2), ballot_id(5), &[1]).await;
    assert_eq!(fate(&*store, &poll, 3, 10).await, None, "a stranger");
    assert_eq!(fate(&*store, &poll, 2, 10).await, None, "another voter");
    assert_eq!(fate(&*store, &other, 1, 10).await, None, "in another poll");
}

pub async fn tells_tallies_since(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let one = create(&*store, open_poll(1)).await;
    let two = create(&*store, open_poll(2)).await;
    let mut here = Worker::begin(&*store, 0).await;
    let mut there = Worker::begin(&*store, 1).await;
    here.vote(&one, voter(1), ballot_id(1), &[1]).await; // It commits up to offset 1.
    here.vote(&two, voter(1), ballot_id(1), &[1]).await; // It commits up to offset 2.
    there.vote(&one, voter(2), ballot_id(1), &[2]).await;
    let since = async |partition, offset| {
        let tallies = store.tallies_since(partition, offset).await.unwrap();
        tallies.iter().map(|t| (t.poll, t.partition, t.next_offset)).collect::<Vec<_>>()
    };
    assert_eq!(since(0, 0).await, [(one.id, 0, 1), (two.id, 0, 2)]);
    assert_eq!(since(0, 1).await, [(one.id, 0, 1), (two.id, 0, 2)]);
    assert_eq!(since(0, 2).await, [(two.id, 0, 2)]);
    assert_eq!(since(0, 3).await, []);
    assert_eq!(since(1, 0).await, [(one.id, 1, 1)]);
    here.vote(&one, voter(3), ballot_id(1), &[3]).await;
    assert_eq!(since(0, 2).await, [(two.id, 0, 2), (one.id, 0, 3)]);
    let newest = store.tallies_since(0, 3).await.unwrap();
    assert_eq!(newest[0].tally.counts, [1, 0, 1], "the absolute tally");
    assert_eq!(newest[0].generation, generation(1));
}

pub async fn keeps_the_greatest_announced(backend: &dyn Backend) {
    let store = backend.fresh(1).await;
    store.begin(0, generation(1)).await.unwrap();
    let mut seen = Vec::new();
    for (from, announced) in [(0, 0), (1, 1), (2, 0), (3, 3)] {
        store.commit(0, &Commit { announced, ..empty(from, from + 1) }).await.unwrap();
        seen.push(store.begin(0, generation(1)).await.unwrap().announced);
    }
    assert_eq!(seen, [0, 1, 1, 3]);
}

pub async fn gives_ballots_in_log_order(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    let (one, two) = (create(&*store, open_poll(1)).await, create(&*store, open_poll(2)).await);
    store.begin(0, generation(1)).await.unwrap();
    store.begin(1, generation(1)).await.unwrap();
    let rows = [row(1, &one, 9, 1), row(4, &two, 8, 1), row(5, &one, 1, 1), row(9, &one, 2, 1)];
    store.commit(0, &Commit { ballots: rows[..2].to_vec(), ..empty(0, 5) }).await.unwrap();
    store.commit(0, &Commit { ballots: rows[2..].to_vec(), ..empty(5, 10) }).await.unwrap();
    let other = vec![row(3, &one, 7, 1)];
    store.commit(1, &Commit { ballots: other.clone(), ..empty(0, 10) }).await.unwrap();
    let get = async |from, poll, limit| store.ballots(0, from, poll, limit).await.unwrap();
    assert_eq!(get(0, None, 9).await, rows);
    assert_eq!(get(4, None, 2).await, rows[1..3]);
    assert_eq!(get(6, None, 9).await, rows[3..]);
    assert_eq!(get(10, None, 9).await, []);
    assert_eq!(get(0, Some(two.id), 9).await, rows[1..2]);
    assert_eq!(get(2, Some(one.id), 1).await, rows[2..3]);
    assert_eq!(get(0, Some(poll_id(9)), 9).await, []);
    assert_eq!(get(0, None, 0).await, []);
    assert_eq!(store.ballots(1, 0, None, 9).await.unwrap(), other);
}

pub async fn keeps_dead_letters(backend: &dyn Backend) {
    let store = backend.fresh(2).await;
    store.begin(0, generation(1)).await.unwrap();
    let all = [letter(0), letter(2), letter(7)];
    store.commit(0, &Commit { dead: all[..2].to_vec(), ..empty(0, 5) }).await.unwrap();
    store.commit(0, &Commit { dead: all[2..].to_vec(), ..empty(5, 8) }).await.unwrap();
    assert_eq!(store.dead(0, 0, 9).await.unwrap(), all);
    assert_eq!(store.dead(0, 1, 1).await.unwrap(), all[1..2]);
    assert_eq!(store.dead(0, 8, 9).await.unwrap(), []);
    assert_eq!(store.dead(1, 0, 9).await.unwrap(), []);
}
