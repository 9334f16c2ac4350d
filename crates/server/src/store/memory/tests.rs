//! The memory store fails as it was told to, and a power cut takes what it may.

#![allow(clippy::unwrap_used)]

use pollux_core::id::Offset;

use super::*;
use crate::store::conformance::{
    NOW, Worker, at, ballot_id, change, create, generation, open_poll, voter,
};
use crate::store::{Ballots, Commit, CommitError, Counting};

fn only(faults: Faults) -> StoreFaults {
    StoreFaults { reads: faults.clone(), changes: faults.clone(), commits: faults }
}

fn commit(from: Offset) -> Commit {
    Commit { from, to: from + 1, ..Commit::default() }
}

#[tokio::test]
async fn faults_do_what_they_say() {
    let store = MemoryStore::new(1);
    store.begin(0, generation(1)).await.unwrap();
    let faults = [(1.0, 0.0, 0.0, false, 0), (0.0, 1.0, 0.0, true, 1), (0.0, 0.0, 1.0, true, 1)];
    for (unavailable, unknown_done, unknown_not_done, unknown, next) in faults {
        let rates = Faults { unavailable, unknown_done, unknown_not_done, delay: NO_DELAY };
        store.set_faults(only(rates));
        let from = store.dump().progress[0].1.next_offset;
        let answer = store.commit(0, &commit(from)).await;
        let CommitError::Store(error) = answer.unwrap_err() else { panic!("fenced") };
        assert_eq!(matches!(error, StoreError::Unknown(_)), unknown);
        assert_eq!(store.dump().progress[0].1.next_offset, next);
        let read = store.progress().await;
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "a read is never ambiguous");
    }
    store.set_faults(StoreFaults::NONE);
    store.commit(0, &commit(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_leaves_it_done_or_not() {
    let delay = Duration::from_millis(10)..Duration::from_millis(11);
    let store =
        MemoryStore::faulty(1, only(Faults { delay, ..Faults::NONE }), StdRng::seed_from_u64(1));
    store.begin(0, generation(1)).await.unwrap();
    for (patience, done) in [(5, 0), (15, 1)] {
        let patience = Duration::from_millis(patience);
        let from = store.dump().progress[0].1.next_offset;
        assert!(tokio::time::timeout(patience, store.commit(0, &commit(from))).await.is_err());
        assert_eq!(store.dump().progress[0].1.next_offset, done);
    }
}

#[tokio::test]
async fn the_same_seed_fails_the_same() {
    let run = async |seed| {
        let rates = Faults { unavailable: 0.3, unknown_done: 0.2, ..Faults::NONE };
        let store = MemoryStore::faulty(1, only(rates), StdRng::seed_from_u64(seed));
        let mut answers = Vec::new();
        for _ in 0..50 {
            answers.push(store.begin(0, generation(1)).await);
        }
        answers
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}

#[tokio::test]
async fn a_power_cut_takes_the_newest_commits_only() {
    let mut lost = Vec::new();
    for seed in 0..80 {
        let by_commit = seed % 2 == 0;
        let store = MemoryStore::faulty(1, StoreFaults::NONE, StdRng::seed_from_u64(seed / 2));
        let mut poll = create(&*store, open_poll(1)).await;
        let mut worker = Worker::begin(&*store, 0).await;
        let mut states = Vec::new();
        for n in 0..6 {
            if n == 3 {
                // The power cut may take nothing from here back: a poll's change, or a durable commit.
                if by_commit {
                    worker.control(&poll).await;
                } else {
                    change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW)).unwrap())).await;
                    change(&*store, &mut poll, |poll| assert!(poll.reopen(at(NOW)).unwrap())).await;
                }
                states.clear();
            }
            states.push(store.dump());
            worker.vote(&poll, voter(n % 2), ballot_id(u64::from(n)), &[1]).await;
        }
        states.push(store.dump());
        let (next, cut) = (worker.next, store.power_cut());
        assert_eq!(store.dump(), states[states.len() - 1 - cut]);
        // The voters are as the rows that are left say, and the log is counted again from there.
        let again = store.begin(0, generation(1)).await.unwrap().next_offset;
        assert_eq!(again, next - cut as u64);
        let last = store.ballots(0, 0, None, 9).await.unwrap().pop().unwrap();
        let past = &store.load(0, &[], &[(poll.id, last.voter)]).await.unwrap().voters[0];
        assert_eq!(past, &last.past());
        assert_eq!(store.power_cut(), 0, "what survived one cut is on the disk");
        lost.push((by_commit, cut));
    }
    lost.sort_unstable();
    lost.dedup();
    let each = |by_commit| (0..=3).map(move |cut| (by_commit, cut));
    assert_eq!(lost, each(false).chain(each(true)).collect::<Vec<_>>());
}
