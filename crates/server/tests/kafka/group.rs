//! The group of processors holds every partition, each by one member, whoever comes and goes.

use std::time::Duration;

use pollux_core::id::Partition;
use pollux_server::config::LogLimits;
use pollux_server::log::Membership;
use tokio::time::timeout;

use super::*;

const LONG: Duration = Duration::from_secs(30);

/// Waits until the members hold these numbers of partitions.
async fn until(members: &mut [(Box<dyn Membership>, Vec<Partition>)], sizes: &[usize]) {
    let shared = async {
        loop {
            let mut now: Vec<_> = members.iter().map(|(_, held)| held.len()).collect();
            now.sort_unstable();
            if now == sizes {
                break;
            }
            let changes = members
                .iter_mut()
                .map(|(member, held)| Box::pin(async move { *held = member.changed().await }));
            futures_util::future::select_all(changes).await;
        }
    };
    timeout(LONG, shared).await.unwrap();
    let mut all: Vec<_> = members.iter().flat_map(|(_, held)| held.clone()).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5], "each is held once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_the_partitions() {
    let _peace = PEACE.read().await;
    let config = tokio::task::spawn_blocking(|| fresh(6)).await.unwrap();
    let (one, two) =
        (open(&config, &LogLimits::default()).await, open(&config, &LogLimits::default()).await);
    let mut members = vec![(one.join().await.unwrap(), vec![])];
    until(&mut members, &[6]).await;
    members.push((two.join().await.unwrap(), vec![]));
    until(&mut members, &[3, 3]).await;
    members.push((two.join().await.unwrap(), vec![]));
    until(&mut members, &[2, 2, 2]).await;
    members.remove(0);
    until(&mut members, &[3, 3]).await;
    // A log that is shut takes its members along.
    let three = open(&config, &LogLimits::default()).await;
    members.push((three.join().await.unwrap(), vec![]));
    until(&mut members, &[2, 2, 2]).await;
    three.shut().await;
    members.pop();
    until(&mut members, &[3, 3]).await;
}
