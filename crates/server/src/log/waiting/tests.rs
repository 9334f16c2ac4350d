//! A record that waits in line is recorded once, in its order, or certainly not.

#![allow(clippy::unwrap_used)]

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use super::*;
use crate::config::LogLimits;
use crate::log::memory::{LogFaults, MemoryLog};

const SECOND: Duration = Duration::from_secs(1);

fn cluster(seed: u64) -> MemoryLog {
    let generation = Generation("0199a3a4-0000-7000-8000-000000000001".parse().unwrap());
    MemoryLog::new(generation, 2, LogLimits::default(), LogFaults::default(), seed)
}

fn away() -> LogFaults {
    LogFaults { hindrance: Some("no leader".into()), ..LogFaults::default() }
}

fn record(text: &str) -> NewRecord {
    NewRecord { key: "key".into(), value: text.to_owned().into() }
}

/// Returns what stands on a partition after the genesis record.
fn texts(cluster: &MemoryLog, partition: Partition) -> Vec<String> {
    let records = cluster.records(partition).into_iter().skip(1);
    records.map(|record| String::from_utf8(record.value.to_vec()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_log_refuses_waits_and_is_recorded_in_the_order_of_the_calls() {
    let cluster = cluster(1);
    let log = Waiting::new(cluster.node(0), 100);
    cluster.set_faults(away());
    let names = ["a", "b", "c", "d"];
    let appends = names.map(|name| log.append(0, record(name)));
    let other = log.append(1, record("of another partition"));
    let healing = async {
        sleep(9 * SECOND).await;
        assert_eq!(log.ready(), Ok(()), "there is room");
        assert_eq!(log.hindrance().as_deref(), Some("no leader"));
        assert!(texts(&cluster, 0).is_empty());
        cluster.set_faults(LogFaults::default());
    };
    let (outcomes, other, ()) = tokio::join!(join_all(appends), other, healing);
    let offsets: Vec<_> = outcomes.into_iter().map(|done| done.unwrap().offset.unwrap()).collect();
    assert_eq!(offsets, [1, 2, 3, 4]);
    other.unwrap();
    assert_eq!(texts(&cluster, 0), names);
    let begun = Instant::now();
    log.append(0, record("e")).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits where nobody stands");
}

#[tokio::test(start_paused = true)]
async fn a_control_record_does_not_pass_a_ballot_that_was_refused_after_all() {
    let cluster = cluster(2);
    let log = Waiting::new(cluster.node(0), 100);
    let delay = SECOND..2 * SECOND;
    cluster.set_faults(LogFaults { not_recorded: 1.0, delay, ..LogFaults::default() });
    let ballot = log.append(0, record("ballot"));
    // From here on the log takes everything; the ballot's refusal is still on its way.
    cluster.set_faults(LogFaults::default());
    let control = log.append_last(0, record("control"));
    let later = log.append(0, record("later"));
    let (ballot, control, later) = tokio::join!(ballot, control, later);
    for done in [ballot, control, later] {
        done.unwrap();
    }
    assert_eq!(texts(&cluster, 0), ["ballot", "control", "later"]);
}

#[tokio::test(start_paused = true)]
async fn control_records_do_not_wait_for_each_other() {
    let cluster = cluster(3);
    let log = Waiting::new(cluster.node(0), 2_000);
    cluster.set_faults(LogFaults { delay: SECOND..SECOND * 2, ..LogFaults::default() });
    let ballot = log.append(0, record("ballot"));
    let controls: Vec<_> =
        (0..1_000).map(|n| log.append_last(0, record(&format!("control {n}")))).collect();
    let begun = Instant::now();
    let (ballot, controls) = tokio::join!(ballot, join_all(controls));
    ballot.unwrap();
    assert!(controls.iter().all(Result::is_ok));
    assert!(begun.elapsed() < 10 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(texts(&cluster, 0)[0], "ballot");
}

#[tokio::test(start_paused = true)]
async fn a_caller_out_of_time_hears_not_recorded_or_unknown_as_the_log_has_it() {
    let cluster = cluster(4);
    let log = Waiting::new(cluster.node(0), 100);
    cluster.set_faults(LogFaults { delay: 5 * SECOND..6 * SECOND, ..LogFaults::default() });
    let handed = log.append(0, record("handed over")).within(SECOND).await;
    assert!(matches!(handed, Err(AppendError::Unknown(_))), "{handed:?}");
    cluster.set_faults(away());
    let waits = log.append(0, record("in line")).within(SECOND).await;
    assert!(matches!(waits, Err(AppendError::NotRecorded(_))), "{waits:?}");
    // An append that is dropped has had no answer; it leaves the line, too.
    drop(log.append(0, record("gone")));
    assert_eq!(log.shared.waiting.load(Ordering::Acquire), 0);
    cluster.set_faults(LogFaults::default());
    log.append(0, record("after")).await.unwrap();
    sleep(60 * SECOND).await;
    assert_eq!(texts(&cluster, 0), ["handed over", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_line_refuses_at_once_and_says_so() {
    let cluster = cluster(5);
    let log = Waiting::new(cluster.node(0), 4);
    cluster.set_faults(away());
    let mut waiting: Vec<_> = (0..4).map(|n| log.append(n % 2, record("waits"))).collect();
    let refused = |append: &Append| matches!(append, Append::Ready(Some(Err(_))));
    assert!(!waiting.iter().any(refused));
    assert!(refused(&log.append(0, record("no room"))));
    let why = log.ready().unwrap_err();
    assert!(
        why.contains("4 of at most 4 records wait in line") && why.contains("no leader"),
        "{why}"
    );
    waiting.truncate(2);
    log.ready().unwrap();
    waiting.push(log.append(0, record("room again")));
    assert!(!waiting.iter().any(refused));
    log.empty_for_good();
    for outcome in join_all(waiting).await {
        assert!(matches!(outcome, Err(AppendError::NotRecorded(_))), "{outcome:?}");
    }
    cluster.set_faults(LogFaults::default());
    log.append(0, record("while it stops")).await.unwrap();
    assert_eq!(texts(&cluster, 0), ["while it stops"]);
    cluster.set_faults(away());
    assert!(refused(&log.append(0, record("no more waiting"))));
}

/// Whatever the log does in between, a record that was acknowledged stands there once, one that was refused
/// never does, and a control record stands behind all that was appended before it.
#[tokio::test(start_paused = true)]
async fn whatever_fails_the_answers_are_true_and_the_order_is_kept() {
    for seed in 0..200 {
        let (cluster, mut dice) = (cluster(seed), StdRng::seed_from_u64(seed));
        let log = Waiting::new(cluster.node(0), 30);
        let mut appends = Vec::new();
        for n in 0..120 {
            if dice.random_bool(0.2) {
                let hindrance = dice.random_bool(0.4).then(|| "no leader".to_owned());
                let not_recorded = if dice.random_bool(0.5) { 0.4 } else { 0.0 };
                let delay = Duration::ZERO..Duration::from_millis(80);
                let faults = LogFaults {
                    hindrance,
                    not_recorded,
                    delay,
                    unknown_recorded: 0.05,
                    ..LogFaults::default()
                };
                cluster.set_faults(faults);
            }
            let (last, patience) = (dice.random_bool(0.15), dice.random_range(1..400));
            let text = format!("{}{n}", if last { "control " } else { "ballot " });
            let append =
                if last { log.append_last(0, record(&text)) } else { log.append(0, record(&text)) };
            let patience = Duration::from_millis(patience);
            appends
                .push(tokio::spawn(async move { (n, text, last, append.within(patience).await) }));
            sleep(Duration::from_millis(dice.random_range(0..20))).await;
        }
        let outcomes = join_all(appends).await.into_iter().map(Result::unwrap);
        let outcomes: Vec<_> = outcomes.collect();
        cluster.set_faults(LogFaults::default());
        sleep(60 * SECOND).await;
        let there = texts(&cluster, 0);
        let place = |text: &str| there.iter().position(|other| other == text);
        for (n, text, last, outcome) in &outcomes {
            let copies = there.iter().filter(|other| *other == text).count();
            match outcome {
                Ok(_) => assert_eq!(copies, 1, "seed {seed}: {text} was acknowledged"),
                Err(AppendError::NotRecorded(_)) => {
                    assert_eq!(copies, 0, "seed {seed}: {text} was refused")
                }
                Err(AppendError::Unknown(_)) => assert!(copies <= 1, "seed {seed}: {text}"),
            }
            let Some(control) = place(text).filter(|_| *last) else { continue };
            for (_, before, ..) in
                outcomes.iter().filter(|(m, _, last, outcome)| m < n && !last && outcome.is_ok())
            {
                assert!(
                    place(before).unwrap() < control,
                    "seed {seed}: {text} has passed {before}"
                );
            }
        }
        assert!(outcomes.iter().any(|(.., outcome)| outcome.is_ok()));
        assert_eq!(log.shared.waiting.load(Ordering::Acquire), 0, "seed {seed}");
        assert_eq!(log.shared.line(0).lock().undecided, 0, "seed {seed}");
    }
}
