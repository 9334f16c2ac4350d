//! What a real cluster does not do on demand is tested here, against librdkafka's own mock of a cluster.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::timeout;

use super::listing::Names;
use super::*;

const LONG: Duration = Duration::from_secs(30);

fn record(text: &str) -> NewRecord {
    NewRecord { key: "key".into(), value: text.to_owned().into() }
}

fn config(mock: &MockCluster<'_, DefaultProducerContext>) -> KafkaConfig {
    let broker = mock.bootstrap_servers().split(',').map(str::to_owned).collect();
    KafkaConfig { broker, ..KafkaConfig::default() }
}

fn start(config: &KafkaConfig, limits: &LogLimits, stop: &CancellationToken) -> Producer {
    Producer::start(config, limits, &Names::new(""), 2, stop.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fatal_error_is_outlived_by_a_new_producer() {
    let mock = MockCluster::new(3).unwrap();
    mock.create_topic("votes", 2, 3).unwrap();
    let stop = CancellationToken::new();
    let producer = start(&config(&mock), &LogLimits::default(), &stop);
    producer.append(0, record("before")).await.unwrap();

    // A broker that has lost records answers so; no idempotent producer goes on after that.
    let gap = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    mock.request_errors(RDKafkaApiKey::Produce, &[gap]);
    let struck = timeout(LONG, producer.append(0, record("struck"))).await.unwrap();
    assert!(matches!(struck, Err(AppendError::Unknown(_))), "{struck:?}");
    let healed = async {
        // Until the producer is replaced it refuses appends, and says that they were not recorded.
        while let Err(why) = producer.append(0, record("again")).await {
            assert!(matches!(why, AppendError::NotRecorded(_)), "{why:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, healed).await.unwrap();
    producer.ready().unwrap();
    producer.append(1, record("after")).await.unwrap();
    producer.shut().await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_a_broker_refuses_for_itself_is_certainly_not_recorded() {
    let mock = MockCluster::new(3).unwrap();
    mock.create_topic("votes", 2, 3).unwrap();
    let stop = CancellationToken::new();
    let config = KafkaConfig { timeout: Duration::from_secs(2), ..config(&mock) };
    let producer = start(&config, &LogLimits::default(), &stop);
    producer.append(0, record("before")).await.unwrap();

    mock.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD],
    );
    let refused = timeout(LONG, producer.append(0, record("malformed"))).await.unwrap();
    assert!(matches!(refused, Err(AppendError::NotRecorded(_))), "{refused:?}");
    let long = record(&"x".repeat(2 << 20));
    let refused = timeout(LONG, producer.append(0, long)).await.unwrap();
    assert!(matches!(refused, Err(AppendError::NotRecorded(_))), "{refused:?}");

    // No broker answers, so nobody can know whether anything was written.
    (1..=3).for_each(|broker| mock.broker_down(broker).unwrap());
    let lost = timeout(LONG, producer.append(0, record("lost"))).await.unwrap();
    assert!(matches!(lost, Err(AppendError::Unknown(_))), "{lost:?}");
    (1..=3).for_each(|broker| mock.broker_up(broker).unwrap());
    let back = timeout(LONG, async { while producer.append(0, record("back")).await.is_err() {} });
    back.await.unwrap();
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_a_lost_batch_is_certainly_not_recorded() {
    let mock = MockCluster::new(3).unwrap();
    mock.create_topic("votes", 2, 3).unwrap();
    let stop = CancellationToken::new();
    let config = KafkaConfig { timeout: Duration::from_secs(2), ..config(&mock) };
    let producer = start(&config, &LogLimits::default(), &stop);
    producer.append(0, record("before")).await.unwrap();

    (1..=3).for_each(|broker| mock.broker_down(broker).unwrap());
    let begun = tokio::time::Instant::now();
    let sent = producer.append(0, record("sent"));
    tokio::time::sleep(2 * config.linger).await;
    let behind: Vec<_> = (0..9).map(|_| producer.append(0, record("behind"))).collect();
    let sent = timeout(LONG, sent).await.unwrap();
    assert!(matches!(sent, Err(AppendError::Unknown(_))), "{sent:?}");
    for append in behind {
        let outcome = timeout(LONG, append).await.unwrap();
        assert!(matches!(outcome, Err(AppendError::NotRecorded(_))), "{outcome:?}");
    }
    assert!(begun.elapsed() < 2 * config.timeout, "{:?}", begun.elapsed());
    (1..=3).for_each(|broker| mock.broker_up(broker).unwrap());
    let back = timeout(LONG, async { while producer.append(0, record("back")).await.is_err() {} });
    back.await.unwrap();
    producer.shut().await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_partition_cannot_take_the_places_of_all() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("votes", 2, 1).unwrap();
    let stop = CancellationToken::new();
    let config = KafkaConfig { partition_queue: 10, ..config(&mock) };
    let limits = LogLimits { queue: 15, ..LogLimits::default() };
    let producer = start(&config, &limits, &stop);
    mock.broker_down(1).unwrap();
    let refused = |append: &Append| matches!(append, Append::Ready(_));
    let one: Vec<_> = (0..12).map(|_| producer.append(0, record("one"))).collect();
    assert_eq!(one.iter().filter(|append| refused(append)).count(), 2);
    let other: Vec<_> = (0..12).map(|_| producer.append(1, record("other"))).collect();
    assert_eq!(other.iter().filter(|append| refused(append)).count(), 7);
    mock.broker_up(1).unwrap();
    for append in one.into_iter().chain(other) {
        let taken = !refused(&append);
        assert_eq!(timeout(LONG, append).await.unwrap().is_ok(), taken);
    }
    // The partition's places are free again.
    let again: Vec<_> = (0..10).map(|_| producer.append(0, record("again"))).collect();
    for append in again {
        append.await.unwrap();
    }
    producer.shut().await;
    stop.cancel();
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let broker = vec!["kafka1:9092".to_owned()];
    let sound = KafkaConfig { broker, ..KafkaConfig::default() };
    client::check(&sound).unwrap();
    let some = || Some("x".into());
    for (wrong, named) in [
        (KafkaConfig { broker: vec![], ..sound.clone() }, "KAFKA_BROKER"),
        (KafkaConfig { user: some(), ..sound.clone() }, "POLLUX_KAFKA_SASL"),
        (KafkaConfig { linger: sound.timeout, ..sound.clone() }, "POLLUX_KAFKA_LINGER"),
        (KafkaConfig { replication: 1, ..sound.clone() }, "POLLUX_KAFKA_WEAK"),
        (KafkaConfig { ca: Some("ca.pem".into()), ..sound.clone() }, "POLLUX_KAFKA_TLS"),
        (
            KafkaConfig { tls: true, key: Some("key.pem".into()), ..sound.clone() },
            "POLLUX_KAFKA_CERTIFICATE",
        ),
    ] {
        let Err(OpenError::Settings(why)) = client::check(&wrong) else { panic!("{named}") };
        assert!(why.contains(named), "{why}");
    }
    client::check(&KafkaConfig { replication: 1, weak: true, ..sound }).unwrap();
}
