//! The memory log fails when it is told to, and its answers are true all the same.

#![allow(clippy::unwrap_used)]

use futures_util::future::join_all;

use super::*;

fn cluster(faults: LogFaults, seed: u64) -> MemoryLog {
    let generation = Generation("0199a3a4-0000-7000-8000-000000000001".parse().unwrap());
    MemoryLog::new(generation, 2, LogLimits::default(), faults, seed)
}

fn all_faults() -> LogFaults {
    LogFaults {
        not_recorded: 0.1,
        unknown_lost: 0.1,
        unknown_recorded: 0.2,
        delay: Duration::ZERO..Duration::from_millis(50),
        duplicate: 0.1,
        no_offset: 0.1,
        ..LogFaults::default()
    }
}

fn record(text: String) -> NewRecord {
    NewRecord { key: "key".into(), value: text.into() }
}

/// `Outcomes` is what became of one node's appends, in order.
type Outcomes = Vec<AppendOutcome>;

/// Runs 600 appends from two nodes, one after another on each, and returns what became of them.
async fn run(seed: u64) -> (MemoryLog, Vec<Outcomes>) {
    let cluster = cluster(all_faults(), seed);
    let nodes = (0..2).map(|member| {
        let node = cluster.node(member);
        async move {
            let mut outcomes = Vec::new();
            for i in 0..300 {
                outcomes.push(node.append(i % 2, record(format!("{member} {i}"))).await);
            }
            outcomes
        }
    });
    let outcomes = join_all(nodes).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    (cluster, outcomes)
}

