//! The Kafka log is tested on a real cluster, three brokers and their ZooKeeper ensemble, or, with
//! `POLLUX_TEST_KRAFT` set, Kafka 4 in KRaft mode. The cluster is started once for all tests; those that harm
//! it have it for themselves.

#![allow(clippy::unwrap_used, missing_docs)]

mod faults;
mod group;
mod processor;
mod topics;

/// Every backend must pass this suite; here it is built as the server's own tests run it.
#[path = "../../src/log/conformance.rs"]
mod conformance;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use futures_util::future::BoxFuture;
use pollux_cluster::{Cluster, Mode, Options};
use pollux_server::ambient::SystemAmbient;
use pollux_server::config::{self, KafkaConfig, LogLimits};
use pollux_server::log::kafka::KafkaLog;
// The suite expects these names in the module above itself, as in the server.
use pollux_server::log::{
    Append, AppendError, DeadRecord, Feed, FeedLost, Log, NewRecord, ReadError, Record,
};
use tokio::sync::RwLock;

use conformance::{Subject, suite};

/// All tests here share this cluster, which ends with this process, however that ends.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    // Starting clears away what the last run left in the folder.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka");
    let mode = match std::env::var_os("POLLUX_TEST_KRAFT") {
        Some(_) => Mode::KRaft,
        None => Mode::ZooKeeper,
    };
    let options = Options { folder, mode, secure: true, ..Options::default() };
    Cluster::start(&options).unwrap()
});

/// A test holds this lock for writing while it harms the cluster; all others hold it for reading.
static PEACE: LazyLock<Arc<RwLock<()>>> = LazyLock::new(Arc::default);

/// Returns the settings of a log with topics of its own, on the cluster.
fn fresh(partitions: u32) -> KafkaConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    KafkaConfig {
        broker: CLUSTER.bootstrap().split(',').map(str::to_owned).collect(),
        topic_prefix: format!("t{count}."),
        partitions,
        ..KafkaConfig::default()
    }
}

async fn open(config: &KafkaConfig, limits: &LogLimits) -> Arc<KafkaLog> {
    KafkaLog::open(config, limits, Arc::new(SystemAmbient::new())).await.unwrap()
}

async fn subject(partitions: u32, limits: LogLimits) -> Subject {
    let peace = PEACE.clone().read_owned().await;
    let config = tokio::task::spawn_blocking(move || fresh(partitions)).await.unwrap();
    let log = open(&config, &limits).await;
    let reopen = move || -> BoxFuture<'static, Arc<dyn Log>> {
        let (config, limits) = (config.clone(), limits.clone());
        Box::pin(async move { open(&config, &limits).await as Arc<dyn Log> })
    };
    Subject { log, reopen: Some(Box::new(reopen)), _keep: Box::new(peace) }
}

mod promises {
    use super::{conformance, subject, suite};

    suite!(tokio::test(flavor = "multi_thread", worker_threads = 2));
}
