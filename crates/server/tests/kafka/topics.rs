//! The topics are made and checked, and the brokers decide who may talk to them.

use std::time::Duration;

use pollux_cluster::Port;
use pollux_core::record::{Entry, Genesis};
use pollux_server::config::{Flush, LogLimits, Password, Sasl};
use pollux_server::log::kafka::{OpenError, flush, topics};

use super::*;

fn ambient() -> Arc<SystemAmbient> {
    Arc::new(SystemAmbient::new())
}

/// Runs `kafka-topics`.
pub fn kafka_topics(args: &[&str]) {
    let mut tool = CLUSTER.tool("org.apache.kafka.tools.TopicCommand");
    let output = tool.args(["--bootstrap-server", &CLUSTER.bootstrap()]).args(args).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn created_topics_keep_the_promise() {
    let _peace = PEACE.read().await;
    let config = fresh(5);
    let made = topics::create(&config, &*ambient()).await.unwrap();
    let prefix = &config.topic_prefix;
    let names = ["votes", "votes.dead", "tallies", "polls"].map(|name| format!("{prefix}{name}"));
    assert_eq!(made.partitions, 5);
    let mut created = made.created.clone();
    created.sort();
    let mut wanted = names.to_vec();
    wanted.sort();
    assert_eq!(created, wanted);
    assert_eq!(made.faults, [""; 0]);
    assert_eq!(made.warnings, [""; 0]);

    let described = topics::describe(&config).await.unwrap();
    let found: Vec<_> = described.iter().map(|topic| topic.name.clone()).collect();
    assert_eq!(found, names);
    assert_eq!(topics::check(&config, &described), [""; 0]);
    let votes = &described[0];
    assert_eq!(votes.partitions.len(), 5);
    for partition in &votes.partitions {
        assert!(partition.leader.is_some() && partition.replicas.len() == 3, "{partition:?}");
    }
    assert_eq!(votes.settings["retention.ms"], "-1");
    assert_eq!(votes.settings["message.timestamp.type"], "LogAppendTime");
    assert_eq!(votes.settings["flush.messages"], "1");
    assert_eq!(described[2].settings["cleanup.policy"], "compact");

    let again = topics::create(&config, &*ambient()).await.unwrap();
    assert_eq!((again.created.len(), again.generation), (0, made.generation));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_begin_at_once_agree_on_one_generation() {
    let _peace = PEACE.read().await;
    let config = fresh(3);
    let begun = (0..6).map(|_| {
        let config = config.clone();
        tokio::spawn(async move { topics::create(&config, &*ambient()).await.unwrap() })
    });
    let mut generations = std::collections::BTreeSet::new();
    let mut creators = 0;
    for one in begun.collect::<Vec<_>>() {
        let made = one.await.unwrap();
        generations.insert(made.generation);
        creators += usize::from(made.created.contains(&made.names.votes));
    }
    assert_eq!((generations.len(), creators), (1, 1));
    let log = open(&config, &LogLimits::default()).await;
    assert_eq!(generations.first(), Some(&log.generation()));
    // Where the creator takes longer than the others wait for it, they write one too, and the first holds.
    for partition in 0..3 {
        let end = log.end(partition).await.unwrap();
        assert!((1..=6).contains(&end), "partition {partition} has {end} records");
    }
}

/// A broker that has not heard of a topic must not be read as one that says the topic has no settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_the_broker_does_not_know_is_not_one_without_settings() {
    let _peace = PEACE.read().await;
    let config = fresh(1);
    let mut topics = topics::create(&config, &*ambient()).await.unwrap().topics;
    let names = topics::Names::new(&config.topic_prefix);
    let told = topics.clone();
    topics[1].name = format!("{}unheard", config.topic_prefix);
    topics.iter_mut().for_each(|topic| topic.settings.clear());
    let untold = topics::read_settings(&config, &names, &mut topics).await.unwrap();
    assert_eq!(untold, [topics[1].name.clone()]);
    for n in [0, 2, 3] {
        assert_eq!(topics[n], told[n]);
    }
}

/// The node that made the topics died. Several of the later ones write genesis records, and still agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_creator_died_is_begun_by_the_others() {
    let _peace = PEACE.read().await;
    let config = fresh(2);
    let votes = format!("{}votes", config.topic_prefix);
    let plan = ["--create", "--partitions", "2", "--config", "retention.ms=-1", "--topic", &votes];
    tokio::task::block_in_place(|| kafka_topics(&plan));
    let limits = LogLimits::default();
    let (one, two) = tokio::join!(open(&config, &limits), open(&config, &limits));
    assert_eq!(one.generation(), two.generation());
    for partition in 0..2 {
        let first = one.read(partition, 0, 10, Duration::from_secs(5)).await.unwrap();
        for (n, record) in first.iter().enumerate() {
            let Ok(Entry::Genesis(genesis)) = Entry::decode(&record.value) else {
                panic!("{record:?}");
            };
            let wanted = Genesis { generation: one.generation(), partition, partitions: 2 };
            assert!(n > 0 && partition == 0 || genesis == wanted, "{genesis:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_break_the_promise_are_refused_with_all_faults() {
    let _peace = PEACE.read().await;
    let config = fresh(2);
    let prefix = &config.topic_prefix;
    tokio::task::block_in_place(|| {
        let votes = format!("{prefix}votes");
        kafka_topics(&[
            "--create",
            "--topic",
            &votes,
            "--partitions",
            "2",
            "--replication-factor",
            "1",
            "--config",
            "min.insync.replicas=1",
            "--config",
            "cleanup.policy=compact",
            "--config",
            "unclean.leader.election.enable=true",
        ]);
        let tallies = format!("{prefix}tallies");
        kafka_topics(&["--create", "--topic", &tallies, "--partitions", "1"]);
    });
    let refused = KafkaLog::open(&config, &LogLimits::default(), ambient()).await;
    let Err(OpenError::Refused(faults)) = refused else { panic!("it was taken") };
    let all = faults.join("\n");
    for said in [
        "votes has 1 of the 3 replicas",
        "votes has min.insync.replicas=1",
        "votes has unclean.leader.election.enable=true",
        "votes has cleanup.policy=compact",
        "votes has retention.ms=604800000",
        "tallies has cleanup.policy=delete",
        "POLLUX_KAFKA_WEAK=true",
    ] {
        assert!(all.contains(said), "{said}: {all}");
    }
    assert_eq!(faults.len(), 7, "{all}");

    // With `weak` set, the operator wants such topics, and they are used.
    let weak = KafkaConfig { weak: true, ..config };
    let log = open(&weak, &LogLimits::default()).await;
    assert_eq!(log.prepared().faults.len(), 6);
    log.append(1, NewRecord { key: "k".into(), value: "v".into() }).await.unwrap();
}

/// A topic of an older version is used, with a warning that names the command; the command changes this
/// setting alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_whose_brokers_do_not_flush_is_told_of_and_altered() {
    let _peace = PEACE.read().await;
    let config = KafkaConfig { flush: Flush::Off, ..fresh(2) };
    let made = topics::create(&config, &*ambient()).await.unwrap();
    assert_eq!(made.warnings, [""; 0], "the operator wants it so");
    assert!(!made.topics[0].settings.contains_key("flush.messages"), "{:?}", made.topics[0]);

    let each = KafkaConfig { flush: Flush::Each, ..config.clone() };
    let log = open(&each, &LogLimits::default()).await;
    let weakness = log.weakness().unwrap();
    for said in ["votes has flush.messages=9223372036854775807", "`pollux topics alter`"] {
        assert!(weakness.contains(said), "{weakness}");
    }
    assert_eq!(log.ready(), Ok(()), "it takes votes all the same");
    log.append(1, NewRecord { key: "k".into(), value: "v".into() }).await.unwrap();
    log.shut().await;
    let required = KafkaConfig { flush: Flush::Required, ..config.clone() };
    let refused = topics::create(&required, &*ambient()).await;
    let Err(OpenError::Refused(faults)) = refused else { panic!("it was taken") };
    assert!(faults[0].contains("`pollux topics alter`"), "{faults:?}");

    let before = topics::describe(&each).await.unwrap();
    let altered = flush::alter(&each).await.unwrap();
    assert_eq!(
        (altered.was.as_str(), altered.is.as_str()),
        ("9223372036854775807 by default", "1")
    );
    let mut wanted = before.clone();
    wanted[0].settings.insert("flush.messages".into(), "1".into());
    let after = topics::describe(&each).await.unwrap();
    let settings = |topics: &[topics::Topic]| {
        topics.iter().map(|topic| topic.settings.clone()).collect::<Vec<_>>()
    };
    assert_eq!(settings(&after), settings(&wanted), "all else is as it was");
    assert_eq!(topics::create(&required, &*ambient()).await.unwrap().warnings, [""; 0]);

    let again = flush::alter(&each).await.unwrap();
    assert_eq!(again.was, "1", "there is nothing to do");
    let undone = flush::alter(&config).await.unwrap();
    assert_eq!(undone.is, "9223372036854775807 by default");
    assert_eq!(topics::describe(&each).await.unwrap()[0].settings, before[0].settings);
    let missing = flush::alter(&fresh(1)).await;
    assert!(matches!(missing, Err(OpenError::Missing(_))), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_of_somebody_else_is_refused() {
    let _peace = PEACE.read().await;
    let config = fresh(1);
    let log = open(&config, &LogLimits::default()).await;
    log.shut().await;
    let votes = format!("{}votes", config.topic_prefix);
    tokio::task::block_in_place(|| {
        kafka_topics(&["--alter", "--topic", &votes, "--partitions", "2"]);
    });
    let grown = KafkaLog::open(&config, &LogLimits::default(), ambient()).await;
    let Err(OpenError::Refused(faults)) = grown else { panic!("it was taken") };
    assert!(faults[0].contains("partition 0") && faults[0].contains("was one of 1"), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secured_brokers_are_connected_to_and_a_wrong_password_is_refused() {
    let _peace = PEACE.read().await;
    let secure = tokio::task::block_in_place(|| CLUSTER.secure().unwrap());
    let brokers = |port| CLUSTER.bootstrap_of(port).split(',').map(str::to_owned).collect();
    let plain = fresh(1);
    let login = KafkaConfig {
        user: Some(secure.user.clone()),
        password: Some(Password(secure.password.clone())),
        ..plain.clone()
    };
    let tls = KafkaConfig { tls: true, ca: Some(secure.ca.clone()), ..login.clone() };
    let ways = [
        KafkaConfig { user: None, password: None, broker: brokers(Port::Tls), ..tls.clone() },
        KafkaConfig { sasl: Some(Sasl::Plain), broker: brokers(Port::Sasl), ..login.clone() },
        KafkaConfig {
            sasl: Some(Sasl::ScramSha512),
            broker: brokers(Port::SaslTls),
            ..tls.clone()
        },
    ];
    let mut generation = None;
    for config in ways {
        let log = open(&config, &LogLimits::default()).await;
        let generation = generation.get_or_insert(log.generation());
        assert_eq!(*generation, log.generation(), "the same log by every door");
        log.append(0, NewRecord { key: "k".into(), value: "v".into() }).await.unwrap();
    }

    let wrong = KafkaConfig {
        sasl: Some(Sasl::ScramSha512),
        broker: brokers(Port::SaslTls),
        password: Some(Password("wrong".into())),
        ..tls
    };
    let refused = KafkaLog::open(&wrong, &LogLimits::default(), ambient()).await;
    assert!(matches!(refused, Err(OpenError::Kafka(_))), "the wrong password");
    let half = KafkaConfig { sasl: Some(Sasl::Plain), ..plain };
    let refused = KafkaLog::open(&half, &LogLimits::default(), ambient()).await;
    assert!(matches!(refused, Err(OpenError::Settings(_))), "a mechanism without a user");
}