fn places(cluster: &MemoryLog, partition: Partition, text: &str) -> Vec<Offset> {
    let records = cluster.records(partition).into_iter();
    records.filter(|r| r.value == text.as_bytes()).map(|r| r.offset).collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_the_answers_are_true() {
    let (mut twice, mut late, mut lost, mut unplaced) = (0, 0, 0, 0);
    for seed in 0..20 {
        let (cluster, outcomes) = run(seed).await;
        for (member, outcomes) in outcomes.iter().enumerate() {
            let mut before = [0; 2];
            for (i, outcome) in outcomes.iter().enumerate() {
                let found = places(&cluster, i as u32 % 2, &format!("{member} {i}"));
                match outcome {
                    Ok(position) => {
                        assert!(!found.is_empty(), "acknowledged, so there");
                        assert!(found[0] > before[i % 2], "in order");
                        before[i % 2] = found[0];
                        assert!(position.offset.is_none_or(|offset| found[0] == offset));
                        unplaced += u32::from(position.offset.is_none());
                        twice += u32::from(found.len() == 2);
                    }
                    Err(AppendError::NotRecorded(_)) => assert!(found.is_empty()),
                    Err(AppendError::Unknown(_)) => {
                        late += u32::from(found.len() == 1);
                        lost += u32::from(found.is_empty());
                    }
                }
            }
        }
    }
    for (kind, times) in [("twice", twice), ("late", late), ("lost", lost), ("unplaced", unplaced)]
    {
        assert!(times > 100, "{kind} happened {times} times");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run() {
    let (one, outcomes) = run(7).await;
    let (two, again) = run(7).await;
    assert_eq!(outcomes, again);
    assert_eq!(one.records(0), two.records(0));
    assert_eq!(one.records(1), two.records(1));
    assert_ne!(outcomes, run(8).await.1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_leaves_some_and_answers_none() {
    let faults = LogFaults {
        delay: Duration::from_millis(1)..Duration::from_millis(9),
        ..LogFaults::default()
    };
    let cluster = cluster(faults, 3);
    let (node, other) = (cluster.node(0), cluster.node(1));
    let appends: Vec<_> = (0..100).map(|i| node.append(0, record(format!("{i}")))).collect();
    let spared = other.append(0, record("spared".into()));
    tokio::time::sleep(Duration::from_millis(1)).await;
    node.crash();
    assert!(matches!(
        node.append(0, record("after".into())).await,
        Err(AppendError::NotRecorded(_))
    ));
    node.shut().await;
    for outcome in join_all(appends).await {
        assert!(!matches!(outcome, Err(AppendError::NotRecorded(_))), "{outcome:?}");
    }
    spared.await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let landed = cluster.records(0).len() - 2;
    assert!((10..90).contains(&landed), "{landed} of 100 landed");
    let again = cluster.node(0);
    again.append(0, record("a new process".into())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reads_and_feeds_fail_as_told() {
    let cluster = cluster(LogFaults { read_error: 1.0, ..LogFaults::default() }, 1);
    let node = cluster.node(0);
    let unavailable = |error| matches!(error, Some(ReadError::Unavailable(_)));
    assert!(unavailable(node.read(0, 0, 1, Duration::ZERO).await.err()));
    assert!(unavailable(node.end(0).await.err()));
    assert!(unavailable(node.join().await.err()));
    assert!(unavailable(node.feed().await.err()));

    cluster.set_faults(LogFaults { feed_lost: 1.0, ..LogFaults::default() });
    let mut feed = node.feed().await.unwrap();
    let generation = node.generation();
    let announcement = Announcement::Progress { partition: 0, generation, next_offset: 1 };
    node.announce(vec![announcement]).await.unwrap();
    assert_eq!(feed.next().await, Err(FeedLost));
    cluster.set_faults(LogFaults::default());
    assert_eq!(feed.next().await, Err(FeedLost), "for ever");
}

#[tokio::test(start_paused = true)]
async fn announcers_overtake_one_another_and_repeat_themselves() {
    let faults = LogFaults {
        announcement_delay: Duration::ZERO..Duration::from_millis(50),
        announcement_duplicate: 0.2,
        ..LogFaults::default()
    };
    let cluster = cluster(faults, 5);
    let nodes = [cluster.node(0), cluster.node(1)];
    let mut feed = nodes[0].feed().await.unwrap();
    let generation = nodes[0].generation();
    for next_offset in 0..200_u64 {
        let partition = next_offset as u32 % 2;
        let announcement = Announcement::Progress { partition, generation, next_offset };
        nodes[partition as usize].announce(vec![announcement]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut seen, mut repeated) = (Vec::new(), 0);
    for announcement in feed.next().await.unwrap() {
        let Announcement::Progress { next_offset, .. } = announcement else { continue };
        match seen.contains(&next_offset) {
            true => repeated += 1,
            false => seen.push(next_offset),
        }
    }
    assert!(repeated > 10, "{repeated} came twice");
    assert!(!seen.is_sorted(), "the two announcers overtake one another");
    for parity in 0..2 {
        let own: Vec<_> = seen.iter().filter(|n| *n % 2 == parity).collect();
        assert!(own.len() == 100 && own.is_sorted(), "each is in order");
    }
}

#[tokio::test(start_paused = true)]
async fn the_test_assigns_partitions() {
    let cluster = cluster(LogFaults::default(), 1);
    let (one, two) = (cluster.node(1), cluster.node(2));
    assert!(!cluster.is_joined(1));
    let (mut first, mut second) = (one.join().await.unwrap(), two.join().await.unwrap());
    assert!(cluster.is_joined(1));
    assert_eq!(first.changed().await, [0, 1]);
    cluster.assign(2, vec![1]);
    assert_eq!(second.changed().await, [1], "the first call tells what is so now");
    cluster.assign(1, vec![0]);
    assert_eq!(first.changed().await, [0]);
    let nothing = tokio::time::timeout(Duration::from_secs(9), second.changed()).await;
    assert!(nothing.is_err());
    drop(first);
    assert!(!cluster.is_joined(1), "dropping it leaves the group");
}

#[tokio::test(start_paused = true)]
async fn a_shortened_log_is_out_of_range() {
    let cluster = cluster(LogFaults::default(), 1);
    let node = cluster.node(0);
    node.append(0, record("gone".into())).await.unwrap();
    cluster.truncate(0, 1);
    let error = node.read(0, 2, 1, Duration::ZERO).await.unwrap_err();
    assert_eq!(error, ReadError::OutOfRange { partition: 0, from: 2, end: 1 });
}
